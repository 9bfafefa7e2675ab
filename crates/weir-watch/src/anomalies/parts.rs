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
use crate::statistics::{normal_quantile, upper_tail};

const METRICS: usize = Metric::OF_PARTS.len();
/// Most parts that are watched.
const MOST: usize = 32;
/// Shares of the calls between which a part says something of its own.
const SHARES: std::ops::RangeInclusive<f64> = 0.05..=0.95;
/// A threshold of a series of the project.
const TYPICAL: f64 = 4.2;
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

/// The same of each dimension and metric.
pub(super) struct AllTogether(Vec<[Together; METRICS]>);

impl AllTogether {
    /// Of a metric, as the mean over the dimensions that cover the calls: a shift of who calls does not move it as it moves the mean
    /// of all calls.
    pub(super) fn of(&self, metric: &Metric, calls: u64) -> Option<Together> {
        let place = metric.place_in_parts()?;
        let mut all = Together::default();
        let mut dimensions = 0.0;
        let of_metric = self.0.iter().filter_map(|of_metrics| of_metrics.get(place));
        for of_one in of_metric.filter(|of_one| of_one.calls > 0.9 * calls as f64) {
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

    /// Learns what was read, but of the metrics (by place) of which an anomaly goes on.
    pub(super) fn learn(&mut self, firing: &[usize], day_off: bool) {
        for (place, series) in self.members.values_mut().flat_map(|member| member.series.iter_mut().enumerate()) {
            if series.explained || day_off || firing.contains(&place) {
                series.forget();
            } else {
                series.learn();
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

    /// What the parts do, in their order, as the statuses of the project's metrics; `None` for those that say nothing of their own.
    pub(super) fn statuses(&self, at: Micros, strictness: f64) -> Vec<Option<Statuses>> {
        let of = |member: &Member| {
            let mut statuses = Statuses::default();
            for series in &member.series {
                let status = series.metric.place().and_then(|place| statuses.get_mut(place));
                if let (Some(status), Some((over, found))) = (status, series.judge(at, strictness)) {
                    *status = Status { over, size: found.sums.size(series.metric.shape()), firing: false };
                }
            }
            statuses
        };
        self.members.values().map(|member| self.speaks(member).then(|| of(member))).collect()
    }

    /// What thresholds are multiplied by, because parts are many: with Bonferroni's bound (a chance of `p / m` for each of `m`) all of
    /// them together say by chance no more than one series of the project.
    pub(super) fn strictness(&self) -> f64 {
        let many = self.members.values().filter(|member| self.speaks(member)).count().max(1);
        let chance = upper_tail(TYPICAL) / many as f64;
        -normal_quantile(chance) / TYPICAL
    }

    fn speaks(&self, member: &Member) -> bool {
        self.calls > 0.0 && SHARES.contains(&(member.calls / self.calls))
    }

    /// What the parts of each dimension say together of each metric in a bucket.
    pub(super) fn together(&self, number: i64) -> AllTogether {
        let mut dimensions: Vec<(&str, [Together; METRICS])> = Vec::new();
        for (part, member) in &self.members {
            if dimensions.last().is_none_or(|(dimension, _)| *dimension != part.dimension) {
                dimensions.push((&part.dimension, Default::default()));
            }
            let Some((_, of_metrics)) = dimensions.last_mut() else { continue };
            for (series, together) in member.series.iter().zip(of_metrics).filter(|(series, _)| series.learned >= 60) {
                if let Some(sample) = series.windows.last_sample().filter(|sample| sample.bucket == number) {
                    together.add(sample);
                }
            }
        }
        AllTogether(dimensions.into_iter().map(|(_, of_metrics)| of_metrics).collect())
    }

    /// The series of a part.
    pub(super) fn series(&mut self, part: &Part, metric: &Metric) -> Option<&mut Series> {
        self.members.get_mut(part)?.series.get_mut(metric.place_in_parts()?)
    }

    /// The same, to look at.
    pub(super) fn of(&self, part: &Part, metric: &Metric) -> Option<&Series> {
        self.members.get(part)?.series.get(metric.place_in_parts()?)
    }

    /// The series of a metric in all parts that say something of their own, and the place of the part.
    pub(super) fn of_metric(&mut self, metric: &Metric) -> impl Iterator<Item = (usize, &Part, &mut Series)> {
        let (calls, series) = (self.calls, metric.place_in_parts());
        self.members
            .iter_mut()
            .enumerate()
            .filter(move |(_, (_, member))| calls > 0.0 && SHARES.contains(&(member.calls / calls)))
            .filter_map(move |(place, (part, member))| Some((place, part, member.series.get_mut(series?)?)))
    }

    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.members.values().map(|member| member.series.len()).sum()
    }

    /// Every series.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Series> {
        self.members.values_mut().flat_map(|member| &mut member.series)
    }
}
