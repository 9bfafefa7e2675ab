//! Files on their way: into the tree, and out of it.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;

use super::contents::{Contents, Source, Written};
use super::error::ArtifactError;
use super::path::ArtifactPath;
use super::{ArtifactStore, PATIENCE, blocking};
use crate::catalog::{ArtifactRecord, BlobRecord, PutArtifact};
use crate::telemetry::StoreError;

impl ArtifactStore {
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
        let now_ms = self.clock.now() / 1_000;
        let mut writing = self.contents.begin(path.as_str(), now_ms).await?;
        let mut size = 0;
        let mut body = std::pin::pin!(body);
        loop {
            let next = tokio::time::timeout(PATIENCE, body.next()).await;
            let Some(piece) = next.map_err(|_| ArtifactError::Stalled(PATIENCE.as_secs()))? else { break };
            let piece = piece.map_err(|e| ArtifactError::BrokeOff { got: size, why: e.to_string() })?;
            size += piece.len() as u64;
            if size > most {
                return Err(too_large());
            }
            writing.write(&piece).await?;
        }
        let (digest, written) = writing.finish().await?;
        let blob = BlobRecord { digest, size, place: None };
        let put = {
            let (store, path) = (self.clone(), path.clone());
            // Goes on when the sender goes away now: bytes in their place and the tree must agree.
            tokio::spawn(async move { store.place(path, blob, written, now_ms).await })
        };
        self.placed(put.await.map_err(|_| ArtifactError::broke())??)
    }

    async fn place(
        &self,
        path: ArtifactPath,
        blob: BlobRecord,
        written: Written,
        now_ms: i64,
    ) -> Result<PutArtifact, ArtifactError> {
        let _placing = self.placing.clone().read_owned().await;
        self.contents.place(self.tree.clone(), path.to_string(), blob, written, now_ms).await
    }

    pub(super) fn placed(self: &Arc<Self>, put: PutArtifact) -> Result<(), ArtifactError> {
        match put {
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

    /// The file of a name, open for reading; waits for its turn. `None` when there is none.
    ///
    /// # Errors
    /// When the tree or the bytes cannot be read.
    pub async fn open_file(&self, path: &ArtifactPath) -> Result<Option<Opened>, ArtifactError> {
        let place = self.transfers.clone().acquire_owned().await.map_err(|_| ArtifactError::broke())?;
        let (tree, contents, path) = (self.tree.clone(), self.contents.clone(), path.clone());
        let opened = blocking(move || {
            // Between the two its content may be replaced, and deleted.
            for _ in 0..3 {
                let Some(record) = tree.artifact(path.as_str())? else { return Ok(None) };
                let folder = match &contents {
                    Contents::Objects(objects) => return Ok(Some((record, Source::Object(objects.clone())))),
                    Contents::Folder(folder) => folder,
                };
                if let Some(file) = folder.open_content(&record.blob.digest)? {
                    return Ok(Some((record, Source::File(file))));
                }
            }
            Err(lost(path.as_str()))
        });
        Ok(opened.await?.map(|(record, source)| Opened { record, source, place }))
    }
}

fn lost(what: &str) -> ArtifactError {
    StoreError::Unavailable(format!("the bytes of \"{what}\" are not where they should be")).into()
}

/// A file that is open for reading. It holds a place among the transfers.
#[derive(Debug)]
pub struct Opened {
    /// What the tree says of it.
    pub record: ArtifactRecord,
    source: Source,
    place: OwnedSemaphorePermit,
}

impl Opened {
    /// Its bytes, from one offset to before another.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn bytes(self, range: Range<u64>) -> Result<BoxStream<'static, io::Result<Bytes>>, ArtifactError> {
        let place = self.place;
        let hold = move |piece| {
            let _ = &place;
            piece
        };
        let bytes = self.source.bytes(&self.record.blob, range).await?;
        let bytes = bytes.ok_or_else(|| lost(&self.record.blob.digest))?;
        Ok(bytes.map(hold).boxed())
    }
}
