//! Gemini through its OpenAI-compatible endpoint.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "gemini",
    base_url: "https://generativelanguage.googleapis.com/v1beta/openai",
    key_env: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    base_url_env: &["GEMINI_BASE_URL"],
    strict_metadata_host: Some("googleapis.com"),
    ..Kind::OPENAI_TYPE
};
