//! The demo provider: answers within Weir, deterministic and labelled as such, so that a newcomer sees a call arrive
//! without a key and without a network. Models: `demo/echo` repeats the last message, `demo/lorem` writes filler.

mod chat;
mod embeddings;

use bytes::Bytes;
use weir_core::error::{Code, Error};

use super::{Endpoint, Kind, Wire};
use crate::upstream::UpstreamBody;

pub(super) static KIND: Kind = Kind { name: "demo", wire: Wire::Demo, ..Kind::OPENAI_TYPE };

/// The models that the demo provider lists.
pub const MODELS: &[&str] = &["echo", "lorem", "embed"];

/// What the demo provider answers.
pub enum Made {
    /// A whole answer.
    Whole(Bytes),
    /// A stream.
    Stream(UpstreamBody),
}

/// Answers a request in OpenAI's form.
///
/// # Errors
/// For endpoints that it does not have.
pub fn answer(endpoint: Endpoint, model: &str, body: &[u8], stream: bool) -> Result<Made, Error> {
    match endpoint {
        Endpoint::Chat => chat::answer(model, body, stream),
        Endpoint::Embeddings => embeddings::answer(model, body),
        Endpoint::Completions | Endpoint::Responses | Endpoint::Messages => Err(Error::new(
            Code::NotFound,
            "the demo provider serves chat completions and embeddings only; configure a provider for the rest",
        )),
    }
}
