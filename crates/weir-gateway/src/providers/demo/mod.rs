//! The demo provider: answers within Weir, deterministic and labelled as such, so that a newcomer sees a call arrive
//! without a key and without a network. What it answers is made in [`weir_core::demo`].

use std::time::Duration;

use bytes::Bytes;
use weir_core::demo;
use weir_core::error::{Code, Error};

use super::{Endpoint, Kind, Wire};
use crate::upstream::UpstreamBody;

pub(super) static KIND: Kind = Kind { name: "demo", wire: Wire::Demo, ..Kind::OPENAI_TYPE };

/// The models that the demo provider lists.
pub const MODELS: &[&str] = demo::MODELS;

/// The pause between the pieces of a stream: slow enough to be seen.
const PAUSE: Duration = Duration::from_millis(20);

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
        Endpoint::Chat => {
            let answer = demo::chat(model, body)?;
            if !stream {
                return Ok(Made::Whole(answer.whole().to_string().into()));
            }
            let events = answer.chunks().into_iter().map(|chunk| Bytes::from(format!("data: {chunk}\n\n")));
            let pieces = events.chain([Bytes::from_static(b"data: [DONE]\n\n")]).collect();
            Ok(Made::Stream(UpstreamBody::made(pieces, PAUSE)))
        }
        Endpoint::Embeddings => demo::embeddings(model, body).map(|answer| Made::Whole(answer.to_string().into())),
        Endpoint::Completions | Endpoint::Responses | Endpoint::Messages => Err(Error::new(
            Code::NotFound,
            "the demo provider serves chat completions and embeddings only; configure a provider for the rest",
        )),
    }
}
