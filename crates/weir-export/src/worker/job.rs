//! One call of the queue, and what a failure means for it.

use std::sync::Arc;
use std::time::Duration;

use weir_core::span::Span;

use crate::failure::{Failure, Reason};
use crate::target::{Delivery, Target};

/// How often a call that is refused is tried.
const REFUSALS: u32 = 3;
/// How often a call is tried at which the target fails, while it takes others.
const SERVER_ERRORS: u32 = 10;

pub(super) struct Job<T: Target> {
    /// Its place in the queue.
    pub(super) id: i64,
    pub(super) delivery: Delivery<T::Progress>,
    refusals: u32,
    server_errors: u32,
    /// How many calls had succeeded when the target first failed at this one.
    successes_then: Option<u64>,
}

/// What to do with a call that was not delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try it again at once.
    Again,
    /// Try it again after a pause for everybody; at least as long as the target asks for.
    Pause(Option<Duration>),
    /// Leave it.
    GiveUp,
}

impl<T: Target> Job<T> {
    pub(super) fn new(id: i64, span: Span, doubtful: bool) -> Self {
        let delivery = Delivery { span: Arc::new(span), doubtful, progress: T::Progress::default() };
        Self { id, delivery, refusals: 0, server_errors: 0, successes_then: None }
    }

    /// Counts a failure. `successes` is how many calls the target has taken so far.
    pub(super) fn judge(&mut self, failure: &Failure, successes: u64) -> Verdict {
        match failure {
            Failure::Refused(_) => {
                self.refusals += 1;
                if self.refusals >= REFUSALS { Verdict::GiveUp } else { Verdict::Again }
            }
            Failure::Outage { reason: Reason::ServerError, retry_after, .. } => {
                self.server_errors += 1;
                let then = *self.successes_then.get_or_insert(successes);
                // A call that makes the target fail must not hold up the others for ever.
                if self.server_errors >= SERVER_ERRORS && successes > then {
                    Verdict::GiveUp
                } else {
                    Verdict::Pause(*retry_after)
                }
            }
            Failure::Outage { retry_after, .. } => Verdict::Pause(*retry_after),
        }
    }
}
