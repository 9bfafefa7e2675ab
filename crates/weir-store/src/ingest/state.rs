//! What the threads of the ingest share: the queue of submitted batches and the progress.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;
use weir_core::merge::SpanWrite;
use weir_core::time::Micros;

use super::{IngestOptions, SubmitError};
use crate::journal::{Bell, Position};

/// A batch that a front handed over.
pub(super) struct Submission {
    pub(super) protocol: &'static str,
    pub(super) writes: Vec<SpanWrite>,
    pub(super) bytes: usize,
    pub(super) done: oneshot::Sender<()>,
    pub(super) at: Instant,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Submission>,
    pub(super) bytes: usize,
    pub(super) spans: usize,
    closed: bool,
}

pub(super) struct Shared {
    pub(super) options: IngestOptions,
    pub(super) bell: Arc<Bell>,
    pub(super) queue: Mutex<Queue>,
    pub(super) committed_position: Mutex<Position>,
    pub(super) progress: Condvar,
    /// Callers that wait for the journal to be drained: no lingering for them.
    pub(super) hurry: AtomicU64,
    pub(super) stopping: AtomicBool,
    pub(super) last_error: Mutex<Option<String>>,
    pub(super) committed: AtomicU64,
    /// Journal records committed or lost since the start.
    pub(super) drained: AtomicU64,
    /// Of each batch with journalled records that was read and not committed, the end of its oldest call. As many as
    /// the two threads and the channel between them hold.
    pub(super) uncommitted: Mutex<VecDeque<Micros>>,
    /// Records that the journal held at the start, and its count of appends then.
    pub(super) backlog: u64,
    pub(super) appended_before: u64,
    stop_lock: Mutex<()>,
    stop_signal: Condvar,
}

impl Shared {
    pub(super) fn new(
        options: IngestOptions,
        position: Position,
        bell: Arc<Bell>,
        backlog: u64,
        appended_before: u64,
    ) -> Self {
        Self {
            options,
            bell,
            queue: Mutex::default(),
            committed_position: Mutex::new(position),
            progress: Condvar::new(),
            hurry: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            last_error: Mutex::new(None),
            committed: AtomicU64::new(0),
            drained: AtomicU64::new(0),
            uncommitted: Mutex::default(),
            backlog,
            appended_before,
            stop_lock: Mutex::new(()),
            stop_signal: Condvar::new(),
        }
    }

    pub(super) fn submit(&self, submission: Submission) -> Result<(), SubmitError> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(SubmitError::Stopped);
        }
        // A batch larger than the bound is taken when nothing else waits, else it could never pass.
        if queue.bytes > 0 && queue.bytes + submission.bytes > self.options.queue_bytes {
            return Err(SubmitError::Overloaded);
        }
        queue.bytes += submission.bytes;
        queue.spans += submission.writes.len();
        queue.waiting.push_back(submission);
        drop(queue);
        self.bell.ring_urgently();
        Ok(())
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(super) fn stop(&self) {
        self.queue.lock().closed = true;
        self.stopping.store(true, Ordering::SeqCst);
        self.bell.ring_urgently();
        drop(self.stop_lock.lock());
        self.stop_signal.notify_all();
    }

    /// Drops what nobody will commit, so that its receipts tell.
    pub(super) fn refuse_waiting(&self) {
        let mut queue = self.queue.lock();
        queue.waiting.clear();
        queue.bytes = 0;
        queue.spans = 0;
    }

    /// Sleeps, at most until stopped.
    pub(super) fn pause(&self, time: Duration) {
        let mut guard = self.stop_lock.lock();
        if !self.is_stopping() {
            self.stop_signal.wait_for(&mut guard, time);
        }
    }
}

/// About the memory that a write holds.
pub(super) fn weight(write: &SpanWrite) -> usize {
    let span = &write.span;
    let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
    512 + text(&span.input)
        + text(&span.output)
        + text(&span.details)
        + text(&span.error)
        + span.attributes.iter().map(|(k, v)| k.len() + v.len() + 64).sum::<usize>()
}
