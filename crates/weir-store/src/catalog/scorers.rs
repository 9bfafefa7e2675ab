//! Scorers: how outputs are judged, as clients wrote it down. They are kept for clients and never run here.
//!
//! Invariants: versions of one name within a project count up from 1, one more than the highest that is there.

use crate::telemetry::StoreError;

/// A version of a scorer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScorerRecord {
    /// The scorer's id, the same for all its versions.
    pub id: String,
    /// The project.
    pub project: i64,
    /// What it is called.
    pub name: String,
    /// The version.
    pub version: i64,
    /// What the client wrote down: JSON.
    pub content: String,
    /// When the version was made, Unix milliseconds.
    pub created_ms: i64,
}

/// Scorers.
pub trait Scorers: Send + Sync {
    /// Adds a version of a scorer, and the scorer with it.
    ///
    /// # Errors
    /// When the engine fails.
    fn add_scorer(&self, project: i64, name: &str, content: &str, now_ms: i64) -> Result<ScorerRecord, StoreError>;

    /// Puts a version as it was somewhere else, in place of the same version.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_scorer(&self, scorer: &ScorerRecord) -> Result<(), StoreError>;

    /// The latest version of each scorer of these projects, by project and name.
    ///
    /// # Errors
    /// When the engine fails.
    fn scorers(&self, projects: &[i64]) -> Result<Vec<ScorerRecord>, StoreError>;

    /// All versions of a scorer, oldest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn scorer_versions(&self, project: i64, name: &str) -> Result<Vec<ScorerRecord>, StoreError>;

    /// Deletes one version, or the scorer with all of them (`None`); how many there were.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_scorer(&self, project: i64, name: &str, version: Option<i64>) -> Result<usize, StoreError>;
}
