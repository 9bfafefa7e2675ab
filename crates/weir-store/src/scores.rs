//! The contract of a store of scores. Engines implement [`Scores`] beside [`crate::telemetry::Telemetry`]; calls block.

use weir_core::score::{Score, ScoreTarget};

use crate::telemetry::StoreError;

/// The numbers that one target got under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Place of the target among those that were asked about.
    pub target: usize,
    /// Name of the scores.
    pub name: String,
    /// Sum of their numbers; true counts as 1.
    pub sum: f64,
    /// How many; texts are not among them.
    pub count: u64,
}

/// Writes and reads of scores.
pub trait Scores: Send + Sync {
    /// Stores scores; durable when it returns, all or none of them. A score whose id is there already replaces the old
    /// one whole. Targets need not exist.
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn put(&self, scores: &[Score]) -> Result<(), StoreError>;

    /// The scores of any of these targets, oldest first, at most so many.
    ///
    /// # Errors
    /// When the engine fails.
    fn of(&self, targets: &[ScoreTarget], limit: usize) -> Result<Vec<Score>, StoreError>;

    /// What each of these targets got, per name. A target without a number has no tally.
    ///
    /// # Errors
    /// When the engine fails.
    fn tallies(&self, targets: &[ScoreTarget]) -> Result<Vec<Tally>, StoreError>;
}
