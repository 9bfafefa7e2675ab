//! A score as MLflow shows it.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_core::id::{ScoreId, SpanId};
use weir_core::score::{Score, ScoreError, ScoreKind, ScoreSource, ScoreTarget, ScoreValue};
use weir_core::time::{Micros, to_rfc3339};

/// An assessment.
#[derive(Serialize)]
pub(in crate::mlflow) struct Form<'a> {
    assessment_id: String,
    assessment_name: &'a str,
    trace_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    source: Source<'a>,
    create_time: String,
    last_update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<Feedback<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expectation: Option<Expectation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue: Option<&'a ScoreValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rationale: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overrides: Option<String>,
    valid: bool,
}

#[derive(Serialize)]
struct Source<'a> {
    source_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Feedback<'a> {
    value: &'a ScoreValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    error_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Expectation<'a> {
    Value(&'a ScoreValue),
    SerializedValue { serialization_format: &'static str, value: &'a str },
}

impl<'a> Form<'a> {
    /// A score as an assessment of the trace of that name.
    pub(in crate::mlflow) fn of(score: &'a Score, trace: &'a str) -> Self {
        let value = &score.value;
        let expectation = match value {
            // What is no plain value travels as its text.
            ScoreValue::Json(json) => Expectation::SerializedValue { serialization_format: JSON, value: json },
            _ => Expectation::Value(value),
        };
        let is = |kind| score.kind == kind;
        Self {
            assessment_id: assessment_id(score.id),
            assessment_name: &score.name,
            trace_id: trace,
            span_id: span_id(&score.target),
            source: Source { source_type: source_type(score.source), source_id: score.author.as_deref() },
            create_time: time(score.created_us),
            last_update_time: time(score.updated_us),
            feedback: is(ScoreKind::Feedback).then(|| Feedback { value, error: score.error.as_ref().map(Failure::of) }),
            expectation: is(ScoreKind::Expectation).then_some(expectation),
            issue: is(ScoreKind::Issue).then_some(value),
            rationale: score.reason.as_deref(),
            metadata: &score.metadata,
            overrides: score.overrides.map(assessment_id),
            valid: score.valid,
        }
    }
}

impl<'a> Failure<'a> {
    fn of(error: &'a ScoreError) -> Self {
        Self { error_code: &error.code, error_message: error.message.as_deref(), stack_trace: error.stack.as_deref() }
    }
}

/// The form in which values that are neither texts, numbers, true nor false are sent as a text.
pub(super) const JSON: &str = "JSON_FORMAT";

/// Who judged, as MLflow names it.
pub(super) const SOURCES: &[(&str, i64, ScoreSource)] = &[
    ("SOURCE_TYPE_UNSPECIFIED", 0, ScoreSource::Api),
    ("HUMAN", 1, ScoreSource::Human),
    ("LLM_JUDGE", 2, ScoreSource::Judge),
    ("CODE", 3, ScoreSource::Code),
];

fn source_type(source: ScoreSource) -> &'static str {
    SOURCES.iter().find(|(.., of)| *of == source).map_or("SOURCE_TYPE_UNSPECIFIED", |(name, ..)| name)
}

/// A time as proto3 writes it: no more of its fraction than there is, in groups of three digits.
fn time(at: Micros) -> String {
    let text = to_rfc3339(at);
    let shorter = text.strip_suffix("000Z").map(|text| text.strip_suffix(".000").unwrap_or(text));
    shorter.map_or_else(|| text.clone(), |text| format!("{text}Z"))
}

/// A score's id as MLflow writes it.
pub(in crate::mlflow) fn assessment_id(id: ScoreId) -> String {
    format!("a-{:032x}", u128::from_be_bytes(id.0))
}

/// The score that an id names; `None` where it cannot be one of Weir's.
pub(super) fn score_id(text: &str) -> Option<ScoreId> {
    text.strip_prefix("a-").and_then(ScoreId::parse)
}

fn span_id(target: &ScoreTarget) -> Option<String> {
    match target {
        ScoreTarget::Trace(_) => None,
        ScoreTarget::Span(key) => Some(key.span.to_string()),
        ScoreTarget::Call(name) => SpanId::parse(name).map(|id| id.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_no_zeros_that_say_nothing() {
        assert_eq!(time(6_000), "1970-01-01T00:00:00.006Z");
        assert_eq!(time(6_001), "1970-01-01T00:00:00.006001Z");
        assert_eq!(time(2_000_000), "1970-01-01T00:00:02Z");
    }

    #[test]
    fn ids_come_back() {
        let id = ScoreId::new();
        assert_eq!(score_id(&assessment_id(id)), Some(id));
        assert_eq!(score_id("a-1"), None);
    }
}
