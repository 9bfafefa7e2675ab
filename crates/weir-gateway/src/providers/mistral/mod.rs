//! Mistral: refuses members that it does not know, and always sends usage in the last chunk of a stream.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "mistral",
    base_url: "https://api.mistral.ai/v1",
    key_env: &["MISTRAL_API_KEY"],
    base_url_env: &["MISTRAL_BASE_URL"],
    stream_usage: false,
    strict_metadata_host: Some("api.mistral.ai"),
    drop: &["stream_options", "user", "store"],
    ..Kind::OPENAI_TYPE
};
