//! vLLM.

use super::Kind;

pub(super) static KIND: Kind =
    Kind { name: "vllm", base_url: "http://127.0.0.1:8000/v1", base_url_env: &["VLLM_BASE_URL"], ..Kind::OPENAI_TYPE };
