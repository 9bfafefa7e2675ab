//! What the store does besides reading and writing: checkpoints, groups, retention of fine rollups, dictionaries.
//!
//! Two threads, because a long checkpoint must not hold up the groups. Both only ever work in small steps.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::groups::{Cover, build};
use super::rollup::floors::Floors;
use super::write::Writer;
use super::{Inner, connect, rollup};
use crate::telemetry::StoreError;

/// How often there may be something to do.
const TICK: Duration = Duration::from_millis(250);
/// A WAL below that is left to the next tick.
const WAL_WORTH_IT: u64 = 1 << 20;
/// Above that the WAL is emptied, for which the writer waits.
const WAL_TOO_LARGE: u64 = 256 << 20;
/// Groups that are written in one transaction.
const GROUPS_AT_ONCE: usize = 16;
const RETENTION_EVERY: Duration = Duration::from_secs(60);
/// Cells that one transaction deletes.
const CELLS_AT_ONCE: i64 = 5_000;

/// The running threads; stops them when dropped.
pub(super) struct Background {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    stopping: AtomicBool,
    lock: Mutex<()>,
    signal: Condvar,
}

impl Stop {
    /// Sleeps; `false` when it is time to go.
    fn sleep(&self, time: Duration) -> bool {
        let mut guard = self.lock.lock();
        if !self.stopping.load(Ordering::SeqCst) {
            self.signal.wait_for(&mut guard, time);
        }
        !self.stopping.load(Ordering::SeqCst)
    }
}

impl Background {
    /// Starts the threads for a store that is open for writing.
    pub(super) fn start(inner: &Arc<Inner>, path: &Path) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError::Unavailable(format!("a thread cannot be started: {e}"));
        let stop = Arc::new(Stop::default());
        let checkpoint = Checkpoint { db: connect::checkpointer(path)?, wal: wal_path(path), inner: Arc::clone(inner) };
        let upkeep = Upkeep { inner: Arc::clone(inner), retained: None, seen: None };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.into()).spawn(run).map_err(failed)
        };
        let (a, b) = (Arc::clone(&stop), Arc::clone(&stop));
        let threads = vec![
            spawn("store-checkpoint", Box::new(move || checkpoint.run(&a)))?,
            spawn("store-upkeep", Box::new(move || upkeep.run(&b)))?,
        ];
        Ok(Self { stop, threads })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.stopping.store(true, Ordering::SeqCst);
        drop(self.stop.lock.lock());
        self.stop.signal.notify_all();
        for thread in self.threads.drain(..) {
            // The last owner may be one of the threads itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a background thread of the store had died");
            }
        }
    }
}

pub(super) fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

struct Checkpoint {
    db: Connection,
    wal: PathBuf,
    inner: Arc<Inner>,
}

impl Checkpoint {
    fn run(self, stop: &Stop) {
        let mut done = 0;
        while stop.sleep(TICK) {
            let commits = self.inner.commits.load(Ordering::Relaxed);
            let size = std::fs::metadata(&self.wal).map_or(0, |m| m.len());
            if size < WAL_WORTH_IT || commits == done {
                continue;
            }
            done = commits;
            self.checkpoint("PASSIVE");
            if size > WAL_TOO_LARGE
                && let Some(writer) = &self.inner.writer
            {
                // What is left after the first pass is little, so the writer waits shortly.
                let _writer = writer.lock();
                self.checkpoint("TRUNCATE");
            }
        }
    }

    fn checkpoint(&self, mode: &str) {
        let done = self.db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(0));
        if let Err(e) = done {
            tracing::warn!(error = %e, mode, "the checkpoint failed");
        }
    }
}

struct Upkeep {
    inner: Arc<Inner>,
    retained: Option<Instant>,
    /// Commits at the last look, to do nothing while nothing happens.
    seen: Option<u64>,
}

impl Upkeep {
    fn run(mut self, stop: &Stop) {
        while stop.sleep(TICK) {
            if let Err(e) = self.round(stop) {
                tracing::warn!(error = %e, "background work of the store failed");
                if !stop.sleep(Duration::from_secs(5)) {
                    return;
                }
            }
        }
    }

    fn round(&mut self, stop: &Stop) -> Result<(), StoreError> {
        let writer = self.inner.writer()?;
        let commits = self.inner.commits.load(Ordering::Relaxed);
        if self.seen != Some(commits) {
            while build_groups(&self.inner, writer)? {
                if stop.stopping.load(Ordering::SeqCst) {
                    return Ok(());
                }
            }
            self.seen = Some(commits);
            self.train(writer)?;
        } else if build_groups(&self.inner, writer)? {
            self.seen = None;
        }
        if self.retained.is_none_or(|at| at.elapsed() > RETENTION_EVERY) {
            retain(&self.inner, writer)?;
            self.retained = Some(Instant::now());
        }
        Ok(())
    }

    fn train(&self, writer: &Mutex<Writer>) -> Result<(), StoreError> {
        let Some(dictionary) = self.inner.dictionaries.train() else { return Ok(()) };
        let id = {
            let writer = writer.lock();
            writer.db.execute("INSERT INTO dictionaries (data) VALUES (?1)", [&dictionary])?;
            writer.db.last_insert_rowid()
        };
        self.inner.dictionaries.install(id, &dictionary);
        tracing::debug!(id, bytes = dictionary.len(), "a payload dictionary was trained");
        Ok(())
    }
}

/// Builds some groups. `true` when there may be more to build.
pub(super) fn build_groups(inner: &Inner, writer: &Mutex<Writer>) -> Result<bool, StoreError> {
    let _one_at_a_time = inner.building.lock();
    // Watching begins before the snapshot, so that no write falls between them.
    let Some(holes) = writer.lock().cover.as_mut().map(Cover::begin_build) else { return Ok(false) };
    let built = inner.readers.get().and_then(|reader| {
        reader.snapshot(|db| {
            let tail = build::tail_start(db)?.unwrap_or(0);
            let mut built = Vec::new();
            for hole in holes {
                let wanted = GROUPS_AT_ONCE - built.len();
                let hole = super::groups::cover::Hole { end: hole.end.min(tail), ..hole };
                if wanted > 0 && hole.first < hole.end {
                    built.extend(build::build(db, hole, wanted)?);
                }
            }
            Ok(built)
        })
    });
    let mut writer = writer.lock();
    let Writer { db, cover: Some(cover), .. } = &mut *writer else { return Ok(false) };
    let stored = built.and_then(|mut built| {
        built.retain(|group| cover.is_untouched(group.first, group.end));
        let transaction = rusqlite::Transaction::new_unchecked(db, rusqlite::TransactionBehavior::Immediate)?;
        for group in &built {
            build::store(&transaction, group)?;
        }
        transaction.commit()?;
        Ok(built)
    });
    match stored {
        Ok(built) => {
            cover.end_build(built.iter().map(|group| (group.first, group.end)));
            Ok(built.len() >= GROUPS_AT_ONCE)
        }
        Err(e) => {
            cover.end_build(std::iter::empty());
            Err(e)
        }
    }
}

/// Moves the floors of the fine rollups up and deletes what is below them.
pub(super) fn retain(inner: &Inner, writer: &Mutex<Writer>) -> Result<(), StoreError> {
    let now = inner.options.clock.now();
    // Readers see the new floors before the first cell below them is gone.
    let floors = Floors::raise(&writer.lock().db, now)?;
    for (level, floor) in [(rollup::Level::Minute, floors.minute), (rollup::Level::Hour, floors.hour)] {
        for dim in rollup::slice_numbers() {
            loop {
                let deleted = writer.lock().db.execute(
                    "DELETE FROM rollup WHERE level = ?1 AND dim = ?2 AND t < ?3 AND (level, dim, t, project, value) IN \
                     (SELECT level, dim, t, project, value FROM rollup WHERE level = ?1 AND dim = ?2 AND t < ?3 LIMIT ?4)",
                    (level as i64, dim, floor, CELLS_AT_ONCE),
                )?;
                if (deleted as i64) < CELLS_AT_ONCE {
                    break;
                }
            }
        }
    }
    while writer.lock().db.execute(
        "DELETE FROM cube WHERE level = 1 AND t = (SELECT min(t) FROM cube WHERE level = 1 AND t < ?1) \
         OR level = 2 AND t = (SELECT min(t) FROM cube WHERE level = 2 AND t < ?1)",
        [floors.hour],
    )? > 0
    {}
    Ok(())
}
