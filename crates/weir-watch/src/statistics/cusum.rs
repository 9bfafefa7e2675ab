//! The two-sided CUSUM chart: a shift of the mean that is too small for one value to show.
//!
//! `S⁺ ← max(0, S⁺ + z − k)`, `S⁻ ← max(0, S⁻ − z − k)`; a shift is said when one exceeds `h`, and its onset is the value after
//! the last at which that sum was zero (Page 1954). With `b = h + 1.166` the mean run to a false alarm is
//! `(e^{2kb} − 2kb − 1) / (2k²)` for one side (Siegmund 1985), half of that for two: about 9,600 values for `k = 0.5, h = 8`.

use serde::{Deserialize, Serialize};

/// The chart. Fed with standardised values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    k: f64,
    h: f64,
    clip: f64,
    up: f64,
    down: f64,
    count: u64,
    up_since: u64,
    down_since: u64,
}

/// A shift of the mean that the chart has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Whether the mean has risen.
    pub up: bool,
    /// How many values ago it began; 0 is the value just fed.
    pub age: u64,
}

impl Cusum {
    /// `k`: half of the shift to find, in standard deviations. `h`: the bound of the sums. A value counts at most `clip` scales,
    /// so that a single one cannot be a shift.
    #[must_use]
    pub fn new(k: f64, h: f64, clip: f64) -> Self {
        Self { k, h, clip, up: 0.0, down: 0.0, count: 0, up_since: 0, down_since: 0 }
    }

    /// Takes a standardised value. After a shift the chart begins anew. What is not a number changes nothing.
    pub fn push(&mut self, z: f64) -> Option<Shift> {
        if z.is_nan() {
            return None;
        }
        let z = z.clamp(-self.clip, self.clip);
        let index = self.count;
        self.count += 1;
        if self.up == 0.0 {
            self.up_since = index;
        }
        if self.down == 0.0 {
            self.down_since = index;
        }
        self.up = (self.up + z - self.k).max(0.0);
        self.down = (self.down - z - self.k).max(0.0);
        let shift = if self.up > self.h {
            Shift { up: true, age: index - self.up_since }
        } else if self.down > self.h {
            Shift { up: false, age: index - self.down_since }
        } else {
            return None;
        };
        self.reset();
        Some(shift)
    }

    /// The larger of the two sums, positive when it is the one of a rise.
    #[must_use]
    pub fn level(&self) -> f64 {
        if self.up >= self.down { self.up } else { -self.down }
    }

    /// Forgets what has been summed.
    pub fn reset(&mut self) {
        self.up = 0.0;
        self.down = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_shift_is_found_with_its_onset() {
        let mut chart = Cusum::new(0.5, 8.0, 6.0);
        for _ in 0..100 {
            assert_eq!(chart.push(0.2), None);
        }
        let found: Vec<Shift> = (0..6).filter_map(|_| chart.push(-2.0)).collect();
        // Each adds 1.5: the sixth exceeds 8; the first of them was 5 values before.
        assert_eq!(found, [Shift { up: false, age: 5 }]);
    }

    #[test]
    fn a_single_value_is_no_shift() {
        let mut chart = Cusum::new(0.5, 8.0, 6.0);
        assert_eq!(chart.push(f64::INFINITY), None);
        assert_eq!(chart.push(f64::NAN), None);
        assert!((chart.level() - 5.5).abs() < 1e-12);
        assert_eq!(chart.push(6.0), Some(Shift { up: true, age: 1 }));
        assert_eq!(chart.level(), 0.0);
    }
}
