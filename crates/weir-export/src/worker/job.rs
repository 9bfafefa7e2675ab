//! One call of the queue, and what a failure means for it.

use std::sync::Arc;
use std::time::Duration;

use weir_core::span::Span;

use crate::failure::{Failure, Reason};
use crate::target::{Delivery, Target};

/// How often a call that is refused is tried.
const REFUSALS: u32 = 3;
/// How often the target may fail at a call, each time after having taken others.
const FAULTS: u32 = 20;

pub(super) struct Job<T: Target> {
    /// Its place in the queue.
    pub(super) id: i64,
    pub(super) delivery: Delivery<T::Progress>,
    /// Bytes of its payloads.
    pub(super) weight: usize,
    /// Failed attempts.
    pub(super) failed: u32,
    refusals: u32,
    faults: u32,
    /// How many calls had succeeded when the target last failed at this one.
    successes_then: Option<u64>,
}

/// What to do with a call that was not delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try it again at once.
    Again,
    /// Try it again after a pause for everybody; at least as long as the target asks for.
    Pause(Option<Duration>),
    /// Leave it, and tell which it is.
    GiveUp,
    /// Leave it; the target has told why.
    Leave,
}

impl<T: Target> Job<T> {
    pub(super) fn new(id: i64, span: Span, doubtful: bool) -> Self {
        let weight = weight(&span);
        let delivery = Delivery { span: Arc::new(span), doubtful, progress: T::Progress::default() };
        Self { id, delivery, weight, failed: 0, refusals: 0, faults: 0, successes_then: None }
    }

    /// Counts a failure. `successes` is how many calls the target has taken so far.
    pub(super) fn judge(&mut self, failure: &Failure, successes: u64) -> Verdict {
        self.failed = self.failed.saturating_add(1);
        match failure {
            Failure::Refused(_) => {
                self.refusals += 1;
                if self.refusals >= REFUSALS { Verdict::GiveUp } else { Verdict::Again }
            }
            Failure::Rejected(_) => Verdict::Leave,
            Failure::Outage {
                reason: Reason::ServerError | Reason::Timeout | Reason::Connection, retry_after, ..
            } => {
                // A call that makes the target fail must not hold up the others for ever. In an outage nothing
                // succeeds in between, so that it costs no call.
                if self.successes_then.replace(successes).is_some_and(|then| successes > then) {
                    self.faults += 1;
                }
                if self.faults >= FAULTS { Verdict::GiveUp } else { Verdict::Pause(*retry_after) }
            }
            Failure::Outage { retry_after, .. } => Verdict::Pause(*retry_after),
        }
    }
}

/// Bytes of all that may be long.
fn weight(span: &Span) -> usize {
    let payloads = [&span.input, &span.output, &span.details];
    let payloads = payloads.into_iter().flatten().map(String::len);
    payloads.chain(span.attributes.iter().map(|(name, json)| name.len() + json.len())).sum()
}
