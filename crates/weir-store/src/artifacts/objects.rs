//! Contents in an S3-compatible store: `contents/ab/cdef…` by their SHA-256, and `uploads/…` for those that were too large
//! to be known before they were there, which the catalog finds by their place.
//!
//! Invariants: an object is named in the catalog only when it is whole; what breaks off is taken back at once, or by the
//! next sweep; a transfer holds two parts in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{
    ClientConfigKey, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use weir_core::secret::Secret;

use super::blocking;
use super::error::ArtifactError;
use crate::catalog::{Artifacts, BlobRecord, UploadRecord};
use crate::telemetry::StoreError;

/// Bytes of a part; a smaller content is one object.
const PART: usize = 8 << 20;
/// Parts of an upload at most.
const MOST_PARTS: usize = 10_000;
/// Requests at once where many objects are deleted.
const AT_ONCE: usize = 16;

/// Which store, and how it is reached.
#[derive(Clone, Debug)]
pub struct ObjectOptions {
    /// The bucket.
    pub bucket: String,
    /// What all keys begin with; may be empty.
    pub prefix: String,
    /// Address of a store that is not Amazon's.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Key id. Without one: what `AWS_*` variables and the machine's role say.
    pub access_key: Option<Secret>,
    /// Its secret.
    pub secret_key: Option<Secret>,
    /// Whether the endpoint may be plain HTTP.
    pub allow_http: bool,
    /// How long an address that clients are given is good for.
    pub presign: Duration,
}

/// A bucket of contents.
pub(super) struct Objects {
    store: AmazonS3,
    prefix: String,
    presign: Duration,
    tree: Arc<dyn Artifacts>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Objects({}, {:?})", self.store, self.prefix)
    }
}

fn failed(what: &str, error: &object_store::Error) -> ArtifactError {
    ArtifactError::Store(StoreError::Unavailable(format!("the object store {what}: {error}")))
}

/// Connections that trust whom all of Weir's trust; the library's own ask for the system's authorities.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let secure = |value: Option<String>| value.as_deref() != Some("true");
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(weir_tls::client())
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            // A time limit for a request with its body: what is longer goes on where it was cut off.
            .timeout(Duration::from_secs(300))
            .connect_timeout(Duration::from_secs(5))
            .https_only(secure(options.get_config_value(&ClientConfigKey::AllowHttp)))
            .build()
            .map_err(|e| object_store::Error::Generic { store: "S3", source: Box::new(e) })?;
        Ok(HttpClient::new(client))
    }
}

impl Objects {
    pub(super) fn open(options: &ObjectOptions, tree: Arc<dyn Artifacts>) -> Result<Self, StoreError> {
        let client = ClientOptions::new().with_allow_http(options.allow_http);
        let retry = RetryConfig { max_retries: 5, retry_timeout: Duration::from_secs(60), ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&options.bucket)
            .with_client_options(client)
            .with_http_connector(Connector)
            .with_retry(retry)
            .with_allow_http(options.allow_http);
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &options.region {
            builder = builder.with_region(region);
        }
        if let (Some(id), Some(secret)) = (&options.access_key, &options.secret_key) {
            builder = builder.with_access_key_id(id.expose()).with_secret_access_key(secret.expose());
        }
        let store =
            builder.build().map_err(|e| StoreError::Unavailable(format!("artifacts.store cannot be used: {e}")))?;
        let prefix = options.prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { store, prefix, presign: options.presign, tree })
    }

    fn key(&self, place: &str) -> Path {
        Path::from(format!("{}{place}", self.prefix))
    }

    fn key_of(&self, blob: &BlobRecord) -> Path {
        self.key(&blob.place.clone().unwrap_or_else(|| usual_place(&blob.digest)))
    }

    /// Begins a new content; it will be the file of a path.
    pub(super) fn begin(self: &Arc<Self>, path: &str, now_ms: i64) -> Writing {
        Writing {
            objects: self.clone(),
            path: path.to_owned(),
            now_ms,
            hasher: Sha256::new(),
            buffer: BytesMut::new(),
            upload: None,
            parts: Vec::new(),
            sending: None,
        }
    }

    /// Puts a small content where its digest says.
    pub(super) async fn put(&self, digest: &str, bytes: Bytes) -> Result<(), ArtifactError> {
        let put = self.store.put(&self.key(&usual_place(digest)), PutPayload::from(bytes)).await;
        put.map(drop).map_err(|e| failed("cannot take an artifact", &e))
    }

    /// Bytes of a content, from one offset to before another. `None` when it is not there.
    pub(super) async fn read(
        &self,
        blob: &BlobRecord,
        range: std::ops::Range<u64>,
    ) -> Result<Option<BoxStream<'static, std::io::Result<Bytes>>>, ArtifactError> {
        if range.is_empty() {
            return Ok(Some(futures_util::stream::empty().boxed()));
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        match self.store.get_opts(&self.key_of(blob), options).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(std::io::Error::other).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(failed("cannot give an artifact", &e)),
        }
    }

    /// Deletes contents. Those that are not there are deleted.
    pub(super) async fn remove(&self, blobs: &[BlobRecord]) -> Result<(), ArtifactError> {
        let keys: Vec<_> = blobs.iter().map(|blob| self.key_of(blob)).collect();
        self.remove_keys(keys).await
    }

    async fn remove_keys(&self, keys: Vec<Path>) -> Result<(), ArtifactError> {
        let delete = |key: Path| async move {
            match self.store.delete(&key).await {
                Err(e) if !matches!(e, object_store::Error::NotFound { .. }) => {
                    Err(failed("cannot delete an artifact", &e))
                }
                _ => Ok(()),
            }
        };
        futures_util::stream::iter(keys.into_iter().map(delete)).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Objects that the catalog does not know, with their sizes, from before a time, at most `most`.
    pub(super) async fn strays(&self, before: SystemTime, most: usize) -> Result<Vec<(String, u64)>, ArtifactError> {
        let prefix = self.prefix.trim_end_matches('/');
        let prefix = (!prefix.is_empty()).then(|| Path::from(prefix));
        let mut chunks = self.store.list(prefix.as_ref()).try_chunks(1_000);
        let mut strays = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|e| failed("cannot be listed", &e.1))?;
            let old = chunk.into_iter().filter(|object| SystemTime::from(object.last_modified) < before);
            let places: Vec<_> = old
                .filter_map(|o| Some((o.location.as_ref().strip_prefix(&self.prefix)?.to_owned(), o.size)))
                .collect();
            let tree = self.tree.clone();
            let unknown = blocking(move || {
                let mut unknown = Vec::new();
                for (place, size) in places {
                    if is_unknown(tree.as_ref(), &place)? {
                        unknown.push((place, size));
                    }
                }
                Ok(unknown)
            });
            strays.extend(unknown.await?);
            if strays.len() >= most {
                strays.truncate(most);
                break;
            }
        }
        Ok(strays)
    }

    /// Deletes strays that are still unknown.
    pub(super) async fn remove_strays(&self, places: Vec<String>) -> Result<(), ArtifactError> {
        let tree = self.tree.clone();
        let unknown = blocking(move || {
            let mut unknown = Vec::new();
            for place in places {
                if is_unknown(tree.as_ref(), &place)? {
                    unknown.push(place);
                }
            }
            Ok(unknown)
        });
        let keys = unknown.await?.iter().map(|place| self.key(place)).collect();
        self.remove_keys(keys).await
    }

    /// Begins an upload whose parts a client sends straight to the store: its id, and an address for each part.
    pub(super) async fn begin_upload(
        &self,
        path: &str,
        parts: usize,
        now_ms: i64,
    ) -> Result<(String, Vec<String>), ArtifactError> {
        if parts == 0 || parts > MOST_PARTS {
            return Err(ArtifactError::Invalid(format!("num_parts must be from 1 to {MOST_PARTS}, it is {parts}")));
        }
        let place = new_place();
        let key = self.key(&place);
        let id = self.store.create_multipart(&key).await.map_err(|e| failed("cannot begin an upload", &e))?;
        let record = UploadRecord { id: id.clone(), place, path: path.to_owned(), started_ms: now_ms };
        let tree = self.tree.clone();
        blocking(move || Ok(tree.put_upload(&record)?)).await?;
        let mut urls = Vec::with_capacity(parts);
        for number in 1..=parts {
            let query = [("partNumber".to_owned(), number.to_string()), ("uploadId".to_owned(), id.clone())];
            let options = SignedUrlOptions::default().with_query(query);
            let url = self.store.signed_url_opts(Method::PUT, &key, self.presign, &options).await;
            urls.push(url.map_err(|e| failed("cannot sign an address", &e))?.to_string());
        }
        Ok((id, urls))
    }

    /// Makes one content of the parts of an upload. `parts` are their numbers and what the store called them.
    pub(super) async fn complete_upload(
        &self,
        upload: &UploadRecord,
        parts: BTreeMap<usize, String>,
    ) -> Result<BlobRecord, ArtifactError> {
        if parts.is_empty() || !parts.keys().copied().eq(1..=parts.len()) {
            return Err(ArtifactError::Invalid("the parts must have the numbers from 1 on, without a gap".to_owned()));
        }
        let key = self.key(&upload.place);
        let parts = parts.into_values().map(|content_id| PartId { content_id }).collect();
        match self.store.complete_multipart(&key, &upload.id, parts).await {
            Ok(_) => {}
            Err(object_store::Error::Generic { source, .. }) => {
                return Err(ArtifactError::Invalid(format!("the object store refuses the parts: {source}")));
            }
            Err(e) => return Err(failed("cannot end an upload", &e)),
        }
        let size = self.store.head(&key).await.map_err(|e| failed("does not know an upload", &e))?.size;
        // Its bytes never came by here: it has a name of its own.
        Ok(BlobRecord { digest: upload.place.clone(), size, place: Some(upload.place.clone()) })
    }

    /// Takes the parts of an upload back.
    pub(super) async fn abort_upload(&self, upload: &UploadRecord) -> Result<(), ArtifactError> {
        match self.store.abort_multipart(&self.key(&upload.place), &upload.id).await {
            Err(e) if !matches!(e, object_store::Error::NotFound { .. }) => Err(failed("cannot end an upload", &e)),
            _ => {
                let (tree, id) = (self.tree.clone(), upload.id.clone());
                blocking(move || Ok(tree.forget_upload(&id)?)).await
            }
        }
    }

    /// An address from which a client may read a content.
    pub(super) async fn presigned(&self, blob: &BlobRecord) -> Result<String, ArtifactError> {
        let url = self.store.signed_url(Method::GET, &self.key_of(blob), self.presign).await;
        Ok(url.map_err(|e| failed("cannot sign an address", &e))?.to_string())
    }
}

fn is_unknown(tree: &dyn Artifacts, place: &str) -> Result<bool, StoreError> {
    match place.strip_prefix("contents/") {
        Some(digest) => Ok(tree.blob(&digest.replace('/', ""))?.is_none()),
        None if place.starts_with("uploads/") => Ok(!tree.is_place_used(place)?),
        // Somebody else's.
        None => Ok(false),
    }
}

fn usual_place(digest: &str) -> String {
    let (folder, name) = digest.split_at_checked(2).unwrap_or(("", digest));
    format!("contents/{folder}/{name}")
}

fn new_place() -> String {
    format!("uploads/{}", weir_core::id::TraceId::new())
}

/// A content that is being written. Dropped, it is taken back.
#[derive(Debug)]
pub(super) struct Writing {
    objects: Arc<Objects>,
    path: String,
    now_ms: i64,
    hasher: Sha256,
    buffer: BytesMut,
    upload: Option<Unfinished>,
    parts: Vec<PartId>,
    sending: Option<JoinHandle<object_store::Result<PartId>>>,
}

/// A content that is written.
#[derive(Debug)]
pub(super) enum Written {
    /// It is in memory.
    Small(Bytes),
    /// It is an object already, which nobody knows.
    Large(Unplaced),
}

impl Writing {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.hasher.update(bytes);
        self.buffer.extend_from_slice(bytes);
        // What is exactly one part may be all.
        while self.buffer.len() > PART {
            let part = self.buffer.split_to(PART).freeze();
            self.send(part).await?;
        }
        Ok(())
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), ArtifactError> {
        let upload = match &self.upload {
            Some(upload) => upload.record.clone(),
            None => self.begin().await?,
        };
        self.sent().await?;
        let number = self.parts.len();
        if number >= MOST_PARTS {
            return Err(ArtifactError::Invalid("the file is too large for the object store".to_owned()));
        }
        let objects = self.objects.clone();
        self.sending = Some(tokio::spawn(async move {
            let key = objects.key(&upload.place);
            objects.store.put_part(&key, &upload.id, number, PutPayload::from(bytes)).await
        }));
        Ok(())
    }

    async fn begin(&mut self) -> Result<UploadRecord, ArtifactError> {
        let place = new_place();
        let id = self.objects.store.create_multipart(&self.objects.key(&place)).await;
        let id = id.map_err(|e| failed("cannot begin an upload", &e))?;
        let record = UploadRecord { id, place, path: self.path.clone(), started_ms: self.now_ms };
        self.upload = Some(Unfinished { objects: self.objects.clone(), record: record.clone(), done: false });
        // So that a sweep finds it after a kill.
        let (tree, noted) = (self.objects.tree.clone(), record.clone());
        blocking(move || Ok(tree.put_upload(&noted)?)).await?;
        Ok(record)
    }

    async fn sent(&mut self) -> Result<(), ArtifactError> {
        if let Some(sending) = self.sending.take() {
            let part = sending.await.map_err(|_| ArtifactError::broke())?;
            self.parts.push(part.map_err(|e| failed("cannot take a part", &e))?);
        }
        Ok(())
    }

    /// All is there: its digest, and the content.
    pub(super) async fn finish(mut self) -> Result<(String, Written), ArtifactError> {
        let rest = self.buffer.split().freeze();
        let digest = hex::encode(std::mem::take(&mut self.hasher).finalize());
        if self.upload.is_none() {
            return Ok((digest, Written::Small(rest)));
        }
        if !rest.is_empty() {
            self.send(rest).await?;
        }
        self.sent().await?;
        let Some(mut upload) = self.upload.take() else { return Err(ArtifactError::broke()) };
        let record = upload.record.clone();
        let parts = std::mem::take(&mut self.parts);
        let completed =
            self.objects.store.complete_multipart(&self.objects.key(&record.place), &record.id, parts).await;
        completed.map_err(|e| failed("cannot end an upload", &e))?;
        upload.done = true;
        Ok((digest, Written::Large(Unplaced { objects: self.objects.clone(), record, kept: false })))
    }
}

/// Parts that are taken back unless they became a content.
#[derive(Debug)]
struct Unfinished {
    objects: Arc<Objects>,
    record: UploadRecord,
    done: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let (false, Ok(runtime)) = (self.done, tokio::runtime::Handle::try_current()) {
            let (objects, record) = (self.objects.clone(), self.record.clone());
            runtime.spawn(async move {
                if let Err(error) = objects.abort_upload(&record).await {
                    tracing::warn!(%error, "parts of an upload that broke off stay until the next sweep");
                }
            });
        }
    }
}

/// An object that is deleted unless the catalog knows it.
#[derive(Debug)]
pub(super) struct Unplaced {
    objects: Arc<Objects>,
    record: UploadRecord,
    kept: bool,
}

impl Unplaced {
    /// Where it is.
    pub(super) fn place(&self) -> &str {
        &self.record.place
    }

    /// The catalog knows it.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Unplaced {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (objects, record, kept) = (self.objects.clone(), self.record.clone(), self.kept);
        runtime.spawn(async move {
            let (tree, id) = (objects.tree.clone(), record.id.clone());
            let removed = if kept { Ok(()) } else { objects.remove_keys(vec![objects.key(&record.place)]).await };
            let forgotten = async { blocking(move || Ok(tree.forget_upload(&id)?)).await };
            if let Err(error) = match removed {
                Ok(()) => forgotten.await,
                failed => failed,
            } {
                tracing::warn!(%error, "an upload stays until the next sweep");
            }
        });
    }
}
