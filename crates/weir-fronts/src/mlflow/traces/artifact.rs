//! `get-trace-artifact`: the spans of a trace in the form of the file `traces.json`, which MLflow's page reads.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use weir_core::span::Span;

use super::{assemble, id, read, spans, tags};
use crate::mlflow::errors::{ErrorCode, Refused};
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply, reply};
use crate::otlp::wire::AnyValue;

#[derive(Serialize)]
struct Data {
    spans: Vec<Form>,
}

#[derive(Serialize)]
struct Form {
    trace_id: String,
    span_id: String,
    parent_span_id: Option<String>,
    name: String,
    start_time_unix_nano: u64,
    end_time_unix_nano: Option<u64>,
    events: Vec<Event>,
    status: Status,
    attributes: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Event {
    name: String,
    time_unix_nano: u64,
    attributes: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct Status {
    code: &'static str,
    message: String,
}

pub(super) fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let trace_id = fields.text("request_id")?.filter(|id| !id.is_empty()).ok_or_else(|| {
        Refused::new(ErrorCode::BadRequest, "Request must include the \"request_id\" query parameter.")
    })?;
    if fields.text("path")?.is_some() {
        return Err(Refused::new(ErrorCode::NotImplemented, "Attachments of traces are read through their artifacts."));
    }
    let (id, _) = id::read(trace_id);
    let info = assemble::info_of(front, id)?.ok_or_else(|| tags::not_found(trace_id))?;
    let mut found = front.parts.traces.trace_spans(&[id], true, read::MOST_SPANS)?.pop().unwrap_or_default();
    spans::sort(&mut found);
    reply(&Data { spans: found.iter().map(|span| form(span, &info.trace_id)).collect() })
}

fn form(span: &Span, trace_id: &str) -> Form {
    let wire = spans::described(span, trace_id);
    let short = |id: [u8; 16]| STANDARD.encode(id.get(8..).unwrap_or_default());
    let json = |(name, value): (String, AnyValue)| (name, serde_json::from_str(&value.to_json()).unwrap_or_default());
    Form {
        trace_id: STANDARD.encode(wire.trace_id.0),
        span_id: short(wire.span_id.0),
        parent_span_id: wire.parent_id.map(|id| short(id.0)),
        name: wire.name,
        start_time_unix_nano: wire.start_ns,
        end_time_unix_nano: (wire.end_ns != 0).then_some(wire.end_ns),
        events: wire
            .events
            .into_iter()
            .map(|event| Event {
                name: event.name,
                time_unix_nano: event.time_ns,
                attributes: event.attributes.into_iter().map(json).collect(),
            })
            .collect(),
        status: Status { code: spans::code(wire.status.code), message: wire.status.message },
        attributes: wire.attributes.into_iter().map(|(name, value)| (name, value.to_json())).collect(),
    }
}
