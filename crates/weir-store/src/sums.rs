//! Sums over calls that can be added up further, and the values of scores: what alert rules, budgets and objectives are
//! judged by.

use weir_core::time::Micros;

use crate::telemetry::{StatsQuery, StoreError, TimeRange};
use weir_core::call_sums::CallSums;

/// Most values of scores of one answer.
pub const MAX_SCORES: usize = 200_000;

/// The sums of one group, bucket by bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SumGroup {
    /// The value of each `group_by` dimension, in its order; `None` where calls had none.
    pub values: Vec<Option<String>>,
    /// Per bucket that has calls, ascending by start; without a bucket's width one at the start of the range.
    /// `rate_limited` is 0: filter by that status to know it.
    pub cells: Vec<(Micros, CallSums)>,
}

/// Reads of sums and scores.
pub trait Measured: Send + Sync {
    /// Sums by group, most calls first, at most 1,000 groups. As [`crate::telemetry::Telemetry::stats`]; with a bucket's
    /// width the answer is exact, but may hold buckets beyond the range.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when the combination can be answered neither from rollups nor from a bounded scan.
    fn call_sums(&self, query: &StatsQuery) -> Result<Vec<SumGroup>, StoreError>;

    /// When each score of a name was given, and its number (true counts as 1), in the order of time: of scores that
    /// count, see [`weir_core::score::Score::counts`].
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when there are more than [`MAX_SCORES`].
    fn score_values(&self, name: &str, range: TimeRange) -> Result<Vec<(Micros, f64)>, StoreError>;
}
