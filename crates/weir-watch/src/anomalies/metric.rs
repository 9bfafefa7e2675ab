//! What is measured, and from which effect on a change of it matters.

use serde::{Deserialize, Serialize};
use weir_core::call_sums::{CallSums, LogSum};

use super::choice::Choice;
use super::window::Shape;

/// A metric of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Metric {
    Requests,
    RateLimits,
    Errors,
    CacheHits,
    PromptTokens,
    CompletionTokens,
    Cost,
    Latency,
    /// The 95th percentile of latencies.
    Tail,
    Choice(Choice),
}

/// What a bucket says about a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// A mean in the metric's unit, or a count.
    pub(super) value: f64,
    /// Calls behind the mean, or of which it was counted.
    pub(super) of: u64,
}

impl Metric {
    /// Those every project has; causes come before what they cause.
    pub(super) const OF_CALLS: [Self; 8] = [
        Self::RateLimits,
        Self::Errors,
        Self::CacheHits,
        Self::PromptTokens,
        Self::CompletionTokens,
        Self::Cost,
        Self::Latency,
        Self::Tail,
    ];

    /// Those that are also watched in each part of the traffic. Errors are all that fails there: rate limits are not told apart.
    pub(super) const OF_PARTS: [Self; 5] =
        [Self::Errors, Self::CacheHits, Self::PromptTokens, Self::CompletionTokens, Self::Latency];

    /// Its place in [`Metric::OF_CALLS`].
    pub(super) fn place(&self) -> Option<usize> {
        Self::OF_CALLS.iter().position(|metric| metric == self)
    }

    /// The place of what shows it in [`Metric::OF_PARTS`].
    pub(super) fn place_in_parts(&self) -> Option<usize> {
        let shown = match self {
            Self::RateLimits => &Self::Errors,
            other => other,
        };
        Self::OF_PARTS.iter().position(|metric| metric == shown)
    }

    /// Its name in records.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::RateLimits => "rate_limit_ratio",
            Self::Errors => "error_ratio",
            Self::CacheHits => "cache_hit_ratio",
            Self::PromptTokens => "prompt_tokens_per_call",
            Self::CompletionTokens => "completion_tokens_per_call",
            Self::Cost => "cost_per_call",
            Self::Latency => "latency_p50",
            Self::Tail => "latency_p95",
            Self::Choice(Choice::Branch(_)) => "branch_share",
            Self::Choice(Choice::Model(_)) => "model_share",
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Requests => Shape::Count,
            Self::RateLimits | Self::Errors | Self::CacheHits | Self::Choice(_) => Shape::Share,
            _ => Shape::Mean,
        }
    }

    /// The unit of records: tokens, dollars, milliseconds, ratios.
    pub(super) fn unit(&self) -> f64 {
        match self {
            Self::Cost => 1e-9,
            Self::Latency | Self::Tail => 1e-3,
            _ => 1.0,
        }
    }

    /// Whether what is summed of it are logarithms: of sizes and costs, whose means a single huge call would carry away.
    pub(super) fn is_logarithmic(&self) -> bool {
        matches!(self, Self::PromptTokens | Self::CompletionTokens | Self::Cost)
    }

    /// The numerator and denominator of a cell. Failed calls have no answer, cached ones cost nothing and take no time: what they
    /// are is judged by their own ratios.
    pub(super) fn parts(&self, cell: &CallSums) -> (f64, u64) {
        let answered = cell.calls.saturating_sub(cell.errors);
        match self {
            Self::Requests => (cell.calls as f64, 1),
            Self::RateLimits => (cell.rate_limited as f64, cell.calls),
            Self::Errors => (cell.errors.saturating_sub(cell.rate_limited) as f64, cell.calls),
            Self::CacheHits => (cell.cache_hits as f64, answered),
            Self::PromptTokens => logarithms(cell.prompt_logs),
            Self::CompletionTokens => logarithms(cell.completion_logs),
            Self::Cost => logarithms(cell.cost_logs),
            Self::Latency | Self::Tail => (
                cell.latency_sum_us as f64,
                cell.calls.saturating_sub(cell.cache_hits).saturating_sub(cell.rate_limited),
            ),
            Self::Choice(_) => (0.0, 0),
        }
    }

    /// The reading of a cell; `None` where it says nothing.
    pub(super) fn read(&self, cell: &CallSums) -> Option<Reading> {
        let (sum, of) = self.parts(cell);
        match self.shape() {
            Shape::Count => Some(Reading { value: sum, of: cell.calls }),
            _ if of == 0 => None,
            Shape::Share => Some(Reading { value: sum, of }),
            Shape::Mean => {
                let value = match self {
                    Self::Tail => slow_latency(cell, of)?,
                    Self::Latency => typical_latency(cell, of).unwrap_or(sum / of as f64),
                    _ => (sum / of as f64).exp(),
                };
                (value > 0.0 && value.is_finite()).then_some(Reading { value, of })
            }
        }
    }

    /// The least effect that matters: of means a factor upward and one downward, of shares differences.
    pub(super) fn matters(&self, size: f64, expected: f64) -> bool {
        match self {
            Self::PromptTokens | Self::CompletionTokens => size > 1.2f64.ln() || size < -(1.8f64.ln()),
            Self::Cost => size > 1.35f64.ln(),
            Self::Latency => size > 1.2f64.ln(),
            Self::Tail => size > 1.4f64.ln(),
            Self::RateLimits | Self::Errors => size > 0.03 && size > expected,
            Self::CacheHits => size < -0.06 && size < -0.3 * expected,
            // Further: see `choice`.
            Self::Choice(_) => size.abs() > 0.1,
            Self::Requests => size > 1.6f64.ln() || size < -(2.5f64.ln()),
        }
    }

    /// The score from which on a window is odd. A scan of all series by Benjamini and Hochberg at q = 0.01 would ask for 3.2 of
    /// the smallest p-value; what is asked here is more, because windows of all lengths are looked at every five minutes.
    pub(super) fn threshold(&self) -> f64 {
        match self {
            Self::Requests => 8.0,
            Self::Choice(Choice::Branch(_)) => 4.4,
            Self::Choice(Choice::Model(_)) => 4.4,
            Self::RateLimits | Self::Errors => 3.9,
            // What changes it without the tokens is another price or another model, and both are large.
            Self::Cost => 4.8,
            Self::CacheHits => 4.1,
            Self::Latency => 4.1,
            Self::Tail => 4.6,
            _ => 4.2,
        }
    }
}

fn logarithms(of: LogSum) -> (f64, u64) {
    (of.micros as f64 / 1e6, of.count)
}

/// How many latencies are of calls that were cached or refused: the fastest.
fn skipped(cell: &CallSums, of: u64) -> Option<u64> {
    cell.latency.count().checked_sub(of)
}

/// The geometric mean of the latencies of the others; `None` where latencies are not known.
fn typical_latency(cell: &CallSums, of: u64) -> Option<f64> {
    cell.latency.mean_log(skipped(cell, of)?).map(f64::exp)
}

/// Their 95th percentile.
fn slow_latency(cell: &CallSums, of: u64) -> Option<f64> {
    let rank = (skipped(cell, of)? as f64 + 0.95 * (of - 1) as f64).round();
    let last = cell.latency.count().saturating_sub(1).max(1);
    Some(cell.latency.quantile(rank / last as f64)?.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_calls(prompts: &[f64]) -> CallSums {
        let mut cell = CallSums { calls: prompts.len() as u64, ..CallSums::default() };
        for prompt in prompts {
            cell.prompt_tokens += *prompt as u64;
            cell.prompt_logs.add(LogSum::of(*prompt));
            cell.latency.add(1_000.0 * prompt);
        }
        cell
    }

    #[test]
    fn sizes_and_latencies_are_those_of_a_typical_call() {
        let cell = of_calls(&[100.0, 1_000.0, 10_000.0]);
        let read = |metric: Metric| metric.read(&cell).unwrap();
        assert!((read(Metric::PromptTokens).value - 1_000.0).abs() < 0.01 && read(Metric::PromptTokens).of == 3);
        assert!((read(Metric::Latency).value - 1e6).abs() < 1e4);
    }

    #[test]
    fn calls_without_tokens_are_not_among_them() {
        let reading = Metric::PromptTokens.read(&of_calls(&[500.0, 0.0, 500.0])).unwrap();
        assert!((reading.value - 500.0).abs() < 0.01 && reading.of == 2);
    }

    #[test]
    fn cached_calls_take_no_time() {
        let mut cell = of_calls(&[1_000.0, 1_000.0, 2.0]);
        cell.cache_hits = 1;
        let reading = Metric::Latency.read(&cell).unwrap();
        assert!((reading.value - 1e6).abs() < 1e4 && reading.of == 2, "{reading:?}");
    }

    #[test]
    fn rows_of_before_logarithms_were_kept_say_nothing_of_sizes() {
        let cell = CallSums { prompt_logs: LogSum::default(), ..of_calls(&[500.0, 700.0]) };
        assert!(cell.prompt_tokens > 0);
        assert_eq!(Metric::PromptTokens.read(&cell), None);
    }
}
