//! Together.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "together",
    base_url: "https://api.together.xyz/v1",
    key_env: &["TOGETHER_API_KEY"],
    base_url_env: &["TOGETHER_BASE_URL"],
    ..Kind::OPENAI_TYPE
};
