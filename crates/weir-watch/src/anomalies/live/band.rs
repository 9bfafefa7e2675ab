//! How a metric went around an anomaly, and what was usual: read from rollups and from what its engine knows, so that it costs
//! the same whatever the history.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_core::anomaly::Anomaly;
use weir_core::call_sums::CallSums;
use weir_core::span::SpanKind;
use weir_core::time::{DAY, HOUR, MINUTE, Micros};
use weir_store::sums::Detail;
use weir_store::telemetry::{Dimension, StatsQuery, StepsQuery, StoreError, TimeRange};

use super::watch::Watch;
use super::{DEFAULT_PROJECT, Traffic};
use crate::anomalies::{Branch, Held, Part, Subject, Usual};

/// The width of points where minutes are kept.
const FINE: Micros = 15 * MINUTE;
/// Other widths, the finest first.
const WIDTHS: [Micros; 4] = [HOUR, 3 * HOUR, 6 * HOUR, DAY];
/// Fewer calls in a point say too little: then the points are of hours.
const CALLS: u64 = 20;
/// Most points.
const POINTS: i64 = 240;
/// So far back minutes are kept, with some to spare.
const MINUTES: Micros = 2 * DAY - HOUR;
/// The longest stretch of time that is shown.
const LONGEST: Micros = 200 * DAY;
/// How long it waits for the worker; what is usual is left out then.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a metric went.
#[derive(Clone, Debug, PartialEq)]
pub struct Charted {
    /// The anomaly.
    pub anomaly: Anomaly,
    /// The part of the traffic in which it shows; `None` when that is all of it.
    pub part: Option<Part>,
    /// The branch whose share it is.
    pub branch: Option<Branch>,
    /// Since when.
    pub from: Micros,
    /// Until when.
    pub to: Micros,
    /// Width of a point.
    pub width: Micros,
    /// Points with calls or decisions, in the order of time. None for an anomaly of the documented rules.
    pub points: Vec<ChartedPoint>,
}

/// A point of it, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChartedPoint {
    /// Its start.
    pub start: Micros,
    /// The value.
    pub value: f64,
    /// Calls or decisions behind it.
    pub of: u64,
    /// What was usual; `None` where that is not known.
    pub usual: Option<Usual>,
}

impl Watch {
    /// How the metric of an anomaly went around it, over what was usual; `None` where there is no such anomaly.
    ///
    /// # Errors
    /// When the store fails.
    pub fn chart(&self, id: &str) -> Result<Option<Charted>, StoreError> {
        let Some(anomaly) = self.catalog.anomaly(id)? else { return Ok(None) };
        let now = self.clock.now();
        // Of what was loaded, the present is where it ends.
        let fed = self.book.try_lock_for(PATIENCE).and_then(|book| Some(book.projects.get(&anomaly.project)?.until));
        let end = fed.map_or(now, |until| until.min(now)).max(anomaly.detected_at);
        let subject = Subject::of(&anomaly);
        let held = |(from, to, width): (Micros, Micros, Micros)| match &subject {
            Some(subject) => read(self.traffic.as_ref(), &anomaly.project, subject, (from, to), width),
            None => Ok(BTreeMap::new()),
        };
        let mut chosen = stretch(&anomaly, end, now, true);
        let mut found = held(chosen)?;
        let calls: u64 = found.values().filter_map(|held| Some(subject.as_ref()?.value(held)?.1)).sum();
        if chosen.2 < HOUR && calls < CALLS * found.len() as u64 {
            chosen = stretch(&anomaly, end, now, false);
            found = held(chosen)?;
        }
        let (from, to, width) = chosen;
        let mut points = Vec::with_capacity(found.len());
        let book = self.book.try_lock_for(PATIENCE);
        let engine = book.as_ref().and_then(|book| Some(&book.projects.get(&anomaly.project)?.engine));
        let usually = subject.as_ref().zip(engine).and_then(|(subject, engine)| engine.usually(subject, &anomaly));
        for (start, held) in &found {
            let Some((value, of)) = subject.as_ref().and_then(|subject| subject.value(held)) else { continue };
            let usual = usually.as_ref().and_then(|usually| usually.at(*start, width, of));
            points.push(ChartedPoint { start: *start, value, of, usual });
        }
        drop(book);
        let (part, branch) = (subject.as_ref().and_then(Subject::part), subject.as_ref().and_then(Subject::branch));
        Ok(Some(Charted { part: part.cloned(), branch: branch.cloned(), from, to, width, points, anomaly }))
    }
}

/// The stretch of time of a chart, and the width of its points, less than an hour where that is wanted and
/// possible: as much before as the anomaly is long, a day to a week, and half
/// of that after it. Only whole points are shown.
fn stretch(anomaly: &Anomaly, end: Micros, now: Micros, fine: bool) -> (Micros, Micros, Micros) {
    let over = anomaly.ended_at.unwrap_or(end);
    let before = (over - anomaly.onset).clamp(DAY, 7 * DAY);
    let to = if anomaly.ended_at.is_some() { over.saturating_add(before / 2).min(end.max(over)) } else { end };
    let from = anomaly.onset.saturating_sub(before).max(to - LONGEST);
    let fine = Some(FINE).filter(|_| fine && from >= now - MINUTES);
    let width = fine.into_iter().chain(WIDTHS).find(|width| (to - from) / width <= POINTS).unwrap_or(DAY);
    let from = from - from.rem_euclid(width);
    (from, (to - to.rem_euclid(width)).max(from + width), width)
}

fn read(
    traffic: &dyn Traffic,
    project: &str,
    subject: &Subject,
    (from, to): (Micros, Micros),
    width: Micros,
) -> Result<BTreeMap<Micros, Held>, StoreError> {
    let range = TimeRange { from: Some(from), to: Some(to) };
    let inside = |start: &Micros| (from..to).contains(start);
    if let Some(branch) = subject.branch() {
        let query = StepsQuery {
            range,
            kind: SpanKind::Branch,
            project: (project != DEFAULT_PROJECT).then(|| project.to_owned()),
            workflow: Some(Some(branch.workflow.clone()).filter(|name| !name.is_empty())),
            bucket: Some(width),
        };
        let mut held: BTreeMap<Micros, (u64, u64)> = BTreeMap::new();
        for step in traffic.steps(&query)?.into_iter().filter(|step| step.step == branch.node) {
            if !is_of(step.project.as_deref(), project) {
                continue;
            }
            for (start, figures) in step.series.iter().filter(|(start, _)| inside(start)) {
                let cell = held.entry(*start).or_default();
                cell.0 += if step.target.as_ref() == Some(&branch.target) { figures.count } else { 0 };
                cell.1 += figures.count;
            }
        }
        return Ok(held.into_iter().map(|(start, (taken, of))| (start, Held::Decisions { taken, of })).collect());
    }
    let mut filters = Vec::new();
    if let Some(part) = subject.part() {
        let Some(dimension) = Dimension::parse(&part.dimension) else { return Ok(BTreeMap::new()) };
        filters.push((dimension, vec![part.value.clone()]));
    }
    // The default project's calls may have no project at all, which no filter names.
    let unnamed = project == DEFAULT_PROJECT;
    if !unnamed {
        filters.push((Dimension::Project, vec![project.to_owned()]));
    }
    let group_by = if unnamed { vec![Dimension::Project] } else { Vec::new() };
    let query = StatsQuery { range, filters, group_by, bucket: Some(width) };
    let sums = |query: &StatsQuery| -> Result<BTreeMap<Micros, CallSums>, StoreError> {
        let mut all: BTreeMap<Micros, CallSums> = BTreeMap::new();
        for group in traffic.call_sums(query, Detail { latency: true, logs: true, ..Detail::NONE }, None)? {
            if !unnamed || is_of(group.values.first().and_then(Option::as_deref), project) {
                for (start, sums) in group.cells.iter().filter(|(start, _)| inside(start)) {
                    all.entry(*start).or_default().add(sums);
                }
            }
        }
        Ok(all)
    };
    let mut cells = sums(&query)?;
    if let Some(model) = subject.model() {
        let mut called = query;
        called.filters.push((Dimension::Model, vec![model.to_owned()]));
        let called = sums(&called)?;
        let taken = |start: &Micros| called.get(start).map_or(0, |sums| sums.calls);
        let decided =
            |(start, all): (Micros, CallSums)| (start, Held::Decisions { taken: taken(&start), of: all.calls });
        return Ok(cells.into_iter().map(decided).collect());
    }
    if subject.tells_rate_limits() {
        let mut limited = query;
        limited.filters.push((Dimension::Status, vec!["rate_limited".to_owned()]));
        for (start, sums) in sums(&limited)? {
            cells.entry(start).or_default().rate_limited = sums.calls;
        }
    }
    Ok(cells.into_iter().map(|(start, sums)| (start, Held::Calls(sums))).collect())
}

/// Whether a project of records is this one.
fn is_of(recorded: Option<&str>, project: &str) -> bool {
    recorded.unwrap_or(DEFAULT_PROJECT) == project
}
