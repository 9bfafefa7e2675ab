//! Contents in a folder: `<root>/ab/cdef…`, by their SHA-256.
//!
//! Invariants: a file under its digest is whole and durable (it is written beside, synced, then renamed, and its folder
//! synced); nothing but digests and names that Weir makes become file names; no link is followed, as nothing here makes
//! one. What a kill leaves in `tmp` goes at the next start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::error::ArtifactError;
use crate::lock::FolderLock;
use crate::telemetry::StoreError;

/// Bytes that go to the disk together; twice as many are in memory.
const PIECE: usize = 512 << 10;
/// Bytes that are read together.
const READ: u64 = 256 << 10;
/// Files that are being written.
const TEMPORARY: &str = "tmp";
const LOCK: &str = "weir.pid";

/// A folder of contents.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    _lock: FolderLock,
}

impl Folder {
    /// Opens or makes it, and takes away what a kill left half written.
    pub(super) fn open(root: &Path) -> Result<Self, StoreError> {
        let refused = |e: io::Error| {
            StoreError::Unavailable(format!("the folder of artifacts {} cannot be used: {e}", root.display()))
        };
        let temporary = root.join(TEMPORARY);
        fs::create_dir_all(&temporary).map_err(refused)?;
        let lock = FolderLock::acquire(root, LOCK).map_err(refused)?;
        for left in fs::read_dir(&temporary).map_err(refused)? {
            fs::remove_file(left.map_err(refused)?.path()).map_err(refused)?;
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    fn file_of(&self, digest: &str) -> PathBuf {
        let (folder, name) = digest.split_at_checked(2).unwrap_or(("", digest));
        self.root.join(folder).join(name)
    }

    /// Begins a new content.
    pub(super) fn begin(&self) -> Result<Writing, ArtifactError> {
        let path = self.root.join(TEMPORARY).join(weir_core::id::SpanId::new().to_string());
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|e| ArtifactError::io("an artifact cannot be written", &e))?;
        let ready = Ready { temporary: Temporary { path }, file, hasher: Sha256::new() };
        Ok(Writing { at: At::Ready(Box::new(ready)), buffer: BytesMut::new() })
    }

    /// Whether a content is there, whole.
    pub(super) fn has(&self, digest: &str, size: u64) -> bool {
        fs::symlink_metadata(self.file_of(digest)).is_ok_and(|file| file.is_file() && file.len() == size)
    }

    /// Puts a written content where its digest says; blocks.
    pub(super) fn keep(&self, written: &Written) -> Result<(), ArtifactError> {
        let keep = || -> io::Result<()> {
            written.file.sync_all()?;
            let file = self.file_of(&written.digest);
            let folder = file.parent().unwrap_or(&self.root);
            match fs::create_dir(folder) {
                Ok(()) => sync(&self.root)?,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
            fs::rename(&written.temporary.path, &file)?;
            sync(folder)
        };
        keep().map_err(|e| ArtifactError::io("an artifact cannot be written", &e))
    }

    /// Opens a content for reading; blocks. `None` when it is not there.
    pub(super) fn open_content(&self, digest: &str) -> Result<Option<File>, ArtifactError> {
        match File::open(self.file_of(digest)) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(ArtifactError::io("an artifact cannot be read", &e)),
        }
    }

    /// Deletes a content; blocks. One that is not there is deleted.
    pub(super) fn remove(&self, digest: &str) -> Result<(), ArtifactError> {
        match fs::remove_file(self.file_of(digest)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(ArtifactError::io("an artifact's bytes cannot be deleted", &e))
            }
            _ => Ok(()),
        }
    }

    /// Calls `each` with the digest and size of every content that was written before a time; blocks.
    pub(super) fn each(
        &self,
        before: SystemTime,
        each: &mut dyn FnMut(&str, u64) -> Result<(), ArtifactError>,
    ) -> Result<(), ArtifactError> {
        let failed = |e: io::Error| ArtifactError::io("the folder of artifacts cannot be read", &e);
        for folder in fs::read_dir(&self.root).map_err(failed)? {
            let folder = folder.map_err(failed)?;
            let start = folder.file_name();
            let Some(start) = start.to_str().filter(|name| is_hex(name, 2)) else { continue };
            for file in fs::read_dir(folder.path()).map_err(failed)? {
                let file = file.map_err(failed)?;
                let name = file.file_name();
                let Some(rest) = name.to_str().filter(|name| is_hex(name, 62)) else { continue };
                // It may be gone since.
                let Ok(data) = file.metadata() else { continue };
                if data.is_file() && data.modified().is_ok_and(|at| at < before) {
                    each(&format!("{start}{rest}"), data.len())?;
                }
            }
        }
        Ok(())
    }
}

/// Bytes of an opened content, from one offset to before another. One piece is in memory at a time.
pub(super) fn bytes_of(file: File, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
    let pieces = stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || piece(file, range)).await;
        read.unwrap_or_else(|e| Err(io::Error::other(e))).map(Some)
    });
    pieces.boxed()
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn piece(file: File, mut range: Range<u64>) -> io::Result<(Bytes, (File, Range<u64>))> {
    let length = READ.min(range.end - range.start);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut bytes, range.start)?;
    range.start += length;
    Ok((bytes.into(), (file, range)))
}

/// A file that goes when it is not renamed.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Renamed, in the best case.
        let _ = fs::remove_file(&self.path);
    }
}

/// A content that is being written. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Writing {
    at: At,
    buffer: BytesMut,
}

#[derive(Debug)]
enum At {
    Ready(Box<Ready>),
    Busy(JoinHandle<io::Result<Box<Ready>>>),
    Failed,
}

#[derive(Debug)]
struct Ready {
    temporary: Temporary,
    file: File,
    hasher: Sha256,
}

/// A content that is written, and not in its place yet. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Written {
    digest: String,
    temporary: Temporary,
    file: File,
}

impl Writing {
    /// Takes more bytes; waits while the disk is behind.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), ArtifactError> {
        let mut ready = self.ready().await?;
        let bytes = self.buffer.split().freeze();
        self.buffer.reserve(PIECE);
        self.at = At::Busy(tokio::task::spawn_blocking(move || {
            ready.hasher.update(&bytes);
            ready.file.write_all(&bytes)?;
            Ok(ready)
        }));
        Ok(())
    }

    async fn ready(&mut self) -> Result<Box<Ready>, ArtifactError> {
        match std::mem::replace(&mut self.at, At::Failed) {
            At::Ready(ready) => Ok(ready),
            At::Busy(work) => match work.await {
                Ok(done) => done.map_err(|e| ArtifactError::io("an artifact cannot be written", &e)),
                Err(_) => Err(ArtifactError::broke()),
            },
            At::Failed => Err(ArtifactError::broke()),
        }
    }

    /// All is there: its digest, and the file.
    pub(super) async fn finish(mut self) -> Result<(String, Written), ArtifactError> {
        if !self.buffer.is_empty() {
            self.flush().await?;
        }
        let ready = *self.ready().await?;
        let digest = hex::encode(ready.hasher.finalize());
        let written = Written { digest: digest.clone(), temporary: ready.temporary, file: ready.file };
        Ok((digest, written))
    }
}
