//! Sums over calls: what a store counts of a stretch of time, and what the watch is fed.

use crate::sketch::Sketch;
use crate::time::Micros;

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
    /// Times to the first token, microseconds, of streamed calls; empty where only sums are known.
    pub ttft: Sketch,
    /// Completion tokens a second of each answered call; empty where only sums are known.
    pub output_rate: Sketch,
    /// Logarithms of the prompt's tokens, of calls that have any.
    pub prompt_logs: LogSum,
    /// Logarithms of the answer's tokens, of calls that have any.
    pub completion_logs: LogSum,
    /// Logarithms of the cost in nano-dollars, of calls that cost anything.
    pub cost_logs: LogSum,
}

/// How many figures above zero there were, and the sum of their natural logarithms: their geometric mean, which one huge call
/// moves little. Whole millionths, so that sums are exact in any order and can be taken away again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSum {
    /// Figures.
    pub count: u64,
    /// Sum of `ln x`, millionths.
    pub micros: i64,
}

impl LogSum {
    /// That of one figure; of nothing where it is not above zero.
    #[must_use]
    pub fn of(figure: f64) -> Self {
        if figure > 0.0 && figure.is_finite() {
            Self { count: 1, micros: (figure.ln() * 1e6).round() as i64 }
        } else {
            Self::default()
        }
    }

    /// Adds the figures of another.
    pub fn add(&mut self, more: Self) {
        self.count = self.count.saturating_add(more.count);
        self.micros = self.micros.saturating_add(more.micros);
    }

    /// Takes figures away that were added before.
    pub fn take_away(&mut self, less: Self) {
        self.count = self.count.saturating_sub(less.count);
        self.micros = self.micros.saturating_sub(less.micros);
    }

    /// The mean logarithm; `None` of nothing.
    #[must_use]
    pub fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.micros as f64 / 1e6 / self.count as f64)
    }
}

/// Completion tokens a second of one answered call; `None` where it has no tokens or took no time.
#[must_use]
pub fn output_rate(completion_tokens: u64, latency_us: Micros) -> Option<f64> {
    (completion_tokens > 0 && latency_us > 0).then(|| completion_tokens as f64 * 1e6 / latency_us as f64)
}

impl CallSums {
    /// Adds the calls of another sum. Sums saturate.
    pub fn add(&mut self, more: &Self) {
        self.numbers(more, u64::saturating_add);
        self.cost = self.cost.saturating_add(more.cost);
        self.latency.merge(&more.latency);
        self.ttft.merge(&more.ttft);
        self.output_rate.merge(&more.output_rate);
        self.prompt_logs.add(more.prompt_logs);
        self.completion_logs.add(more.completion_logs);
        self.cost_logs.add(more.cost_logs);
    }

    /// Takes calls away that were added before.
    pub fn take_away(&mut self, less: &Self) {
        self.numbers(less, u64::saturating_sub);
        self.cost = self.cost.saturating_sub(less.cost);
        self.latency.subtract(&less.latency);
        self.ttft.subtract(&less.ttft);
        self.output_rate.subtract(&less.output_rate);
        self.prompt_logs.take_away(less.prompt_logs);
        self.completion_logs.take_away(less.completion_logs);
        self.cost_logs.take_away(less.cost_logs);
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

    #[test]
    fn the_mean_of_logarithms_is_that_of_the_geometric_mean() {
        let mut sum = LogSum::default();
        for figure in [100.0, 1_000.0, 10_000.0, 0.0] {
            sum.add(LogSum::of(figure));
        }
        assert!(sum.count == 3 && (sum.mean().unwrap().exp() - 1_000.0).abs() < 0.01, "{sum:?}");
        for figure in [100.0, 1_000.0, 10_000.0] {
            sum.take_away(LogSum::of(figure));
        }
        assert_eq!((sum, sum.mean()), (LogSum::default(), None));
    }
}
