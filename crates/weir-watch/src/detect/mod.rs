//! A streaming detector of anomalies in any series of numbers.
//!
//! Six questions are asked of each value, in the series' own unit: how far is it from what the time of day and week let expect,
//! how far are the last dozen such errors on the whole, are the recent values elsewhere than those before, how far is it from the
//! middle of everything, has the recent course been seen before, and for how long have the values stood still. Each answer is turned
//! into `−log₁₀` of how rare it is among the same question's past answers ([`Rarity`](crate::statistics::Rarity)): no scale,
//! distribution or threshold has to be known, and one setting suits all series. They are fused by the root of the sum of their
//! squares, `s`; an onset is told once; the score is `1 − 2^(−s/3.35)`: 0.5 is an alarm.
//!
//! Invariants: a point depends on the values up to its own only. Memory is bounded (about 130 KB), and so is the time of a value.
//! Nothing is configured, and nothing panics.

mod level;
mod onset;
mod season;
mod shape;
mod shift;
mod still;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use weir_core::time::Micros;

use crate::statistics::{Moments, Rarity};
use level::Level;
use onset::Onset;
use season::{SHORT, Season};
use shape::Shape;
use shift::Shift;
use still::Still;

/// Values to which a rarity refers; beyond, what is old counts half.
const MEMORY: u32 = 8000;
/// Nothing is an anomaly among so few values.
const LEARNING: u64 = 60;
/// The fused strength that is told with a score of 0.5.
const ALARM: f64 = 3.35;
/// The band is so many mean absolute errors wide on either side: 3.2 standard deviations where errors are normal.
const BAND: f64 = 4.0;
/// An error counts at most so many mean errors for the band, so that an anomaly does not widen it.
const CLIP: f64 = 6.0;
/// Differences below this share of the largest value are rounding.
const ROUNDING: f64 = 1e-12;

/// From this score on a point is an alarm.
pub const THRESHOLD: f64 = 0.5;

/// What the detector says of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// 0 to 1; from [`THRESHOLD`] on an alarm. 0 while the series is being learned and for a value that is missing.
    pub anomaly_score: f64,
    /// What was expected, before the value was known; `None` before the first value.
    pub expected: Option<f64>,
    /// The lower end of the expected band; `None` while it is not known.
    pub lower: Option<f64>,
    /// The upper end of the expected band.
    pub upper: Option<f64>,
}

/// The detector of one series.
#[derive(Clone, Debug)]
pub struct Detector {
    count: u64,
    time: Micros,
    largest: f64,
    season: Season,
    shape: Shape,
    shift: Shift,
    level: Level,
    still: Still,
    residuals: VecDeque<f64>,
    error: Moments,
    forecast: Option<f64>,
    rarities: [Rarity; 6],
    onset: Onset,
}

impl Detector {
    /// That of a series nothing is known of.
    #[must_use]
    pub fn new() -> Self {
        Self {
            count: 0,
            time: Micros::MIN,
            largest: 0.0,
            season: Season::new(),
            shape: Shape::new(),
            shift: Shift::new(),
            level: Level::new(),
            still: Still::new(),
            residuals: VecDeque::with_capacity(SHORT),
            error: Moments::fading(300.0),
            forecast: None,
            rarities: std::array::from_fn(|_| Rarity::new(MEMORY)),
            onset: Onset::default(),
        }
    }

    /// Takes the next value. A time before the last one counts as the last one's. A value that is not finite is missing: nothing
    /// is learned from it, and its score is 0.
    pub fn push(&mut self, time: Micros, value: f64) -> Point {
        self.time = self.time.max(time);
        if !value.is_finite() {
            return self.point(0.0, self.forecast);
        }
        self.largest = self.largest.max(value.abs());
        let expected = self.season.push(self.time, value);
        let forecast = expected.map(|e| e.best);
        let residual = match expected {
            Some(e) if e.possible => e.season.map(|s| value - s),
            Some(e) => Some(value - e.best),
            None => None,
        };
        let rounding = ROUNDING * self.largest;
        let real = |answer: f64| if answer < rounding { 0.0 } else { answer };
        let answers = [
            real(self.shape.push(value)),
            real(residual.map_or(f64::NAN, f64::abs)),
            real(self.smoothed(residual)),
            real(self.shift.push(value)),
            real(self.level.push(value)),
            self.still.push(value),
        ];
        let squares: f64 =
            self.rarities.iter_mut().zip(answers).map(|(rarity, answer)| rarity.push(answer).powi(2)).sum();
        let told = if self.count < LEARNING { 0.0 } else { self.onset.push(squares.sqrt()) };
        let point = self.point(1.0 - (-told / ALARM).exp2(), forecast);
        self.count = self.count.saturating_add(1);
        self.forecast = forecast;
        if let Some(forecast) = forecast {
            let off = (value - forecast).abs();
            let usual = self.error.mean();
            self.error.push(if self.error.count() < 10.0 || usual == 0.0 { off } else { off.min(CLIP * usual) });
        }
        point
    }

    /// The last residuals on the whole.
    fn smoothed(&mut self, residual: Option<f64>) -> f64 {
        let Some(residual) = residual else { return f64::NAN };
        if self.residuals.len() == SHORT {
            self.residuals.pop_front();
        }
        self.residuals.push_back(residual);
        if self.residuals.len() < SHORT {
            return f64::NAN;
        }
        (self.residuals.iter().sum::<f64>() / SHORT as f64).abs()
    }

    fn point(&self, anomaly_score: f64, forecast: Option<f64>) -> Point {
        let finite = |v: f64| Some(v).filter(|v| v.is_finite());
        let half = finite(BAND * self.error.mean()).filter(|_| self.error.count() >= 2.0);
        Point {
            anomaly_score,
            expected: forecast.and_then(finite),
            lower: forecast.zip(half).and_then(|(f, h)| finite(f - h)),
            upper: forecast.zip(half).and_then(|(f, h)| finite(f + h)),
        }
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}
