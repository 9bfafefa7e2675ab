//! Tokens: the disjoint classes that are billed, what a provider's `usage` says about them, and counting text with
//! the tokenizers of the OpenAI models when no usage came.
//!
//! Invariant: nothing here panics or fails on what a provider or a client sent; odd values are clamped, and a count
//! that is not exact says so.

mod bpe;
pub mod chat;
pub mod count;
pub mod counts;
pub mod encoding;
mod pieces;
pub mod usage;

pub use chat::{count_messages, count_tools};
pub use count::{Count, count_text, estimate_fast};
pub use counts::TokenCounts;
pub use encoding::Encoding;
