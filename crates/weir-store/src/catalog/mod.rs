//! The contract of the catalog: what is small and transactional, one trait per concept. Calls block; async callers go
//! through a thread.

mod artifacts;
mod batches;
mod prompts;

pub use artifacts::{ArtifactEntry, ArtifactRecord, Artifacts, BlobRecord, PutArtifact, UploadRecord};
pub use batches::{
    BatchCounts, BatchProblem, BatchPut, BatchRecord, BatchStatus, Batches, FileDeleted, FileQuery, FileRecord,
};
pub use prompts::{PromptRecord, Prompts, Put};

/// Everything that a catalog keeps.
pub trait Catalog: Prompts + Batches + Artifacts {}

impl<T: Prompts + Batches + Artifacts> Catalog for T {}
