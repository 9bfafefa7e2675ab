use std::collections::BTreeMap;

use weir_core::time::{DAY, Micros};

/// What is demanded.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// Calls in the window below which nothing is said about calls.
    pub min_calls: u64,
    /// Least share of calls with a trace and a request id, 0 to 1.
    pub traced: f64,
    /// The 95th percentile of latency must be below, milliseconds.
    pub p95_ms: f64,
    /// The share of failed calls must be below, 0 to 1.
    pub error_rate: f64,
    /// What the mean of the scores of a name must not be below.
    pub scores: BTreeMap<String, f64>,
    /// The last test of a channel must not be older, microseconds.
    pub channel_test_max_age: Micros,
    /// The newest backup that was restored on trial must not be older, microseconds.
    pub backup_max_age: Micros,
    /// Whether what cannot be judged counts as a failure of the whole.
    pub unknown_fails: bool,
    /// Checks that are left out, by id.
    pub skip: Vec<String>,
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            min_calls: 100,
            traced: 1.0,
            p95_ms: 10_000.0,
            error_rate: 0.01,
            scores: BTreeMap::new(),
            channel_test_max_age: 30 * DAY,
            backup_max_age: 2 * DAY,
            unknown_fails: false,
            skip: Vec::new(),
        }
    }
}
