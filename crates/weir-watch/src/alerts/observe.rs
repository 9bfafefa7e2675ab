//! What a rule sees at an instant: a point for each series, made of what was read.

use std::collections::BTreeMap;

use weir_core::anomaly::{Anomaly, Severity as Badness};
use weir_core::call_sums::CallSums;
use weir_core::time::{HOUR, MINUTE, Micros};
use weir_store::telemetry::Dimension;

use super::data::Data;
use super::document::{Agg, Op};
use super::judge::{Level, Lines};
use super::measure::of_values;
use super::reads::Key;
use super::rule::{Condition, Read, Rule, ValuesOf};
use super::stretch::windows;
use crate::budgets::{Budget, BudgetStatus, HISTORY, Unit};
use crate::slo::{BurnRate, Count, Indicator, Slo, burn_rates};

/// The threshold that stands for what will be spent.
pub const FORECAST: &str = "forecast";

/// What tells series of a rule apart.
pub type Labels = BTreeMap<String, String>;

/// A series at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which series.
    pub labels: Labels,
    /// The value; `None` where there is none.
    pub value: Option<f64>,
    /// What it rests on.
    pub samples: u64,
    /// What it is judged against.
    pub against: Against,
    /// The anomaly that it is.
    pub anomaly: Option<Anomaly>,
}

/// What a value is judged against.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// Fixed lines.
    Lines(Lines),
    /// A value before, and what that rests on.
    Baseline(Option<f64>, u64),
    /// Values of the same time on other days.
    Past(Vec<f64>),
    /// Burn rates, fastest first.
    Burns(Vec<BurnRate>),
    /// It is judged already.
    Level(Level, Option<f64>),
}

/// Everything that a rule sees at an instant.
#[must_use]
pub fn points(rule: &Rule, data: &mut Data, at: Micros) -> Vec<Point> {
    match (&rule.read, data) {
        (Read::Metric { measure, agg, group_by, .. }, Data::Calls(tracks)) => {
            if group_by.is_empty() {
                // The one series is there even without any calls.
                tracks.entry(Vec::new()).or_default();
            }
            let all = windows(rule, at);
            let base = base(rule);
            let of_track = |(key, track): (&Key, &mut super::cells::Track)| {
                let of_window = |(slot, (from, to)): (usize, &(Micros, Micros))| {
                    let minutes = (to - from) as f64 / MINUTE as f64;
                    let (value, samples) = measure.value(*agg, track.window(slot, *from, *to), minutes);
                    (value, samples, to - from)
                };
                let values: Vec<_> = all.iter().enumerate().map(of_window).collect();
                point(rule, *agg, labels(&base, group_by, key), &values)
            };
            let seen =
                |point: &Point| group_by.is_empty() || point.samples > 0 || point.value.is_some_and(|v| v != 0.0);
            tracks.iter_mut().filter_map(of_track).filter(seen).collect()
        }
        (Read::Values(values), Data::Values(series)) => {
            let mut base = base(rule);
            match &values.of {
                ValuesOf::Scores(name, _) => drop(base.insert("score".to_owned(), name.clone())),
                ValuesOf::Evals(name, _) => drop(base.insert("eval".to_owned(), name.clone())),
                ValuesOf::Events(..) => {}
            }
            if values.group_by.is_empty() {
                series.entry(Vec::new()).or_default();
            }
            let all = windows(rule, at);
            let of_series = |(key, given): (&Key, &mut Vec<(Micros, f64)>)| {
                let of_window = |(from, to): &(Micros, Micros)| {
                    let mut of = between(given, *from, *to);
                    let samples = of.len() as u64;
                    (of_values(values.agg, &mut of), samples, to - from)
                };
                let labels = with_values(&base, values.group_by.iter().map(String::as_str), key);
                point(rule, values.agg, labels, &all.iter().map(of_window).collect::<Vec<_>>())
            };
            let seen = |point: &Point| values.group_by.is_empty() || point.samples > 0;
            series.iter_mut().filter_map(of_series).filter(seen).collect()
        }
        (Read::Anomalies { .. }, Data::Anomalies(anomalies)) => {
            anomalies.iter().filter(|a| goes_on(a, at)).map(anomaly).collect()
        }
        (Read::Budget(budget), Data::Calls(tracks)) => {
            if budget.per.is_empty() {
                tracks.entry(Vec::new()).or_default();
            }
            let Some((from, to)) = windows(rule, at).first().copied() else { return Vec::new() };
            let per = |(key, track): (&Key, &mut super::cells::Track)| {
                let labels = labels(&Labels::new(), &budget.per, key);
                let now = track.window(0, from, to).clone();
                let ahead = budget.forecast.then(|| by_hour(budget, track.within(at - HISTORY, at)));
                of_budget(budget, &labels, &now, ahead.and_then(|hours| budget.status(&hours, at - 1)))
            };
            tracks.iter_mut().flat_map(per).collect()
        }
        (Read::Slo(slo), data) => of_slo(slo, rule, data, at).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The labels that every series of a rule has.
fn base(rule: &Rule) -> Labels {
    rule.doc.project.iter().map(|project| ("project".to_owned(), project.clone())).collect()
}

/// Labels of values of dimensions; what has no value has an empty one.
#[must_use]
pub fn labels(base: &Labels, dimensions: &[Dimension], values: &Key) -> Labels {
    with_values(base, dimensions.iter().map(|dimension| dimension.as_str()), values)
}

fn with_values<'n>(base: &Labels, names: impl Iterator<Item = &'n str>, values: &Key) -> Labels {
    let mut all = base.clone();
    for (name, value) in names.zip(values) {
        all.insert(name.to_owned(), value.clone().unwrap_or_default());
    }
    all
}

/// A point of the values of its windows, each with its samples and width; the first is the one that is judged.
fn point(rule: &Rule, agg: Agg, labels: Labels, values: &[(Option<f64>, u64, Micros)]) -> Option<Point> {
    let ((value, samples, width), before) = values.split_first()?;
    // A sum grows with its window.
    let grows = matches!(agg, Agg::Count | Agg::Sum);
    let scaled = |(value, _, of): &(Option<f64>, u64, Micros)| {
        value.map(|value| if grows { value * *width as f64 / (*of).max(1) as f64 } else { value })
    };
    let against = match &rule.condition {
        Condition::Static(lines) => Against::Lines(*lines),
        Condition::Ratio { .. } => {
            let baseline = before.first();
            Against::Baseline(baseline.and_then(scaled), baseline.map_or(0, |(_, samples, _)| *samples))
        }
        Condition::Unusual { .. } => {
            // An hour with few calls says little of what is usual.
            let fewest = rule.policy.min_samples;
            let known = before.iter().filter(|(_, samples, _)| *samples >= fewest.max(1));
            Against::Past(known.filter_map(scaled).collect())
        }
        Condition::Given => return None,
    };
    Some(Point { labels, value: *value, samples: *samples, against, anomaly: None })
}

fn between(scores: &[(Micros, f64)], from: Micros, to: Micros) -> Vec<f64> {
    let low = scores.partition_point(|(at, _)| *at < from);
    let high = scores.partition_point(|(at, _)| *at < to).max(low);
    scores.get(low..high).unwrap_or_default().iter().map(|(_, value)| *value).collect()
}

fn goes_on(anomaly: &Anomaly, at: Micros) -> bool {
    anomaly.detected_at <= at && anomaly.ended_at.is_none_or(|ended| ended > at)
}

fn anomaly(of: &Anomaly) -> Point {
    let labels = [("project", &of.project), ("metric", &of.metric), ("anomaly", &of.id)];
    let level = if of.severity == Badness::Critical { Level::Crit } else { Level::Warn };
    let line = if of.value < of.lower { of.lower } else { of.upper };
    Point {
        labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        value: Some(of.value),
        samples: 1,
        against: Against::Level(level, Some(line)),
        anomaly: Some(of.clone()),
    }
}

/// What some calls count of a budget, in its unit.
#[must_use]
pub fn spent(budget: &Budget, of: &CallSums) -> f64 {
    match budget.unit {
        Unit::Usd => of.cost as f64 / 1e9,
        Unit::Tokens => of.prompt_tokens.saturating_add(of.completion_tokens) as f64,
    }
}

/// One point for each threshold, and one for what is to come.
fn of_budget(budget: &Budget, labels: &Labels, of: &CallSums, ahead: Option<BudgetStatus>) -> Vec<Point> {
    let share = spent(budget, of) / budget.limit;
    let named = |threshold: String| {
        let mut labels = labels.clone();
        labels.extend([("budget".to_owned(), budget.name.clone()), ("threshold".to_owned(), threshold)]);
        labels
    };
    let at = |threshold: &f64| {
        let (warn, crit) = if *threshold >= 1.0 { (None, Some(*threshold)) } else { (Some(*threshold), None) };
        let lines = Lines { op: Op::Ge, warn, crit, recover: None };
        let labels = named(threshold_name(*threshold));
        Point { labels, value: Some(share), samples: of.calls, against: Against::Lines(lines), anomaly: None }
    };
    let to_come = ahead.map(|status| {
        // What is spent already has thresholds of its own.
        let level = if share < 1.0 && status.projected >= budget.limit { Level::Warn } else { Level::Ok };
        Point {
            labels: named(FORECAST.to_owned()),
            value: Some(status.projected / budget.limit),
            samples: of.calls,
            against: Against::Level(level, Some(1.0)),
            anomaly: None,
        }
    });
    budget.thresholds.iter().map(at).chain(to_come).collect()
}

/// A share in words: `80%`.
#[must_use]
pub fn threshold_name(share: f64) -> String {
    format!("{}%", (share * 1_000.0).round() / 10.0)
}

/// What went wrong of how much in some calls.
#[must_use]
pub fn count(slo: &Slo, of: &CallSums) -> Count {
    let bad = match slo.indicator {
        Indicator::LatencyMs(most) => of.latency.count_above(most * 1e3),
        _ => of.errors,
    };
    Count { bad: bad.min(of.calls), total: of.calls }
}

/// The same of scores.
#[must_use]
pub fn count_scores(least: f64, scores: &[(Micros, f64)], from: Micros, to: Micros) -> Count {
    let of = between(scores, from, to);
    Count { bad: of.iter().filter(|score| **score < least).count() as u64, total: of.len() as u64 }
}

fn of_slo(slo: &Slo, rule: &Rule, data: &mut Data, at: Micros) -> Option<Point> {
    let mut counts = windows(rule, at)
        .into_iter()
        .enumerate()
        .map(|(slot, (from, to))| match (&mut *data, &slo.indicator) {
            (Data::Values(scores), Indicator::ScoreBelow { least, .. }) => {
                scores.get(&Vec::new()).map_or_else(Count::default, |scores| count_scores(*least, scores, from, to))
            }
            (Data::Calls(tracks), _) => count(slo, tracks.entry(Vec::new()).or_default().window(slot, from, to)),
            _ => Count::default(),
        })
        .collect::<Vec<_>>()
        .into_iter();
    // Asked for in the order of the windows: long, short, long, ...
    let rates = burn_rates(slo.objective, |_| Ok::<_, std::convert::Infallible>(counts.next().unwrap_or_default()));
    let Ok(rates) = rates;
    let worst = rates
        .iter()
        .find(|rate| rate.firing)
        .or_else(|| rates.iter().max_by(|a, b| (a.long_rate / a.factor).total_cmp(&(b.long_rate / b.factor))));
    Some(Point {
        labels: [("slo".to_owned(), slo.name.clone())].into(),
        value: worst.map(|rate| rate.long_rate),
        samples: rates.iter().map(|rate| rate.total).max().unwrap_or_default(),
        against: Against::Burns(rates),
        anomaly: None,
    })
}

/// What was spent hour by hour, as a budget's status wants it.
#[must_use]
pub fn by_hour(budget: &Budget, cells: &[(Micros, CallSums)]) -> Vec<(Micros, f64)> {
    let mut hours: Vec<(Micros, f64)> = Vec::new();
    for (at, sums) in cells {
        let hour = at - at.rem_euclid(HOUR);
        match hours.last_mut() {
            Some((last, amount)) if *last == hour => *amount += spent(budget, sums),
            _ => hours.push((hour, spent(budget, sums))),
        }
    }
    hours
}
