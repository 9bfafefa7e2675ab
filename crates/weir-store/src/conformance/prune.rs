//! Deleting what is old.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::{Clock, MINUTE};

use super::random::Seed;
use super::{Make, check};
use crate::telemetry::StatsQuery;

pub(super) fn old_spans_go_and_the_others_stay(make: Make<'_>) {
    let clock = Clock::system();
    check(12, any::<u64>(), |seed| {
        let fixture = make(clock.clone());
        let mut seed = Seed(seed);
        let now = clock.now();
        let mut spans: BTreeMap<_, Span> = BTreeMap::new();
        for _ in 0..3 {
            for _ in 0..2 {
                let batch: Vec<Span> = (0..seed.below(60))
                    .map(|_| Span { start_us: Some(now - seed.below(9_000_000) as i64), ..seed.span(now, 1) })
                    .collect();
                (fixture.write)(batch.iter().map(|s| SpanWrite::create(s.clone(), now)).collect());
                spans.extend(batch.into_iter().map(|s| (s.span_key(), s)));
            }
            (fixture.settle)();
            let counted = fixture.store.stats(&StatsQuery::default()).unwrap().total.count;
            let before = now - seed.below(9_000_000) as i64;
            let old = spans.values().filter(|s| s.start_us.is_some_and(|t| t < before)).count();
            prop_assert_eq!(fixture.store.prune(before).unwrap(), old as u64);
            spans.retain(|_, s| s.start_us.is_some_and(|t| t >= before));
            prop_assert_eq!(&fixture.all(), &spans);
            prop_assert_eq!(fixture.store.stats(&StatsQuery::default()).unwrap().total.count, counted);
            (fixture.settle)();
            prop_assert_eq!(&fixture.all(), &spans);
            let mut filtered = super::everything();
            filtered.filter = seed.filter(&spans.values().cloned().collect::<Vec<_>>(), 1);
            let wanted = spans.values().filter(|s| filtered.filter.matches(s)).count();
            prop_assert_eq!(fixture.pages(&filtered).len(), wanted);
        }
        prop_assert_eq!(fixture.store.prune(now - 100 * MINUTE).unwrap(), 0);
        Ok(())
    });
}
