//! The questions of a dashboard, timed.

use std::time::Instant;

use weir_core::filter::{Field, Filter, Op, Value};
use weir_core::time::{DAY, HOUR, Micros};
use weir_store::sqlite::SqliteStore;
use weir_store::telemetry::{Dimension, OrderBy, SpanQuery, SpanRef, StatsQuery, Telemetry, TimeRange};

use super::{Failure, Table};

const TIMES: usize = 20;

/// Makes the filter of the n-th time.
type MakeFilter = Box<dyn Fn(usize) -> Filter>;

fn page(filter: Filter, order: OrderBy) -> SpanQuery {
    SpanQuery {
        range: TimeRange::default(),
        filter,
        order,
        ascending: false,
        limit: 50,
        cursor: None,
        with_payload: false,
    }
}

/// Times one question; the closure returns how much it found.
fn time(table: &mut Table, what: &str, mut ask: impl FnMut(usize) -> Result<usize, Failure>) -> Result<(), Failure> {
    if !table.only.as_ref().is_none_or(|only| what.contains(only.as_str())) {
        return Ok(());
    }
    let mut took = Vec::with_capacity(TIMES);
    let mut found = 0;
    let busy = on_processor();
    for n in 0..TIMES {
        let begun = Instant::now();
        found = ask(n)?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let busy = (on_processor() - busy) / TIMES as f64;
    took.sort_by(f64::total_cmp);
    let (p50, p95) = (took[TIMES / 2], took[TIMES - 2]);
    table.line(what, format!("p50 {p50:>6.2}  p95 {p95:>6.2}  CPU {busy:>6.2} ms ({found})"), "p95 < 50 ms")
}

/// Milliseconds that this thread has run: on a busy machine, most of a latency is waiting for a processor.
fn on_processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e6
}

/// Runs all of them.
pub(crate) fn run(store: &SqliteStore, calls: u64, now: Micros, when: &str, table: &mut Table) -> Result<(), Failure> {
    table.line(&format!("-- {when}, {calls} calls over 30 days"), String::new(), "")?;
    let filters: Vec<(&str, MakeFilter)> = vec![
        ("none", Box::new(|_| Filter::all())),
        ("model, common", Box::new(|_| Filter::eq(Field::Model, "gpt-0"))),
        ("model, rare (1 in a million)", Box::new(|_| Filter::eq(Field::Model, "rare-model"))),
        ("model, unknown", Box::new(|_| Filter::eq(Field::Model, "nobody"))),
        ("key, rare (1 in a million)", Box::new(|_| Filter::eq(Field::Key, "rare-key"))),
        ("tag, rare (1 in a million)", Box::new(|_| Filter::eq(Field::Tag, "rare-tag"))),
        ("status error (2 %)", Box::new(|_| Filter::eq(Field::Status, "error"))),
        ("status blocked (0.03 %)", Box::new(|_| Filter::eq(Field::Status, "blocked"))),
        ("user, rare (about 1 in 150,000)", Box::new(|n| Filter::eq(Field::User, format!("user-{}", 49_000 + n)))),
        ("user, unknown", Box::new(|n| Filter::eq(Field::User, format!("nobody-{n}")))),
        (
            "session (about 12 calls)",
            Box::new(move |n| Filter::eq(Field::Session, format!("session-{}", calls / 12 * n as u64 / 20 + 50))),
        ),
        (
            "request id",
            Box::new(move |n| Filter::eq(Field::RequestId, format!("req-{:012x}", calls * n as u64 / 20 + 7))),
        ),
        ("latency > 15 s (rare)", Box::new(|_| Filter::Compare(Field::Latency, Op::Gt, Value::Int(15_000_000)))),
        ("latency > 2 s (common)", Box::new(|_| Filter::Compare(Field::Latency, Op::Gt, Value::Int(2_000_000)))),
        ("cost > 0.374 mUSD (rare)", Box::new(|_| Filter::Compare(Field::Cost, Op::Gt, Value::Int(374_000)))),
        (
            "department and error and model",
            Box::new(|_| {
                Filter::And(vec![
                    Filter::eq(Field::Department, "dept-3"),
                    Filter::eq(Field::Status, "error"),
                    Filter::eq(Field::Model, "gpt-7"),
                ])
            }),
        ),
        (
            "error contains \"too long\"",
            Box::new(|_| Filter::Compare(Field::Error, Op::Contains, Value::Text("too long".into()))),
        ),
    ];
    for (what, filter) in &filters {
        time(table, &format!("latest 50, {what}"), |n| Ok(store.spans(&page(filter(n), OrderBy::Start))?.spans.len()))?;
    }
    time(table, "latest 50 with payload", |_| {
        Ok(store.spans(&SpanQuery { with_payload: true, ..page(Filter::all(), OrderBy::Start) })?.spans.len())
    })?;
    let mut cursor = None;
    time(table, "deep pages of errors, one after the other", |_| {
        let query = SpanQuery {
            cursor: cursor.take(),
            limit: 1_000,
            ..page(Filter::eq(Field::Status, "error"), OrderBy::Start)
        };
        let page = store.spans(&query)?;
        cursor = page.next;
        Ok(page.spans.len())
    })?;
    for (what, order) in [("latency", OrderBy::Latency), ("cost", OrderBy::Cost), ("tokens", OrderBy::Tokens)] {
        time(table, &format!("top 50 by {what}"), |_| Ok(store.spans(&page(Filter::all(), order))?.spans.len()))?;
    }
    time(table, "top 50 by latency, model and last 24 h", |_| {
        let mut query = page(Filter::eq(Field::Model, "gpt-3"), OrderBy::Latency);
        query.range.from = Some(now - DAY);
        Ok(store.spans(&query)?.spans.len())
    })?;
    let mut cursor = None;
    time(table, "by latency, 20 pages one after the other", |_| {
        let page = store.spans(&SpanQuery { cursor: cursor.take(), ..page(Filter::all(), OrderBy::Latency) })?;
        cursor = page.next;
        Ok(page.spans.len())
    })?;
    time(table, "one span by request id, with payload", |n| {
        let id = format!("req-{:012x}", calls * n as u64 / 20 + 9);
        Ok(usize::from(store.span(&SpanRef::Request(id))?.is_some()))
    })?;

    let last = |days: i64| TimeRange { from: Some(now - days * DAY), to: None };
    let stats: Vec<(&str, StatsQuery)> = vec![
        ("30 days, total", StatsQuery { range: last(30), ..StatsQuery::default() }),
        ("30 days by model", StatsQuery { range: last(30), group_by: vec![Dimension::Model], ..StatsQuery::default() }),
        (
            "30 days by model, series of hours",
            StatsQuery {
                range: last(30),
                group_by: vec![Dimension::Model],
                bucket: Some(HOUR),
                ..StatsQuery::default()
            },
        ),
        (
            "30 days by status, series of days",
            StatsQuery {
                range: last(30),
                group_by: vec![Dimension::Status],
                bucket: Some(DAY),
                ..StatsQuery::default()
            },
        ),
        (
            "24 h by key, series of 10 minutes",
            StatsQuery {
                range: last(1),
                group_by: vec![Dimension::Key],
                bucket: Some(10 * weir_core::time::MINUTE),
                ..StatsQuery::default()
            },
        ),
        (
            "30 days by model and provider (cube)",
            StatsQuery {
                range: last(30),
                group_by: vec![Dimension::Model, Dimension::Provider],
                ..StatsQuery::default()
            },
        ),
        (
            "30 days by day of one model and status (cube)",
            StatsQuery {
                range: last(30),
                filters: vec![(Dimension::Model, vec!["gpt-3".into()]), (Dimension::Status, vec!["error".into()])],
                bucket: Some(DAY),
                ..StatsQuery::default()
            },
        ),
        (
            "24 h by model and status (cube and rows)",
            StatsQuery { range: last(1), group_by: vec![Dimension::Model, Dimension::Status], ..StatsQuery::default() },
        ),
    ];
    for (what, query) in &stats {
        time(table, &format!("stats, {what}"), |_| Ok(store.stats(query)?.groups.len()))?;
    }
    Ok(())
}
