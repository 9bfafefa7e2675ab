//! A histogram of microseconds with buckets of at most 1/128 relative width.

/// Values below this have buckets of their own; above, each power of two is divided in this many halves.
const LINEAR: u64 = 256;
const SUB_BITS: u32 = 7;

/// Counts of microsecond values, log-linear: exact below 256 us, within 0.8 % above.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

fn bucket(value: u64) -> usize {
    if value < LINEAR {
        return value as usize;
    }
    let exponent = value.ilog2() - SUB_BITS;
    let sub = (value >> exponent) - (1 << SUB_BITS);
    (LINEAR + u64::from(exponent - 1) * (1 << SUB_BITS) + sub) as usize
}

/// The largest value of a bucket.
fn highest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < LINEAR {
        return bucket;
    }
    let exponent = (bucket - LINEAR) / (1 << SUB_BITS) + 1;
    let sub = (bucket - LINEAR) % (1 << SUB_BITS);
    ((sub + 1 + (1 << SUB_BITS)) << exponent) - 1
}

impl Histogram {
    /// Counts one value in microseconds.
    pub fn record(&mut self, value: u64) {
        let at = bucket(value);
        if at >= self.buckets.len() {
            self.buckets.resize(at + 1, 0);
        }
        self.buckets[at] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.buckets.len() > self.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, others) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += others;
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    /// The value below which `share` (0 to 1) of the values lie; 0 when there are none.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return highest(at).min(self.max);
            }
        }
        0
    }

    /// Mean of the values.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }

    /// Largest value.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_are_narrow() {
        let mut last = 0;
        for value in (0..70_000).chain((17..40).map(|bits| 1_u64 << bits)).chain([u64::from(u32::MAX)]) {
            let at = bucket(value);
            assert!(at >= last || value > 70_000 || at == last + 1, "{value}");
            last = at;
            assert!(value <= highest(at), "{value}");
            assert!(at == 0 || value > highest(at - 1), "{value}");
            assert!(highest(at) as f64 <= value as f64 * 1.008, "{value} {}", highest(at));
        }
    }

    #[test]
    fn quantiles_of_merged_counts() {
        let (mut a, mut b) = (Histogram::default(), Histogram::default());
        (1..=50).for_each(|value| a.record(value));
        (51..=100).for_each(|value| b.record(value));
        b.record(1_000_000);
        a.merge(&b);
        assert_eq!((a.quantile(0.5), a.quantile(0.99), a.quantile(1.0)), (51, 100, 1_000_000));
        assert_eq!((a.count(), a.max()), (101, 1_000_000));
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }
}
