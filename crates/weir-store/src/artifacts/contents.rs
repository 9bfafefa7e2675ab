//! Where bytes are: one of the places that there are.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::blocking;
use super::error::ArtifactError;
use super::folder::{self, Folder};
use super::objects::{self, Objects};
use crate::catalog::{Artifacts, BlobRecord, PutArtifact};

/// The place of the bytes.
#[derive(Clone, Debug)]
pub(super) enum Contents {
    Folder(Arc<Folder>),
    Objects(Arc<Objects>),
}

/// A content that is being written. Dropped, it is gone.
#[derive(Debug)]
pub(super) enum Writing {
    Folder(folder::Writing),
    Objects(Box<objects::Writing>),
}

/// A content that is written, and not in its place yet. Dropped, it is gone.
#[derive(Debug)]
pub(super) enum Written {
    Folder(folder::Written),
    Objects(objects::Written),
}

impl Contents {
    pub(super) async fn begin(&self, path: &str, now_ms: i64) -> Result<Writing, ArtifactError> {
        match self {
            Self::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || folder.begin()).await.map(Writing::Folder)
            }
            Self::Objects(objects) => Ok(Writing::Objects(Box::new(objects.begin(path, now_ms)))),
        }
    }

    /// Puts a written content in its place, and its file into the tree. Whoever calls it keeps sweeps off, and goes on to
    /// the end.
    pub(super) async fn place(
        &self,
        tree: Arc<dyn Artifacts>,
        path: String,
        mut blob: BlobRecord,
        written: Written,
        now_ms: i64,
    ) -> Result<PutArtifact, ArtifactError> {
        match (self, written) {
            (Self::Folder(folder), Written::Folder(file)) => {
                let folder = folder.clone();
                blocking(move || {
                    if tree.blob(&blob.digest)?.is_none() || !folder.has(&blob.digest, blob.size) {
                        folder.keep(&file)?;
                    }
                    Ok(tree.put_artifact(&path, &blob, now_ms)?)
                })
                .await
            }
            (Self::Objects(objects), Written::Objects(objects::Written::Small(bytes))) => {
                let known = {
                    let (tree, digest) = (tree.clone(), blob.digest.clone());
                    blocking(move || Ok(tree.blob(&digest)?)).await?
                };
                // One that nobody has may be half deleted.
                if known.is_none_or(|(_, refs)| refs == 0) {
                    objects.put(&blob.digest, bytes).await?;
                }
                blocking(move || Ok(tree.put_artifact(&path, &blob, now_ms)?)).await
            }
            (Self::Objects(_), Written::Objects(objects::Written::Large(mut object))) => {
                blob.place = Some(object.place().to_owned());
                blocking(move || {
                    let put = tree.put_artifact(&path, &blob, now_ms)?;
                    // The same content may be elsewhere already; then this object goes again.
                    if tree.blob(&blob.digest)?.is_some_and(|(known, _)| known.place == blob.place) {
                        object.keep();
                    }
                    Ok(put)
                })
                .await
            }
            _ => Err(ArtifactError::broke()),
        }
    }

    /// Deletes contents.
    pub(super) async fn remove(&self, blobs: Vec<BlobRecord>) -> Result<(), ArtifactError> {
        match self {
            Self::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || blobs.iter().try_for_each(|blob| folder.remove(&blob.digest))).await
            }
            Self::Objects(objects) => objects.remove(&blobs).await,
        }
    }

    /// What stands there from before a time and the tree does not know, with its size, at most `most`.
    pub(super) async fn strays(
        &self,
        tree: Arc<dyn Artifacts>,
        before: SystemTime,
        most: usize,
    ) -> Result<Vec<(String, u64)>, ArtifactError> {
        match self {
            Self::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || {
                    let mut found = Vec::new();
                    folder.each(before, &mut |digest, size| {
                        if found.len() < most && tree.blob(digest)?.is_none() {
                            found.push((digest.to_owned(), size));
                        }
                        Ok(())
                    })?;
                    Ok(found)
                })
                .await
            }
            Self::Objects(objects) => objects.strays(before, most).await,
        }
    }

    /// Deletes what is still a stray.
    pub(super) async fn remove_strays(
        &self,
        tree: Arc<dyn Artifacts>,
        places: Vec<String>,
    ) -> Result<(), ArtifactError> {
        match self {
            Self::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || {
                    for digest in places {
                        // A new file may have that content since.
                        if tree.blob(&digest)?.is_none() {
                            folder.remove(&digest)?;
                        }
                    }
                    Ok(())
                })
                .await
            }
            Self::Objects(objects) => objects.remove_strays(places).await,
        }
    }
}

impl Writing {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        match self {
            Self::Folder(writing) => writing.write(bytes).await,
            Self::Objects(writing) => writing.write(bytes).await,
        }
    }

    /// All is there: its digest, and the content.
    pub(super) async fn finish(self) -> Result<(String, Written), ArtifactError> {
        match self {
            Self::Folder(writing) => writing.finish().await.map(|(digest, file)| (digest, Written::Folder(file))),
            Self::Objects(writing) => writing.finish().await.map(|(digest, made)| (digest, Written::Objects(made))),
        }
    }
}

/// Where an opened content is read from.
#[derive(Debug)]
pub(super) enum Source {
    File(std::fs::File),
    Object(Arc<Objects>),
}

impl Source {
    /// Bytes from one offset to before another.
    pub(super) async fn bytes(
        self,
        blob: &BlobRecord,
        range: Range<u64>,
    ) -> Result<Option<BoxStream<'static, io::Result<Bytes>>>, ArtifactError> {
        match self {
            Self::File(file) => Ok(Some(folder::bytes_of(file, range))),
            Self::Object(objects) => objects.read(blob, range).await,
        }
    }
}
