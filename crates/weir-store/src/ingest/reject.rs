//! Spans that the engine will never accept.

use weir_core::merge::SpanWrite;
use weir_core::observe::Observer;

/// Most spans of a batch that its log line names.
const NAMED: usize = 16;

/// The rejected writes of one batch.
#[derive(Default)]
pub(super) struct Rejects {
    count: u64,
    /// Request id, or trace and span, of the first ones.
    names: Vec<String>,
    reason: String,
}

impl Rejects {
    /// Notes writes that cannot be split further.
    pub(super) fn add(&mut self, writes: &[SpanWrite], reason: &str) {
        for span in writes.iter().map(|w| &w.span) {
            if self.count == 0 {
                reason.clone_into(&mut self.reason);
            }
            self.count += 1;
            if self.names.len() < NAMED {
                let key = || format!("{}/{}", span.trace_id, span.span_id);
                self.names.push(span.request_id.clone().unwrap_or_else(key));
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Counts them and logs once: the reason of the first, and which they are.
    pub(super) fn report(&self, observer: &dyn Observer) {
        if self.count > 0 {
            observer.lost("rejected", self.count);
            let (count, reason, requests) = (self.count, &self.reason, self.names.join(" "));
            tracing::error!(count, %reason, %requests, "the store can never take these records; they are dropped");
        }
    }
}
