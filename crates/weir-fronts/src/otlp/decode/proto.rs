//! Protobuf's messages as spans.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use weir_core::id::{SpanId, TraceId, from_significant};

use super::{Decoded, Rejected};
use crate::otlp::wire::{AnyValue, Attributes, Dropped, Event, Link, Resource, Scope, Status, WireSpan};

/// The spans of a request, in their order.
pub(super) fn spans(request: ExportTraceServiceRequest) -> Decoded<WireSpan> {
    let mut decoded = Decoded { items: Vec::new(), rejected: Rejected::default() };
    let mut index = 0;
    for group in request.resource_spans {
        let resource = Arc::new(resource(group.resource, group.schema_url));
        for of_scope in group.scope_spans {
            let scope = Arc::new(scope(of_scope.scope, of_scope.schema_url));
            for span in of_scope.spans {
                match wire(span, &resource, &scope) {
                    Ok(span) => decoded.items.push(span),
                    Err(what) => decoded.rejected.add(|| format!("spans[{index}] of the request: {what}")),
                }
                index += 1;
            }
        }
    }
    decoded
}

fn wire(span: proto::Span, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Result<WireSpan, String> {
    let trace_id = trace_id(&span.trace_id).ok_or_else(|| wrong("trace_id", 16, &span.trace_id))?;
    let span_id = span_id(&span.span_id).ok_or_else(|| wrong("span_id", 8, &span.span_id))?;
    // A parent of zeros is how some say that there is none.
    let parent_id = match span.parent_span_id.as_slice() {
        [] => None,
        bytes if bytes.iter().all(|b| *b == 0) => None,
        bytes => Some(self::span_id(bytes).ok_or_else(|| wrong("parent_span_id", 8, bytes))?),
    };
    let status = span.status.unwrap_or_default();
    Ok(WireSpan {
        trace_id,
        span_id,
        parent_id,
        trace_state: span.trace_state,
        flags: span.flags,
        name: span.name,
        kind: span.kind,
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().map(link).collect(),
        status: Status { code: status.code, message: status.message },
        dropped: Dropped {
            attributes: span.dropped_attributes_count,
            events: span.dropped_events_count,
            links: span.dropped_links_count,
        },
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    })
}

fn wrong(field: &str, length: usize, got: &[u8]) -> String {
    let digits = length * 2;
    if got.len() == length {
        format!("{field} is all zero")
    } else {
        format!("{field} must have {length} bytes ({digits} hex digits in JSON), not {}", got.len())
    }
}

/// 16 bytes that are not all zero.
pub(super) fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    let id: [u8; 16] = bytes.try_into().ok()?;
    (id != [0; 16]).then_some(TraceId(id))
}

/// 8 bytes that are not all zero.
pub(super) fn span_id(bytes: &[u8]) -> Option<SpanId> {
    let id: [u8; 8] = bytes.try_into().ok()?;
    (id != [0; 8]).then(|| from_significant(&id).map(SpanId)).flatten()
}

fn resource(resource: Option<ProtoResource>, schema_url: String) -> Resource {
    let resource = resource.unwrap_or_default();
    Resource {
        attributes: attributes(resource.attributes),
        dropped_attributes: resource.dropped_attributes_count,
        schema_url,
    }
}

fn scope(scope: Option<common::InstrumentationScope>, schema_url: String) -> Scope {
    let scope = scope.unwrap_or_default();
    Scope {
        name: scope.name,
        version: scope.version,
        attributes: attributes(scope.attributes),
        dropped_attributes: scope.dropped_attributes_count,
        schema_url,
    }
}

fn event(event: proto::span::Event) -> Event {
    Event {
        name: event.name,
        time_ns: event.time_unix_nano,
        attributes: attributes(event.attributes),
        dropped_attributes: event.dropped_attributes_count,
    }
}

/// A link to nowhere keeps ids of zeros.
fn link(link: proto::span::Link) -> Link {
    Link {
        trace_id: trace_id(&link.trace_id).unwrap_or_default(),
        span_id: span_id(&link.span_id).unwrap_or_default(),
        trace_state: link.trace_state,
        attributes: attributes(link.attributes),
        dropped_attributes: link.dropped_attributes_count,
        flags: link.flags,
    }
}

/// Names and values as they came.
pub(super) fn attributes(list: Vec<common::KeyValue>) -> Attributes {
    list.into_iter().map(|pair| (pair.key, any_value(pair.value))).collect()
}

/// A value; what has none is empty.
pub(super) fn any_value(value: Option<common::AnyValue>) -> AnyValue {
    use common::any_value::Value;
    match value.and_then(|value| value.value) {
        // An index into a table of texts, which only profiles have.
        None | Some(Value::StringValueStrindex(_)) => AnyValue::Empty,
        Some(Value::StringValue(text)) => AnyValue::Text(text),
        Some(Value::BoolValue(value)) => AnyValue::Bool(value),
        Some(Value::IntValue(value)) => AnyValue::Int(value),
        Some(Value::DoubleValue(value)) => AnyValue::Double(value),
        Some(Value::BytesValue(bytes)) => AnyValue::Bytes(bytes),
        Some(Value::ArrayValue(list)) => {
            AnyValue::List(list.values.into_iter().map(|value| any_value(Some(value))).collect())
        }
        Some(Value::KvlistValue(list)) => AnyValue::Map(attributes(list.values)),
    }
}
