//! From the journal and the fronts into the store, in order, exactly once.
//!
//! Two threads: one reads the journal, takes what was submitted and prepares batches; the other commits them. The
//! journal position is committed with the rows, so a batch is kept whole with its position or not at all.
//!
//! Invariants: a submitted batch is answered only after its commit; a store that cannot write now is tried again for
//! ever while the journal grows to its bound; a span that it will never accept is dropped alone, counted and logged;
//! every queue is bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use weir_core::merge::SpanWrite;
use weir_core::observe::Observer;
use weir_core::time::Micros;

mod commit;
mod engine;
mod gather;
mod reject;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use engine::panic_text;
pub use engine::{CommitError, Unprepared, WriteEngine};

use crate::journal::{Journal, Reader};
use crate::telemetry::StoreError;
use state::{Shared, Submission};

/// Bounds and delays of the ingest.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// How long journalled records wait for company before they are committed.
    pub journal_linger: Duration,
    /// How long submitted batches wait for company.
    pub submit_linger: Duration,
    /// Most spans in one transaction.
    pub batch_spans: usize,
    /// About the most bytes of payload in one transaction.
    pub batch_bytes: u64,
    /// Submitted bytes that may wait; beyond that [`Ingest::submit`] refuses.
    pub queue_bytes: usize,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            journal_linger: Duration::from_millis(50),
            submit_linger: Duration::from_millis(2),
            batch_spans: 4_096,
            batch_bytes: 16 << 20,
            queue_bytes: 64 << 20,
        }
    }
}

/// How far the store is behind, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestStatus {
    /// Journalled bytes that are not committed yet.
    pub lag_bytes: u64,
    /// Journalled records that are not committed yet.
    pub lag_records: u64,
    /// When the oldest of them ended; `None` also while what waits was not read yet, which takes milliseconds.
    pub oldest_us: Option<Micros>,
    /// Why the last attempt to commit failed; `None` when it succeeded.
    pub last_error: Option<String>,
    /// Spans committed since the start.
    pub committed: u64,
}

/// Why a submitted batch was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too much waits already; try again later.
    #[error("the store cannot keep up: try again later")]
    Overloaded,
    /// The process is shutting down.
    #[error("shutting down")]
    Stopped,
}

/// Resolves when the batch is durable. Await it, or `blocking_recv()`; an error of the receiver itself means that the
/// ingest stopped before the commit.
pub type Receipt = oneshot::Receiver<()>;

/// The running ingest. Dropping it stops it after the batch at hand.
pub struct Ingest {
    shared: Arc<Shared>,
    journal: Arc<Journal>,
    threads: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

impl Ingest {
    /// Starts the threads; what the journal still holds from before is drained first.
    ///
    /// # Errors
    /// When the store's journal position cannot be read.
    pub fn start<E: WriteEngine>(
        engine: Arc<E>,
        journal: Arc<Journal>,
        observer: Arc<dyn Observer>,
        options: IngestOptions,
    ) -> Result<Self, StoreError> {
        let position = engine.position()?;
        let reader = Reader::new(Arc::clone(&journal), position);
        let failed = |e: std::io::Error| StoreError::Unavailable(format!("the journal cannot be read: {e}"));
        let appended = journal.appended();
        let backlog = reader.count_ahead().map_err(failed)?;
        let shared = Arc::new(Shared::new(options, position, journal.bell(), backlog, appended));
        let (batches, prepared) = std::sync::mpsc::sync_channel(1);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.into()).spawn(run).map_err(failed)
        };
        let gather =
            gather::Gather::new(Arc::clone(&engine), reader, Arc::clone(&shared), Arc::clone(&observer), batches);
        let commit = commit::Committer::new(engine, Arc::clone(&journal), Arc::clone(&shared), observer, prepared);
        let threads = vec![
            spawn("ingest-gather", Box::new(|| gather.run()))?,
            spawn("ingest-commit", Box::new(|| commit.run()))?,
        ];
        Ok(Self { shared, journal, threads: parking_lot::Mutex::new(threads) })
    }

    /// Hands over spans that a protocol brought. The receipt resolves when they are durable.
    ///
    /// # Errors
    /// [`SubmitError::Overloaded`] at once when too much waits.
    pub fn submit(&self, protocol: &'static str, writes: Vec<SpanWrite>) -> Result<Receipt, SubmitError> {
        let (done, receipt) = oneshot::channel();
        let bytes = writes.iter().map(state::weight).sum();
        self.shared.submit(Submission { protocol, writes, bytes, done, at: Instant::now() })?;
        Ok(receipt)
    }

    /// How far behind it is.
    #[must_use]
    pub fn status(&self) -> IngestStatus {
        let position = *self.shared.committed_position.lock();
        let drained = self.shared.drained.load(Ordering::Relaxed);
        let owed = self.shared.backlog + self.journal.appended().saturating_sub(self.shared.appended_before);
        IngestStatus {
            lag_bytes: self.journal.bytes_after(position),
            lag_records: owed.saturating_sub(drained),
            oldest_us: self.shared.uncommitted.lock().front().copied(),
            last_error: self.shared.last_error.lock().clone(),
            committed: self.shared.committed.load(Ordering::Relaxed),
        }
    }

    /// Waits until everything journalled before the call is committed; `false` when the time is over first.
    pub fn drain(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let target = self.journal.end();
        self.shared.hurry.fetch_add(1, Ordering::SeqCst);
        self.shared.bell.ring_urgently();
        let mut position = self.shared.committed_position.lock();
        // Between the last record of a segment and the start of the next lies nothing.
        while self.journal.bytes_between(*position, target) > 0 {
            if self.shared.progress.wait_until(&mut position, deadline).timed_out() {
                break;
            }
        }
        let done = self.journal.bytes_between(*position, target) == 0;
        drop(position);
        self.shared.hurry.fetch_sub(1, Ordering::SeqCst);
        done
    }

    /// Stops after the batch at hand; submitted batches that were not committed are dropped unanswered, journalled ones
    /// are read again at the next start.
    pub fn stop(&self) {
        self.shared.stop();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("an ingest thread had died");
            }
        }
        self.shared.refuse_waiting();
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.stop();
    }
}
