//! What every telemetry engine must do, as one suite: [`conformance`] panics with the first difference.
//!
//! The expected answers come from [`weir_core::filter::Filter::matches`], [`weir_core::merge`] and a recount of the
//! spans themselves, never from a second query.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a suite of assertions, compiled for tests only")]

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use weir_core::filter::Filter;
use weir_core::id::SpanKey;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::Clock;

use crate::sums::Measured;
use crate::telemetry::{OrderBy, SpanQuery, Telemetry, TimeRange};

mod merges;
mod pages;
mod prune;
mod random;
mod round_trip;
mod stats;
mod steps;

/// An empty store and how to write to it.
pub struct Fixture {
    /// The reading side.
    pub store: Arc<dyn Telemetry>,
    /// The same for sums.
    pub sums: Arc<dyn Measured>,
    /// Commits a batch.
    pub write: Box<dyn Fn(Vec<SpanWrite>)>,
    /// Lets background work (indexes, compaction) run to its end.
    pub settle: Box<dyn Fn()>,
    /// What must live as long as the store: a folder, a server.
    pub keep: Box<dyn Any>,
}

/// Makes an empty store that takes "now" from the clock.
pub type Make<'a> = &'a dyn Fn(Clock) -> Fixture;

/// Runs the whole suite.
pub fn conformance(make: Make<'_>) {
    round_trip::every_field_survives(make);
    round_trip::odd_values_survive(make);
    pages::filters_and_orders_agree_with_the_reference(make);
    pages::pages_neither_overlap_nor_skip_while_others_write(make);
    pages::a_foreign_cursor_is_refused(make);
    merges::any_order_gives_the_merged_span_and_its_rollups(make);
    stats::every_path_agrees_with_a_recount(make);
    steps::every_path_agrees_with_a_recount(make);
    steps::what_is_filled_in_later_is_counted_where_it_belongs(make);
    prune::old_spans_go_and_the_others_stay(make);
}

impl Fixture {
    fn all(&self) -> BTreeMap<SpanKey, Span> {
        let mut query = everything();
        query.with_payload = true;
        let spans = self.pages(&query);
        let count = spans.len();
        let by_key: BTreeMap<_, _> = spans.into_iter().map(|s| (s.span_key(), s)).collect();
        assert_eq!(by_key.len(), count, "a span came twice");
        by_key
    }

    fn pages(&self, query: &SpanQuery) -> Vec<Span> {
        let mut query = query.clone();
        let mut spans = Vec::new();
        loop {
            let page = self.store.spans(&query).unwrap();
            assert!(page.spans.len() <= query.limit);
            spans.extend(page.spans);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return spans;
            }
        }
    }
}

fn everything() -> SpanQuery {
    SpanQuery {
        range: TimeRange::default(),
        filter: Filter::all(),
        order: OrderBy::Start,
        ascending: false,
        limit: 100,
        cursor: None,
        with_payload: false,
    }
}

/// Runs a property over a few cases; the stores make them slow.
fn check<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    if let Err(e) = TestRunner::new(config).run(&strategy, property) {
        panic!("{e}");
    }
}
