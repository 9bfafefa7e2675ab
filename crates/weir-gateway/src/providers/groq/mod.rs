//! Groq: OpenAI's API; it refuses a few members of it.

use super::Kind;

pub(super) static KIND: Kind = Kind {
    name: "groq",
    base_url: "https://api.groq.com/openai/v1",
    key_env: &["GROQ_API_KEY"],
    base_url_env: &["GROQ_BASE_URL"],
    drop: &["logprobs", "logit_bias", "top_logprobs"],
    ..Kind::OPENAI_TYPE
};
