//! The providers. One folder each, one line in [`ALL`]; everything that differs between them is in [`Kind`].

mod anthropic;
mod azure;
mod deepseek;
pub mod demo;
mod gemini;
mod groq;
mod mistral;
mod ollama;
mod openai;
mod openrouter;
mod tgi;
mod together;
mod vllm;
mod xai;

use crate::config::ProviderConfig;

/// Every kind of provider.
pub static ALL: &[&Kind] = &[
    &openai::KIND,
    &azure::KIND,
    &groq::KIND,
    &anthropic::KIND,
    &gemini::KIND,
    &ollama::KIND,
    &vllm::KIND,
    &tgi::KIND,
    &mistral::KIND,
    &deepseek::KIND,
    &together::KIND,
    &openrouter::KIND,
    &xai::KIND,
    &demo::KIND,
];

/// The kind of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// OpenAI's API.
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
    /// Answered within Weir.
    Demo,
}

/// Where a provider wants its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header of its own that holds the bare key.
    Header(&'static str),
}

/// What is called at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Chat completions.
    Chat,
    /// Completions of a plain prompt.
    Completions,
    /// Embeddings.
    Embeddings,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
}

impl Endpoint {
    /// The path behind a base URL that ends in a version.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Responses => "/responses",
            Self::Messages => "/messages",
        }
    }
}

/// A kind of provider: all that tells it from the others.
#[derive(Debug)]
pub struct Kind {
    /// Its name in the configuration, and in the price table.
    pub name: &'static str,
    /// Its base URL, unless configured; empty where there is none.
    pub base_url: &'static str,
    /// Environment variables that hold its key, the first that is set counts. A set one also adds the provider.
    pub key_env: &'static [&'static str],
    /// Environment variables that hold its base URL.
    pub base_url_env: &'static [&'static str],
    /// What it speaks.
    pub wire: Wire,
    /// Where it wants its key.
    pub auth: Auth,
    /// Headers that every request needs.
    pub headers: &'static [(&'static str, &'static str)],
    /// The URL of an endpoint, from the base URL (no trailing slash), the model and the configuration.
    pub url: fn(base: &str, endpoint: Endpoint, model: &str, config: &ProviderConfig) -> String,
    /// Whether it understands `stream_options.include_usage`.
    pub stream_usage: bool,
    /// Hosts that refuse `metadata` unless `store` is true; there, members that only Weir reads are not sent.
    pub strict_metadata_host: Option<&'static str>,
    /// Members it is known to refuse.
    pub drop: &'static [&'static str],
}

impl Kind {
    /// What most kinds are; each folder states what differs.
    pub const OPENAI_TYPE: Self = Self {
        name: "openai",
        base_url: "",
        key_env: &[],
        base_url_env: &[],
        wire: Wire::OpenAi,
        auth: Auth::Bearer,
        headers: &[],
        url: versioned_url,
        stream_usage: true,
        strict_metadata_host: None,
        drop: &[],
    };
}

/// `base` + the endpoint's path: right for every base URL that ends in a version.
fn versioned_url(base: &str, endpoint: Endpoint, _model: &str, _config: &ProviderConfig) -> String {
    format!("{base}{}", endpoint.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_urls_are_as_each_provider_documents_them() {
        let config = ProviderConfig { api_version: Some("2024-06-01".into()), ..ProviderConfig::default() };
        let v1 = ProviderConfig { api_version: Some("none".into()), ..ProviderConfig::default() };
        let url = |kind: &str, endpoint, config: &ProviderConfig| {
            let kind = find(kind).unwrap();
            let base = if kind.base_url.is_empty() { "https://r.openai.azure.com" } else { kind.base_url };
            (kind.url)(base, endpoint, "gpt 4/o", config)
        };
        assert_eq!(url("openai", Endpoint::Chat, &config), "https://api.openai.com/v1/chat/completions");
        assert_eq!(
            url("azure", Endpoint::Chat, &config),
            "https://r.openai.azure.com/openai/deployments/gpt%204%2Fo/chat/completions?api-version=2024-06-01"
        );
        assert_eq!(
            url("azure", Endpoint::Responses, &config),
            "https://r.openai.azure.com/openai/responses?api-version=2024-06-01"
        );
        assert_eq!(url("azure", Endpoint::Chat, &v1), "https://r.openai.azure.com/openai/v1/chat/completions");
        assert_eq!(url("anthropic", Endpoint::Messages, &config), "https://api.anthropic.com/v1/messages");
        assert_eq!(
            url("gemini", Endpoint::Chat, &config),
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"
        );
        assert_eq!(url("groq", Endpoint::Chat, &config), "https://api.groq.com/openai/v1/chat/completions");
        for kind in ALL {
            assert_eq!(ALL.iter().filter(|k| k.name == kind.name).count(), 1, "{}", kind.name);
        }
    }
}
