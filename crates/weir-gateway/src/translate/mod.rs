//! Translation between the two chat protocols: OpenAI chat completions and Anthropic Messages.
//!
//! One folder per direction, named *what the client speaks* `_to_` *what the upstream speaks*, with the same files in
//! each: `request` (client to upstream), `response` (upstream to client, whole bodies), `stream` (upstream to client,
//! one server-sent event at a time). [`error`] carries error envelopes both ways.
//!
//! Invariants:
//! - Pure: no I/O, no clock, no randomness. What an answer needs from its request travels in a `RequestContext`.
//! - No input panics, and work and memory are linear in the input; a stream holds no text, only counters.
//! - What needs no change is copied, not printed again: texts keep their escapes, and numbers in schemas, tool inputs
//!   and sampling parameters never pass through `f64`. Tool arguments only lose whitespace between JSON tokens. An
//!   escaped lone surrogate is copied like any text.
//! - A member that the other protocol cannot express is an error that names it, unless the caller asked to drop such
//!   members. Hints that cannot change the answer (`store`, `metadata`, image `detail`, ...) are dropped in silence.

pub mod chat_to_messages;
pub mod error;
pub mod messages_to_chat;

pub(crate) mod json;
mod names;
mod usage;

pub use error::{TranslateError, error_to_anthropic, error_to_openai};
pub use names::ToolNames;
pub use usage::Usage;

#[cfg(test)]
mod error_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod hostile_tests;
