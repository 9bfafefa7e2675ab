//! The contract of the outbox: ended spans, queued in the transaction that made them durable, until every exporter is
//! past them.
//!
//! Invariants: a span is queued once for each exporter, however often it is written; an exporter that keeps its cursor
//! behind what it has really done sees everything that is queued for it at least once, in order. What was pruned in the
//! meantime is passed over and counted; what is queued for others is passed over. The methods block; async callers go
//! through a thread.

use weir_core::span::Span;
use weir_core::time::Micros;

use crate::telemetry::StoreError;

/// Which ended spans an exporter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Calls: spans of kind llm and embedding.
    Calls,
    /// All spans.
    All,
}

/// An exporter that is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportTarget {
    /// Its name in cursors.
    pub name: String,
    /// What it is given.
    pub scope: Scope,
}

/// A part of the queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    /// The calls, or spans, with their payloads, each with its place in the queue, ascending.
    pub calls: Vec<(i64, Span)>,
    /// The last place that was looked at: where to go on. What was asked for when nothing was found.
    pub upto: i64,
    /// Those queued among them that are not there any more.
    pub gone: u64,
}

/// How far an exporter is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// What is queued for it and it is not past; of an exporter of all spans perhaps a few more.
    pub records: u64,
    /// When the oldest of them became durable.
    pub oldest_us: Option<Micros>,
    /// A place that none of them is beyond; 0 when there are none.
    pub last: i64,
}

/// The queue of spans that wait to be exported.
pub trait Exports: Send + Sync {
    /// The exporters that have a cursor.
    ///
    /// # Errors
    /// When the engine fails.
    fn targets(&self) -> Result<Vec<String>, StoreError>;

    /// The place up to which a target is done; 0 for one that is not known.
    ///
    /// # Errors
    /// When the engine fails.
    fn cursor(&self, target: &str) -> Result<i64, StoreError>;

    /// What is queued for a target after a place: of the next `limit` places, and no more once payloads, attributes and
    /// tags exceed `bytes` (one is always given). Where these places hold nothing for it, [`Pending::upto`] may be
    /// beyond them.
    ///
    /// # Errors
    /// When the engine fails.
    fn pending(&self, target: &str, after: i64, limit: usize, bytes: usize) -> Result<Pending, StoreError>;

    /// A target is done with everything up to a place. It never goes back; what every target is past is deleted.
    ///
    /// # Errors
    /// When the engine fails; then the cursor is where it was.
    fn done(&self, target: &str, upto: i64) -> Result<(), StoreError>;

    /// How far a target is behind.
    ///
    /// # Errors
    /// When the engine fails.
    fn lag(&self, target: &str) -> Result<Lag, StoreError>;
}
