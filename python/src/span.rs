//! A record of the package as a span of the library.

use std::time::{Duration, SystemTime};

use pyo3::prelude::*;
use serde_json::Value;
use weir_core::span::{Span, SpanKind};
use weir_sdk::{BranchDecision, LlmCall, SdkError, SpanId, ToolCall};

use crate::fields::{Fields, refused, take, wrong_value};
use crate::llm::Record;

/// The first and the last moment of years that have four digits, in microseconds since the epoch.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// 8 random bytes, so that it fits into a `traceparent`; never all zero, which is no id there.
pub(crate) fn new_id() -> SpanId {
    let mut id = SpanId::new();
    id.0[..8].fill(0);
    id.0[8] |= 0x80;
    id
}

/// The span that a record stands for, and whether it is only to be counted.
pub(crate) fn read(fields: &Fields<'_, '_>) -> PyResult<(Span, bool)> {
    let kind = take!(fields, text, "kind").unwrap_or_default();
    let kind = SpanKind::parse(&kind).ok_or_else(|| {
        let known: Vec<&str> = SpanKind::ALL.iter().map(|kind| kind.as_str()).collect();
        wrong_value("kind", format!("is {kind:?}: it is one of {}", known.join(", ")))
    })?;
    let mut span = match kind {
        SpanKind::Llm => call(fields),
        SpanKind::Branch => decision(fields),
        SpanKind::Tool => tool(fields),
        _ => step(fields, kind),
    }?;
    if let Some(id) = id(fields)? {
        span.span_id = id;
    }
    if let Some(project) = take!(fields, text, "project") {
        span.project = Some(project);
    }
    match fields.0.get_item(pyo3::intern!(fields.py(), "record"))? {
        Some(record) => {
            let record = record.cast::<Record>()?.get();
            record.complete(&mut span);
            Ok((span, record.only_counted))
        }
        None => Ok((span, false)),
    }
}

fn call(fields: &Fields<'_, '_>) -> PyResult<Span> {
    let (metadata_text, metadata) = take!(fields, json, "metadata").unzip();
    let model = take!(fields, text, "model");
    let known_model = model.is_some();
    let call = LlmCall {
        timestamp: time(fields)?,
        request_id: Some(request_id(fields)?),
        prompt_version: take!(fields, text, "prompt_version"),
        model: model.unwrap_or_else(|| "unknown".to_owned()),
        prompt: take!(fields, text, "input"),
        response: take!(fields, text, "output"),
        prompt_tokens: take!(fields, integer, "prompt_tokens"),
        completion_tokens: take!(fields, integer, "completion_tokens"),
        total_tokens: take!(fields, integer, "total_tokens"),
        latency_ms: take!(fields, number, "latency_ms"),
        cost: take!(fields, number, "cost"),
        status: take!(fields, text, "status"),
        error: take!(fields, text, "error"),
        metadata,
        provider: take!(fields, text, "provider"),
        department: take!(fields, text, "department"),
        user: take!(fields, text, "user"),
        session: take!(fields, text, "session"),
        workflow: take!(fields, text, "workflow"),
        prompt_name: take!(fields, text, "prompt_name"),
        parent: parent(fields)?,
    };
    let mut span = made(call.try_into(), |field| field)?;
    if !known_model {
        span.model = None;
    }
    exactly(&mut span, "metadata", metadata_text);
    span.name = take!(fields, text, "name");
    Ok(span)
}

fn decision(fields: &Fields<'_, '_>) -> PyResult<Span> {
    let (result_text, condition_result) = take!(fields, json, "condition_result").unzip();
    let (context_text, context) = take!(fields, json, "context").unzip();
    let decision = BranchDecision {
        timestamp: time(fields)?,
        request_id: Some(request_id(fields)?),
        from_node: take!(fields, text, "from_node").unwrap_or_default(),
        to_node: take!(fields, text, "to_node").unwrap_or_default(),
        condition: take!(fields, text, "condition"),
        condition_result,
        context,
        department: take!(fields, text, "department"),
        user: take!(fields, text, "user"),
        session: take!(fields, text, "session"),
        workflow: take!(fields, text, "workflow"),
        parent: parent(fields)?,
    };
    let mut span = made(decision.try_into(), |field| field)?;
    exactly(&mut span, "condition_result", result_text);
    exactly(&mut span, "context", context_text);
    Ok(span)
}

fn tool(fields: &Fields<'_, '_>) -> PyResult<Span> {
    let name = take!(fields, text, "tool_name").unwrap_or_default();
    let mut span = made(tool_call(fields, name)?.try_into(), |field| field)?;
    exactly(&mut span, "metadata", take!(fields, text, "metadata"));
    Ok(span)
}

/// Any other step: what a tool call is, under another kind.
fn step(fields: &Fields<'_, '_>, kind: SpanKind) -> PyResult<Span> {
    let name = take!(fields, text, "name").unwrap_or_default();
    let rename = |field| if field == "tool_name" { "name" } else { field };
    let mut span = made(tool_call(fields, name)?.try_into(), rename)?;
    span.kind = Some(kind);
    span.attributes.remove("tool_name");
    exactly(&mut span, "metadata", take!(fields, text, "metadata"));
    Ok(span)
}

fn tool_call(fields: &Fields<'_, '_>, tool_name: String) -> PyResult<ToolCall> {
    Ok(ToolCall {
        timestamp: time(fields)?,
        request_id: Some(request_id(fields)?),
        tool_name,
        // As they are, whether JSON or not.
        inputs: take!(fields, text, "input").map(Value::String),
        output: take!(fields, text, "output").map(Value::String),
        latency_ms: take!(fields, number, "latency_ms"),
        status: take!(fields, text, "status"),
        error: take!(fields, text, "error"),
        department: take!(fields, text, "department"),
        user: take!(fields, text, "user"),
        session: take!(fields, text, "session"),
        workflow: take!(fields, text, "workflow"),
        parent: parent(fields)?,
    })
}

fn made(span: Result<Span, SdkError>, rename: impl Fn(&'static str) -> &'static str) -> PyResult<Span> {
    span.map_err(|error| refused(&error, rename))
}

/// An attribute as the text that it was given as: numbers of any size and the order of members survive.
fn exactly(span: &mut Span, name: &str, json: Option<String>) {
    if let Some(json) = json {
        span.attributes.insert(name.to_owned(), json);
    }
}

fn request_id(fields: &Fields<'_, '_>) -> PyResult<String> {
    Ok(take!(fields, text, "request_id").unwrap_or_else(crate::new_request_id))
}

fn time(fields: &Fields<'_, '_>) -> PyResult<Option<SystemTime>> {
    let Some(at) = take!(fields, integer, "at") else { return Ok(None) };
    let since = Duration::from_micros(at.unsigned_abs());
    let time =
        if at < 0 { SystemTime::UNIX_EPOCH.checked_sub(since) } else { SystemTime::UNIX_EPOCH.checked_add(since) };
    match time {
        Some(time) if TIMES.contains(&at) => Ok(Some(time)),
        _ => Err(wrong_value("at", "is out of the calendar's range")),
    }
}

fn id(fields: &Fields<'_, '_>) -> PyResult<Option<SpanId>> {
    Ok(take!(fields, text, "span_id").as_deref().and_then(SpanId::parse))
}

fn parent(fields: &Fields<'_, '_>) -> PyResult<Option<SpanId>> {
    Ok(take!(fields, text, "parent_id").as_deref().and_then(SpanId::parse))
}
