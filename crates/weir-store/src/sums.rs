//! Sums over calls that can be added up further, the values of scores, and what happened to spans: what alert rules, budgets
//! and objectives are judged by.

use weir_core::time::{HOUR, Micros};

use crate::events::{EventQuery, Labelled, ScoreQuery};
use crate::telemetry::{StatsQuery, StoreError};
use weir_core::call_sums::CallSums;

/// The sums of one group, bucket by bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SumGroup {
    /// The value of each `group_by` dimension, in its order; `None` where calls had none.
    pub values: Vec<Option<String>>,
    /// Per bucket that has calls, ascending by start; without a bucket's width one at the start of the range.
    /// `rate_limited` is 0: filter by that status to know it.
    pub cells: Vec<(Micros, CallSums)>,
}

/// Which single figures of calls are wanted beside their sums; of what is not nothing is read, and it stays empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Latencies.
    pub latency: bool,
    /// Times to the first token.
    pub ttft: bool,
    /// Tokens a second.
    pub output_rate: bool,
    /// Logarithms.
    pub logs: bool,
}

impl Detail {
    /// None of them.
    pub const NONE: Self = Self { latency: false, ttft: false, output_rate: false, logs: false };
    /// Latencies alone.
    pub const LATENCIES: Self = Self { latency: true, ..Self::NONE };
    /// All of them.
    pub const ALL: Self = Self { latency: true, ttft: true, output_rate: true, logs: true };
}

/// The groups of calls that have most of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Largest {
    /// The value of each `group_by` dimension, most calls first.
    pub values: Vec<Vec<Option<String>>>,
    /// How many others there are.
    pub others: u64,
}

/// Reads of sums and scores.
pub trait Measured: Send + Sync {
    /// The groups of a query with most calls, at most so many, whatever its buckets.
    ///
    /// # Errors
    /// As [`Measured::call_sums`].
    fn largest_groups(&self, query: &StatsQuery, most: usize) -> Result<Largest, StoreError>;

    /// Sums by group, most calls first, at most 1,000 groups, and `only` those that are named; what is asked for in many
    /// buckets and many groups is held at once, so name them. As [`crate::telemetry::Telemetry::stats`]; with a bucket's
    /// width the answer is exact, but may hold buckets beyond the range. Of calls that an earlier Weir counted latencies alone
    /// are known, of those of the hour and the day in which the store became this one's too.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when the combination can be answered neither from rollups nor from a bounded scan.
    fn call_sums(
        &self,
        query: &StatsQuery,
        detail: Detail,
        only: Option<&[Vec<Option<String>>]>,
    ) -> Result<Vec<SumGroup>, StoreError>;

    /// Scores of a name, in the order of time, true as 1: those that count, see [`weir_core::score::Score::counts`]. The call
    /// of a score that names neither trace nor span but a request is looked for among the newest spans of the range and the
    /// day before it.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when there are more than [`crate::events::MAX_VALUES`].
    fn score_values(&self, query: &ScoreQuery) -> Result<Vec<Labelled>, StoreError>;

    /// Spans that failed, in the order of time; of the other kinds of events telemetry knows nothing. A span that lasted
    /// longer than [`LONGEST_SPAN`] is not among them.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when there are more than [`crate::events::MAX_VALUES`].
    fn span_events(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError>;
}

/// Longest span that is an event when it ends, microseconds.
pub const LONGEST_SPAN: Micros = HOUR;
