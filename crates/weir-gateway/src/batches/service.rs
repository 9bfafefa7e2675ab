//! The service behind the doors of files and batches: who may see what, room on the disk, and the wire to the worker.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use weir_core::access::{Identity, Role};
use weir_core::error::{Code, Error};
use weir_core::id::TraceId;
use weir_core::time::{HOUR, Micros};
use weir_store::catalog::{
    BatchCounts, BatchPut, BatchRecord, BatchStatus, Batches, FileDeleted, FileQuery, FileRecord,
};
use weir_store::telemetry::StoreError;

use super::Status;
use super::active::Active;
use super::folder::Folder;
use super::wire::NewBatch;
use crate::config::BatchesConfig;
use crate::gateway::Gateway;

/// How long a batch may take: the only window that OpenAI knows.
const WINDOW: Micros = 24 * HOUR;
/// Most batches that have not ended.
const MAX_OPEN: usize = 1_000;
/// Most of one key among them, so that no key shuts the others out. Without keys there is nobody to shut out.
const MAX_OPEN_OF_KEY: usize = 100;
/// The purpose of what batches produce.
const OUTPUT: &str = "batch_output";
/// A small file takes this much room as well, so that their number has a bound too.
pub(super) const LEAST_ROOM: u64 = 4 << 10;

/// Files and batches. Doors and the worker share it.
pub struct Service {
    pub(super) gateway: Arc<Gateway>,
    pub(super) catalog: Arc<dyn Batches>,
    pub(super) folder: Folder,
    /// Bytes of all files, those that are being uploaded or that batches are writing included.
    pub(super) used: AtomicU64,
    /// Counts of the batches under way, newer than the catalog's.
    pub(super) progress: Mutex<HashMap<String, BatchCounts>>,
    /// Told when there is something new for the worker.
    pub(super) wake: Notify,
    pub(super) stopping: AtomicBool,
}

impl Service {
    /// Opens the folder of files beside the catalog and deletes what nobody knows in it.
    ///
    /// # Errors
    /// When the folder or the catalog cannot be used.
    pub fn open(gateway: Arc<Gateway>, catalog: Arc<dyn Batches>, data: &Path) -> Result<Arc<Self>, StoreError> {
        let unusable = |e: std::io::Error| StoreError::Unavailable(e.to_string());
        let folder = Folder::open(data).map_err(unusable)?;
        let growing: Vec<String> =
            catalog.open_batches()?.into_iter().flat_map(|b| [b.output_file, b.error_file]).flatten().collect();
        let known = |id: &str| -> Result<bool, Unclean> {
            Ok(growing.iter().any(|growing| growing == id) || catalog.file(id)?.is_some())
        };
        folder.clean(known).map_err(|Unclean(error)| error)?;
        let unfinished: u64 = growing.iter().map(|id| folder.growing_bytes(id)).sum();
        let used = AtomicU64::new(catalog.file_bytes(LEAST_ROOM)?.saturating_add(unfinished));
        Ok(Arc::new(Self {
            gateway,
            catalog,
            folder,
            used,
            progress: Mutex::default(),
            wake: Notify::new(),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Takes no further request of a batch; those under way may end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// How much there is to do.
    #[must_use]
    pub fn status(&self) -> Status {
        let progress = self.progress.lock();
        let left = |c: &BatchCounts| c.total.saturating_sub(c.completed + c.failed);
        Status { running: progress.len(), queued_requests: progress.values().map(left).sum() }
    }

    pub(crate) fn config(&self) -> BatchesConfig {
        self.gateway.snapshot().config.batches.clone()
    }

    pub(super) fn now(&self) -> Micros {
        self.gateway.parts.clock.now()
    }

    /// Who is calling, where files and batches are offered at all.
    pub(crate) fn admit(&self, headers: &http::HeaderMap) -> Result<Arc<Identity>, Error> {
        let identity = self.gateway.authenticate(headers)?;
        if !self.config().enabled {
            let message = "files and batches are turned off; set batches.enabled = true to have them";
            return Err(Error::new(Code::NotFound, message));
        }
        Ok(identity)
    }

    /// Runs what blocks on a thread of its own.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.unwrap_or_else(|_| Err(Error::new(Code::Internal, "the request met a defect; the log has its place")))
    }

    /// When a file made now is deleted.
    pub(super) fn expiry(&self, now: Micros, asked: Option<Micros>) -> Micros {
        let keep = Micros::try_from(self.config().keep.0.as_micros()).unwrap_or(Micros::MAX);
        now.saturating_add(asked.map_or(keep, |asked| asked.min(keep)))
    }

    /// Takes room for `bytes` more.
    pub(super) fn take_room(&self, bytes: u64) -> Result<(), Error> {
        let most = self.config().max_files_total;
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= most.0 {
            return Ok(());
        }
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        let message = format!("all files together may take {most} (batches.max_files_total); delete some first");
        Err(Error::new(Code::BodyTooLarge, message))
    }

    /// Whether there is room for more beside `coming` bytes. What a batch writes is known only when it is there, so no request is made without
    /// room, and answers that come all the same are written.
    pub(super) fn has_room(&self, coming: u64) -> bool {
        self.used.load(Ordering::Relaxed).saturating_add(coming) < self.config().max_files_total.0
    }

    /// Gives room back.
    pub(super) fn give_room(&self, bytes: u64) {
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(used.saturating_sub(bytes)));
    }

    /// Counts what the files of a batch have grown by since the last time.
    pub(super) fn count_growth(&self, active: &mut Active) {
        let bytes = active.answers.length() + active.failures.length();
        self.used.fetch_add(bytes.saturating_sub(active.counted), Ordering::Relaxed);
        active.counted = bytes;
    }

    /// A file that the caller may see.
    pub(crate) fn file(&self, who: &Identity, id: &str) -> Result<FileRecord, Error> {
        let now = self.now();
        let found = self.catalog.file(id).map_err(unavailable)?;
        found
            .filter(|file| may_see(who, &file.owner) && file.expires_us.is_none_or(|at| at > now))
            .ok_or_else(|| Error::new(Code::NotFound, format!("there is no file {id:?}")))
    }

    /// A page of the caller's files, one more than `limit` where there are more.
    pub(crate) fn files(&self, who: &Identity, query: &FileQuery<'_>) -> Result<Vec<FileRecord>, Error> {
        let query = FileQuery { owner: owner_filter(who), limit: query.limit + 1, ..*query };
        self.catalog.files(&query).map_err(unavailable)
    }

    /// Where a file's content lies.
    pub(crate) fn content(&self, id: &str) -> std::path::PathBuf {
        self.folder.path(id)
    }

    /// Deletes a file.
    pub(crate) fn delete_file(&self, who: &Identity, id: &str) -> Result<(), Error> {
        let file = self.file(who, id)?;
        match self.catalog.delete_file(id).map_err(unavailable)? {
            FileDeleted::InUse(batch) => {
                let message = format!("the file is the input of {batch}, which has not ended; cancel that first");
                return Err(Error::new(Code::InvalidRequest, message));
            }
            FileDeleted::Yes => self.freed(&file),
            FileDeleted::No => {}
        }
        Ok(())
    }

    /// Removes the content of a file whose row is gone.
    pub(super) fn freed(&self, file: &FileRecord) {
        self.folder.remove(&file.id);
        self.give_room(file.bytes.max(LEAST_ROOM));
        // A batch may wait for it.
        self.wake.notify_one();
    }

    /// Makes a batch.
    pub(crate) fn create(&self, who: &Identity, new: NewBatch) -> Result<BatchRecord, Error> {
        let at_input = |e: Error| Error { param: Some("input_file_id".to_owned()), ..e };
        let file = self.file(who, &new.input_file).map_err(at_input)?;
        if file.purpose != "batch" {
            let message = format!("the file was uploaded for {:?}; upload it with the purpose \"batch\"", file.purpose);
            return Err(Error::invalid("input_file_id", message));
        }
        // Its answers will need room; how much is not known yet.
        self.take_room(0)?;
        let now = self.now();
        let batch = BatchRecord {
            id: format!("batch_{}", TraceId::new()),
            owner: who.name.clone(),
            endpoint: new.endpoint,
            input_file: new.input_file,
            completion_window: new.completion_window,
            created_us: now,
            expires_us: Some(now + WINDOW),
            metadata: new.metadata,
            ..BatchRecord::default()
        };
        let most_of_owner = if batch.owner.is_empty() { MAX_OPEN } else { MAX_OPEN_OF_KEY };
        let too_many = |message: String| Err(Error::new(Code::RateLimited, message).retry_after_ms(60_000));
        match self.catalog.put_batch(&batch, MAX_OPEN, most_of_owner).map_err(unavailable)? {
            BatchPut::Created => {}
            BatchPut::NoInput => {
                return Err(at_input(Error::new(Code::NotFound, format!("there is no file {:?}", batch.input_file))));
            }
            BatchPut::TooMany => {
                return too_many(format!("{MAX_OPEN} batches have not ended yet; make this one when some have"));
            }
            BatchPut::TooManyOfOwner => {
                return too_many(format!(
                    "{most_of_owner} batches of this key have not ended yet; make this one when some have"
                ));
            }
        }
        self.wake.notify_one();
        Ok(batch)
    }

    /// A batch that the caller may see, with its counts of this moment.
    pub(crate) fn batch(&self, who: &Identity, id: &str) -> Result<BatchRecord, Error> {
        let found = self.catalog.batch(id).map_err(unavailable)?;
        let batch = found
            .filter(|batch| may_see(who, &batch.owner))
            .ok_or_else(|| Error::new(Code::NotFound, format!("there is no batch {id:?}")))?;
        Ok(self.with_progress(batch))
    }

    /// A page of the caller's batches, one more than `limit` where there are more.
    pub(crate) fn batches(&self, who: &Identity, after: Option<&str>, limit: usize) -> Result<Vec<BatchRecord>, Error> {
        let found = self.catalog.batches(owner_filter(who), after, limit + 1).map_err(unavailable)?;
        Ok(found.into_iter().map(|batch| self.with_progress(batch)).collect())
    }

    /// Tells a batch to stop: what is under way ends, the rest is not begun.
    pub(crate) fn cancel(&self, who: &Identity, id: &str) -> Result<BatchRecord, Error> {
        self.batch(who, id)?;
        let now = self.now();
        let mut refused = None;
        let changed = self.catalog.change_batch(id, &[], &mut |batch| match batch.status {
            BatchStatus::Validating | BatchStatus::InProgress => {
                batch.status = BatchStatus::Cancelling;
                batch.cancelling_us = Some(now);
            }
            BatchStatus::Cancelling | BatchStatus::Cancelled => {}
            status => refused = Some(status.as_str()),
        });
        if let Some(status) = refused {
            let message = format!("the batch cannot be cancelled any more: it is {status}");
            return Err(Error::new(Code::InvalidRequest, message));
        }
        self.wake.notify_one();
        changed
            .map_err(unavailable)?
            .map(|batch| self.with_progress(batch))
            .ok_or_else(|| Error::new(Code::NotFound, format!("there is no batch {id:?}")))
    }

    fn with_progress(&self, mut batch: BatchRecord) -> BatchRecord {
        if !batch.status.has_ended()
            && let Some(counts) = self.progress.lock().get(&batch.id)
        {
            batch.counts = *counts;
        }
        batch
    }

    /// The row of a file that a batch has produced.
    pub(super) fn produced(&self, batch: &BatchRecord, id: &str, what: &str, bytes: u64) -> FileRecord {
        let now = self.now();
        FileRecord {
            id: id.to_owned(),
            owner: batch.owner.clone(),
            purpose: OUTPUT.to_owned(),
            filename: format!("{}_{what}.jsonl", batch.id),
            bytes,
            created_us: now,
            expires_us: Some(self.expiry(now, None)),
        }
    }
}

/// An error of either kind while the folder is cleaned.
struct Unclean(StoreError);

impl From<StoreError> for Unclean {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<std::io::Error> for Unclean {
    fn from(error: std::io::Error) -> Self {
        Self(StoreError::Unavailable(format!("the folder of files cannot be read: {error}")))
    }
}

fn may_see(who: &Identity, owner: &str) -> bool {
    who.role >= Role::Admin || who.name == owner
}

fn owner_filter(who: &Identity) -> Option<&str> {
    (who.role < Role::Admin).then_some(who.name.as_str())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(super) fn unavailable(error: StoreError) -> Error {
    Error::new(Code::StoreUnavailable, error.to_string())
}
