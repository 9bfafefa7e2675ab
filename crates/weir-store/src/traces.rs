//! The contract of traces: what protocols say of a trace as a whole, apart from its spans. Engines implement [`Traces`]
//! beside [`crate::telemetry::Telemetry`]; calls block.
//!
//! Invariants: most traces say nothing of their own and cost nothing here; what a trace does not say is derived from its
//! spans when it is read, never copied; what is said may come before the spans, after them, or without them.

use std::collections::BTreeMap;

use weir_core::id::{SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, Status};
use weir_core::time::Micros;
use weir_core::token::TokenCounts;

use crate::telemetry::StoreError;

/// Names and texts of a trace.
pub type Texts = BTreeMap<String, String>;

/// What a trace says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceRow {
    /// The id that its protocol knows it by, where that is not made of the 16 bytes.
    pub foreign_id: Option<String>,
    /// The project it is filed under.
    pub project: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its session.
    pub session: Option<String>,
    /// When it began. One that says so is listed by it, whatever its spans say.
    pub start_us: Option<Micros>,
    /// How long it took, in microseconds.
    pub duration_us: Option<i64>,
    /// How it ended.
    pub status: Option<Status>,
    /// The beginning of what it was given.
    pub request_preview: Option<String>,
    /// The beginning of what it gave.
    pub response_preview: Option<String>,
    /// The client's own id of the request.
    pub client_request_id: Option<String>,
    /// Labels that may change.
    pub tags: Texts,
    /// What was said of it once.
    pub metadata: Texts,
}

/// An addition to what a trace says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceWrite {
    /// The trace.
    pub id: TraceId,
    /// What is there replaces what was said before; tags and metadata replace theirs key by key.
    pub row: TraceRow,
    /// Tags that are taken away.
    pub removed_tags: Vec<String>,
}

/// A trace of a list: what it says of itself and its root.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceHead {
    /// The trace.
    pub id: TraceId,
    /// The millisecond it is listed by.
    pub at_ms: i64,
    /// What it says of itself, if anything.
    pub row: Option<TraceRow>,
    /// Its earliest span without a parent, else its earliest one; without payload.
    pub root: Option<Span>,
}

/// What the spans of a trace come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many spans.
    pub spans: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The earliest start.
    pub start_us: Option<Micros>,
    /// The latest end.
    pub end_us: Option<Micros>,
    /// Tokens of its calls; `None` where no call says any.
    pub tokens: Option<TokenCounts>,
    /// Known costs of its calls; `None` where none is known.
    pub cost: Option<NanoUsd>,
    /// The session that a span names.
    pub session: Option<String>,
    /// The user that a span names.
    pub user: Option<String>,
    /// The project of the earliest span.
    pub project: Option<String>,
}

/// The place of a trace in a list: later milliseconds first, then ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The millisecond.
    pub at_ms: i64,
    /// The trace.
    pub id: TraceId,
}

/// Heads are asked for so: newest first, those of one millisecond by their ids.
#[derive(Clone, Debug, Default)]
pub struct HeadQuery {
    /// Of these projects.
    pub projects: Vec<String>,
    /// Listed by this millisecond or a later one.
    pub from_ms: Option<i64>,
    /// Listed by a millisecond before this one.
    pub to_ms: Option<i64>,
    /// Only those that come after this place.
    pub after: Option<Place>,
    /// At most that many (1..=10,000).
    pub limit: usize,
}

/// What a trace was used for or made by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A run, by its id.
    Run(String),
    /// A version of a prompt: `name/version`.
    Prompt(String),
}

/// Reads and writes of traces.
pub trait Traces: Send + Sync {
    /// Adds to what traces say of themselves; durable when it returns, all or none.
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn write_traces(&self, writes: &[TraceWrite]) -> Result<(), StoreError>;

    /// Traces as they stand in a list, in the order of the ids; `None` for those that say nothing and have no span.
    ///
    /// # Errors
    /// When the engine fails.
    fn trace_heads(&self, ids: &[TraceId]) -> Result<Vec<Option<TraceHead>>, StoreError>;

    /// Heads of projects, newest first. A trace is listed by what it says of its beginning, else by its root.
    ///
    /// # Errors
    /// When the engine fails.
    fn list_traces(&self, query: &HeadQuery) -> Result<Vec<TraceHead>, StoreError>;

    /// What the spans of these traces come to, in the order of the ids.
    ///
    /// # Errors
    /// When the engine fails.
    fn trace_totals(&self, ids: &[TraceId]) -> Result<Vec<Totals>, StoreError>;

    /// The spans of these traces, oldest first, at most so many of each, in the order of the ids.
    ///
    /// # Errors
    /// When the engine fails.
    fn trace_spans(&self, ids: &[TraceId], with_payload: bool, most: usize) -> Result<Vec<Vec<Span>>, StoreError>;

    /// Single spans with their payloads, in the order of the keys.
    ///
    /// # Errors
    /// When the engine fails.
    fn spans_by_key(&self, keys: &[SpanKey]) -> Result<Vec<Option<Span>>, StoreError>;

    /// Deletes traces: what they say of themselves, their links, scores and spans with payloads. What their calls used and
    /// cost stays in the statistics: it was spent. Returns how many there were.
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn delete_traces(&self, ids: &[TraceId]) -> Result<u64, StoreError>;

    /// Links traces; a link that is there already stays.
    ///
    /// # Errors
    /// When the engine cannot be written.
    fn link_traces(&self, ids: &[TraceId], links: &[Link]) -> Result<(), StoreError>;

    /// The traces of a link, newest link first, at most so many.
    ///
    /// # Errors
    /// When the engine fails.
    fn linked_traces(&self, link: &Link, limit: usize) -> Result<Vec<TraceId>, StoreError>;

    /// The links of traces, in the order of the ids.
    ///
    /// # Errors
    /// When the engine fails.
    fn trace_links(&self, ids: &[TraceId]) -> Result<Vec<Vec<Link>>, StoreError>;
}
