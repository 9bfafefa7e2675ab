//! Recording: a finished call is made harmless, journalled and told to whoever counts.
//!
//! Invariant: nothing is written, logged or counted before secrets have been taken out of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use weir_core::observe::Observer;
use weir_core::record::RecordPolicy;
use weir_core::span::Span;
use weir_core::time::{Clock, SECOND};
use weir_store::journal::Journal;

/// Where finished calls go.
pub struct Recorder {
    journal: Arc<Journal>,
    observer: Arc<dyn Observer>,
    clock: Clock,
    complained: AtomicI64,
}

impl Recorder {
    /// A recorder into a journal.
    #[must_use]
    pub fn new(journal: Arc<Journal>, observer: Arc<dyn Observer>, clock: Clock) -> Self {
        Self { journal, observer, clock, complained: AtomicI64::new(0) }
    }

    /// Records a finished call: when this returns, it survives the death of the process. A journal that cannot be
    /// written never fails the user's call; what is lost is counted and said in the log at most once in 10 s.
    pub fn record(&self, mut span: Span, policy: &RecordPolicy) {
        policy.apply(&mut span);
        self.observer.call_finished(&span);
        log(&span);
        if let Err(error) = self.journal.append(&span) {
            self.observer.lost("journal", 1);
            let now = self.clock.now();
            let last = self.complained.load(Ordering::Relaxed);
            if now - last > 10 * SECOND
                && self.complained.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                tracing::error!(%error, "calls are answered but cannot be recorded");
            }
        }
    }
}

/// One line per call: failures for whoever is woken by them, all others only when asked for.
fn log(span: &Span) {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    macro_rules! line {
        ($level:ident, $message:literal) => {
            tracing::$level!(
                request_id = text(&span.request_id),
                model = text(&span.model),
                deployment = text(&span.deployment),
                status = span.status.map_or("", weir_core::span::Status::as_str),
                http_status = span.http_status,
                latency_ms = span.latency_us().unwrap_or(0) / 1000,
                error = text(&span.error),
                $message
            )
        };
    }
    if span.error_type.is_some() { line!(warn, "a call failed") } else { line!(debug, "a call was answered") }
}
