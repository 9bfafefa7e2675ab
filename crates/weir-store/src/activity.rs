//! The traffic of all projects, bucket after bucket: what the watch is fed.
//!
//! Invariant: the figures of a bucket do not depend on where they are read from: minute slices where there are any, the
//! rows themselves before that (calls of long ago are never counted in minutes).

use std::collections::BTreeMap;

pub use weir_core::call_sums::CallSums;
use weir_core::time::Micros;

use crate::telemetry::{Dimension, StoreError, TimeRange};

/// The dimensions by whose values traffic is also told.
pub const PARTS: [Dimension; 4] =
    [Dimension::Model, Dimension::Provider, Dimension::Department, Dimension::PromptVersion];

/// What a project did in a bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectActivity {
    /// Its calls.
    pub calls: CallSums,
    /// Its calls by each value of the dimensions of [`PARTS`]. Rate limits are not told apart in them.
    pub parts: BTreeMap<(Dimension, String), CallSums>,
    /// How often each decision of a workflow was taken: workflow, node that was left, node that was entered.
    pub branches: BTreeMap<(Option<String>, String, String), u64>,
}

/// A bucket of time in which something happened, by project; calls without one are under `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActivityBucket {
    /// Its start.
    pub start: Micros,
    /// By project.
    pub projects: BTreeMap<Option<String>, ProjectActivity>,
}

/// Some buckets in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActivityPage {
    /// Those in which something happened.
    pub buckets: Vec<ActivityBucket>,
    /// From where to read on; `None` when the range is read.
    pub next: Option<Micros>,
}

/// Since when and until when a project has calls, and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectSpan {
    /// The project.
    pub project: Option<String>,
    /// Start of the first day with calls or decisions.
    pub first: Micros,
    /// End of the last.
    pub last: Micros,
    /// Calls.
    pub calls: u64,
}

/// Reads of traffic by buckets of time.
pub trait Activity: Send + Sync {
    /// Buckets of `width` (whole minutes) in a range (aligned to `width`), at most about `rows` rows or slices of them:
    /// it ends at the first bucket's end after that many.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for another width; or when the engine fails.
    fn activity(&self, from: Micros, to: Micros, width: Micros, rows: usize) -> Result<ActivityPage, StoreError>;

    /// Every project that has calls in the days of a range, most calls first, at most so many.
    ///
    /// # Errors
    /// When the engine fails.
    fn project_spans(&self, range: TimeRange, limit: usize) -> Result<Vec<ProjectSpan>, StoreError>;
}
