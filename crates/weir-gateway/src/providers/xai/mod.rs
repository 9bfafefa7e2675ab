//! xAI.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "xai",
    base_url: "https://api.x.ai/v1",
    key_env: &["XAI_API_KEY"],
    base_url_env: &["XAI_BASE_URL"],
    ..Kind::OPENAI_TYPE
};
