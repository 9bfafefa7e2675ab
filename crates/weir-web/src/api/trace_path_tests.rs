//! Paths of known spans, with exact figures.

use weir_core::id::{SpanId, TraceId};
use weir_core::span::SpanKind;

use super::*;

const TRACE: TraceId = TraceId([1; 16]);

fn id(n: u8) -> SpanId {
    SpanId([9, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// A span of the trace: id, parent, start and end.
fn span(n: u8, parent: Option<u8>, start: Micros, end: Micros) -> Span {
    Span {
        kind: Some(SpanKind::Chain),
        parent_id: parent.map(id),
        start_us: Some(start),
        end_us: Some(end),
        status: Some(Status::Success),
        ..Span::new(SpanKey { trace: TRACE, span: id(n) })
    }
}

/// Id, depth, offset and gap of each step.
fn path(spans: Vec<Span>) -> Vec<(u8, usize, Option<Micros>, Option<Micros>)> {
    arrange(spans).iter().map(|p| (p.span.span_id.0[1], p.depth, p.offset_us, p.gap_us)).collect()
}

#[test]
fn steps_stand_by_start_with_the_time_in_which_nothing_happened() {
    // A request of 100: a decision at once, a tool from 10 to 40, a call from 45 to 90.
    let spans = vec![
        span(4, Some(1), 1_045, 1_090),
        span(3, Some(1), 1_010, 1_040),
        span(2, Some(1), 1_000, 1_000),
        span(1, None, 1_000, 1_100),
    ];
    let wanted =
        [(1, 0, Some(0), None), (2, 1, Some(0), Some(0)), (3, 1, Some(10), Some(10)), (4, 1, Some(45), Some(5))];
    assert_eq!(path(spans.clone()), wanted);
    for turn in 0..spans.len() {
        let mut turned = spans.clone();
        turned.rotate_left(turn);
        assert_eq!(path(turned), wanted);
    }
}

#[test]
fn events_without_a_step_around_them_have_gaps_too() {
    assert_eq!(
        path(vec![span(1, None, 0, 10), span(2, None, 25, 30), span(3, None, 30, 30), span(4, None, 37, 40)]),
        [(1, 0, Some(0), None), (2, 0, Some(25), Some(15)), (3, 0, Some(30), Some(0)), (4, 0, Some(37), Some(7))]
    );
}

#[test]
fn while_another_step_runs_there_is_no_gap() {
    // 2 and 3 overlap; 4 follows the last of them, within 1. 5 lies in 4.
    let spans = vec![
        span(1, None, 0, 100),
        span(2, Some(1), 10, 60),
        span(3, Some(1), 20, 30),
        span(4, Some(1), 70, 90),
        span(5, Some(4), 72, 80),
    ];
    assert_eq!(
        path(spans),
        [
            (1, 0, Some(0), None),
            (2, 1, Some(10), Some(10)),
            (3, 1, Some(20), Some(0)),
            (4, 1, Some(70), Some(10)),
            (5, 2, Some(72), Some(2)),
        ]
    );
}

#[test]
fn missing_parents_and_circles_lose_no_step() {
    let mut alone = span(3, Some(77), 5, 6);
    alone.parent_id = Some(id(77));
    let own = span(4, Some(4), 7, 8);
    let found = path(vec![span(1, Some(2), 0, 9), span(2, Some(1), 1, 9), alone, own]);
    let depths: Vec<(u8, usize)> = found.iter().map(|(n, depth, ..)| (*n, *depth)).collect();
    assert_eq!(depths, [(1, 1), (2, 0), (3, 0), (4, 0)]);
    // A parent of another trace is no parent.
    let other = Span { trace_id: TraceId([2; 16]), ..span(6, Some(1), 3, 4) };
    assert_eq!(path(vec![span(1, None, 0, 9), other])[1].1, 0);
}

#[test]
fn a_long_chain_of_parents_is_no_trouble() {
    let mut spans: Vec<Span> = Vec::new();
    for n in 0..3_000u16 {
        let key = |n: u16| SpanId([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (n >> 8) as u8, n as u8]);
        let mut step = span(0, None, i64::from(n), 20_000);
        step.span_id = key(n);
        step.parent_id = n.checked_sub(1).map(key);
        spans.push(step);
    }
    let placed = arrange(spans);
    assert_eq!(placed.last().map(|p| (p.depth, p.gap_us)), Some((2_999, Some(1))));
}

#[test]
fn what_is_still_open_is_pending_and_what_has_no_start_stands_at_its_end_or_its_parents_start() {
    let open = Span { end_us: None, status: None, ..span(2, Some(1), 10, 0) };
    let only_end = Span { start_us: None, ..span(3, None, 0, 20) };
    let nothing = Span { start_us: None, end_us: None, status: Some(Status::Pending), ..span(4, Some(2), 0, 0) };
    let lost = Span { start_us: None, end_us: None, ..span(5, None, 0, 0) };
    let steps = vec![lost, nothing, only_end, open, span(1, None, 0, 50)];
    let found = path(steps.clone());
    assert_eq!(
        found,
        [(1, 0, Some(0), None), (2, 1, Some(10), Some(10)), (4, 2, None, None), (3, 0, None, None), (5, 0, None, None),]
    );
    let totals = totals(&arrange(steps));
    // The last has a status and no times: it has ended, nobody knows when.
    assert_eq!((totals.start, totals.duration_us, totals.pending), (Some(0), Some(50), 2));
}

#[test]
fn sums_are_of_calls_and_a_call_within_a_call_is_the_same_one() {
    let call = |n, parent, tokens: Option<u64>, cost: Option<i64>| Span {
        kind: Some(SpanKind::Llm),
        tokens: tokens.map(|n| TokenCounts::of(n, 1)),
        cost: cost.map(NanoUsd),
        ..span(n, parent, i64::from(n), 90)
    };
    let tool = Span { kind: Some(SpanKind::Tool), status: Some(Status::Error), ..call(8, None, Some(500), Some(500)) };
    let steps = arrange(vec![
        // Seen by an instrumentation, which knows no price, and by the gateway below it.
        call(1, None, Some(10), None),
        call(2, Some(1), Some(10), Some(7)),
        call(3, None, None, None),
        call(4, None, Some(20), Some(5)),
        tool,
    ]);
    let found = totals(&steps);
    assert_eq!((found.calls, found.tokens, found.cost, found.unpriced), (4, TokenCounts::of(30, 2), NanoUsd(12), 2));
    assert_eq!((found.errors, found.pending), (1, 0));
}

#[test]
fn nothing_is_an_empty_path() {
    assert!(arrange(Vec::new()).is_empty());
    assert_eq!(totals(&[]), Totals::default());
}
