//! When a rule fires: the members of its condition together.

use super::super::document::{Baseline, ConditionDoc, ConditionKind, Direction, Op, Sensitivity};
use super::super::judge::Lines;
use super::super::parse::Problem;
use super::{Read, Values, ValuesOf};

/// When a value is a reason to fire.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Fixed lines.
    Static(Lines),
    /// A multiple of a value before.
    Ratio {
        /// Of which.
        baseline: Baseline,
        /// The multiple.
        factor: f64,
    },
    /// Far from what is usual.
    Unusual {
        /// Robust standard deviations.
        z: f64,
        /// In which direction.
        direction: Direction,
        /// Least relative change.
        min_effect: f64,
    },
    /// What is read decides: anomalies, budgets, objectives.
    Given,
}

/// Refuses members of a condition that belong to another kind of it.
fn only(doc: &ConditionDoc, kind: &str, allowed: &[&str]) -> Result<(), Problem> {
    let given = [
        ("op", doc.op.is_some()),
        ("warn", doc.warn.is_some()),
        ("crit", doc.crit.is_some()),
        ("recover", doc.recover.is_some()),
        ("baseline", doc.baseline.is_some()),
        ("factor", doc.factor.is_some()),
        ("sensitivity", doc.sensitivity.is_some()),
        ("direction", doc.direction.is_some()),
        ("min_effect", doc.min_effect.is_some()),
        ("objective", doc.objective.is_some()),
        ("events", !doc.events.is_empty()),
    ];
    match given.iter().find(|(name, given)| *given && !allowed.contains(name)) {
        Some((name, _)) => Err(Problem::new(
            format!("condition.{name}"),
            format!("a condition of type {kind} has no such member; it has {}", allowed.join(", ")),
        )),
        None => Ok(()),
    }
}

pub(super) fn condition(doc: &ConditionDoc, read: &Read) -> Result<Condition, Problem> {
    let by_itself = match read {
        Read::Metric { .. } | Read::Values(_) => None,
        Read::Anomalies { .. } => Some("an anomaly is a reason by itself"),
        Read::Budget(_) => Some("a budget has its own thresholds"),
        Read::Slo(_) => Some("an objective has its burn rates"),
    };
    if let Some(why) = by_itself {
        let plain = ConditionDoc { kind: None, ..doc.clone() } == ConditionDoc::default();
        let fits = match doc.kind {
            None => true,
            Some(ConditionKind::BurnRate) => matches!(read, Read::Slo(_)),
            Some(_) => false,
        };
        return if plain && fits {
            Ok(Condition::Given)
        } else {
            Err(Problem::new("condition", format!("{why}: leave the condition out")))
        };
    }
    if matches!(read, Read::Values(Values { of: ValuesOf::Events(..), .. })) {
        return of_events(doc);
    }
    match doc.kind.unwrap_or_default() {
        ConditionKind::Static => {
            only(doc, "static", &["op", "warn", "crit", "recover"])?;
            lines(doc).map(Condition::Static)
        }
        ConditionKind::RatioToBaseline => {
            only(doc, "ratio_to_baseline", &["baseline", "factor"])?;
            let Some(factor) = doc.factor.filter(|f| f.is_finite() && *f > 0.0 && *f != 1.0) else {
                return Err(Problem::new("condition.factor", "write a number above 0 that is not 1, as in 1.5"));
            };
            Ok(Condition::Ratio { baseline: doc.baseline.unwrap_or(Baseline::PreviousWindow), factor })
        }
        ConditionKind::Anomaly => {
            only(doc, "anomaly", &["sensitivity", "direction", "min_effect"])?;
            let z = match doc.sensitivity.unwrap_or(Sensitivity::Medium) {
                Sensitivity::Low => 8.0,
                Sensitivity::Medium => 5.0,
                Sensitivity::High => 3.5,
            };
            let min_effect = doc.min_effect.unwrap_or(0.2);
            if !(0.0..=100.0).contains(&min_effect) {
                return Err(Problem::new("condition.min_effect", "write a number from 0 to 100; 0.2 is a fifth"));
            }
            Ok(Condition::Unusual { z, direction: doc.direction.unwrap_or(Direction::Both), min_effect })
        }
        ConditionKind::BurnRate | ConditionKind::Event => {
            let why = "it has static, ratio_to_baseline or anomaly; burn_rate belongs to source = \"slo\", event to source = \
                       \"event\"";
            Err(Problem::new("condition.type", why))
        }
    }
}

/// Lines for how often something happened: usually once is enough.
fn of_events(doc: &ConditionDoc) -> Result<Condition, Problem> {
    if doc.kind.is_some_and(|kind| kind != ConditionKind::Event) {
        return Err(Problem::new("condition.type", "a rule of source event has type = \"event\""));
    }
    only(doc, "event", &["events", "op", "warn", "crit", "recover"])?;
    let once = (doc.warn.is_none() && doc.crit.is_none()).then_some(1.0);
    lines(&ConditionDoc { op: doc.op.or(Some(Op::Ge)), crit: doc.crit.or(once), ..doc.clone() }).map(Condition::Static)
}

fn lines(doc: &ConditionDoc) -> Result<Lines, Problem> {
    let lines = Lines { op: doc.op.unwrap_or(Op::Gt), warn: doc.warn, crit: doc.crit, recover: doc.recover };
    for (name, line) in [("warn", lines.warn), ("crit", lines.crit), ("recover", lines.recover)] {
        if line.is_some_and(|line| !line.is_finite()) {
            return Err(Problem::new(format!("condition.{name}"), "write a finite number"));
        }
    }
    let Some(first) = lines.warn.or(lines.crit) else {
        return Err(Problem::new("condition.crit", "name a threshold: crit, warn or both"));
    };
    let upward = match lines.op {
        Op::Gt | Op::Ge => true,
        Op::Lt | Op::Le => false,
        Op::Eq | Op::Ne => {
            return match (lines.warn.is_some() && lines.crit.is_some(), lines.recover) {
                (true, _) => Err(Problem::new("condition.warn", "with == and != there is one threshold: keep crit")),
                (_, Some(_)) => Err(Problem::new("condition.recover", "with == and != there is nothing to recover to")),
                _ => Ok(lines),
            };
        }
    };
    let further = |a: f64, b: f64| if upward { a > b } else { a < b };
    let side = if upward { "above" } else { "below" };
    if let (Some(warn), Some(crit)) = (lines.warn, lines.crit)
        && !further(crit, warn)
    {
        return Err(Problem::new("condition.crit", format!("{crit} must lie {side} warn ({warn})")));
    }
    if let Some(recover) = lines.recover
        && further(recover, first)
    {
        return Err(Problem::new(
            "condition.recover",
            format!("{recover} must not lie {side} {first}, where it fires"),
        ));
    }
    Ok(lines)
}
