use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::price::Entry;

/// A price that overrides the built-in table. Dollars per million tokens.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceConfig {
    /// The provider's name or kind; without it, any provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// The model, as the provider names it.
    pub model: String,
    /// Input.
    #[serde(rename = "in")]
    pub input: f64,
    /// Output.
    #[serde(rename = "out")]
    pub output: f64,
    /// Input read from the provider's cache; without it, as input.
    #[serde(default)]
    pub cached_in: Option<f64>,
    /// Input written to the provider's cache; without it, as input.
    #[serde(default)]
    pub cache_write: Option<f64>,
}

impl From<&PriceConfig> for Entry {
    fn from(of: &PriceConfig) -> Self {
        Self {
            provider: of.provider.clone(),
            id: of.model.clone(),
            input: Some(of.input),
            output: Some(of.output),
            cached_in: of.cached_in,
            cache_write: of.cache_write,
            ..Self::default()
        }
    }
}
