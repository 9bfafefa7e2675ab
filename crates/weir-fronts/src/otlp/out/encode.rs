//! Spans as protobuf. Each is encoded once; requests are put together of the encoded pieces, so that sending one again
//! in other company costs nothing.

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue as ProtoValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use prost::Message;
use weir_core::id::SpanId;

use crate::otlp::wire::{AnyValue, Attributes, Event, Link, Resource, Scope, WireSpan};

/// How deep messages may lie within an attribute: receivers refuse a request in which they lie deeper than 100.
const DEPTH: usize = 90;

/// A span with its resource and its scope, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    resource: Bytes,
    resource_schema: String,
    scope: Bytes,
    scope_schema: String,
    span: Bytes,
}

impl Encoded {
    /// Bytes that it takes in a request, at most.
    #[must_use]
    pub fn size(&self) -> usize {
        let schemas = self.resource_schema.len() + self.scope_schema.len();
        self.resource.len() + self.scope.len() + self.span.len() + schemas + 32
    }
}

/// `TracesData` and its parts, their messages as the bytes that they are encoded to: on the wire they are the same.
#[derive(Clone, PartialEq, Message)]
struct RawTraces {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<RawResource>,
}

#[derive(Clone, PartialEq, Message)]
struct RawResource {
    #[prost(bytes = "bytes", optional, tag = "1")]
    resource: Option<Bytes>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<RawScope>,
    #[prost(string, tag = "3")]
    schema_url: String,
}

#[derive(Clone, PartialEq, Message)]
struct RawScope {
    #[prost(bytes = "bytes", optional, tag = "1")]
    scope: Option<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    spans: Vec<Bytes>,
    #[prost(string, tag = "3")]
    schema_url: String,
}

/// Encodes a span.
#[must_use]
pub fn encode(span: &WireSpan) -> Encoded {
    Encoded {
        resource: resource(&span.resource).encode_to_vec().into(),
        resource_schema: span.resource.schema_url.clone(),
        scope: scope(&span.scope).encode_to_vec().into(),
        scope_schema: span.scope.schema_url.clone(),
        span: message(span).encode_to_vec().into(),
    }
}

/// A request, `ExportTraceServiceRequest`, of these spans: those of one resource and scope together, each in its order.
pub fn request<'a>(spans: impl IntoIterator<Item = &'a Encoded>) -> Vec<u8> {
    let mut resources: Vec<RawResource> = Vec::new();
    for span in spans {
        // From the end, as spans of one sender follow each other.
        let at = resources.iter_mut().rev().find(|of| of.holds(span));
        match at {
            Some(of) => of.push(span),
            None => resources.push(RawResource::of(span)),
        }
    }
    RawTraces { resources }.encode_to_vec()
}

impl RawResource {
    fn of(span: &Encoded) -> Self {
        let (resource, schema_url) = (Some(span.resource.clone()), span.resource_schema.clone());
        Self { resource, scopes: vec![RawScope::of(span)], schema_url }
    }

    fn holds(&self, span: &Encoded) -> bool {
        self.resource.as_ref() == Some(&span.resource) && self.schema_url == span.resource_schema
    }

    fn push(&mut self, span: &Encoded) {
        match self.scopes.iter_mut().rev().find(|of| of.holds(span)) {
            Some(of) => of.spans.push(span.span.clone()),
            None => self.scopes.push(RawScope::of(span)),
        }
    }
}

impl RawScope {
    fn of(span: &Encoded) -> Self {
        let (scope, schema_url) = (Some(span.scope.clone()), span.scope_schema.clone());
        Self { scope, spans: vec![span.span.clone()], schema_url }
    }

    fn holds(&self, span: &Encoded) -> bool {
        self.scope.as_ref() == Some(&span.scope) && self.schema_url == span.scope_schema
    }
}

fn message(span: &WireSpan) -> proto::Span {
    proto::Span {
        trace_id: span.trace_id.0.to_vec(),
        span_id: low(span.span_id),
        trace_state: span.trace_state.clone(),
        parent_span_id: span.parent_id.map(low).unwrap_or_default(),
        flags: span.flags,
        name: span.name.clone(),
        kind: span.kind,
        start_time_unix_nano: span.start_ns,
        end_time_unix_nano: span.end_ns,
        attributes: attributes(&span.attributes, DEPTH),
        dropped_attributes_count: span.dropped.attributes,
        events: span.events.iter().map(event).collect(),
        dropped_events_count: span.dropped.events,
        links: span.links.iter().map(link).collect(),
        dropped_links_count: span.dropped.links,
        status: (span.status.code != 0 || !span.status.message.is_empty())
            .then(|| proto::Status { message: span.status.message.clone(), code: span.status.code }),
    }
}

fn event(event: &Event) -> proto::span::Event {
    proto::span::Event {
        time_unix_nano: event.time_ns,
        name: event.name.clone(),
        attributes: attributes(&event.attributes, DEPTH),
        dropped_attributes_count: event.dropped_attributes,
    }
}

fn link(link: &Link) -> proto::span::Link {
    proto::span::Link {
        trace_id: link.trace_id.0.to_vec(),
        span_id: low(link.span_id),
        trace_state: link.trace_state.clone(),
        attributes: attributes(&link.attributes, DEPTH),
        dropped_attributes_count: link.dropped_attributes,
        flags: link.flags,
    }
}

fn resource(resource: &Resource) -> ProtoResource {
    ProtoResource {
        attributes: attributes(&resource.attributes, DEPTH),
        dropped_attributes_count: resource.dropped_attributes,
        ..ProtoResource::default()
    }
}

fn scope(scope: &Scope) -> InstrumentationScope {
    InstrumentationScope {
        name: scope.name.clone(),
        version: scope.version.clone(),
        attributes: attributes(&scope.attributes, DEPTH),
        dropped_attributes_count: scope.dropped_attributes,
    }
}

fn attributes(attributes: &Attributes, depth: usize) -> Vec<KeyValue> {
    let pair = |(name, value): &(String, AnyValue)| KeyValue {
        key: name.clone(),
        value: Some(any(value, depth)),
        ..KeyValue::default()
    };
    attributes.iter().map(pair).collect()
}

/// A value; what lies too deep within it as the text of its JSON.
fn any(value: &AnyValue, depth: usize) -> ProtoValue {
    let value = match value {
        AnyValue::Empty => None,
        AnyValue::Text(text) => Some(Value::StringValue(text.clone())),
        AnyValue::Bool(value) => Some(Value::BoolValue(*value)),
        AnyValue::Int(value) => Some(Value::IntValue(*value)),
        AnyValue::Double(value) => Some(Value::DoubleValue(*value)),
        AnyValue::Bytes(bytes) => Some(Value::BytesValue(bytes.clone())),
        AnyValue::List(_) | AnyValue::Map(_) if depth < 3 => Some(Value::StringValue(value.to_json())),
        AnyValue::List(items) => {
            let values = items.iter().map(|item| any(item, depth - 2)).collect();
            Some(Value::ArrayValue(ArrayValue { values }))
        }
        AnyValue::Map(members) => Some(Value::KvlistValue(KeyValueList { values: attributes(members, depth - 3) })),
    };
    ProtoValue { value }
}

/// The 8 bytes of an id in its low half.
fn low(id: SpanId) -> Vec<u8> {
    id.0.iter().skip(8).copied().collect()
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
