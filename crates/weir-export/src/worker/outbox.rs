//! A queue in memory, for tests of the loop and of targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::span::Span;
use weir_store::exports::{Exports, Lag, Pending};
use weir_store::telemetry::StoreError;

/// Places and the calls that stand there, if they still do.
#[derive(Default)]
pub(crate) struct Outbox {
    calls: Mutex<BTreeMap<i64, Option<Span>>>,
    cursor: Mutex<i64>,
}

impl Outbox {
    /// Calls 1 to n, named by their place; the places of `gone` hold nothing any more.
    pub(crate) fn of(n: i64, gone: &[i64]) -> Arc<Self> {
        let call = |id: i64| Span { request_id: Some(id.to_string()), ..Span::default() };
        let calls = (1..=n).map(|id| (id, (!gone.contains(&id)).then(|| call(id)))).collect();
        Arc::new(Self { calls: Mutex::new(calls), cursor: Mutex::default() })
    }

    /// These spans, from place 1.
    pub(crate) fn holding(spans: impl IntoIterator<Item = Span>) -> Arc<Self> {
        let calls = (1..).zip(spans.into_iter().map(Some)).collect();
        Arc::new(Self { calls: Mutex::new(calls), cursor: Mutex::default() })
    }

    /// The only cursor.
    pub(crate) fn cursor(&self) -> i64 {
        *self.cursor.lock()
    }
}

impl Exports for Outbox {
    fn targets(&self) -> Result<Vec<String>, StoreError> {
        Ok(vec!["fake".into()])
    }
    fn cursor(&self, _: &str) -> Result<i64, StoreError> {
        Ok(*self.cursor.lock())
    }
    fn pending(&self, _: &str, after: i64, limit: usize, _: usize) -> Result<Pending, StoreError> {
        let mut page = Pending { upto: after, ..Pending::default() };
        for (id, call) in self.calls.lock().range(after + 1..).take(limit) {
            page.upto = *id;
            match call {
                Some(span) => page.calls.push((*id, span.clone())),
                None => page.gone += 1,
            }
        }
        Ok(page)
    }
    fn done(&self, _: &str, upto: i64) -> Result<(), StoreError> {
        let mut cursor = self.cursor.lock();
        assert!(upto >= *cursor, "it never goes back");
        *cursor = upto;
        Ok(())
    }
    fn lag(&self, _: &str) -> Result<Lag, StoreError> {
        let last = self.calls.lock().last_key_value().map_or(0, |(id, _)| *id);
        Ok(Lag { last, ..Lag::default() })
    }
}
