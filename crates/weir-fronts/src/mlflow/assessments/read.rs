//! An assessment as clients send it.

use std::collections::BTreeMap;

use weir_core::id::{ScoreId, SpanId, SpanKey, TraceId};
use weir_core::score::{Score, ScoreError, ScoreKind, ScoreSource, ScoreTarget, ScoreValue};
use weir_core::time::Micros;

use super::form::{JSON, SOURCES, score_id};
use crate::mlflow::errors::Refused;
use crate::mlflow::wire::Fields;

/// Longest stack of an error that is kept, in bytes: its end tells most.
const STACK_BYTES: usize = 64 << 10;

/// What makes one assessment another.
pub(super) type Change = Box<dyn Fn(&mut Score)>;

/// Reads an assessment of a trace, complete but for what the server says. It is valid.
pub(in crate::mlflow) fn read(assessment: &Fields<'_>, trace: TraceId, now: Micros) -> Result<Score, Refused> {
    let target = match assessment.text("span_id")?.filter(|id| !id.is_empty()) {
        None => ScoreTarget::Trace(trace),
        Some(id) => {
            let span = SpanId::parse(id).ok_or_else(|| Refused::invalid(format!("Invalid span ID '{id}'")))?;
            ScoreTarget::Span(SpanKey { trace, span })
        }
    };
    let (kind, value, error) = judgement(assessment)?;
    let source = assessment.object("source")?;
    let (source, author) = match &source {
        None => (None, None),
        Some(source) => (source.choice("source_type", SOURCES)?, source.text("source_id")?),
    };
    let id = match assessment.text("assessment_id")?.filter(|id| !id.is_empty()) {
        None => ScoreId::new(),
        Some(id) => known(id)?,
    };
    let overrides = assessment.text("overrides")?.filter(|id| !id.is_empty());
    let score = Score {
        id,
        kind,
        source: source.unwrap_or(ScoreSource::Api),
        author: author.filter(|author| !author.is_empty()).map(str::to_owned),
        reason: assessment.text("rationale")?.filter(|reason| !reason.is_empty()).map(str::to_owned),
        metadata: metadata(assessment)?,
        error,
        overrides: overrides.map(known).transpose()?,
        created_us: time(assessment, "create_time")?.unwrap_or(now),
        updated_us: time(assessment, "last_update_time")?.unwrap_or(now),
        ..Score::new(target, assessment.text("assessment_name")?.unwrap_or_default(), value, now)
    };
    score.check().map_err(|e| Refused::from(&e))?;
    Ok(score)
}

/// What a mask of names says to change in an assessment of a kind.
pub(super) fn changes(assessment: &Fields<'_>, mask: &str, kind: ScoreKind) -> Result<Change, Refused> {
    let mut all: Vec<Change> = Vec::new();
    for name in mask.split(',').map(str::trim) {
        match name {
            "assessmentName" | "assessment_name" => {
                let name = assessment.required("assessment_name")?.to_owned();
                all.push(Box::new(move |score| score.name.clone_from(&name)));
            }
            "feedback" | "expectation" => {
                let (is, value, error) = judgement(assessment)?;
                if is != kind {
                    let (value, whole) = match is {
                        ScoreKind::Expectation => ("expectation", "a Feedback"),
                        _ => ("feedback", "an Expectation"),
                    };
                    return Err(Refused::invalid(format!("Cannot update {value} value on {whole} assessment.")));
                }
                all.push(Box::new(move |score| {
                    score.value.clone_from(&value);
                    score.error.clone_from(&error);
                }));
            }
            "rationale" => {
                let reason = assessment.text("rationale")?.map(str::to_owned);
                all.push(Box::new(move |score| score.reason.clone_from(&reason)));
            }
            "metadata" => {
                let more = metadata(assessment)?;
                all.push(Box::new(move |score| score.metadata.extend(more.clone())));
            }
            "valid" => {
                let valid = assessment.bool("valid")?.unwrap_or_default();
                all.push(Box::new(move |score| score.valid = valid));
            }
            _ => {}
        }
    }
    Ok(Box::new(move |score| all.iter().for_each(|change| change(score))))
}

/// What an assessment says: exactly one of feedback, expectation and issue.
fn judgement(assessment: &Fields<'_>) -> Result<(ScoreKind, ScoreValue, Option<ScoreError>), Refused> {
    if let Some(feedback) = assessment.object("feedback")? {
        let error = feedback.object("error")?.or(assessment.object("error")?);
        let error = error.map(|error| failure(&error)).transpose()?;
        return Ok((ScoreKind::Feedback, value(&feedback)?, error));
    }
    if let Some(expectation) = assessment.object("expectation")? {
        let Some(serialized) = expectation.object("serialized_value")? else {
            return match value(&expectation)? {
                none if none.is_none() => Err(Refused::invalid("The `value` field must be specified.")),
                value => Ok((ScoreKind::Expectation, value, None)),
            };
        };
        let format = serialized.text("serialization_format")?.unwrap_or_default();
        if format != JSON {
            return Err(Refused::invalid(format!(
                "Unknown serialization format: {format}. Only JSON_FORMAT is supported."
            )));
        }
        let text = serialized.text("value")?.unwrap_or_default();
        let value = ScoreValue::parse(text)
            .map_err(|e| Refused::invalid(format!("The serialized value of an expectation is no JSON: {e}")))?;
        return Ok((ScoreKind::Expectation, value, None));
    }
    if let Some(issue) = assessment.object("issue")? {
        let json = serde_json::json!({ "issue_name": issue.text("issue_name")?.unwrap_or_default() });
        return Ok((ScoreKind::Issue, ScoreValue::Json(json.to_string()), None));
    }
    Err(Refused::invalid("Unknown assessment type: None"))
}

fn value(of: &Fields<'_>) -> Result<ScoreValue, Refused> {
    let Some(value) = of.get("value")? else { return Ok(ScoreValue::none()) };
    ScoreValue::parse(&value.to_string()).map_err(|_| of.wrong("value", value))
}

fn failure(error: &Fields<'_>) -> Result<ScoreError, Refused> {
    let text = |name| Ok::<_, Refused>(error.text(name)?.filter(|text| !text.is_empty()));
    let end = |text: &str| text[text.ceil_char_boundary(text.len().saturating_sub(STACK_BYTES))..].to_owned();
    Ok(ScoreError {
        code: text("error_code")?.unwrap_or_default().to_owned(),
        message: text("error_message")?.map(str::to_owned),
        stack: text("stack_trace")?.map(end),
    })
}

fn metadata(assessment: &Fields<'_>) -> Result<BTreeMap<String, String>, Refused> {
    Ok(assessment.map("metadata")?.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

fn time(assessment: &Fields<'_>, name: &str) -> Result<Option<Micros>, Refused> {
    let Some(text) = assessment.text(name)? else { return Ok(None) };
    let at = weir_core::time::parse(text);
    at.map(Some).ok_or_else(|| Refused::invalid(format!("Invalid time '{text}' for parameter '{name}' supplied")))
}

fn known(id: &str) -> Result<ScoreId, Refused> {
    score_id(id).ok_or_else(|| Refused::invalid(format!("Invalid assessment ID '{id}'")))
}
