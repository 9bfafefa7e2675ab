use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The calls that a rule is for: every condition that is set must hold; a list holds if one of its values does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Models, as asked for; a trailing `*` matches any ending.
    pub models: Vec<String>,
    /// Paths of the doors, as in `/v1/chat/completions`.
    pub routes: Vec<String>,
    /// Departments.
    pub departments: Vec<String>,
    /// Names of keys.
    pub keys: Vec<String>,
    /// Projects.
    pub projects: Vec<String>,
    /// Members of the request's metadata, as in `tier = "free"`.
    pub metadata: std::collections::BTreeMap<String, String>,
    /// Estimated tokens of the prompt, at least.
    pub prompt_tokens_from: Option<u64>,
    /// Estimated tokens of the prompt, below.
    pub prompt_tokens_below: Option<u64>,
    /// Hours of the day in UTC, as in `18:00-06:00`.
    pub hours: Option<String>,
    /// The share of the scarcest budget of the call that is left is below; false without a budget.
    pub budget_left_below: Option<f64>,
}

/// A rule that sends calls to another model. The first one that matches wins.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectConfig {
    /// The calls it is for.
    #[serde(default)]
    pub when: When,
    /// The model that they get: `provider/model` or a name of `[models]`.
    #[serde(rename = "use")]
    pub model: String,
}
