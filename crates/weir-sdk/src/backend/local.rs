//! A SQLite file.

use std::path::PathBuf;

use parking_lot::Mutex;
use weir_core::merge::SpanWrite;
use weir_store::ingest::{CommitError, WriteEngine};
use weir_store::sqlite::{PayloadEncoding, SqliteOptions, SqliteStore};
use weir_store::telemetry::StoreError;

use super::{Outcome, Sender};

/// A database file, opened when it is first needed and then kept open.
pub(crate) struct File {
    path: PathBuf,
    plain_text: bool,
    store: Mutex<Option<SqliteStore>>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("path", &self.path).finish_non_exhaustive()
    }
}

impl File {
    pub(crate) fn new(path: PathBuf, plain_text: bool) -> Self {
        Self { path, plain_text, store: Mutex::new(None) }
    }

    /// The open store.
    pub(crate) fn store(&self) -> Result<SqliteStore, StoreError> {
        let mut store = self.store.lock();
        if let Some(open) = &*store {
            return Ok(open.clone());
        }
        let payload = if self.plain_text { PayloadEncoding::Plain } else { PayloadEncoding::Compressed };
        // Other processes may have it open too, and children of a fork write it beside their parent.
        let options = SqliteOptions { payload, shared: true, ..SqliteOptions::default() };
        let opened = SqliteStore::open_file(&self.path, options)?;
        *store = Some(opened.clone());
        Ok(opened)
    }
}

/// Writes into the file.
pub(super) struct Writer<'a>(pub(super) &'a File);

impl Sender for Writer<'_> {
    fn send(&mut self, writes: &[SpanWrite]) -> Outcome {
        let store = match self.0.store() {
            Ok(store) => store,
            Err(StoreError::Incompatible(message)) => {
                return Outcome::Never { at: None, reason: "store", message };
            }
            Err(error) => return Outcome::Again { wait: None, message: error.to_string() },
        };
        let refused = |message| Outcome::Never { at: None, reason: "refused", message };
        let prepared = match store.prepare(writes.to_vec()) {
            Ok(prepared) => prepared,
            Err(unprepared) => return refused(unprepared.reason),
        };
        match store.commit(&prepared, None) {
            Ok(()) => Outcome::Stored,
            Err(CommitError::Again(error)) => Outcome::Again { wait: None, message: error.to_string() },
            Err(CommitError::Never(reason)) => refused(reason),
        }
    }
}
