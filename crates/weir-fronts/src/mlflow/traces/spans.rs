//! Spans as MLflow's client reads them: OTLP's JSON with protobuf's own ids (base64) and names, and with the attributes that
//! MLflow gives its spans.
//!
//! A text that holds JSON is that JSON, as MLflow's server reads it: clients that export over plain OTLP write every
//! attribute as a text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use weir_core::span::{Span, SpanKind};

use super::{assemble, names};
use crate::otlp::out;
use crate::otlp::wire::{AnyValue, Attributes, Event, Link, WireSpan};

/// A span on the wire.
#[derive(Serialize)]
pub(super) struct SpanForm {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    trace_state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    start_time_unix_nano: u64,
    #[serde(skip_serializing_if = "is_zero")]
    end_time_unix_nano: u64,
    attributes: Pairs,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkForm>,
    status: StatusForm,
}

#[derive(Serialize)]
struct EventForm {
    time_unix_nano: u64,
    name: String,
    attributes: Pairs,
}

#[derive(Serialize)]
struct LinkForm {
    trace_id: String,
    span_id: String,
    attributes: Pairs,
}

#[derive(Serialize)]
struct StatusForm {
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    code: &'static str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A span of Weir's on the wire; `trace_id` is its trace's id in MLflow's words.
pub(super) fn form(span: &Span, trace_id: &str) -> SpanForm {
    let wire = described(span, trace_id);
    SpanForm {
        trace_id: STANDARD.encode(wire.trace_id.0),
        span_id: short(wire.span_id.0),
        trace_state: wire.trace_state,
        parent_span_id: wire.parent_id.map(|id| short(id.0)),
        name: wire.name,
        kind: kind(wire.kind),
        start_time_unix_nano: wire.start_ns,
        end_time_unix_nano: wire.end_ns,
        attributes: Pairs(wire.attributes),
        events: wire.events.into_iter().map(event).collect(),
        links: wire.links.into_iter().map(link).collect(),
        status: StatusForm { message: wire.status.message, code: code(wire.status.code) },
    }
}

/// A span with MLflow's attributes.
pub(super) fn described(span: &Span, trace_id: &str) -> WireSpan {
    let mut wire = out::wire(span, &|_| None);
    for (_, value) in &mut wire.attributes {
        unfold(value);
    }
    add(&mut wire.attributes, span, trace_id);
    wire
}

/// Adds what MLflow's client reads and the span does not say in MLflow's words.
fn add(attributes: &mut Attributes, span: &Span, trace_id: &str) {
    attributes.retain(|(name, _)| name != names::REQUEST_ID);
    attributes.push((names::REQUEST_ID.to_owned(), trace_id.into()));
    let says = |name: &str, attributes: &Attributes| attributes.iter().any(|(held, _)| held == name);
    let unknown = |(name, value): &(String, AnyValue)| name == names::SPAN_TYPE && value.as_text() == Some("UNKNOWN");
    if span.kind.is_some_and(|kind| !matches!(kind, SpanKind::Other)) {
        attributes.retain(|pair| !unknown(pair));
    }
    let text = |text: &Option<String>| text.as_deref().map(content);
    let call = span.is_call();
    let model = || span.response_model.clone().or_else(|| span.model.clone()).map(AnyValue::Text);
    let usage = || span.tokens.as_ref().map(|tokens| of_json(&assemble::usage(tokens)));
    let cost = || {
        let usd = span.cost?.as_usd();
        Some(AnyValue::Map(vec![("total_cost".to_owned(), AnyValue::Double(usd))]))
    };
    let known: [(&str, Option<AnyValue>); 7] = [
        (names::SPAN_TYPE, Some(span_type(span).into())),
        (names::INPUTS, text(&span.input)),
        (names::OUTPUTS, text(&span.output)),
        (names::LLM_MODEL, call.then(model).flatten()),
        (names::LLM_PROVIDER, call.then(|| span.provider.clone().map(AnyValue::Text)).flatten()),
        (names::CHAT_USAGE, call.then(usage).flatten()),
        (names::LLM_COST, call.then(cost).flatten()),
    ];
    for (name, value) in known {
        if let Some(value) = value
            && !says(name, attributes)
        {
            attributes.push((name.to_owned(), value));
        }
    }
}

/// MLflow's word for what a span is.
pub(super) fn span_type(span: &Span) -> &'static str {
    match span.kind {
        Some(SpanKind::Llm) if span.operation.as_deref().is_none_or(|operation| operation == "chat") => "CHAT_MODEL",
        Some(SpanKind::Llm) => "LLM",
        Some(SpanKind::Tool) => "TOOL",
        Some(SpanKind::Retriever) => "RETRIEVER",
        Some(SpanKind::Embedding) => "EMBEDDING",
        Some(SpanKind::Chain) => "CHAIN",
        Some(SpanKind::Agent) => "AGENT",
        Some(SpanKind::Guardrail) => "GUARDRAIL",
        Some(SpanKind::Evaluator) => "EVALUATOR",
        Some(SpanKind::Branch | SpanKind::Other) | None => "UNKNOWN",
    }
}

/// An input or output as a value.
fn content(text: &str) -> AnyValue {
    let mut value = AnyValue::Text(text.to_owned());
    unfold(&mut value);
    value
}

/// Makes of a text that holds a JSON text, list or object that value.
fn unfold(value: &mut AnyValue) {
    let AnyValue::Text(text) = value else { return };
    if text.trim_ascii_start().starts_with(['"', '{', '['])
        && let Some(inner) = AnyValue::from_json(text)
    {
        *value = inner;
    }
}

fn of_json(json: &Value) -> AnyValue {
    AnyValue::from_json(&json.to_string()).unwrap_or_default()
}

/// Roots first, then by start.
pub(super) fn sort(spans: &mut [Span]) {
    spans.sort_by_key(|span| (span.parent_id.is_some(), span.start_us));
}

/// The low 8 bytes of a span's id.
fn short(id: [u8; 16]) -> String {
    STANDARD.encode(id.get(8..).unwrap_or_default())
}

fn kind(kind: i32) -> Option<&'static str> {
    Some(match kind {
        1 => "SPAN_KIND_INTERNAL",
        2 => "SPAN_KIND_SERVER",
        3 => "SPAN_KIND_CLIENT",
        4 => "SPAN_KIND_PRODUCER",
        5 => "SPAN_KIND_CONSUMER",
        _ => return None,
    })
}

/// The name of a status.
pub(super) fn code(code: i32) -> &'static str {
    match code {
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        _ => "STATUS_CODE_UNSET",
    }
}

fn event(event: Event) -> EventForm {
    EventForm { time_unix_nano: event.time_ns, name: event.name, attributes: Pairs(event.attributes) }
}

fn link(link: Link) -> LinkForm {
    LinkForm {
        trace_id: STANDARD.encode(link.trace_id.0),
        span_id: short(link.span_id.0),
        attributes: Pairs(link.attributes),
    }
}

/// Attributes as a list of keys and values.
struct Pairs(Attributes);

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        pairs(&self.0, serializer)
    }
}

fn pairs<S: Serializer>(attributes: &Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(attributes.len()))?;
    for (key, value) in attributes {
        list.serialize_element(&Pair { key, value: Any(value) })?;
    }
    list.end()
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: Any<'a>,
}

/// A value with the name of its kind.
struct Any<'a>(&'a AnyValue);

impl Serialize for Any<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            AnyValue::Empty => {}
            AnyValue::Text(text) => map.serialize_entry("string_value", text)?,
            AnyValue::Bool(value) => map.serialize_entry("bool_value", value)?,
            AnyValue::Int(value) => map.serialize_entry("int_value", value)?,
            AnyValue::Double(value) if value.is_finite() => map.serialize_entry("double_value", value)?,
            AnyValue::Double(value) if value.is_nan() => map.serialize_entry("double_value", "NaN")?,
            AnyValue::Double(value) => {
                map.serialize_entry("double_value", if *value > 0.0 { "Infinity" } else { "-Infinity" })?;
            }
            AnyValue::Bytes(bytes) => map.serialize_entry("bytes_value", &STANDARD.encode(bytes))?,
            AnyValue::List(items) => map.serialize_entry("array_value", &ListForm { values: Items(items) })?,
            AnyValue::Map(members) => map.serialize_entry("kvlist_value", &MapForm { values: Members(members) })?,
        }
        map.end()
    }
}

#[derive(Serialize)]
struct ListForm<'a> {
    values: Items<'a>,
}

struct Items<'a>(&'a [AnyValue]);

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Any))
    }
}

#[derive(Serialize)]
struct MapForm<'a> {
    values: Members<'a>,
}

struct Members<'a>(&'a Attributes);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        pairs(self.0, serializer)
    }
}
