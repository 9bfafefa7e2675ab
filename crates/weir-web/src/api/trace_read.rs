//! What the store holds of a request or of a trace.

use std::collections::HashSet;

use weir_core::error::{Code, Error};
use weir_core::filter::{Field, Filter};
use weir_core::id::{SpanKey, TraceId};
use weir_core::span::Span;
use weir_core::time::Micros;
use weir_store::telemetry::{OrderBy, SpanQuery, Telemetry, TimeRange};

use super::call_json::Call;
use super::calls_query::{self, MAX_LIMIT_WITH_PAYLOAD};
use super::params::{self, Pairs, Param};
use super::read::refusal;
use super::trace_json::{ATTRIBUTES, PathAnswer, TraceSpans};
use super::trace_path::{arrange, totals};

/// Most steps of a path.
const MAX_STEPS: usize = 10_000;
/// Most traces that a request's steps are looked for in.
const MAX_TRACES: usize = 100;
/// Spans that are read at once.
const PAGE: usize = 1_000;

/// The parameters of `/api/v1/traces/{trace_id}`.
pub(super) static TRACE_PARAMS: [Param; 3] = [
    Param { name: "limit", about: "Spans of a page, 1 to 1000 (100 with payload). Default: as many", repeats: false },
    Param { name: "cursor", about: "`next` of the page before", repeats: false },
    Param { name: "payload", about: "`true` to get `input`, `output` and `details` with each span", repeats: false },
];

/// The spans of a trace, a page at a time.
///
/// # Errors
/// A wrong parameter, no such trace, or a store that cannot answer.
pub fn get_trace(store: &dyn Telemetry, trace: &str, pairs: &Pairs, now: Micros) -> Result<TraceSpans, Error> {
    params::check(pairs, TRACE_PARAMS.iter(), false)?;
    let trace = parse_trace(trace)?;
    let mut asked: Vec<(String, String)> = pairs.to_vec();
    for (name, value) in [("kind", "any"), ("order", "time"), ("trace_id", &trace.to_string())] {
        asked.push((name.to_owned(), value.to_owned()));
    }
    let mut query = calls_query::list(&asked, now)?;
    if params::one(pairs, "limit").is_none() {
        query.limit = if query.with_payload { MAX_LIMIT_WITH_PAYLOAD } else { PAGE };
    }
    let page = store.spans(&query).map_err(refusal)?;
    if page.spans.is_empty() && query.cursor.is_none() {
        return Err(no_trace(trace));
    }
    let spans = page.spans.into_iter().map(|span| Call::new(span, query.with_payload)).collect();
    Ok(TraceSpans { trace_id: trace.to_string(), spans, next: page.next })
}

/// What a request went through: the spans that carry its id, and every span of the traces that these lie in.
///
/// # Errors
/// No such request, or a store that cannot answer.
pub fn get_request_path(store: &dyn Telemetry, request_id: &str) -> Result<PathAnswer, Error> {
    let mut found = Found::default();
    found.read(store, Filter::eq(Field::RequestId, request_id))?;
    // What is logged under a request's id without a trace has one that is made of the id.
    let mut traces = found.traces();
    let of_request = TraceId::of_request(request_id);
    if !traces.contains(&of_request) {
        traces.push(of_request);
    }
    for (n, trace) in traces.into_iter().enumerate() {
        if n >= MAX_TRACES {
            found.truncated = true;
            break;
        }
        found.read(store, Filter::eq(Field::TraceId, trace.to_string()))?;
    }
    if found.spans.is_empty() {
        return Err(Error::new(
            Code::NotFound,
            format!("there is no request with the id \"{request_id}\": it was never recorded, or was pruned"),
        ));
    }
    Ok(found.path(Some(request_id)))
}

/// What a trace went through.
///
/// # Errors
/// No such trace, an id that is none, or a store that cannot answer.
pub fn get_trace_path(store: &dyn Telemetry, trace: &str) -> Result<PathAnswer, Error> {
    let trace = parse_trace(trace)?;
    let mut found = Found::default();
    found.read(store, Filter::eq(Field::TraceId, trace.to_string()))?;
    if found.spans.is_empty() {
        return Err(no_trace(trace));
    }
    Ok(found.path(None))
}

fn parse_trace(text: &str) -> Result<TraceId, Error> {
    TraceId::parse(text).ok_or_else(|| {
        Error::invalid("trace_id", format!("\"{text}\" is no trace id: write 32 or 16 hex digits, or a UUID"))
    })
}

fn no_trace(trace: TraceId) -> Error {
    Error::new(Code::NotFound, format!("there is no trace {trace}: it was never recorded, or was pruned"))
}

/// The spans of a path as they are found, without what its steps do not tell.
#[derive(Default)]
struct Found {
    spans: Vec<Span>,
    held: HashSet<SpanKey>,
    truncated: bool,
}

impl Found {
    /// Takes in what matches, the oldest first, up to the bound.
    fn read(&mut self, store: &dyn Telemetry, filter: Filter) -> Result<(), Error> {
        let mut query = SpanQuery {
            range: TimeRange::default(),
            filter,
            order: OrderBy::Start,
            ascending: true,
            limit: PAGE,
            cursor: None,
            with_payload: false,
        };
        while !self.truncated {
            let page = store.spans(&query).map_err(refusal)?;
            page.spans.into_iter().for_each(|span| self.take(span));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, mut span: Span) {
        if self.held.contains(&span.span_key()) {
            return;
        }
        if self.spans.len() >= MAX_STEPS {
            self.truncated = true;
            return;
        }
        span.attributes.retain(|name, _| ATTRIBUTES.contains(&name.as_str()));
        (span.input, span.output, span.details) = (None, None, None);
        self.held.insert(span.span_key());
        self.spans.push(span);
    }

    /// The traces of the spans, each once, in the order of their first spans.
    fn traces(&self) -> Vec<TraceId> {
        let mut seen = HashSet::new();
        self.spans.iter().map(|s| s.trace_id).filter(|id| seen.insert(*id)).collect()
    }

    fn path(self, request_id: Option<&str>) -> PathAnswer {
        let truncated = self.truncated;
        let traces = self.traces().iter().map(TraceId::to_string).collect();
        let steps = arrange(self.spans);
        let totals = totals(&steps);
        PathAnswer::new(request_id, traces, steps, &totals, truncated)
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
