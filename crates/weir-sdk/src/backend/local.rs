//! A SQLite file.
//!
//! Invariant: which files are open is known without a lock, so that a child of a fork can ask: SQLite keeps the locks
//! that a process holds on a file in memory, where a child inherits the words and not the locks, so a file that was open
//! is closed to the child.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use weir_core::merge::SpanWrite;
use weir_store::ingest::{CommitError, WriteEngine};
use weir_store::sqlite::{PayloadEncoding, SqliteOptions, SqliteStore};
use weir_store::telemetry::StoreError;

use super::{Outcome, Sender};

/// The files that are open, and how often.
pub(crate) type OpenFiles = BTreeMap<PathBuf, usize>;

static OPEN: LazyLock<ArcSwap<OpenFiles>> = LazyLock::new(ArcSwap::default);

/// The files that this process has open; in a child of a fork also those that its parent had.
pub(crate) fn open_files() -> Arc<OpenFiles> {
    OPEN.load_full()
}

/// A database file, opened when it is first needed and then kept open.
pub(crate) struct File {
    path: PathBuf,
    plain_text: bool,
    store: Mutex<Option<Arc<Opened>>>,
}

/// An open store.
pub(crate) struct Opened {
    /// Gone only while it is dropped.
    store: Option<SqliteStore>,
    path: PathBuf,
}

impl Opened {
    fn open(path: &PathBuf, options: SqliteOptions) -> Result<Self, StoreError> {
        // Said before it is true, and until after it was.
        change(path, |count| count + 1);
        let opened = SqliteStore::open_file(path, options);
        if opened.is_err() {
            change(path, |count| count.saturating_sub(1));
        }
        Ok(Self { store: Some(opened?), path: path.clone() })
    }

    /// The store.
    pub(crate) fn store(&self) -> Result<&SqliteStore, StoreError> {
        self.store.as_ref().ok_or_else(|| StoreError::Unavailable("the file is closed".to_owned()))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        drop(self.store.take());
        change(&self.path, |count| count.saturating_sub(1));
    }
}

fn change(path: &PathBuf, to: impl Fn(usize) -> usize) {
    OPEN.rcu(|open| {
        let mut open = OpenFiles::clone(open);
        let count = to(open.get(path).copied().unwrap_or_default());
        if count == 0 {
            open.remove(path);
        } else {
            open.insert(path.clone(), count);
        }
        open
    });
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
    pub(crate) fn open(&self) -> Result<Arc<Opened>, StoreError> {
        let mut store = self.store.lock();
        if let Some(open) = &*store {
            return Ok(Arc::clone(open));
        }
        let payload = if self.plain_text { PayloadEncoding::Plain } else { PayloadEncoding::Compressed };
        // Other processes may have it open too.
        let options = SqliteOptions { payload, shared: true, ..SqliteOptions::default() };
        let opened = Arc::new(Opened::open(&self.path, options)?);
        *store = Some(Arc::clone(&opened));
        Ok(opened)
    }
}

/// Writes into the file.
pub(super) struct Writer<'a>(pub(super) &'a File);

impl Sender for Writer<'_> {
    fn send(&mut self, writes: &[SpanWrite]) -> Outcome {
        let again = |error: &StoreError| Outcome::Again { wait: None, message: error.to_string() };
        let opened = match self.0.open() {
            Ok(opened) => opened,
            Err(StoreError::Incompatible(message)) => {
                return Outcome::Never { at: None, reason: "store", message };
            }
            Err(error) => return again(&error),
        };
        let store = match opened.store() {
            Ok(store) => store,
            Err(error) => return again(&error),
        };
        let refused = |message| Outcome::Never { at: None, reason: "refused", message };
        let prepared = match store.prepare(writes.to_vec()) {
            Ok(prepared) => prepared,
            Err(unprepared) => return refused(unprepared.reason),
        };
        match store.commit(&prepared, None) {
            Ok(()) => Outcome::Stored,
            Err(CommitError::Again(error)) => again(&error),
            Err(CommitError::Never(reason)) => refused(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_which_files_are_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.db");
        let is_open = || open_files().contains_key(&path);
        let (first, second) = (File::new(path.clone(), true), File::new(path.clone(), true));
        first.open().unwrap();
        second.open().unwrap();
        drop(first);
        assert!(is_open());
        let held = second.open().unwrap();
        drop(second);
        assert!(is_open(), "somebody reads it still");
        drop(held);
        assert!(!is_open());
        assert!(File::new(folder.path().to_owned(), true).open().is_err());
        assert!(!open_files().contains_key(folder.path()));
    }
}
