//! Count, mean and spread of a sample in one pass.
//!
//! Source: Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 4(3), 1962;
//! merging: Chan, Golub, `LeVeque`, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.

/// Count, mean and sum of squared deviations of the values that were added. Unit-free.
///
/// Numbers that are not finite are ignored, so that one of them cannot spoil the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    /// Sum of the squared deviations from the mean ("M2").
    squares: f64,
    /// Whether every value was 0 or 1, so that the mean is a share.
    share: bool,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0, share: true }
    }
}

impl Moments {
    /// Of no value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one value.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        self.share &= value == 0.0 || value == 1.0;
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let apart = other.mean - self.mean;
        self.count += other.count;
        self.mean += apart * theirs / (ours + theirs);
        self.squares += other.squares + apart * apart * ours * theirs / (ours + theirs);
        self.share &= other.share;
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Their variance (divided by n - 1); `None` with fewer than two values.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).max(0.0))
    }

    /// Whether there are values and every one was 0 or 1.
    #[must_use]
    pub fn is_share(&self) -> bool {
        self.share && self.count > 0
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Self::new();
        values.into_iter().for_each(|value| moments.add(value));
        moments
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn golden_moments() {
        // numpy: x = [3.1, 4.7, 1e9, 2.0]; mean 250000002.45, var(ddof=1) 2.4999999836666662e+17
        let moments: Moments = [3.1, 4.7, 1e9, 2.0].into_iter().collect();
        assert_eq!(moments.count(), 4);
        assert!((moments.mean().unwrap() - 250_000_002.45).abs() < 1e-6);
        assert!((moments.variance().unwrap() / 2.499_999_983_666_666_2e17 - 1.0).abs() < 1e-12);
        assert!(!moments.is_share());
    }

    #[test]
    fn what_is_not_known_is_none() {
        let none = Moments::new();
        assert_eq!((none.count(), none.mean(), none.variance(), none.is_share()), (0, None, None, false));
        let one: Moments = [f64::NAN, 1.0, f64::INFINITY].into_iter().collect();
        assert_eq!((one.count(), one.mean(), one.variance(), one.is_share()), (1, Some(1.0), None, true));
    }

    proptest! {
        #[test]
        fn merged_parts_equal_one_pass(values in prop::collection::vec(-1e6..1e6f64, 0..60), cut in 0usize..60) {
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged: Moments = left.iter().copied().collect();
            merged.merge(&right.iter().copied().collect());
            let whole: Moments = values.iter().copied().collect();
            prop_assert_eq!((merged.count(), merged.is_share()), (whole.count(), whole.is_share()));
            let near = |a: Option<f64>, b: Option<f64>, scale: f64| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * scale,
                (a, b) => a == b,
            };
            prop_assert!(near(merged.mean(), whole.mean(), 1e6));
            prop_assert!(near(merged.variance(), whole.variance(), 1e12));
        }
    }
}
