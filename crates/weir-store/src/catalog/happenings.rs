//! What happened to what a catalog keeps, and what evaluations came to.

use crate::events::{EvalQuery, EventQuery, Labelled};
use crate::telemetry::StoreError;

/// Reads of events and of results.
pub trait Happenings: Send + Sync {
    /// What happened to runs, prompts and models, in the order of time; of spans a catalog knows nothing.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when there are more than [`crate::events::MAX_VALUES`].
    fn happenings(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError>;

    /// The latest point of a metric of each run that is not deleted, in the order of time. NaN is left out.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when there are more than [`crate::events::MAX_VALUES`].
    fn eval_results(&self, query: &EvalQuery) -> Result<Vec<Labelled>, StoreError>;
}
