//! What Weir says of its own spans beyond the conventions, under names that `map` reads before all others: so that a Weir
//! that gets spans from another one has them as they were.

use weir_core::id::SpanId;
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status, TokenSource};

use super::attributes::Said;
use super::short;

pub(super) fn put(said: &mut Said, span: &Span) {
    said.may_put("weir.span.kind", span.kind.map(SpanKind::as_str));
    said.may_put("weir.status", span.status.map(Status::as_str));
    let texts = [
        ("weir.operation", &span.operation),
        ("weir.provider", &span.provider),
        ("weir.model", &span.model),
        ("weir.deployment", &span.deployment),
        ("weir.department", &span.department),
        ("weir.key", &span.key),
        ("weir.request_id", &span.request_id),
        ("weir.upstream_request_id", &span.upstream_request_id),
        ("weir.prompt.name", &span.prompt_name),
        ("weir.prompt.version", &span.prompt_version),
        ("weir.cache", &span.cache),
    ];
    for (name, text) in texts {
        said.may_put(name, text.as_deref());
    }
    if let Some(cache) = span.cache.as_deref() {
        said.put("weir.cache_hit", span.status == Some(Status::Cached) || matches!(cache, "hit" | "semantic"));
    }
    said.may_put("weir.attempts", span.attempts.map(i64::from));
    said.may_put("http.response.status_code", span.http_status.map(i64::from));
    said.may_put("weir.token_source", span.token_source.map(TokenSource::as_str));
    // The conventions count what is kept for an hour and for less as one.
    if let Some(tokens) = span.tokens.filter(|tokens| tokens.cache_write_1h > 0) {
        said.count("weir.usage.cache_write_1h_tokens", tokens.cache_write_1h);
    }
    said.may_put("weir.cost_usd", span.cost.map(NanoUsd::as_usd));
    // Where OpenTelemetry's 8 bytes do not hold the whole id.
    let whole = |id: SpanId| (short(id) != id).then(|| id.to_string());
    said.may_put("weir.span_id", whole(span.span_id));
    said.may_put("weir.parent_id", span.parent_id.and_then(whole));
}
