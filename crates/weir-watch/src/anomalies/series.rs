//! One metric of a project: what is normal, what it does now, and whether it is anomalous.

use serde::{Deserialize, Serialize};
use weir_core::anomaly::Anomaly;
use weir_core::time::{DAY, Micros};

use super::Part;
use super::choice;
use super::metric::{Metric, Reading};
use super::noise::Noise;
use super::parts::Together;
use super::seasonal::{Seasonal, Step};
use super::window::{Outstanding, Sample, Shape, Sums, Windows};

/// Smallest and largest share that is expected of anything.
const SHARES: std::ops::RangeInclusive<f64> = 0.002..=0.998;

/// What goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Firing {
    pub(super) anomaly: Anomaly,
    /// The part in which it shows; none when it shows in all calls.
    pub(super) part: Option<Part>,
    pub(super) up: bool,
    /// The effect when it was the largest.
    pub(super) size: f64,
    /// Buckets: the onset and the detection.
    pub(super) onset: i64,
    pub(super) detected: i64,
    /// Calm buckets in a row.
    pub(super) calm: u32,
    /// Causes are looked for again at this bucket.
    pub(super) look: i64,
    /// Someone took it as the new normal: it ends with the next bucket.
    pub(super) accepted: bool,
}

/// The last reading, until it is learned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Fresh {
    at: Micros,
    value: f64,
    weight: f64,
    deviation: f64,
    of: u64,
}

/// The expectation of the last reading.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Now {
    /// In the space of the baseline: a logarithm, a share, a count.
    pub(super) expected: f64,
    /// Its reach to either side that is normal for a bucket, in the same space.
    pub(super) reach: f64,
    pub(super) step: Step,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) metric: Metric,
    /// Whether it is of a part of the traffic.
    of_part: bool,
    seasonal: Seasonal,
    /// Of means.
    noise: Option<Noise>,
    pub(super) windows: Windows,
    /// A new normal: how far it is from the old one.
    pub(super) offset: f64,
    /// Buckets that were learned, and the first of them.
    pub(super) learned: u32,
    begun: Option<Micros>,
    /// What feedback made of the threshold.
    pub(super) strictness: f64,
    /// Nothing begins before this bucket.
    pub(super) quiet_until: i64,
    /// Whether something else explained what it showed.
    pub(super) explained: bool,
    pub(super) firing: Option<Box<Firing>>,
    /// What ended last, in case it was not over.
    pub(super) ended: Option<Box<Firing>>,
    fresh: Option<Fresh>,
    pub(super) now: Option<Now>,
    /// The window that stood out most at the last reading.
    standing: Option<Outstanding>,
}

impl Series {
    pub(super) fn new(metric: Metric) -> Self {
        let pull = match metric.shape() {
            Shape::Mean => 60.0,
            Shape::Share => 150.0,
            Shape::Count => 4.0,
        };
        Self {
            noise: (metric.shape() == Shape::Mean).then(|| Noise::new(metric == Metric::Tail)),
            metric,
            of_part: false,
            seasonal: Seasonal::new(pull),
            windows: Windows::new(),
            offset: 0.0,
            learned: 0,
            begun: None,
            strictness: 1.0,
            quiet_until: i64::MIN,
            explained: false,
            firing: None,
            ended: None,
            fresh: None,
            now: None,
            standing: None,
        }
    }

    /// A series of a part of the traffic.
    pub(super) fn of_part(metric: Metric) -> Self {
        let whole = Self::new(metric);
        let pull = if whole.metric.shape() == Shape::Mean { 60.0 } else { 150.0 };
        Self { of_part: true, seasonal: Seasonal::of_days(pull), windows: Windows::of_part(), ..whole }
    }

    /// A series of something that never was before, beside others that have been watched.
    pub(super) fn of_new(metric: Metric, beside: &Self, at: Micros) -> Self {
        let mut series = Self::new(metric);
        (series.learned, series.begun) = (beside.learned, beside.begun);
        // It was never taken, as often as the others were.
        series.seasonal.learn(at, 0.0, beside.seasonal.known().clamp(1e-3, 400.0));
        series
    }

    /// Takes the reading of a bucket.
    pub(super) fn observe(
        &mut self,
        bucket: i64,
        at: Micros,
        reading: Reading,
        together: Option<Together>,
        day_off: bool,
    ) {
        let shape = self.metric.shape();
        let value = if shape == Shape::Mean { reading.value.ln() } else { reading.value };
        let of = reading.of as f64;
        let expected = self.seasonal.expected(at, day_off);
        let Some(expected) = expected else {
            let value = if shape == Shape::Share { value / of } else { value };
            let weight = if shape == Shape::Share { of } else { 1.0 };
            self.fresh = Some(Fresh { at, value, weight, deviation: 0.0, of: reading.of });
            return;
        };
        let mut centre = expected.value + self.offset;
        let (sample, reach, fresh);
        match shape {
            Shape::Mean => {
                let Some(noise) = &self.noise else { return };
                let deviation = value - centre;
                let judged = noise.judge(deviation, reading.of);
                let weight = 1.0 / (judged.scale * judged.scale);
                let (seen, information, effect) = match together {
                    Some(parts) => (parts.seen, parts.information, parts.effect),
                    None => (judged.score / judged.scale, weight, judged.residual * weight),
                };
                sample = Sample {
                    bucket,
                    calls: of as f32,
                    seen: seen as f32,
                    information: information as f32,
                    effect: effect as f32,
                    measured: (judged.residual * information) as f32,
                    ..Sample::default()
                };
                let clipped = judged.residual.clamp(-2.5 * judged.scale, 2.5 * judged.scale);
                centre += noise.bias(reading.of);
                reach = 3.0 * judged.scale;
                fresh = Fresh { at, value: expected.value + clipped, weight, deviation, of: reading.of };
            }
            Shape::Share => {
                let share = centre.clamp(*SHARES.start(), *SHARES.end());
                centre = share;
                reach = 3.0 * (share * (1.0 - share) / of).sqrt();
                sample = Sample {
                    bucket,
                    calls: of as f32,
                    seen: value as f32,
                    expected: together.map_or(of * share, |parts| parts.expected / parts.calls * of) as f32,
                    information: of as f32,
                    ..Sample::default()
                };
                let clipped = (value / of).clamp(share - reach - 0.5 / of, share + reach + 0.5 / of);
                fresh = Fresh { at, value: clipped - self.offset, weight: of, deviation: 0.0, of: reading.of };
            }
            Shape::Count => {
                let count = centre.max(0.02);
                reach = 3.0 * count.sqrt();
                sample = Sample {
                    bucket,
                    calls: value.max(count) as f32,
                    seen: value as f32,
                    expected: count as f32,
                    information: 1.0,
                    ..Sample::default()
                };
                fresh = Fresh { at, value: value.min(2.0 * count + 6.0), weight: 1.0, deviation: 0.0, of: reading.of };
            }
        }
        self.now = Some(Now { expected: centre, reach, step: expected.step });
        self.windows.push(sample);
        self.fresh = Some(fresh);
        let (samples, calls) = match shape {
            Shape::Mean if self.of_part => (3, 6.0),
            Shape::Share if self.of_part => (2, 4.0),
            Shape::Mean => (2, 8.0),
            Shape::Share => (2, 6.0),
            Shape::Count => (12, 20.0),
        };
        self.standing = self.windows.judge(shape, samples, calls, expected.weight);
    }

    /// Learns the last reading; to be left out while something is wrong.
    pub(super) fn learn(&mut self) {
        let Some(fresh) = self.fresh.take() else { return };
        self.begun.get_or_insert(fresh.at);
        self.learned = self.learned.saturating_add(1);
        self.seasonal.learn(fresh.at, fresh.value, fresh.weight);
        if self.learned > 1
            && let Some(noise) = &mut self.noise
        {
            noise.learn(fresh.deviation, fresh.of);
        }
        if self.learned > 60 {
            self.windows.learn();
        }
    }

    /// Forgets the last buckets, not what is normal.
    pub(super) fn clear(&mut self) {
        self.windows.clear();
        self.standing = None;
    }

    /// Passes over the last reading.
    pub(super) fn forget(&mut self) {
        self.fresh = None;
    }

    /// Whether there is a new reading.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh.is_some()
    }

    /// By how much thresholds are raised while little is known; `None` while nothing is judged.
    pub(super) fn caution(&self, at: Micros) -> Option<f64> {
        let days = (at - self.begun?) as f64 / DAY as f64;
        match days {
            _ if self.learned < 60 || days < 1.0 => None,
            ..3.0 => Some(1.5),
            ..8.0 => Some(1.2),
            _ => Some(1.0),
        }
    }

    /// How far the window that stands out most is beyond the threshold: 1 is at it. Never mind whether the effect matters.
    pub(super) fn judge(&self, at: Micros, strictness: f64) -> Option<(f64, Outstanding)> {
        let caution = self.caution(at)?;
        let found = self.standing?;
        let threshold = self.metric.threshold() * caution * strictness * self.strictness;
        // Less than usual is rarely a fault; two buckets are hardly a level; what takes half an hour to show is not so large that it
        // must be told at once; and over hours what is normal wanders.
        let fewer = self.metric.shape() == Shape::Mean && found.score < 0.0;
        let length = match found.sums.samples {
            ..3 => 1.1,
            3..=6 => 1.0,
            7..=10 => 1.1,
            _ => 1.2,
        };
        let doubt = if fewer { 1.3 } else { 1.0 } * length;
        Some((found.score.abs() / (threshold * doubt), found))
    }

    /// Whether an effect over a window matters.
    pub(super) fn matters(&self, sums: &Sums) -> bool {
        let shape = self.metric.shape();
        let expected = if sums.calls > 0.0 { sums.expected / sums.calls } else { 0.0 };
        let enough = !matches!(self.metric, Metric::Errors | Metric::RateLimits) || sums.seen >= 3.0;
        // What the parts say together may be large where all calls have hardly moved: then the part tells it.
        let enough = enough && (!matches!(self.metric, Metric::Choice(_)) || choice::matters(sums));
        enough && self.metric.matters(sums.size(shape), expected) && self.metric.matters(sums.measured(shape), expected)
    }

    /// Whether an anomaly takes the series back to where it was before a new normal.
    pub(super) fn is_back(&self, sums: &Sums) -> bool {
        let size = sums.size(self.metric.shape());
        self.offset != 0.0 && (size + self.offset).abs() < 0.5 * self.offset.abs()
    }

    /// Value, expectation and band of a window, in the metric's unit.
    pub(super) fn band(&self, sums: &Sums) -> (f64, f64, f64, f64) {
        let unit = self.metric.unit();
        let Some(now) = self.now else { return (0.0, 0.0, 0.0, 0.0) };
        let size = sums.measured(self.metric.shape());
        let narrow = (sums.samples.max(1) as f64).sqrt();
        match self.metric.shape() {
            Shape::Mean => {
                let of = |x: f64| (now.expected + x).exp() * unit;
                let reach = now.reach / narrow.min(3.0);
                (of(size), of(0.0), of(-reach), of(reach))
            }
            Shape::Share => {
                let expected = sums.expected / sums.calls.max(1.0);
                let reach = 3.0 * (expected * (1.0 - expected) / sums.calls.max(1.0)).sqrt();
                (expected + size, expected, (expected - reach).max(0.0), (expected + reach).min(1.0))
            }
            Shape::Count => {
                let expected = sums.expected;
                let reach = 3.0 * expected.sqrt();
                (sums.seen, expected, (expected - reach).max(0.0), expected + reach)
            }
        }
    }

    /// What is usual at a time and its reach to either side, in the space of the baseline, for a value of `of` calls over so many
    /// buckets; `shift` moves the level. As [`Series::observe`] expects of a bucket.
    pub(super) fn usual(&self, at: Micros, of: u64, buckets: f64, shift: f64) -> Option<(f64, f64)> {
        let centre = self.seasonal.expected(at, false)?.value + self.offset + shift;
        Some(match self.metric.shape() {
            Shape::Mean => {
                let noise = self.noise.as_ref()?;
                (centre + noise.bias(of), 3.0 * noise.judge(0.0, of).scale)
            }
            Shape::Share => {
                let share = centre.clamp(*SHARES.start(), *SHARES.end());
                (share, 3.0 * (share * (1.0 - share) / of.max(1) as f64).sqrt())
            }
            Shape::Count => {
                let count = centre.max(0.02) * buckets;
                (count, 3.0 * count.sqrt())
            }
        })
    }

    /// How much is expected of a bucket at a time; `None` while that hour of such a day has not been seen.
    pub(super) fn expected_of_hour(&self, at: Micros) -> Option<f64> {
        let expected = self.seasonal.expected(at, false)?;
        (expected.step != Step::All).then_some(expected.value + self.offset)
    }
}
