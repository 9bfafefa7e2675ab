use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Clock;

use super::*;
use crate::ingest::WriteEngine;
use crate::sqlite::{PayloadEncoding, SqliteOptions, connect, schema};
use crate::telemetry::Telemetry;

const NOW: Micros = 1_763_683_200_000_000;

fn target(name: &str, scope: Scope) -> ExportTarget {
    ExportTarget { name: name.to_owned(), scope }
}

fn open(dir: &std::path::Path, clock: &Clock, targets: &[&str]) -> SqliteStore {
    open_for(dir, clock, targets.iter().map(|name| target(name, Scope::Calls)).collect())
}

fn open_for(dir: &std::path::Path, clock: &Clock, exports: Vec<ExportTarget>) -> SqliteStore {
    SqliteStore::open_with(dir, SqliteOptions { clock: clock.clone(), exports, ..SqliteOptions::default() }).unwrap()
}

fn call(n: i64) -> Span {
    Span {
        kind: Some(SpanKind::Llm),
        status: Some(Status::Success),
        start_us: Some(NOW + n),
        end_us: Some(NOW + n + 5),
        input: Some(format!("question {n}")),
        output: Some(format!("answer {n}")),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

fn write(store: &SqliteStore, writes: Vec<SpanWrite>) {
    let batch = store.prepare(writes).unwrap();
    store.commit(&batch, None).unwrap();
}

fn add(store: &SqliteStore, spans: &[Span]) {
    write(store, spans.iter().map(|s| SpanWrite::create(s.clone(), NOW)).collect());
}

fn all(store: &SqliteStore, after: i64) -> Vec<Span> {
    store.pending("a", after, 1_000, usize::MAX).unwrap().calls.into_iter().map(|(_, span)| span).collect()
}

#[test]
fn ended_calls_are_queued_in_order_with_their_payload() {
    let dir = tempfile::tempdir().unwrap();
    for (n, payload) in [PayloadEncoding::Compressed, PayloadEncoding::Plain].into_iter().enumerate() {
        let folder = dir.path().join(n.to_string());
        let options = SqliteOptions {
            payload,
            clock: Clock::fixed(NOW),
            exports: vec![target("a", Scope::Calls)],
            shared: false,
        };
        let store = SqliteStore::open_with(&folder, options).unwrap();
        let calls: Vec<Span> = (0..5).map(call).collect();
        let tool = Span { kind: Some(SpanKind::Tool), ..call(7) };
        let open = Span { end_us: None, ..call(8) };
        let embedding = Span { kind: Some(SpanKind::Embedding), ..call(9) };
        add(&store, &calls);
        add(&store, &[tool, open, embedding.clone()]);
        let mut wanted = calls;
        wanted.push(embedding);
        assert_eq!(all(&store, 0), wanted);
        assert_eq!(store.lag("a").unwrap(), Lag { records: 6, oldest_us: Some(NOW), last: 6 });
        assert_eq!(store.lag("unknown").unwrap().records, 6);
    }
}

#[test]
fn nothing_is_queued_where_nothing_is_exported() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Clock::fixed(NOW), &[]);
    add(&store, &[call(1)]);
    assert!(all(&store, 0).is_empty() && store.targets().unwrap().is_empty());
    assert_eq!(store.lag("a").unwrap(), Lag::default());
    drop(store);
    // A target that comes later sees what comes later.
    let store = open(dir.path(), &Clock::fixed(NOW), &["a"]);
    let second = call(2);
    add(&store, std::slice::from_ref(&second));
    assert_eq!(all(&store, store.cursor("a").unwrap()), [second]);
}

#[test]
fn a_call_is_queued_once_however_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Clock::fixed(NOW), &["a"]);
    let whole = call(1);
    add(&store, std::slice::from_ref(&whole));
    add(&store, std::slice::from_ref(&whole));
    let more = Span { output: Some("another answer".into()), end_us: Some(NOW + 50), ..whole };
    write(&store, vec![SpanWrite::update(more.clone(), NOW + 1)]);
    assert_eq!(all(&store, 0), [more], "once, as it is now");

    // In pieces: queued when it ends, not before and not again.
    let piece = Span { end_us: None, ..call(2) };
    add(&store, std::slice::from_ref(&piece));
    assert_eq!(all(&store, 0).len(), 1);
    let end = Span { end_us: Some(NOW + 9), ..Span::new(piece.span_key()) };
    write(&store, vec![SpanWrite::update(end.clone(), NOW + 2)]);
    write(&store, vec![SpanWrite::update(Span { user: Some("u".into()), ..end }, NOW + 3)]);
    let queued = all(&store, 0);
    assert_eq!(queued.len(), 2);
    assert_eq!((queued[1].span_id, queued[1].user.as_deref()), (piece.span_id, Some("u")));
}

#[test]
fn pages_are_bounded_and_go_on_where_they_ended() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Clock::fixed(NOW), &["a"]);
    let calls: Vec<Span> = (0..10).map(call).collect();
    add(&store, &calls);
    let size = calls[0].input.as_ref().unwrap().len() + calls[0].output.as_ref().unwrap().len();
    let page = store.pending("a", 0, 4, usize::MAX).unwrap();
    assert_eq!((page.calls.len(), page.upto, page.gone), (4, page.calls[3].0, 0));
    let page = store.pending("a", page.upto, 100, size * 2 + 1).unwrap();
    assert_eq!(page.calls.len(), 2, "as many as fit");
    let page = store.pending("a", page.upto, 100, 0).unwrap();
    assert_eq!(page.calls.len(), 1, "one always fits");
    let page = store.pending("a", page.upto, 100, usize::MAX).unwrap();
    assert_eq!(page.calls.last().unwrap().1, calls[9]);
    let end = store.pending("a", page.upto, 100, usize::MAX).unwrap();
    assert_eq!(end, Pending { calls: Vec::new(), upto: page.upto, gone: 0 });
}

#[test]
fn details_attributes_and_tags_fill_a_page_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &Clock::fixed(NOW), &["a"]);
    let mut calls: Vec<Span> = (0..5).map(call).collect();
    calls[1].attributes.insert("metadata".into(), format!("{:?}", "m".repeat(5_000)));
    calls[2].tags = Some(vec!["t".repeat(100); 50]);
    calls[3].details = Some(format!("{{\"events\":[{}0]}}", "1, ".repeat(2_000)));
    add(&store, &calls);
    let page = |after, wanted: &[Span]| {
        let page = store.pending("a", after, 100, 5_000).unwrap();
        assert_eq!(page.calls.into_iter().map(|(_, span)| span).collect::<Vec<_>>(), wanted);
        page.upto
    };
    let after = page(0, &calls[..1]);
    let after = page(after, &calls[1..2]);
    let after = page(after, &calls[2..3]);
    let after = page(after, &calls[3..4]);
    page(after, &calls[4..]);
}

#[test]
fn rows_go_when_every_target_is_past_them_and_cursors_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(NOW);
    let store = open(dir.path(), &clock, &["a", "b"]);
    let calls: Vec<Span> = (0..4).map(call).collect();
    add(&store, &calls);
    let ids: Vec<i64> = store.pending("a", 0, 10, usize::MAX).unwrap().calls.iter().map(|(id, _)| *id).collect();
    store.done("a", ids[2]).unwrap();
    store.done("a", ids[0]).unwrap();
    assert_eq!(store.cursor("a").unwrap(), ids[2], "it never goes back");
    assert_eq!((store.lag("a").unwrap().records, store.lag("b").unwrap().records), (1, 4));
    store.done("b", ids[1]).unwrap();
    assert_eq!(all(&store, 0), calls[2..], "what both are past is deleted");
    drop(store);

    // Off for a while: the cursors wait, and nothing is queued.
    let store = open(dir.path(), &clock, &[]);
    add(&store, &[call(100)]);
    assert_eq!(store.targets().unwrap(), ["a", "b"]);
    drop(store);
    let store = open(dir.path(), &clock, &["a"]);
    assert_eq!(store.targets().unwrap(), ["a"], "b would hold the queue for ever");
    assert_eq!(all(&store, store.cursor("a").unwrap()), calls[3..]);
    store.done("a", ids[3]).unwrap();
    // Numbers are not given again although the queue is empty.
    drop(store);
    let store = open(dir.path(), &clock, &["a"]);
    add(&store, &[call(200)]);
    assert_eq!(all(&store, ids[3]).len(), 1);
}

#[test]
fn what_was_pruned_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(NOW);
    let store = open(dir.path(), &clock, &["a"]);
    let calls: Vec<Span> = (0..6).map(|n| call(n * 1_000_000)).collect();
    add(&store, &calls[..3]);
    // Queued late, though it is old: the queue keeps its place, the row is gone.
    clock.advance(10_000_000);
    add(&store, &calls[3..]);
    store.prune(NOW + 3_500_000).unwrap();
    let page = store.pending("a", store.cursor("a").unwrap(), 10, usize::MAX).unwrap();
    assert_eq!(page.gone, 1);
    assert_eq!(page.calls.into_iter().map(|(_, s)| s).collect::<Vec<_>>(), calls[4..]);
    assert_eq!(store.lag("a").unwrap().records, 3, "the oldest were taken out of the queue with their rows");
    let only = store.pending("a", 0, 1, usize::MAX).unwrap();
    assert!(only.calls.is_empty() && only.gone == 1 && only.upto > 0, "a page of gone calls still goes on");
}

fn tool(n: i64) -> Span {
    Span { kind: Some(SpanKind::Tool), ..call(n) }
}

#[test]
fn an_exporter_of_calls_passes_over_what_another_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let targets = || vec![target("calls", Scope::Calls), target("all", Scope::All)];
    let store = open_for(dir.path(), &Clock::fixed(NOW), targets());
    let spans: Vec<Span> = (0..300).map(|n| if n % 150 == 149 { call(n) } else { tool(n) }).collect();
    add(&store, &spans);
    add(&store, &[Span { end_us: None, ..tool(1_000) }]);
    assert_eq!(store.lag("calls").unwrap(), Lag { records: 2, oldest_us: Some(NOW), last: 300 });
    assert_eq!(store.lag("all").unwrap(), Lag { records: 300, oldest_us: Some(NOW), last: 300 });

    let page = store.pending("all", 0, 1_000, usize::MAX).unwrap();
    assert_eq!(page.calls.into_iter().map(|(_, span)| span).collect::<Vec<_>>(), spans);
    // What is for others costs pages, but is neither given nor gone.
    let (mut after, mut calls, mut pages) = (0, Vec::new(), 0);
    loop {
        let page = store.pending("calls", after, 10, usize::MAX).unwrap();
        assert_eq!(page.gone, 0);
        assert!(page.calls.iter().all(|(id, _)| *id <= after + 10), "no further than was asked for");
        calls.extend(page.calls.into_iter().map(|(_, span)| span));
        if page.upto == after {
            break;
        }
        (after, pages) = (page.upto, pages + 1);
    }
    assert_eq!((calls, after), (vec![spans[149].clone(), spans[299].clone()], 300));
    assert!(pages < 10, "{pages} pages of 10 for 300 places");

    store.done("calls", 200).unwrap();
    assert_eq!(store.lag("calls").unwrap().records, 1);
    assert_eq!(store.lag("all").unwrap().records, 300, "they wait for the slower one");
    store.done("all", 300).unwrap();
    assert_eq!(store.lag("calls").unwrap().records, 1);
    store.done("calls", 300).unwrap();
    assert_eq!((store.lag("calls").unwrap(), store.lag("all").unwrap()), (Lag::default(), Lag::default()));

    // The other one is switched off: only calls are queued.
    drop(store);
    let store = open_for(dir.path(), &Clock::fixed(NOW), vec![target("calls", Scope::Calls)]);
    add(&store, &[tool(400), call(401), tool(402)]);
    assert_eq!(store.lag("calls").unwrap(), Lag { records: 1, oldest_us: Some(NOW), last: 301 });
    drop(store);
    // And a target may change its mind.
    let store = open_for(dir.path(), &Clock::fixed(NOW), vec![target("calls", Scope::All)]);
    add(&store, &[tool(500)]);
    assert_eq!(store.pending("calls", 300, 9, usize::MAX).unwrap().calls.len(), 2);
}

#[test]
fn what_turns_out_to_be_a_call_after_its_end_is_given_to_each_once() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        open_for(dir.path(), &Clock::fixed(NOW), vec![target("calls", Scope::Calls), target("all", Scope::All)]);
    let whole = call(1);
    add(&store, &[Span { kind: None, ..whole.clone() }]);
    assert_eq!((store.lag("calls").unwrap().records, store.lag("all").unwrap().records), (0, 1));
    for _ in 0..2 {
        add(&store, std::slice::from_ref(&whole));
        write(&store, vec![SpanWrite::update(whole.clone(), NOW + 1)]);
        for target in ["calls", "all"] {
            let page = store.pending(target, 0, 10, usize::MAX).unwrap();
            assert_eq!(page.calls.into_iter().map(|(_, span)| span).collect::<Vec<_>>(), std::slice::from_ref(&whole));
        }
    }
}

#[test]
fn a_queue_from_before_there_was_a_choice_is_one_of_calls() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = connect::writer(&dir.path().join("telemetry.db"), false).unwrap();
    schema::migrate(&mut db, &schema::TELEMETRY[..5]).unwrap();
    db.execute_batch(
        "INSERT INTO export_queue (id, trace_id, span_id, at_us) VALUES (7, x'01', x'01', 5), (8, x'01', x'02', 6);
         INSERT INTO export_cursor VALUES ('a', 7);",
    )
    .unwrap();
    drop(db);
    let one = Lag { records: 1, oldest_us: Some(6), last: 8 };
    assert_eq!(SqliteStore::open_read_only(dir.path()).unwrap().lag("a").unwrap(), one);
    let store = open(dir.path(), &Clock::fixed(NOW), &["a"]);
    assert_eq!(store.lag("a").unwrap(), one);
    add(&store, &[call(1), tool(2)]);
    assert_eq!(store.lag("a").unwrap(), Lag { records: 2, last: 9, ..one });
}
