//! The thread that gathers journalled and submitted spans into batches and prepares them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use weir_core::id::SpanKey;
use weir_core::merge::SpanWrite;
use weir_core::observe::Observer;
use weir_core::span::Span;
use weir_core::time::Micros;

use super::engine::{Unprepared, WriteEngine};
use super::state::Shared;
use crate::journal::{Position, Reader};

/// Which spans of a batch protocols brought; the gateway tells of its own calls itself.
pub(super) enum Brought {
    None,
    All,
    /// All but those that the journal had.
    AllBut(HashSet<SpanKey>),
}

impl Brought {
    pub(super) fn holds(&self, span: &Span) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::AllBut(journalled) => !journalled.contains(&span.span_key()),
        }
    }
}

/// What the committing thread gets.
pub(super) struct Batch<P> {
    pub(super) prepared: Result<P, Unprepared>,
    pub(super) told: Told,
}

/// What is told of a batch when it is committed, and to whom.
pub(super) struct Told {
    /// How far the journal is read with it.
    pub(super) position: Option<Position>,
    /// Records of the journal in it, lost ones included.
    pub(super) journalled: u64,
    /// The end of the oldest journalled call in it; it stands in [`Shared::uncommitted`] until the commit.
    pub(super) oldest_us: Option<Micros>,
    pub(super) spans: u64,
    pub(super) brought: Brought,
    pub(super) protocols: Vec<(&'static str, u64)>,
    pub(super) receipts: Vec<oneshot::Sender<()>>,
}

pub(super) struct Gather<E: WriteEngine> {
    engine: Arc<E>,
    reader: Reader,
    shared: Arc<Shared>,
    observer: Arc<dyn Observer>,
    out: SyncSender<Batch<E::Prepared>>,
    /// When the journal was first seen to hold something unread.
    journal_since: Option<Instant>,
}

const IDLE: Duration = Duration::from_secs(5);

impl<E: WriteEngine> Gather<E> {
    pub(super) fn new(
        engine: Arc<E>,
        reader: Reader,
        shared: Arc<Shared>,
        observer: Arc<dyn Observer>,
        out: SyncSender<Batch<E::Prepared>>,
    ) -> Self {
        Self { engine, reader, shared, observer, out, journal_since: None }
    }

    pub(super) fn run(mut self) {
        while !self.shared.is_stopping() {
            match self.due(Instant::now()) {
                Ok((journal, submitted)) => {
                    let batch = self.gather(journal, submitted);
                    if let Some(batch) = batch
                        && !self.hand_over(batch)
                    {
                        return;
                    }
                }
                Err(deadline) => self.wait(deadline),
            }
        }
    }

    /// Whether to read the journal and to take submissions now; else until when to wait.
    fn due(&mut self, now: Instant) -> Result<(bool, bool), Instant> {
        let options = &self.shared.options;
        let mut deadline = now + IDLE;
        let mut journal = false;
        if self.reader.has_more() {
            let since = *self.journal_since.get_or_insert(now);
            let hurry = self.shared.hurry.load(Ordering::SeqCst) > 0;
            journal = hurry || now >= since + options.journal_linger;
            deadline = deadline.min(since + options.journal_linger);
        } else {
            self.journal_since = None;
        }
        let queue = self.shared.queue.lock();
        let submitted = queue.waiting.front().is_some_and(|oldest| {
            deadline = deadline.min(oldest.at + options.submit_linger);
            now >= oldest.at + options.submit_linger || queue.spans >= options.batch_spans
        });
        if journal || submitted { Ok((journal, submitted)) } else { Err(deadline) }
    }

    fn wait(&self, deadline: Instant) {
        let (reader, shared) = (&self.reader, &self.shared);
        let lingers = self.journal_since.is_some();
        let waiting = shared.queue.lock().spans;
        shared.bell.wait_until(deadline, lingers, || {
            let hurry = shared.hurry.load(Ordering::SeqCst) > 0;
            shared.is_stopping() || (!lingers || hurry) && reader.has_more() || shared.queue.lock().spans != waiting
        });
    }

    fn gather(&mut self, journal: bool, submitted: bool) -> Option<Batch<E::Prepared>> {
        let options = &self.shared.options;
        let mut writes: Vec<SpanWrite> = Vec::new();
        let (mut position, mut journalled, mut oldest_us) = (None, 0, None);
        let mut protocols = Vec::new();
        if journal {
            let before = self.reader.position();
            let mut spans = Vec::new();
            if let Err(e) = self.reader.read(options.batch_spans, options.batch_bytes, &mut spans) {
                tracing::error!(error = %e, "the journal cannot be read");
                *self.shared.last_error.lock() = Some(format!("the journal cannot be read: {e}"));
                self.shared.pause(Duration::from_secs(1));
            }
            let lost = self.reader.take_lost();
            if lost > 0 {
                self.observer.lost("journal_damaged", lost);
            }
            // A full batch means a backlog: no lingering before the next.
            if spans.len() < options.batch_spans {
                self.journal_since = None;
            }
            let read = spans.len() as u64;
            journalled = read + lost;
            if read > 0 {
                protocols.push(("gateway", read));
            }
            if self.reader.position() != before {
                position = Some(self.reader.position());
            }
            oldest_us = spans.iter().map(ended).min();
            writes.extend(spans.into_iter().map(journalled_write));
        }
        let mut receipts = Vec::new();
        let from_journal = writes.len();
        if submitted {
            let mut queue = self.shared.queue.lock();
            let mut bytes = 0;
            while let Some(next) = queue.waiting.front() {
                let full = writes.len() + next.writes.len() > options.batch_spans || bytes as u64 > options.batch_bytes;
                if full && !writes.is_empty() {
                    break;
                }
                let Some(submission) = queue.waiting.pop_front() else { break };
                queue.bytes = queue.bytes.saturating_sub(submission.bytes);
                queue.spans = queue.spans.saturating_sub(submission.writes.len());
                bytes += submission.bytes;
                protocols.push((submission.protocol, submission.writes.len() as u64));
                writes.extend(submission.writes);
                receipts.push(submission.done);
            }
        }
        if writes.is_empty() && position.is_none() && receipts.is_empty() {
            return None;
        }
        let spans = writes.len() as u64;
        let brought = match from_journal {
            0 => Brought::All,
            n if n == writes.len() => Brought::None,
            n => Brought::AllBut(writes.iter().take(n).map(|w| w.span.span_key()).collect()),
        };
        // Before the commit can be told.
        self.shared.uncommitted.lock().extend(oldest_us);
        let told = Told { position, journalled, oldest_us, spans, brought, protocols, receipts };
        Some(Batch { prepared: self.engine.prepare(writes), told })
    }

    /// Waits for room; gives up when stopping.
    fn hand_over(&self, mut batch: Batch<E::Prepared>) -> bool {
        loop {
            match self.out.try_send(batch) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(back)) => {
                    if self.shared.is_stopping() {
                        return false;
                    }
                    batch = back;
                    self.shared.pause(Duration::from_micros(500));
                }
            }
        }
    }
}

/// A journalled call is whole. Its stamp is its end, so that reading it again writes the same.
fn journalled_write(span: Span) -> SpanWrite {
    let at = ended(&span);
    SpanWrite::create(span, at)
}

fn ended(span: &Span) -> Micros {
    span.end_us.or(span.start_us).unwrap_or_default()
}
