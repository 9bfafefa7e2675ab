//! Assessments of traces, as searches see them.

use weir_core::id::TraceId;
use weir_core::query::{Held, Op, Test};
use weir_core::score::{Score, ScoreTarget, ScoreValue};

use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// Most assessments of some traces that are read.
const MOST: usize = 100_000;

/// The assessments of traces, in the order of the ids.
pub(super) fn of(front: &Front, ids: &[TraceId]) -> Result<Vec<Vec<Score>>, Refused> {
    let targets: Vec<ScoreTarget> = ids.iter().map(|id| ScoreTarget::Trace(*id)).collect();
    let mut all = vec![Vec::new(); ids.len()];
    for score in front.parts.scores.of(&targets, MOST)? {
        let ScoreTarget::Trace(trace) = &score.target else { continue };
        if let Some(at) = ids.iter().position(|id| id == trace)
            && let Some(of) = all.get_mut(at)
        {
            of.push(score);
        }
    }
    Ok(all)
}

/// Whether any assessment of a name satisfies a test.
pub(super) fn satisfies(scores: &[Score], kind: &str, name: &str, test: &Test) -> bool {
    let _ = kind;
    let mut named = scores.iter().filter(|score| score.name == name);
    match test {
        Test::Null => named.next().is_none(),
        Test::NotNull => named.next().is_some(),
        test => named.any(|score| value_satisfies(&score.value, test)),
    }
}

/// Whether a trace belongs to an issue.
pub(super) fn has_issue(_: &[Score], _: &str) -> bool {
    false
}

/// A number with a number; any value's text with a text: MLflow compares them as JSON.
fn value_satisfies(value: &ScoreValue, test: &Test) -> bool {
    let text = match value {
        ScoreValue::Text(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    match test {
        Test::Compare(Op::Lt | Op::Le | Op::Gt | Op::Ge, _) => match value {
            ScoreValue::Number(number) => test.holds(number.as_f64().map(Held::Number)),
            _ => false,
        },
        test => test.holds(Some(Held::Text(&text))),
    }
}
