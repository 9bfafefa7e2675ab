use std::sync::Arc;

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{SpanKind, Status};
use weir_core::time::Clock;
use weir_core::token::TokenCounts;

use super::*;
use crate::conformance::{Fixture, conformance};

fn fixture(payload: PayloadEncoding, clock: Clock) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let store =
        SqliteStore::open_with(dir.path(), SqliteOptions { payload, clock, ..SqliteOptions::default() }).unwrap();
    let (writer, settler) = (store.clone(), store.clone());
    Fixture {
        write: Box::new(move |writes| {
            let batch = writer.prepare(writes).unwrap();
            writer.commit(&batch, None).unwrap();
        }),
        settle: Box::new(move || {
            let writer = settler.inner.writer().unwrap();
            while background::build_groups(&settler.inner, writer).unwrap() {}
        }),
        store: Arc::new(store.clone()),
        sums: Arc::new(store),
        keep: Box::new(dir),
    }
}

#[test]
fn passes_the_suite_compressed() {
    conformance(&|clock| fixture(PayloadEncoding::Compressed, clock));
}

#[test]
fn passes_the_suite_plain() {
    conformance(&|clock| fixture(PayloadEncoding::Plain, clock));
}

fn call() -> Span {
    Span {
        kind: Some(SpanKind::Llm),
        status: Some(Status::Success),
        start_us: Some(1_763_683_200_123_456),
        end_us: Some(1_763_683_200_373_456),
        model: Some("gpt-4o".into()),
        prompt_name: Some("support".into()),
        prompt_version: Some("v2".into()),
        request_id: Some("r1".into()),
        tokens: Some(TokenCounts { cached: 5, reasoning: 2, ..TokenCounts::of(10, 7) }),
        cost: Some(NanoUsd(1_500_000)),
        input: Some(r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#.into()),
        output: Some(r#"{"choices":[{"message":{"role":"assistant","content":"hello"}}]}"#.into()),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

#[test]
fn the_documented_tables_can_be_read_by_sqlite_alone() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { payload: PayloadEncoding::Plain, ..SqliteOptions::default() };
    let store = SqliteStore::open_with(dir.path(), options).unwrap();
    let attributes = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let branch = Span {
        kind: Some(SpanKind::Branch),
        attributes: attributes(&[
            ("from_node", "\"a\""),
            ("to_node", "\"b\""),
            ("condition", "\"x > 1\""),
            ("condition_result", "true"),
            ("context", "{\"x\": 2}"),
        ]),
        ..Span {
            request_id: Some("r1".into()),
            start_us: Some(0),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        }
    };
    let tool = Span {
        kind: Some(SpanKind::Tool),
        name: Some("search".into()),
        status: Some(Status::Error),
        error: Some("timeout".into()),
        input: Some("{\"q\":1}".into()),
        ..Span {
            start_us: Some(0),
            end_us: Some(2_500),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        }
    };
    let batch = store.prepare([call(), branch, tool].map(|s| SpanWrite::create(s, 1)).into()).unwrap();
    store.commit(&batch, None).unwrap();

    let bare = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    let line = |view: &str| -> Vec<(String, String)> {
        let mut statement = bare.prepare(&format!("SELECT * FROM {view}")).unwrap();
        let names: Vec<String> = statement.column_names().iter().map(|n| (*n).to_owned()).collect();
        let values = statement
            .query_row([], |row| {
                (0..names.len())
                    .map(|n| {
                        Ok(match row.get::<_, rusqlite::types::Value>(n)? {
                            rusqlite::types::Value::Null => "NULL".to_owned(),
                            rusqlite::types::Value::Integer(n) => n.to_string(),
                            rusqlite::types::Value::Real(n) => n.to_string(),
                            rusqlite::types::Value::Text(t) => t,
                            rusqlite::types::Value::Blob(_) => "blob".to_owned(),
                        })
                    })
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .unwrap();
        names.into_iter().zip(values).collect()
    };
    let shown = |view: &str| line(view).into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
    assert_eq!(
        shown("llm_calls"),
        "timestamp=2025-11-21T00:00:00.123456Z request_id=r1 prompt_version=v2 model=gpt-4o \
         prompt=[{\"role\":\"user\",\"content\":\"hi\"}] response=hello prompt_tokens=15 completion_tokens=9 \
         total_tokens=24 latency_ms=250 cost=0.0015 status=success error=NULL metadata=NULL"
    );
    assert_eq!(
        shown("branch_decisions"),
        "timestamp=1970-01-01T00:00:00.000000Z request_id=r1 from_node=a to_node=b condition=x > 1 condition_result=1 \
         context={\"x\":2}"
    );
    assert_eq!(
        shown("tool_calls"),
        "timestamp=1970-01-01T00:00:00.000000Z request_id=NULL tool_name=search inputs={\"q\":1} output=NULL \
         latency_ms=2.5 status=error error=timeout"
    );
    for status in Status::ALL {
        let sql: String =
            bare.query_row("SELECT sql FROM sqlite_master WHERE name = 'llm_calls'", [], |row| row.get(0)).unwrap();
        assert!(sql.contains(&format!("WHEN {} THEN '{status}'", status.number())));
    }
}

#[test]
fn the_table_of_calls_shows_prompts_answers_and_metadata_of_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { payload: PayloadEncoding::Plain, ..SqliteOptions::default() };
    let store = SqliteStore::open_with(dir.path(), options).unwrap();
    let bare = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    let shown = |span: Span| -> [String; 3] {
        let id = SpanId::new();
        let span = Span { request_id: Some(id.to_string()), span_id: id, ..span };
        let batch = store.prepare(vec![SpanWrite::create(span, 1)]).unwrap();
        store.commit(&batch, None).unwrap();
        let sql = "SELECT prompt, response, metadata FROM llm_calls WHERE request_id = ?1";
        bare.query_row(sql, [id.to_string()], |row| {
            let texts: [Option<String>; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
            Ok(texts.map(|text| text.unwrap_or_else(|| "NULL".into())))
        })
        .unwrap()
    };
    let prompts = [
        ("What is a weir?", "What is a weir?"),
        ("42", "42"),
        ("\"quoted\"", "\"quoted\""),
        ("{\"half", "{\"half"),
        (r#"{"messages":[{"role":"user","content":"hi"}]}"#, r#"[{"role":"user","content":"hi"}]"#),
        (r#"{"prompt":"hi"}"#, "hi"),
        (r#"[{"role":"user","parts":[]}]"#, r#"[{"role":"user","parts":[]}]"#),
        (r#"{"topic":"rivers"}"#, r#"{"topic":"rivers"}"#),
    ];
    for (input, prompt) in prompts {
        assert_eq!(shown(Span { input: Some(input.into()), ..call() })[0], prompt);
    }
    let answers = [
        ("It is a low dam.", "It is a low dam."),
        ("3.50", "3.50"),
        (r#"{"answer": 5}"#, r#"{"answer": 5}"#),
        (r#"{"content": "structured"}"#, r#"{"content": "structured"}"#),
        (r#"{"choices":[{"message":{"content":"chat"}}]}"#, "chat"),
        (r#"{"choices":[{"text":"completion"}]}"#, "completion"),
        (r#"{"content":[{"type":"text","text":"messages"}]}"#, "messages"),
        (r#"{"output":[{"content":[{"text":"responses"}]}]}"#, "responses"),
        (r#"{"role":"assistant","content":"one message"}"#, "one message"),
        (r#"{"messages":[{"content":"a"},{"content":"the last"}]}"#, "the last"),
        (
            r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"text","content":"of "},{"type":"text","content":"parts"}]}]"#,
            "of parts",
        ),
        (r#"[{"parts":[{"type":"tool_call"}]}]"#, r#"[{"parts":[{"type":"tool_call"}]}]"#),
        ("[1,2]", "[1,2]"),
        (r#"[{"parts":["hi",1]}]"#, r#"[{"parts":["hi",1]}]"#),
    ];
    for (output, response) in answers {
        assert_eq!(shown(Span { output: Some(output.into()), ..call() })[1], response);
    }
    let metadata = |pairs: &[(&str, &str)]| {
        let attributes = pairs.iter().map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect();
        let [.., metadata] = shown(Span { attributes, ..call() });
        metadata
    };
    assert_eq!(metadata(&[]), "NULL");
    assert_eq!(metadata(&[("team", "1")]), r#"{"team":1}"#);
    assert_eq!(metadata(&[("metadata", r#"{"tier":"gold"}"#), ("workflow", "\"w\"")]), r#"{"tier":"gold"}"#);
}

#[test]
fn a_reader_beside_the_writer_sees_what_is_committed_and_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    assert!(SqliteStore::open_read_only(dir.path()).is_err());
    let store = SqliteStore::open(dir.path()).unwrap();
    let batch = store.prepare(vec![SpanWrite::create(call(), 1)]).unwrap();
    store.commit(&batch, None).unwrap();
    let reader = SqliteStore::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.stats(&StatsQuery::default()).unwrap().total.count, 1);
    assert!(reader.prune(i64::MAX).is_err());
    assert!(reader.health().is_err());
    assert_eq!(store.health().map_err(|e| e.to_string()), Ok(()));
    let second = SqliteStore::open(dir.path()).err().unwrap().to_string();
    assert!(second.contains("in use by process"), "{second}");
    assert!(store.sizes().unwrap().iter().any(|t| t.name == "spans" && t.bytes > 0));
}

#[test]
fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).unwrap());
    let db = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    db.execute("INSERT INTO schema_migrations VALUES (999, 0, '')", []).unwrap();
    drop(db);
    assert!(matches!(SqliteStore::open(dir.path()), Err(StoreError::Incompatible(_))));
    assert!(matches!(SqliteStore::open_read_only(dir.path()), Err(StoreError::Incompatible(_))));
}

#[test]
fn fine_slices_go_after_their_time_those_of_steps_too() {
    let dir = tempfile::tempdir().unwrap();
    let now = call().start_us.unwrap() + 1_000_000;
    let clock = Clock::fixed(now);
    let options = SqliteOptions { clock: clock.clone(), ..SqliteOptions::default() };
    let store = SqliteStore::open_with(dir.path(), options).unwrap();
    let tool = Span { kind: Some(SpanKind::Tool), name: Some("t".into()), ..call() };
    let tool = Span { span_id: SpanId::new(), ..tool };
    let batch = store.prepare([call(), tool].map(|s| SpanWrite::create(s, 1)).into()).unwrap();
    store.commit(&batch, None).unwrap();
    let slices = || {
        let count = |level: i64, first: i64| {
            let sql = "SELECT count(*) FROM rollup WHERE level = ?1 AND dim >= ?2";
            let read = store.inner.readers.get().unwrap();
            read.snapshot(|db| Ok(db.query_row(sql, [level, first], |row| row.get::<_, i64>(0))?)).unwrap()
        };
        [0, 1, 2].map(|level| (count(level, 0), count(level, 100)))
    };
    assert_eq!(slices(), [(8, 1); 3]);
    let writer = store.inner.writer().unwrap();
    clock.advance(3 * 24 * 3_600_000_000);
    background::retain(&store.inner, writer).unwrap();
    assert_eq!(slices(), [(0, 0), (8, 1), (8, 1)]);
    clock.advance(400 * 24 * 3_600_000_000);
    background::retain(&store.inner, writer).unwrap();
    assert_eq!(slices(), [(0, 0), (0, 0), (8, 1)]);
    let steps = StepsQuery {
        range: TimeRange::default(),
        kind: SpanKind::Tool,
        project: None,
        workflow: Some(None),
        bucket: None,
    };
    assert_eq!(store.steps(&steps).unwrap()[0].total.count, 1);
    assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 1);
}

#[test]
fn a_file_from_before_there_were_details_is_read_and_brought_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let mut db = connect::writer(&path, false).unwrap();
    schema::migrate(&mut db, &schema::TELEMETRY[..4]).unwrap();
    db.execute_batch(
        "INSERT INTO spans (seq, trace_id, span_id, kind, start_us, duration_us, stamp_after_us, stamp_rank)
           VALUES (7, x'0000000000000001', x'0000000000000002', 0, 5, 1, 0, 0);
         INSERT INTO payload_text (seq, input, output) VALUES (7, 'in', 'out');",
    )
    .unwrap();
    drop(db);
    let texts = |store: &SqliteStore| {
        let span = store.span(&SpanRef::Span(SpanId::parse("0000000000000002").unwrap())).unwrap().unwrap();
        [span.input, span.output, span.details].map(Option::unwrap_or_default)
    };
    assert_eq!(texts(&SqliteStore::open_read_only(dir.path()).unwrap()), ["in", "out", ""]);
    let store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(texts(&store), ["in", "out", ""]);
    let more = Span { details: Some("{}".into()), ..store.spans(&everything()).unwrap().spans.remove(0) };
    let batch = store.prepare(vec![SpanWrite::update(more, 1)]).unwrap();
    store.commit(&batch, None).unwrap();
    assert_eq!(texts(&store), ["in", "out", "{}"]);
}

fn everything() -> SpanQuery {
    SpanQuery {
        range: TimeRange::default(),
        filter: Filter::all(),
        order: OrderBy::Start,
        ascending: true,
        limit: 100,
        cursor: None,
        with_payload: false,
    }
}

#[test]
fn small_blocks_get_a_dictionary_and_stay_readable() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let text = |n: usize| {
        format!(
            "{{\"messages\":[{{\"role\":\"system\",\"content\":\"You answer questions about order {}.\"}}]}}",
            n * 7919
        )
    };
    let write = |n: usize| {
        let span = Span { input: Some(text(n)), ..call() };
        let batch = store.prepare(vec![SpanWrite::create(span.clone(), 1)]).unwrap();
        store.commit(&batch, None).unwrap();
        span
    };
    let mut spans: Vec<Span> = (0..1_100).map(write).collect();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let trained = || {
        store
            .inner
            .readers
            .get()
            .unwrap()
            .snapshot(|db| Ok(db.query_row("SELECT count(*) FROM dictionaries", [], |row| row.get::<_, i64>(0))?))
    };
    while trained().unwrap() == 0 && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    spans.extend((2_000..2_050).map(write));
    let used: i64 = store
        .inner
        .readers
        .get()
        .unwrap()
        .snapshot(|db| {
            Ok(db.query_row("SELECT count(*) FROM payload_blocks WHERE dictionary IS NOT NULL", [], |row| row.get(0))?)
        })
        .unwrap();
    assert!(used >= 50, "{used}");
    drop(store);
    let store = SqliteStore::open(dir.path()).unwrap();
    for span in spans.iter().rev().take(80) {
        assert_eq!(store.span(&SpanRef::Key(span.trace_id, span.span_id)).unwrap().as_ref(), Some(span));
    }
}
