//! What the engine is fed: the figures of one bucket of time of one project.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::sketch::Sketch;
use weir_core::time::Micros;

/// The figures of some calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Calls.
    pub calls: u64,
    /// Calls that failed for any reason but a rate limit.
    pub errors: u64,
    /// Calls that met a rate limit.
    pub rate_limited: u64,
    /// Calls answered from the cache.
    pub cache_hits: u64,
    /// All tokens of prompts, cached ones too.
    pub prompt_tokens: u64,
    /// All tokens of answers, reasoning too.
    pub completion_tokens: u64,
    /// Known cost, nano-dollars.
    pub cost: i64,
    /// Calls whose cost is known.
    pub priced: u64,
    /// Sum of latencies, microseconds.
    pub latency_sum_us: u64,
    /// Latencies, microseconds; empty where only sums are known.
    pub latency: Sketch,
}

/// A decision of a workflow: `workflow: node`, and the branch taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Branch {
    /// The workflow; empty when it names none.
    pub workflow: String,
    /// The node that was left.
    pub node: String,
    /// The node that was entered.
    pub target: String,
}

/// One closed bucket of one project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Its start; its end is one width later.
    pub start: Micros,
    /// All calls.
    pub total: Cell,
    /// How often each branch was taken.
    pub branches: BTreeMap<Branch, u64>,
}
