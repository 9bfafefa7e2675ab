//! How much the mean of a few calls varies by chance, and how rare a deviation is.
//!
//! What is judged is a mean of logarithms: its variance is that of one call by the number of calls, and more where calls of a
//! bucket go together. So the variance of one call is learned by classes of `n` (powers of two), and for quantiles of few calls
//! the bias too. What is left is ranked among what was seen before and becomes the normal score of its rank, `z = Φ⁻¹(F(r))`:
//! whatever the tail of tokens or latencies is, `z` has none.

use serde::{Deserialize, Serialize};

const CLASSES: usize = 9;
const BINS: usize = 64;
/// Half of the range that the histogram covers, in scales.
const REACH: f64 = 6.0;
/// Weight of the logistic distribution that stands for what was never seen.
const PRIOR: f64 = 25.0;
/// Largest score.
const MOST: f64 = 4.0;
/// When a bin counts more than this, all are halved.
const MOST_SEEN: u16 = 4_000;
/// Weight of what fewer calls say, in buckets.
const BELIEVED: f32 = 30.0;
const UNSEEN: Class = Class { seen: 0.0, bias: 0.0, variance: 0.8 };
/// No mean is known better than this.
const LEAST_SCALE: f64 = 0.03;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Class {
    seen: f32,
    bias: f32,
    /// Of one call: the variance of the mean of `n` times `n`.
    variance: f32,
}

impl Class {
    fn scale(&self, n: u64) -> f64 {
        (f64::from(self.variance) / n.max(1) as f64).sqrt().max(LEAST_SCALE)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Noise {
    /// Whether what is judged is biased where calls are few.
    biased: bool,
    classes: [Class; CLASSES],
    /// Scores of few calls, and of more.
    ranks: [Vec<u16>; 3],
}

/// A deviation as noise sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Deviation {
    /// Without the bias of its class.
    pub(super) residual: f64,
    /// The scale of its class.
    pub(super) scale: f64,
    /// Normal score of its rank.
    pub(super) score: f64,
}

fn class(n: u64) -> usize {
    (n.max(1).ilog2() as usize).min(CLASSES - 1)
}

fn ranks_of(class: usize) -> usize {
    match class {
        0 | 1 => 0,
        2 | 3 => 1,
        _ => 2,
    }
}

impl Noise {
    pub(super) fn new(biased: bool) -> Self {
        Self { biased, classes: [UNSEEN; CLASSES], ranks: std::array::from_fn(|_| vec![0; BINS]) }
    }

    /// Judges the deviation of a mean of `n` calls from what is expected, both logarithms.
    pub(super) fn judge(&self, deviation: f64, n: u64) -> Deviation {
        let place = class(n);
        let of = self.class(place);
        let scale = of.scale(n);
        let residual = deviation - f64::from(of.bias);
        let standard = residual / scale;
        let ranks = self.ranks.get(ranks_of(place)).map_or(&[][..], Vec::as_slice);
        let bin = bin(standard);
        let total = |counts: &[u16]| counts.iter().map(|count| u32::from(*count)).sum::<u32>();
        let (before, own) = (ranks.get(..bin).unwrap_or_default(), ranks.get(bin).copied().unwrap_or_default());
        let (below, all) = (f64::from(total(before)) + 0.5 * f64::from(own), f64::from(total(ranks)));
        let prior = 1.0 / (1.0 + (-1.702 * standard).exp());
        let rank = (below + PRIOR * prior) / (all + PRIOR);
        let score = probit(rank).clamp(-MOST, MOST);
        Deviation { residual, scale, score }
    }

    /// A class; of what was hardly ever seen that of fewer calls is believed.
    fn class(&self, place: usize) -> Class {
        let of = |place: usize| self.classes.get(place).copied().unwrap_or(UNSEEN);
        let mut believed = of(0);
        for place in 1..=place {
            let own = of(place);
            let by = own.seen / (own.seen + BELIEVED);
            let mix = |own: f32, fewer: f32| by * own + (1.0 - by) * fewer;
            let (bias, variance) = (mix(own.bias, believed.bias), mix(own.variance, believed.variance));
            believed = Class { seen: own.seen, bias, variance };
        }
        believed
    }

    /// The bias of the logarithm of a mean of `n` calls.
    pub(super) fn bias(&self, n: u64) -> f64 {
        f64::from(self.class(class(n)).bias)
    }

    /// Learns from a deviation. Residuals count at most three scales.
    pub(super) fn learn(&mut self, deviation: f64, n: u64) {
        let place = class(n);
        let Some(of) = self.classes.get_mut(place) else { return };
        of.seen += 1.0;
        let rate = 1.0 / (f64::from(of.seen) + 8.0).min(3_000.0);
        let scale = of.scale(n);
        let residual = deviation - f64::from(of.bias);
        let clipped = residual.clamp(-3.0 * scale, 3.0 * scale);
        if self.biased {
            of.bias += (rate * clipped) as f32;
        }
        of.variance += (rate * (1.03 * clipped * clipped * n.max(1) as f64 - f64::from(of.variance))) as f32;
        if let Some(count) = self.ranks.get_mut(ranks_of(place)).and_then(|ranks| ranks.get_mut(bin(residual / scale)))
        {
            *count += 1;
            if *count > MOST_SEEN {
                for count in self.ranks.iter_mut().flatten() {
                    *count /= 2;
                }
            }
        }
    }
}

fn bin(standard: f64) -> usize {
    (((standard + REACH) / (2.0 * REACH) * BINS as f64).max(0.0) as usize).min(BINS - 1)
}

/// `Φ⁻¹(p)`, to 5e-4 (Abramowitz and Stegun 26.2.23).
fn probit(p: f64) -> f64 {
    let tail = p.min(1.0 - p).max(1e-12);
    let t = (-2.0 * tail.ln()).sqrt();
    let upper =
        t - (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    if p < 0.5 { -upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_the_normal_is_that_of_the_tables() {
        for (p, z) in [(0.5, 0.0), (0.841_344_7, 1.0), (0.022_750_1, -2.0), (0.999_968_3, 4.0)] {
            assert!((probit(p) - z).abs() < 1e-3, "{p}: {}", probit(p));
        }
    }

    #[test]
    fn the_bias_of_few_calls_is_learned_apart() {
        let mut noise = Noise::new(true);
        for turn in 0..2_000 {
            let by = if turn % 2 == 0 { 0.1 } else { -0.1 };
            noise.learn(-0.3 + by, 1);
            noise.learn(by, 16);
        }
        assert!((noise.bias(1) + 0.3).abs() < 0.02 && noise.bias(16).abs() < 0.02);
        assert!(noise.judge(-0.3, 1).score.abs() < 1.0);
        assert!(noise.judge(-0.6, 16).score < -2.5);
    }

    #[test]
    fn a_tail_that_was_seen_is_not_rare() {
        let mut noise = Noise::new(false);
        for turn in 0..4_000 {
            // One in ten is far out on one side.
            noise.learn(if turn % 10 == 0 { 2.0 } else { f64::from(turn % 7) * 0.02 }, 8);
        }
        let (up, down) = (noise.judge(2.0, 8).score, noise.judge(-2.0, 8).score);
        assert!(up < 2.0 && down < -2.5, "{up} {down}");
    }
}
