//! Hugging Face Text Generation Inference, through its OpenAI-compatible endpoint.

use super::Kind;

pub(super) static KIND: Kind =
    Kind { name: "tgi", base_url: "http://127.0.0.1:8080/v1", base_url_env: &["TGI_BASE_URL"], ..Kind::OPENAI_TYPE };
