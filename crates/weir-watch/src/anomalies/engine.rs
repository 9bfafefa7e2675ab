//! The engine of one project: fed bucket by bucket, it says what began, changed or ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::anomaly::{Anomaly, Feedback};
use weir_core::time::Micros;

use super::choice::{self, Choice};
use super::kin::{Status, Statuses};
use super::metric::Metric;
use super::parts::Parts;
use super::rules::RuleState;
use super::series::Series;
use super::volume::Volume;
use super::{Bucket, History, HistoryError, Settings, record};

/// Of the bytes of [`Engine::save`]; another one is not read.
const VERSION: u32 = 4;
/// What "expected" makes of a series' threshold.
const EXPECTED: f64 = 1.25;
/// How far thresholds may be raised so.
const MOST_STRICT: f64 = 8.0;

/// What happened to an anomaly; each a whole record.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is new.
    Began(Anomaly),
    /// Its value, severity or causes are others than told before; or it goes on after it seemed to be over.
    Changed(Anomaly),
    /// It is over.
    Ended(Anomaly),
}

impl Change {
    /// The record.
    #[must_use]
    pub fn anomaly(&self) -> &Anomaly {
        match self {
            Self::Began(anomaly) | Self::Changed(anomaly) | Self::Ended(anomaly) => anomaly,
        }
    }
}

/// What a metric does, for a page of status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// Too little has been seen to judge; so many buckets have been learned.
    Learning(u32),
    /// Judged, and nothing is odd.
    Ok,
    /// An anomaly goes on.
    Firing,
}

/// One project: all its series, their baselines and what goes on.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) project: String,
    pub(super) settings: Settings,
    pub(super) state: State,
}

/// All that is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Number of the last bucket since the epoch.
    pub(super) last: Option<i64>,
    pub(super) requests: Series,
    /// In the order of [`Metric::OF_CALLS`].
    pub(super) calls: Vec<Series>,
    pub(super) choices: BTreeMap<Choice, Series>,
    pub(super) parts: Parts,
    pub(super) volume: Volume,
    pub(super) rules: RuleState,
}

impl Engine {
    /// An engine that has learned nothing.
    #[must_use]
    pub fn new(project: &str, settings: Settings) -> Self {
        let state = State {
            last: None,
            requests: Series::new(Metric::Requests),
            calls: Metric::OF_CALLS.into_iter().map(Series::new).collect(),
            choices: BTreeMap::new(),
            parts: Parts::default(),
            volume: Volume::default(),
            rules: RuleState::default(),
        };
        Self { project: project.to_owned(), settings, state }
    }

    /// Takes one closed bucket. Buckets come in the order of time; one without calls is fed empty; one that is not
    /// later than the last is passed over.
    ///
    /// # Errors
    /// When history is needed and cannot be read. The bucket counts as taken; what would have begun begins with a later one, while
    /// it goes on.
    pub fn push(&mut self, bucket: &Bucket, history: &dyn History) -> Result<Vec<Change>, HistoryError> {
        let number = bucket.start.div_euclid(self.width());
        if self.state.last.is_some_and(|last| number <= last) {
            return Ok(Vec::new());
        }
        self.state.last = Some(number);
        let at = bucket.start;
        let day_off = self.state.volume.is_day_off();
        self.observe(number, bucket, day_off);
        let mut changes = Vec::new();
        self.silence(number, at, &mut changes);
        let judged = self.judge(number, at, day_off, history, &mut changes);
        self.learn(day_off);
        self.rules(bucket, &mut changes);
        judged?;
        Ok(changes)
    }

    pub(super) fn width(&self) -> Micros {
        self.settings.bucket.max(1)
    }

    fn observe(&mut self, number: i64, bucket: &Bucket, day_off: bool) {
        let at = bucket.start;
        let State { requests, calls, choices, parts, volume, .. } = &mut self.state;
        let judged = requests.caution(at).is_some();
        volume.push(bucket.total.calls, requests.expected_of_hour(at).filter(|_| judged));
        if let Some(reading) = requests.metric.read(&bucket.total) {
            requests.observe(number, at, reading, None, false);
        }
        parts.observe(number, bucket, day_off);
        let of_parts = parts.together(number);
        for series in calls {
            if let Some(reading) = series.metric.read(&bucket.total) {
                // Rate limits are not told apart in parts, so failures are judged as they are.
                let failures = matches!(series.metric, Metric::Errors | Metric::RateLimits);
                let together = of_parts.of(&series.metric, reading.of).filter(|_| !failures);
                series.observe(number, at, reading, together, day_off);
            }
        }
        choice::observe(choices, number, bucket, day_off);
    }

    /// What the metrics of calls do now.
    pub(super) fn statuses(&self, at: Micros) -> Statuses {
        let mut statuses = Statuses::default();
        for (status, series) in statuses.iter_mut().zip(&self.state.calls) {
            let judged = series.judge(at, self.settings.strictness);
            let (over, size) =
                judged.map_or((0.0, 0.0), |(over, found)| (over, found.sums.size(series.metric.shape())));
            *status = match &series.firing {
                Some(firing) => Status { over, size: firing.size, firing: true },
                None => Status { over, size, firing: false },
            };
        }
        statuses
    }

    fn learn(&mut self, day_off: bool) {
        let silent = self.state.volume.empty >= 3;
        let firing = self.state.calls.iter().filter(|series| series.firing.is_some());
        let firing: Vec<usize> = firing.filter_map(|series| series.metric.place_in_parts()).collect();
        self.state.parts.learn(&firing, day_off);
        let State { requests, calls, choices, .. } = &mut self.state;
        for series in std::iter::once(requests).chain(calls).chain(choices.values_mut()) {
            let shy = series.firing.is_some() || series.explained;
            let volume = series.metric == Metric::Requests;
            if shy || (volume && silent) || (!volume && day_off) {
                series.forget();
            } else {
                series.learn();
            }
        }
    }

    /// Every series, those of parts too.
    pub(super) fn series_mut(&mut self) -> impl Iterator<Item = &mut Series> {
        let State { requests, calls, choices, parts, .. } = &mut self.state;
        std::iter::once(requests).chain(calls).chain(choices.values_mut()).chain(parts.all())
    }

    /// Learns from what people said of an anomaly.
    pub fn feedback(&mut self, anomaly: &Anomaly, feedback: Feedback) {
        let project = self.project.clone();
        let is_of = |series: &Series| anomaly.id.ends_with(&record::tag(&project, &series.metric, ""));
        let State { requests, calls, choices, parts, .. } = &mut self.state;
        let mut of_project = std::iter::once(requests).chain(calls).chain(choices.values_mut());
        let Some(series) = of_project.find(|series| is_of(series)) else { return };
        for firing in [&mut series.firing, &mut series.ended].into_iter().flatten() {
            if firing.anomaly.id == anomaly.id {
                firing.anomaly.feedback = Some(feedback);
            }
        }
        match feedback {
            Feedback::Expected => {
                series.strictness = (series.strictness * EXPECTED).min(MOST_STRICT);
                for (_, _, of) in parts.of_metric(&series.metric) {
                    of.strictness = (of.strictness * EXPECTED).min(MOST_STRICT);
                }
            }
            Feedback::NewNormal => series.accept(anomaly, parts),
        }
    }

    /// The whole state, for [`Engine::restore`].
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        postcard::to_allocvec(&(VERSION, self.settings.bucket, &self.project, &self.state)).unwrap_or_default()
    }

    /// An engine as it was saved; it goes on as if it had never stopped. `None` when the bytes are of another version, another
    /// project, or another width of the bucket: learn anew then.
    #[must_use]
    pub fn restore(project: &str, settings: Settings, bytes: &[u8]) -> Option<Self> {
        let ((version, bucket), _) = postcard::take_from_bytes::<(u32, Micros)>(bytes).ok()?;
        if version != VERSION || bucket != settings.bucket {
            return None;
        }
        let (_, _, of, state) = postcard::from_bytes::<(u32, Micros, String, State)>(bytes).ok()?;
        (of == project && state.calls.len() == Metric::OF_CALLS.len()).then_some(Self { project: of, settings, state })
    }

    /// Each metric and what it does. Branches count as one metric, and so do models.
    #[must_use]
    pub fn learning(&self) -> Vec<(String, Learning)> {
        let State { requests, calls, choices, last, volume, .. } = &self.state;
        let at = last.unwrap_or_default().saturating_mul(self.width());
        let mut metrics: Vec<(String, Learning)> = Vec::new();
        for series in std::iter::once(requests).chain(calls).chain(choices.values()) {
            let silent = series.metric == Metric::Requests && volume.silence.is_some();
            let state = match series.caution(at) {
                _ if series.firing.is_some() || silent => Learning::Firing,
                None => Learning::Learning(series.learned),
                Some(_) => Learning::Ok,
            };
            match metrics.last_mut().filter(|(name, _)| name == series.metric.name()) {
                Some((_, known)) if *known == Learning::Firing || state == Learning::Ok => {}
                Some((_, known)) => *known = state,
                None => metrics.push((series.metric.name().to_owned(), state)),
            }
        }
        metrics
    }

    /// How many series are watched, those of parts, branches and models too.
    #[must_use]
    pub fn series(&self) -> usize {
        1 + self.state.calls.len() + self.state.choices.len() + self.state.parts.len()
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// How it judges.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[cfg(test)]
mod tests;
