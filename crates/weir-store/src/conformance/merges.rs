//! Writes of one span in any order, repeated, over any batches.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_core::id::SpanKey;
use weir_core::merge::{SpanWrite, merge};
use weir_core::span::{Span, SpanKind};
use weir_core::time::{Clock, HOUR};

use super::random::Seed;
use super::stats::{recount, recount_sums, sums};
use super::{Make, check, steps};
use crate::telemetry::{Dimension, StatsQuery, StepsQuery};

pub(super) fn any_order_gives_the_merged_span_and_its_rollups(make: Make<'_>) {
    let clock = Clock::system();
    check(24, any::<u64>(), |seed| {
        let fixture = make(clock.clone());
        let mut seed = Seed(seed);
        let now = clock.now();
        let keys: Vec<SpanKey> = (0..3).map(|_| seed.key()).collect();
        let mut writes: Vec<SpanWrite> = Vec::new();
        for _ in 0..1 + seed.below(14) {
            let key = seed.pick(&keys);
            let span = Span { trace_id: key.trace, span_id: key.span, ..seed.span(now, 200) };
            let write = seed.write(span);
            writes.push(write);
        }
        let mut left: Vec<SpanWrite> = writes.clone();
        left.extend((0..seed.below(6)).map(|_| seed.pick(&writes)));
        while !left.is_empty() {
            let mut batch = Vec::new();
            for _ in 0..(1 + seed.below(5)).min(left.len() as u64) {
                batch.push(left.swap_remove(seed.below(left.len() as u64) as usize));
            }
            (fixture.write)(batch);
            if seed.below(4) == 0 {
                (fixture.settle)();
            }
        }
        let mut wanted: BTreeMap<SpanKey, Span> = BTreeMap::new();
        for key in &keys {
            let of_key = writes.iter().filter(|w| w.span.span_key() == *key).cloned();
            if let Some(merged) = merge(of_key) {
                wanted.insert(*key, merged.span);
            }
        }
        prop_assert_eq!(fixture.all(), wanted.clone());
        let spans: Vec<Span> = wanted.into_values().collect();
        for group_by in [vec![], vec![Dimension::Model], vec![Dimension::PromptVersion, Dimension::Status]] {
            let query = StatsQuery { group_by, ..StatsQuery::default() };
            let mut found = fixture.store.stats(&query).unwrap();
            found.groups.sort_by(|a, b| a.values.cmp(&b.values));
            prop_assert_eq!(found, recount(&spans, &query, clock.now()));
            prop_assert_eq!(sums(&fixture, &query), recount_sums(&spans, &query, clock.now()));
        }
        for kind in [SpanKind::Branch, SpanKind::Tool, SpanKind::Retriever] {
            for bucket in [None, Some(HOUR)] {
                let query = StepsQuery { bucket, ..steps::all(kind) };
                let found = steps::sorted(fixture.store.steps(&query).unwrap());
                prop_assert_eq!(found, steps::recount(&spans, &query, clock.now()));
            }
        }
        Ok(())
    });
}
