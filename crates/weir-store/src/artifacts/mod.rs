//! Files of runs, models and traces: one flat tree of names (in the catalog) over contents that are addressed by their
//! digest and kept in a folder or in an object store.
//!
//! Invariants: a file is in the tree only when its bytes are durable, and answered only then; a name never becomes the
//! name of a file on disk; what a transfer holds in memory does not grow with the file; bytes that no file has are
//! deleted, and no others.

mod contents;
mod error;
mod folder;
mod objects;
mod parts;
mod path;
mod sweep;
mod transfer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLock, Semaphore};
use weir_core::time::Clock;

pub use error::ArtifactError;
pub use objects::ObjectOptions;
pub use path::{ArtifactPath, MAX_PART, MAX_PATH, PathProblem};
pub use sweep::Swept;
pub use transfer::Opened;

use crate::catalog::{ArtifactEntry, ArtifactRecord, Artifacts};
use crate::telemetry::StoreError;
use contents::Contents;
use folder::Folder;
use objects::Objects;

/// Transfers at once; more wait, and hold nothing but their connection.
const TRANSFERS: usize = 64;
/// How long a sender may send nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where bytes are kept, and what is allowed.
#[derive(Clone, Debug)]
pub struct ArtifactOptions {
    /// The place.
    pub place: ArtifactPlace,
    /// Largest file; `None` is any.
    pub max_size: Option<u64>,
}

/// Where bytes are kept.
#[derive(Clone, Debug)]
pub enum ArtifactPlace {
    /// In a folder of this machine, which no other Weir uses.
    Folder(PathBuf),
    /// In a bucket, under a prefix that no other Weir uses.
    Objects(ObjectOptions),
}

/// The artifacts of one data folder.
pub struct ArtifactStore {
    tree: Arc<dyn Artifacts>,
    contents: Contents,
    /// Held shared from before bytes get their place until the tree knows them; held alone where bytes are deleted.
    placing: Arc<RwLock<()>>,
    transfers: Arc<Semaphore>,
    max_size: Option<u64>,
    clock: Clock,
}

impl ArtifactStore {
    /// Opens the place of the bytes for a tree.
    ///
    /// # Errors
    /// Names the place and what is wrong with it.
    pub fn open(tree: Arc<dyn Artifacts>, options: &ArtifactOptions, clock: Clock) -> Result<Self, StoreError> {
        let contents = match &options.place {
            ArtifactPlace::Folder(root) => Contents::Folder(Arc::new(Folder::open(root)?)),
            ArtifactPlace::Objects(options) => Contents::Objects(Arc::new(Objects::open(options, tree.clone())?)),
        };
        Ok(Self {
            tree,
            contents,
            placing: Arc::default(),
            transfers: Arc::new(Semaphore::new(TRANSFERS)),
            max_size: options.max_size,
            clock,
        })
    }

    /// The file of a name; blocks.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn file(&self, path: &ArtifactPath) -> Result<Option<ArtifactRecord>, StoreError> {
        self.tree.artifact(path.as_str())
    }

    /// What a folder holds, by name, at most `most`; blocks. `None` is the root.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn list(&self, folder: Option<&ArtifactPath>, most: usize) -> Result<Vec<ArtifactEntry>, StoreError> {
        self.tree.artifacts_in(folder.map(ArtifactPath::as_str), most)
    }

    /// Deletes a file, or a folder with all that is in it, and the bytes that nobody has then; how many files.
    ///
    /// # Errors
    /// When the tree cannot be written. Bytes that cannot be deleted now are at the next [`ArtifactStore::sweep`].
    pub async fn delete(self: &Arc<Self>, path: &ArtifactPath) -> Result<u64, ArtifactError> {
        let (tree, path) = (self.tree.clone(), path.clone());
        let deleted = blocking(move || Ok(tree.delete_artifacts(path.as_str())?)).await?;
        if deleted > 0
            && let Err(error) = self.sweep().await
        {
            tracing::warn!(%error, "bytes of deleted artifacts stay until the next sweep");
        }
        Ok(deleted)
    }
}

impl std::fmt::Debug for ArtifactStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtifactStore").field("contents", &self.contents).finish_non_exhaustive()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(ArtifactError::broke()))
}

#[cfg(test)]
mod tests;
