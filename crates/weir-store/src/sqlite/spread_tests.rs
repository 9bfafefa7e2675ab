//! What is known of single calls in a store that an earlier Weir has begun.

use std::path::Path;

use weir_core::call_sums::CallSums;
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{SpanKind, Status};
use weir_core::time::{Clock, DAY, HOUR, MINUTE};
use weir_core::token::TokenCounts;

use super::*;
use crate::activity::Activity;
use crate::sums::{Detail, Measured};
use crate::telemetry::{Dimension, StatsQuery, TimeRange};

const START: Micros = 1_763_683_200_000_000;

fn call(place: u8, at: Micros, tokens: u64) -> Span {
    Span {
        kind: Some(SpanKind::Llm),
        status: Some(Status::Success),
        model: Some("m".to_owned()),
        provider: Some("p".to_owned()),
        start_us: Some(START + at),
        end_us: Some(START + at + 2_000_000),
        ttft_us: Some(400_000),
        tokens: Some(TokenCounts::of(10, tokens)),
        cost: Some(NanoUsd(1_500)),
        ..Span::new(SpanKey { trace: TraceId([place; 16]), span: SpanId([place; 16]) })
    }
}

fn open(dir: &Path) -> SqliteStore {
    let options = SqliteOptions { clock: Clock::fixed(START + DAY), ..SqliteOptions::default() };
    SqliteStore::open_with(dir, options).unwrap()
}

fn write(store: &SqliteStore, span: Span, stamp: Micros) {
    store.commit(&store.prepare(vec![SpanWrite::create(span, stamp)]).unwrap(), None).unwrap();
}

/// Calls, first tokens, rates and logarithms that are known of an hour's minutes and of the hour, by one dimension and by two.
fn known(store: &SqliteStore) -> [(u64, u64, u64, u64); 3] {
    let counts = |sums: &CallSums| {
        assert_eq!(sums.latency.count(), sums.calls, "latencies were always kept");
        assert_eq!([sums.completion_logs.count, sums.cost_logs.count], [sums.prompt_logs.count; 2]);
        (sums.calls, sums.ttft.count(), sums.output_rate.count(), sums.prompt_logs.count)
    };
    let sums = |group_by: Vec<Dimension>| {
        let range = TimeRange { from: Some(START), to: Some(START + HOUR) };
        let query = StatsQuery { range, group_by, bucket: Some(HOUR), ..StatsQuery::default() };
        let mut all = CallSums::default();
        let groups = store.call_sums(&query, Detail::ALL, None).unwrap();
        groups.iter().flat_map(|group| &group.cells).for_each(|(_, cell)| all.add(cell));
        counts(&all)
    };
    let mut minutes = CallSums::default();
    for bucket in store.activity(START, START + HOUR, MINUTE, 1_000).unwrap().buckets {
        bucket.projects.values().for_each(|project| minutes.add(&project.calls));
    }
    [counts(&minutes), sums(vec![Dimension::Model]), sums(vec![Dimension::Model, Dimension::Provider])]
}

#[test]
fn cells_of_an_earlier_weir_know_latencies_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    write(&store, call(1, 0, 30), 1);
    write(&store, call(2, 5 * MINUTE, 30), 1);
    assert_eq!(known(&store), [(2, 2, 2, 2); 3]);
    drop(store);
    // As an earlier Weir has left it.
    let db = rusqlite::Connection::open(dir.path().join("telemetry.db")).unwrap();
    for column in ["ttft", "output_rate", "logs"] {
        db.execute_batch(&format!("ALTER TABLE rollup DROP COLUMN {column}; ALTER TABLE cube DROP COLUMN {column}"))
            .unwrap();
    }
    db.execute_batch("DELETE FROM schema_migrations WHERE version = 10").unwrap();
    drop(db);

    let store = open(dir.path());
    assert_eq!(known(&store), [(2, 0, 0, 0); 3]);
    // In the same minute nothing more is known; the next minute is known, the hour that has begun is not.
    write(&store, call(3, 30_000_000, 30), 1);
    assert_eq!(known(&store), [(3, 0, 0, 0); 3]);
    write(&store, call(4, 6 * MINUTE, 30), 1);
    assert_eq!(known(&store), [(4, 1, 1, 1), (4, 0, 0, 0), (4, 0, 0, 0)]);
    // A row that was counted before takes away what was counted of it, no more.
    write(&store, Span { ttft_us: Some(700_000), ..call(1, 0, 50) }, 2);
    write(&store, call(2, 6 * MINUTE, 50), 2);
    assert_eq!(known(&store), [(4, 2, 2, 2), (4, 0, 0, 0), (4, 0, 0, 0)]);
}
