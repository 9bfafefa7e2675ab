//! What an engine must do to be written to.

use weir_core::merge::SpanWrite;

use crate::journal::Position;
use crate::telemetry::StoreError;

/// The writing side of an engine. [`crate::ingest::Ingest`] calls `prepare` on one thread and `commit` on another.
pub trait WriteEngine: Send + Sync + 'static {
    /// A batch that is ready to be committed, any number of times.
    type Prepared: Send;

    /// Does the work that needs no transaction: folding, encoding, compressing.
    fn prepare(&self, writes: Vec<SpanWrite>) -> Self::Prepared;

    /// Commits a batch, its rollups and the journal position in one transaction; all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch was kept, and the same batch is tried again later.
    fn commit(&self, batch: &Self::Prepared, position: Option<Position>) -> Result<(), StoreError>;

    /// The journal position that was committed last.
    ///
    /// # Errors
    /// When the engine cannot be read.
    fn position(&self) -> Result<Position, StoreError>;
}
