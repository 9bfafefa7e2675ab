//! Assessments of traces, as lists and searches see them.

use std::collections::HashMap;

use weir_core::id::TraceId;
use weir_core::query::{Held, Op, Test};
use weir_core::score::{Score, ScoreKind, ScoreTarget, ScoreValue};

use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// Most assessments of some traces that are read.
const MOST: usize = 100_000;

/// The assessments of traces, in the order of the ids.
pub(super) fn of(front: &Front, ids: &[TraceId]) -> Result<Vec<Vec<Score>>, Refused> {
    let scores = &front.parts.scores;
    let targets: Vec<ScoreTarget> = ids.iter().map(|id| ScoreTarget::Trace(*id)).collect();
    let found = scores.of(&targets, MOST)?;
    if found.iter().any(|score| score.target.trace().is_none()) {
        // Whose they are is only known where one trace is asked about.
        return targets.iter().map(|target| Ok(scores.of(std::slice::from_ref(target), MOST)?)).collect();
    }
    let places: HashMap<TraceId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut all = vec![Vec::new(); ids.len()];
    for score in found {
        let at = score.target.trace().and_then(|trace| places.get(&trace));
        if let Some(of) = at.and_then(|at| all.get_mut(*at)) {
            of.push(score);
        }
    }
    Ok(all)
}

/// Whether any valid assessment of a kind and a name satisfies a test.
pub(super) fn satisfies(scores: &[Score], kind: ScoreKind, name: &str, test: &Test) -> bool {
    let mut named = scores.iter().filter(|score| score.valid && score.kind == kind && score.name == name);
    match test {
        Test::Null => named.next().is_none(),
        Test::NotNull => named.next().is_some(),
        test => named.any(|score| value_satisfies(&score.value, test)),
    }
}

/// Whether a trace belongs to an issue.
pub(super) fn has_issue(scores: &[Score], id: &str) -> bool {
    scores.iter().any(|score| score.kind == ScoreKind::Issue && score.name == id)
}

/// A number with a number; a text with the value's text, and with its JSON, which is what MLflow compares.
fn value_satisfies(value: &ScoreValue, test: &Test) -> bool {
    let json = serde_json::to_string(value).unwrap_or_default();
    let text = if let ScoreValue::Text(text) = value { text } else { &json };
    let holds = |text: &str| test.holds(Some(Held::Text(text)));
    match (test, value) {
        (Test::Compare(Op::Lt | Op::Le | Op::Gt | Op::Ge, _), ScoreValue::Number(number)) => {
            test.holds(number.as_f64().map(Held::Number))
        }
        (Test::Compare(Op::Lt | Op::Le | Op::Gt | Op::Ge, _), _) => false,
        (Test::Compare(Op::Ne, _), _) => holds(text) && holds(&json),
        _ => holds(text) || holds(&json),
    }
}

#[cfg(test)]
mod tests {
    use weir_core::query::Operand;

    use super::*;

    #[test]
    fn values_compare_as_mlflow_compares_them() {
        let holds = |value: &str, op, operand: Operand| {
            value_satisfies(&ScoreValue::parse(value).unwrap(), &Test::Compare(op, operand))
        };
        let text = |text: &str| Operand::Text(text.to_owned());
        for (value, op, operand) in [
            ("true", Op::Eq, text("true")),
            ("0.8", Op::Eq, text("0.8")),
            ("\"yes\"", Op::Eq, text("yes")),
            ("\"yes\"", Op::Ne, text("no")),
            ("\"yes\"", Op::ILike, text("%YES%")),
            ("0.8", Op::Gt, Operand::Number(0.5)),
        ] {
            assert!(holds(value, op, operand.clone()), "{value} {operand:?}");
        }
        for (value, op, operand) in [
            ("\"yes\"", Op::Ne, text("yes")),
            ("true", Op::Gt, Operand::Number(0.5)),
            ("\"0.8\"", Op::Gt, Operand::Number(0.5)),
            ("0.5", Op::Gt, Operand::Number(0.5)),
        ] {
            assert!(!holds(value, op, operand.clone()), "{value} {operand:?}");
        }
    }
}
