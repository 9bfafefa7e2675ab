//! What the engine can be told. The defaults are meant to be left alone.

use serde::{Deserialize, Serialize};
use weir_core::time::{MINUTE, Micros};

/// How the engine judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Width of a bucket, microseconds; five minutes. An engine that was saved with another width is not restored.
    pub bucket: Micros,
    /// Multiplies every threshold: above 1 less is found, below 1 more.
    pub strictness: f64,
    /// The four documented rules.
    pub rules: Rules,
}

impl Default for Settings {
    fn default() -> Self {
        Self { bucket: 5 * MINUTE, strictness: 1.0, rules: Rules::default() }
    }
}

/// The four documented rules: the mean of the last hour against that of the 24 hours before. They know neither the hour
/// of the day nor chance, so what they find is information: [`weir_core::anomaly::Severity::Info`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Whether they are applied at all.
    pub enabled: bool,
    /// Tokens per call, as a multiple of before.
    pub token_ratio: f64,
    /// Cost per call, as a multiple of before.
    pub cost_ratio: f64,
    /// Latency per call, as a multiple of before.
    pub latency_ratio: f64,
    /// Change of a branch's share among the decisions of its node, in either direction.
    pub branch_difference: f64,
    /// So many calls, or decisions of a node, must be in each of the two times.
    pub min_sample: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            enabled: false,
            token_ratio: 1.5,
            cost_ratio: 2.0,
            latency_ratio: 1.5,
            branch_difference: 0.2,
            min_sample: 20,
        }
    }
}
