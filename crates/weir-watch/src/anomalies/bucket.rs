//! What the engine is fed: the figures of one bucket of time of one project.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::call_sums::CallSums;
use weir_core::time::Micros;

/// A decision of a workflow: `workflow: node`, and the branch taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Branch {
    /// The workflow; empty when it names none.
    pub workflow: String,
    /// The node that was left.
    pub node: String,
    /// The node that was entered.
    pub target: String,
}

/// A part of the traffic: the calls with one value of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Part {
    /// `model`, `provider`, `department`, `prompt_version`.
    pub dimension: String,
    /// Its value.
    pub value: String,
}

/// One closed bucket of one project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Its start; its end is one width later.
    pub start: Micros,
    /// All calls.
    pub total: CallSums,
    /// Those of each part. Parts of different dimensions overlap; rate limits are not told apart in them.
    pub parts: BTreeMap<Part, CallSums>,
    /// How often each branch was taken.
    pub branches: BTreeMap<Branch, u64>,
}
