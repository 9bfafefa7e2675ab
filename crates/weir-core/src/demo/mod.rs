//! The demo provider's answers: deterministic, labelled as such, made without a network, so that a newcomer sees a call
//! arrive. The gateway serves them as the provider `demo`, the library uses them when it was given no provider.
//! Models: `echo` repeats the last message, `lorem` writes filler, `embed` makes vectors.

mod chat;
mod embeddings;

pub use chat::{ChatAnswer, chat};
pub use embeddings::embeddings;

/// The models that the demo provider lists.
pub const MODELS: &[&str] = &["echo", "lorem", "embed"];
