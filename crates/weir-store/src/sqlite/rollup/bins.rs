//! Latency sketches of many cells, added up in place: what a query over tens of thousands of cells spends its time on.
//!
//! A sketch's bins 0 to 2,047 (1 µs to 18,000 years) are counted in an array; a sketch with others, which no recorded
//! latency has, is kept apart as a [`Sketch`]. Invariant, property-tested: the same quantiles as the merged sketches.

use std::sync::LazyLock;

use weir_core::sketch::{MAX_BINS, Sketch};
use weir_core::varint::{put, take};

/// The array grows by so many bins.
const STEP: usize = 64;

/// What each bin answers for.
static VALUES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let value = |index: usize| {
        let mut bytes = vec![HEADER];
        put(&mut bytes, (index as u64) << 2 | 1);
        Sketch::decode(&bytes).and_then(|s| s.quantile(0.5)).unwrap_or_default()
    };
    (0..MAX_BINS).map(value).collect()
});

/// First byte of a stored sketch without and with a count of zeros: see `weir_core::sketch::bytes`.
const HEADER: u8 = 2;
const HEADER_WITH_ZEROS: u8 = 3;

/// A sum of sketches.
#[derive(Clone, Debug, Default)]
pub(in crate::sqlite) struct Bins {
    total: u64,
    zeros: u64,
    /// Index of the first of `counts`.
    first: usize,
    counts: Vec<u64>,
    /// Single values, and sketches that do not fit.
    apart: Sketch,
}

impl Bins {
    /// Adds one value.
    pub(in crate::sqlite) fn add_value(&mut self, value: f64) {
        self.apart.add(value);
    }

    /// Adds a stored sketch. `false`, and nothing is changed, when the bytes are none.
    #[must_use]
    pub(in crate::sqlite) fn add_encoded(&mut self, bytes: &[u8]) -> bool {
        self.add_fitting(bytes) || self.apart.merge_encoded(bytes)
    }

    /// Adds another sum.
    pub(in crate::sqlite) fn add(&mut self, other: &Self) {
        if !other.counts.is_empty() {
            self.reach(other.first, other.first + other.counts.len() - 1);
            let counts = self.counts.iter_mut().skip(other.first - self.first);
            for (sum, n) in counts.zip(&other.counts) {
                *sum = sum.saturating_add(*n);
            }
        }
        self.zeros = self.zeros.saturating_add(other.zeros);
        self.total = self.total.saturating_add(other.total);
        self.apart.merge(&other.apart);
    }

    /// Empties it and keeps its room.
    pub(in crate::sqlite) fn clear(&mut self) {
        self.counts.fill(0);
        (self.total, self.zeros) = (0, 0);
        self.apart = Sketch::new();
    }

    /// Values at ascending quantiles, in one pass.
    pub(in crate::sqlite) fn quantiles<const N: usize>(&mut self, at: [f64; N]) -> [Option<f64>; N] {
        if !self.apart.is_empty() {
            let apart = std::mem::take(&mut self.apart);
            if !self.add_fitting(&apart.encode()) {
                let mut all = self.sketch();
                all.merge(&apart);
                self.apart = apart;
                return at.map(|q| all.quantile(q));
            }
        }
        if self.total == 0 {
            return [None; N];
        }
        let mut bins = self.counts.iter().zip(VALUES.iter().skip(self.first));
        let (mut seen, mut value) = (self.zeros, 0.0);
        at.map(|q| {
            let rank = ((q.clamp(0.0, 1.0) * (self.total - 1) as f64) as u64).min(self.total - 1);
            while seen <= rank {
                let Some((count, answer)) = bins.next() else { break };
                seen = seen.saturating_add(*count);
                value = *answer;
            }
            Some(value)
        })
    }

    /// All of it as one sketch.
    pub(in crate::sqlite) fn whole(&self) -> Sketch {
        let mut all = if self.total == 0 { Sketch::new() } else { self.sketch() };
        all.merge(&self.apart);
        all
    }

    /// Adds a stored sketch, unless it has a bin outside of the array or the bytes are none.
    fn add_fitting(&mut self, bytes: &[u8]) -> bool {
        let mut total = 0u64;
        let read = each_bin(bytes, |index, count| {
            total = total.saturating_add(count);
            let at = index.wrapping_sub(self.first);
            if let Some(sum) = self.counts.get_mut(at) {
                *sum = sum.saturating_add(count);
            } else {
                self.reach(index, index);
                if let Some(sum) = self.counts.get_mut(index - self.first) {
                    *sum = count;
                }
            }
        });
        match read {
            Ok(zeros) => {
                self.zeros = self.zeros.saturating_add(zeros);
                self.total = self.total.saturating_add(zeros).saturating_add(total);
                true
            }
            Err(mut added) => {
                // Take back what was added before it was seen.
                let _unfit = each_bin(bytes, |index, count| {
                    if added > 0
                        && let Some(sum) = self.counts.get_mut(index.wrapping_sub(self.first))
                    {
                        *sum = sum.saturating_sub(count);
                        added -= 1;
                    }
                });
                false
            }
        }
    }

    /// Makes room for bins.
    fn reach(&mut self, low: usize, high: usize) {
        let (low, end) = (low - low % STEP, high - high % STEP + STEP);
        if self.counts.is_empty() {
            self.first = low;
        }
        if low < self.first {
            self.counts.splice(0..0, std::iter::repeat_n(0, self.first - low));
            self.first = low;
        }
        if end > self.first + self.counts.len() {
            self.counts.resize(end - self.first, 0);
        }
    }

    /// The array as a sketch.
    fn sketch(&self) -> Sketch {
        let mut bytes = vec![HEADER_WITH_ZEROS];
        put(&mut bytes, self.zeros);
        let mut previous = None;
        for (index, count) in (self.first as u64..).zip(&self.counts).filter(|(_, count)| **count > 0) {
            let step = previous.map_or(index << 1, |p| index - p - 1);
            put(&mut bytes, step << 1 | u64::from(*count == 1));
            if *count > 1 {
                put(&mut bytes, count - 2);
            }
            previous = Some(index);
        }
        Sketch::decode(&bytes).unwrap_or_default()
    }
}

/// Reads a stored sketch; gives its zeros, or how many bins were read when there is one outside of the array or the
/// bytes are none.
#[inline]
fn each_bin(bytes: &[u8], mut each: impl FnMut(usize, u64)) -> Result<u64, usize> {
    let (&header, mut rest) = bytes.split_first().ok_or(0usize)?;
    let zeros = match header {
        HEADER => 0,
        HEADER_WITH_ZEROS => take(&mut rest).ok_or(0usize)?,
        _ => return Err(0),
    };
    let (mut next, mut read) = (0, 0);
    while !rest.is_empty() {
        let word = take(&mut rest).ok_or(read)?;
        let mut step = word >> 1;
        if read == 0 {
            // The first is a zigzag number; odd ones are negative.
            step = if step & 1 == 0 { step >> 1 } else { return Err(read) };
        }
        if step >= MAX_BINS as u64 || next + step as usize >= MAX_BINS {
            return Err(read);
        }
        let index = next + step as usize;
        let count = if word & 1 == 1 { 1 } else { take(&mut rest).and_then(|n| n.checked_add(2)).ok_or(read)? };
        each(index, count);
        read += 1;
        next = index + 1;
    }
    Ok(zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: [f64; 3] = [0.5, 0.95, 0.99];

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![9 => (0u64..100_000_000).prop_map(|n| n as f64), 1 => 1e-6..1e19f64, 1 => Just(0.0)]
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_merged_sketches(
            parts in prop::collection::vec((any::<u8>(), prop::collection::vec(value(), 0..60)), 1..8),
        ) {
            let (mut all, mut bins, mut other) = (Sketch::new(), Bins::default(), Bins::default());
            for (how, values) in &parts {
                let sketch: Sketch = values.iter().copied().collect();
                all.merge(&sketch);
                let to = if how & 1 == 0 { &mut bins } else { &mut other };
                if how & 2 == 0 {
                    prop_assert!(to.add_encoded(&sketch.encode()));
                } else {
                    values.iter().for_each(|v| to.add_value(*v));
                }
                if how & 4 == 0 {
                    to.quantiles(AT);
                }
            }
            bins.add(&other);
            prop_assert_eq!(bins.quantiles(AT), AT.map(|q| all.quantile(q)));
            bins.clear();
            prop_assert_eq!(bins.quantiles(AT), [None; 3]);
        }

        #[test]
        fn takes_what_a_sketch_takes(bytes in prop::collection::vec(any::<u8>(), 0..40), first in 2u8..4) {
            let bytes = [&[first], bytes.as_slice()].concat();
            let mut bins = Bins::default();
            let sketch = Sketch::decode(&bytes);
            prop_assert_eq!(bins.add_encoded(&bytes), sketch.is_some());
            prop_assert_eq!(bins.quantiles(AT), AT.map(|q| sketch.as_ref().and_then(|s| s.quantile(q))));
        }
    }
}
