//! Deletes bytes that no file of the tree has.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::contents::Contents;
use super::error::ArtifactError;
use super::{ArtifactStore, blocking};

/// Contents that are deleted together, while none gets its place.
const BATCH: usize = 256;
/// How old bytes are that the tree has never heard of before they are taken for lost.
const STRAY: Duration = Duration::from_secs(3_600);
/// How old an upload in parts is before nobody ends it any more.
const UPLOAD_MS: i64 = 7 * 86_400_000;
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

    /// How much a sweep would delete.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub async fn unused(&self) -> Result<Swept, ArtifactError> {
        let tree = self.tree.clone();
        blocking(move || {
            let (mut swept, mut after) = (Swept::default(), String::new());
            loop {
                let unused = tree.unused_blobs(&after, BATCH)?;
                let Some(last) = unused.last() else { return Ok(swept) };
                after.clone_from(&last.digest);
                unused.iter().for_each(|blob| swept.add(blob.size));
            }
        })
        .await
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
        let _alone = self.placing.clone().write_owned().await;
        let tree = self.tree.clone();
        let unused = blocking(move || Ok(tree.unused_blobs("", BATCH)?)).await?;
        let mut swept = Swept::default();
        unused.iter().for_each(|blob| swept.add(blob.size));
        let digests: Vec<_> = unused.iter().map(|blob| blob.digest.clone()).collect();
        self.contents.remove(unused).await?;
        let tree = self.tree.clone();
        blocking(move || Ok(tree.forget_blobs(&digests)?)).await?;
        Ok(swept)
    }

    /// Deletes bytes that the tree has never heard of, as a kill may leave them, and uploads in parts that nobody ended;
    /// with `dry_run` only counts the bytes.
    ///
    /// # Errors
    /// When the tree or the bytes cannot be read or written.
    pub async fn sweep_strays(self: &Arc<Self>, dry_run: bool) -> Result<Swept, ArtifactError> {
        let before = SystemTime::now().checked_sub(STRAY).unwrap_or(SystemTime::UNIX_EPOCH);
        let strays = self.contents.strays(self.tree.clone(), before, MOST_STRAYS).await?;
        let mut swept = Swept::default();
        strays.iter().for_each(|(_, size)| swept.add(*size));
        if dry_run {
            return Ok(swept);
        }
        for batch in strays.chunks(BATCH) {
            let _alone = self.placing.clone().write_owned().await;
            let places = batch.iter().map(|(place, _)| place.clone()).collect();
            self.contents.remove_strays(self.tree.clone(), places).await?;
        }
        self.abort_old_uploads().await?;
        Ok(swept)
    }

    async fn abort_old_uploads(&self) -> Result<(), ArtifactError> {
        let Contents::Objects(objects) = &self.contents else { return Ok(()) };
        let before = self.clock.now() / 1_000 - UPLOAD_MS;
        let tree = self.tree.clone();
        for upload in blocking(move || Ok(tree.uploads_before(before, MOST_STRAYS)?)).await? {
            objects.abort_upload(&upload).await?;
        }
        Ok(())
    }
}
