//! Whether a writer still writes what others see under its path.
//!
//! SQLite's locks are gone when anything in the process closes the file: another SQLite library, a copy of the file.
//! Then a process with an SQLite before 3.51 that ends takes itself for the last one and deletes the WAL, which this one
//! would go on writing. And people delete database files. Both are seen by the files' identity.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::background::wal_path;

/// The files that a connection has open.
#[derive(Debug)]
pub(super) struct Place {
    files: [PathBuf; 2],
    ids: [Option<Id>; 2],
    /// Whether the connection was closed since.
    left: bool,
}

/// Device and number of a file.
type Id = (u64, u64);

impl Place {
    /// Of a connection that was just opened.
    pub(super) fn of(path: &Path) -> Self {
        let files = [path.to_owned(), wal_path(path)];
        let ids = ids(&files);
        Self { files, ids, left: false }
    }

    /// Whether the same files still stand there.
    pub(super) fn is_the_same(&self) -> bool {
        !self.left && ids(&self.files) == self.ids
    }

    /// The connection is about to be closed.
    pub(super) fn leave(&mut self) {
        self.left = true;
    }
}

fn ids(files: &[PathBuf; 2]) -> [Option<Id>; 2] {
    files.each_ref().map(|file| std::fs::metadata(file).ok().and_then(|found| id(&found)))
}

#[cfg(unix)]
fn id(file: &Metadata) -> Option<Id> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn id(_: &Metadata) -> Option<Id> {
    None
}
