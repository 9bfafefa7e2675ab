//! One evaluation of a rule: what each of its series was, what is seen, and what it becomes.
//!
//! Pure, and the same for the worker and for dry runs.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};
use weir_core::anomaly::Anomaly;
use weir_core::time::{DAY, Micros};

use super::observe::{Labels, Point};
use super::rule::{MAX_SERIES, Rule};
use super::series::{NoData, Phase, Quiet, Seen, Series};
use super::verdict::{self, Judged};
use crate::notify::Event;

/// How long an alert that is over is shown.
pub const REMEMBERED: Micros = 7 * DAY;

/// A series of a rule and what was last seen of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// What tells it apart.
    pub labels: Labels,
    /// Where it is.
    pub series: Series,
    /// The value that was judged last.
    pub value: Option<f64>,
    /// What it was judged against.
    pub threshold: Option<f64>,
    /// What it rests on.
    pub samples: u64,
    /// The anomaly that it is.
    pub anomaly: Option<Anomaly>,
}

/// The series of a rule by fingerprint.
pub type Course = BTreeMap<String, Held>;

/// What became of a series in an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which.
    pub fingerprint: String,
    /// Where it was.
    pub before: Phase,
    /// What it is now.
    pub held: Held,
    /// What is told.
    pub event: Option<Event>,
    /// Whether there is anything new to be remembered.
    pub changed: bool,
    /// Whether it need not be remembered any longer.
    pub forgotten: bool,
}

/// What identifies a series through its life: 16 hexadecimal digits.
#[must_use]
pub fn fingerprint(rule: &str, labels: &Labels) -> String {
    let mut hash = Sha256::new();
    let mut put = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    put(rule);
    for (name, value) in labels {
        put(name);
        put(value);
    }
    hex::encode(hash.finalize().get(..8).unwrap_or_default())
}

/// The fingerprints of a rule's series, each made once.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<Labels, String>);

impl Names {
    /// The one of a series.
    pub fn of(&mut self, rule: &Rule, labels: &Labels) -> String {
        if let Some(known) = self.0.get(labels) {
            return known.clone();
        }
        let new = fingerprint(&rule.id, labels);
        self.0.insert(labels.clone(), new.clone());
        new
    }
}

/// Moves every series of a rule on to an instant. `quiet` says what silences a series then. Gives every series that is
/// worth remembering, or was until now; those that are quiet and have never been anything else are none.
#[must_use]
pub fn advance(
    rule: &Rule,
    course: &mut Course,
    names: &mut Names,
    points: Vec<Point>,
    quiet: &dyn Fn(&str, &Held) -> Quiet,
    at: Micros,
) -> Vec<Step> {
    let mut seen: BTreeMap<String, Point> = BTreeMap::new();
    for point in points {
        seen.entry(names.of(rule, &point.labels)).or_insert(point);
    }
    let mut all: Vec<String> = course.keys().cloned().collect();
    all.extend(seen.keys().filter(|name| !course.contains_key(*name)).take(MAX_SERIES * 4).cloned());
    let mut steps = Vec::new();
    for name in all {
        let mut held = course.get(&name).cloned().unwrap_or_default();
        let before = held.series.clone();
        let point = seen.remove(&name);
        let judged = match &point {
            Some(point) => verdict::judge(rule, point, before.firing()),
            None if is_foreign(rule, &held.labels) => over(&mut held, at),
            None => verdict::absent(rule, before.firing()),
        };
        if let Some(point) = point {
            held.labels = point.labels;
            held.anomaly = point.anomaly;
        }
        note(&mut held, &judged);
        let stepped = held.series.step(&rule.policy, judged.seen, at);
        let (series, event) = stepped.announce(&rule.policy, quiet(&name, &held), at);
        held.series = series;
        let watched = matches!(rule.policy.no_data, NoData::Alert(_));
        steps.extend(step(course, name, &before, held, event, (at, watched)));
    }
    steps
}

/// Ends every series of a rule that is gone; those who were told of it are told so.
#[must_use]
pub fn end(policy: &super::series::Policy, course: &mut Course, at: Micros) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, mut held) in std::mem::take(course) {
        let before = held.series.phase;
        over(&mut held, at);
        let (series, event) = held.series.announce(policy, Quiet::default(), at);
        held.series = series;
        steps.push(Step { fingerprint: name, before, held, event, changed: true, forgotten: true });
    }
    steps
}

/// Whether labels are none that a rule makes: it was changed.
fn is_foreign(rule: &Rule, labels: &Labels) -> bool {
    match &rule.read {
        super::rule::Read::Metric { group_by, .. } => {
            let project = usize::from(
                rule.doc.project.is_some() && !group_by.contains(&weir_store::telemetry::Dimension::Project),
            );
            labels.len() != group_by.len() + project || group_by.iter().any(|d| !labels.contains_key(d.as_str()))
        }
        super::rule::Read::Values(values) => {
            let named = usize::from(!matches!(values.of, super::rule::ValuesOf::Events(..)));
            let project =
                usize::from(rule.doc.project.is_some() && !values.group_by.iter().any(|name| name == "project"));
            let known = |name: &String| labels.contains_key(name);
            labels.len() != values.group_by.len() + named + project || !values.group_by.iter().all(known)
        }
        super::rule::Read::Budget(budget) => {
            let known = |t: &f64| labels.get("threshold") == Some(&super::observe::threshold_name(*t));
            let forecast = labels.get("threshold").is_some_and(|t| t == super::observe::FORECAST);
            !(budget.thresholds.iter().any(known) || (forecast && budget.forecast))
        }
        _ => false,
    }
}

fn over(held: &mut Held, at: Micros) -> Judged {
    held.series.pending_since = None;
    held.series.clear_since = None;
    if matches!(held.series.phase, Phase::Firing | Phase::NoData) {
        held.series.ends_at = Some(at);
        held.series.phase = Phase::Resolved;
        held.series.since = at;
    } else if held.series.phase == Phase::Pending {
        held.series.phase = Phase::Inactive;
        held.series.since = at;
    }
    Judged { seen: Seen::Unknown, ..Judged::NOTHING }
}

fn note(held: &mut Held, judged: &Judged) {
    match judged.seen {
        Seen::Unknown => {}
        Seen::Nothing => held.samples = 0,
        Seen::Level(_) | Seen::TooFew => {
            held.value = judged.value;
            held.threshold = judged.threshold.or(held.threshold);
            held.samples = judged.samples;
        }
    }
}

fn step(
    course: &mut Course,
    name: String,
    before: &Series,
    held: Held,
    event: Option<Event>,
    (at, watched): (Micros, bool),
) -> Option<Step> {
    let phase = held.series.phase;
    // What is nothing and waits for nothing is not remembered, unless its silence is to be told.
    let idle = phase == Phase::Inactive && held.series.is_quiet() && !watched;
    let old = phase == Phase::Resolved && held.series.is_quiet() && at.saturating_sub(held.series.since) > REMEMBERED;
    let known = course.contains_key(&name);
    if idle || old {
        course.remove(&name);
        if !known && event.is_none() {
            return None;
        }
        return Some(Step { fingerprint: name, before: before.phase, held, event, changed: true, forgotten: true });
    }
    course.insert(name.clone(), held.clone());
    let goes_on = matches!(phase, Phase::Pending | Phase::Firing | Phase::NoData);
    let changed = goes_on || event.is_some() || held.series != *before || !known;
    Some(Step { fingerprint: name, before: before.phase, held, event, changed, forgotten: false })
}
