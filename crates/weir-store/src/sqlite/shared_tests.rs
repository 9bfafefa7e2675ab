//! One file of any name, written by several processes and threads at the same time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::{SpanWrite, merge};
use weir_core::span::{SpanKind, Status};
use weir_core::time::Clock;
use weir_core::token::TokenCounts;

use super::*;
use crate::conformance::{Fixture, conformance};

const BASE: Micros = 1_763_683_200_000_000;
const PROCESSES: u64 = 4;
const BATCHES: u64 = 500;

fn shared(payload: PayloadEncoding) -> SqliteOptions {
    SqliteOptions { payload, shared: true, ..SqliteOptions::default() }
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open_file(path, shared(PayloadEncoding::Plain)).unwrap()
}

#[test]
fn passes_the_suite_shared() {
    conformance(&|clock| {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteOptions { clock, ..shared(PayloadEncoding::Plain) };
        let store = SqliteStore::open_file(&dir.path().join("any.name"), options).unwrap();
        let writer = store.clone();
        Fixture {
            write: Box::new(move |writes| commit(&writer, writes)),
            settle: Box::new(|| {}),
            store: Arc::new(store.clone()),
            sums: Arc::new(store),
            keep: Box::new(dir),
        }
    });
}

fn commit(store: &SqliteStore, writes: Vec<SpanWrite>) {
    let batch = store.prepare(writes).unwrap();
    loop {
        match store.commit(&batch, None) {
            Ok(()) => return,
            Err(CommitError::Again(_)) => {}
            Err(CommitError::Never(e)) => panic!("{e}"),
        }
    }
}

/// An id that says what it is of.
fn id(a: u64, b: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(a + 1).to_be_bytes());
    id[8..].copy_from_slice(&b.to_be_bytes());
    id
}

/// What a process writes in one batch: four spans of its own, and its part of one that all of them write. They start at
/// the same instants and share names that nobody has written before.
fn writes(process: u64, batch: u64) -> Vec<SpanWrite> {
    let start = BASE + (batch / 3) as i64;
    let own = |n: u64| Span {
        start_us: Some(start),
        end_us: Some(start + 1_000 * n as i64),
        status: Some(if n == 1 { Status::Error } else { Status::Success }),
        project: Some("p".into()),
        name: Some(format!("name {batch} {n}")),
        model: Some(format!("model {}", batch % 7)),
        user: Some(format!("process {process}")),
        tokens: Some(TokenCounts::of(10, 5)),
        input: Some(format!("question {process} {batch} {n}")),
        output: Some("answer".repeat(n as usize)),
        details: Some("{}".into()),
        ..Span::new(SpanKey { trace: TraceId(id(process, batch)), span: SpanId(id(n, batch)) })
    };
    let mut spans = [0, 1, 2, 3].map(own);
    spans[0].kind = Some(SpanKind::Llm);
    spans[1].kind = Some(SpanKind::Embedding);
    spans[2].kind = Some(SpanKind::Tool);
    spans[3].kind = Some(SpanKind::Branch);
    spans[3].attributes.insert("from_node".into(), "\"a\"".into());
    spans[3].attributes.insert("to_node".into(), format!("\"b{}\"", batch % 5));
    let mut common = Span {
        kind: Some(SpanKind::Llm),
        start_us: Some(BASE + 7_000),
        end_us: Some(BASE + 8_000 + process as i64),
        model: Some("common".into()),
        output: Some(format!("of {process}")),
        ..Span::new(SpanKey { trace: TraceId(id(99, batch)), span: SpanId(id(99, batch)) })
    };
    common.attributes.insert(format!("from {process}"), "1".into());
    let mut writes: Vec<SpanWrite> = spans.into_iter().map(|span| SpanWrite::create(span, BASE)).collect();
    writes.push(SpanWrite::update(common, BASE));
    writes
}

const CHILD: &str = "WEIR_STORE_SHARED_TEST";

/// Not a test by itself: one of the processes. The fifth never ends by itself.
#[test]
fn child_that_writes() {
    let Ok(job) = std::env::var(CHILD) else { return };
    let (process, path) = job.split_once(' ').unwrap();
    let process: u64 = process.parse().unwrap();
    let payload = if process.is_multiple_of(2) { PayloadEncoding::Plain } else { PayloadEncoding::Compressed };
    let store = SqliteStore::open_file(Path::new(path), shared(payload)).unwrap();
    let batches = if process < PROCESSES { 0..BATCHES } else { 0..u64::MAX };
    for batch in batches {
        let mut writes = writes(process, batch);
        if process >= PROCESSES {
            // Not of the spans that the others write too.
            writes.truncate(4);
        }
        commit(&store, writes);
    }
}

/// A process that does not outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn child(process: u64, path: &Path) -> Process {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::shared_tests::child_that_writes", "--nocapture"])
        .env(CHILD, format!("{process} {}", path.display()))
        .stdout(Stdio::null())
        .spawn();
    Process(child.unwrap())
}

#[test]
fn processes_write_one_file_at_once_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    // They make it together, and the folders too.
    let path = dir.path().join("new/folder").join("observability.db");
    let mut left: Vec<Process> = (0..PROCESSES).map(|process| child(process, &path)).collect();
    let mut killed = Some(child(PROCESSES, &path));
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut seen = 0;
    while (!left.is_empty() || killed.is_some()) && Instant::now() < deadline {
        left.retain_mut(|child| match child.0.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success(), "{status}");
                false
            }
            None => true,
        });
        // A reader beside them, each time a new one.
        if let Ok(reader) = SqliteStore::open_read_only(&path) {
            let stats = reader.stats(&StatsQuery::default()).unwrap();
            assert!(stats.total.count >= seen, "{} after {seen}", stats.total.count);
            seen = stats.total.count;
            let key = SpanRef::Key(TraceId(id(PROCESSES, 20)), SpanId(id(0, 20)));
            if killed.is_some() && reader.span(&key).unwrap().is_some() {
                killed = None;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(left.is_empty() && killed.is_none(), "they do not get on");

    let store = open(&path);
    let mut rows = BTreeMap::new();
    store
        .scan(TimeRange::default(), &Filter::all(), true, &mut |span| {
            assert!(rows.insert(span.span_key(), span).is_none());
            ControlFlow::Continue(())
        })
        .unwrap();
    let of_killed: Vec<Span> = rows.values().filter(|s| s.user.as_deref() == Some("process 4")).cloned().collect();
    assert!(!of_killed.is_empty() && of_killed.len().is_multiple_of(4), "whole batches only: {}", of_killed.len());
    let mut wanted: BTreeMap<SpanKey, Vec<SpanWrite>> = BTreeMap::new();
    let killed_batches = (0..of_killed.len() as u64 / 4).map(|batch| (PROCESSES, batch));
    let all = (0..PROCESSES).flat_map(|process| (0..BATCHES).map(move |batch| (process, batch)));
    for write in all.flat_map(|(process, batch)| writes(process, batch)) {
        wanted.entry(write.span.span_key()).or_default().push(write);
    }
    for write in killed_batches.flat_map(|(process, batch)| writes(process, batch).into_iter().take(4)) {
        wanted.entry(write.span.span_key()).or_default().push(write);
    }
    assert_eq!(rows.len(), wanted.len());
    let mut calls = 0;
    for (key, writes) in wanted {
        let span = merge(writes).unwrap().span;
        calls += u64::from(span.is_call());
        assert_eq!(rows.get(&key), Some(&span));
    }

    // The rollups say what the rows say.
    let by_model = StatsQuery { group_by: vec![crate::telemetry::Dimension::Model], ..StatsQuery::default() };
    let stats = store.stats(&by_model).unwrap();
    assert_eq!(stats.total.count, calls);
    assert_eq!(stats.total.tokens, TokenCounts::of(10 * (calls - BATCHES), 5 * (calls - BATCHES)));
    for group in &stats.groups {
        let of_group = rows.values().filter(|s| s.is_call() && s.model == group.values[0]);
        assert_eq!(group.total.count, of_group.clone().count() as u64);
        assert_eq!(group.total.errors, of_group.filter(|s| s.status == Some(Status::Error)).count() as u64);
    }
    for (kind, groups) in [(SpanKind::Branch, 5), (SpanKind::Tool, BATCHES as usize)] {
        let query = StepsQuery { range: TimeRange::default(), kind, project: None, workflow: None, bucket: None };
        let steps = store.steps(&query).unwrap();
        assert!(steps.len() >= groups);
        let counted: u64 = steps.iter().map(|s| s.total.count).sum();
        assert_eq!(counted, rows.values().filter(|s| s.kind == Some(kind)).count() as u64);
    }
    drop(store);
    let bare = rusqlite::Connection::open(&path).unwrap();
    let check: String = bare.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn threads_and_stores_of_one_process_write_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.db");
    let stores = [open(&path), open(&path)];
    std::thread::scope(|scope| {
        for process in 0..PROCESSES {
            let store = &stores[process as usize % 2];
            scope.spawn(move || (0..30).for_each(|batch| commit(store, writes(process, batch))));
        }
    });
    for store in &stores {
        let total = store.stats(&StatsQuery::default()).unwrap().total;
        assert_eq!(total.count, PROCESSES * 30 * 2 + 30);
    }
}

#[test]
fn what_another_writer_has_moved_is_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.db");
    let clock = Clock::fixed(BASE + 10_000);
    let options = || SqliteOptions { clock: clock.clone(), ..shared(PayloadEncoding::Compressed) };
    let first = SqliteStore::open_file(&path, options()).unwrap();
    commit(&first, writes(0, 0));
    let minutes = || {
        let bare = rusqlite::Connection::open(&path).unwrap();
        bare.query_row("SELECT count(*) FROM rollup WHERE level = 0", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(minutes() > 0);
    clock.advance(3 * weir_core::time::DAY);
    let second = SqliteStore::open_file(&path, options()).unwrap();
    commit(&second, writes(1, 1));
    assert_eq!(minutes(), 0, "the second one has deleted what is too old");
    commit(&first, writes(2, 2));
    assert_eq!(minutes(), 0, "and the first one writes it no more");
    assert_eq!(first.stats(&StatsQuery::default()).unwrap().total.count, 3 * 2 + 3);
}

/// Rows that are written into the groups of a file that one process alone has written before are found all the same.
#[test]
fn groups_of_before_hide_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let alone = SqliteStore::open(dir.path()).unwrap();
    (0..60).for_each(|batch| commit(&alone, writes(0, batch)));
    while background::build_groups(&alone.inner, alone.inner.writer().unwrap()).unwrap() {}
    drop(alone);
    let groups = || {
        let bare = rusqlite::Connection::open(&path).unwrap();
        bare.query_row("SELECT count(*) FROM groups", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = groups();
    assert!(before > 2);
    let store = open(&path);
    let late = writes(1, 6).remove(0);
    commit(&store, vec![late.clone()]);
    assert_eq!(groups(), before - 1, "only the one that it falls into");
    let found = store.span(&SpanRef::Span(late.span.span_id)).unwrap();
    assert!(found.is_some());
    let query = Filter::eq(Field::User, "process 1");
    let mut count = 0;
    store
        .scan(TimeRange::default(), &query, false, &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(count, 1);
}

/// Not a test by itself: what another process sees.
#[test]
fn child_that_counts() {
    let Ok(job) = std::env::var(COUNT) else { return };
    let (calls, path) = job.split_once(' ').unwrap();
    let store = open(Path::new(path));
    assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count.to_string(), calls);
    let mut rows = 0;
    store
        .scan(TimeRange::default(), &Filter::eq(Field::Kind, "llm"), true, &mut |_| {
            rows += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(rows, calls.parse::<u64>().unwrap() * 2 / 3);
}

const COUNT: &str = "WEIR_STORE_SHARED_COUNT";

fn others_see(calls: u64, path: &Path) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::shared_tests::child_that_counts", "--nocapture"])
        .env(COUNT, format!("{calls} {}", path.display()))
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "others do not see {calls} calls");
}

/// What an older SQLite does that takes itself for the last one, because the locks of this process are gone: a copy of
/// the file is enough for that.
#[cfg(unix)]
#[test]
fn a_wal_that_another_process_has_deleted_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.db");
    let store = open(&path);
    for round in 0..4 {
        commit(&store, writes(0, 2 * round));
        assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 6 * round + 3);
        let guest = rusqlite::Connection::open(&path).unwrap();
        guest.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(guest);
        std::fs::remove_file(dir.path().join("o.db-wal")).unwrap();
        std::fs::remove_file(dir.path().join("o.db-shm")).unwrap();
        commit(&store, writes(0, 2 * round + 1));
        others_see(6 * round + 6, &path);
        assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 6 * round + 6);
    }
    drop(store);
    let bare = rusqlite::Connection::open(&path).unwrap();
    let check: String = bare.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[cfg(unix)]
#[test]
fn a_file_that_was_deleted_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("o.db");
    let store = open(&path);
    commit(&store, writes(0, 0));
    assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 3);
    for file in std::fs::read_dir(dir.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    commit(&store, writes(0, 1));
    for store in [&store, &SqliteStore::open_read_only(&path).unwrap()] {
        assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 3);
        let span = writes(0, 1).remove(0).span;
        assert_eq!(store.span(&SpanRef::Key(span.trace_id, span.span_id)).unwrap(), Some(span));
    }
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |name: &str, says: &str| {
        let path = dir.path().join(name);
        let before = std::fs::read(&path).unwrap();
        for shared in [true, false] {
            let options = SqliteOptions { shared, ..SqliteOptions::default() };
            let error = SqliteStore::open_file(&path, options).err().unwrap();
            assert!(matches!(error, StoreError::Incompatible(_)), "{error}");
            let text = error.to_string();
            assert!(text.contains(name) && text.contains(says) && text.contains("choose another file"), "{text}");
        }
        assert!(SqliteStore::open_read_only(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    };
    std::fs::write(dir.path().join("short.txt"), "notes").unwrap();
    refused("short.txt", "no database");
    std::fs::write(dir.path().join("long.txt"), "notes ".repeat(10_000)).unwrap();
    refused("long.txt", "no database");
    for (name, mode) in [("app.db", "DELETE"), ("wal.db", "WAL")] {
        let other = rusqlite::Connection::open(dir.path().join(name)).unwrap();
        other.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
        other.execute_batch("CREATE TABLE users (id); CREATE TABLE schema_migrations (version)").unwrap();
        drop(other);
        refused(name, "schema_migrations, users");
    }
    drop(SqliteCatalog::open(dir.path()).unwrap());
    refused("catalog.db", "alert_history");

    let text = SqliteStore::open_file(dir.path(), shared(PayloadEncoding::Plain)).err().unwrap().to_string();
    assert!(text.contains("is a folder"), "{text}");
    std::fs::write(dir.path().join("empty.db"), "").unwrap();
    assert!(SqliteStore::open_read_only(&dir.path().join("empty.db")).is_err());
    commit(&open(&dir.path().join("empty.db")), writes(0, 0));
    commit(&open(&dir.path().join("file:a b?c%20#.db")), writes(0, 0));
    let read = SqliteStore::open_read_only(&dir.path().join("file:a b?c%20#.db")).unwrap();
    assert_eq!(read.stats(&StatsQuery::default()).unwrap().total.count, 3);
}

#[test]
fn a_running_servers_file_is_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let server = SqliteStore::open(dir.path()).unwrap();
    commit(&server, writes(0, 0));
    let error = SqliteStore::open_file(&path, shared(PayloadEncoding::Plain)).err().unwrap().to_string();
    let process = format!("process {}", std::process::id());
    assert!(error.contains("running server") && error.contains("url") && error.contains(&process), "{error}");
    assert!(SqliteStore::open_read_only(&path).is_ok(), "it may be read");
    drop(server);
    // Nobody runs: libraries may, and keep servers off meanwhile.
    let libraries = [open(&path), open(&path)];
    commit(&libraries[0], writes(1, 0));
    let error = SqliteStore::open(dir.path()).err().unwrap().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    drop(libraries);
    assert_eq!(SqliteStore::open(dir.path()).unwrap().stats(&StatsQuery::default()).unwrap().total.count, 5);
}
