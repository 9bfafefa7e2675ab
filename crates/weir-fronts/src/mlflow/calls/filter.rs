//! Conditions on runs of calls as filters on spans, as far as spans have what they ask for.
//!
//! Invariant: a filter leaves out no call that the conditions hold for; it may let through others.

use weir_core::filter::{Field, Filter, Op as FieldOp, Value};
use weir_core::query::{Condition, Op, Operand, Target, Test};
use weir_core::span::{SpanKind, Status};
use weir_store::telemetry::TimeRange;

/// What a param says of a call that has none.
const NONE: &str = "None";
/// Params are cut there: longer values say nothing of the span.
const MAX_VALUE: usize = 500;

/// Calls, of whatever sort.
pub(super) fn calls() -> Filter {
    Filter::Or(vec![
        Filter::eq(Field::Kind, SpanKind::Llm.as_str()),
        Filter::eq(Field::Kind, SpanKind::Embedding.as_str()),
    ])
}

/// The filter and the times of conditions. `tag_is_own` says whether no call has a tag of that key but its own.
pub(super) fn of(conditions: &[Condition], tag_is_own: impl Fn(&str) -> bool) -> (Filter, TimeRange) {
    let mut all = vec![calls()];
    let mut range = TimeRange::default();
    for condition in conditions {
        match &condition.target {
            Target::Field("start_time") => narrow(&mut range, &condition.test),
            Target::Field("status") => all.extend(ended(&condition.test)),
            Target::Entry("params", key) => all.extend(text(key, &condition.test)),
            Target::Entry("tags", key) if tag_is_own(key) => all.extend(tag(key, &condition.test)),
            Target::Entry("metrics", key) => all.extend(number(key, &condition.test)),
            _ => {}
        }
    }
    (Filter::And(all), range)
}

/// Milliseconds that a run began at, as microseconds that its call began at.
fn narrow(range: &mut TimeRange, test: &Test) {
    let Test::Compare(op, Operand::Number(ms)) = test else { return };
    let bounded = |ms: f64| (ms.clamp(-1e15, 1e15) as i64) * 1_000;
    let (from, to) = (bounded(ms.floor()), bounded(ms.floor() + 1.0));
    if matches!(op, Op::Eq | Op::Gt | Op::Ge) {
        range.from = Some(range.from.map_or(from, |before| before.max(from)));
    }
    if matches!(op, Op::Eq | Op::Lt | Op::Le) {
        range.to = Some(range.to.map_or(to, |before| before.min(to)));
    }
}

fn equal(test: &Test) -> Option<&str> {
    match test {
        Test::Compare(Op::Eq, Operand::Text(text)) if text.chars().count() < MAX_VALUE => Some(text),
        _ => None,
    }
}

fn text(key: &str, test: &Test) -> Option<Filter> {
    if key == "cache_hit" {
        let hit = hit();
        return match equal(test)? {
            "True" => Some(hit),
            "False" => Some(Filter::Not(Box::new(hit))),
            _ => None,
        };
    }
    let field = match key {
        "provider" => Field::Provider,
        "model" => Field::Model,
        "department" => Field::Department,
        "prompt_name" => Field::PromptName,
        "prompt_version" => Field::PromptVersion,
        _ => return None,
    };
    equal(test).filter(|text| *text != NONE).map(|text| Filter::eq(field, text))
}

fn tag(key: &str, test: &Test) -> Option<Filter> {
    let field = match key {
        "department" => Field::Department,
        "prompt_version" => Field::PromptVersion,
        "weir.request_id" => Field::RequestId,
        "weir.status" => Field::Status,
        _ => return None,
    };
    equal(test).filter(|text| *text != NONE).map(|text| Filter::eq(field, text))
}

fn hit() -> Filter {
    Filter::Or(vec![
        Filter::eq(Field::Status, Status::Cached.as_str()),
        Filter::eq(Field::Cache, "hit"),
        Filter::eq(Field::Cache, "semantic"),
    ])
}

fn ended(test: &Test) -> Option<Filter> {
    let well = Filter::Or(vec![hit(), Filter::eq(Field::Status, Status::Success.as_str())]);
    match equal(test)? {
        "FINISHED" => Some(well),
        "FAILED" => Some(Filter::Not(Box::new(well))),
        _ => None,
    }
}

/// Bounds from below, a little lower than asked for.
fn number(key: &str, test: &Test) -> Option<Filter> {
    let Test::Compare(Op::Eq | Op::Gt | Op::Ge, Operand::Number(least)) = test else { return None };
    let (field, factor) = match key {
        "latency_ms" | "total_response_time_ms" => (Field::Latency, 1e3),
        "total_tokens" => (Field::TotalTokens, 1.0),
        "cost_usd" => (Field::Cost, 1e9),
        _ => return None,
    };
    // What is not known of a span may be 0 of its run.
    let least = least * factor * (1.0 - 1e-9) - 2.0;
    (least > 0.0).then_some(Filter::Compare(field, FieldOp::Ge, Value::Float(least)))
}
