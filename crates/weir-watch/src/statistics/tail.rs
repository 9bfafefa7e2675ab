//! How rare a value is among those that came before it: a conformal p-value with a tail that goes on past the history.

use std::collections::VecDeque;

/// The last values of a score, in order of arrival and of size. Memory is bounded by the capacity; a value costs a binary search
/// and a move within a few kilobytes.
///
/// The p-value is the smoothed share of past values that are at least as large (Vovk, Gammerman and Shafer 2005). It cannot be
/// below `1 / (n + 1)`, which would make the largest of a week and a catastrophe alike; past the largest tenth an exponential tail
/// with the mean excess of that tenth goes on (the peaks-over-threshold method, with the shape that a light tail has).
#[derive(Clone, Debug)]
pub struct Tail {
    capacity: usize,
    arrived: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl Tail {
    /// Remembers the last `capacity` values, at least 1.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), arrived: VecDeque::new(), sorted: Vec::new() }
    }

    /// How many values it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrived.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrived.is_empty()
    }

    /// Adds a value; the oldest leaves when there is no room. What is not a number is left out.
    pub fn push(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        if self.arrived.len() == self.capacity
            && let Some(old) = self.arrived.pop_front()
        {
            let at = self.sorted.partition_point(|v| *v < old);
            self.sorted.remove(at);
        }
        let at = self.sorted.partition_point(|v| *v < value);
        self.sorted.insert(at, value);
        self.arrived.push_back(value);
    }

    /// The `q`-quantile (0 to 1), without interpolation.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        self.sorted.get((q.clamp(0.0, 1.0) * last as f64).round() as usize).copied()
    }

    /// `ln P(X ≥ value)` as the history has it; 0 for what is not a number or without history.
    #[must_use]
    pub fn ln_p(&self, value: f64) -> f64 {
        let n = self.sorted.len();
        if n == 0 || value.is_nan() {
            return 0.0;
        }
        let least = self.sorted.partition_point(|v| *v < value);
        let ranked = ((n - least + 1) as f64 / (n + 1) as f64).ln();
        let top = (n / 10).max(1);
        let Some((threshold, above)) = self.sorted.get(n - top..).and_then(|s| s.split_first()) else { return ranked };
        if value <= *threshold || above.is_empty() {
            return ranked;
        }
        let excess = above.iter().map(|v| v - threshold).sum::<f64>() / above.len() as f64;
        let share = (top as f64 / (n + 1) as f64).ln();
        let beyond = if excess > 0.0 { share - (value - threshold) / excess } else { ranked };
        // Inside the history the ranks know better than a fitted curve.
        if least < n { ranked } else { beyond.min(ranked) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(n: usize) -> Tail {
        let mut tail = Tail::new(n);
        for i in 0..n {
            tail.push(((i * 37) % n) as f64);
        }
        tail
    }

    #[test]
    fn the_p_value_is_the_share_that_is_as_large() {
        let tail = uniform(99);
        assert!((tail.ln_p(-1.0).exp() - 1.0).abs() < 1e-12);
        assert!((tail.ln_p(49.0).exp() - 0.51).abs() < 1e-12);
        assert!((tail.ln_p(98.0).exp() - 0.02).abs() < 1e-12);
    }

    #[test]
    fn beyond_the_history_rarer_is_rarer_still() {
        let tail = uniform(99);
        assert!(tail.ln_p(120.0) < tail.ln_p(99.0));
        assert!(tail.ln_p(1000.0) < -100.0);
        assert_eq!(tail.ln_p(f64::NAN), 0.0);
    }

    #[test]
    fn the_oldest_leaves() {
        let mut tail = Tail::new(3);
        for v in [1.0, 2.0, 2.0, f64::NAN, 9.0, 8.0] {
            tail.push(v);
        }
        assert_eq!((tail.len(), tail.quantile(0.0), tail.quantile(1.0)), (3, Some(2.0), Some(9.0)));
    }

    #[test]
    fn a_constant_history_makes_no_p_value_below_its_count() {
        let mut tail = Tail::new(100);
        for _ in 0..99 {
            tail.push(5.0);
        }
        assert_eq!(tail.ln_p(5.0), 0.0);
        assert!((tail.ln_p(6.0).exp() - 0.01).abs() < 1e-12);
    }
}
