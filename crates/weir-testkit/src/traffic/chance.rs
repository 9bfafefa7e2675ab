//! Random numbers of the distributions that traffic follows.

use std::f64::consts::TAU;

/// A generator from a seed.
#[derive(Clone)]
pub(super) struct Chance(fastrand::Rng);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.f64()
    }

    pub(super) fn whole(&mut self, range: std::ops::Range<usize>) -> usize {
        self.0.usize(range)
    }

    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.0.f64() < p
    }

    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.0.f64()).ln()).sqrt();
        radius * (TAU * self.0.f64()).cos()
    }

    /// Log-normal with median 1; one in fifty of a tail three times as wide when `heavy`.
    pub(super) fn spread(&mut self, sigma: f64, heavy: f64) -> f64 {
        let wide = if self.chance(heavy) { 2.5 } else { 1.0 };
        (sigma * wide * self.normal()).exp()
    }

    /// Poisson: by multiplication below 30, by the normal above.
    pub(super) fn poisson(&mut self, mean: f64) -> usize {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as usize;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.0.f64(), 0);
        while product > limit {
            product *= self.0.f64();
            count += 1;
        }
        count
    }

    /// The place of one of the weights.
    pub(super) fn pick(&mut self, weights: &[f64]) -> usize {
        let mut at = self.0.f64() * weights.iter().sum::<f64>();
        for (place, weight) in weights.iter().enumerate() {
            at -= weight;
            if at < 0.0 {
                return place;
            }
        }
        weights.len().saturating_sub(1)
    }
}
