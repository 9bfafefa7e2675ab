//! Draws of the distributions that traffic follows. The same seed gives the same draws.

use std::f64::consts::TAU;

use weir_core::id::{SpanId, TraceId};
use weir_core::time::Micros;

/// A generator from a seed.
pub(super) struct Chance(fastrand::Rng);

impl Chance {
    /// One of several independent generators of a seed.
    pub(super) fn new(seed: u64, which: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ which))
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.f64()
    }

    /// A whole number below a bound; 0 where that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.usize(0..bound.max(1))
    }

    pub(super) fn happens(&mut self, p: f64) -> bool {
        self.0.f64() < p
    }

    /// Standard normal, by Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.0.f64()).ln()).sqrt();
        radius * (TAU * self.0.f64()).cos()
    }

    /// Log-normal with median 1.
    pub(super) fn spread(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal()).exp()
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

    /// One of some texts; nothing where there is none.
    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    /// 16 bytes that begin with the time, as ids of Weir's own do, so that rows of one time lie together.
    pub(super) fn id(&mut self, at: Micros) -> [u8; 16] {
        let mut id = [0; 16];
        let ms = u64::try_from(at / 1_000).unwrap_or_default().to_be_bytes();
        for (to, from) in id.iter_mut().zip(&ms[2..]) {
            *to = *from;
        }
        self.0.fill(&mut id[6..]);
        // The version and the variant of UUIDv7.
        id[6] = 0x70 | (id[6] & 0x0F);
        id[8] = 0x80 | (id[8] & 0x3F);
        id
    }

    pub(super) fn span_id(&mut self, at: Micros) -> SpanId {
        SpanId(self.id(at))
    }

    pub(super) fn trace_id(&mut self, at: Micros) -> TraceId {
        TraceId(self.id(at))
    }

    /// So many hex digits, at most 16.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        let mut text = format!("{:016x}", self.0.u64(..));
        text.truncate(digits);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_draws_and_another_one_others() {
        let draws = |seed, which| {
            let mut chance = Chance::new(seed, which);
            (chance.hex(16), chance.poisson(3.0), chance.poisson(80.0), chance.id(1_700_000_000_000_000))
        };
        assert_eq!(draws(1, 0), draws(1, 0));
        assert_ne!(draws(1, 0), draws(2, 0));
        assert_ne!(draws(1, 0), draws(1, 1));
    }

    #[test]
    fn ids_sort_by_time() {
        let mut chance = Chance::new(7, 0);
        let ids: Vec<_> = (1..100).map(|second| chance.id(second * 1_000_000)).collect();
        assert!(ids.is_sorted());
    }
}
