use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the metrics page tells apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Labels that calls are counted by, each with its closed set of values, as in `department = ["engineering", "sales"]`.
    /// Every other value counts as `other`, a call without the label as `none`.
    pub labels: BTreeMap<String, Vec<String>>,
}
