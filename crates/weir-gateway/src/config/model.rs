use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How one of several targets is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// At random, by weight.
    #[default]
    Weighted,
    /// The quicker of two picked at random, by recent latency and requests in flight.
    Latency,
}

/// One deployment that can serve a model.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// `provider/model`.
    pub model: String,
    /// Its share among the targets.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

/// A model name that callers use, and who serves it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Deployments of the same model, among which a call is balanced.
    pub targets: Vec<TargetConfig>,
    /// How a target is chosen.
    pub strategy: Strategy,
    /// Models to try, in order, when every target failed. `provider/model` or another configured name.
    pub fallbacks: Vec<String>,
}
