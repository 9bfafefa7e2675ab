//! What a score is about.

use crate::id::{SpanId, SpanKey, TraceId};
use crate::span::Span;

/// What a score is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ScoreTarget {
    /// A span by its id or its request id, as [`ScoreTarget::call`] writes it, whatever its trace.
    Call(String),
    /// A trace as a whole.
    Trace(TraceId),
    /// A span of a trace.
    Span(SpanKey),
}

impl ScoreTarget {
    /// A call by span id (hex or UUID) or request id. Both are texts that clients choose and either may look like a
    /// UUID, so they share one space of names: what reads as an id is written as its hex digits, anything else stays.
    #[must_use]
    pub fn call(name: &str) -> Self {
        Self::Call(SpanId::parse(name).map_or_else(|| name.to_owned(), |id| id.to_string()))
    }

    /// The names under which a span may have been scored.
    #[must_use]
    pub fn calls_of(span: &Span) -> Vec<Self> {
        let exactly = Self::Span(SpanKey { trace: span.trace_id, span: span.span_id });
        let by_id = Self::Call(span.span_id.to_string());
        let by_request = span.request_id.as_deref().map(Self::call).filter(|name| *name != by_id);
        [exactly, by_id].into_iter().chain(by_request).collect()
    }

    /// The trace, where the target says which.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        match self {
            Self::Call(_) => None,
            Self::Trace(trace) => Some(*trace),
            Self::Span(key) => Some(key.trace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_alike_however_its_id_is_written() {
        let dashed = ScoreTarget::call("0192F0C1-2345-7abc-8def-0123456789ab");
        assert_eq!(dashed, ScoreTarget::call("0192f0c123457abc8def0123456789ab"));
        let key = SpanKey { trace: TraceId::new(), span: SpanId::parse("00f067aa0ba902b7").unwrap() };
        let mut span = Span::new(key);
        let named = [ScoreTarget::Span(key), ScoreTarget::call("00f067aa0ba902b7")];
        assert_eq!(ScoreTarget::calls_of(&span), named);
        span.request_id = Some("req-1".into());
        assert_eq!(ScoreTarget::calls_of(&span), [&named[..], &[ScoreTarget::call("req-1")]].concat());
    }
}
