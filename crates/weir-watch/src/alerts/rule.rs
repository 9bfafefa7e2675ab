//! A rule that was checked: what its document means, with every default filled in.
//!
//! Invariant: what is here can be evaluated. What a rule asks for that this version cannot answer is refused with the
//! reason when it is made; nothing is silently 0.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;
use weir_core::time::{DAY, MINUTE, Micros, SECOND};
use weir_core::units::Time;
use weir_store::telemetry::Dimension;

use super::document::{Agg, Baseline, ConditionDoc, ConditionKind, Direction, NoDataMode, NotifyOn, Op};
use super::document::{RuleDoc, Sensitivity, Severity, Source};
use super::judge::Lines;
use super::measure::{Measure, Needs};
use super::mute::{Calendar, MuteWindow, zone};
use super::parse::{Problem, not_known};
use super::series::{NoData, Policy};

/// Most dimensions that a rule tells series apart by.
pub const MAX_GROUP_BY: usize = 3;
/// Most series of a rule: those with most calls.
pub const MAX_SERIES: usize = 200;
/// Longest window.
pub const MAX_WINDOW: Micros = 30 * DAY;
/// Longest window of what is read from the calls themselves.
pub const MAX_CALLS_WINDOW: Micros = 60 * MINUTE;
/// Samples that a mean, share or percentile needs unless the rule says otherwise.
const USUAL_SAMPLES: u64 = 20;
/// Longest text of a name or label.
const MAX_NAME: usize = 200;

/// How much time a value is taken over.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// So many microseconds, up to the evaluation.
    Rolling(Micros),
    /// The calendar's day, week or month, so far.
    Calendar(Calendar, TimeZone),
}

/// What a rule measures.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A measure of calls.
    Metric {
        /// Which.
        measure: Measure,
        /// How many become one.
        agg: Agg,
        /// Which calls.
        filters: Vec<(Dimension, Vec<String>)>,
        /// One series for each combination.
        group_by: Vec<Dimension>,
    },
    /// Anomalies that go on, one series for each.
    Anomalies {
        /// Only of these metrics; empty: all.
        metrics: Vec<String>,
        /// At least so bad.
        min_severity: Severity,
    },
}

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
    /// That there is one: for anomalies.
    Exists,
}

/// A checked rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// As it was written, with its id.
    pub doc: RuleDoc,
    /// What is measured.
    pub read: Read,
    /// Over how much time.
    pub window: Window,
    /// How often.
    pub every: Micros,
    /// How far behind the clock.
    pub offset: Micros,
    /// When to fire.
    pub condition: Condition,
    /// How its series move.
    pub policy: Policy,
    /// When nothing is told.
    pub mutes: Vec<MuteWindow>,
}

/// What a rule may ask for at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Least time between evaluations.
    pub min_every: Micros,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { min_every: 10 * SECOND }
    }
}

impl Rule {
    /// Checks a document. `usual_id` is its id where it names none.
    ///
    /// # Errors
    /// Names the member and what to write instead.
    pub fn new(mut doc: RuleDoc, usual_id: &str, bounds: Bounds) -> Result<Self, Problem> {
        let id = doc.id.clone().unwrap_or_else(|| usual_id.to_owned());
        let id_is_plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        if id.is_empty() || id.len() > MAX_NAME || !id_is_plain {
            return Err(Problem::new("id", "write 1 to 200 letters, digits, and -_.: only"));
        }
        doc.id = Some(id.clone());
        if doc.name.trim().is_empty() || doc.name.len() > MAX_NAME {
            return Err(Problem::new("name", "write a name of 1 to 200 bytes"));
        }
        if let Some(url) = &doc.runbook_url
            && !(url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/'))
        {
            return Err(Problem::new("runbook_url", format!("\"{url}\" is no http or https address")));
        }
        let read = read(&doc)?;
        let window = window(&doc)?;
        let condition = condition(&doc.condition, &read)?;
        if let Read::Metric { measure, agg, .. } = &read
            && measure.needs(*agg) == Needs::Calls
        {
            let short = matches!(window, Window::Rolling(width) if width <= MAX_CALLS_WINDOW);
            if !short || !matches!(condition, Condition::Static(_)) {
                let why = format!(
                    "{} of {} is kept in no rollup and read from the calls: take a window of at most 60m and a static \
                     condition, or avg, p50, p95 or p99 of latency",
                    super::measure::agg_name(*agg),
                    measure.as_str()
                );
                return Err(Problem::new("metric", why));
            }
        }
        if matches!(window, Window::Calendar(..)) && !matches!(condition, Condition::Static(_)) {
            return Err(Problem::new("window", "a calendar window grows with the day: use it with a static condition"));
        }
        let span = match window {
            Window::Rolling(width) => width,
            Window::Calendar(..) => DAY,
        };
        let every = doc.every.map_or((span / 10).max(MINUTE), micros);
        if every < bounds.min_every || every > DAY {
            let least = Time::secs((bounds.min_every / SECOND).unsigned_abs());
            return Err(Problem::new("every", format!("it must be from {least} to 1d")));
        }
        let offset = doc.offset.map_or(30 * SECOND, micros);
        if offset > 60 * MINUTE {
            return Err(Problem::new("offset", "it must be at most 60m"));
        }
        let policy = policy(&doc, &read)?;
        let mute = |(n, m)| MuteWindow::new(m).map_err(|e| e.within(&format!("mute[{n}]")));
        let mutes = doc.mute.iter().enumerate().map(mute).collect::<Result<_, _>>()?;
        Ok(Self { id, read, window, every, offset, condition, policy, mutes, doc })
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(&self) -> String {
        match &self.read {
            Read::Metric { measure, agg, .. } => measure.unit(*agg),
            Read::Anomalies { .. } => String::new(),
        }
    }

    /// The newest time that is due for evaluation at `now`: a multiple of `every`, `offset` behind the clock.
    #[must_use]
    pub fn due(&self, now: Micros) -> Micros {
        let behind = now.saturating_sub(self.offset);
        behind.saturating_sub(behind.rem_euclid(self.every))
    }

    /// The range of an evaluation; `None` before the calendar.
    #[must_use]
    pub fn range(&self, at: Micros) -> Option<(Micros, Micros)> {
        match &self.window {
            Window::Rolling(width) => Some((at.saturating_sub(*width), at)),
            // An evaluation at midnight is of the day that ends there.
            Window::Calendar(unit, zone) => Some((super::mute::period(at - 1, *unit, zone)?.0, at)),
        }
    }
}

/// An id made of a name: its letters and digits in small, the rest as `-`.
#[must_use]
pub fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut slug: String = name.chars().map(plain).take(100).collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    slug.trim_matches('-').to_owned()
}

fn micros(time: Time) -> Micros {
    Micros::try_from(time.0.as_micros()).unwrap_or(Micros::MAX)
}

fn read(doc: &RuleDoc) -> Result<Read, Problem> {
    match doc.source {
        Source::Metric => {
            let Some(metric) = &doc.metric else {
                return Err(Problem::new("metric", "name what is measured, as in { measure = \"error_ratio\" }"));
            };
            if metric.measure.starts_with("score:") {
                return Err(Problem::new("metric.measure", "scores have no rollups yet, so no rule can watch them"));
            }
            let (measure, agg) = Measure::parse(&metric.measure, metric.agg)?;
            Ok(Read::Metric { measure, agg, filters: filters(doc)?, group_by: group_by(&doc.group_by)? })
        }
        Source::Anomaly => {
            if !doc.group_by.is_empty() || !doc.filters.is_empty() {
                let why = "anomalies are told apart by themselves: name a project, or metrics in [anomaly]";
                return Err(Problem::new(if doc.group_by.is_empty() { "filters" } else { "group_by" }, why));
            }
            let anomaly = doc.anomaly.clone().unwrap_or_default();
            Ok(Read::Anomalies {
                metrics: anomaly.metrics,
                min_severity: anomaly.min_severity.unwrap_or(Severity::Warning),
            })
        }
        Source::Score | Source::Eval | Source::Budget | Source::Slo | Source::Event => {
            let why = "this version evaluates rules of the sources metric and anomaly only";
            Err(Problem::new("source", why))
        }
    }
}

fn dimension(field: &str, name: &str) -> Result<Dimension, Problem> {
    Dimension::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Dimension::ALL.iter().map(|d| d.as_str()).collect();
        Problem::new(field, not_known(&format!("\"{name}\" is kept in no rollup"), name, &known))
    })
}

fn filters(doc: &RuleDoc) -> Result<Vec<(Dimension, Vec<String>)>, Problem> {
    let mut all: BTreeMap<Dimension, Vec<String>> = BTreeMap::new();
    for (name, value) in &doc.filters {
        let field = format!("filters.{name}");
        let wrong = || Problem::new(&field, "write a text, or a list of 1 to 100 texts");
        let values = match value {
            Value::String(one) => vec![one.clone()],
            Value::Array(list) if (1..=100).contains(&list.len()) => {
                list.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
        all.insert(dimension(&field, name)?, values);
    }
    if let Some(project) = &doc.project {
        if all.contains_key(&Dimension::Project) {
            return Err(Problem::new("filters.project", "the rule has a project already: keep one of the two"));
        }
        all.insert(Dimension::Project, vec![project.clone()]);
    }
    Ok(all.into_iter().collect())
}

fn group_by(names: &[String]) -> Result<Vec<Dimension>, Problem> {
    if names.len() > MAX_GROUP_BY {
        return Err(Problem::new("group_by", format!("at most {MAX_GROUP_BY} dimensions")));
    }
    let mut all = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let found = dimension(&format!("group_by[{n}]"), name)?;
        if all.contains(&found) {
            return Err(Problem::new(format!("group_by[{n}]"), format!("\"{name}\" stands twice")));
        }
        all.push(found);
    }
    Ok(all)
}

fn window(doc: &RuleDoc) -> Result<Window, Problem> {
    let text = doc.window.as_deref().unwrap_or("5m");
    let calendar = match text {
        "day" => Some(Calendar::Day),
        "week" => Some(Calendar::Week),
        "month" => Some(Calendar::Month),
        _ => None,
    };
    if let Some(unit) = calendar {
        return Ok(Window::Calendar(unit, zone(doc.timezone.as_deref())?));
    }
    if doc.timezone.is_some() {
        return Err(Problem::new("timezone", "only the calendar's windows day, week and month have one"));
    }
    let width = text.parse::<Time>().map(micros).map_err(|why| Problem::new("window", why))?;
    if !(MINUTE..=MAX_WINDOW).contains(&width) || width % MINUTE != 0 {
        return Err(Problem::new("window", "it must be whole minutes from 1m to 30d, or day, week or month"));
    }
    Ok(Window::Rolling(width))
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

fn condition(doc: &ConditionDoc, read: &Read) -> Result<Condition, Problem> {
    if matches!(read, Read::Anomalies { .. }) {
        return if *doc == ConditionDoc::default() {
            Ok(Condition::Exists)
        } else {
            Err(Problem::new("condition", "an anomaly is a reason by itself: leave the condition out"))
        };
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
            Err(Problem::new("condition.type", "a rule of source metric has static, ratio_to_baseline or anomaly"))
        }
    }
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

fn policy(doc: &RuleDoc, read: &Read) -> Result<Policy, Problem> {
    let adds_up = matches!(read, Read::Metric { agg, .. } if Measure::adds_up(*agg));
    let is_metric = matches!(read, Read::Metric { .. });
    let usual = if adds_up || !is_metric { 0 } else { USUAL_SAMPLES };
    let usual_no_data = match (is_metric, adds_up) {
        (false, _) => NoDataMode::Ok,
        (true, true) => NoDataMode::Zero,
        (true, false) => NoDataMode::Keep,
    };
    let no_data = match doc.no_data.unwrap_or(usual_no_data) {
        NoDataMode::Zero => NoData::Zero,
        NoDataMode::Keep => NoData::Keep,
        NoDataMode::Ok => NoData::Ok,
        NoDataMode::Alert => NoData::Alert(doc.no_data_after.map_or(10 * MINUTE, micros)),
    };
    if doc.no_data_after.is_some() && doc.no_data != Some(NoDataMode::Alert) {
        return Err(Problem::new("no_data_after", "it belongs to no_data = \"alert\""));
    }
    let renotify = match doc.renotify.as_deref() {
        None | Some("off") => None,
        Some(text) => {
            let every =
                text.parse::<Time>().map(micros).map_err(|e| Problem::new("renotify", format!("{e}, or off")))?;
            if every < MINUTE {
                return Err(Problem::new("renotify", "it must be at least 1m, or off"));
            }
            Some(every)
        }
    };
    let all = [NotifyOn::Fire, NotifyOn::Escalate, NotifyOn::Resolve, NotifyOn::NoData];
    Ok(Policy {
        pending: doc.pending.map_or(0, micros),
        keep_firing: doc.keep_firing_for.map_or(0, micros),
        no_data,
        min_samples: doc.min_samples.unwrap_or(usual),
        renotify,
        notify_on: doc.notify_on.clone().unwrap_or_else(|| all.to_vec()),
    })
}
