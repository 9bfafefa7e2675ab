use weir_core::id::{SpanId, SpanKey};
use weir_core::span::SpanKind;
use weir_core::token::TokenCounts;

use super::*;

fn call(version: &str, status: Status, ms: i64) -> Span {
    Span {
        kind: Some(SpanKind::Llm),
        status: Some(status),
        prompt_version: Some(version.into()),
        start_us: Some(1_000_000),
        end_us: Some(1_000_000 + ms * 1_000),
        tokens: Some(TokenCounts { cached: 2, reasoning: 3, ..TokenCounts::of(10, 20) }),
        cost: Some(NanoUsd(1_000)),
        request_id: Some(format!("req-{ms}")),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

fn fold(spans: &[Span], tallies: &[Tally]) -> Fold {
    let mut fold = Fold::default();
    fold.add(spans, tallies);
    fold.finish();
    fold
}

fn tally(target: usize, name: &str, sum: f64, count: u64) -> Tally {
    Tally { target, name: name.into(), sum, count }
}

#[test]
fn only_whole_answers_speak_for_a_version() {
    let mut hit = call("v1", Status::Success, 1);
    hit.cache = Some("semantic".into());
    let mut unpriced = call("v1", Status::Success, 300);
    (unpriced.cost, unpriced.tokens, unpriced.ttft_us) = (None, None, Some(40_000));
    let mut loose = call("v1", Status::Success, 5);
    loose.prompt_version = None;
    let fold = fold(
        &[
            call("v1", Status::Success, 100),
            unpriced,
            call("v1", Status::Error, 9_000),
            call("v1", Status::Cached, 1),
            hit,
            call("v1", Status::RateLimited, 1),
            call("v1", Status::Blocked, 1),
            call("v1", Status::Cancelled, 7),
            call("v1", Status::Pending, 7),
            loose,
        ],
        &[],
    );
    let v = &fold.versions["v1"];
    assert_eq!((fold.calls, fold.without_version, fold.left_out), (10, 1, 0));
    assert_eq!((v.calls, v.cache_hits, v.errors, v.refused, v.cancelled, v.unpriced), (9, 2, 1, 2, 1, 1));
    assert_eq!((v.failed.count(), v.failed.mean()), (3, Some(1.0 / 3.0)));
    assert_eq!((v.latency.count(), v.latency.mean(), v.latencies.count()), (2, Some(200.0), 2));
    assert_eq!((v.ttft.count(), v.ttft.mean()), (1, Some(40.0)));
    assert_eq!((v.prompt_tokens.mean(), v.completion_tokens.mean()), (Some(12.0), Some(23.0)));
    // The failed, the refused, the cancelled and the open call were paid for as well.
    assert_eq!((v.cost.mean(), v.cost_sum), (Some(1e-6), Some(NanoUsd(6_000))));
}

#[test]
fn a_cost_that_nobody_knows_is_no_zero() {
    let mut span = call("v1", Status::Success, 1);
    span.cost = None;
    let fold = fold(&[span, call("v1", Status::Cached, 1)], &[]);
    assert_eq!((fold.versions["v1"].cost_sum, fold.versions["v1"].cost.mean()), (None, None));
}

#[test]
fn a_call_counts_once_per_score_whatever_it_is_called() {
    // Per call four targets: its trace, its span, its span id, its request id.
    let spans = [call("v1", Status::Success, 1), call("v2", Status::Success, 2)];
    assert_eq!(targets(&spans).len(), 8);
    let fold = fold(
        &spans,
        &[tally(1, "helpful", 1.0, 1), tally(2, "helpful", 7.0, 3), tally(2, "tone", 0.5, 1), tally(7, "tone", 1.0, 1)],
    );
    let (v1, v2) = (&fold.versions["v1"].scores, &fold.versions["v2"].scores);
    assert_eq!((v1["helpful"].count(), v1["helpful"].mean()), (1, Some(2.0)));
    assert_eq!((v1["tone"].mean(), v2["tone"].mean(), v2.len()), (Some(0.5), Some(1.0), 1));
}

#[test]
fn a_traces_score_belongs_to_the_version_that_is_alone_in_it() {
    let mut spans = [
        call("v1", Status::Success, 1),
        call("v1", Status::Success, 2),
        call("v1", Status::Success, 3),
        call("v2", Status::Success, 4),
    ];
    spans[1].trace_id = spans[0].trace_id;
    spans[3].trace_id = spans[2].trace_id;
    let tallies = [0, 4, 8, 12].map(|target| tally(target, "solved", 1.0, 1));
    let mut parts = Fold::default();
    // As it comes in pieces.
    parts.add(&spans[..1], &tallies[..1]);
    let rest = [0, 4, 8].map(|target| tally(target, "solved", 1.0, 1));
    parts.add(&spans[1..], &rest);
    parts.finish();
    for fold in [fold(&spans, &tallies), parts] {
        assert_eq!(fold.versions["v1"].scores["solved"].count(), 1);
        assert!(fold.versions["v2"].scores.is_empty());
    }
}

#[test]
fn versions_and_scores_have_bounds() {
    let spans: Vec<_> = (0..103).map(|n| call(&format!("v{n}"), Status::Success, 1)).collect();
    let many = fold(&spans, &[]);
    assert_eq!((many.versions.len(), many.left_out, many.calls), (100, 3, 103));
    let tallies: Vec<_> = (0..103).map(|n| tally(1, &format!("s{n:03}"), 1.0, 1)).collect();
    assert_eq!(fold(&spans[..1], &tallies).versions["v0"].scores.len(), 100);
}

#[test]
fn invented_versions_do_not_push_the_real_ones_out() {
    let mut spans: Vec<_> = (0..150).map(|n| call(&format!("invented{n}"), Status::Success, 1)).collect();
    spans.extend(["real", "real", "other", "other", "rare"].map(|v| call(v, Status::Success, 1)));
    let first = fold(&spans, &[]);
    assert!(!first.versions.contains_key("real"));
    let mut again = first.again(Some("rare")).unwrap();
    again.add(&spans, &[]);
    again.finish();
    assert_eq!((again.versions.len(), again.left_out, again.left_out_versions), (100, 53, 53));
    assert_eq!(["real", "other", "rare"].map(|v| again.versions[v].calls), [2, 2, 1]);
    assert!(fold(&spans[..100], &[]).again(None).is_none());
}

#[test]
fn the_baseline_is_the_most_called() {
    let spans = ["b", "c", "a", "b", "a"].map(|v| call(v, Status::Success, 1));
    assert_eq!(fold(&spans, &[]).most_called(), Some("a"));
    assert_eq!(fold(&spans[..4], &[]).most_called(), Some("b"));
    assert_eq!(fold(&[], &[]).most_called(), None);
}
