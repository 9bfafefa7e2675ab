//! DeepSeek.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "deepseek",
    base_url: "https://api.deepseek.com/v1",
    key_env: &["DEEPSEEK_API_KEY"],
    base_url_env: &["DEEPSEEK_BASE_URL"],
    ..Kind::OPENAI_TYPE
};
