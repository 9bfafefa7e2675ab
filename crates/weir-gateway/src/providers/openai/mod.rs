//! OpenAI, and with a base URL everything that speaks its API.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "openai",
    base_url: "https://api.openai.com/v1",
    key_env: &["OPENAI_API_KEY"],
    base_url_env: &["OPENAI_BASE_URL"],
    // The 'metadata' parameter is only allowed when 'store' is enabled.
    strict_metadata_host: Some("api.openai.com"),
    ..Kind::OPENAI_TYPE
};
