//! Mergeable quantile sketch with a relative error of at most 1 %: `DDSketch`.
//!
//! Source: Masson, Rim, Lee, "`DDSketch`: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees",
//! PVLDB 12(12), 2019. With `γ = (1 + α) / (1 - α)`, a value `x` falls into the bin `i = ⌈log_γ x⌉`, which covers
//! `(γ^(i-1), γ^i]` and answers for all of it with `2γ^i / (γ + 1)`: never further than `α·x` from `x`.
//!
//! Invariants: bins are sorted by index, hold a count above 0 and are at most [`MAX_BINS`]. When there would be more,
//! all below the [`MAX_BINS`] highest fold into the lowest that is kept, so the low quantiles lose accuracy first; at
//! 1 % that takes values more than 17 orders of magnitude apart. What is kept depends only on the values, so the order
//! of adding and merging never matters.

use std::cmp::Ordering;

mod bytes;

/// Most bins a sketch holds.
pub const MAX_BINS: usize = 2_048;

/// Guaranteed relative accuracy α of a quantile.
pub const ACCURACY: f64 = 0.01;

/// `γ = (1 + α) / (1 - α)`: the ratio of the bounds of one bin.
const GAMMA: f64 = (1.0 + ACCURACY) / (1.0 - ACCURACY);

/// `ln γ = 2·artanh(α)`, written out because `ln` is not a `const fn`; a test compares it.
const LN_GAMMA: f64 = 0.020_000_666_706_669_435;

/// Values below this count as zero; in microseconds a femtosecond.
const SMALLEST: f64 = 1e-9;

/// One bin: how many values `x` have `⌈log_γ x⌉` = `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bin {
    index: i32,
    count: u64,
}

/// Counts of values by logarithmic bin. Unit-free; Weir stores latencies in microseconds.
///
/// Counts saturate at `u64::MAX`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    zero: u64,
    bins: Vec<Bin>,
}

impl Sketch {
    /// An empty sketch; allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { zero: 0, bins: Vec::new() }
    }

    /// Adds one value. Negative values count as 0, NaN is ignored.
    pub fn add(&mut self, value: f64) {
        self.add_n(value, 1);
    }

    /// Adds a value `n` times.
    pub fn add_n(&mut self, value: f64, n: u64) {
        if n == 0 || value.is_nan() {
            return;
        }
        if value < SMALLEST {
            self.zero = self.zero.saturating_add(n);
        } else {
            self.add_bin(Bin { index: index_of(value), count: n });
            self.collapse();
        }
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.zero = self.zero.saturating_add(other.zero);
        if self.bins.is_empty() {
            self.bins.extend_from_slice(&other.bins);
        } else if other.bins.len() <= 4 {
            for bin in &other.bins {
                self.add_bin(*bin);
            }
        } else {
            self.merge_bins(&other.bins);
        }
        self.collapse();
    }

    /// Takes the values of `other` away: undoes [`Sketch::merge`] exactly, unless bins had collapsed in between.
    /// A count that would fall below 0 stays 0.
    pub fn subtract(&mut self, other: &Self) {
        self.zero = self.zero.saturating_sub(other.zero);
        let mut theirs = other.bins.iter().peekable();
        self.bins.retain_mut(|bin| {
            while theirs.next_if(|b| b.index < bin.index).is_some() {}
            if let Some(b) = theirs.next_if(|b| b.index == bin.index) {
                bin.count = bin.count.saturating_sub(b.count);
            }
            bin.count > 0
        });
    }

    /// How many values were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.iter().fold(self.zero, |sum, bin| sum.saturating_add(bin.count))
    }

    /// Whether no value was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.zero == 0 && self.bins.is_empty()
    }

    /// The value of rank `⌊q·(count - 1)⌋` (0 the smallest), within 1 %; `q` is clamped to 0..=1. `None` when empty or
    /// when `q` is NaN.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 || q.is_nan() {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * (count - 1) as f64) as u64).min(count - 1);
        let mut seen = self.zero;
        if rank < seen {
            return Some(0.0);
        }
        for bin in &self.bins {
            seen = seen.saturating_add(bin.count);
            if rank < seen {
                return Some(value_of(bin.index));
            }
        }
        self.bins.last().map(|bin| value_of(bin.index))
    }

    /// The mean natural logarithm of the values above zero but the `skipped` smallest of all: that of their geometric mean, within
    /// 1 %. `None` where nothing is left.
    #[must_use]
    pub fn mean_log(&self, skipped: u64) -> Option<f64> {
        let mut skipped = skipped.saturating_sub(self.zero);
        let (mut count, mut sum) = (0.0, 0.0);
        for bin in &self.bins {
            let left = bin.count.saturating_sub(skipped);
            skipped = skipped.saturating_sub(bin.count);
            count += left as f64;
            sum += left as f64 * f64::from(bin.index);
        }
        (count > 0.0).then(|| sum / count * LN_GAMMA + (2.0 / (GAMMA + 1.0)).ln())
    }

    /// How many values are above this one: those of its own bin, within 1 % of it, are not.
    #[must_use]
    pub fn count_above(&self, value: f64) -> u64 {
        if value < SMALLEST {
            return self.count().saturating_sub(self.zero);
        }
        let own = index_of(value);
        self.bins.iter().filter(|bin| bin.index > own).fold(0, |sum, bin| sum.saturating_add(bin.count))
    }

    /// Adds to one bin, in its place; does not collapse.
    fn add_bin(&mut self, new: Bin) {
        match self.bins.binary_search_by_key(&new.index, |bin| bin.index) {
            Ok(at) => {
                if let Some(bin) = self.bins.get_mut(at) {
                    bin.count = bin.count.saturating_add(new.count);
                }
            }
            Err(at) => self.bins.insert(at, new),
        }
    }

    /// Merges sorted bins in linear time; does not collapse.
    fn merge_bins(&mut self, other: &[Bin]) {
        let mut merged = Vec::with_capacity(self.bins.len() + other.len());
        let (mut ours, mut theirs) = (self.bins.as_slice(), other);
        while let ([a, rest_a @ ..], [b, rest_b @ ..]) = (ours, theirs) {
            match a.index.cmp(&b.index) {
                Ordering::Less => {
                    merged.push(*a);
                    ours = rest_a;
                }
                Ordering::Greater => {
                    merged.push(*b);
                    theirs = rest_b;
                }
                Ordering::Equal => {
                    merged.push(Bin { index: a.index, count: a.count.saturating_add(b.count) });
                    (ours, theirs) = (rest_a, rest_b);
                }
            }
        }
        merged.extend_from_slice(ours);
        merged.extend_from_slice(theirs);
        self.bins = merged;
    }

    /// Folds the lowest bins together until [`MAX_BINS`] are left.
    fn collapse(&mut self) {
        let Some(excess) = self.bins.len().checked_sub(MAX_BINS).filter(|n| *n > 0) else {
            return;
        };
        let folded = self.bins.drain(..excess).fold(0u64, |sum, bin| sum.saturating_add(bin.count));
        if let Some(lowest) = self.bins.first_mut() {
            lowest.count = lowest.count.saturating_add(folded);
        }
    }
}

impl Extend<f64> for Sketch {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        for value in values {
            self.add(value);
        }
    }
}

impl FromIterator<f64> for Sketch {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sketch = Self::new();
        sketch.extend(values);
        sketch
    }
}

/// The bin of a value of at least [`SMALLEST`]; infinity goes with the largest number.
fn index_of(value: f64) -> i32 {
    (value.min(f64::MAX).ln() / LN_GAMMA).ceil() as i32
}

/// The value that answers for a bin: at most α away from both of its bounds.
fn value_of(index: i32) -> f64 {
    2.0 * (f64::from(index) * LN_GAMMA).exp() / (GAMMA + 1.0)
}

#[cfg(test)]
mod tests;
