//! How much traffic there is: silence, and days that are none of work.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::series::Firing;

/// Buckets that say whether a day is off.
const RECENT: usize = 96;
/// Buckets that say whether there is a rush.
const RUSH: usize = 12;
/// So many calls must be missing before silence is one: the probability of none is `e^-14` then, were calls independent.
const MISSED: f64 = 14.0;
/// And in so many buckets.
const EMPTY: u32 = 3;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Volume {
    /// Calls and what was expected.
    recent: VecDeque<(f32, f32)>,
    /// Empty buckets in a row and what was expected of them.
    pub(super) empty: u32,
    pub(super) missed: f64,
    /// What was expected of them, before it was lowered to what there was lately.
    pub(super) expected: f64,
    pub(super) silence: Option<Box<Firing>>,
}

impl Volume {
    pub(super) fn push(&mut self, calls: u64, expected: Option<f64>) {
        let expected = expected.unwrap_or(0.0).max(0.0);
        if calls == 0 {
            let level = self.level();
            self.empty += 1;
            self.missed += expected * level;
            self.expected += expected;
        } else {
            (self.empty, self.missed, self.expected) = (0, 0.0, 0.0);
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((calls as f32, expected as f32));
    }

    /// Calls by what was expected, before the empty buckets of now; at most 1.
    fn level(&self) -> f64 {
        let (calls, expected) = self.sums(self.empty as usize, 36);
        if expected < 3.0 { 1.0 } else { ((calls + 0.5) / expected).clamp(0.02, 1.0) }
    }

    fn sums(&self, skipped: usize, buckets: usize) -> (f64, f64) {
        self.recent
            .iter()
            .rev()
            .skip(skipped)
            .take(buckets)
            .fold((0.0, 0.0), |sum, (calls, expected)| (sum.0 + f64::from(*calls), sum.1 + f64::from(*expected)))
    }

    /// Whether there is silence where there should be traffic.
    pub(super) fn is_silent(&self) -> bool {
        self.empty >= EMPTY && self.missed >= MISSED
    }

    /// Whether there is so much more traffic than expected that it is another time: with so many more calls the same is seen as early
    /// at a higher threshold.
    pub(super) fn is_rush(&self) -> bool {
        let (calls, expected) = self.sums(0, RUSH);
        expected >= 5.0 && calls > 1.5 * expected + 3.0 * expected.sqrt()
    }

    /// Whether there is so little traffic that it must be a day off: then what is expected is that of a weekend.
    pub(super) fn is_day_off(&self) -> bool {
        let (calls, expected) = self.sums(self.empty as usize, RECENT);
        expected >= 15.0 && calls < 0.65 * expected && self.empty < 6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(calls: u64, buckets: usize) -> Volume {
        let mut volume = Volume::default();
        for _ in 0..buckets {
            volume.push(calls, Some(5.0));
        }
        volume
    }

    #[test]
    fn silence_is_what_misses_many_calls() {
        let mut volume = fed(5, 100);
        volume.push(0, Some(5.0));
        volume.push(0, Some(5.0));
        assert!(!volume.is_silent());
        volume.push(0, Some(5.0));
        assert!(volume.is_silent());
        volume.push(1, Some(5.0));
        assert!(!volume.is_silent());
    }

    #[test]
    fn twice_the_calls_are_a_rush_and_a_busy_bucket_is_none() {
        let mut volume = fed(5, 100);
        volume.push(15, Some(5.0));
        assert!(!volume.is_rush());
        for _ in 0..12 {
            volume.push(10, Some(5.0));
        }
        assert!(volume.is_rush());
        assert!(!fed(6, 100).is_rush());
    }

    #[test]
    fn a_night_and_a_day_off_are_no_silence() {
        let mut night = fed(5, 100);
        for _ in 0..60 {
            night.push(0, Some(0.1));
        }
        assert!(!night.is_silent());
        let mut off = fed(1, 100);
        assert!(off.is_day_off());
        for _ in 0..8 {
            off.push(0, Some(5.0));
        }
        assert!(!off.is_silent(), "{off:?}");
    }
}
