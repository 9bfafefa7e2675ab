//! Synthetic LLM traffic with incidents whose truth is known, to judge detectors of anomalies by.
//!
//! Five weeks of a project in buckets of five minutes, call by call from a seed: departments with rhythms of their own,
//! heavy-tailed tokens and latencies, growth, a holiday, a deployment, one huge request, a time of doubled traffic; and in
//! it incidents that a detector ought to find. Knows nothing of Weir: whoever judges turns [`Figures`] into its own form.

mod call;
mod chance;
mod generate;
mod incident;
mod profile;

use std::collections::BTreeMap;

pub use generate::project;
pub use incident::{Incident, Kind};
pub use profile::Conditions;

/// Buckets of a day.
pub const DAY: usize = 288;
/// Buckets of a project: five weeks.
pub const BUCKETS: usize = 35 * DAY;
/// Width of a bucket, seconds.
pub const WIDTH_S: i64 = 300;
/// Start of the first bucket, seconds since the epoch: Monday 2026-06-01 00:00 UTC.
pub const START_S: i64 = 1_780_272_000;
/// What calls can be told apart by.
pub const DIMENSIONS: [&str; 6] = ["model", "provider", "prompt_version", "department", "branch", "status"];

/// Sums over some calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Calls.
    pub calls: u64,
    /// Failed, but not for a rate limit.
    pub errors: u64,
    /// Refused for a rate limit.
    pub rate_limited: u64,
    /// Answered from the cache.
    pub cache_hits: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Completion tokens.
    pub completion_tokens: u64,
    /// Nano-dollars.
    pub cost: i64,
    /// Sum of latencies, microseconds.
    pub latency_us: u64,
    /// Logarithms of prompt tokens.
    pub prompt_logs: Logs,
    /// Logarithms of completion tokens.
    pub completion_logs: Logs,
    /// Logarithms of cost in nano-dollars.
    pub cost_logs: Logs,
}

/// Sum of natural logarithms, of the calls that have any of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Logs {
    /// Calls.
    pub count: u64,
    /// Sum, millionths.
    pub micros: i64,
}

impl Logs {
    /// Of one call; of none where it has none of it.
    pub(crate) fn of(figure: f64) -> Self {
        if figure > 0.0 { Self { count: 1, micros: (figure.ln() * 1e6).round() as i64 } } else { Self::default() }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.micros += other.micros;
    }
}

impl Figures {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.rate_limited += other.rate_limited;
        self.cache_hits += other.cache_hits;
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cost += other.cost;
        self.latency_us += other.latency_us;
        self.prompt_logs.add(other.prompt_logs);
        self.completion_logs.add(other.completion_logs);
        self.cost_logs.add(other.cost_logs);
    }
}

/// A bucket of a project.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// All calls.
    pub total: Figures,
    /// The latency of each call, microseconds.
    pub latencies: Vec<u64>,
    /// Per dimension, in the order of [`DIMENSIONS`]: the figures of each value.
    pub by: [BTreeMap<String, Figures>; 6],
    /// The same of latencies, microseconds.
    pub latencies_by: [BTreeMap<String, Vec<u64>>; 6],
    /// `(node, target)` and how often it was taken.
    pub branches: BTreeMap<(String, String), u64>,
}

/// A project and what is true of it.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// One after the other, [`BUCKETS`] of them.
    pub slices: Vec<Slice>,
    /// What ought to be found, in the order of time.
    pub incidents: Vec<Incident>,
    /// What must not alarm: its name and its buckets.
    pub harmless: Vec<(&'static str, std::ops::Range<usize>)>,
}

#[cfg(test)]
mod tests;
