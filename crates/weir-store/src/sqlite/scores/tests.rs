use std::collections::BTreeMap;

use weir_core::filter::{Field, Filter, Op, Value};
use weir_core::id::SpanKey;
use weir_core::score::{ScoreError, ScoreKind, ScoreSource, ScoreValue};

use weir_core::merge::SpanWrite;
use weir_core::span::Span;

use super::*;
use crate::ingest::WriteEngine;
use crate::telemetry::{OrderBy, SpanQuery, Telemetry, TimeRange};

fn score(target: ScoreTarget, name: &str, value: &str, at: Micros) -> Score {
    Score {
        source: ScoreSource::Judge,
        author: Some("gpt-4o".into()),
        ..Score::new(target, name, ScoreValue::parse(value).unwrap(), at)
    }
}

#[test]
fn scores_come_back_as_they_were_and_the_same_id_replaces() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let (call, trace) = (ScoreTarget::call("req-1"), ScoreTarget::Trace(TraceId::new()));
    let mut first = score(call.clone(), "helpful", "3", 1);
    let of_trace = score(trace.clone(), "tone", "\"dry\"", 3);
    store.put(&[first.clone(), of_trace.clone()]).unwrap();
    first.value = ScoreValue::Bool(true);
    first.reason = Some("second thoughts".into());
    let later = score(call.clone(), "helpful", "0.50", 2);
    store.put(&[later.clone(), first.clone()]).unwrap();

    let both = [trace.clone(), call.clone()];
    assert_eq!(store.of(&both, 10).unwrap(), [first.clone(), later.clone(), of_trace.clone()]);
    assert_eq!(store.of(&both, 2).unwrap(), [first.clone(), later]);
    assert_eq!(store.of(&[ScoreTarget::call("req-2")], 10).unwrap(), []);
    // A correction may also move a score to another target.
    first.target = trace.clone();
    store.put(&[first.clone()]).unwrap();
    assert_eq!(store.of(&[trace], 10).unwrap(), [first, of_trace]);
    drop(store);
    assert_eq!(SqliteStore::open_read_only(dir.path()).unwrap().of(&[call], 10).unwrap().len(), 1);
}

#[test]
fn tallies_sum_numbers_per_target_and_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let (a, b, trace) = (ScoreTarget::call("a"), ScoreTarget::call("b"), ScoreTarget::Trace(TraceId::new()));
    store
        .put(&[
            score(a.clone(), "helpful", "3", 0),
            score(a.clone(), "helpful", "4", 0),
            score(a.clone(), "helpful", "\"very\"", 0),
            score(a.clone(), "correct", "true", 0),
            score(trace.clone(), "correct", "false", 0),
            score(b.clone(), "note", "\"x\"", 0),
        ])
        .unwrap();
    let tally = |target, name: &str, sum, count| Tally { target, name: name.into(), sum, count };
    assert_eq!(
        store.tallies(&[b, trace, a]).unwrap(),
        [tally(1, "correct", 0.0, 1), tally(2, "correct", 1.0, 1), tally(2, "helpful", 7.0, 2)]
    );
}

#[test]
fn names_are_told_of_the_newest_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.names(10).unwrap(), []);
    let call = ScoreTarget::call("a");
    store
        .put(&[
            score(call.clone(), "old", "1", 0),
            score(call.clone(), "helpful", "3", 1),
            score(call.clone(), "helpful", "-4.5", 2),
            score(call.clone(), "note", "\"x\"", 3),
            score(call, "correct", "true", 4),
        ])
        .unwrap();
    let name = |name: &str, count, least, most| ScoreName { name: name.into(), count, least, most };
    assert_eq!(store.names(4).unwrap(), [name("helpful", 2, -4.5, 3.0), name("correct", 1, 1.0, 1.0)]);
    assert_eq!(store.names(5).unwrap().len(), 3);
}

#[test]
fn what_does_not_count_is_in_no_tally() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let key = SpanKey { trace: TraceId::new(), span: SpanId::new() };
    let (trace, span) = (ScoreTarget::Trace(key.trace), ScoreTarget::Span(key));
    let wrong = score(trace.clone(), "correct", "true", 0);
    let right = Score { overrides: Some(wrong.id), ..score(trace.clone(), "correct", "\"no\"", 1) };
    let truth = Score { kind: ScoreKind::Expectation, ..score(trace.clone(), "answer", "42", 2) };
    let of_span = score(span.clone(), "helpful", "3", 3);
    store.put(&[wrong.clone(), right.clone(), truth.clone(), of_span.clone()]).unwrap();
    let tally = |target, name: &str, sum| Tally { target, name: name.into(), sum, count: 1 };
    let expected = [tally(0, "correct", 0.0), tally(1, "helpful", 3.0)];
    assert_eq!(store.tallies(&[trace.clone(), span.clone()]).unwrap(), expected);

    let overridden = Score { valid: false, ..wrong.clone() };
    let all = [overridden.clone(), right.clone(), truth, of_span];
    assert_eq!(store.of(&[span, trace.clone()], 10).unwrap(), all);
    assert_eq!(store.score(wrong.id).unwrap(), Some(overridden));
    assert!(store.delete(right.id).unwrap() && !store.delete(right.id).unwrap());
    assert_eq!(store.score(wrong.id).unwrap(), Some(wrong));
    assert_eq!(store.tallies(&[trace]).unwrap(), [tally(0, "correct", 1.0)]);
}

#[test]
fn a_score_keeps_all_its_fields_and_changes_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let error = ScoreError { code: "E".into(), message: None, stack: Some("line 1".into()) };
    let failed = Score {
        value: ScoreValue::none(),
        error: Some(error),
        metadata: BTreeMap::from([("model".into(), "m".into()), ("ö".into(), String::new())]),
        updated_us: 9,
        ..score(ScoreTarget::Trace(TraceId::new()), "safe", "1", 4)
    };
    store.put(std::slice::from_ref(&failed)).unwrap();
    assert_eq!(store.score(failed.id).unwrap(), Some(failed.clone()));
    let json = "{\"b\":1.0, \"a\":[123456789012345678901234567890]}";
    let changed = store.change(failed.id, &mut |score| score.value = ScoreValue::parse(json).unwrap()).unwrap();
    assert_eq!(changed, Some(Score { value: ScoreValue::Json(json.into()), ..failed.clone() }));
    assert_eq!(store.score(failed.id).unwrap(), changed);
    assert_eq!(store.change(ScoreId::new(), &mut |_| {}).unwrap(), None);
}

#[test]
fn a_trace_has_the_scores_of_the_calls_among_its_spans() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let key = SpanKey { trace: TraceId::new(), span: SpanId::parse("00f067aa0ba902b7").unwrap() };
    let request = "0192F0C1-2345-7abc-8def-0123456789ab";
    let by_request = score(ScoreTarget::call(request), "helpful", "1", 1);
    let by_id = score(ScoreTarget::call("00f067aa0ba902b7"), "helpful", "2", 2);
    let elsewhere = score(ScoreTarget::call("other"), "helpful", "2", 2);
    store.put(&[by_request.clone(), by_id.clone(), elsewhere.clone()]).unwrap();
    let trace = [ScoreTarget::Trace(key.trace)];
    assert_eq!(store.of(&trace, 10).unwrap(), []);
    // The span may come later than its scores.
    let span = Span { start_us: Some(1), request_id: Some(request.into()), ..Span::new(key) };
    let batch = store.prepare(vec![SpanWrite::create(span, 1)]).unwrap();
    store.commit(&batch, None).unwrap();
    assert_eq!(store.of(&trace, 10).unwrap(), [by_request, by_id]);
    store.delete_of(&[key.trace]).unwrap();
    assert_eq!(store.of(&trace, 10).unwrap(), []);
    assert_eq!(store.score(elsewhere.id).unwrap(), Some(elsewhere));
}

#[test]
fn old_scores_go_with_their_calls() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let call = ScoreTarget::call("a");
    store.put(&[score(call.clone(), "old", "1", 5), score(call.clone(), "new", "1", 10)]).unwrap();
    store.prune(10).unwrap();
    let left = store.of(&[call], 10).unwrap();
    assert_eq!(left.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["new"]);
}

#[test]
fn a_file_without_the_table_has_no_scores() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let db = rusqlite::Connection::open(dir.path().join("telemetry.db")).unwrap();
    db.execute_batch("DROP TABLE scores; DELETE FROM schema_migrations WHERE version IN (3, 9);").unwrap();
    drop((db, store));
    let store = SqliteStore::open_read_only(dir.path()).unwrap();
    assert_eq!(store.tallies(&[ScoreTarget::call("a")]).unwrap(), []);
    assert_eq!(store.of(&[ScoreTarget::call("a")], 10).unwrap(), []);
    assert!(store.put(&[]).is_err());
}

#[test]
fn scores_of_an_older_file_are_read() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).unwrap());
    let db = rusqlite::Connection::open(dir.path().join("telemetry.db")).unwrap();
    db.execute_batch("DROP TABLE scores; DELETE FROM schema_migrations WHERE version = 9;").unwrap();
    db.execute_batch(include_str!("../migrations/0003_scores.sql")).unwrap();
    db.execute_batch(
        "INSERT INTO scores VALUES (x'00112233445566778899aabbccddeeff', 'a', NULL, 'n', '1', 1.0, 0, NULL, NULL, 7)",
    )
    .unwrap();
    drop(db);
    let store = SqliteStore::open_read_only(dir.path()).unwrap();
    let call = [ScoreTarget::call("a")];
    let found = store.of(&call, 10).unwrap();
    assert_eq!((found.len(), found[0].valid, found[0].updated_us), (1, true, 7));
    assert_eq!(store.tallies(&call).unwrap().len(), 1);
    assert_eq!(store.score(found[0].id).unwrap().as_ref(), found.first());
    // A Weir that writes brings the file up to date.
    drop(store);
    assert_eq!(SqliteStore::open(dir.path()).unwrap().of(&call, 10).unwrap(), found);
}

#[test]
fn spans_are_found_by_what_was_said_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let trace = TraceId::new();
    let span = |parent: Option<SpanId>, request: &str| {
        let key = SpanKey { trace, span: SpanId::new() };
        Span { parent_id: parent, request_id: Some(request.into()), start_us: Some(1), ..Span::new(key) }
    };
    let root = span(None, "0192F0C1-2345-7abc-8def-0123456789ab");
    let (exact, by_request) = (span(Some(root.span_id), "req-1"), span(Some(root.span_id), "req-2"));
    let of = |span: &Span| ScoreTarget::Span(SpanKey { trace, span: span.span_id });
    let overridden = Score { valid: false, ..score(of(&exact), "helpful", "0.1", 0) };
    let spans = [root.clone(), exact.clone(), by_request.clone()].map(|span| SpanWrite::create(span, 1));
    store.commit(&store.prepare(spans.into()).unwrap(), None).unwrap();
    store
        .put(&[
            score(of(&exact), "helpful", "0.9", 0),
            overridden,
            score(ScoreTarget::call("req-2"), "helpful", "0.4", 0),
            score(ScoreTarget::Trace(trace), "helpful", "0.2", 0),
            score(ScoreTarget::call(root.request_id.as_deref().unwrap()), "tone", "1", 0),
        ])
        .unwrap();
    let found = |filter: Filter| {
        let query = SpanQuery {
            range: TimeRange::default(),
            filter,
            order: OrderBy::Start,
            ascending: true,
            limit: 10,
            cursor: None,
            with_payload: false,
        };
        store.spans(&query).unwrap().spans.into_iter().map(|span| span.span_id).collect::<HashSet<_>>()
    };
    let ids = |spans: &[&Span]| spans.iter().map(|span| span.span_id).collect::<HashSet<_>>();
    let below = |name: &str, number: f64| Filter::Compare(Field::Score(name.into()), Op::Lt, Value::Float(number));
    assert_eq!(found(below("helpful", 0.5)), ids(&[&by_request, &root]));
    assert_eq!(found(below("helpful", 0.3)), ids(&[&root]));
    assert_eq!(found(Filter::Compare(Field::Score("helpful".into()), Op::Ge, Value::Float(0.9))), ids(&[&exact]));
    assert_eq!(found(Filter::Exists(Field::Score("tone".into()))), ids(&[&root]));
    assert_eq!(found(Filter::Not(Box::new(below("helpful", 0.5)))), ids(&[&exact]));
    assert_eq!(found(below("other", 9.0)), ids(&[]));
}
