use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use weir_core::filter::Filter;
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::observe::Unobserved;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{Clock, DAY};

use super::*;
use crate::ingest::{Ingest, IngestOptions};
use crate::journal::Journal;
use crate::sqlite::{SqliteCatalog, SqliteStore};
use crate::telemetry::{Telemetry, TimeRange};

const NOW: i64 = 1_763_683_200_000_000;

fn call(n: usize) -> Span {
    let mut span = Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() });
    span.kind = Some(SpanKind::Llm);
    span.status = Some(Status::Success);
    span.start_us = Some(NOW + n as i64);
    span.end_us = Some(NOW + n as i64 + 10);
    span.request_id = Some(format!("r{n}"));
    span.input = Some("what ".repeat(50));
    span
}

/// A data folder in use, as a server has it.
struct Running {
    journal: Arc<Journal>,
    ingest: Ingest,
    _catalog: SqliteCatalog,
}

impl Running {
    fn on(data: &Path) -> Self {
        let journal = Arc::new(Journal::open(data, 1 << 30).unwrap());
        let store = Arc::new(SqliteStore::open(data).unwrap());
        let ingest = Ingest::start(store, journal.clone(), Arc::new(Unobserved), IngestOptions::default()).unwrap();
        Self { journal, ingest, _catalog: SqliteCatalog::open(data).unwrap() }
    }
}

fn source(data: &Path, clock: &Clock) -> Source {
    Source {
        data: data.to_owned(),
        artifacts: Some(data.join("artifacts")),
        artifacts_elsewhere: None,
        version: "1.2.3".into(),
        clock: clock.clone(),
    }
}

fn requests(data: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let store = SqliteStore::open_read_only(data).unwrap();
    let mut each = |span: Span| {
        found.extend(span.request_id);
        std::ops::ControlFlow::Continue(())
    };
    store.scan(TimeRange::default(), &Filter::all(), false, &mut each).unwrap();
    found
}

struct Place {
    _folder: tempfile::TempDir,
    data: PathBuf,
    shelf: PathBuf,
}

/// A folder with some calls, an artifact and a file, that nobody has open.
fn place(calls: usize) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let (data, shelf) = (folder.path().join("data"), folder.path().join("shelf"));
    fs::create_dir_all(data.join("artifacts/ab")).unwrap();
    fs::create_dir_all(data.join("artifacts/tmp")).unwrap();
    fs::create_dir_all(data.join("files")).unwrap();
    fs::write(data.join("artifacts/ab/cdef"), "weights").unwrap();
    fs::write(data.join("artifacts/tmp/half"), "wei").unwrap();
    fs::write(data.join("files/file-1"), "{}").unwrap();
    let running = Running::on(&data);
    for n in 0..calls {
        running.journal.append(&call(n)).unwrap();
    }
    drop(running);
    Place { _folder: folder, data, shelf }
}

#[test]
fn what_was_acknowledged_before_a_backup_began_is_in_it_while_calls_come_in() {
    let place = place(0);
    let running = Arc::new(Running::on(&place.data));
    let (acknowledged, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = std::thread::spawn({
        let (running, acknowledged, stop) = (running.clone(), acknowledged.clone(), stop.clone());
        move || {
            let mut n = 0;
            while !stop.load(Ordering::SeqCst) {
                running.journal.append(&call(n)).unwrap();
                n += 1;
                acknowledged.store(n, Ordering::SeqCst);
            }
        }
    });
    let clock = Clock::fixed(NOW);
    for round in 0..4 {
        while acknowledged.load(Ordering::SeqCst) < (round + 1) * 400 {
            std::thread::yield_now();
        }
        let before = acknowledged.load(Ordering::SeqCst);
        let made = make(&source(&place.data, &clock), &place.shelf).unwrap();
        let restored = place.shelf.with_file_name(format!("restored-{round}"));
        restore(&made.path, &restored).unwrap();
        let mut there = requests(&restored);
        let all = there.len();
        there.sort();
        there.dedup();
        assert_eq!(there.len(), all, "none twice");
        let missing = (0..before).filter(|n| there.binary_search(&format!("r{n}")).is_err()).count();
        assert_eq!(missing, 0, "of {before}");
    }
    stop.store(true, Ordering::SeqCst);
    writer.join().unwrap();
    assert!(running.ingest.status().last_error.is_none());
}

#[test]
fn a_verified_backup_says_so_until_it_is_changed() {
    let place = place(25);
    let clock = Clock::fixed(NOW);
    let made = make(&source(&place.data, &clock), &place.shelf).unwrap();
    assert_eq!(made.path.file_name().unwrap(), "weir-20251121T000000Z");
    assert!(!made.path.join("artifacts/tmp").exists(), "what is being written is not copied");
    assert!(list(&place.shelf).unwrap()[0].verified.is_none());
    clock.advance(DAY);
    let verified = verify(&made.path, "1.2.3", &clock).unwrap();
    assert_eq!((verified.calls, verified.verified_at), (25, NOW + DAY));
    assert_eq!(list(&place.shelf).unwrap()[0].verified, Some(verified));
    assert_eq!(fs::read_dir(&place.shelf).unwrap().count(), 2, "the backup and the lock");

    fs::write(made.path.join("artifacts/ab/cdef"), "weighty").unwrap();
    let wrong = verify(&made.path, "1.2.3", &clock).unwrap_err().to_string();
    assert!(wrong.contains("artifacts/ab/cdef has changed"), "{wrong}");
    let target = place.shelf.with_file_name("restored");
    assert!(restore(&made.path, &target).is_err());
    assert!(!target.exists() && !target.with_file_name(".restored.partial").exists(), "nothing half-written");
}

#[test]
fn a_backup_that_lost_something_is_damaged() {
    let place = place(3);
    let clock = Clock::fixed(NOW);
    let damage = |what: &dyn Fn(&Path)| {
        clock.advance(1_000_000);
        let made = make(&source(&place.data, &clock), &place.shelf).unwrap();
        what(&made.path);
        verify(&made.path, "1.2.3", &clock).unwrap_err().to_string()
    };
    let lost = damage(&|path| fs::remove_file(path.join("files/file-1")).unwrap());
    assert!(lost.contains("files/file-1 is missing"), "{lost}");
    let cut = damage(&|path| {
        let file = fs::OpenOptions::new().write(true).open(path.join("telemetry.db")).unwrap();
        file.set_len(8_192).unwrap();
    });
    assert!(cut.contains("telemetry.db has changed"), "{cut}");
    let sums = damage(&|path| fs::write(path.join(SUMS), "").unwrap());
    assert!(sums.contains("SHA256SUMS is not the one"), "{sums}");
}

#[test]
fn what_cannot_be_done_is_refused_whole() {
    let place = place(1);
    let clock = Clock::fixed(NOW);
    let of = |data: &Path, shelf: &Path| make(&source(data, &clock), shelf).unwrap_err().to_string();
    assert!(of(&place.shelf, &place.shelf).contains("there is no store in"));
    assert!(of(&place.data, &place.data.join("backups")).contains("lies in the data folder"));
    assert!(!place.data.join("backups").exists());
    let made = make(&source(&place.data, &clock), &place.shelf).unwrap();
    let refused = restore(&made.path, &place.data).unwrap_err().to_string();
    assert!(refused.contains("is not empty"), "{refused}");
    let none = newest(&place.data).unwrap_err().to_string();
    assert!(none.contains("there is no backup in"), "{none}");
}

#[test]
fn the_newest_stay_and_the_newest_that_was_verified() {
    let place = place(1);
    let clock = Clock::fixed(NOW);
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(make(&source(&place.data, &clock), &place.shelf).unwrap().path);
        clock.advance(DAY);
    }
    verify(&made[0], "1.2.3", &clock).unwrap();
    assert_eq!(newest(&place.shelf).unwrap(), made[3]);
    let gone = prune(&place.shelf, 2).unwrap();
    assert_eq!(gone, [made[1].clone()]);
    assert!(made[0].is_dir() && made[2].is_dir() && made[3].is_dir());
}

#[test]
fn what_a_kill_left_goes_with_the_next_backup() {
    let place = place(1);
    let half = place.shelf.join(".weir-20240101T000000Z.partial");
    fs::create_dir_all(&half).unwrap();
    assert!(list(&place.shelf).unwrap().is_empty());
    make(&source(&place.data, &Clock::fixed(NOW)), &place.shelf).unwrap();
    assert!(!half.exists());
}
