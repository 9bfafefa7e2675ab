//! What a rule would have done: its evaluations over the past, with nothing stored and nobody told.
//!
//! Invariant: what it says is what the worker does with the same calls, evaluation by evaluation. Silences that people
//! set are not known to it; the rule's own mute windows are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::anomaly::Severity as Badness;
use weir_core::time::{DAY, Micros, rfc3339};
use weir_store::telemetry::StoreError;

use super::course::{Course, Held, Names, Step, advance};
use super::data::{Loaded, load};
use super::judge::Level;
use super::observe::{Labels, points};
use super::reads::Reads;
use super::rule::Rule;
use super::series::{Phase, Quiet};
use super::stretch::of_past;
use super::told;
use super::verdict::{is_upward, judge};

/// How much of the past it looks at.
pub const SPAN: Micros = 14 * DAY;
/// Most episodes of an answer; more are counted only.
pub const MAX_EPISODES: usize = 1_000;
/// Most series of an answer's chart.
const MAX_CHARTED: usize = 20;
/// Most points of a series in the chart.
const MAX_POINTS: usize = 1_000;

/// What a rule would have done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertDryRun)]
pub struct DryRun {
    /// The first instant that was judged.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Micros,
    /// The last one.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Micros,
    /// Evaluations.
    pub evaluations: u64,
    /// Alerts, in the order of their begin.
    pub episodes: Vec<Episode>,
    /// Episodes that are not listed, because there are more than 1,000.
    pub more_episodes: u64,
    /// Groups that it did not look at, because 200 others have more calls.
    #[serde(default)]
    pub left_out: u64,
    /// Notifications to each channel, by what they say: `fired`, `escalated`, `renotified`, `no_data`, `resolved`.
    pub notifications: BTreeMap<String, u64>,
    /// Unit of values and thresholds.
    pub unit: String,
    /// Values and thresholds of at most 20 series, those that fired first: for a chart.
    pub series: Vec<Charted>,
}

/// An alert that would have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertEpisode)]
pub struct Episode {
    /// The series.
    #[schema(value_type = Object)]
    pub labels: Labels,
    /// When it began.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub start: Micros,
    /// When it was over; null while it goes on.
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub end: Option<Micros>,
    /// `info`, `warning` or `critical`; the worst it was.
    #[schema(value_type = String)]
    pub severity: Badness,
    /// The value with which it began.
    pub value: Option<f64>,
    /// What that was judged against.
    pub threshold: Option<f64>,
    /// One line.
    pub summary: String,
    /// What would have been told of it, in order.
    pub notifications: Vec<String>,
}

/// A series as a chart draws it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertChart)]
pub struct Charted {
    /// The series.
    #[schema(value_type = Object)]
    pub labels: Labels,
    /// In the order of time; of several instants the worst.
    pub points: Vec<ChartPoint>,
}

/// A point of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertChartPoint)]
pub struct ChartPoint {
    /// When.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub t: Micros,
    /// The value.
    pub value: Option<f64>,
    /// What it was judged against.
    pub threshold: Option<f64>,
    /// Whether it fired.
    pub firing: bool,
}

/// Evaluates a rule at each of its instants of the last so much time before `now`.
///
/// # Errors
/// When the store fails, or it would be too much to read; the message says what to change.
pub fn dry_run(rule: &Rule, reads: &dyn Reads, now: Micros, span: Micros) -> Result<DryRun, StoreError> {
    let last = rule.due(now);
    let first = last - span.clamp(rule.every, SPAN) / rule.every * rule.every;
    let Loaded { mut data, left_out } = load(rule, reads, &of_past(rule, first, last), (first, last))?;
    let (mut course, mut names) = (Course::new(), Names::default());
    let mut run = Running::new(rule, (first, last));
    let mut at = first;
    while at <= last {
        let seen = points(rule, &mut data, at);
        let muted = rule.is_muted(at);
        for point in &seen {
            let name = names.of(rule, &point.labels);
            let firing = course.get(&name).map_or(Level::Ok, |held| held.series.firing());
            let judged = judge(rule, point, firing);
            run.chart(name, &point.labels, at, judged.value, judged.threshold);
        }
        let quiet = |_: &str, _: &Held| Quiet { muted, acknowledged: false };
        for step in advance(rule, &mut course, &mut names, seen, &quiet, at) {
            run.step(&step, at);
        }
        run.answer.evaluations += 1;
        at += rule.every;
    }
    Ok(DryRun { left_out, ..run.finish() })
}

struct Running<'a> {
    rule: &'a Rule,
    answer: DryRun,
    /// The episode that goes on, by series.
    open: BTreeMap<String, usize>,
    charts: BTreeMap<String, (Charted, bool)>,
    /// Instants that one point of a chart stands for.
    width: Micros,
}

impl<'a> Running<'a> {
    fn new(rule: &'a Rule, (from, to): (Micros, Micros)) -> Self {
        let instants = (to - from) / rule.every + 1;
        let width = (instants / MAX_POINTS as i64 + 1) * rule.every;
        let answer = DryRun { from, to, unit: rule.unit(), ..DryRun::default() };
        Self { rule, answer, open: BTreeMap::new(), charts: BTreeMap::new(), width }
    }

    fn step(&mut self, step: &Step, at: Micros) {
        let series = &step.held.series;
        let firing = matches!(series.phase, Phase::Firing | Phase::NoData);
        let ended = |at: &usize| self.answer.episodes.get(*at).is_some_and(|episode| episode.end.is_some());
        if firing && self.open.get(&step.fingerprint).is_some_and(ended) {
            self.open.remove(&step.fingerprint);
        }
        if firing && !self.open.contains_key(&step.fingerprint) {
            if self.answer.episodes.len() < MAX_EPISODES {
                self.open.insert(step.fingerprint.clone(), self.answer.episodes.len());
                self.answer.episodes.push(Episode {
                    labels: step.held.labels.clone(),
                    start: at,
                    end: None,
                    severity: told::severity(self.rule, &step.held),
                    value: step.held.value,
                    threshold: step.held.threshold,
                    summary: told::summary(self.rule, &step.held),
                    notifications: Vec::new(),
                });
            } else if !matches!(step.before, Phase::Firing | Phase::NoData) {
                self.answer.more_episodes += 1;
            }
        }
        if let Some(event) = step.event {
            *self.answer.notifications.entry(event.as_str().to_owned()).or_default() += 1;
        }
        let Some(episode) = self.open.get(&step.fingerprint).and_then(|at| self.answer.episodes.get_mut(*at)) else {
            return;
        };
        episode.notifications.extend(step.event.map(|event| event.as_str().to_owned()));
        if firing {
            episode.severity = episode.severity.max(told::severity(self.rule, &step.held));
        } else {
            episode.end.get_or_insert(series.ends_at.unwrap_or(at));
            // While its end waits to be told, a mute goes on.
            if series.told.is_none() {
                self.open.remove(&step.fingerprint);
            }
        }
        if let Some((charted, fired)) = self.charts.get_mut(&step.fingerprint) {
            *fired |= firing;
            if let Some(point) = charted.points.last_mut() {
                point.firing |= firing;
            }
        }
    }

    fn chart(&mut self, name: String, labels: &Labels, at: Micros, value: Option<f64>, threshold: Option<f64>) {
        let place = self.answer.from + (at - self.answer.from) / self.width * self.width;
        let upward = is_upward(self.rule);
        let (charted, _) =
            self.charts.entry(name).or_insert_with(|| (Charted { labels: labels.clone(), points: Vec::new() }, false));
        match charted.points.last_mut() {
            Some(point) if point.t == place => {
                let worse = match (point.value, value) {
                    (Some(old), Some(new)) => {
                        if upward {
                            new > old
                        } else {
                            new < old
                        }
                    }
                    (None, Some(_)) => true,
                    _ => false,
                };
                if worse {
                    (point.value, point.threshold) = (value, threshold);
                }
            }
            _ => charted.points.push(ChartPoint { t: place, value, threshold, firing: false }),
        }
    }

    fn finish(self) -> DryRun {
        let mut charts: Vec<_> = self.charts.into_values().collect();
        charts.sort_by_key(|(_, fired)| !fired);
        charts.truncate(MAX_CHARTED);
        DryRun { series: charts.into_iter().map(|(charted, _)| charted).collect(), ..self.answer }
    }
}
