//! Reads of the store, for handlers and for the command line.
//!
//! The functions over [`Telemetry`] are the whole meaning of an endpoint; [`Reads`] runs them beside the server:
//! on blocking threads, so many at a time, and with a limit on the time that a client waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use weir_core::error::{Code, Error};
use weir_core::filter::{Field, Filter};
use weir_core::id::SpanId;
use weir_core::span::Span;
use weir_core::time::{Micros, to_rfc3339};
use weir_store::telemetry::{OrderBy, SpanQuery, SpanRef, StoreError, Telemetry, TimeRange};

use super::call_json::{Call, CallList};
use super::params::Pairs;
use super::stats_json::StatsAnswer;
use super::text::{Found, Words};
use super::{calls_filter, calls_query, stats_query};

/// Reads at the same time. The rest of tokio's blocking threads stay free for writers.
const PLACES: usize = 8;
/// How long a client waits, for its place and for the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A page of calls.
///
/// # Errors
/// A wrong parameter, or a store that cannot answer.
pub fn list_calls(store: &dyn Telemetry, pairs: &Pairs, now: Micros) -> Result<CallList, Error> {
    let query = calls_query::list(pairs, now)?;
    let words = Words::of(pairs)?;
    let Found { page, searched_to } = if words.is_empty() {
        Found { page: store.spans(&query).map_err(refusal)?, searched_to: None }
    } else {
        words.search(store, &query)?
    };
    let calls = page.spans.into_iter().map(|span| Call::new(span, query.with_payload)).collect();
    Ok(CallList { calls, next: page.next, searched_to: searched_to.map(to_rfc3339) })
}

/// One call with its payload, by span id (hex or UUID) or request id.
///
/// # Errors
/// There is no such call, or the store cannot answer.
pub fn get_call(store: &dyn Telemetry, id: &str) -> Result<Call, Error> {
    find_call(store, id)?.map(Call::full).ok_or_else(|| {
        Error::new(
            Code::NotFound,
            format!("there is no call with the id or request id \"{id}\": it was never recorded, or was pruned"),
        )
    })
}

/// The span of that span id; else of that request the newest call, or where it made none its newest step.
pub(super) fn find_call(store: &dyn Telemetry, id: &str) -> Result<Option<Span>, Error> {
    // A request id is often a UUID too, so what reads as a span id may be either.
    if let Some(span) = SpanId::parse(id)
        && let Some(found) = store.span(&SpanRef::Span(span)).map_err(refusal)?
    {
        return Ok(Some(found));
    }
    let newest_call = SpanQuery {
        range: TimeRange::default(),
        filter: Filter::And(vec![Filter::eq(Field::RequestId, id), calls_filter::calls()]),
        order: OrderBy::Start,
        ascending: false,
        limit: 1,
        cursor: None,
        with_payload: true,
    };
    match store.spans(&newest_call).map_err(refusal)?.spans.pop() {
        Some(call) => Ok(Some(call)),
        None => store.span(&SpanRef::Request(id.to_owned())).map_err(refusal),
    }
}

/// Grouped figures.
///
/// # Errors
/// A wrong parameter, or a store that cannot answer.
pub fn get_stats(store: &dyn Telemetry, pairs: &Pairs, now: Micros) -> Result<StatsAnswer, Error> {
    let query = stats_query::stats(pairs, now)?;
    let stats = store.stats(&query).map_err(refusal)?;
    Ok(StatsAnswer::new(&query, &stats))
}

/// A failure of the store as a row of the error table.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "used as the function of map_err")]
pub fn refusal(error: StoreError) -> Error {
    match &error {
        StoreError::Unavailable(_) => Error::new(Code::StoreUnavailable, error.to_string()).retry_after_ms(1_000),
        StoreError::Incompatible(_) => Error::new(Code::StoreUnavailable, error.to_string()),
        StoreError::Unsupported(_) => Error::new(Code::InvalidRequest, error.to_string()),
    }
}

/// Runs reads on blocking threads.
#[derive(Clone)]
pub(super) struct Reads {
    store: Arc<dyn Telemetry>,
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Reads {
    pub(super) fn new(store: Arc<dyn Telemetry>) -> Self {
        Self { store, places: Arc::new(Semaphore::new(PLACES)), patience: PATIENCE }
    }

    /// Runs a read and gives its answer as JSON. When the client's patience ends first, the read keeps its place until
    /// it is done, so that slow reads never take all threads.
    pub(super) async fn json<T, F>(&self, read: F) -> Result<Vec<u8>, Error>
    where
        T: serde::Serialize,
        F: FnOnce(&dyn Telemetry) -> Result<T, Error> + Send + 'static,
    {
        let work = async {
            let closed = |_| Error::new(Code::Overloaded, "Weir is shutting down");
            let place = Arc::clone(&self.places).acquire_owned().await.map_err(closed)?;
            let store = Arc::clone(&self.store);
            let read = tokio::task::spawn_blocking(move || {
                let _place = place;
                let answer = read(store.as_ref())?;
                serde_json::to_vec(&answer).map_err(|e| Error::new(Code::Internal, e.to_string()))
            });
            read.await.unwrap_or_else(|e| Err(Error::new(Code::Internal, format!("the read broke off: {e}"))))
        };
        tokio::time::timeout(self.patience, work).await.unwrap_or_else(|_| {
            Err(Error::new(
                Code::StoreUnavailable,
                format!(
                    "the store did not answer within {} s: ask for a shorter range or fewer filters",
                    self.patience.as_secs()
                ),
            )
            .retry_after_ms(5_000))
        })
    }
}

#[cfg(test)]
mod tests {
    use weir_core::id::{SpanKey, TraceId};
    use weir_core::span::SpanKind;

    use super::super::fake::Fake;
    use super::*;

    #[tokio::test]
    async fn a_slow_read_is_given_up_but_keeps_its_place() {
        let mut reads = Reads::new(Arc::new(Fake::default()));
        reads.patience = Duration::from_millis(20);
        reads.places = Arc::new(Semaphore::new(1));
        let slow = reads.json(|_| {
            std::thread::sleep(Duration::from_millis(200));
            Ok(1)
        });
        let error = slow.await.unwrap_err();
        assert_eq!((error.code, error.retry_after_ms), (Code::StoreUnavailable, Some(5_000)));
        assert_eq!(reads.places.available_permits(), 0);
        assert_eq!(reads.json(|_| Ok(2)).await.unwrap_err().code, Code::StoreUnavailable);
    }

    #[test]
    fn a_call_is_found_by_either_id() {
        let store = Fake::default();
        let span = store.add("gpt-4o", "req-1");
        let id = span.span_id.to_string();
        assert_eq!(get_call(&store, &id).unwrap().span_id, id);
        assert_eq!(get_call(&store, "req-1").unwrap().span_id, id);
        let error = get_call(&store, "req-2").unwrap_err();
        assert_eq!(error.code, Code::NotFound);
        assert!(error.message.contains("\"req-2\""));
    }

    #[test]
    fn a_request_is_its_call_before_its_other_steps() {
        let store = Fake::default();
        let tool = |request: &str| {
            let key = SpanKey { trace: TraceId::new(), span: SpanId::new() };
            let request_id = Some(request.to_owned());
            store.push(Span { kind: Some(SpanKind::Tool), request_id, ..Span::new(key) });
        };
        tool("req-1");
        let call = store.add("gpt-4o", "req-1");
        tool("req-1");
        tool("req-2");
        assert_eq!(get_call(&store, "req-1").unwrap().model, call.model);
        assert_eq!(get_call(&store, "req-2").unwrap().kind.as_deref(), Some("tool"));
    }
}
