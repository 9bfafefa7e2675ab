//! What an engine must do to be written to.

use weir_core::merge::SpanWrite;
use weir_core::span::Span;

use crate::journal::Position;
use crate::telemetry::StoreError;

/// The writing side of an engine. [`crate::ingest::Ingest`] prepares a batch on one thread and commits it on another.
pub trait WriteEngine: Send + Sync + 'static {
    /// A batch that is ready to be committed, any number of times.
    type Prepared: Send;

    /// Does the work that needs no transaction: folding, encoding, compressing.
    ///
    /// # Errors
    /// [`Unprepared`] with all of the writes; they are then tried in smaller parts.
    fn prepare(&self, writes: Vec<SpanWrite>) -> Result<Self::Prepared, Unprepared>;

    /// The writes that a batch was made of, in any order; of one span they stay in theirs.
    fn take_back(&self, batch: Self::Prepared) -> Vec<SpanWrite>;

    /// Commits a batch, its rollups and the journal position in one transaction; all or nothing. Then gives `ended`
    /// every span that is stored as ended now and was not before.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the batch was kept.
    fn commit_and_tell(
        &self,
        batch: &Self::Prepared,
        position: Option<Position>,
        ended: &mut dyn FnMut(&Span),
    ) -> Result<(), CommitError>;

    /// [`WriteEngine::commit_and_tell`] when nobody wants to know.
    ///
    /// # Errors
    /// As there.
    fn commit(&self, batch: &Self::Prepared, position: Option<Position>) -> Result<(), CommitError> {
        self.commit_and_tell(batch, position, &mut |_| {})
    }

    /// The journal position that was committed last.
    ///
    /// # Errors
    /// When the engine cannot be read.
    fn position(&self) -> Result<Position, StoreError>;
}

/// Writes that could not be prepared, and why.
#[derive(Debug)]
pub struct Unprepared {
    /// All of them.
    pub writes: Vec<SpanWrite>,
    /// Why.
    pub reason: String,
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The engine cannot write now; the same batch is tried again later, for ever.
    #[error(transparent)]
    Again(#[from] StoreError),
    /// Something in the batch will never be accepted; the rest of it is committed without.
    #[error("{0}")]
    Never(String),
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a text"))
}
