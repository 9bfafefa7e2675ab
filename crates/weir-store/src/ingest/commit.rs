//! The one thread that commits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use weir_core::observe::Observer;

use super::WriteEngine;
use super::gather::Batch;
use super::state::Shared;
use crate::journal::Journal;

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
                    if self.commit(&batch) {
                        self.tell(batch);
                    } else {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tries until it works; `false` when stopped before.
    fn commit(&self, batch: &Batch<E::Prepared>) -> bool {
        let mut wait = FIRST_RETRY;
        loop {
            match self.engine.commit(&batch.prepared, batch.position) {
                Ok(()) => {
                    if self.shared.last_error.lock().take().is_some() {
                        tracing::info!("the store takes records again");
                    }
                    return true;
                }
                Err(e) => {
                    let text = e.to_string();
                    let mut last = self.shared.last_error.lock();
                    if last.as_ref() != Some(&text) {
                        tracing::error!(error = %text, spans = batch.spans, "the store refuses a batch; trying again");
                    }
                    *last = Some(text);
                }
            }
            if self.shared.is_stopping() {
                return false;
            }
            self.shared.pause(wait);
            wait = (wait * 2).min(LAST_RETRY);
        }
    }

    fn tell(&self, batch: Batch<E::Prepared>) {
        self.shared.committed.fetch_add(batch.spans, Ordering::Relaxed);
        self.shared.drained.fetch_add(batch.journalled, Ordering::Relaxed);
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
