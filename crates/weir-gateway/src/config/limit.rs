use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A limit on calls that carry a label: a department, a project, a user, or any member of the request's metadata.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitConfig {
    /// The label: `department`, `project`, `user`, `session`, or the name of a member of `metadata`.
    pub label: String,
    /// Its value; `*` gives every value that has no limit by name an allowance of its own.
    pub value: String,
    /// Requests per minute.
    pub rpm: Option<u32>,
    /// Tokens per minute, prompt and answer.
    pub tpm: Option<u64>,
    /// Dollars per UTC day, reserved and settled as those of a key.
    pub budget_usd_per_day: Option<f64>,
    /// Dollars per UTC month.
    pub budget_usd_per_month: Option<f64>,
    /// The share of a budget from which on it alerts (log and `llm_budget_alerts_total`), 0.8 unless set.
    pub budget_soft: Option<f64>,
    /// The model that serves calls once a budget is spent. Without it they are refused with 429; so they are by any other
    /// budget of theirs that is spent and has none.
    pub budget_fallback: Option<String>,
}
