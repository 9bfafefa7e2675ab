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

/// What an answer of a cascade must be like to be taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AcceptConfig {
    /// Where the request asks for JSON (`response_format`), the answer is JSON that fits the schema.
    pub schema: bool,
    /// It is no refusal: no refusal member, no content filter, and it does not begin with a phrase of refusal.
    pub refusals: bool,
    /// It was not cut off by its bound (finish reason `length`).
    pub finished: bool,
    /// Characters of text, at least; calls of tools are long enough.
    pub min_chars: usize,
}

impl Default for AcceptConfig {
    fn default() -> Self {
        Self { schema: true, refusals: true, finished: true, min_chars: 1 }
    }
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
    /// Instead of targets: models from the cheapest to the best. The first answer that passes `accept` is taken; the
    /// rejected ones are paid for all the same and counted in the call's cost. Streams are sent once an answer is taken.
    /// A cascade is no part of another model.
    pub cascade: Vec<String>,
    /// What an answer of the cascade must be like.
    pub accept: AcceptConfig,
}
