//! [`Measured`] over rollups, the rows of scores and spans.

use std::ops::ControlFlow;

use weir_core::filter::{Field, Filter};
use weir_core::span::{SpanKind, Status};
use weir_core::time::Micros;

use super::SqliteStore;
use super::rollup::{self, floors::Floors};
use super::scores;
use crate::events::{EventKind, EventQuery, Labelled, MAX_VALUES, ScoreQuery};
use crate::sums::{Detail, LONGEST_SPAN, Largest, Measured, SumGroup};
use crate::telemetry::{StatsQuery, StoreError, Telemetry, TimeRange};

impl Measured for SqliteStore {
    fn largest_groups(&self, query: &StatsQuery, most: usize) -> Result<Largest, StoreError> {
        let inner = &self.inner;
        let now = inner.options.clock.now();
        inner
            .readers
            .get()?
            .snapshot(|db| rollup::stats::largest(db, &inner.texts, Floors::read(db, now)?, query, most))
    }

    fn call_sums(
        &self,
        query: &StatsQuery,
        detail: Detail,
        only: Option<&[Vec<Option<String>>]>,
    ) -> Result<Vec<SumGroup>, StoreError> {
        let inner = &self.inner;
        let now = inner.options.clock.now();
        inner
            .readers
            .get()?
            .snapshot(|db| rollup::stats::sums(db, &inner.texts, Floors::read(db, now)?, query, (detail, only)))
    }

    fn score_values(&self, query: &ScoreQuery) -> Result<Vec<Labelled>, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| scores::labelled(db, &inner.texts, query))
    }

    fn span_events(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
        failed_spans(self, query)
    }
}

/// Spans that failed and ended in a range. They are ordered by their start.
fn failed_spans(store: &SqliteStore, query: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
    let asks = |kind: EventKind| query.kinds.contains(&kind);
    if !asks(EventKind::Guardrail) && !asks(EventKind::SpanFailed) {
        return Ok(Vec::new());
    }
    let failed = [Status::Error, Status::Blocked].map(|status| Filter::eq(Field::Status, status.as_str()));
    let mut filter = Filter::Or(failed.to_vec());
    if !asks(EventKind::SpanFailed) {
        filter = Filter::And(vec![filter, Filter::eq(Field::Kind, SpanKind::Guardrail.as_str())]);
    }
    let (from, to) = (query.range.from.unwrap_or(Micros::MIN), query.range.to.unwrap_or(Micros::MAX));
    let started = TimeRange { from: Some(from.saturating_sub(LONGEST_SPAN)), to: Some(to) };
    let mut all = Vec::new();
    store.scan(started, &filter, false, &mut |span| {
        let ended = span.end_us.filter(|end| (from..to).contains(end));
        if let Some(at) = ended {
            let (project, name, kind) =
                (span.project.as_deref(), span.name.as_deref(), span.kind.map(SpanKind::as_str));
            for event in [EventKind::Guardrail, EventKind::SpanFailed] {
                let is = event == EventKind::SpanFailed || span.kind == Some(SpanKind::Guardrail);
                if is && asks(event) {
                    all.push(query.event(at, event, project, name, kind));
                }
            }
        }
        if all.len() > MAX_VALUES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if all.len() > MAX_VALUES {
        let why = format!("more than {MAX_VALUES} spans failed in that time: ask for a shorter one");
        return Err(StoreError::Unsupported(why));
    }
    all.sort_by_key(|event| event.at);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use weir_core::id::{SpanId, SpanKey, TraceId};
    use weir_core::merge::SpanWrite;
    use weir_core::span::Span;
    use weir_core::time::{DAY, HOUR, MINUTE};

    use super::*;
    use crate::events::EventLabel;
    use crate::ingest::WriteEngine;
    use crate::telemetry::Dimension;

    fn call(n: i64, start: Micros) -> SpanWrite {
        let span = Span {
            kind: Some(SpanKind::Llm),
            status: Some(if n % 5 == 0 { Status::RateLimited } else { Status::Success }),
            model: Some(if n % 2 == 0 { "a" } else { "b" }.into()),
            start_us: Some(start),
            end_us: Some(start + 1_000 * (1 + n % 97)),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        };
        SpanWrite::create(span, start)
    }

    #[test]
    fn the_sums_of_buckets_come_to_the_figures_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_763_683_200_000_000;
        let options = super::super::SqliteOptions {
            clock: weir_core::time::Clock::fixed(now),
            ..super::super::SqliteOptions::default()
        };
        let store = SqliteStore::open_with(folder.path(), options).unwrap();
        // Five days, of which only two have minutes.
        let from = now - 5 * DAY;
        let writes: Vec<_> = (0..2_000).map(|n| call(n, from + n * 5 * DAY / 2_000)).collect();
        store.commit(&store.prepare(writes).unwrap(), None).unwrap();
        for bucket in [None, Some(MINUTE), Some(15 * MINUTE), Some(HOUR)] {
            let query = StatsQuery {
                range: TimeRange { from: Some(from), to: Some(now) },
                group_by: vec![Dimension::Model],
                bucket,
                ..StatsQuery::default()
            };
            let stats = store.stats(&query).unwrap();
            let groups = store.call_sums(&query, Detail::LATENCIES, None).unwrap();
            assert_eq!(groups.len(), 2);
            for (group, figures) in groups.iter().zip(&stats.groups) {
                assert_eq!(group.values, figures.values);
                let mut all = weir_core::call_sums::CallSums::default();
                group.cells.iter().for_each(|(_, cell)| all.add(cell));
                assert_eq!((all.calls, all.errors), (figures.total.count, figures.total.errors));
                assert_eq!(all.latency.quantile(0.95), figures.total.p95_us);
                assert_eq!(bucket.is_none(), group.cells.len() == 1);
                // What was added can be taken away again.
                let whole = all.clone();
                let (_, first) = &group.cells[0];
                all.add(first);
                all.take_away(first);
                assert_eq!(all, whole);
            }
        }
    }

    #[test]
    fn of_many_groups_those_with_most_calls_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_763_683_200_000_000;
        let options = super::super::SqliteOptions {
            clock: weir_core::time::Clock::fixed(now),
            ..super::super::SqliteOptions::default()
        };
        let store = SqliteStore::open_with(folder.path(), options).unwrap();
        let of = |model: Option<&str>, calls: i64| -> Vec<SpanWrite> {
            let one = |n| {
                let mut write = call(1, now - HOUR + n * MINUTE);
                write.span.model = model.map(str::to_owned);
                write
            };
            (0..calls).map(one).collect()
        };
        let writes = [of(Some("a"), 3), of(None, 5), of(Some("b"), 2), of(Some("c"), 1)].concat();
        store.commit(&store.prepare(writes).unwrap(), None).unwrap();
        let query = StatsQuery {
            range: TimeRange { from: Some(now - HOUR), to: Some(now) },
            group_by: vec![Dimension::Model],
            bucket: Some(MINUTE),
            ..StatsQuery::default()
        };
        let largest = store.largest_groups(&query, 2).unwrap();
        assert_eq!(largest, Largest { values: vec![vec![None], vec![Some("a".into())]], others: 2 });
        let groups = store.call_sums(&query, Detail::NONE, Some(&largest.values)).unwrap();
        let found: Vec<_> = groups.iter().map(|group| (group.values.clone(), group.cells.len())).collect();
        assert_eq!(found, [(vec![None], 5), (vec![Some("a".into())], 3)]);
        let none = store.call_sums(&query, Detail::NONE, Some(&[vec![Some("nobody".into())]])).unwrap();
        assert_eq!(none, []);
    }

    #[test]
    fn a_span_that_failed_happened_when_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).unwrap();
        let now = 1_763_683_200_000_000;
        let span = |kind, status, name: &str, start: Micros, end: Micros| {
            let span = Span {
                kind: Some(kind),
                status: Some(status),
                name: Some(name.into()),
                project: Some("shop".into()),
                start_us: Some(now + start),
                end_us: Some(now + end),
                ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
            };
            SpanWrite::create(span, now)
        };
        let writes = vec![
            span(SpanKind::Guardrail, Status::Blocked, "pii", 10, 20),
            span(SpanKind::Guardrail, Status::Success, "pii", 10, 20),
            span(SpanKind::Tool, Status::Error, "search", -MINUTE, 5),
            span(SpanKind::Tool, Status::Error, "search", 0, 2 * MINUTE),
            span(SpanKind::Tool, Status::Error, "too long", -2 * HOUR, 5),
        ];
        store.commit(&store.prepare(writes).unwrap(), None).unwrap();
        let found = |kinds: &[EventKind]| {
            let query = EventQuery {
                kinds: kinds.to_vec(),
                range: TimeRange { from: Some(now), to: Some(now + MINUTE) },
                labels: vec![EventLabel::Event, EventLabel::Kind, EventLabel::Name],
            };
            let shown = |e: Labelled| {
                let labels: Vec<_> = e.labels.into_iter().map(Option::unwrap_or_default).collect();
                format!("{} {}", e.at - now, labels.join(" "))
            };
            store.span_events(&query).unwrap().into_iter().map(shown).collect::<Vec<_>>()
        };
        assert_eq!(found(&[EventKind::Guardrail]), ["20 guardrail guardrail pii"]);
        let both = ["5 span_failed tool search", "20 guardrail guardrail pii", "20 span_failed guardrail pii"];
        assert_eq!(found(&[EventKind::Guardrail, EventKind::SpanFailed]), both);
        assert!(found(&[EventKind::RunFailed]).is_empty());
    }
}
