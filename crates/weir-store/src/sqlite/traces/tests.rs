use weir_core::id::SpanId;
use weir_core::merge::SpanWrite;
use weir_core::span::{SpanKind, Status};
use weir_core::token::TokenCounts;

use super::*;
use crate::ingest::WriteEngine;
use crate::telemetry::Telemetry;
use crate::traces::TraceRow;

const SECOND: i64 = 1_000_000;
const BASE: Micros = 1_790_000_000 * SECOND;

fn store() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    (dir, store)
}

fn trace(n: u8) -> TraceId {
    TraceId([n; 16])
}

fn span(n: u8, at: i64, parent: Option<SpanId>) -> Span {
    Span {
        trace_id: trace(n),
        span_id: SpanId::new(),
        parent_id: parent,
        name: Some("step".into()),
        project: Some("p".into()),
        start_us: Some(BASE + at),
        end_us: Some(BASE + at + SECOND),
        status: Some(Status::Success),
        input: Some(format!("input of {n}")),
        ..Span::default()
    }
}

fn add(store: &SqliteStore, spans: Vec<Span>) {
    let writes = spans.into_iter().map(|span| SpanWrite::create(span, BASE)).collect();
    let Ok(batch) = store.prepare(writes) else { panic!("they can be prepared") };
    store.commit_and_tell(&batch, None, &mut |_| {}).unwrap();
}

fn say(store: &SqliteStore, n: u8, row: TraceRow) {
    store.write_traces(&[TraceWrite { id: trace(n), row, removed_tags: vec![] }]).unwrap();
}

#[expect(clippy::needless_pass_by_value, reason = "tests read better")]
fn list(store: &SqliteStore, query: HeadQuery) -> Vec<u8> {
    let query = HeadQuery { projects: vec!["p".into()], ..query };
    store.list_traces(&query).unwrap().into_iter().map(|head| head.id.0[0]).collect()
}

fn page(limit: usize) -> HeadQuery {
    HeadQuery { limit, ..HeadQuery::default() }
}

#[test]
fn what_is_said_of_a_trace_merges_and_stays() {
    let (dir, store) = store();
    let tags = |tags: &[(&str, &str)]| tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let first = TraceRow { name: Some("a".into()), tags: tags(&[("x", "1"), ("y", "2")]), ..TraceRow::default() };
    say(&store, 1, first);
    let row = TraceRow {
        start_us: Some(5),
        project: Some("p".into()),
        status: Some(Status::Error),
        tags: tags(&[("y", "3")]),
        metadata: tags(&[("m", "ü")]),
        ..TraceRow::default()
    };
    let write = TraceWrite { id: trace(1), row, removed_tags: vec!["x".into()] };
    store.write_traces(std::slice::from_ref(&write)).unwrap();
    store.write_traces(&[write]).unwrap();
    drop(store);
    let store = SqliteStore::open(dir.path()).unwrap();
    let head = store.trace_heads(&[trace(1), trace(2)]).unwrap();
    let row = head[0].as_ref().unwrap().row.as_ref().unwrap();
    assert_eq!((row.name.as_deref(), row.start_us, row.status), (Some("a"), Some(5), Some(Status::Error)));
    assert_eq!((&row.tags, &row.metadata), (&tags(&[("y", "3")]), &tags(&[("m", "ü")])));
    assert_eq!(head[1], None);
}

#[test]
fn lists_merge_roots_and_rows_and_pages_never_overlap() {
    let (_dir, store) = store();
    // Known by their roots: 1 at 1 s, 2 at 2 s (with a child), 3 at 3 s.
    let root = span(2, 2 * SECOND, None);
    let child = span(2, 2 * SECOND + 5, Some(root.span_id));
    add(&store, vec![span(1, SECOND, None), child, root, span(3, 3 * SECOND, None)]);
    // A second root does not list its trace twice.
    add(&store, vec![span(1, 9 * SECOND, None)]);
    // One that says when it began is listed by that, with or without spans.
    let at = |start: i64| TraceRow { project: Some("p".into()), start_us: Some(BASE + start), ..TraceRow::default() };
    say(&store, 3, at(SECOND / 2));
    say(&store, 4, at(4 * SECOND));
    say(&store, 5, TraceRow { project: Some("other".into()), ..at(4 * SECOND) });
    // One that says something else keeps its place.
    say(&store, 2, TraceRow { name: Some("named".into()), ..TraceRow::default() });
    assert_eq!(list(&store, page(10)), [4, 2, 1, 3]);

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let query = HeadQuery { projects: vec!["p".into()], after, limit: 1, ..HeadQuery::default() };
        let Some(head) = store.list_traces(&query).unwrap().pop() else { break };
        after = Some(crate::traces::Place { at_ms: head.at_ms, id: head.id });
        seen.push(head.id.0[0]);
    }
    assert_eq!(seen, [4, 2, 1, 3]);
    let ms = |at: i64| (BASE + at) / 1_000;
    let range = HeadQuery { from_ms: Some(ms(SECOND)), to_ms: Some(ms(4 * SECOND)), ..page(10) };
    assert_eq!(list(&store, range), [2, 1]);
    let head = store.trace_heads(&[trace(2)]).unwrap().pop().flatten().unwrap();
    assert_eq!((head.row.unwrap().name.unwrap(), head.at_ms), ("named".into(), ms(2 * SECOND)));
}

#[test]
fn traces_of_one_millisecond_stand_by_their_ids_over_pages() {
    let (_dir, store) = store();
    // Starts fall while ids rise, all within one millisecond.
    add(&store, (1..=9).map(|n| span(n, i64::from(100 - n), None)).collect());
    say(&store, 20, TraceRow { project: Some("p".into()), start_us: Some(BASE + 7), ..TraceRow::default() });
    assert_eq!(list(&store, page(4)), [1, 2, 3, 4]);
    let after = Some(crate::traces::Place { at_ms: BASE / 1_000, id: trace(4) });
    assert_eq!(list(&store, HeadQuery { after, ..page(4) }), [5, 6, 7, 8]);
    let after = Some(crate::traces::Place { at_ms: BASE / 1_000, id: trace(9) });
    assert_eq!(list(&store, HeadQuery { after, ..page(4) }), [20]);
}

#[test]
fn a_trace_whose_root_is_elsewhere_is_listed_once_by_its_earliest_span() {
    let (_dir, store) = store();
    let elsewhere = Some(SpanId::new());
    add(&store, vec![span(1, 5, elsewhere), span(1, 9, elsewhere), span(2, 3 * SECOND, None)]);
    assert_eq!(list(&store, page(10)), [2, 1]);
    let head = store.trace_heads(&[trace(1)]).unwrap().pop().flatten().unwrap();
    assert_eq!(head.root.unwrap().start_us, Some(BASE + 5));
    // Then its root comes, and it stands by that, however late.
    add(&store, vec![span(1, 4 * SECOND, None)]);
    assert_eq!(list(&store, page(10)), [1, 2]);
    let head = store.trace_heads(&[trace(1)]).unwrap().pop().flatten().unwrap();
    assert_eq!(head.root.unwrap().parent_id, None);
}

#[test]
fn totals_count_calls_once() {
    let (_dir, store) = store();
    let call = |at| Span {
        kind: Some(SpanKind::Llm),
        tokens: Some(TokenCounts::of(10, 2)),
        cost: Some(weir_core::money::NanoUsd(7)),
        session: Some("s".into()),
        ..span(1, at, None)
    };
    let chain = Span { kind: Some(SpanKind::Chain), status: Some(Status::Error), ..span(1, -5, None) };
    add(&store, vec![call(0), call(SECOND), chain]);
    let totals = store.trace_totals(&[trace(1), trace(2)]).unwrap();
    assert_eq!(totals[0].tokens, Some(TokenCounts::of(20, 4)));
    assert_eq!((totals[0].cost.unwrap().0, totals[0].spans, totals[0].errors), (14, 3, 1));
    assert_eq!((totals[0].start_us, totals[0].end_us), (Some(BASE - 5), Some(BASE + 2 * SECOND)));
    assert_eq!((totals[0].session.as_deref(), totals[0].project.as_deref()), (Some("s"), Some("p")));
    assert_eq!(totals[1], Totals::default());
}

#[test]
fn a_deleted_trace_is_gone_with_its_texts_and_its_neighbours_stay() {
    let (dir, store) = store();
    add(&store, vec![span(1, 0, None), span(2, 1, None), span(3, 2, None)]);
    say(&store, 1, TraceRow { name: Some("secret name".into()), ..TraceRow::default() });
    store.link_traces(&[trace(1), trace(2)], &[Link::Run("r".into()), Link::Prompt("q/1".into())]).unwrap();
    store.link_traces(&[trace(1)], &[Link::Run("r".into())]).unwrap();
    assert_eq!(store.linked_traces(&Link::Run("r".into()), 10).unwrap().len(), 2);
    assert_eq!(store.trace_links(&[trace(2)]).unwrap()[0], [Link::Run("r".into()), Link::Prompt("q/1".into())]);

    assert_eq!(store.delete_traces(&[trace(1), trace(9)]).unwrap(), 1);
    assert_eq!(list(&store, page(10)), [2, 3]);
    assert_eq!(store.trace_heads(&[trace(1)]).unwrap(), [None]);
    assert_eq!(store.linked_traces(&Link::Run("r".into()), 10).unwrap(), [trace(2)]);
    let spans = store.trace_spans(&[trace(1), trace(2)], true, 10).unwrap();
    assert_eq!((spans[0].len(), spans[1][0].input.as_deref()), (0, Some("input of 2")));
    // Its neighbours share a block with it: nothing of it is left there.
    let db = Connection::open(dir.path().join("telemetry.db")).unwrap();
    let blocks: Vec<Vec<u8>> = db
        .prepare("SELECT data FROM payload_blocks WHERE dictionary IS NULL")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(blocks.len(), 1);
    let bytes = crate::sqlite::payload::block::decompress(&blocks[0], None).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("input of 3") && !text.contains("input of 1"), "{text}");
    assert_eq!(store.delete_traces(&[trace(2), trace(3)]).unwrap(), 2);
    let left: i64 = db.query_row("SELECT count(*) FROM payload_blocks", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn what_was_said_is_pruned_with_the_spans() {
    let (_dir, store) = store();
    let at = |start: i64| TraceRow { project: Some("p".into()), start_us: Some(BASE + start), ..TraceRow::default() };
    say(&store, 1, at(0));
    say(&store, 2, at(SECOND));
    store.prune(BASE + 1).unwrap();
    assert_eq!(list(&store, page(10)), [2]);
}
