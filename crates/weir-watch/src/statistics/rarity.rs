//! How rare a value is among those that came before it: a conformal p-value with a tail that goes on past the history.
//!
//! The values are counted in bins of equal ratio (6 %), so that memory is constant (4 KB), a value costs a fraction of a
//! microsecond, and neither the unit nor the shape of the values has to be known. The p-value is the share of past values that
//! are at least as large (Vovk, Gammerman and Shafer 2005). By itself it cannot be below `1 / (n + 1)`, which would make the
//! largest of a week and a catastrophe alike; beyond the largest twentieth a generalised Pareto tail goes on, fitted by moments
//! (Pickands 1975; Hosking and Wallis 1987): `ξ = (1 − m²/s²) / 2`, `β = m (1 − ξ)`, `P(X > u + y) = P(X > u) (1 + ξ y/β)^(−1/ξ)`.

const BINS: usize = 1024;
/// Bins are also counted in blocks, so that no sum is long.
const BLOCK: usize = 32;
/// Bins for each factor of e.
const PER_E: f64 = 16.0;
/// The bin of the first value that is not zero: room for e⁻³⁸ below it and e²⁵ above.
const FIRST: f64 = 614.0;
/// With fewer values nothing is said.
const LEAST: f64 = 20.0;
/// The tail is fitted anew after so many values.
const REFIT: u32 = 16;
/// A heavier tail would have no variance, and could not be fitted by moments.
const XI_MAX: f64 = 0.4;
/// Nothing is rarer than 10 to the minus this.
const RAREST: f64 = 15.0;

/// The history of a score that is never negative.
#[derive(Clone, Debug)]
pub struct Rarity {
    counts: Vec<f32>,
    blocks: Vec<f32>,
    total: f64,
    memory: f64,
    unit: f64,
    until_refit: u32,
    tail: Tail,
}

/// Of the values above `threshold`, which is in the bin `bin`. No tail when `beta` is zero.
#[derive(Clone, Debug, Default)]
struct Tail {
    bin: usize,
    threshold: f64,
    /// −log₁₀ of the share of values above the threshold.
    share: f64,
    xi: f64,
    beta: f64,
}

impl Rarity {
    /// Counts up to `memory` values alike; then what is old is halved, so that a new normal is learned.
    #[must_use]
    pub fn new(memory: u32) -> Self {
        let memory = f64::from(memory.max(64));
        Self {
            counts: vec![0.0; BINS],
            blocks: vec![0.0; BINS / BLOCK],
            total: 0.0,
            memory,
            unit: 0.0,
            until_refit: 0,
            tail: Tail::default(),
        }
    }

    /// `−log₁₀ P(X ≥ value)` by the history alone, then the value joins it. 0 for what is not a number or not positive, and
    /// while there is too little history; at most 15.
    pub fn push(&mut self, value: f64) -> f64 {
        if value.is_nan() {
            return 0.0;
        }
        let rarity = self.of(value);
        if self.unit <= 0.0 && value > 0.0 {
            self.unit = value.min(f64::MAX);
        }
        let bin = self.bin(value);
        for (counts, at) in [(&mut self.counts, bin), (&mut self.blocks, bin / BLOCK)] {
            if let Some(count) = counts.get_mut(at) {
                *count += 1.0;
            }
        }
        self.total += 1.0;
        if self.total > self.memory {
            self.counts.iter_mut().chain(&mut self.blocks).for_each(|c| *c *= 0.5);
            self.total *= 0.5;
        }
        rarity
    }

    fn of(&mut self, value: f64) -> f64 {
        if self.total < LEAST || value <= 0.0 {
            return 0.0;
        }
        if self.until_refit == 0 {
            self.until_refit = REFIT;
            self.tail = self.fit();
        }
        self.until_refit -= 1;
        let bin = self.bin(value);
        // Nothing positive has come yet: all of the history is below.
        let at_least = if self.unit > 0.0 { self.above(bin) } else { 0.0 };
        let ranked = ((self.total + 1.0) / (at_least + 1.0)).log10();
        let Tail { bin: start, threshold, share, xi, beta } = self.tail;
        if beta <= 0.0 || bin <= start {
            return ranked;
        }
        let y = value - threshold;
        let beyond = share
            + if xi < 1e-6 {
                y / beta * std::f64::consts::LOG10_E
            } else {
                (xi * y / beta).ln_1p() * std::f64::consts::LOG10_E / xi
            };
        // Within the history the ranks may not be exceeded, past it not fallen short of.
        let rarity = if at_least > 0.0 { ranked.min(beyond) } else { ranked.max(beyond) };
        rarity.min(RAREST)
    }

    fn above(&self, bin: usize) -> f64 {
        let block = bin / BLOCK + 1;
        let sum = |counts: Option<&[f32]>| counts.unwrap_or_default().iter().map(|c| f64::from(*c)).sum::<f64>();
        sum(self.counts.get(bin..block * BLOCK)) + sum(self.blocks.get(block..))
    }

    fn bin(&self, value: f64) -> usize {
        if value <= 0.0 || self.unit <= 0.0 {
            return 0;
        }
        // The cast saturates.
        (((value / self.unit).ln() * PER_E + FIRST) as usize).clamp(1, BINS - 1)
    }

    fn value(&self, bin: usize) -> f64 {
        if bin == 0 { 0.0 } else { ((bin as f64 + 0.5 - FIRST) / PER_E).exp() * self.unit }
    }

    fn fit(&self) -> Tail {
        let wanted = (self.total / 20.0).max(10.0);
        let mut reached = 0.0;
        let mut bin = BINS - 1;
        for (at, count) in self.counts.iter().enumerate().rev() {
            reached += f64::from(*count);
            bin = at;
            if reached >= wanted {
                break;
            }
        }
        let threshold = self.value(bin);
        let (mut n, mut m, mut m2) = (0.0, 0.0, 0.0);
        for (at, count) in self.counts.iter().enumerate().skip(bin + 1).filter(|(_, c)| **c > 0.0) {
            let (count, excess) = (f64::from(*count), self.value(at) - threshold);
            n += count;
            m += count * excess;
            m2 += count * excess * excess;
        }
        if n < 3.0 {
            return Tail { bin, threshold, ..Tail::default() };
        }
        m /= n;
        let variance = (m2 / n - m * m).max(0.0);
        let xi = if variance > 0.0 { (0.5 * (1.0 - m * m / variance)).clamp(0.0, XI_MAX) } else { 0.0 };
        let beta = m * (1.0 - xi);
        let beta = if beta.is_finite() { beta } else { 0.0 };
        Tail { bin, threshold, share: ((self.total + 1.0) / n).log10(), xi, beta }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.1, 0.2, … 99.9 in a mixed order.
    fn uniform() -> Rarity {
        let mut history = Rarity::new(5000);
        for i in 1..1000u32 {
            history.push(f64::from(i * 37 % 1000) / 10.0);
        }
        history
    }

    #[test]
    fn it_is_the_share_that_is_as_large() {
        assert!((uniform().push(50.0) - 2f64.log10()).abs() < 0.03);
        assert!((uniform().push(90.0) - 1.0).abs() < 0.3);
        assert_eq!(uniform().push(0.0), 0.0);
        assert_eq!(uniform().push(f64::NAN), 0.0);
    }

    #[test]
    fn past_the_history_farther_is_rarer() {
        let (near, far) = (uniform().push(120.0), uniform().push(200.0));
        assert!(near >= 3.0 && far > near && far < 15.0, "{near} {far}");
        assert_eq!(uniform().push(f64::INFINITY), 15.0);
    }

    #[test]
    fn the_unit_does_not_matter() {
        for unit in [1e-200, 1e-3, 1e6, 1e250] {
            let mut history = Rarity::new(5000);
            for i in 1..1000u32 {
                history.push(f64::from(i * 37 % 1000) / 10.0 * unit);
            }
            assert!((history.push(130.0 * unit) - uniform().push(130.0)).abs() < 0.2, "{unit}");
        }
    }

    #[test]
    fn the_first_value_that_is_not_zero_is_as_rare_as_the_count_allows() {
        let mut zeros = Rarity::new(5000);
        for _ in 0..999 {
            assert_eq!(zeros.push(0.0), 0.0);
        }
        assert!((zeros.push(1e-9) - 3.0).abs() < 1e-9);
        assert!(zeros.push(1e-9) < 3.0);
    }

    #[test]
    fn what_was_normal_once_is_forgotten() {
        let mut history = Rarity::new(100);
        for _ in 0..1000 {
            history.push(100.0);
        }
        for _ in 0..1000 {
            history.push(1.0);
        }
        assert!(history.push(100.0) > 1.5);
    }
}
