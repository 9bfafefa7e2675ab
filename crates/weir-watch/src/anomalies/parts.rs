//! The parts of a project's traffic: what goes wrong for one department, model or prompt alone shows in its own calls long before
//! it shows in all of them.
//!
//! Each part has its own series of the metrics that are rates. They remember less than those of the project (no week, eight hours
//! of buckets instead of a day), and what stands out in one of them is told as an anomaly of the project's metric.
//! Invariant: at most [`MOST`] parts; when another one comes that has more calls, the lightest makes room.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::time::Micros;

use super::kin::{Status, Statuses};
use super::metric::Metric;
use super::series::Series;
use super::window::Sample;
use super::{Bucket, Part};

/// Most parts that are watched.
const MOST: usize = 32;
/// Shares of the calls between which a part says something of its own.
const SHARES: std::ops::RangeInclusive<f64> = 0.05..=0.95;
/// What a bucket leaves of the weight of the ones before: half in a day of five minutes.
const FADE: f64 = 0.9976;

/// A part and its series, in the order of [`Metric::OF_PARTS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    /// Calls, the old ones faded.
    calls: f64,
    series: Vec<Series>,
}

/// What the parts of a dimension say together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Together {
    pub(super) calls: f64,
    pub(super) seen: f64,
    pub(super) expected: f64,
    pub(super) information: f64,
    pub(super) effect: f64,
}

impl Together {
    fn add(&mut self, sample: &Sample) {
        self.calls += f64::from(sample.calls);
        self.seen += f64::from(sample.seen);
        self.expected += f64::from(sample.expected);
        self.information += f64::from(sample.information);
        self.effect += f64::from(sample.effect);
    }
}

/// All parts of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Parts {
    calls: f64,
    members: BTreeMap<Part, Member>,
}

impl Parts {
    pub(super) fn observe(&mut self, number: i64, bucket: &Bucket, day_off: bool) {
        self.calls = self.calls * FADE + bucket.total.calls as f64;
        for member in self.members.values_mut() {
            member.calls *= FADE;
        }
        for (part, sums) in &bucket.parts {
            if !self.members.contains_key(part) && !self.admit(part, sums.calls as f64) {
                continue;
            }
            let Some(member) = self.members.get_mut(part) else { continue };
            member.calls += sums.calls as f64;
            for series in &mut member.series {
                if let Some(reading) = series.metric.read(sums) {
                    series.observe(number, bucket.start, reading, None, day_off);
                }
            }
        }
    }

    /// Makes room for a part, if there is any to make.
    fn admit(&mut self, part: &Part, calls: f64) -> bool {
        if self.members.len() >= MOST {
            let lightest = self.members.iter().min_by(|a, b| a.1.calls.total_cmp(&b.1.calls));
            let Some((lightest, _)) = lightest.filter(|(_, member)| member.calls < calls) else { return false };
            let lightest = lightest.clone();
            self.members.remove(&lightest);
        }
        let series = Metric::OF_PARTS.into_iter().map(Series::of_part).collect();
        self.members.insert(part.clone(), Member { calls: 0.0, series });
        true
    }

    /// What the parts do that say something of their own, as the statuses of the project's metrics.
    pub(super) fn statuses(&self, at: Micros, strictness: f64) -> BTreeMap<Part, Statuses> {
        let mut all = BTreeMap::new();
        for (part, member) in &self.members {
            if !self.speaks(member) {
                continue;
            }
            let mut statuses = Statuses::default();
            for series in &member.series {
                let Some(place) = series.metric.place() else { continue };
                let (Some(status), Some((over, found))) = (statuses.get_mut(place), series.judge(at, strictness))
                else {
                    continue;
                };
                *status = Status { over, size: found.sums.size(series.metric.shape()), firing: false };
            }
            all.insert(part.clone(), statuses);
        }
        all
    }

    fn speaks(&self, member: &Member) -> bool {
        self.calls > 0.0 && SHARES.contains(&(member.calls / self.calls))
    }

    /// What the parts of each dimension say together of a metric in a bucket, as the mean over the dimensions that cover all calls:
    /// neither a shift of who calls nor a single huge call moves it as it moves the mean of all calls.
    pub(super) fn together(&self, number: i64, metric: &Metric, of: u64) -> Option<Together> {
        let mut by_dimension: BTreeMap<&str, Together> = BTreeMap::new();
        for (part, member) in &self.members {
            let series = member.series.iter().find(|series| series.metric == *metric && series.learned >= 60);
            let Some(sample) = series.and_then(|s| s.windows.last_sample()).filter(|s| s.bucket == number) else {
                continue;
            };
            by_dimension.entry(&part.dimension).or_default().add(sample);
        }
        let mut all = Together::default();
        let mut dimensions = 0.0;
        for (_, of_one) in by_dimension.iter().filter(|(_, t)| t.calls > 0.9 * of as f64) {
            dimensions += 1.0;
            all.calls += of_one.calls;
            all.seen += of_one.seen;
            all.expected += of_one.expected;
            all.information += of_one.information;
            all.effect += of_one.effect;
        }
        (dimensions > 0.0 && all.information > 0.0).then(|| Together {
            calls: all.calls / dimensions,
            seen: all.seen / dimensions,
            expected: all.expected / dimensions,
            information: all.information / dimensions,
            effect: all.effect / dimensions,
        })
    }

    /// The series of a part.
    pub(super) fn series(&mut self, part: &Part, metric: &Metric) -> Option<&mut Series> {
        self.members.get_mut(part)?.series.iter_mut().find(|series| series.metric == *metric)
    }

    /// The same, to look at.
    pub(super) fn of(&self, part: &Part, metric: &Metric) -> Option<&Series> {
        self.members.get(part)?.series.iter().find(|series| series.metric == *metric)
    }

    /// The series of a metric in all parts that say something of their own.
    pub(super) fn of_metric(&mut self, metric: &Metric) -> impl Iterator<Item = (&Part, &mut Series)> {
        let calls = self.calls;
        self.members
            .iter_mut()
            .filter(move |(_, member)| calls > 0.0 && SHARES.contains(&(member.calls / calls)))
            .filter_map(|(part, member)| Some((part, member.series.iter_mut().find(|s| s.metric == *metric)?)))
    }

    /// Every series.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Series> {
        self.members.values_mut().flat_map(|member| &mut member.series)
    }
}
