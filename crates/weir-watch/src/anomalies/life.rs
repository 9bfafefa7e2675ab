//! The life of anomalies: what begins, what goes on, what ends.

use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Severity};
use weir_core::time::{DAY, HOUR, Micros};

use super::engine::{Change, Engine, State};
use super::kin::{self, Decisions, Failures};
use super::metric::Metric;
use super::parts::Parts;
use super::series::{Firing, Series};
use super::window::{Outstanding, Shape};
use super::{History, HistoryError, Part, Window, causes, record};

/// Buckets after which a level that stays is the new normal: 24 hours of five minutes.
const ACCEPTED: i64 = 288;
/// What thresholds are multiplied by on a day off and in a rush.
const UNUSUAL: f64 = 1.25;
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
        let strictness = self.settings.strictness;
        let strict_parts = strictness * self.state.parts.strictness();
        let of_parts = self.state.parts.statuses(at, strict_parts);
        let alone = self.statuses(at);
        let statuses = kin::with_parts(&alone, of_parts.iter().flatten());
        let (project, width) = (self.project.clone(), self.width());
        let silent = self.state.volume.empty >= 3;
        let mut decisions = Decisions::of(self.state.choices.values(), at, strictness);
        let failures = Failures::of(&self.state.calls, number);
        let (mut over, mut result) = (false, Ok(()));
        let explained = statuses.iter().any(|status| status.firing);
        let rush = self.state.volume.is_rush();
        let mut turn = Turn { project: &project, number, width, day_off, rush, history, changes };
        let State { requests, calls, choices, parts, .. } = &mut self.state;
        for series in std::iter::once(requests).chain(calls).chain(choices.values_mut()) {
            if series.firing.is_some() {
                let (ended, followed) = turn.follow(series, parts);
                over |= ended;
                result = result.and(followed);
                continue;
            }
            series.explained &= explained;
            if number < series.quiet_until || (series.metric == Metric::Requests && silent) {
                continue;
            }
            if let Some(found) = turn.ripe(series, at, strictness) {
                let size = found.sums.size(series.metric.shape());
                if kin::explains(&statuses, &series.metric, size) || decisions.explains(&statuses, &series.metric, size)
                {
                    series.explained = true;
                } else {
                    decisions.tell(&series.metric);
                    let onset = series.windows.onset(series.metric.shape(), found.score > 0.0);
                    result = result.and(turn.begin(series, None, &found, onset));
                    continue;
                }
            }
            let mut best: Option<(f64, Part, Outstanding, Option<i64>)> = None;
            for (place, part, of) in parts.of_metric(&series.metric) {
                of.explained &= explained;
                let Some(found) = turn.ripe(of, at, strict_parts) else { continue };
                let shape = of.metric.shape();
                let own = of_parts.get(place).and_then(Option::as_ref);
                let own = own.map_or(alone, |own| kin::stronger(&alone, own));
                let onset = of.windows.onset(shape, found.score > 0.0);
                if kin::explains(&own, &series.metric, found.sums.size(shape)) {
                    of.explained = true;
                } else if failures.are(&series.metric) && best.as_ref().is_none_or(|best| found.score.abs() > best.0) {
                    best = Some((found.score.abs(), part.clone(), found, onset));
                }
            }
            if let Some((_, part, found, onset)) = best {
                let begun = match parts.series(&part, &series.metric) {
                    Some(of) => turn.begin(series, Some((&part, &*of)), &found, onset),
                    None => Ok(()),
                };
                result = result.and(begun);
            }
        }
        if over {
            // What was explained by what is over shall not come up now.
            for series in self.series_mut().filter(|series| series.explained) {
                series.clear();
                series.explained = false;
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
                let firing = Firing {
                    anomaly,
                    part: None,
                    up: false,
                    size: 0.0,
                    onset: number,
                    detected: number,
                    calm: 0,
                    look: i64::MAX,
                    accepted: false,
                };
                volume.silence = Some(Box::new(firing));
            }
            None => {}
        }
    }
}

/// One bucket's work.
struct Turn<'a> {
    project: &'a str,
    number: i64,
    width: Micros,
    day_off: bool,
    /// Whether there is far more traffic than usual.
    rush: bool,
    history: &'a dyn History,
    changes: &'a mut Vec<Change>,
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

    /// What stands out in a series far enough, and matters.
    fn ripe(&self, series: &mut Series, at: Micros, strictness: f64) -> Option<Outstanding> {
        if !series.is_fresh() {
            return None;
        }
        let (by, found) = series.judge(at, strictness)?;
        // Others may be calling then, and twice the calls tell the same as early at a threshold that is higher by √2.
        let by = if self.day_off || (self.rush && series.metric != Metric::Requests) { by / UNUSUAL } else { by };
        if by < 1.0 || !series.matters(&found.sums) {
            return None;
        }
        if series.is_back(&found.sums) {
            series.offset = 0.0;
            series.clear();
            return None;
        }
        Some(found)
    }

    /// Begins an anomaly of a series, on behalf of a part's where it shows there alone.
    fn begin(
        &mut self,
        series: &mut Series,
        part: Option<(&Part, &Series)>,
        found: &Outstanding,
        onset: Option<i64>,
    ) -> Result<(), HistoryError> {
        let (sums, up) = (&found.sums, found.score > 0.0);
        let onset = onset.unwrap_or(self.number);
        let reopened = series.ended.take().filter(|ended| {
            let gap = self.number - ended.look;
            ended.up == up && gap <= REOPENED
        });
        let of = part.map(|(part, _)| part.clone());
        if let Some(mut firing) = reopened {
            firing.anomaly.state = AnomalyState::Firing;
            firing.anomaly.ended_at = None;
            (firing.calm, firing.look, firing.part) = (0, self.number + 12, of);
            self.changes.push(Change::Changed(firing.anomaly.clone()));
            series.firing = Some(firing);
            return Ok(());
        }
        let why = self.why(&series.metric, onset)?;
        if why.other_callers && of.is_none() {
            // Nobody behaves otherwise; there are others. Asked again in half an hour.
            series.explained = true;
            series.quiet_until = self.number + COOL;
            return Ok(());
        }
        let shown: &Series = part.map_or(&*series, |(_, of)| of);
        let times = (onset * self.width, self.end());
        // The window that stands out may begin before it.
        let since = shown.windows.since(onset);
        let told = if since.samples > 0 { &since } else { sums };
        let mut anomaly = record::new(self.project, &series.metric, shown, of.as_ref(), told, times, self.day_off);
        anomaly.causes = why.causes;
        if let Metric::Choice(choice) = &series.metric {
            anomaly.causes = vec![choice.cause(sums.size(Shape::Share))];
        }
        anomaly.examples = self.history.examples(&anomaly, Window { from: anomaly.onset, to: self.end() })?;
        anomaly.examples.truncate(3);
        self.changes.push(Change::Began(anomaly.clone()));
        series.firing = Some(Box::new(Firing {
            anomaly,
            part: of,
            up,
            size: sums.size(series.metric.shape()),
            onset,
            detected: self.number,
            calm: 0,
            look: self.number + 3,
            accepted: false,
        }));
        Ok(())
    }

    /// Whether it ended; and whether history could be read.
    fn follow(&mut self, series: &mut Series, parts: &mut Parts) -> (bool, Result<(), HistoryError>) {
        let Some(mut firing) = series.firing.take() else { return (false, Ok(())) };
        let shape = series.metric.shape();
        if firing.accepted {
            self.over(series, parts, &mut firing);
            return (true, Ok(()));
        }
        if self.number - firing.detected >= ACCEPTED {
            series.take_as_normal(firing.onset, parts);
            self.over(series, parts, &mut firing);
            return (true, Ok(()));
        }
        let shown = match &firing.part {
            Some(part) => parts.series(part, &series.metric).map(|of| &*of),
            None => Some(&*series),
        };
        let calls = if firing.part.is_some() { 10.0 } else { 20.0 };
        let recent = shown.and_then(|shown| shown.windows.last(4, calls));
        let unheard = |shown: &Series| shown.windows.newest().is_none_or(|newest| self.number - newest >= REOPENED);
        let gone = firing.part.is_some() && shown.is_none_or(unheard);
        if shown.is_some_and(Series::is_fresh) {
            let calm = recent.is_some_and(|recent| {
                let size = recent.size(shape);
                size.abs() < 0.45 * firing.size.abs() || (size > 0.0) != firing.up
            });
            firing.calm = if calm { firing.calm + 1 } else { 0 };
        }
        if firing.calm >= CALM || gone {
            self.over(series, parts, &mut firing);
            firing.look = self.number;
            series.ended = Some(firing);
            return (true, Ok(()));
        }
        let mut changed = false;
        let since = shown.map(|shown| shown.windows.since(firing.onset)).unwrap_or_default();
        let size = since.size(shape);
        if size.abs() > 1.2 * firing.size.abs()
            && (size > 0.0) == firing.up
            && since.samples > 3
            && let Some(shown) = shown
        {
            let (value, expected, lower, upper) = shown.band(&since);
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
                Ok(why) if !matches!(series.metric, Metric::Choice(_)) && why.causes != firing.anomaly.causes => {
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

    fn over(&mut self, series: &mut Series, parts: &mut Parts, firing: &mut Firing) {
        firing.anomaly.state = AnomalyState::Resolved;
        firing.anomaly.ended_at = Some(self.end());
        self.changes.push(Change::Ended(firing.anomaly.clone()));
        series.clear();
        for (_, _, of) in parts.of_metric(&series.metric) {
            of.clear();
        }
        series.quiet_until = self.number + COOL;
        series.ended = None;
    }
}

impl Series {
    /// Takes what an anomaly said as the new normal, and ends it at the next bucket.
    pub(super) fn accept(&mut self, anomaly: &Anomaly, parts: &mut Parts) {
        let shape = self.metric.shape();
        let open = self.firing.as_mut().filter(|firing| firing.anomaly.id == anomaly.id);
        match open {
            Some(firing) => {
                firing.accepted = true;
                let onset = firing.onset;
                self.take_as_normal(onset, parts);
            }
            None => {
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

    /// The level since a bucket is the new normal, here and in the parts that moved.
    fn take_as_normal(&mut self, onset: i64, parts: &mut Parts) {
        for (_, _, of) in parts.of_metric(&self.metric) {
            let since = of.windows.since(onset);
            if since.statistic(of.metric.shape()).abs() > 3.0 {
                of.offset += since.measured(of.metric.shape());
            }
        }
        self.offset += self.windows.since(onset).measured(self.metric.shape());
    }
}
