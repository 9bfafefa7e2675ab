//! What the watch is fed is the same from minutes and from rows.

use std::collections::BTreeMap;

use weir_core::call_sums::CallSums;
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{SpanKind, Status};
use weir_core::time::{Clock, DAY, MINUTE};
use weir_core::token::TokenCounts;

use super::*;
use crate::activity::ActivityBucket;
use crate::telemetry::Dimension;

const START: Micros = 1_763_683_200_000_000;
const WIDTH: Micros = 5 * MINUTE;

fn call(project: Option<&str>, at: Micros, status: Status) -> Span {
    Span {
        kind: Some(SpanKind::Llm),
        status: Some(status),
        project: project.map(Into::into),
        model: Some(if at % 2 == 0 { "small" } else { "large" }.to_owned()),
        prompt_name: Some("greet".to_owned()),
        prompt_version: (at % 3 == 0).then(|| "v2".to_owned()),
        start_us: Some(at),
        end_us: Some(at + 250_000),
        ttft_us: (at % 2 == 0).then_some(90_000),
        tokens: Some(TokenCounts { cached: 5, reasoning: 2, ..TokenCounts::of(10, 7) }),
        cost: (status == Status::Success).then_some(NanoUsd(1_500)),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

fn decision(project: &str, at: Micros, to: &str) -> Span {
    let attributes = [("workflow", "w"), ("from_node", "start"), ("to_node", to)]
        .map(|(name, value)| (name.to_owned(), format!("\"{value}\"")))
        .into();
    Span { kind: Some(SpanKind::Branch), attributes, ..call(Some(project), at, Status::Success) }
}

fn spans() -> Vec<Span> {
    let mut spans = Vec::new();
    for n in 0..40 {
        let status = [Status::Success, Status::Error, Status::RateLimited, Status::Cached, Status::Blocked][n % 5];
        let at = START + n as i64 * 37_000_001 + if n >= 20 { 6 * 3_600_000_000 } else { 0 };
        spans.push(call([Some("shop"), Some("chat"), None][n % 3], at, status));
        spans.push(decision("shop", at + 1, ["left", "right"][n % 2]));
    }
    spans
}

/// Every page of a store whose clock stands at `now`.
fn read(now: Micros, rows: usize) -> (Vec<ActivityBucket>, usize) {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { clock: Clock::fixed(now), ..SqliteOptions::default() };
    let store = SqliteStore::open_with(dir.path(), options).unwrap();
    let writes = spans().into_iter().map(|s| SpanWrite::create(s, 1)).collect();
    let batch = store.prepare(writes).unwrap();
    store.commit(&batch, None).unwrap();
    let (mut from, mut all, mut pages) = (START - DAY, Vec::new(), 0);
    loop {
        let page = store.activity(from, START + DAY, WIDTH, rows).unwrap();
        all.extend(page.buckets);
        pages += 1;
        match page.next {
            Some(next) => from = next,
            None => return (all, pages),
        }
    }
}

#[test]
fn minutes_and_rows_give_the_same() {
    let (of_minutes, one) = read(START + DAY / 2, 1_000_000);
    let (of_rows, pages) = read(START + 30 * DAY, 7);
    assert_eq!(of_minutes, of_rows);
    assert_eq!(one, 1);
    assert!(pages > 4, "{pages}");
    assert_eq!(read(START + DAY / 2, 3).0, of_rows);
    // Every part of a dimension that all calls have adds up to all of them; rate limits are not told apart.
    for activity in of_rows.iter().flat_map(|b| b.projects.values()) {
        for dimension in [Dimension::Model, Dimension::PromptVersion] {
            let mut sum = CallSums::default();
            for (_, part) in activity.parts.iter().filter(|((of, _), _)| *of == dimension) {
                sum.add(part);
            }
            assert_eq!(sum, CallSums { rate_limited: 0, ..activity.calls.clone() }, "{dimension:?}");
        }
    }
    let named = |d: Dimension, value: &str| {
        of_rows.iter().flat_map(|b| b.projects.values()).any(|a| a.parts.contains_key(&(d, value.to_owned())))
    };
    assert!(
        named(Dimension::Model, "small")
            && named(Dimension::PromptVersion, "greet@v2")
            && named(Dimension::PromptVersion, "greet")
    );
    let mut statuses: BTreeMap<&str, u64> = BTreeMap::new();
    for activity in of_rows.iter().flat_map(|b| b.projects.values()) {
        *statuses.entry("calls").or_default() += activity.calls.calls;
        *statuses.entry("errors").or_default() += activity.calls.errors;
        *statuses.entry("limited").or_default() += activity.calls.rate_limited;
        *statuses.entry("cached").or_default() += activity.calls.cache_hits;
        *statuses.entry("unpriced").or_default() += activity.calls.unpriced;
        *statuses.entry("prompt").or_default() += activity.calls.prompt_tokens;
        *statuses.entry("latencies").or_default() += activity.calls.latency.count();
        *statuses.entry("first tokens").or_default() += activity.calls.ttft.count();
        *statuses.entry("rates").or_default() += activity.calls.output_rate.count();
        *statuses.entry("prompt logs").or_default() += activity.calls.prompt_logs.count;
        *statuses.entry("cost logs").or_default() += activity.calls.cost_logs.count;
        *statuses.entry("branches").or_default() += activity.branches.values().sum::<u64>();
    }
    let expected = [
        ("branches", 40),
        ("cached", 8),
        ("calls", 40),
        ("cost logs", 8),
        ("errors", 24),
        ("first tokens", 20),
        ("latencies", 40),
        ("limited", 8),
        ("prompt", 40 * 15),
        ("prompt logs", 40),
        ("rates", 8),
        ("unpriced", 32),
    ];
    assert_eq!(statuses, expected.into());
}

#[test]
fn projects_are_told_by_volume() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open_with(dir.path(), SqliteOptions::default()).unwrap();
    let batch = store.prepare(spans().into_iter().map(|s| SpanWrite::create(s, 1)).collect()).unwrap();
    store.commit(&batch, None).unwrap();
    let told = store.project_spans(TimeRange::default(), 2).unwrap();
    let names: Vec<_> = told.iter().map(|p| (p.project.as_deref(), p.calls)).collect();
    assert_eq!(names, [(Some("shop"), 14), (None, 13)].as_slice());
    assert!(told[0].first <= START && told[0].last > START && told[0].last % DAY == 0);
    assert_eq!(store.project_spans(TimeRange { from: Some(START + 3 * DAY), to: None }, 9).unwrap(), []);
}
