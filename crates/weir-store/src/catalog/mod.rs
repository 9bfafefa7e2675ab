//! The contract of the catalog: what is small and transactional, one trait per concept. Calls block; async callers go
//! through a thread.

mod batches;
mod prompts;

pub use batches::{
    BatchCounts, BatchProblem, BatchPut, BatchRecord, BatchStatus, Batches, FileDeleted, FileQuery, FileRecord,
};
pub use prompts::{PromptRecord, Prompts, Put};

/// Everything that a catalog keeps.
pub trait Catalog: Prompts + Batches {}

impl<T: Prompts + Batches> Catalog for T {}
