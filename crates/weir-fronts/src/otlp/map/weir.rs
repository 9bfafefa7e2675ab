//! What only another Weir says of its spans: the whole ids behind OpenTelemetry's short ones, whose key called, where the
//! token counts come from.

use weir_core::id::SpanId;
use weir_core::span::{Span, TokenSource};

use super::fields::Mapping;
use super::read;
use super::table::Source::Attr;
use crate::otlp::out::short;

/// Takes it over what the conventions' attributes have made of the span.
pub(super) fn take(mapping: &mut Mapping, span: &mut Span) {
    // An id counts only where the one that was sent is derived from it: nobody can name another span's.
    let whole = |mapping: &mut Mapping, name: &'static str, sent: SpanId| {
        mapping.first(&[Attr(name)], |value| SpanId::parse(&read::text(value)?).filter(|id| short(*id) == sent))
    };
    span.span_id = whole(mapping, "weir.span_id", span.span_id).unwrap_or(span.span_id);
    span.parent_id = span.parent_id.map(|sent| whole(mapping, "weir.parent_id", sent).unwrap_or(sent));
    span.key = mapping.text(&[Attr("weir.key")]);
    if !span.is_call() {
        return;
    }
    let source = mapping.first(&[Attr("weir.token_source")], |value| TokenSource::parse(&read::text(value)?));
    span.token_source = source.or(span.token_source);
}
