//! An OpenTelemetry span as Weir's, whoever instrumented it.

use weir_core::merge::SpanWrite;
use weir_core::span::Span;

use super::wire::WireSpan;

/// The write that a span comes to. Its stamp is the span's end, else its start, so that sending it again changes nothing.
#[must_use]
pub fn map(wire: WireSpan) -> SpanWrite {
    let ns = if wire.end_ns == 0 { wire.start_ns } else { wire.end_ns };
    let span = Span { trace_id: wire.trace_id, span_id: wire.span_id, name: Some(wire.name), ..Span::default() };
    SpanWrite::create(span, i64::try_from(ns / 1_000).unwrap_or(i64::MAX))
}
