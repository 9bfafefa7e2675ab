//! Bytes on their way: into a content that is being written, out of one that is there.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;

use super::blocking;
use super::error::ArtifactError;
use super::folder::{self, Folder};
use crate::catalog::{ArtifactRecord, BlobRecord};

/// A content that is being written. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Writing {
    size: u64,
    file: folder::Writing,
}

/// A content that is written, and not in its place yet. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) blob: BlobRecord,
    pub(super) file: folder::Written,
}

impl Writing {
    pub(super) async fn begin(bytes: &Arc<Folder>) -> Result<Self, ArtifactError> {
        let bytes = bytes.clone();
        Ok(Self { size: 0, file: blocking(move || bytes.begin()).await? })
    }

    /// How many bytes it has so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.size += bytes.len() as u64;
        self.file.write(bytes).await
    }

    pub(super) async fn finish(self) -> Result<Written, ArtifactError> {
        let (digest, file) = self.file.finish().await?;
        Ok(Written { blob: BlobRecord { digest, size: self.size, place: None }, file })
    }
}

/// A file that is open for reading. It holds a place among the transfers.
#[derive(Debug)]
pub struct Opened {
    /// What the tree says of it.
    pub record: ArtifactRecord,
    file: File,
    place: OwnedSemaphorePermit,
}

impl Opened {
    pub(super) fn new(record: ArtifactRecord, file: File, place: OwnedSemaphorePermit) -> Self {
        Self { record, file, place }
    }

    /// Its bytes, from one offset to before another.
    #[must_use]
    pub fn bytes(self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        let place = self.place;
        let hold = move |piece| {
            let _ = &place;
            piece
        };
        folder::bytes_of(self.file, range).map(hold).boxed()
    }
}
