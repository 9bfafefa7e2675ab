//! The one thread that commits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use weir_core::merge::SpanWrite;
use weir_core::observe::Observer;
use weir_core::span::Span;

use super::engine::{CommitError, WriteEngine};
use super::gather::{Batch, Brought, Told};
use super::reject::Rejects;
use super::state::Shared;
use crate::journal::{Journal, Position};

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(5);

pub(super) struct Committer<E: WriteEngine> {
    engine: Arc<E>,
    journal: Arc<Journal>,
    shared: Arc<Shared>,
    observer: Arc<dyn Observer>,
    batches: Receiver<Batch<E::Prepared>>,
}

impl<E: WriteEngine> Committer<E> {
    pub(super) fn new(
        engine: Arc<E>,
        journal: Arc<Journal>,
        shared: Arc<Shared>,
        observer: Arc<dyn Observer>,
        batches: Receiver<Batch<E::Prepared>>,
    ) -> Self {
        Self { engine, journal, shared, observer, batches }
    }

    /// Until the gathering thread has gone and everything that it handed over is committed, or given up at a stop.
    pub(super) fn run(self) {
        loop {
            match self.batches.recv_timeout(Duration::from_secs(60)) {
                Ok(batch) => {
                    if !self.settle(batch) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Commits a batch, without what will never be accepted; `false` when stopped before.
    fn settle(&self, batch: Batch<E::Prepared>) -> bool {
        let Batch { prepared, told } = batch;
        let mut rejects = Rejects::default();
        let refused = match prepared {
            Ok(prepared) => match self.commit(&prepared, told.position, &told.brought) {
                Ok(()) => None,
                Err(CommitError::Again(_)) => return false,
                Err(CommitError::Never(reason)) => Some((self.engine.take_back(prepared), reason)),
            },
            Err(unprepared) => Some((unprepared.writes, unprepared.reason)),
        };
        if let Some((writes, reason)) = refused {
            let done = self.without_rejects(writes, &reason, &told.brought, &mut rejects)
                // After the last part: a crash before reads the journal again, which changes nothing.
                && told.position.is_none_or(|position| self.commit_position(position));
            rejects.report(self.observer.as_ref());
            if !done {
                return false;
            }
        }
        self.tell(told, rejects.count());
        true
    }

    /// Commits the good among writes that are refused together; `false` when stopped before.
    fn without_rejects(
        &self,
        mut writes: Vec<SpanWrite>,
        reason: &str,
        brought: &Brought,
        rejects: &mut Rejects,
    ) -> bool {
        if writes.len() <= 1 {
            rejects.add(&writes, reason);
            return true;
        }
        let second = writes.split_off(writes.len() / 2);
        for half in [writes, second] {
            match self.commit_part(half, None, brought) {
                Ok(()) => {}
                Err(Refused::Stopped) => return false,
                Err(Refused::Never(writes, reason)) => {
                    if !self.without_rejects(writes, &reason, brought, rejects) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Commits how far the journal is read, and nothing else; `false` when stopped before.
    fn commit_position(&self, position: Position) -> bool {
        loop {
            match self.commit_part(Vec::new(), Some(position), &Brought::None) {
                Ok(()) => return true,
                Err(Refused::Stopped) => return false,
                // There is nothing to drop: the engine itself is at fault.
                Err(Refused::Never(_, reason)) => {
                    tracing::error!(error = %reason, "the store refuses the journal position; trying again");
                    *self.shared.last_error.lock() = Some(reason);
                }
            }
            if self.shared.is_stopping() {
                return false;
            }
            self.shared.pause(LAST_RETRY);
        }
    }

    fn commit_part(
        &self,
        writes: Vec<SpanWrite>,
        position: Option<Position>,
        brought: &Brought,
    ) -> Result<(), Refused> {
        let prepared = self.engine.prepare(writes).map_err(|u| Refused::Never(u.writes, u.reason))?;
        match self.commit(&prepared, position, brought) {
            Ok(()) => Ok(()),
            Err(CommitError::Again(_)) => Err(Refused::Stopped),
            Err(CommitError::Never(reason)) => Err(Refused::Never(self.engine.take_back(prepared), reason)),
        }
    }

    /// Tries until it works or never will; [`CommitError::Again`] only when stopped before.
    fn commit(&self, prepared: &E::Prepared, position: Option<Position>, brought: &Brought) -> Result<(), CommitError> {
        let mut wait = FIRST_RETRY;
        let mut ended = |span: &Span| {
            if brought.holds(span) {
                self.observer.span_stored(span);
            }
        };
        loop {
            match self.engine.commit_and_tell(prepared, position, &mut ended) {
                Ok(()) => {
                    if self.shared.last_error.lock().take().is_some() {
                        tracing::info!("the store takes records again");
                    }
                    return Ok(());
                }
                Err(e @ CommitError::Never(_)) => return Err(e),
                Err(e @ CommitError::Again(_)) => {
                    let text = e.to_string();
                    let mut last = self.shared.last_error.lock();
                    if last.as_ref() != Some(&text) {
                        tracing::error!(error = %text, "the store refuses a batch; trying again");
                    }
                    *last = Some(text);
                    drop(last);
                    if self.shared.is_stopping() {
                        return Err(e);
                    }
                }
            }
            self.shared.pause(wait);
            wait = (wait * 2).min(LAST_RETRY);
        }
    }

    fn tell(&self, batch: Told, rejected: u64) {
        self.shared.committed.fetch_add(batch.spans.saturating_sub(rejected), Ordering::Relaxed);
        self.shared.drained.fetch_add(batch.journalled, Ordering::Relaxed);
        if batch.oldest_us.is_some() {
            self.shared.uncommitted.lock().pop_front();
        }
        if let Some(position) = batch.position {
            *self.shared.committed_position.lock() = position;
            self.journal.release(position);
            self.shared.progress.notify_all();
        }
        for receipt in batch.receipts {
            // A front that went away needs no answer.
            let _gone = receipt.send(());
        }
        for (protocol, count) in batch.protocols {
            self.observer.ingested(protocol, count);
        }
    }
}

/// Why a part of a batch was not committed.
enum Refused {
    /// The ingest stops.
    Stopped,
    /// It never will be.
    Never(Vec<SpanWrite>, String),
}
