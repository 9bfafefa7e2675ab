//! OpenRouter.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "openrouter",
    base_url: "https://openrouter.ai/api/v1",
    key_env: &["OPENROUTER_API_KEY"],
    base_url_env: &["OPENROUTER_BASE_URL"],
    ..Kind::OPENAI_TYPE
};
