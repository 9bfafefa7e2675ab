//! For how long the values have stood still.

use crate::statistics::Moments;

/// A step below this share of the usual step is none.
const STILL: f64 = 0.05;

/// A longer run is no longer: what stays still has become normal, and is not told for ever.
const LONGEST: f64 = 300.0;

/// Counts the values since the last real step.
#[derive(Clone, Debug)]
pub(super) struct Still {
    last: f64,
    steps: Moments,
    run: f64,
}

impl Still {
    pub(super) fn new() -> Self {
        Self { last: f64::NAN, steps: Moments::fading(1000.0), run: 0.0 }
    }

    /// How many values before this one it has hardly differed from.
    pub(super) fn push(&mut self, value: f64) -> f64 {
        let step = (value - self.last).abs();
        self.last = value;
        if step.is_nan() {
            return f64::NAN;
        }
        self.run = if step <= STILL * self.steps.mean() { (self.run + 1.0).min(LONGEST) } else { 0.0 };
        self.steps.push(step);
        self.run
    }
}
