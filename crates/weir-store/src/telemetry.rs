//! The contract of a telemetry store: spans, their payloads and their rollups. Engines implement [`Telemetry`]; the
//! conformance suite says what that means. Calls block; async callers go through a thread.

use std::ops::ControlFlow;

use weir_core::filter::Filter;
use weir_core::id::{SpanId, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind};
use weir_core::time::Micros;
use weir_core::token::TokenCounts;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine refused: disk full, file damaged, not writable. May pass; writers try again.
    #[error("the store cannot be used: {0}")]
    Unavailable(String),
    /// The files were written by a newer Weir.
    #[error("{0}")]
    Incompatible(String),
    /// The query cannot be answered; says what to change.
    #[error("{0}")]
    Unsupported(String),
}

/// Half-open range of start times, microseconds. `None` is unbounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// First instant inside.
    pub from: Option<Micros>,
    /// First instant after.
    pub to: Option<Micros>,
}

/// What a list is ordered by. Ties break by the store's own sequence, so that pages never overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderBy {
    /// Start time.
    #[default]
    Start,
    /// Latency.
    Latency,
    /// Cost; spans without a known cost come last.
    Cost,
    /// All tokens.
    Tokens,
}

/// A page of spans is asked for so.
#[derive(Clone, Debug)]
pub struct SpanQuery {
    /// When they started.
    pub range: TimeRange,
    /// Which ones.
    pub filter: Filter,
    /// In what order.
    pub order: OrderBy,
    /// Smallest first instead of greatest first.
    pub ascending: bool,
    /// At most that many (1..=1000).
    pub limit: usize,
    /// Where the page before ended, as returned by it. Opaque to callers.
    pub cursor: Option<String>,
    /// Whether `input`, `output` and `details` come with the rows.
    pub with_payload: bool,
}

/// A page of spans.
#[derive(Clone, Debug, Default)]
pub struct SpanPage {
    /// The rows.
    pub spans: Vec<Span>,
    /// Where to go on; `None` on the last page.
    pub next: Option<String>,
}

/// How a single span is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanRef {
    /// Trace and span.
    Key(TraceId, SpanId),
    /// A span whose trace the caller does not know.
    Span(SpanId),
    /// By the request's id; the latest one if a caller reused it.
    Request(String),
}

/// A dimension that calls are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Project.
    Project,
    /// Requested model.
    Model,
    /// Provider.
    Provider,
    /// Department.
    Department,
    /// Prompt name and version, as `name@version`.
    PromptVersion,
    /// Status.
    Status,
    /// Name of the calling key.
    Key,
}

impl Dimension {
    /// Every dimension, in the order of its stored number (from 1; 0 is "all").
    pub const ALL: &'static [Self] =
        &[Self::Project, Self::Model, Self::Provider, Self::Department, Self::PromptVersion, Self::Status, Self::Key];

    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Department => "department",
            Self::PromptVersion => "prompt_version",
            Self::Status => "status",
            Self::Key => "key",
        }
    }

    /// The dimension of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|d| d.as_str() == name)
    }
}

/// Grouped figures over calls (spans of kind llm and embedding) are asked for so.
#[derive(Clone, Debug, Default)]
pub struct StatsQuery {
    /// Range of start times. `from` is rounded down and `to` up to whole minutes (hours beyond the minute retention).
    pub range: TimeRange,
    /// Values to keep, per dimension: all pairs must hold; several values of one dimension are alternatives.
    pub filters: Vec<(Dimension, Vec<String>)>,
    /// One group per distinct combination.
    pub group_by: Vec<Dimension>,
    /// Width of a series' buckets in microseconds (whole minutes); `None` gives totals only.
    pub bucket: Option<Micros>,
}

/// The figures of one group, or of one bucket of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Calls.
    pub count: u64,
    /// Calls with status error, `rate_limited` or blocked.
    pub errors: u64,
    /// Calls answered from the cache.
    pub cache_hits: u64,
    /// Tokens in disjoint classes.
    pub tokens: TokenCounts,
    /// Sum of the known costs.
    pub cost: NanoUsd,
    /// Calls whose cost is not known.
    pub unpriced: u64,
    /// Sum of latencies, microseconds.
    pub latency_sum_us: u64,
    /// Latency quantiles in microseconds, within 1 %.
    pub p50_us: Option<f64>,
    /// 95th percentile.
    pub p95_us: Option<f64>,
    /// 99th percentile.
    pub p99_us: Option<f64>,
}

/// One group of a [`Stats`] answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatsGroup {
    /// The value of each `group_by` dimension, in its order; `None` where calls had none.
    pub values: Vec<Option<String>>,
    /// Over the whole range.
    pub total: Figures,
    /// Per bucket that has calls, ascending by start.
    pub series: Vec<(Micros, Figures)>,
}

/// Grouped figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// The groups, most calls first, at most 1,000; the rest is folded into [`Stats::total`] only.
    pub groups: Vec<StatsGroup>,
    /// Over all groups.
    pub total: Figures,
}

/// Figures of the steps of workflows are asked for so: decisions (`branch`), tools (`tool`) or retrievals (`retriever`).
#[derive(Clone, Debug)]
pub struct StepsQuery {
    /// Range of start times, rounded as in [`StatsQuery::range`].
    pub range: TimeRange,
    /// `branch`, `tool` or `retriever`; nothing is counted of the other kinds.
    pub kind: SpanKind,
    /// Only of this project.
    pub project: Option<String>,
    /// Only of this workflow; `Some(None)` those that name none.
    pub workflow: Option<Option<String>>,
    /// Width of the series' buckets in microseconds (whole minutes); `None` gives totals only.
    pub bucket: Option<Micros>,
}

/// The figures of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepFigures {
    /// How often.
    pub count: u64,
    /// How often it failed (status error, `rate_limited` or blocked).
    pub errors: u64,
    /// Sum of the durations, microseconds.
    pub latency_sum_us: u64,
    /// Quantiles of the durations in microseconds, within 1 %.
    pub p50_us: Option<f64>,
    /// 95th percentile.
    pub p95_us: Option<f64>,
    /// 99th percentile.
    pub p99_us: Option<f64>,
}

/// One step: a decision from a node to another, a tool or a retriever. Names are told apart by their first 200 characters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepGroup {
    /// The project.
    pub project: Option<String>,
    /// The workflow.
    pub workflow: Option<String>,
    /// The node that was left; of tools and retrievers their name.
    pub step: String,
    /// The node that was entered; nothing for tools and retrievers.
    pub target: Option<String>,
    /// Over the whole range.
    pub total: StepFigures,
    /// Per bucket that has any, ascending by start.
    pub series: Vec<(Micros, StepFigures)>,
}

/// How much room a table takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Table or file.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
}

/// Reads of a telemetry store. Writes go through [`crate::ingest`].
pub trait Telemetry: Send + Sync {
    /// A page of spans.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for a cursor that does not belong to the query.
    fn spans(&self, query: &SpanQuery) -> Result<SpanPage, StoreError>;

    /// Every span of the range that the filter holds for, oldest first, each given to `each` until it breaks.
    ///
    /// # Errors
    /// When the engine fails.
    fn scan(
        &self,
        range: TimeRange,
        filter: &Filter,
        with_payload: bool,
        each: &mut dyn FnMut(Span) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// One span with its payload.
    ///
    /// # Errors
    /// When the engine fails.
    fn span(&self, which: &SpanRef) -> Result<Option<Span>, StoreError>;

    /// Grouped figures, from rollups where they suffice.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] when the combination can be answered neither from rollups nor from a bounded scan.
    fn stats(&self, query: &StatsQuery) -> Result<Stats, StoreError>;

    /// The steps of workflows, most frequent first, at most 10,000. Only closed spans that have a start are counted.
    ///
    /// # Errors
    /// When the engine fails.
    fn steps(&self, query: &StepsQuery) -> Result<Vec<StepGroup>, StoreError>;

    /// Deletes the spans that started before an instant, with payloads; day rollups stay. Returns how many.
    /// Works in small transactions, so that ingest goes on beside it.
    ///
    /// # Errors
    /// When the engine fails; what was deleted until then stays deleted.
    fn prune(&self, before: Micros) -> Result<u64, StoreError>;

    /// Room taken, per table.
    ///
    /// # Errors
    /// When the engine fails.
    fn sizes(&self) -> Result<Vec<TableSize>, StoreError>;

    /// Whether it can be written now; a sentence saying why not.
    fn health(&self) -> Result<(), StoreError>;
}
