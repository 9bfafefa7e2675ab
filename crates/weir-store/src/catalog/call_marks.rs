//! What people do to calls that are shown as runs: tags and the bin. Everything else of such a run is the call's own.

use std::collections::{BTreeMap, HashMap};

use weir_core::id::RunId;

use crate::telemetry::StoreError;

/// What was done to a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallMark {
    /// Whether it is in the bin.
    pub deleted: bool,
    /// Tags that were set, and those that were taken away (`None`).
    pub tags: BTreeMap<String, Option<String>>,
}

/// Marks of calls, by the id of the run that a call is shown as.
pub trait CallMarks: Send + Sync {
    /// The marks of calls; those without one are left out.
    ///
    /// # Errors
    /// When the engine fails.
    fn call_marks(&self, runs: &[RunId]) -> Result<HashMap<RunId, CallMark>, StoreError>;

    /// Calls in the bin, at most so many.
    ///
    /// # Errors
    /// When the engine fails.
    fn deleted_calls(&self, limit: usize) -> Result<Vec<RunId>, StoreError>;

    /// Calls whose tag of that key was set or taken away, at most so many.
    ///
    /// # Errors
    /// When the engine fails.
    fn calls_tagged(&self, key: &str, limit: usize) -> Result<Vec<RunId>, StoreError>;

    /// Puts a call into the bin or takes it out.
    ///
    /// # Errors
    /// When the engine fails.
    fn mark_call(&self, run: RunId, deleted: bool) -> Result<(), StoreError>;

    /// Sets tags of a call or takes them away (`None`), all of them or none.
    ///
    /// # Errors
    /// When the engine fails.
    fn tag_call(&self, run: RunId, tags: Vec<(String, Option<String>)>) -> Result<(), StoreError>;
}
