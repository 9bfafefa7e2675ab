use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::Time;

use super::Secret;

/// A provider: somebody who serves models.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// What it speaks: openai, azure, groq, anthropic, gemini, ollama, vllm, tgi, mistral, deepseek, together, ... or
    /// demo. Without it: the provider's own name, if that is a kind, else openai.
    pub kind: Option<String>,
    /// Where it is, up to and with the version (`http://127.0.0.1:9000/v1`). Each kind has its own default.
    pub base_url: Option<String>,
    /// Its key: a literal, or `env:NAME`. Without it: the kind's usual environment variable. Where no key is found
    /// and Weir itself asks for none, the caller's own key is passed on.
    pub api_key: Option<Secret>,
    /// The models it serves. Empty: any model.
    pub models: Vec<String>,
    /// Azure's `api-version`; `none` selects its v1 surface.
    pub api_version: Option<String>,
    /// Headers added to every request; values may be `env:NAME`.
    pub headers: BTreeMap<String, Secret>,
    /// Members removed from every request body, for upstreams that refuse them.
    pub drop: Vec<String>,
    /// Whether it can be asked for usage in streams (`stream_options.include_usage`).
    pub stream_usage: Option<bool>,
    /// Overrides `gateway.connect_timeout`.
    #[schemars(with = "Option<String>")]
    pub connect_timeout: Option<Time>,
    /// Overrides `gateway.first_byte_timeout`.
    #[schemars(with = "Option<String>")]
    pub first_byte_timeout: Option<Time>,
    /// Overrides `gateway.idle_timeout`.
    #[schemars(with = "Option<String>")]
    pub idle_timeout: Option<Time>,
    /// Overrides `gateway.total_timeout`.
    #[schemars(with = "Option<String>")]
    pub total_timeout: Option<Time>,
}
