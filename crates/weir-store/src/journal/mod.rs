//! The on-disk journal between the gateway and the store: append-only segment files under `<data>/journal`.
//!
//! Invariants: [`Journal::append`] returns only after the record is in the page cache, so that killing the process
//! loses none (a background thread syncs about once a second against power loss); a failed append leaves no partial
//! record behind; a segment is deleted only after everything in it was committed by the store; the sum of the segments
//! never exceeds the bound.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use weir_core::span::Span;

mod bell;
mod frame;
mod reader;
mod segment;
#[cfg(test)]
mod tests;

pub(crate) use bell::Bell;
pub(crate) use reader::Reader;

use crate::lock::FolderLock;

/// Length after which a new segment is begun.
const SEGMENT_BYTES: u64 = 64 << 20;
/// A thread's buffer larger than this is not kept for the next record.
const KEPT_BUFFER: usize = 1 << 20;
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Why a record was not journalled.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The bound is reached, because the store has not taken records for long.
    #[error("the journal is full ({0} bytes): the store does not take records")]
    Full(u64),
    /// The record is longer than 1 GiB.
    #[error("the record is longer than the journal takes (1 GiB)")]
    TooLarge,
    /// The file system refused.
    #[error("the journal cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// A place in the journal: everything before it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Bytes from its start.
    pub offset: u64,
}

/// The journal. One per data folder, shared by all who append.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    syncer: Option<JoinHandle<()>>,
    _lock: FolderLock,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    max_bytes: u64,
    segment_bytes: u64,
    active: Mutex<Active>,
    appended: AtomicU64,
    dirty: AtomicBool,
    stopping: AtomicBool,
}

#[derive(Debug)]
struct Active {
    number: u64,
    file: Arc<File>,
    offset: u64,
    /// Whether bytes of a failed append may stand behind `offset`.
    torn: bool,
    /// Earlier segments that still exist, with their lengths.
    closed: BTreeMap<u64, u64>,
    closed_bytes: u64,
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Journal {
    /// Opens `<data>/journal` and begins a new segment; `<data>/weir.pid` is locked while it is open.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or another process holds it; the message names the folder.
    pub fn open(data: &Path, max_bytes: u64) -> Result<Self, JournalError> {
        let folder = data.join("journal");
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(named)?;
        let lock = FolderLock::acquire(data, "weir.pid")?;
        let closed = segment::list(&folder).map_err(named)?;
        let number = segment::next_number(closed.keys().next_back().copied());
        let file = create(&folder, number).map_err(named)?;
        let closed_bytes = closed.values().sum();
        let shared = Arc::new(Shared {
            max_bytes,
            // Several segments within the bound, so that deleting the oldest makes room.
            segment_bytes: SEGMENT_BYTES.min(max_bytes / 4).max(1),
            active: Mutex::new(Active { number, file, offset: 0, torn: false, closed, closed_bytes }),
            appended: AtomicU64::new(0),
            dirty: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            folder,
        });
        let syncer = std::thread::Builder::new().name("journal-sync".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.sync_until_stopped()
        })?;
        Ok(Self { shared, bell: Arc::new(Bell::default()), syncer: Some(syncer), _lock: lock })
    }

    /// Appends a span. When it returns, the record survives the death of the process.
    ///
    /// # Errors
    /// [`JournalError::Full`] at the bound; [`JournalError::Io`] when the disk refuses (the next append tries again).
    pub fn append(&self, span: &Span) -> Result<(), JournalError> {
        BUFFER.with_borrow_mut(|buffer| {
            if !frame::encode(span, buffer) {
                return Err(JournalError::TooLarge);
            }
            let done = self.shared.write(buffer);
            if buffer.capacity() > KEPT_BUFFER {
                *buffer = Vec::new();
            }
            done
        })?;
        self.bell.ring();
        Ok(())
    }

    /// Where the next record will go.
    #[must_use]
    pub fn end(&self) -> Position {
        let active = self.shared.active.lock();
        Position { segment: active.number, offset: active.offset }
    }

    /// Records appended since it was opened.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.shared.appended.load(Ordering::Relaxed)
    }

    /// Bytes between a position and the end.
    #[must_use]
    pub fn bytes_after(&self, from: Position) -> u64 {
        let active = self.shared.active.lock();
        let later: u64 = active.closed.range(from.segment.saturating_add(1)..).map(|(_, len)| len).sum();
        if from.segment >= active.number {
            return active.offset.saturating_sub(from.offset);
        }
        let rest = active.closed.get(&from.segment).map_or(0, |len| len.saturating_sub(from.offset));
        later + rest + active.offset
    }

    /// Bytes between two positions.
    pub(crate) fn bytes_between(&self, from: Position, to: Position) -> u64 {
        if from >= to {
            return 0;
        }
        if from.segment == to.segment {
            return to.offset - from.offset;
        }
        let active = self.shared.active.lock();
        let between: u64 = active.closed.range(from.segment.saturating_add(1)..to.segment).map(|(_, len)| len).sum();
        let rest = active.closed.get(&from.segment).map_or(0, |len| len.saturating_sub(from.offset));
        rest + between + to.offset
    }

    /// Bytes that its files take.
    #[must_use]
    pub fn size(&self) -> u64 {
        let active = self.shared.active.lock();
        active.closed_bytes + active.offset
    }

    /// Deletes the segments before a position: the store has committed everything in them.
    pub(crate) fn release(&self, committed: Position) {
        let done: Vec<u64> = {
            let mut active = self.shared.active.lock();
            let active = &mut *active;
            let keep = active.closed.split_off(&committed.segment);
            let done = std::mem::replace(&mut active.closed, keep);
            active.closed_bytes = active.closed.values().sum();
            done.into_keys().collect()
        };
        for number in done {
            if let Err(e) = std::fs::remove_file(segment::path(&self.shared.folder, number)) {
                tracing::warn!(segment = number, error = %e, "a drained journal segment could not be deleted");
            }
        }
    }

    /// Whoever drains listens here.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        if let Some(syncer) = self.syncer.take() {
            syncer.thread().unpark();
            if syncer.join().is_err() {
                tracing::error!("the journal's sync thread had died");
            }
        }
    }
}

impl Shared {
    fn write(&self, record: &[u8]) -> Result<(), JournalError> {
        let length = record.len() as u64;
        let mut active = self.active.lock();
        if active.torn {
            active.file.set_len(active.offset)?;
            active.torn = false;
        }
        if active.closed_bytes + active.offset + length > self.max_bytes {
            return Err(JournalError::Full(active.closed_bytes + active.offset));
        }
        if active.offset > 0 && active.offset + length > self.segment_bytes {
            self.rotate(&mut active)?;
        }
        if let Err(e) = active.file.write_all_at(record, active.offset) {
            // Cut now where that works; else before the next record.
            active.torn = active.file.set_len(active.offset).is_err();
            return Err(e.into());
        }
        active.offset += length;
        drop(active);
        self.appended.fetch_add(1, Ordering::Relaxed);
        self.dirty.store(true, Ordering::Release);
        Ok(())
    }

    fn rotate(&self, active: &mut Active) -> io::Result<()> {
        let number = segment::next_number(Some(active.number));
        let file = create(&self.folder, number)?;
        let before = std::mem::replace(&mut active.file, file);
        active.closed.insert(active.number, active.offset);
        active.closed_bytes += active.offset;
        active.number = number;
        active.offset = 0;
        // The rest of the old segment must reach the disk too; the sync thread only sees the active one.
        if let Err(e) = before.sync_data() {
            tracing::warn!(error = %e, "a journal segment could not be synced");
        }
        Ok(())
    }

    fn sync_until_stopped(&self) {
        loop {
            let stopping = self.stopping.load(Ordering::Relaxed);
            if self.dirty.swap(false, Ordering::Acquire) {
                let file = Arc::clone(&self.active.lock().file);
                if let Err(e) = file.sync_data() {
                    tracing::warn!(error = %e, "the journal could not be synced");
                }
            }
            if stopping {
                return;
            }
            std::thread::park_timeout(SYNC_EVERY);
        }
    }
}

fn create(folder: &Path, number: u64) -> io::Result<Arc<File>> {
    let path = segment::path(folder, number);
    Ok(Arc::new(OpenOptions::new().read(true).write(true).create_new(true).open(path)?))
}
