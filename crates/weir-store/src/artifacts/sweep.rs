//! Deletes bytes that no file of the tree has.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::ArtifactError;
use super::{ArtifactStore, blocking};

/// Contents that are deleted together, while none gets its place.
const BATCH: usize = 256;
/// How old bytes are that the tree has never heard of before they are taken for lost.
const STRAY: Duration = Duration::from_secs(3_600);
/// Strays that are deleted in one go; the rest are the next time.
const MOST_STRAYS: usize = 100_000;

/// What was deleted, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many contents.
    pub contents: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Swept {
    fn add(&mut self, size: u64) {
        self.contents += 1;
        self.bytes += size;
    }
}

impl std::ops::AddAssign for Swept {
    fn add_assign(&mut self, other: Self) {
        self.contents += other.contents;
        self.bytes += other.bytes;
    }
}

impl ArtifactStore {
    /// Deletes the bytes of contents that lost their last file.
    ///
    /// # Errors
    /// When the tree or the bytes cannot be written; what is left is deleted the next time.
    pub async fn sweep(self: &Arc<Self>) -> Result<Swept, ArtifactError> {
        let mut all = Swept::default();
        loop {
            let store = self.clone();
            // Goes on when the caller goes away: bytes and tree must agree.
            let swept = tokio::spawn(async move { store.sweep_some().await });
            let swept = swept.await.map_err(|_| ArtifactError::broke())??;
            if swept.contents == 0 {
                return Ok(all);
            }
            all += swept;
        }
    }

    /// The same, beside what the caller does.
    pub(super) fn sweep_later(self: &Arc<Self>) {
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(error) = store.sweep().await {
                tracing::warn!(%error, "bytes of replaced artifacts stay until the next sweep");
            }
        });
    }

    async fn sweep_some(&self) -> Result<Swept, ArtifactError> {
        let alone = self.placing.clone().write_owned().await;
        let (tree, bytes) = (self.tree.clone(), self.bytes.clone());
        blocking(move || {
            let _alone = alone;
            let mut swept = Swept::default();
            let unused = tree.unused_blobs("", BATCH)?;
            for blob in &unused {
                bytes.remove(&blob.digest)?;
                swept.add(blob.size);
            }
            let digests: Vec<_> = unused.into_iter().map(|blob| blob.digest).collect();
            tree.forget_blobs(&digests)?;
            Ok(swept)
        })
        .await
    }

    /// Deletes bytes that the tree has never heard of, as a kill may leave them; with `dry_run` only counts them.
    ///
    /// # Errors
    /// When the tree or the bytes cannot be read or written.
    pub async fn sweep_strays(self: &Arc<Self>, dry_run: bool) -> Result<Swept, ArtifactError> {
        let (tree, bytes) = (self.tree.clone(), self.bytes.clone());
        let strays = blocking(move || {
            let (mut swept, mut found) = (Swept::default(), Vec::new());
            let before = SystemTime::now().checked_sub(STRAY).unwrap_or(SystemTime::UNIX_EPOCH);
            bytes.each(before, &mut |digest, size| {
                if found.len() < MOST_STRAYS && tree.blob(digest)?.is_none() {
                    swept.add(size);
                    found.push(digest.to_owned());
                }
                Ok(())
            })?;
            Ok((swept, found))
        });
        let (mut swept, strays) = strays.await?;
        if dry_run {
            return Ok(swept);
        }
        for batch in strays.chunks(BATCH) {
            let alone = self.placing.clone().write_owned().await;
            let (tree, bytes, batch) = (self.tree.clone(), self.bytes.clone(), batch.to_vec());
            let kept = blocking(move || {
                let _alone = alone;
                let mut kept = Swept::default();
                for digest in &batch {
                    // A new file may have that content since.
                    match tree.blob(digest)? {
                        None => bytes.remove(digest)?,
                        Some((blob, _)) => kept.add(blob.size),
                    }
                }
                Ok(kept)
            });
            let kept = kept.await?;
            swept.contents -= kept.contents;
            swept.bytes -= kept.bytes;
        }
        Ok(swept)
    }
}
