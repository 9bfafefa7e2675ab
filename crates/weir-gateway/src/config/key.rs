use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// What a key may do; each role includes the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyRole {
    /// Call models.
    #[default]
    Call,
    /// Also write traces, runs and scores.
    Write,
    /// Also read what was recorded.
    Read,
    /// Everything.
    Admin,
}

/// A key: who may call, what, and how much.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeyConfig {
    /// Its name, in calls, statistics and limits.
    pub name: String,
    /// The key: `env:NAME` or a literal. `weir key new` makes one.
    pub key: Option<Secret>,
    /// Or its SHA-256 in hex, so that the file holds no secret.
    pub sha256: Option<String>,
    /// What it may do: call, write, read or admin.
    pub role: KeyRole,
    /// Models it may call, as asked for; a trailing `*` matches any ending. Empty: any.
    pub models: Vec<String>,
    /// Requests per minute.
    pub rpm: Option<u32>,
    /// Tokens per minute, prompt and answer.
    pub tpm: Option<u64>,
    /// Dollars per UTC day. A call is reserved by its prompt and its bound on the answer (1,024
    /// tokens without one) and settled by what it cost; models without a known price are not counted.
    pub budget_usd_per_day: Option<f64>,
    /// Dollars per UTC month.
    pub budget_usd_per_month: Option<f64>,
    /// The share of a budget from which on it alerts (log and `llm_budget_alerts_total`), 0.8 unless set.
    pub budget_soft: Option<f64>,
    /// The model that serves calls once a budget is spent. Without it they are refused with 429.
    pub budget_fallback: Option<String>,
    /// Project of its calls.
    pub project: Option<String>,
    /// Department of its calls; callers cannot name another.
    pub department: Option<String>,
}
