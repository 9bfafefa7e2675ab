//! Sums over calls: what a store counts of a stretch of time, and what the watch is fed.

use crate::sketch::Sketch;

/// Sums over calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallSums {
    /// Calls.
    pub calls: u64,
    /// Calls that failed, were refused for a rate limit, or were blocked.
    pub errors: u64,
    /// Those of them that met a rate limit.
    pub rate_limited: u64,
    /// Calls answered from the cache.
    pub cache_hits: u64,
    /// All tokens of prompts, cached ones too.
    pub prompt_tokens: u64,
    /// All tokens of answers, reasoning too.
    pub completion_tokens: u64,
    /// Known cost, nano-dollars.
    pub cost: i64,
    /// Calls whose cost is not known.
    pub unpriced: u64,
    /// Sum of latencies, microseconds.
    pub latency_sum_us: u64,
    /// Latencies, microseconds; empty where only sums are known.
    pub latency: Sketch,
}

impl CallSums {
    /// Adds the calls of another sum. Sums saturate.
    pub fn add(&mut self, more: &Self) {
        self.numbers(more, u64::saturating_add);
        self.cost = self.cost.saturating_add(more.cost);
        self.latency.merge(&more.latency);
    }

    /// Takes calls away that were added before.
    pub fn take_away(&mut self, less: &Self) {
        self.numbers(less, u64::saturating_sub);
        self.cost = self.cost.saturating_sub(less.cost);
        self.latency.subtract(&less.latency);
    }

    fn numbers(&mut self, other: &Self, both: impl Fn(u64, u64) -> u64) {
        for (mine, theirs) in [
            (&mut self.calls, other.calls),
            (&mut self.errors, other.errors),
            (&mut self.rate_limited, other.rate_limited),
            (&mut self.cache_hits, other.cache_hits),
            (&mut self.prompt_tokens, other.prompt_tokens),
            (&mut self.completion_tokens, other.completion_tokens),
            (&mut self.unpriced, other.unpriced),
            (&mut self.latency_sum_us, other.latency_sum_us),
        ] {
            *mine = both(*mine, theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_add_up_and_saturate() {
        let of = |calls, cost| CallSums {
            calls,
            cost,
            prompt_tokens: 7,
            latency: std::iter::once(250.0).collect(),
            ..CallSums::default()
        };
        let mut sum = of(u64::MAX - 1, -5);
        sum.add(&of(3, 2));
        assert_eq!((sum.calls, sum.cost, sum.prompt_tokens, sum.latency.count()), (u64::MAX, -3, 14, 2));
    }
}
