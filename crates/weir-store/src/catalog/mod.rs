//! The contract of the catalog: what is small and transactional, one trait per concept. Calls block; async callers go
//! through a thread.

mod prompts;

pub use prompts::{PromptRecord, Prompts, Put};
