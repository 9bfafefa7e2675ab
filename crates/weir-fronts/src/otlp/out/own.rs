//! A span of Weir's own: a call of the gateway, an event of a library, a span of another protocol.

use std::sync::Arc;

use weir_core::id::TraceId;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Micros;

use super::attributes::Said;
use super::details::Details;
use super::{content, names, params, short, usage, weir_names};
use crate::otlp::wire::{self, AnyValue, Attributes, Resource, Scope, WireSpan};

/// The instrumentation that made it.
const SCOPE: &str = "weir";
/// OpenTelemetry's span kinds.
const INTERNAL: i32 = 1;
const CLIENT: i32 = 3;
/// Attributes of a span that are said in other words.
const TOOL_NAME: &str = "tool_name";
const METADATA: &str = "metadata";

pub(super) fn wire(span: &Span, details: &Details<'_>, kind: &dyn Fn(&str) -> Option<&'static str>) -> WireSpan {
    let start = span.start_us.or(span.end_us).unwrap_or_default();
    WireSpan {
        trace_id: trace(span.trace_id),
        span_id: short(span.span_id),
        parent_id: span.parent_id.map(short),
        name: name(span),
        kind: if span.is_call() { CLIENT } else { INTERNAL },
        start_ns: nanos(start),
        end_ns: nanos(span.end_us.unwrap_or(start).max(start)),
        attributes: attributes(span, kind),
        events: details.events(),
        links: details.links(),
        status: status(span),
        resource: Arc::new(resource(span)),
        scope: Arc::new(Scope {
            name: SCOPE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Scope::default()
        }),
        ..WireSpan::default()
    }
}

fn attributes(span: &Span, kind: &dyn Fn(&str) -> Option<&'static str>) -> Attributes {
    let mut said = Said::default();
    said.may_put("gen_ai.operation.name", names::operation(span));
    said.may_put("openinference.span.kind", span.kind.and_then(names::openinference));
    if let Some(provider) = &span.provider {
        said.put("gen_ai.provider.name", names::provider(kind(provider).unwrap_or(provider)));
    }
    said.may_put("gen_ai.request.model", names::model(span));
    said.may_put("gen_ai.request.stream", span.stream);
    let request = span.input.as_deref().and_then(content::parsed);
    let body = request.as_ref().filter(|_| span.is_call());
    let mut consumed = if span.is_call() { params::put(&mut said, span, body) } else { Vec::new() };
    said.may_put("gen_ai.response.model", span.response_model.as_deref());
    if let Some(finish) = &span.finish_reason {
        said.list("gen_ai.response.finish_reasons", [finish]);
    }
    said.may_put("gen_ai.response.time_to_first_chunk", span.ttft_us.map(|us| us as f64 / 1e6));
    usage::put(&mut said, span);
    said.may_put("gen_ai.usage.cost", span.cost.map(weir_core::money::NanoUsd::as_usd));
    said.may_put("error.type", span.error_type.as_deref());
    match span.kind {
        Some(SpanKind::Tool) => {
            consumed.extend(span.attributes.contains_key(TOOL_NAME).then_some(TOOL_NAME));
            said.may_put("gen_ai.tool.name", span.attribute_text(TOOL_NAME).or_else(|| span.name.clone()));
        }
        Some(SpanKind::Agent) => said.may_put("gen_ai.agent.name", span.name.as_deref()),
        _ => {}
    }
    content::put(&mut said, span, request.as_ref());
    said.may_put("gen_ai.prompt.name", span.prompt_name.as_deref());
    said.may_put("gen_ai.conversation.id", span.session.as_deref());
    said.may_put("session.id", span.session.as_deref());
    said.may_put("user.id", span.user.as_deref());
    if let Some(tags) = &span.tags {
        said.list("tag.tags", tags);
    }
    // The text of a JSON object, which most systems show as such.
    said.may_put(METADATA, span.attributes.get(METADATA).map(String::as_str));
    weir_names::put(&mut said, span);
    let rest = span.attributes.iter().filter(|(name, _)| !consumed.contains(&name.as_str()));
    for (name, json) in rest {
        said.put(name, AnyValue::from_json(json).unwrap_or_else(|| json.as_str().into()));
    }
    said.into_attributes()
}

/// Its name; where it has none, what the conventions would call it.
#[must_use]
pub fn name(span: &Span) -> String {
    if let Some(name) = span.name.as_deref().filter(|name| !name.is_empty()) {
        return name.to_owned();
    }
    let what = names::operation(span).or(span.kind.map(SpanKind::as_str)).unwrap_or("span");
    let tool = || span.attribute_text(TOOL_NAME);
    let of = if span.is_call() { names::model(span).map(str::to_owned) } else { tool() };
    of.map_or_else(|| what.to_owned(), |of| format!("{what} {of}"))
}

fn status(span: &Span) -> wire::Status {
    let code = match span.status {
        None | Some(Status::Pending) => 0,
        Some(Status::Success | Status::Cached) => 1,
        Some(Status::Error | Status::RateLimited | Status::Blocked | Status::Cancelled) => 2,
    };
    let message = span.error.clone().filter(|_| code == 2).unwrap_or_default();
    wire::Status { code, message }
}

fn resource(span: &Span) -> Resource {
    let project = span.project.as_deref().unwrap_or(SCOPE);
    Resource { attributes: vec![("service.name".to_owned(), project.into())], ..Resource::default() }
}

/// OpenTelemetry has no trace 0.
fn trace(id: TraceId) -> TraceId {
    if id == TraceId::default() { TraceId::of_request("") } else { id }
}

fn nanos(us: Micros) -> u64 {
    u64::try_from(us).unwrap_or_default().saturating_mul(1_000)
}
