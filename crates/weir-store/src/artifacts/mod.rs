//! Files of runs, models and traces: one flat tree of names (in the catalog) over contents that are addressed by their
//! digest and kept in a folder.
//!
//! Invariants: a file is in the tree only when its bytes are durable, and answered only then; a name never becomes the
//! name of a file on disk; what a transfer holds in memory does not grow with the file; bytes that no file has are
//! deleted, and no others.

mod error;
mod folder;
mod path;
mod sweep;
mod transfer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::sync::{RwLock, Semaphore};
use weir_core::time::Clock;

pub use error::ArtifactError;
pub use path::{ArtifactPath, MAX_PART, MAX_PATH, PathProblem};
pub use sweep::Swept;
pub use transfer::Opened;

use crate::catalog::{ArtifactEntry, ArtifactRecord, Artifacts, PutArtifact};
use crate::telemetry::StoreError;
use folder::Folder;
use transfer::{Writing, Written};

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
}

/// The artifacts of one data folder.
pub struct ArtifactStore {
    tree: Arc<dyn Artifacts>,
    bytes: Arc<Folder>,
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
    pub fn open(tree: Arc<dyn Artifacts>, options: ArtifactOptions, clock: Clock) -> Result<Self, StoreError> {
        let ArtifactPlace::Folder(root) = options.place;
        Ok(Self {
            tree,
            bytes: Arc::new(Folder::open(&root)?),
            placing: Arc::default(),
            transfers: Arc::new(Semaphore::new(TRANSFERS)),
            max_size: options.max_size,
            clock,
        })
    }

    /// Stores a file under a name, in place of one that has it; durable on return. `length` is what the sender says, if
    /// it says it.
    ///
    /// # Errors
    /// See [`ArtifactError`]; then nothing has changed.
    pub async fn put<E: std::fmt::Display>(
        self: &Arc<Self>,
        path: &ArtifactPath,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), ArtifactError> {
        let most = self.max_size.unwrap_or(u64::MAX);
        let too_large = || ArtifactError::TooLarge(most);
        if length.is_some_and(|length| length > most) {
            return Err(too_large());
        }
        let _place = self.transfers.acquire().await.map_err(|_| ArtifactError::broke())?;
        let mut writing = Writing::begin(&self.bytes).await?;
        let mut body = std::pin::pin!(body);
        loop {
            let next = tokio::time::timeout(PATIENCE, body.next()).await;
            let Some(piece) = next.map_err(|_| ArtifactError::Stalled(PATIENCE.as_secs()))? else { break };
            let got = writing.size();
            let piece = piece.map_err(|e| ArtifactError::BrokeOff { got, why: e.to_string() })?;
            if got.saturating_add(piece.len() as u64) > most {
                return Err(too_large());
            }
            writing.write(&piece).await?;
        }
        let written = writing.finish().await?;
        let put = {
            let (store, path) = (self.clone(), path.clone());
            // Goes on when the sender goes away now: bytes in their place and the tree must agree.
            tokio::spawn(async move { store.place(&path, written).await })
        };
        match put.await.map_err(|_| ArtifactError::broke())?? {
            PutArtifact::Put { unused } => {
                if unused {
                    self.sweep_later();
                }
                Ok(())
            }
            PutArtifact::IsFolder => Err(ArtifactError::IsFolder),
            PutArtifact::UnderFile(file) => Err(ArtifactError::UnderFile(file)),
        }
    }

    async fn place(&self, path: &ArtifactPath, written: Written) -> Result<PutArtifact, ArtifactError> {
        let placing = self.placing.clone().read_owned().await;
        let (tree, bytes, path) = (self.tree.clone(), self.bytes.clone(), path.clone());
        let now_ms = self.clock.now() / 1_000;
        blocking(move || {
            let _placing = placing;
            let known = tree.blob(&written.blob.digest)?;
            if known.is_none() || !bytes.has(&written.blob.digest, written.blob.size) {
                bytes.keep(&written.file)?;
            }
            Ok(tree.put_artifact(path.as_str(), &written.blob, now_ms)?)
        })
        .await
    }

    /// The file of a name, open for reading; waits for its turn. `None` when there is none.
    ///
    /// # Errors
    /// When the tree or the bytes cannot be read.
    pub async fn open_file(&self, path: &ArtifactPath) -> Result<Option<Opened>, ArtifactError> {
        let place = self.transfers.clone().acquire_owned().await.map_err(|_| ArtifactError::broke())?;
        let (tree, bytes, path) = (self.tree.clone(), self.bytes.clone(), path.clone());
        let opened = blocking(move || {
            // Between the two its content may be replaced, and deleted.
            for _ in 0..3 {
                let Some(record) = tree.artifact(path.as_str())? else { return Ok(None) };
                if let Some(file) = bytes.open_content(&record.blob.digest)? {
                    return Ok(Some((record, file)));
                }
            }
            Err(StoreError::Unavailable(format!("the bytes of \"{path}\" are not where they should be")).into())
        });
        Ok(opened.await?.map(|(record, file)| Opened::new(record, file, place)))
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
        f.debug_struct("ArtifactStore").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(ArtifactError::broke()))
}

#[cfg(test)]
mod tests;
