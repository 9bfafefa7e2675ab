//! The life of anomalies: what begins, what goes on, what ends.

use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Severity};
use weir_core::time::{DAY, HOUR, Micros};

use super::engine::{Change, Engine};
use super::kin::{self, Statuses};
use super::metric::Metric;
use super::series::{Firing, Series};
use super::window::{Shape, Sums};
use super::{History, HistoryError, Window, causes, record};

/// Buckets after which a level that stays is the new normal: 24 hours of five minutes.
const ACCEPTED: i64 = 288;
/// Calm buckets in a row that end an anomaly.
const CALM: u32 = 5;
/// Buckets without anything new in a series after an anomaly: half an hour.
const COOL: i64 = 6;
/// Within so many buckets after its end an anomaly goes on instead of a new one: three hours.
const REOPENED: i64 = 36;

impl Engine {
    /// Judges every series.
    pub(super) fn judge(
        &mut self,
        number: i64,
        at: Micros,
        day_off: bool,
        history: &dyn History,
        changes: &mut Vec<Change>,
    ) -> Result<(), HistoryError> {
        let statuses = self.statuses(at);
        let (project, width, strictness) = (self.project.clone(), self.width(), self.settings.strictness);
        let silent = self.state.volume.empty >= 3;
        let mut firing_nodes: Vec<(String, String)> = Vec::new();
        for series in self.state.branches.values() {
            if let (Metric::Branch(branch), Some(_)) = (&series.metric, &series.firing) {
                firing_nodes.push((branch.workflow.clone(), branch.node.clone()));
            }
        }
        let mut over = false;
        let mut result = Ok(());
        let mut turn = Turn { project: &project, number, width, day_off, history, changes, statuses: &statuses };
        let judged_apart = self.state.branches.values().map(|series| apart(series, at, strictness)).collect::<Vec<_>>();
        for series in self.series_mut() {
            if series.firing.is_some() {
                let (ended, followed) = turn.follow(series);
                over |= ended;
                result = result.and(followed);
                continue;
            }
            series.explained &= statuses.iter().any(|status| status.firing);
            if !series.is_fresh() || number < series.quiet_until || (series.metric == Metric::Requests && silent) {
                continue;
            }
            let Some((by, found)) = series.judge(at, strictness) else { continue };
            let by = if day_off { by / 1.25 } else { by };
            if by < 1.0 || !series.matters(&found.sums) {
                continue;
            }
            if series.is_back(&found.sums) {
                series.offset = 0.0;
                series.clear();
                continue;
            }
            let size = found.sums.size(series.metric.shape());
            if kin::explains(&statuses, &series.metric, size) {
                series.explained = true;
                continue;
            }
            if let Metric::Branch(branch) = &series.metric {
                let node = (branch.workflow.clone(), branch.node.clone());
                let outdone = judged_apart.iter().flatten().any(|other| other.outdoes(branch, size));
                if firing_nodes.contains(&node) || outdone {
                    series.explained = true;
                    continue;
                }
                firing_nodes.push(node);
            }
            result = result.and(turn.begin(series, &found.sums, found.score > 0.0));
        }
        if over {
            // What was explained by what is over shall not come up now.
            for series in self.series_mut() {
                if series.explained {
                    series.clear();
                    series.explained = false;
                }
            }
        }
        result
    }

    /// Silence begins and ends.
    pub(super) fn silence(&mut self, number: i64, at: Micros, changes: &mut Vec<Change>) {
        let width = self.width();
        let end = at + width;
        let volume = &mut self.state.volume;
        let silent = volume.is_silent();
        match &mut volume.silence {
            Some(firing) if volume.empty == 0 => {
                firing.anomaly.state = AnomalyState::Resolved;
                firing.anomaly.ended_at = Some(at);
                changes.push(Change::Ended(firing.anomaly.clone()));
                volume.silence = None;
                self.state.requests.clear();
            }
            Some(firing) => firing.anomaly.expected = volume.expected,
            None if silent => {
                let onset = at - width * (i64::from(volume.empty) - 1);
                let anomaly = Anomaly {
                    id: record::id(end, &record::tag(&self.project, &Metric::Requests, "silence")),
                    project: self.project.clone(),
                    metric: Metric::Requests.name().to_owned(),
                    kind: AnomalyKind::Silence,
                    severity: Severity::Critical,
                    state: AnomalyState::Firing,
                    onset,
                    detected_at: end,
                    ended_at: None,
                    value: 0.0,
                    expected: volume.expected,
                    lower: (volume.expected - 3.0 * volume.expected.sqrt()).max(0.0),
                    upper: volume.expected + 3.0 * volume.expected.sqrt(),
                    baseline: "calls expected since the last one, at that hour of the week".to_owned(),
                    causes: Vec::new(),
                    examples: Vec::new(),
                    feedback: None,
                };
                changes.push(Change::Began(anomaly.clone()));
                let firing =
                    Firing { anomaly, up: false, size: 0.0, onset: number, detected: number, calm: 0, look: i64::MAX, accepted: false };
                volume.silence = Some(Box::new(firing));
            }
            None => {}
        }
    }
}

/// What a branch does, to be compared with the others of its node.
struct Apart {
    branch: super::Branch,
    size: f64,
}

fn apart(series: &Series, at: Micros, strictness: f64) -> Option<Apart> {
    let Metric::Branch(branch) = &series.metric else { return None };
    let (by, found) = series.judge(at, strictness)?;
    (by >= 0.6).then(|| Apart { branch: branch.clone(), size: found.sums.size(Shape::Share) })
}

impl Apart {
    /// Whether this branch of the same node is the one to tell of: what is taken more comes before what is taken less.
    fn outdoes(&self, branch: &super::Branch, size: f64) -> bool {
        let same_node = self.branch.node == branch.node && self.branch.workflow == branch.workflow;
        let rank = |size: f64| if size > 0.0 { size } else { -0.5 * size };
        same_node && self.branch != *branch && rank(self.size) > rank(size)
    }
}

/// One bucket's work.
struct Turn<'a> {
    project: &'a str,
    number: i64,
    width: Micros,
    day_off: bool,
    history: &'a dyn History,
    changes: &'a mut Vec<Change>,
    statuses: &'a Statuses,
}

impl Turn<'_> {
    fn end(&self) -> Micros {
        (self.number + 1) * self.width
    }

    /// The windows to compare with: the same hours of the days and weeks before, and the hours right before.
    fn before(&self, onset: i64) -> Vec<Window> {
        let (from, to) = (onset * self.width, self.end());
        let to = to.min(from + DAY / 2);
        let mut windows: Vec<Window> = [21, 14, 7, 3, 2, 1]
            .into_iter()
            .map(|days| Window { from: from - days * DAY - HOUR, to: to - days * DAY + HOUR })
            .chain([Window { from: from - 3 * HOUR, to: from - self.width }])
            .map(|window| Window { to: window.to.min(from - self.width), ..window })
            .filter(|window| window.from < window.to)
            .collect();
        // Each instant once.
        let mut past = Micros::MIN;
        for window in &mut windows {
            window.from = window.from.max(past);
            past = past.max(window.to);
        }
        windows.retain(|window| window.from < window.to);
        windows
    }

    fn why(&self, metric: &Metric, onset: i64) -> Result<causes::Why, HistoryError> {
        let now = Window { from: onset * self.width, to: self.end() };
        causes::look(metric, self.history, &self.before(onset), now)
    }

    fn begin(&mut self, series: &mut Series, sums: &Sums, up: bool) -> Result<(), HistoryError> {
        let shape = series.metric.shape();
        let onset = series.windows.onset(shape, up).unwrap_or(self.number);
        let reopened = series.ended.take().filter(|ended| {
            let gap = self.number - ended.look;
            ended.up == up && gap <= REOPENED
        });
        if let Some(mut firing) = reopened {
            firing.anomaly.state = AnomalyState::Firing;
            firing.anomaly.ended_at = None;
            (firing.calm, firing.look) = (0, self.number + 12);
            self.changes.push(Change::Changed(firing.anomaly.clone()));
            series.firing = Some(firing);
            return Ok(());
        }
        let why = self.why(&series.metric, onset)?;
        if why.other_callers {
            // Nobody behaves otherwise; there are others. Asked again in half an hour.
            series.explained = true;
            series.quiet_until = self.number + COOL;
            return Ok(());
        }
        let mut anomaly = record::new(self.project, series, sums, (onset * self.width, self.end()), self.day_off);
        anomaly.causes = why.causes;
        branch_first(&series.metric, sums, &mut anomaly);
        anomaly.examples = self.history.examples(&anomaly, Window { from: anomaly.onset, to: self.end() })?;
        anomaly.examples.truncate(3);
        self.changes.push(Change::Began(anomaly.clone()));
        series.firing = Some(Box::new(Firing {
            anomaly,
            up,
            size: sums.size(shape),
            onset,
            detected: self.number,
            calm: 0,
            look: self.number + 3,
            accepted: false,
        }));
        Ok(())
    }

    /// Whether it ended; and whether history could be read.
    fn follow(&mut self, series: &mut Series) -> (bool, Result<(), HistoryError>) {
        let Some(mut firing) = series.firing.take() else { return (false, Ok(())) };
        let shape = series.metric.shape();
        if firing.accepted {
            self.over(series, &mut firing);
            return (true, Ok(()));
        }
        if self.number - firing.detected >= ACCEPTED {
            let since = series.windows.since(firing.onset);
            series.offset += since.measured(shape);
            self.over(series, &mut firing);
            return (true, Ok(()));
        }
        let recent = series.windows.last(4, 20.0);
        if series.is_fresh() {
            let calm = recent.is_some_and(|recent| {
                let size = recent.size(shape);
                size.abs() < 0.45 * firing.size.abs() || (size > 0.0) != firing.up
            });
            firing.calm = if calm { firing.calm + 1 } else { 0 };
        }
        if firing.calm >= CALM {
            self.over(series, &mut firing);
            firing.look = self.number;
            series.ended = Some(firing);
            return (true, Ok(()));
        }
        let mut changed = false;
        let since = series.windows.since(firing.onset);
        let size = since.size(shape);
        if size.abs() > 1.2 * firing.size.abs() && (size > 0.0) == firing.up && since.samples > 3 {
            let (value, expected, lower, upper) = series.band(&since);
            let anomaly = &mut firing.anomaly;
            (anomaly.value, anomaly.expected, anomaly.lower, anomaly.upper) = (value, expected, lower, upper);
            anomaly.severity = anomaly.severity.max(record::severity(&series.metric, size));
            firing.size = size;
            changed = true;
        }
        let mut result = Ok(());
        if self.number >= firing.look && firing.calm == 0 {
            firing.look = self.number + (self.number - firing.detected).max(3);
            match self.why(&series.metric, firing.onset) {
                Ok(why) if !matches!(series.metric, Metric::Branch(_)) && why.causes != firing.anomaly.causes => {
                    firing.anomaly.causes = why.causes;
                    changed = true;
                }
                Ok(_) => {}
                Err(error) => result = Err(error),
            }
        }
        if changed {
            self.changes.push(Change::Changed(firing.anomaly.clone()));
        }
        series.firing = Some(firing);
        (false, result)
    }

    fn over(&mut self, series: &mut Series, firing: &mut Firing) {
        firing.anomaly.state = AnomalyState::Resolved;
        firing.anomaly.ended_at = Some(self.end());
        self.changes.push(Change::Ended(firing.anomaly.clone()));
        series.clear();
        series.quiet_until = self.number + COOL;
        series.ended = None;
        let _ = self.statuses;
    }
}

/// A branch is its own cause.
fn branch_first(metric: &Metric, sums: &Sums, anomaly: &mut Anomaly) {
    if let Metric::Branch(branch) = metric {
        let cause = weir_core::anomaly::Cause {
            dimension: "branch".to_owned(),
            value: branch.target.clone(),
            share: sums.size(Shape::Share).signum(),
            effect: weir_core::anomaly::Effect::Mix,
        };
        anomaly.causes.insert(0, cause);
    }
}

impl Series {
    /// Takes what an anomaly said as the new normal, and ends it at the next bucket.
    pub(super) fn accept(&mut self, anomaly: &Anomaly) {
        let shape = self.metric.shape();
        match &mut self.firing {
            Some(firing) if firing.anomaly.id == anomaly.id => {
                self.offset += self.windows.since(firing.onset).measured(shape);
                firing.accepted = true;
            }
            _ => {
                self.offset += match shape {
                    Shape::Mean if anomaly.value > 0.0 && anomaly.expected > 0.0 => {
                        (anomaly.value / anomaly.expected).ln()
                    }
                    Shape::Share => anomaly.value - anomaly.expected,
                    _ => 0.0,
                };
            }
        }
        self.clear();
        self.ended = None;
    }
}
