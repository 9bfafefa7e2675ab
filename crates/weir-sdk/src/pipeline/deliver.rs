//! The thread that stores spans, and tries again while the store cannot be used.

use std::time::Duration;

use weir_core::merge::SpanWrite;

use super::queue::{Ready, Shared};
use crate::backend::{Backend, Outcome};

/// Most spans of one batch.
const BATCH: usize = 1_024;
/// About the most bytes of one batch.
const BATCH_BYTES: usize = 4 << 20;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// A server may ask for a longer pause, up to this.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Until nothing more comes.
pub(super) fn run(shared: &Shared, backend: &Backend) {
    let mut sender = backend.sender();
    while let Some(batch) = shared.take_outgoing(BATCH, BATCH_BYTES) {
        let count = batch.len();
        settle(shared, batch, |writes| sender.send(writes));
        shared.settle(count);
    }
    drop(sender);
    shared.thread_ended();
}

/// Stores a batch, as long as it takes; what will never be accepted is lost alone.
fn settle(shared: &Shared, batch: Vec<Ready>, mut send: impl FnMut(&[SpanWrite]) -> Outcome) {
    let (mut owners, mut writes) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for ready in batch {
        match ready.write {
            Some(write) => {
                owners.push((ready.core, ready.weight));
                writes.push(write);
            }
            None => ready.core.counts.release(ready.weight),
        }
    }
    let lost = deliver(shared, &writes, &mut send);
    for (at, (core, weight)) in owners.iter().enumerate() {
        core.counts.release(*weight);
        match lost.iter().find(|(places, _, _)| places.contains(&at)) {
            None => core.stored(1),
            Some((_, reason, message)) => core.lost(reason, 1, message),
        }
    }
}

/// Places of a batch that were lost, why, and the message.
type Lost = (std::ops::Range<usize>, &'static str, String);

fn deliver(shared: &Shared, writes: &[SpanWrite], send: &mut impl FnMut(&[SpanWrite]) -> Outcome) -> Vec<Lost> {
    let mut lost = Vec::new();
    let mut parts = Vec::new();
    parts.push(0..writes.len());
    while let Some(part) = parts.pop() {
        let Some(slice) = writes.get(part.clone()).filter(|slice| !slice.is_empty()) else { continue };
        let mut pause = FIRST_PAUSE;
        loop {
            match send(slice) {
                Outcome::Stored => break,
                Outcome::Again { wait, message } => {
                    tracing::debug!(%message, "the store does not take records; trying again");
                    let asked = wait.unwrap_or_default().min(LONGEST_ASKED);
                    let jitter = 0.75 + 0.25 * fastrand::f64();
                    if !shared.pause(pause.mul_f64(jitter).max(asked)) {
                        lost.push((part, "closing", message));
                        break;
                    }
                    pause = (pause * 2).min(LAST_PAUSE);
                }
                // Which one is at fault is found by halves, unless the answer names it.
                Outcome::Never { at: Some(at), reason, message } if at < slice.len() => {
                    let at = part.start + at;
                    lost.push((at..at + 1, reason, message));
                    parts.extend([at + 1..part.end, part.start..at]);
                    break;
                }
                Outcome::Never { at: None, reason: "refused", message } if slice.len() > 1 => {
                    tracing::debug!(%message, "a batch was refused; trying its halves");
                    let middle = part.start + slice.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                    break;
                }
                Outcome::Never { reason, message, .. } => {
                    lost.push((part, reason, message));
                    break;
                }
            }
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use weir_core::span::Span;

    fn writes(names: &[&str]) -> Vec<SpanWrite> {
        names
            .iter()
            .map(|name| SpanWrite::create(Span { name: Some((*name).to_owned()), ..Span::default() }, 0))
            .collect()
    }

    fn never(at: Option<usize>) -> Outcome {
        Outcome::Never { at, reason: "refused", message: "bad".into() }
    }

    #[test]
    fn what_is_refused_is_lost_alone() {
        let mut stored = Vec::new();
        let mut send = |part: &[SpanWrite]| {
            if part.iter().any(|write| write.span.name.as_deref() == Some("bad")) {
                return never(None);
            }
            stored.extend(part.iter().filter_map(|write| write.span.name.clone()));
            Outcome::Stored
        };
        let lost = deliver(&Shared::default(), &writes(&["a", "b", "bad", "c", "d"]), &mut send);
        assert_eq!(lost, [(2..3, "refused", "bad".to_owned())]);
        assert_eq!(stored, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_named_one_costs_one_more_attempt_per_side() {
        let mut attempts = 0;
        let mut send = |part: &[SpanWrite]| {
            attempts += 1;
            let bad = part.iter().position(|write| write.span.name.as_deref() == Some("bad"));
            bad.map_or(Outcome::Stored, |at| never(Some(at)))
        };
        let lost = deliver(&Shared::default(), &writes(&["a", "b", "bad", "c"]), &mut send);
        assert_eq!(lost.len(), 1);
        assert_eq!(attempts, 3);
    }

    #[test]
    fn a_store_that_is_away_is_tried_again_until_the_logger_closes() {
        let shared = Shared::default();
        let mut attempts = 0;
        let mut send = |_: &[SpanWrite]| {
            attempts += 1;
            match attempts {
                3 => Outcome::Stored,
                _ => Outcome::Again { wait: None, message: "away".into() },
            }
        };
        assert_eq!(deliver(&shared, &writes(&["a"]), &mut send), []);
        shared.close(Instant::now());
        let mut send = |_: &[SpanWrite]| Outcome::Again { wait: None, message: "away".into() };
        assert_eq!(deliver(&shared, &writes(&["a"]), &mut send), [(0..1, "closing", "away".to_owned())]);
    }
}
