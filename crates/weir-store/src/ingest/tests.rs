use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use weir_core::filter::Filter;
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::observe::Unobserved;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Clock;
use weir_core::token::TokenCounts;

use super::*;
use crate::sqlite::SqliteStore;
use crate::telemetry::{OrderBy, SpanQuery, SpanRef, StatsQuery, Telemetry, TimeRange};

fn call(n: u64) -> Span {
    let now = Clock::system().now();
    Span {
        kind: Some(SpanKind::Llm),
        status: Some(Status::Success),
        project: Some("p".into()),
        model: Some("gpt-4o".into()),
        start_us: Some(now - 1_000),
        end_us: Some(now),
        request_id: Some(format!("r{n}")),
        tokens: Some(TokenCounts::of(10, 5)),
        input: Some(format!("question {n}")),
        output: Some(format!("answer {n}")),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

fn all() -> SpanQuery {
    SpanQuery {
        range: TimeRange::default(),
        filter: Filter::all(),
        order: OrderBy::Start,
        ascending: false,
        limit: 1_000,
        cursor: None,
        with_payload: true,
    }
}

fn start(dir: &std::path::Path) -> (SqliteStore, Arc<Journal>, Ingest) {
    let store = SqliteStore::open(dir).unwrap();
    let journal = Arc::new(Journal::open(dir, 1 << 30).unwrap());
    let ingest =
        Ingest::start(Arc::new(store.clone()), Arc::clone(&journal), Arc::new(Unobserved), IngestOptions::default())
            .unwrap();
    (store, journal, ingest)
}

#[test]
fn journalled_calls_arrive_once_also_over_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let mut sent = Vec::new();
    for round in 0..3 {
        let (store, journal, ingest) = start(dir.path());
        for n in 0..10 {
            sent.push(call(round * 10 + n));
            journal.append(sent.last().unwrap()).unwrap();
        }
        if round != 1 {
            assert!(ingest.drain(Duration::from_secs(10)));
            assert_eq!(ingest.status().lag_records, 0);
            assert_eq!(ingest.status().lag_bytes, 0);
            assert_eq!(store.spans(&all()).unwrap().spans.len(), sent.len());
        }
    }
    let (store, _journal, ingest) = start(dir.path());
    assert!(ingest.drain(Duration::from_secs(10)));
    for span in &sent {
        let found = store.span(&SpanRef::Key(span.trace_id, span.span_id)).unwrap();
        assert_eq!(found.as_ref(), Some(span));
    }
    let stats = store.stats(&StatsQuery::default()).unwrap();
    assert_eq!((stats.total.count, stats.total.tokens), (30, TokenCounts::of(300, 150)));
}

#[test]
fn a_receipt_resolves_after_the_commit_and_a_repetition_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _journal, ingest) = start(dir.path());
    let span = call(1);
    for _ in 0..2 {
        ingest.submit("test", vec![SpanWrite::create(span.clone(), 1)]).unwrap().blocking_recv().unwrap();
        assert_eq!(store.spans(&all()).unwrap().spans, std::slice::from_ref(&span));
        assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 1);
    }
}

/// The spans that are told of.
#[derive(Default)]
struct Stored(parking_lot::Mutex<Vec<Span>>);

impl Observer for Stored {
    fn span_stored(&self, span: &Span) {
        self.0.lock().push(span.clone());
    }
}

#[test]
fn a_span_that_a_protocol_brought_is_told_once_when_it_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let journal = Arc::new(Journal::open(dir.path(), 1 << 30).unwrap());
    let stored = Arc::new(Stored::default());
    let observer = Arc::clone(&stored) as Arc<dyn Observer>;
    let options = IngestOptions { journal_linger: Duration::ZERO, ..IngestOptions::default() };
    let ingest = Ingest::start(Arc::new(store), Arc::clone(&journal), observer, options).unwrap();
    let submit = |writes| ingest.submit("test", writes).unwrap().blocking_recv().unwrap();
    let told = || std::mem::take(&mut *stored.0.lock());

    // Whole, and again.
    let whole = call(1);
    submit(vec![SpanWrite::create(whole.clone(), 1)]);
    assert_eq!(told(), std::slice::from_ref(&whole));
    submit(vec![SpanWrite::create(whole.clone(), 1)]);
    submit(vec![SpanWrite::update(Span { user: Some("u".into()), ..whole }, 2)]);
    assert_eq!(told(), []);

    // In pieces: whole as it is when it ends, of any kind; what is added later tells nothing.
    let tool = Span { kind: Some(SpanKind::Tool), ..call(2) };
    submit(vec![SpanWrite::create(Span { end_us: None, output: None, ..tool.clone() }, 1)]);
    assert_eq!(told(), []);
    let end = Span { end_us: tool.end_us, output: tool.output.clone(), ..Span::new(tool.span_key()) };
    submit(vec![SpanWrite::update(end.clone(), 2)]);
    assert_eq!(told(), std::slice::from_ref(&tool));
    submit(vec![SpanWrite::update(end, 2), SpanWrite::update(Span { end_us: Some(7), ..tool }, 3)]);
    assert_eq!(told(), []);

    // In pieces that come together.
    let both = call(3);
    let writes = vec![
        SpanWrite::update(Span { end_us: both.end_us, ..Span::new(both.span_key()) }, 2),
        SpanWrite::create(Span { end_us: None, ..both.clone() }, 1),
    ];
    submit(writes);
    assert_eq!(told(), [both]);

    // Those of the gateway are told of by the gateway.
    let journalled = call(4);
    journal.append(&journalled).unwrap();
    assert!(ingest.drain(Duration::from_secs(10)));
    submit(vec![SpanWrite::update(Span { user: Some("u".into()), ..journalled }, 2)]);
    assert_eq!(told(), []);
}

/// Journalled and submitted spans in one batch, which is refused at first and then taken in parts.
#[test]
fn only_what_protocols_brought_is_told_of_a_mixed_batch() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let journal = Arc::new(Journal::open(dir.path(), 1 << 30).unwrap());
    let engine = Arc::new(Failing { store, broken: true.into() });
    let stored = Arc::new(Stored::default());
    let observer = Arc::clone(&stored) as Arc<dyn Observer>;
    let none = Duration::ZERO;
    let options = IngestOptions { journal_linger: none, submit_linger: none, ..IngestOptions::default() };
    let ingest = Ingest::start(Arc::clone(&engine), Arc::clone(&journal), observer, options).unwrap();
    let mut brought: Vec<Span> = (0..8).map(call).collect();
    let submit = |spans: &[Span]| {
        ingest.submit("test", spans.iter().map(|s| SpanWrite::create(s.clone(), 1)).collect()).unwrap()
    };
    // The first batch is refused, the second waits for it, the third for a place to wait.
    for n in 0..3 {
        submit(&brought[n..=n]);
        while ingest.shared.queue.lock().spans > 0 || ingest.status().last_error.is_none() {
            std::thread::yield_now();
        }
    }
    // So that these come together.
    journal.append(&call(8)).unwrap();
    journal.append(&Span { user: Some(MARK.into()), ..call(9) }).unwrap();
    let receipt = submit(&brought[3..]);
    assert_eq!(*stored.0.lock(), [], "nothing is told before it is durable");
    engine.broken.store(false, Ordering::SeqCst);
    receipt.blocking_recv().unwrap();
    assert!(ingest.drain(Duration::from_secs(10)));
    assert_eq!(ingest.status().committed, 9);
    let mut told = std::mem::take(&mut *stored.0.lock());
    told.sort_by_key(|s| s.span_id);
    brought.sort_by_key(|s| s.span_id);
    assert_eq!(told, brought);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let journal = Arc::new(Journal::open(dir.path(), 1 << 30).unwrap());
    let options = IngestOptions { queue_bytes: 1, submit_linger: Duration::from_secs(60), ..IngestOptions::default() };
    let ingest = Ingest::start(Arc::new(store), journal, Arc::new(Unobserved), options).unwrap();
    let waiting = ingest.submit("test", vec![SpanWrite::create(call(1), 1)]).unwrap();
    let refused = ingest.submit("test", vec![SpanWrite::create(call(2), 1)]);
    assert_eq!(refused.err(), Some(SubmitError::Overloaded));
    ingest.stop();
    assert!(waiting.blocking_recv().is_err());
}

/// The engine that fails until told otherwise, and never takes spans of a marked user.
struct Failing {
    store: SqliteStore,
    broken: std::sync::atomic::AtomicBool,
}

const MARK: &str = "marked";

impl WriteEngine for Failing {
    type Prepared = (crate::sqlite::Prepared, bool);

    fn prepare(&self, writes: Vec<SpanWrite>) -> Result<Self::Prepared, Unprepared> {
        let marked = writes.iter().any(|w| w.span.user.as_deref() == Some(MARK));
        Ok((self.store.prepare(writes)?, marked))
    }

    fn take_back(&self, batch: Self::Prepared) -> Vec<SpanWrite> {
        self.store.take_back(batch.0)
    }

    fn commit_and_tell(
        &self,
        batch: &Self::Prepared,
        position: Option<crate::journal::Position>,
        ended: &mut dyn FnMut(&Span),
    ) -> Result<(), CommitError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("broken".into()).into());
        }
        if batch.1 {
            return Err(CommitError::Never("marked".into()));
        }
        self.store.commit_and_tell(&batch.0, position, ended)
    }

    fn position(&self) -> Result<crate::journal::Position, StoreError> {
        self.store.position()
    }
}

/// Counts what is lost.
#[derive(Default)]
struct Losses(AtomicU64);

impl Observer for Losses {
    fn lost(&self, reason: &'static str, count: u64) {
        assert_eq!(reason, "rejected");
        self.0.fetch_add(count, Ordering::SeqCst);
    }
}

/// Journals and submits 40 calls each, some of them spoilt; only those are missing afterwards.
fn only_spoilt_calls_are_dropped(spoil: fn(&mut Span)) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let journal = Arc::new(Journal::open(dir.path(), 1 << 30).unwrap());
    let mut good = Vec::new();
    let mut next = |n: u64| {
        let mut span = call(n);
        if n.is_multiple_of(13) {
            spoil(&mut span);
        } else {
            good.push(span.clone());
        }
        span
    };
    for n in 0..40 {
        journal.append(&next(n)).unwrap();
    }
    let engine = Arc::new(Failing { store: store.clone(), broken: true.into() });
    let losses = Arc::new(Losses::default());
    let observer = Arc::clone(&losses) as Arc<dyn Observer>;
    let ingest = Ingest::start(Arc::clone(&engine), Arc::clone(&journal), observer, IngestOptions::default()).unwrap();
    // In two writes, to be kept together or dropped together.
    let mut writes = Vec::new();
    for n in 40..80 {
        let span = next(n);
        let opened = Span { end_us: None, status: None, output: None, ..span.clone() };
        writes.extend([SpanWrite::create(opened, 1), SpanWrite::update(span, 2)]);
    }
    let receipt = ingest.submit("test", writes).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    engine.broken.store(false, Ordering::SeqCst);
    receipt.blocking_recv().unwrap();
    assert!(ingest.drain(Duration::from_secs(20)));
    // 0, 13, 26 and 39 were journalled; 52, 65 and 78 came in two writes each.
    assert_eq!(losses.0.load(Ordering::SeqCst), 4 + 2 * 3);
    let status = ingest.status();
    assert_eq!((status.last_error, status.lag_records, status.committed), (None, 0, 36 + 2 * 37));
    assert_eq!(store.position().unwrap(), journal.end());
    let mut stored = store.spans(&all()).unwrap().spans;
    stored.sort_by_key(|s| s.request_id.clone());
    good.sort_by_key(|s| s.request_id.clone());
    assert_eq!(stored, good);
    let stats = store.stats(&StatsQuery::default()).unwrap();
    assert_eq!((stats.total.count, stats.total.tokens), (73, TokenCounts::of(730, 365)));
    store.health().unwrap();
    // And it goes on.
    journal.append(&call(100)).unwrap();
    assert!(ingest.drain(Duration::from_secs(20)));
    assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 74);
}

#[test]
fn spans_that_are_never_accepted_are_dropped_alone() {
    only_spoilt_calls_are_dropped(|span| span.user = Some(MARK.into()));
}

#[test]
fn spans_that_make_the_preparation_panic_are_dropped_alone() {
    only_spoilt_calls_are_dropped(|span| span.name = Some(crate::sqlite::PANICS.into()));
}

#[test]
fn a_failing_store_makes_the_journal_grow_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let engine = Arc::new(Failing { store: store.clone(), broken: true.into() });
    let journal = Arc::new(Journal::open(dir.path(), 64 << 10).unwrap());
    let ingest =
        Ingest::start(Arc::clone(&engine), Arc::clone(&journal), Arc::new(Unobserved), IngestOptions::default())
            .unwrap();
    let mut oldest = None;
    let mut appended = 0;
    loop {
        let span = call(appended);
        if journal.append(&span).is_err() {
            break;
        }
        oldest = oldest.or(span.end_us);
        appended += 1;
    }
    assert!(appended > 50);
    assert!(!ingest.drain(Duration::from_millis(300)));
    let status = ingest.status();
    assert!(status.last_error.is_some_and(|e| e.contains("broken")));
    assert_eq!((status.lag_records, status.oldest_us), (appended, oldest));
    engine.broken.store(false, Ordering::SeqCst);
    assert!(ingest.drain(Duration::from_secs(20)));
    assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, appended);
    // Drained segments make room again.
    for n in 0..10 * appended {
        while journal.append(&call(n)).is_err() {
            ingest.drain(Duration::from_secs(1));
        }
    }
    assert!(ingest.drain(Duration::from_secs(20)));
    assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, 11 * appended);
    let status = ingest.status();
    assert_eq!((status.last_error, status.lag_records, status.oldest_us), (None, 0, None));
}

const CHILD: &str = "WEIR_STORE_KILL_TEST";

/// Not a test by itself: the process that is killed.
#[test]
fn child_that_is_killed() {
    use std::io::Write;
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let (_store, journal, _ingest) = start(std::path::Path::new(&dir));
    let mut out =
        std::fs::OpenOptions::new().append(true).create(true).open(std::path::Path::new(&dir).join("acks")).unwrap();
    for n in 0.. {
        let span = call(n);
        journal.append(&span).unwrap();
        // One write: an acknowledgement is there whole or not at all.
        out.write_all(format!("{} {}\n", span.trace_id, span.span_id).as_bytes()).unwrap();
    }
}

#[test]
fn every_acknowledged_record_survives_sigkill_once() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ingest::tests::child_that_is_killed", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let acks = dir.path().join("acks");
        let deadline = Instant::now() + Duration::from_secs(20);
        let before = std::fs::metadata(&acks).map_or(0, |m| m.len());
        while std::fs::metadata(&acks).map_or(0, |m| m.len()) < before + 300_000 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(7 + 5 * round));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (store, _journal, ingest) = start(dir.path());
    assert!(ingest.drain(Duration::from_secs(60)));
    let acks = std::fs::read_to_string(dir.path().join("acks")).unwrap();
    let mut acknowledged = 0;
    for line in acks.lines() {
        let (trace, span) = line.split_once(' ').unwrap();
        let which = SpanRef::Key(trace.parse().unwrap(), span.parse().unwrap());
        assert!(store.span(&which).unwrap().is_some(), "lost {line}");
        acknowledged += 1;
    }
    let mut rows = 0;
    store
        .scan(TimeRange::default(), &Filter::all(), false, &mut |_| {
            rows += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    // At most one record per kill was appended and not acknowledged.
    assert!((acknowledged..=acknowledged + 3).contains(&rows), "{rows} rows for {acknowledged} acknowledged");
    assert_eq!(store.stats(&StatsQuery::default()).unwrap().total.count, rows);
}
