//! Spans that wait together are sent together.
//!
//! Each delivery puts its span into the row and waits for its outcome; whoever's turn it is sends for those at the head
//! of the row. There is no task between them, so that a delivery that is dropped or meets a defect leaves the others to
//! send for themselves.
//!
//! Invariant: spans leave in the order in which they came, one request after the other.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::failure::{Failure, Reason};

/// Most spans of a request.
pub(super) const MOST: usize = 200;
/// Most bytes of a request, before compression; a longer span goes alone.
const BYTES: usize = 2 << 20;
/// How long a span waits for others.
const PATIENCE: Duration = Duration::from_millis(10);

/// A span in the row.
pub(super) struct Waiting<S> {
    ticket: u64,
    /// What is sent.
    pub(super) span: S,
    /// Its bytes.
    bytes: usize,
    /// With how many it may go at most, itself included.
    most: usize,
    outcome: oneshot::Sender<Result<(), Failure>>,
}

impl<S> Waiting<S> {
    /// Tells what came of it.
    pub(super) fn ended(self, outcome: Result<(), Failure>) {
        // Nobody may be waiting any more.
        let _ = self.outcome.send(outcome);
    }
}

/// What sends the spans of a request.
pub(super) trait Sender<S>: Sync {
    /// Sends them, and tells each what came of it.
    fn send(&self, batch: Vec<Waiting<S>>) -> impl Future<Output = ()> + Send;
}

/// The row.
pub(super) struct Batches<S> {
    row: Mutex<Row<S>>,
    /// Told when a request's worth is there.
    enough: Notify,
    turn: tokio::sync::Mutex<()>,
}

struct Row<S> {
    waiting: VecDeque<Waiting<S>>,
    next: u64,
}

impl<S> Batches<S> {
    pub(super) fn new() -> Self {
        let row = Row { waiting: VecDeque::new(), next: 0 };
        Self { row: Mutex::new(row), enough: Notify::new(), turn: tokio::sync::Mutex::default() }
    }

    /// Delivers a span of so many bytes, together with those that wait as well, at most `most` of them in all.
    pub(super) async fn deliver(
        &self,
        span: S,
        bytes: usize,
        most: usize,
        sender: &impl Sender<S>,
    ) -> Result<(), Failure> {
        let (ticket, mut outcome) = self.join(span, bytes, most);
        loop {
            let turn = tokio::select! {
                biased;
                ended = &mut outcome => return ended.unwrap_or_else(|_| Err(left_behind())),
                turn = self.turn.lock() => turn,
            };
            if !self.row.lock().waiting.iter().any(|waiting| waiting.ticket == ticket) {
                // Its outcome is on its way.
                drop(turn);
                return outcome.await.unwrap_or_else(|_| Err(left_behind()));
            }
            sender.send(self.gather().await).await;
        }
    }

    fn join(&self, span: S, bytes: usize, most: usize) -> (u64, oneshot::Receiver<Result<(), Failure>>) {
        let (outcome, waits) = oneshot::channel();
        let mut row = self.row.lock();
        let ticket = row.next;
        row.next += 1;
        row.waiting.push_back(Waiting { ticket, span, bytes, most: most.max(1), outcome });
        if row.head().1 {
            self.enough.notify_one();
        }
        (ticket, waits)
    }

    /// The spans of the next request: a full one, or what is there when patience ends.
    async fn gather(&self) -> Vec<Waiting<S>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let is_enough = self.row.lock().head().1;
            if is_enough || timeout_at(until, self.enough.notified()).await.is_err() {
                let mut row = self.row.lock();
                let count = row.head().0;
                return row.waiting.drain(..count).collect();
            }
        }
    }
}

impl<S> Row<S> {
    /// How many go into the next request, and whether no further one may go with them.
    fn head(&self) -> (usize, bool) {
        let (mut count, mut bytes, mut most) = (0, 0usize, MOST);
        for waiting in &self.waiting {
            most = most.min(waiting.most);
            bytes = bytes.saturating_add(waiting.bytes);
            if count > 0 && (count >= most || bytes > BYTES) {
                return (count, true);
            }
            count += 1;
        }
        (count, count >= most || bytes >= BYTES)
    }
}

/// Whoever sent this span did not come to the end.
fn left_behind() -> Failure {
    Failure::Outage {
        reason: Reason::Defect,
        message: "the request that this span was part of met a defect".to_owned(),
        retry_after: None,
        may_have_happened: true,
    }
}
