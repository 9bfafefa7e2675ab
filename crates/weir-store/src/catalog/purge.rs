//! What was in the bin long enough goes for good.

use crate::telemetry::StoreError;

/// How much went, or would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Projects.
    pub projects: u64,
    /// Runs.
    pub runs: u64,
    /// Logged models.
    pub logged_models: u64,
    /// Files of all of these.
    pub files: u64,
}

/// Empties the bin.
pub trait Purge: Send + Sync {
    /// How much is in the bin since before a time, Unix milliseconds. Files are not counted.
    ///
    /// # Errors
    /// When the engine fails.
    fn purgeable(&self, before_ms: i64) -> Result<Purged, StoreError>;

    /// Takes what is in the bin since before a time out of the catalog: runs, logged models and projects, with all that was
    /// logged to them and their files. A project whose key `is_used` elsewhere stays in the bin without its name, so
    /// that what carries the key keeps its place.
    ///
    /// # Errors
    /// When the engine fails; what went by then is gone.
    fn purge(&self, before_ms: i64, is_used: &dyn Fn(&str) -> bool) -> Result<Purged, StoreError>;

    /// Gives pages that are free back to the file system; blocks every write meanwhile.
    ///
    /// # Errors
    /// When the engine fails.
    fn compact(&self) -> Result<(), StoreError>;
}
