//! Mean and variance on the way, over everything or with a memory that fades.

use serde::{Deserialize, Serialize};

/// Mean and variance of a stream (Welford 1962; West 1979 for the fading one). A memory of `n` weighs every value alike until `n`
/// have come and then the newest by `1 / n`, so that the beginning is not biased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    memory: f64,
    weight: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of everything that comes.
    #[must_use]
    pub fn new() -> Self {
        Self::fading(f64::INFINITY)
    }

    /// Of about the last `memory` values.
    #[must_use]
    pub fn fading(memory: f64) -> Self {
        Self { memory: memory.max(1.0), weight: 0.0, mean: 0.0, variance: 0.0 }
    }

    /// Takes a value. What is not finite changes nothing.
    pub fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.weight = (self.weight + 1.0).min(self.memory);
        let share = 1.0 / self.weight;
        let off = value - self.mean;
        self.mean += share * off;
        self.variance = (1.0 - share) * (share * off).mul_add(off, self.variance);
    }

    /// How many values it stands for, at most the memory.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.weight
    }

    /// The mean; 0 before any value.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance, divided by the count.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// The standard deviation.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.variance.sqrt()
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_fading_they_are_those_of_all_values() {
        let mut all = Moments::new();
        for v in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, f64::NAN] {
            all.push(v);
        }
        assert!((all.mean() - 5.0).abs() < 1e-12);
        assert!((all.deviation() - 2.0).abs() < 1e-12);
        assert_eq!(all.count(), 8.0);
    }

    #[test]
    fn a_new_level_is_learned_within_the_memory() {
        let mut recent = Moments::fading(10.0);
        for _ in 0..100 {
            recent.push(1.0);
        }
        assert_eq!(recent.variance(), 0.0);
        for _ in 0..50 {
            recent.push(3.0);
        }
        assert!((recent.mean() - 3.0).abs() < 0.02, "{}", recent.mean());
        assert_eq!(recent.count(), 10.0);
    }
}
