//! An alert in words: what is told of a series, and shown of it.

use weir_core::anomaly::{Anomaly, Severity as Badness};
use weir_core::time::Micros;

use super::course::Held;
use super::data::badness;
use super::document::{Agg, Op, Severity};
use super::measure::agg_name;
use super::observe::FORECAST;
use super::rule::{Condition, Read, Rule, Values, ValuesOf, usual_window};
use super::series::Phase;
use crate::budgets::Unit;
use crate::notify::AlertJson;

/// The alert of a series. `url` is where people find Weir; empty: nowhere.
#[must_use]
pub fn alert(rule: &Rule, fingerprint: &str, held: &Held, url: &str) -> AlertJson {
    let mut labels = held.labels.clone();
    if !rule.doc.tags.is_empty() {
        labels.insert("tags".to_owned(), rule.doc.tags.join(","));
    }
    let project = held.labels.get("project").cloned().or_else(|| rule.doc.project.clone()).unwrap_or_default();
    AlertJson {
        fingerprint: fingerprint.to_owned(),
        rule_id: rule.id.clone(),
        rule: rule.doc.name.clone(),
        project,
        severity: severity(rule, held),
        state: held.series.phase.as_str().to_owned(),
        labels,
        summary: summary(rule, held),
        description: description(rule, held),
        value: held.value.filter(|v| v.is_finite()),
        threshold: held.threshold.filter(|v| v.is_finite()),
        unit: rule.unit(),
        runbook_url: rule.doc.runbook_url.clone(),
        starts_at: held.series.starts_at.unwrap_or(held.series.since),
        ends_at: held.series.ends_at,
        url: if url.is_empty() { String::new() } else { format!("{}/alerts/{fingerprint}", url.trim_end_matches('/')) },
        anomaly: held.anomaly.clone(),
    }
}

/// How bad it is: as the rule says, a step less while only `warn` is crossed; an anomaly is never worse than it is.
#[must_use]
pub fn severity(rule: &Rule, held: &Held) -> Badness {
    let most = rule.severity();
    let of_rule =
        if held.series.warning && held.series.phase != Phase::NoData { most.min(Severity::Warning) } else { most };
    let of_rule = badness(of_rule);
    held.anomaly.as_ref().map_or(of_rule, |anomaly| anomaly.severity.min(badness(most)))
}

/// One line: what is wrong, or is not any longer.
#[must_use]
pub fn summary(rule: &Rule, held: &Held) -> String {
    let what = match held.series.phase {
        Phase::NoData => format!("{} has no data", subject(rule, held)),
        phase => {
            let state = statement(rule, held);
            if phase == Phase::Resolved { format!("over: {state}") } else { state }
        }
    };
    format!("{what}{}", of_labels(rule, held))
}

/// What is measured, in words.
fn subject(rule: &Rule, held: &Held) -> String {
    match &rule.read {
        Read::Metric { measure, agg, .. } => match agg_name(*agg).as_str() {
            "ratio" | "count" | "sum" => measure.as_str().to_owned(),
            agg => format!("{agg} of {}", measure.as_str()),
        },
        Read::Values(Values { of, agg, .. }) => match of {
            ValuesOf::Scores(name, _) => format!("{} of score {name}", agg_name(*agg)),
            ValuesOf::Evals(name, _) if *agg == Agg::Last => format!("evaluation {name}"),
            ValuesOf::Evals(name, _) => format!("{} of evaluations {name}", agg_name(*agg)),
            ValuesOf::Events(kinds, _) => {
                let of_series = held.labels.get("event").cloned();
                of_series.unwrap_or_else(|| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" or "))
            }
        },
        Read::Anomalies { .. } => held.anomaly.as_ref().map_or_else(|| "the anomaly".to_owned(), |a| a.metric.clone()),
        Read::Budget(budget) => format!("budget {}", budget.name),
        Read::Slo(slo) => format!("objective {}", slo.name),
    }
}

fn statement(rule: &Rule, held: &Held) -> String {
    let unit = rule.unit();
    let value = held.value.map_or_else(|| "unknown".to_owned(), |value| figure(value, &unit));
    let line = held.threshold.map(|line| figure(line, &unit));
    match (&rule.read, &held.anomaly) {
        (_, Some(anomaly)) => of_anomaly(anomaly),
        (Read::Budget(budget), _) => {
            let amount = match budget.unit {
                Unit::Usd => format!("{} USD", plain(budget.limit)),
                Unit::Tokens => format!("{} tokens", plain(budget.limit)),
            };
            let ahead = held.labels.get("threshold").is_some_and(|t| t == FORECAST);
            let verb = if ahead { "will have spent" } else { "has spent" };
            format!("budget {} {verb} {value} of {amount} of the {}", budget.name, budget.period.as_str())
        }
        (Read::Slo(slo), _) => {
            let line = line.map(|line| format!(" (too fast above {line})")).unwrap_or_default();
            format!("objective {} burns its error budget {value} as fast as allowed{line}", slo.name)
        }
        (Read::Values(Values { of: ValuesOf::Events(..), .. }), _) if held.value == Some(0.0) => {
            format!("no more {}", subject(rule, held))
        }
        (Read::Values(Values { of: ValuesOf::Events(..), .. }), _) => {
            let times = held.value.unwrap_or_default();
            format!(
                "{} happened {}",
                subject(rule, held),
                if times == 1.0 { "once".into() } else { format!("{times} times") }
            )
        }
        _ => match line.filter(|_| held.series.phase != Phase::Resolved) {
            Some(line) => format!("{} is {value}, {} {line}", subject(rule, held), side(rule, held)),
            None => format!("{} is {value}", subject(rule, held)),
        },
    }
}

fn of_anomaly(anomaly: &Anomaly) -> String {
    let figures = format!(
        "{} of {} is {}, expected {} ({} to {})",
        anomaly.metric,
        anomaly.project,
        plain(anomaly.value),
        plain(anomaly.expected),
        plain(anomaly.lower),
        plain(anomaly.upper)
    );
    match anomaly.causes.first() {
        Some(cause) => {
            format!("{figures}; {} {} makes {:.0}% of it", cause.dimension, cause.value, cause.share * 100.0)
        }
        None => figures,
    }
}

fn side(rule: &Rule, held: &Held) -> &'static str {
    match &rule.condition {
        Condition::Static(lines) => match lines.op {
            Op::Gt => "above",
            Op::Ge => "at or above",
            Op::Lt => "below",
            Op::Le => "at or below",
            Op::Eq => "equal to",
            Op::Ne => "other than",
        },
        _ if held.value < held.threshold => "below",
        _ => "above",
    }
}

fn of_labels(rule: &Rule, held: &Held) -> String {
    let shown: Vec<String> = match &rule.read {
        Read::Metric { .. } => held.labels.iter().collect::<Vec<_>>(),
        Read::Values(values) => held.labels.iter().filter(|(name, _)| values.group_by.contains(name)).collect(),
        Read::Budget(budget) => {
            held.labels.iter().filter(|(name, _)| budget.per.iter().any(|d| d.as_str() == *name)).collect()
        }
        _ => Vec::new(),
    }
    .into_iter()
    .map(|(name, value)| format!("{name} {}", if value.is_empty() { "none" } else { value }))
    .collect();
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
}

fn description(rule: &Rule, held: &Held) -> String {
    let mut parts: Vec<String> = rule.doc.description.iter().cloned().collect();
    if let Some(anomaly) = &held.anomaly {
        parts.push(format!("Baseline: {}.", anomaly.baseline));
    }
    if matches!(rule.read, Read::Metric { .. } | Read::Values(_)) {
        let window = rule.doc.window.as_deref().unwrap_or(usual_window(&rule.read));
        parts.push(format!("Over {window}, of {} samples.", held.samples));
    }
    parts.join("\n")
}

/// A value in its unit, for people.
#[must_use]
pub fn figure(value: f64, unit: &str) -> String {
    match unit {
        "ratio" => format!("{}%", plain(value * 100.0)),
        "seconds" => format!("{}s", plain(value)),
        "usd" => format!("{} USD", plain(value)),
        "times" => format!("{} times", plain(value)),
        "" => plain(value),
        unit => format!("{} {}", plain(value), unit.replace('_', " ")),
    }
}

/// A number with three digits that matter.
fn plain(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 9);
    let text = format!("{value:.*}", digits.unsigned_abs() as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Its notification's id: the same however often it is made.
#[must_use]
pub fn notification_id(fingerprint: &str, starts_at: Micros, count: u64) -> String {
    format!("{fingerprint}-{starts_at}-{count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        for (value, unit, text) in [
            (0.0514, "ratio", "5.14%"),
            (0.5, "ratio", "50%"),
            (2.0, "seconds", "2s"),
            (1234.5, "tokens", "1234 tokens"),
            (0.000_123_4, "usd", "0.000123 USD"),
            (14.4, "times", "14.4 times"),
            (0.0, "calls", "0 calls"),
            (3.0, "calls_per_minute", "3 calls per minute"),
        ] {
            assert_eq!(figure(value, unit), text);
        }
    }
}
