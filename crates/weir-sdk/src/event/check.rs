//! What values can be recorded, and how they stand in a span.

use std::time::SystemTime;

use serde_json::Value;
use weir_core::id::{SpanId, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, Status};
use weir_core::time::Micros;
use weir_fronts::otlp::wire::{AnyValue, WireSpan};

use crate::error::SdkError;

/// Longest name of a node, a tool or a model, in bytes; longer labels are cut here.
const MAX_NAME: usize = 256;
/// Longest id of a request.
const MAX_REQUEST_ID: usize = 512;
/// Longest message of a failure; longer ones are cut.
const MAX_ERROR: usize = 16 << 10;
/// Longest time that a call can have taken, in milliseconds: a year.
const MAX_MS: f64 = 366.0 * 86_400_000.0;
/// Most tokens that one call can have taken.
const MAX_TOKENS: i64 = 500_000_000;
/// Most dollars that one call can have cost.
const MAX_USD: f64 = 1e9;

/// A name that must be there.
pub(crate) fn name(field: &'static str, text: &str) -> Result<(), SdkError> {
    named(field, text, MAX_NAME)
}

fn named(field: &'static str, text: &str, most: usize) -> Result<(), SdkError> {
    if text.trim().is_empty() {
        return Err(SdkError::invalid(field, "is empty: give it a name"));
    }
    if text.len() > most {
        return Err(SdkError::invalid(field, format!("is longer than {most} bytes: give it a shorter name")));
    }
    Ok(())
}

/// The id of a request: none, or a name.
pub(crate) fn request_id(id: Option<&str>) -> Result<(), SdkError> {
    id.map_or(Ok(()), |id| named("request_id", id, MAX_REQUEST_ID))
}

/// A count that is not negative.
pub(crate) fn tokens(field: &'static str, count: Option<i64>) -> Result<(), SdkError> {
    match count {
        Some(count) if count < 0 => Err(SdkError::invalid(field, format!("is {count}: tokens cannot be negative"))),
        Some(count) if count > MAX_TOKENS => {
            Err(SdkError::invalid(field, format!("is {count}: that many tokens cannot be right")))
        }
        _ => Ok(()),
    }
}

/// Milliseconds that are a duration.
pub(crate) fn latency(ms: Option<f64>) -> Result<(), SdkError> {
    amount("latency_ms", ms, MAX_MS, "milliseconds")
}

/// Dollars that a call can have cost.
pub(crate) fn cost(usd: Option<f64>) -> Result<(), SdkError> {
    amount("cost", usd, MAX_USD, "dollars")
}

fn amount(field: &'static str, value: Option<f64>, most: f64, unit: &str) -> Result<(), SdkError> {
    match value {
        Some(value) if !value.is_finite() => {
            Err(SdkError::invalid(field, format!("is {value}: give a number of {unit}")))
        }
        Some(value) if value < 0.0 => Err(SdkError::invalid(field, format!("is {value}: {unit} cannot be negative"))),
        Some(value) if value > most => {
            Err(SdkError::invalid(field, format!("is {value}: that many {unit} cannot be right")))
        }
        _ => Ok(()),
    }
}

/// How it ended, in Weir's words.
pub(crate) fn status(said: Option<&str>) -> Result<(), SdkError> {
    let Some(said) = said else { return Ok(()) };
    if Status::parse(said).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
    let shown = &said[..said.floor_char_boundary(40)];
    Err(SdkError::invalid("status", format!("is {shown:?}: it is one of {}", known.join(", "))))
}

/// The status of a record: as said, else by whether there was an error.
pub(crate) fn status_of(said: Option<&str>, error: Option<&str>) -> Status {
    let otherwise = if error.is_some() { Status::Error } else { Status::Success };
    said.and_then(Status::parse).unwrap_or(otherwise)
}

/// A time as microseconds since the epoch; times that do not fit saturate.
pub(crate) fn micros(time: SystemTime) -> Micros {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX),
        Err(before) => Micros::try_from(before.duration().as_micros()).map_or(Micros::MIN, |us| -us),
    }
}

/// Start and end. A record without a time of its own has just ended; one without a duration took none.
pub(crate) fn times(timestamp: Option<SystemTime>, latency_ms: Option<f64>, now: Micros) -> (Micros, Micros) {
    let took = latency_ms.map_or(0, |ms| (ms * 1_000.0).round() as Micros);
    match timestamp.map(micros) {
        Some(start) => (start, start.saturating_add(took)),
        None => (now.saturating_sub(took), now),
    }
}

/// A label as it is kept: not empty, and cut.
pub(crate) fn label(text: Option<String>) -> Option<String> {
    let mut text = text.filter(|text| !text.is_empty())?;
    cut(&mut text, MAX_NAME);
    Some(text)
}

/// A span that was made elsewhere.
pub(crate) fn span(span: &Span) -> Result<(), SdkError> {
    if span.trace_id == TraceId::default() {
        return Err(SdkError::invalid("trace_id", "is all zero: give it one, as TraceId::of_request makes"));
    }
    if span.span_id == SpanId::default() {
        return Err(SdkError::invalid("span_id", "is all zero: give it one, as SpanId::new makes"));
    }
    if span.cost.is_some_and(|cost| cost < NanoUsd::ZERO) {
        return Err(SdkError::invalid("cost", "is negative"));
    }
    let total = span.tokens.map_or(0, |tokens| tokens.total());
    tokens("tokens", Some(i64::try_from(total / 2).unwrap_or(i64::MAX)))?;
    span.request_id.as_deref().map_or(Ok(()), |id| named("request_id", id, MAX_REQUEST_ID))
}

fn cut(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

/// Cuts what stands in indices and statistics, and the failure's message.
pub(crate) fn bound(span: &mut Span) {
    let labels = [
        &mut span.name,
        &mut span.provider,
        &mut span.model,
        &mut span.response_model,
        &mut span.prompt_name,
        &mut span.prompt_version,
        &mut span.department,
        &mut span.user,
        &mut span.session,
        &mut span.finish_reason,
        &mut span.upstream_request_id,
        &mut span.error_type,
    ];
    labels.into_iter().flatten().for_each(|text| cut(text, MAX_NAME));
    if let Some(error) = &mut span.error {
        cut(error, MAX_ERROR);
    }
}

/// A value as a text of its own: a string without quotes, any other as JSON.
pub(crate) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// A text as the JSON that attributes hold.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// What every record weighs besides its texts.
pub(crate) const BASE_WEIGHT: usize = 512;

/// Bytes of an optional text.
pub(crate) fn len(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

/// About the bytes of a JSON value.
pub(crate) fn value_weight(value: Option<&Value>) -> usize {
    fn walk(value: &Value) -> usize {
        let inner = match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(walk).sum(),
            Value::Object(members) => members.iter().map(|(name, member)| name.len() + 48 + walk(member)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        };
        32 + inner
    }
    value.map_or(0, walk)
}

/// About the bytes of a whole span.
pub(crate) fn span_weight(span: &Span) -> usize {
    let texts = [&span.input, &span.output, &span.details, &span.error].map(|text| len(text.as_ref()));
    let attributes: usize = span.attributes.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
    BASE_WEIGHT + texts.iter().sum::<usize>() + attributes
}

/// About the bytes of a span as `tracing` saw it.
pub(crate) fn wire_weight(span: &WireSpan) -> usize {
    fn one(value: &AnyValue) -> usize {
        32 + match value {
            AnyValue::Text(text) => text.len(),
            AnyValue::Bytes(bytes) => bytes.len(),
            AnyValue::List(items) => items.iter().map(one).sum(),
            AnyValue::Map(members) => members_of(members),
            AnyValue::Empty | AnyValue::Bool(_) | AnyValue::Int(_) | AnyValue::Double(_) => 0,
        }
    }
    fn members_of(members: &[(String, AnyValue)]) -> usize {
        members.iter().map(|(name, member)| name.len() + 32 + one(member)).sum()
    }
    let events: usize = span.events.iter().map(|event| 64 + event.name.len() + members_of(&event.attributes)).sum();
    BASE_WEIGHT + members_of(&span.attributes) + events
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_of_its_own_is_taken_as_it_is_and_else_it_has_just_ended() {
        let past = SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000_000_123_456);
        assert_eq!(times(Some(past), Some(1.5), 9), (1_500_000_000_123_456, 1_500_000_000_124_956));
        assert_eq!(times(None, Some(2.0), 10_000), (8_000, 10_000));
        assert_eq!(times(None, None, 10_000), (10_000, 10_000));
        assert_eq!(micros(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), -1_000_000);
    }

    #[test]
    fn wrong_numbers_name_their_field() {
        for (result, field) in [
            (tokens("prompt_tokens", Some(-1)), "prompt_tokens"),
            (tokens("total_tokens", Some(i64::MAX)), "total_tokens"),
            (latency(Some(-0.1)), "latency_ms"),
            (latency(Some(f64::NAN)), "latency_ms"),
            (latency(Some(1e300)), "latency_ms"),
            (cost(Some(f64::INFINITY)), "cost"),
            (cost(Some(-1.0)), "cost"),
            (status(Some("done")), "status"),
            (request_id(Some(" ")), "request_id"),
            (name("tool_name", &"x".repeat(257)), "tool_name"),
        ] {
            assert!(matches!(&result, Err(SdkError::Invalid { field: at, .. }) if *at == field), "{field}: {result:?}");
        }
        for right in [tokens("x", None), latency(Some(0.0)), cost(Some(0.0)), status(Some("cached")), request_id(None)]
        {
            assert_eq!(right, Ok(()));
        }
    }
}
