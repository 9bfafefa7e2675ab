//! Lists: filters, orders, cursors.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::prelude::*;
use weir_core::filter::Filter;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::{Clock, MINUTE};

use super::random::Seed;
use super::{Make, check, everything};
use crate::telemetry::{OrderBy, StoreError, TimeRange};

fn value(order: OrderBy, span: &Span) -> Option<i64> {
    match order {
        OrderBy::Start => span.start_us,
        OrderBy::Latency => span.latency_us(),
        OrderBy::Cost => span.cost.map(|c| c.0),
        OrderBy::Tokens => span.tokens.map(|t| t.total() as i64),
    }
}

pub(super) fn filters_and_orders_agree_with_the_reference(make: Make<'_>) {
    let clock = Clock::system();
    check(16, any::<u64>(), |seed| {
        let fixture = make(clock.clone());
        let mut seed = Seed(seed);
        let now = clock.now();
        let mut spans: Vec<Span> = Vec::new();
        // Several batches, so that later ones fall between the rows of earlier ones.
        for _ in 0..3 {
            let batch: Vec<Span> = (0..seed.below(60)).map(|_| seed.span(now, 30)).collect();
            (fixture.write)(batch.iter().map(|s| SpanWrite::create(s.clone(), now)).collect());
            (fixture.settle)();
            spans.extend(batch);
        }
        let late = seed.span(now, 30);
        (fixture.write)(vec![SpanWrite::create(late.clone(), now)]);
        spans.push(late);
        for _ in 0..40 {
            let mut query = everything();
            query.filter = seed.filter(&spans, 2);
            query.order = seed.pick(&[OrderBy::Start, OrderBy::Latency, OrderBy::Cost, OrderBy::Tokens]);
            query.ascending = seed.below(2) == 0;
            query.limit = 1 + seed.below(9) as usize;
            if seed.below(3) == 0 {
                query.range.from = Some(now - seed.below(30) as i64 * MINUTE);
                query.range.to = seed.maybe(|s| now - s.below(30) as i64 * MINUTE);
            }
            let wanted: BTreeMap<_, &Span> = spans
                .iter()
                .filter(|s| query.filter.matches(s) && within(query.range, s))
                .map(|s| (s.span_key(), s))
                .collect();
            let found = fixture.pages(&query);
            let keys: BTreeSet<_> = found.iter().map(Span::span_key).collect();
            prop_assert_eq!(keys.len(), found.len(), "twice: {:?}", &query);
            prop_assert_eq!(&keys, &wanted.keys().copied().collect(), "{:?}", &query);
            // A span without a start stands where it arrived.
            let values: Vec<_> = found
                .iter()
                .map(|s| value(query.order, s))
                .filter(|v| query.order != OrderBy::Start || v.is_some())
                .collect();
            let ordered = values.windows(2).all(|pair| match (pair[0], pair[1]) {
                (Some(a), Some(b)) if query.ascending => a <= b,
                (Some(a), Some(b)) => a >= b,
                (None, Some(_)) => false,
                (_, None) => true,
            });
            prop_assert!(ordered, "{:?} {:?}", &query, values);

            let mut scanned = BTreeSet::new();
            fixture
                .store
                .scan(query.range, &query.filter, false, &mut |span| {
                    scanned.insert(span.span_key());
                    ControlFlow::Continue(())
                })
                .unwrap();
            prop_assert_eq!(scanned, keys);
        }
        Ok(())
    });
}

fn within(range: TimeRange, span: &Span) -> bool {
    let after = range.from.is_none_or(|from| span.start_us.is_some_and(|s| s >= from));
    after && range.to.is_none_or(|to| span.start_us.is_some_and(|s| s < to))
}

pub(super) fn pages_neither_overlap_nor_skip_while_others_write(make: Make<'_>) {
    let clock = Clock::system();
    for order in [OrderBy::Start, OrderBy::Latency, OrderBy::Cost, OrderBy::Tokens] {
        let fixture = make(clock.clone());
        let mut seed = Seed(order as u64 + 1);
        let now = clock.now();
        let first: Vec<Span> = (0..90).map(|_| seed.span(now, 30)).collect();
        (fixture.write)(first.iter().map(|s| SpanWrite::create(s.clone(), now)).collect());
        let mut query = everything();
        query.order = order;
        query.limit = 7;
        let mut seen = Vec::new();
        loop {
            let page = fixture.store.spans(&query).unwrap();
            seen.extend(page.spans.iter().map(Span::span_key));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
            let others: Vec<Span> = (0..5).map(|_| seed.span(now, 30)).collect();
            (fixture.write)(others.iter().map(|s| SpanWrite::create(s.clone(), now)).collect());
            (fixture.settle)();
            if seen.len() > 2_000 {
                break;
            }
        }
        let unique: BTreeSet<_> = seen.iter().copied().collect();
        assert_eq!(unique.len(), seen.len(), "a span came on two pages");
        for span in &first {
            assert!(unique.contains(&span.span_key()), "a span was left out");
        }
    }
}

pub(super) fn a_foreign_cursor_is_refused(make: Make<'_>) {
    let fixture = make(Clock::system());
    let mut seed = Seed(1);
    (fixture.write)((0..5).map(|_| SpanWrite::create(seed.span(Clock::system().now(), 5), 1)).collect());
    let mut query = everything();
    query.limit = 2;
    query.cursor = fixture.store.spans(&query).unwrap().next;
    assert!(query.cursor.is_some());
    query.order = OrderBy::Cost;
    assert!(matches!(fixture.store.spans(&query), Err(StoreError::Unsupported(_))));
    query.cursor = Some("nonsense".into());
    assert!(matches!(fixture.store.spans(&query), Err(StoreError::Unsupported(_))));
    query.cursor = None;
    query.filter = Filter::Or(vec![]);
    assert_eq!(fixture.store.spans(&query).unwrap().spans, []);
}
