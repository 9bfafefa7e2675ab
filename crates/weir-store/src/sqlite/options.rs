//! How a SQLite store is opened.

use weir_core::time::Clock;

use crate::exports::ExportTarget;

/// How inputs and outputs are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadEncoding {
    /// In compressed blocks: about a third of the room.
    #[default]
    Compressed,
    /// As text that `sqlite3` alone can read.
    Plain,
}

/// Options of a store.
#[derive(Clone, Debug, Default)]
pub struct SqliteOptions {
    /// How payloads of new spans are kept; those already there stay as they are.
    pub payload: PayloadEncoding,
    /// What "now" is for the retention of fine rollups.
    pub clock: Clock,
    /// The exporters that are switched on. While there are any, what ends is queued for them.
    pub exports: Vec<ExportTarget>,
    /// Whether other processes may write the same file at the same time. Then nothing works in the background, filters
    /// look at every row, and exports must be empty.
    pub shared: bool,
}
