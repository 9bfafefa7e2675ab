//! The checks, one file each.

mod alerts;
mod backups;
mod budget;
mod channels;
mod errors;
mod latency;
mod redaction;
mod retention;
mod runbooks;
mod scores;
mod traced;

use super::{Bound, Facts, Figure, Line, Targets, Verdict};

/// A check.
pub(super) struct Check {
    /// Stable name.
    pub id: &'static str,
    title: &'static str,
    unit: &'static str,
    bound: Bound,
    windowed: bool,
    judge: fn(&Facts, &Targets) -> Finding,
}

/// What a check found.
struct Finding {
    verdict: Verdict,
    value: Option<f64>,
    target: Option<f64>,
    found: String,
    fix: Option<String>,
}

/// All checks, in the order of the report.
pub(super) const ALL: &[Check] = &[
    Check {
        id: "traced",
        title: "Every call traced",
        unit: "share",
        bound: Bound::AtLeast,
        windowed: true,
        judge: traced::judge,
    },
    Check {
        id: "latency",
        title: "Latency p95",
        unit: "ms",
        bound: Bound::Below,
        windowed: true,
        judge: latency::judge,
    },
    Check {
        id: "errors",
        title: "Error rate",
        unit: "share",
        bound: Bound::Below,
        windowed: true,
        judge: errors::judge,
    },
    Check {
        id: "scores",
        title: "Evaluation scores",
        unit: "score",
        bound: Bound::AtLeast,
        windowed: true,
        judge: scores::judge,
    },
    Check {
        id: "budget",
        title: "Cost within budget",
        unit: "share",
        bound: Bound::Below,
        windowed: false,
        judge: budget::judge,
    },
    Check {
        id: "alerts",
        title: "Alerts configured",
        unit: "count",
        bound: Bound::AtLeast,
        windowed: false,
        judge: alerts::judge,
    },
    Check {
        id: "channels",
        title: "Alert channels tested",
        unit: "count",
        bound: Bound::Of,
        windowed: false,
        judge: channels::judge,
    },
    Check {
        id: "runbooks",
        title: "A runbook per alert",
        unit: "count",
        bound: Bound::Of,
        windowed: false,
        judge: runbooks::judge,
    },
    Check {
        id: "retention",
        title: "Retention set",
        unit: "s",
        bound: Bound::AtMost,
        windowed: false,
        judge: retention::judge,
    },
    Check {
        id: "redaction",
        title: "Redaction set",
        unit: "count",
        bound: Bound::AtLeast,
        windowed: false,
        judge: redaction::judge,
    },
    Check {
        id: "backups",
        title: "Backups restorable",
        unit: "s",
        bound: Bound::AtMost,
        windowed: false,
        judge: backups::judge,
    },
];

impl Check {
    pub(super) fn line(&self, facts: &Facts, targets: &Targets) -> Line {
        let Finding { verdict, value, target, found, fix } = (self.judge)(facts, targets);
        Line {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            verdict,
            figure: Figure { value, unit: self.unit.to_owned(), target, bound: self.bound },
            windowed: self.windowed,
            found,
            fix,
        }
    }
}

impl Finding {
    fn pass(found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Pass, value: None, target: None, found: found.into(), fix: None }
    }

    fn fail(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, fix: Some(fix.into()), ..Self::pass(found) }
    }

    fn unknown(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, fix: Some(fix.into()), ..Self::pass(found) }
    }

    fn measured(self, value: impl Into<Option<f64>>, target: impl Into<Option<f64>>) -> Self {
        Self { value: value.into(), target: target.into(), ..self }
    }
}

/// The finding of a window with too few calls to say anything of them.
fn too_few(facts: &Facts, targets: &Targets) -> Option<Finding> {
    let count = facts.calls.count;
    (count < targets.min_calls.max(1)).then(|| {
        Finding::unknown(
            format!("{} in the window, fewer than {}", number(count, "call"), targets.min_calls.max(1)),
            "send real traffic, look further back with --window 30d, or lower readiness.min_calls",
        )
    })
}

/// `1 call`, `2 calls`.
fn number(count: u64, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

/// Names in a row: the first few, and how many more.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 5;
    let all: Vec<&str> = all.collect();
    let shown = all.get(..SHOWN.min(all.len())).unwrap_or_default().join(", ");
    if all.len() > SHOWN { format!("{shown} and {} more", all.len() - SHOWN) } else { shown }
}

/// A share in percent with enough digits to tell it from its target.
fn percent(share: f64) -> String {
    let text = format!("{:.3}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A length of time in days, or less where it is short; microseconds.
fn span(us: i64) -> String {
    let (minutes, hours) = (us / weir_core::time::MINUTE, us / weir_core::time::HOUR);
    match hours {
        48.. => number((hours / 24) as u64, "day"),
        2.. => number(hours as u64, "hour"),
        _ => number(minutes.max(0) as u64, "minute"),
    }
}
