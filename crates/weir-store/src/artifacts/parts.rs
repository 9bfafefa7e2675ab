//! Uploads whose parts clients send straight to the object store, and addresses for reading from there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contents::Contents;
use super::error::ArtifactError;
use super::objects::Objects;
use super::path::ArtifactPath;
use super::{ArtifactStore, blocking};
use crate::catalog::UploadRecord;

impl ArtifactStore {
    /// Whether bytes can go to and from their place without passing here.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        matches!(self.contents, Contents::Objects(_))
    }

    fn objects(&self) -> Result<&Arc<Objects>, ArtifactError> {
        match &self.contents {
            Contents::Objects(objects) => Ok(objects),
            Contents::Folder(_) => Err(ArtifactError::NeedsObjectStore),
        }
    }

    /// Begins an upload in parts: its id, and an address for each part.
    ///
    /// # Errors
    /// [`ArtifactError::NeedsObjectStore`] with a folder; else when the store fails.
    pub async fn begin_upload(
        &self,
        path: &ArtifactPath,
        parts: usize,
    ) -> Result<(String, Vec<String>), ArtifactError> {
        self.objects()?.begin_upload(path.as_str(), parts, self.clock.now() / 1_000).await
    }

    /// Makes an upload the file that it was begun for. `parts` are their numbers and what the store called them. `false`
    /// when there is no such upload.
    ///
    /// # Errors
    /// As [`ArtifactStore::begin_upload`].
    pub async fn complete_upload(
        self: &Arc<Self>,
        path: &ArtifactPath,
        id: &str,
        parts: BTreeMap<usize, String>,
    ) -> Result<bool, ArtifactError> {
        let objects = self.objects()?.clone();
        let Some(upload) = self.upload(path, id).await? else { return Ok(false) };
        let store = self.clone();
        // Goes on when the client goes away: the object and the tree must agree.
        let done = tokio::spawn(async move {
            let _placing = store.placing.clone().read_owned().await;
            let blob = objects.complete_upload(&upload, parts).await?;
            let (tree, now_ms) = (store.tree.clone(), store.clock.now() / 1_000);
            blocking(move || {
                let put = tree.put_artifact(&upload.path, &blob, now_ms)?;
                tree.forget_upload(&upload.id)?;
                Ok(put)
            })
            .await
        });
        self.placed(done.await.map_err(|_| ArtifactError::broke())??)?;
        Ok(true)
    }

    /// Takes an upload back. `false` when there is no such upload.
    ///
    /// # Errors
    /// As [`ArtifactStore::begin_upload`].
    pub async fn abort_upload(&self, path: &ArtifactPath, id: &str) -> Result<bool, ArtifactError> {
        let objects = self.objects()?;
        let Some(upload) = self.upload(path, id).await? else { return Ok(false) };
        objects.abort_upload(&upload).await?;
        Ok(true)
    }

    async fn upload(&self, path: &ArtifactPath, id: &str) -> Result<Option<UploadRecord>, ArtifactError> {
        let (tree, id) = (self.tree.clone(), id.to_owned());
        let found = blocking(move || Ok(tree.upload(&id)?)).await?;
        Ok(found.filter(|upload| upload.path == path.as_str()))
    }

    /// An address from which a client may read a file, and its size. `None` when there is no such file.
    ///
    /// # Errors
    /// As [`ArtifactStore::begin_upload`].
    pub async fn presigned(&self, path: &ArtifactPath) -> Result<Option<(String, u64)>, ArtifactError> {
        let objects = self.objects()?;
        let (tree, path) = (self.tree.clone(), path.clone());
        let Some(record) = blocking(move || Ok(tree.artifact(path.as_str())?)).await? else { return Ok(None) };
        Ok(Some((objects.presigned(&record.blob).await?, record.blob.size)))
    }
}
