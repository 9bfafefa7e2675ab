//! What a judgement of a service's readiness needs beside the figures of calls. Engines implement [`Evidence`] beside
//! [`crate::telemetry::Telemetry`]; calls block.

use weir_core::time::Micros;

use crate::telemetry::{StoreError, TimeRange};

/// How many calls can be found again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// Calls (spans of kind llm and embedding) that were looked at.
    pub calls: u64,
    /// Of these, calls with a trace id and a request id.
    pub traced: u64,
    /// Where the bound was reached: the start of the oldest call that was looked at.
    pub cut_at: Option<Micros>,
}

/// The mean of the scores of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreMean {
    /// The name.
    pub name: String,
    /// How many scores.
    pub count: u64,
    /// Their mean; true counts as 1.
    pub mean: f64,
}

/// Counts over rows that no rollup has.
pub trait Evidence: Send + Sync {
    /// Counts the calls of a range that have both ids: exactly, over the newest `limit` of them.
    ///
    /// # Errors
    /// When the engine fails.
    fn traced(&self, range: TimeRange, limit: u64) -> Result<Traced, StoreError>;

    /// The means of the scores that were given in a range, by name: of scores that count, see
    /// [`weir_core::score::Score::counts`]. At most `limit` names, in their order.
    ///
    /// # Errors
    /// When the engine fails.
    fn score_means(&self, range: TimeRange, limit: usize) -> Result<Vec<ScoreMean>, StoreError>;
}
