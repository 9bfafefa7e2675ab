//! The contract of a store of scores. Engines implement [`Scores`] beside [`crate::telemetry::Telemetry`]; calls block.

use weir_core::id::{ScoreId, TraceId};
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

/// A name under which numbers were given.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreName {
    /// Name of the scores.
    pub name: String,
    /// How many numbers; true counts as 1.
    pub count: u64,
    /// The least of them.
    pub least: f64,
    /// The greatest of them.
    pub most: f64,
}

/// Names that [`Scores::names`] tells.
pub const MOST_NAMES: usize = 100;

/// Writes and reads of scores.
pub trait Scores: Send + Sync {
    /// Stores scores; durable when it returns, all or none of them. A score whose id is there already replaces the old
    /// one whole; the one that it overrides becomes invalid. Targets need not exist.
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn put(&self, scores: &[Score]) -> Result<(), StoreError>;

    /// The score of an id.
    ///
    /// # Errors
    /// When the engine fails.
    fn score(&self, id: ScoreId) -> Result<Option<Score>, StoreError>;

    /// Changes a score, with no other write between its read and its write; its id stays. The score as it is then;
    /// `None` where there is none of that id.
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn change(&self, id: ScoreId, change: &mut dyn FnMut(&mut Score)) -> Result<Option<Score>, StoreError>;

    /// Deletes a score; the one that it overrode is valid again. `false` where there is none of that id.
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn delete(&self, id: ScoreId) -> Result<bool, StoreError>;

    /// Deletes all that is said of these traces and of their spans, those of [`Scores::of`].
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn delete_of(&self, traces: &[TraceId]) -> Result<(), StoreError>;

    /// The scores of any of these targets, oldest first, at most so many, each once. A trace's are those of the trace as
    /// a whole, of its spans, and of calls that are among its spans: all that MLflow calls the trace's assessments. Which
    /// trace the score of a call belongs to is said by the span of that name.
    ///
    /// # Errors
    /// When the engine fails.
    fn of(&self, targets: &[ScoreTarget], limit: usize) -> Result<Vec<Score>, StoreError>;

    /// What each of these targets got, per name: of scores that count, see [`Score::counts`]. A target without a number
    /// has no tally. Here a trace stands for itself alone, not for its spans.
    ///
    /// # Errors
    /// When the engine fails.
    fn tallies(&self, targets: &[ScoreTarget]) -> Result<Vec<Tally>, StoreError>;

    /// The names among so many of the newest scores, of those that count: the most frequent [`MOST_NAMES`], first the
    /// most frequent one, those as frequent by name.
    ///
    /// # Errors
    /// When the engine fails.
    fn names(&self, newest: usize) -> Result<Vec<ScoreName>, StoreError>;
}
