//! What a rule's condition says of a point.

use super::document::{Agg, Op};
use super::judge::{Level, Lines, ratio, unusual};
use super::observe::{Against, Point};
use super::rule::{Condition, Read, Rule};
use super::series::{NoData, Seen};
use weir_core::anomaly::Severity;

/// A judged point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// What is to be made of it.
    pub seen: Seen,
    /// The value that was judged.
    pub value: Option<f64>,
    /// The line that decided.
    pub threshold: Option<f64>,
    /// What it rests on.
    pub samples: u64,
}

impl Judged {
    /// Nothing was there to judge.
    pub const NOTHING: Self = Self { seen: Seen::Nothing, value: None, threshold: None, samples: 0 };
}

/// Judges a point of a series that fires at a level, or does not.
#[must_use]
pub fn judge(rule: &Rule, point: &Point, firing: Level) -> Judged {
    let of = |seen, threshold| Judged { seen, value: point.value, threshold, samples: point.samples };
    let zero = rule.policy.no_data == NoData::Zero;
    let value = match point.value {
        // No calls make 0 errors, and that is no news where nothing means nothing.
        Some(_) if adds_up(rule) && point.samples == 0 && !zero => return Judged::NOTHING,
        Some(value) => value,
        None if zero => 0.0,
        None => return Judged::NOTHING,
    };
    let verdict = match &point.against {
        Against::Level(level, line) => return of(Seen::Level(*level), *line),
        Against::Burns(rates) => {
            let fires = rates.iter().find(|rate| rate.firing);
            let level = match fires.map(|rate| rate.severity) {
                Some(Severity::Critical) => Level::Crit,
                Some(_) => Level::Warn,
                None => Level::Ok,
            };
            let nearest = rates.iter().max_by(|a, b| (a.long_rate / a.factor).total_cmp(&(b.long_rate / b.factor)));
            return of(Seen::Level(level), fires.or(nearest).map(|rate| rate.factor));
        }
        _ if point.samples < rule.policy.min_samples => return of(Seen::TooFew, line(&point.against)),
        Against::Lines(lines) => Some(lines.judge(value, firing)),
        Against::Baseline(_, samples) if *samples < rule.policy.min_samples => None,
        Against::Baseline(baseline, _) => match &rule.condition {
            Condition::Ratio { factor, .. } => baseline.and_then(|baseline| ratio(value, baseline, *factor)),
            _ => None,
        },
        Against::Past(past) => match &rule.condition {
            Condition::Unusual { z, direction, min_effect } => {
                unusual(value, &mut past.clone(), *z, *direction, *min_effect, firing)
            }
            _ => None,
        },
    };
    match verdict {
        Some(verdict) => Judged { value: Some(value), ..of(Seen::Level(verdict.level), verdict.threshold) },
        None => Judged { value: Some(value), ..of(Seen::TooFew, None) },
    }
}

/// What a series that was there before and is not any longer is judged as.
#[must_use]
pub fn absent(rule: &Rule, firing: Level) -> Judged {
    match &rule.condition {
        Condition::Static(lines) if rule.policy.no_data == NoData::Zero => {
            let verdict = lines.judge(0.0, firing);
            Judged { seen: Seen::Level(verdict.level), value: Some(0.0), threshold: verdict.threshold, samples: 0 }
        }
        _ if rule.policy.no_data == NoData::Zero => {
            Judged { seen: Seen::Level(Level::Ok), value: Some(0.0), ..Judged::NOTHING }
        }
        _ => Judged::NOTHING,
    }
}

fn adds_up(rule: &Rule) -> bool {
    let agg = match &rule.read {
        Read::Metric { agg, .. } => *agg,
        Read::Values(values) => values.agg,
        _ => return false,
    };
    matches!(agg, Agg::Count | Agg::Sum | Agg::Rate)
}

fn line(against: &Against) -> Option<f64> {
    match against {
        Against::Lines(lines) => first(lines),
        _ => None,
    }
}

fn first(lines: &Lines) -> Option<f64> {
    lines.warn.or(lines.crit)
}

/// Whether higher values are worse.
#[must_use]
pub fn is_upward(rule: &Rule) -> bool {
    match &rule.condition {
        Condition::Static(lines) => !matches!(lines.op, Op::Lt | Op::Le),
        Condition::Ratio { factor, .. } => *factor >= 1.0,
        Condition::Unusual { direction, .. } => *direction != super::document::Direction::Down,
        Condition::Given => true,
    }
}
