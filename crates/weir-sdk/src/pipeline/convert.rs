//! The thread that makes spans of records: nothing of it is the caller's time, and nothing of it waits for the store.

use std::panic::{AssertUnwindSafe, catch_unwind};

use weir_core::merge::SpanWrite;

use super::queue::{Queued, Ready, Shared};
use crate::event::Event;

/// Records that are handed over together.
const PART: usize = 256;

/// Until the pipeline closes and its queue is empty.
pub(super) fn run(shared: &Shared) {
    let mut records: Vec<Queued> = Vec::new();
    while shared.take_incoming(&mut records) {
        // In parts, so that the storing thread begins with the first of many.
        while !records.is_empty() {
            let part: Vec<_> = records.drain(..records.len().min(PART)).map(convert).collect();
            shared.give_outgoing(part);
        }
    }
    shared.no_more_outgoing();
    shared.thread_ended();
}

fn convert(record: Queued) -> Ready {
    let Queued { core, event, moment, weight } = record;
    let stored = !matches!(event, Event::Counted(_));
    let mut write = event.into_write(&moment);
    // A custom metric is somebody's code: its panic must not end the logging of the process.
    if catch_unwind(AssertUnwindSafe(|| core.finish(&mut write))).is_err() {
        core.complain("panic", "a record could not be looked at: a metric or a pattern panicked");
        withhold(&mut write);
    }
    Ready { core, write: stored.then_some(write), weight }
}

/// What may not have been redacted is not kept.
fn withhold(write: &mut SpanWrite) {
    let span = &mut write.span;
    (span.input, span.output, span.details) = (None, None, None);
    span.attributes.clear();
}
