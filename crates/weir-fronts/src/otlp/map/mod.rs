//! An OpenTelemetry span as Weir's, whoever instrumented it: one [`table`] says which attribute is which field.
//!
//! Invariants: mapping never fails; nothing is lost: an attribute is among the span's attributes, in its details, or
//! is its input or output; only calls of models (`llm`, `embedding`) have tokens and cost, so that what frameworks repeat
//! on their outer spans is counted once; the same span gives the same write.
//!
//! Names of Weir's own that a span may carry, each before all others: `weir.span.kind` (a kind of Weir's), `weir.project`,
//! `weir.department`, `weir.user`, `weir.session`, `weir.tags`, `weir.metadata.*`, `weir.request_id`, `weir.prompt.name`,
//! `weir.prompt.version`, `weir.cache_hit` or `weir.cache`, `weir.status`, `weir.model`, `weir.response_model`, `weir.provider`, `weir.operation`,
//! `weir.stream`, `weir.finish_reason`, `weir.deployment`, `weir.attempts`, `weir.http_status`, `weir.upstream_request_id`, `weir.ttft_us`,
//! `weir.cost_usd`, `weir.error_type`, `weir.input`, `weir.output`, `weir.documents`, `weir.collection`, `weir.tool_name`,
//! `weir.tool_call_id`, `weir.relevance_score`, `weir.workflow`, `weir.from_node`, `weir.to_node`, `weir.condition`, `weir.condition_result`,
//! `weir.context`, `weir.environment`, `weir.release`; and what another Weir says of its spans: `weir.span_id`, `weir.parent_id`, `weir.key`,
//! `weir.token_source`, `weir.usage.cache_write_1h_tokens`.

mod answer;
mod chat;
mod content;
mod cost;
mod details;
mod documents;
mod failure;
mod fields;
mod flat;
mod kind;
mod metadata;
mod pool;
mod provider;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod tokens;

use weir_core::id::SpanId;
use weir_core::merge::SpanWrite;
use weir_core::span::{Span, SpanKind, Status, TokenSource};
use weir_core::time::Micros;

use super::wire::{AnyValue, Attributes, Resource, WireSpan};
use details::{Details, Otlp, Parts};
use documents::Documents;
use fields::Mapping;
use pool::Pool;
use table::Source::Attr;

/// OpenTelemetry's status code of a failure.
const ERROR: i32 = 2;

/// The write that a span comes to. Its stamp is the span's end, else its start, so that sending it again changes nothing.
#[must_use]
pub fn map(mut wire: WireSpan) -> SpanWrite {
    let mut mapping = Mapping::new(Pool::new(std::mem::take(&mut wire.attributes)), &wire.scope.name);
    let kind = kind::of(&mut mapping, &wire.scope, &wire.name);
    let mut span = Span {
        trace_id: wire.trace_id,
        span_id: whole_id(&mut mapping, "weir.span_id", wire.span_id),
        parent_id: wire.parent_id.map(|id| whole_id(&mut mapping, "weir.parent_id", id)),
        name: Some(std::mem::take(&mut wire.name)).filter(|name| !name.is_empty()),
        kind: Some(kind),
        start_us: micros(wire.start_ns).or(micros(wire.end_ns)),
        end_us: micros(wire.end_ns),
        ..Span::default()
    };
    for (field, sources) in table::TEXTS {
        *field(&mut span) = mapping.text(sources);
    }
    span.project = span.project.or_else(|| project(&wire.resource));
    span.tags = mapping.first(table::TAGS, read::texts);
    span.http_status = mapping.first(table::HTTP_STATUS, |v| read::count(v).and_then(|n| u16::try_from(n).ok()));
    span.attempts = mapping.first(table::ATTEMPTS, |v| read::count(v).and_then(|n| u32::try_from(n).ok()));
    span.cache = mapping.first(table::CACHE, cache);
    name_attributes(&mut mapping, kind, &wire.resource);
    fail(&mut mapping, &mut span, &wire);
    if span.is_call() {
        call(&mut mapping, &mut span, &wire);
    } else {
        operation(&mut mapping, &mut span);
    }
    let (input, output) = content::take(&mut mapping, kind, span.finish_reason.as_deref(), &wire.events);
    (span.input, span.output) = (input.text, output.text);
    if span.is_call() {
        weigh(&mut mapping, &mut span);
    }
    let documents = Documents::of(&mapping.pool, &wire.events, kind, span.output.as_deref());
    let scored = mapping.pool.says("relevance_score") || mapping.has_derived("relevance_score");
    if let Some(mean) = documents.mean_score().filter(|_| !scored) {
        mapping.derive("relevance_score", AnyValue::Double(mean).to_json());
    }
    if let Some(metadata) = mapping.metadata.to_json() {
        mapping.derive("metadata", metadata);
    }

    let (mut attributes, derived, rest) = mapping.finish();
    let otlp = Otlp {
        start_ns_rest: wire.start_ns % 1_000,
        end_ns_rest: wire.end_ns % 1_000,
        kind: wire.kind,
        flags: wire.flags,
        trace_state: &wire.trace_state,
        ..Otlp::default()
    };
    let parts = Parts {
        attributes: &rest,
        derived: derived.keys().map(String::as_str).collect(),
        input: input.origin,
        output: output.origin,
        events: &wire.events,
        links: &wire.links,
        resource: &wire.resource,
        scope: &wire.scope,
        documents: &documents.list,
    };
    span.details = Some(Details::new(otlp.ended(&wire.status, wire.dropped), parts).to_json());
    attributes.extend(derived);
    span.attributes = attributes;
    let at = span.end_us.or(span.start_us).unwrap_or_default();
    SpanWrite::create(span, at)
}

/// The id of which another Weir sent the short form.
fn whole_id(mapping: &mut Mapping, name: &'static str, short: SpanId) -> SpanId {
    let whole = |value: &AnyValue| SpanId::parse(value.as_text()?).filter(|id| super::out::short(*id) == short);
    mapping.first(&[Attr(name)], whole).unwrap_or(short)
}

/// Microseconds of a time; 0 is none.
fn micros(ns: u64) -> Option<Micros> {
    (ns != 0).then(|| i64::try_from(ns / 1_000).unwrap_or(i64::MAX))
}

/// The project that a resource names: its own word for it, else the service, unless that is only made up.
fn project(resource: &Resource) -> Option<String> {
    let text = |name: &str| resource_text(&resource.attributes, name);
    let service = || text("service.name").filter(|name| !name.starts_with("unknown_service"));
    text("weir.project").or_else(|| text("openinference.project.name")).or_else(service)
}

fn resource_text(attributes: &Attributes, name: &str) -> Option<String> {
    attributes.iter().find(|(held, _)| held == name).and_then(|(_, value)| read::text(value))
}

/// Whether and how a cache took part: a truth value or a word.
fn cache(value: &AnyValue) -> Option<String> {
    match read::flag(value) {
        Some(true) => Some("hit".to_owned()),
        Some(false) => Some("miss".to_owned()),
        None => read::text(value).map(|word| word.to_ascii_lowercase()),
    }
}

/// Attributes under Weir's own names.
fn name_attributes(mapping: &mut Mapping, kind: SpanKind, resource: &Resource) {
    let of_kind = match kind {
        SpanKind::Branch => table::NAMED_BRANCH,
        SpanKind::Tool => table::NAMED_TOOL,
        SpanKind::Retriever => table::NAMED_RETRIEVER,
        _ => &[],
    };
    for (name, sources) in table::NAMED.iter().chain(of_kind) {
        if !mapping.has_derived(name)
            && let Some(text) = mapping.text(sources)
        {
            mapping.derive_text(name, &text);
        }
    }
    for (name, sources) in table::VALUED {
        if let Some(json) = mapping.first(sources, |value| Some(value.to_json())) {
            mapping.derive(name, json);
        }
    }
    let stated = |names: &[&str]| names.iter().find_map(|name| resource_text(&resource.attributes, name));
    for (name, stated) in [
        ("environment", stated(&["deployment.environment.name", "deployment.environment"])),
        ("release", stated(&["service.version"])),
    ] {
        if let Some(text) = stated.filter(|_| !mapping.has_derived(name)) {
            mapping.derive_text(name, &text);
        }
    }
}

/// How the span ended, and what failed.
fn fail(mapping: &mut Mapping, span: &mut Span, wire: &WireSpan) {
    let said = mapping.first(&[Attr("weir.status")], |value| Status::parse(&read::text(value)?));
    let level = mapping.pool.text("langfuse.observation.level") == Some("ERROR");
    let hit = matches!(span.cache.as_deref(), Some("hit" | "semantic"));
    let status = said.unwrap_or(match () {
        () if wire.status.code == ERROR || level => Status::Error,
        () if wire.end_ns == 0 => Status::Pending,
        () if hit => Status::Cached,
        () => Status::Success,
    });
    span.status = Some(status);
    if matches!(status, Status::Pending | Status::Success | Status::Cached) {
        return;
    }
    let (exception, thrown) = failure::exception(&wire.events).unwrap_or_default();
    let message = mapping.text(&[Attr("weir.error"), Attr("langfuse.observation.status_message")]);
    let stated = [wire.status.message.as_str(), message.as_deref().unwrap_or_default()];
    span.error = failure::message(stated, thrown).map(str::to_owned);
    let class = mapping.text(&[Attr("weir.error_type")]);
    // The foreign word stays filterable.
    let word = [failure::word(mapping.pool.get("error.type")), exception];
    let word = word.into_iter().find(|word| !word.is_empty()).unwrap_or_default();
    let said = class.as_deref().unwrap_or(word);
    let class = failure::class(said, span.http_status, span.error.as_deref().unwrap_or_default());
    span.error_type = Some(class.to_owned());
}

/// What only a call of a model has.
fn call(mapping: &mut Mapping, span: &mut Span, wire: &WireSpan) {
    // A request's model that is not known is the answer's.
    span.model = span.model.take().or_else(|| span.response_model.clone());
    span.provider = mapping.first(table::PROVIDER, |value| provider::fold(&read::text(value)?));
    span.finish_reason = mapping.first(table::FINISH_REASON, |value| read::text(value).map(finish_reason));
    let streams = ["ai.operationId", "operation.name"]
        .iter()
        .any(|name| mapping.pool.text(name).is_some_and(|name| name.contains(".doStream")));
    span.stream = mapping.first(table::STREAM, read::flag).or(streams.then_some(true));
    span.ttft_us = time::first_token(mapping, wire);
    span.stream = span.stream.or(span.ttft_us.map(|_| true));
    if mapping.is_mlflow {
        mapping.pool.consume("tools");
    }
    let said = mapping.text(table::OPERATION);
    span.operation = Some(said.unwrap_or_else(|| {
        let is_text = mapping.pool.has_under("llm.prompts.");
        match span.kind {
            Some(SpanKind::Embedding) => "embeddings",
            _ if is_text => "text_completion",
            _ => "chat",
        }
        .to_owned()
    }));
    for (name, sources) in table::PARAMETERS {
        let number = |value: &AnyValue| read::number(value).map(|number| (number, json_number(value, number)));
        if let Some((_, json)) = mapping.first(sources, number) {
            mapping.derive(name, json);
        }
    }
}

/// A number as JSON, an integer as one.
fn json_number(value: &AnyValue, number: f64) -> String {
    match value {
        AnyValue::Int(int) => int.to_string(),
        AnyValue::Text(text) if text.parse::<i64>().is_ok() => text.clone(),
        _ => AnyValue::Double(number).to_json(),
    }
}

/// The operation of a step that is no call, where it says what the step is.
fn operation(mapping: &mut Mapping, span: &mut Span) {
    let known = ["execute_tool", "invoke_agent", "create_agent", "retrieval", "rerank", "invoke_workflow", "plan"];
    span.operation = mapping.first(table::OPERATION, |value| {
        read::text(value).filter(|word| known.contains(&word.as_str()) || word.ends_with("_memory"))
    });
}

/// Tokens and cost.
fn weigh(mapping: &mut Mapping, span: &mut Span) {
    let mut tokens = tokens::of(mapping);
    if tokens.is_none() || span.finish_reason.is_none() {
        let (used, stopped) = span.output.as_deref().map(answer::of).unwrap_or_default();
        tokens = tokens.or(used);
        span.finish_reason = span.finish_reason.take().or(stopped.map(finish_reason));
    }
    span.tokens = tokens.filter(|tokens| tokens::believed(*tokens));
    let source = mapping.first(&[Attr("weir.token_source")], |value| TokenSource::parse(&read::text(value)?));
    span.token_source = span.tokens.and(source.or(Some(TokenSource::Provider)));
    let failed = span.status == Some(Status::Error);
    span.cost = cost::stated(mapping, span.tokens.is_none() && failed);
    if span.cost.is_some() && !mapping.has_derived("cost_source") {
        mapping.derive_text("cost_source", "client");
    }
}

/// The spellings of one reason as one.
fn finish_reason(word: String) -> String {
    match word.as_str() {
        "tool_call" | "tool-calls" | "tool-call" => "tool_calls".to_owned(),
        "content-filter" => "content_filter".to_owned(),
        _ => word,
    }
}
