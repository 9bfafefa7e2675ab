//! How far a value is from the middle of everything that came before.

use crate::statistics::median;

/// Values kept at most; beyond, every second is dropped and the rest stands for twice as long.
const KEPT: usize = 512;
/// The median is taken again after so many kept values.
const AFRESH: usize = 8;

/// The running median of a thinned history: every `stride`-th value is kept.
#[derive(Clone, Debug)]
pub(super) struct Level {
    kept: Vec<f64>,
    stride: u64,
    seen: u64,
    scratch: Vec<f64>,
    median: Option<f64>,
}

impl Level {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), stride: 1, seen: 0, scratch: Vec::new(), median: None }
    }

    /// The distance to the median of the values before; then the value joins them.
    pub(super) fn push(&mut self, value: f64) -> f64 {
        let distance = self.median.map_or(f64::NAN, |m| (value - m).abs());
        if self.seen.is_multiple_of(self.stride) {
            if self.kept.len() >= KEPT {
                let mut at = 0;
                self.kept.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.stride = self.stride.saturating_mul(2);
            }
            self.kept.push(value);
            if self.kept.len() < 64 || self.kept.len().is_multiple_of(AFRESH) {
                self.scratch.clone_from(&self.kept);
                self.median = median(&mut self.scratch);
            }
        }
        self.seen = self.seen.wrapping_add(1);
        distance
    }
}
