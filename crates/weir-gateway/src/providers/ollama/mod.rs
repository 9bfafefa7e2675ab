//! Ollama on this machine, through its OpenAI-compatible endpoint.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "ollama",
    base_url: "http://127.0.0.1:11434/v1",
    base_url_env: &["OLLAMA_BASE_URL"],
    ..Kind::OPENAI_TYPE
};
