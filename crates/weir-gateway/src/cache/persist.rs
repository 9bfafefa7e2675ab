//! The cache's file, written behind: a thread takes changes from a bounded queue and writes them in batches.
//!
//! Invariants: nobody who answers a call waits for the disk; a full queue loses changes and counts them, as an entry is
//! no promise; a file that cannot be written costs the entries of the next start and nothing else. Dropping the writer
//! writes what is queued.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use weir_core::time::Clock;
use weir_store::sqlite::{AnswerChange, AnswerFile, StoredAnswer, StoredVector};
use weir_store::telemetry::StoreError;

use super::entry::{Answer, Entry};
use super::key::Key;

/// Name of the file in the data folder.
const FILE: &str = "cache.db";
/// Most bytes that wait to be written.
const MAX_QUEUED: usize = 16 << 20;
/// What a change takes beside its texts.
const CHANGE: usize = 128;
/// How often what has expired is deleted.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// A writing that fails is in the log at most that often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// How long [`Writer::sync`] waits.
const SYNC: Duration = Duration::from_secs(10);

/// An entry as it comes from the file, with its scope and vector where it has one.
pub(super) struct Loaded {
    pub entry: Entry,
    pub vector: Option<(Key, Vec<f32>)>,
}

/// Writes changes to the file.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Rung when there is something to do.
    bell: Condvar,
    /// Rung when everything is written.
    done: Condvar,
    dropped: AtomicU64,
    /// Most bytes in the file.
    max: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    changes: Vec<AnswerChange>,
    bytes: usize,
    writing: bool,
    stopping: bool,
}

/// Removes the file of a data folder, which must not be open; said in the log where it cannot be.
pub(super) fn remove(folder: &Path) {
    if let Err(error) = AnswerFile::remove(&folder.join(FILE)) {
        tracing::error!(%error, "answers are not to be kept on disk, and some still are: remove the file");
    }
}

impl Writer {
    /// Opens the file of a data folder, hands over what is in it, newest first, as long as `take` says so, and starts
    /// the thread. The caller holds the folder's lock.
    pub(super) fn open(
        folder: &Path,
        max: u64,
        clock: &Clock,
        take: &mut dyn FnMut(Loaded) -> bool,
    ) -> Result<Self, StoreError> {
        let file = AnswerFile::open(&folder.join(FILE), clock.now(), &mut |stored| match loaded(stored) {
            Some(loaded) => take(loaded),
            None => true,
        })?;
        let shared = Arc::new(Shared { max: AtomicU64::new(max), ..Shared::default() });
        let own = Thread { file, shared: shared.clone(), clock: clock.clone(), complained: None, missed: 0 };
        let thread = std::thread::Builder::new()
            .name("cache-writer".to_owned())
            .spawn(move || own.run())
            .map_err(|e| StoreError::Unavailable(format!("a thread cannot be started: {e}")))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Another bound of the file.
    pub(super) fn set_bound(&self, max: u64) {
        self.shared.max.store(max, Ordering::Relaxed);
    }

    /// Changes that were lost.
    pub(super) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn put(&self, entry: &Entry, vector: Option<(Key, Vec<f32>)>) {
        // Only what is noted about it; the body is passed as it is.
        let Ok(meta) = serde_json::to_string(&Noted { namespace: &entry.namespace, answer: &entry.answer }) else {
            return;
        };
        let weight = CHANGE + meta.len() + entry.answer.body.len() + vector.as_ref().map_or(0, |(_, v)| 4 * v.len());
        let stored = StoredAnswer {
            key: entry.key.0,
            created_us: entry.created_us,
            expires_us: entry.expires_us,
            meta,
            body: entry.answer.body.clone(),
            vector: vector.map(|(scope, values)| StoredVector { scope: scope.0, values }),
        };
        self.push(AnswerChange::Put(Box::new(stored)), weight);
    }

    pub(super) fn delete(&self, key: Key) {
        self.push(AnswerChange::Delete(key.0), CHANGE);
    }

    /// Removes everything; what waits to be written with it.
    pub(super) fn clear(&self) {
        let mut queue = self.shared.queue.lock();
        queue.changes.clear();
        queue.changes.push(AnswerChange::Clear);
        queue.bytes = CHANGE;
        drop(queue);
        self.shared.bell.notify_one();
    }

    fn push(&self, change: AnswerChange, weight: usize) {
        let mut queue = self.shared.queue.lock();
        if queue.bytes + weight > MAX_QUEUED {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.bytes += weight;
        queue.changes.push(change);
        drop(queue);
        self.shared.bell.notify_one();
    }

    /// Waits until everything is written; whether it was within the time for that.
    pub(super) fn sync(&self) -> bool {
        let until = Instant::now() + SYNC;
        let mut queue = self.shared.queue.lock();
        while queue.writing || !queue.changes.is_empty() {
            if self.shared.done.wait_until(&mut queue, until).timed_out() {
                return false;
            }
        }
        true
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue.lock().stopping = true;
        self.shared.bell.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the cache's file had died");
        }
    }
}

struct Thread {
    file: AnswerFile,
    shared: Arc<Shared>,
    clock: Clock,
    complained: Option<Instant>,
    /// Changes lost when the file was last tidied.
    missed: u64,
}

impl Thread {
    fn run(mut self) {
        let mut tidied = Instant::now();
        loop {
            let (changes, stopping) = self.next(tidied + TIDY_EVERY);
            if !changes.is_empty() {
                if let Err(error) = self.file.apply(&changes) {
                    self.shared.dropped.fetch_add(changes.len() as u64, Ordering::Relaxed);
                    self.complain(&error);
                }
                self.shared.queue.lock().writing = false;
                self.shared.done.notify_all();
            }
            if stopping {
                return;
            }
            if tidied.elapsed() >= TIDY_EVERY {
                tidied = Instant::now();
                self.tidy();
            }
        }
    }

    /// What is to be written, and whether it is time to go. Comes back empty at `until`.
    fn next(&self, until: Instant) -> (Vec<AnswerChange>, bool) {
        let mut queue = self.shared.queue.lock();
        while queue.changes.is_empty() && !queue.stopping {
            if self.shared.bell.wait_until(&mut queue, until).timed_out() {
                break;
            }
        }
        queue.bytes = 0;
        queue.writing = !queue.changes.is_empty();
        (std::mem::take(&mut queue.changes), queue.stopping && !queue.writing)
    }

    fn tidy(&mut self) {
        // Only where deletions were lost can there be more than what is in memory.
        let lost = self.shared.dropped.load(Ordering::Relaxed);
        let max = if lost == self.missed { u64::MAX } else { self.shared.max.load(Ordering::Relaxed) };
        self.missed = lost;
        if let Err(error) = self.file.tidy(self.clock.now(), max) {
            self.complain(&error);
        }
    }

    fn complain(&mut self, error: &StoreError) {
        if self.complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            self.complained = Some(Instant::now());
            tracing::warn!(%error, "answers are cached but cannot be kept for the next start");
        }
    }
}

/// What is noted about an entry.
#[derive(serde::Serialize)]
struct Noted<'a> {
    namespace: &'a str,
    #[serde(flatten)]
    answer: &'a Answer,
}

#[derive(serde::Deserialize)]
struct ReadBack {
    #[serde(default)]
    namespace: String,
    #[serde(flatten)]
    answer: Answer,
}

fn loaded(stored: StoredAnswer) -> Option<Loaded> {
    let ReadBack { namespace, mut answer } = serde_json::from_str(&stored.meta).ok()?;
    answer.body = stored.body;
    let entry =
        Entry { key: Key(stored.key), namespace, created_us: stored.created_us, expires_us: stored.expires_us, answer };
    Some(Loaded { entry, vector: stored.vector.map(|v| (Key(v.scope), v.values)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn entry(n: u8, size: usize) -> Entry {
        let answer = Answer { body: Bytes::from(vec![n; size]), provider: "p".into(), ..Answer::default() };
        Entry { key: Key([n; 32]), namespace: "ns".into(), created_us: i64::from(n), expires_us: 1_000, answer }
    }

    fn open(folder: &Path) -> (Writer, Vec<Loaded>) {
        let mut all = Vec::new();
        let writer = Writer::open(folder, 1 << 20, &Clock::fixed(10), &mut |loaded| {
            all.push(loaded);
            true
        });
        (writer.unwrap(), all)
    }

    #[test]
    fn what_was_put_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, all) = open(folder.path());
        assert!(all.is_empty());
        for n in 1..=3 {
            writer.put(&entry(n, 1_000), (n == 2).then(|| (Key([8; 32]), vec![0.25, 1.0])));
        }
        writer.delete(Key([1; 32]));
        // Dropping it writes what is queued.
        drop(writer);
        let (writer, all) = open(folder.path());
        assert_eq!(all.iter().map(|l| l.entry.clone()).collect::<Vec<_>>(), [entry(3, 1_000), entry(2, 1_000)]);
        assert_eq!(all[1].vector, Some((Key([8; 32]), vec![0.25, 1.0])));
        writer.clear();
        writer.put(&entry(4, 1), None);
        assert!(writer.sync());
        assert_eq!(writer.dropped(), 0);
        drop(writer);
        assert_eq!(open(folder.path()).1.len(), 1);
    }

    #[test]
    fn a_full_queue_loses_changes_and_counts_them() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, _) = open(folder.path());
        // Larger than the queue: it never fits, however quick the thread is.
        writer.put(&entry(1, MAX_QUEUED), None);
        writer.put(&entry(2, 10), None);
        assert_eq!(writer.dropped(), 1);
        drop(writer);
        assert_eq!(open(folder.path()).1.len(), 1);
    }
}
