//! What is counted: a trace, a span or an assessment as a value with dimensions.

use std::collections::HashSet;

use serde_json::Value;
use weir_core::id::TraceId;
use weir_core::score::ScoreKind;
use weir_core::span::{Span, Status};

use super::table::View;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::traces::info::TraceInfo;
use crate::mlflow::traces::search::Found;
use crate::mlflow::traces::{names, read, scores, spans};

/// Traces whose spans are read at once.
const AT_ONCE: usize = 500;

/// One of what is counted.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) at_ms: i64,
    pub(super) value: f64,
    pub(super) session: Option<String>,
    pub(super) dimensions: Vec<(&'static str, String)>,
}

impl Item {
    /// The value of a dimension, if it has one.
    pub(super) fn dimension(&self, name: &str) -> Option<String> {
        self.dimensions.iter().find(|(held, _)| *held == name).map(|(_, value)| value.clone())
    }
}

const DIMENSIONS: [&str; 9] = [
    "trace_name",
    "trace_status",
    "span_name",
    "span_type",
    "span_status",
    "span_model_name",
    "span_model_provider",
    "assessment_name",
    "assessment_value",
];

/// A dimension by its own name.
pub(super) fn dimension_name(name: &str) -> Option<&'static str> {
    DIMENSIONS.into_iter().find(|held| *held == name)
}

/// The values of items; of sessions one for each.
pub(super) fn values(metric: &str, items: &[Item]) -> Vec<f64> {
    if metric == "session_count" {
        let sessions: HashSet<&String> = items.iter().filter_map(|item| item.session.as_ref()).collect();
        return vec![1.0; sessions.len()];
    }
    items.iter().map(|item| item.value).collect()
}

/// What is to be counted of traces.
pub(super) fn of(
    front: &Front,
    view: View,
    metric: &str,
    found: &[Found],
    narrowed: &[(&'static str, String)],
) -> Result<Vec<Item>, Refused> {
    match view {
        View::Traces => Ok(found.iter().filter_map(|found| of_trace(&found.info, metric)).collect()),
        View::Spans => {
            let mut items = Vec::new();
            for some in found.chunks(AT_ONCE) {
                let ids: Vec<TraceId> = some.iter().map(|found| found.head.id).collect();
                let all = front.parts.traces.trace_spans(&ids, false, read::MOST_SPANS)?;
                items.extend(all.iter().flatten().filter_map(|span| of_span(span, metric, narrowed)));
            }
            Ok(items)
        }
        View::Assessments => {
            let mut items = Vec::new();
            for some in found.chunks(AT_ONCE) {
                let ids: Vec<TraceId> = some.iter().map(|found| found.head.id).collect();
                let all = scores::of(front, &ids)?;
                for (found, scores) in some.iter().zip(all) {
                    items.extend(scores.iter().filter_map(|score| {
                        let kind = match score.kind {
                            ScoreKind::Feedback => "feedback",
                            ScoreKind::Expectation => "expectation",
                            ScoreKind::Issue => "issue",
                        };
                        let is = |(field, wanted): &(&str, String)| match *field {
                            "name" => score.name == *wanted,
                            _ => kind == wanted,
                        };
                        let number = score.value.number();
                        let value = if metric == "assessment_value" { number? } else { 1.0 };
                        let json = serde_json::to_string(&score.value).unwrap_or_default();
                        let dimensions = vec![("assessment_name", score.name.clone()), ("assessment_value", json)];
                        (score.valid && narrowed.iter().all(is)).then_some(Item {
                            at_ms: found.info.request_time_ms,
                            value,
                            session: None,
                            dimensions,
                        })
                    }));
                }
            }
            Ok(items)
        }
    }
}

fn of_trace(info: &TraceInfo, metric: &str) -> Option<Item> {
    let session = info.metadata.get(names::SESSION).cloned();
    let value = match metric {
        "trace_count" => 1.0,
        "session_count" => session.as_ref().map(|_| 1.0)?,
        "latency" => info.execution_ms? as f64,
        tokens => {
            let usage: Value = serde_json::from_str(info.metadata.get(names::TOKEN_USAGE)?).ok()?;
            usage.get(tokens)?.as_f64()?
        }
    };
    let mut dimensions = vec![("trace_status", info.state.as_str().to_owned())];
    dimensions.extend(info.tags.get(names::TRACE_NAME).map(|name| ("trace_name", name.clone())));
    Some(Item { at_ms: info.request_time_ms, value, session, dimensions })
}

fn of_span(span: &Span, metric: &str, narrowed: &[(&'static str, String)]) -> Option<Item> {
    let status = match span.status {
        Some(Status::Success | Status::Cached) => "OK",
        Some(Status::Pending) | None => "UNSET",
        Some(_) => "ERROR",
    };
    let kind = spans::span_type(span);
    let is = |(field, wanted): &(&str, String)| match *field {
        "name" => span.name.as_ref() == Some(wanted),
        "type" => kind == wanted,
        _ => status == wanted,
    };
    let value = match metric {
        "span_count" => 1.0,
        "latency" => span.latency_us()?.div_euclid(1_000) as f64,
        "total_cost" => span.cost?.as_usd(),
        // What of a cost was input and what output is not kept.
        _ => return None,
    };
    let mut dimensions = vec![("span_status", status.to_owned()), ("span_type", kind.to_owned())];
    let model = span.response_model.as_ref().or(span.model.as_ref());
    for (name, text) in
        [("span_name", span.name.as_ref()), ("span_model_name", model), ("span_model_provider", span.provider.as_ref())]
    {
        dimensions.extend(text.map(|text| (name, text.clone())));
    }
    let at_ms = span.start_us?.div_euclid(1_000);
    narrowed.iter().all(is).then_some(Item { at_ms, value, session: None, dimensions })
}
