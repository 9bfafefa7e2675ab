//! The SQLite engine: one file, `<data>/telemetry.db`, one writer, a few readers. Or a file of any name that several
//! processes write, each with one writer: then nothing about it is kept in memory that another one may change, and
//! nothing works in the background.
//!
//! What decides the shape: no index with random keys on the hot table but the one that identifies a span; rows ordered
//! by start; payloads compressed in blocks beside the rows; rollups in the same transaction; a skip index of closed
//! groups instead of secondary indexes.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use weir_core::filter::{Field, Filter};
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::Micros;

#[cfg(test)]
mod activity_tests;
mod answer_file;
mod attributes;
mod background;
mod catalog;
mod connect;
pub(crate) mod copy;
mod cursor;
mod error;
mod evidence;
mod exports;
mod filter;
mod functions;
mod groups;
mod names;
mod open;
mod options;
mod owner;
mod page;
mod payload;
mod place;
mod prepare;
mod prune;
mod rollup;
mod row;
mod schema;
mod scores;
mod seq;
mod sizes;
#[cfg(test)]
mod spread_tests;
mod sums;
mod traces;
mod write;

pub use answer_file::{AnswerChange, AnswerFile, StoredAnswer, StoredVector};
pub use catalog::{CatalogReader, SqliteCatalog};
pub use options::{PayloadEncoding, SqliteOptions};
#[cfg(test)]
pub(crate) use prepare::PANICS;
pub use prepare::Prepared;

use crate::activity::{Activity, ActivityPage, ProjectSpan};
use crate::ingest::{CommitError, Unprepared, WriteEngine, panic_text};
use crate::journal::Position;
use crate::lock::FolderLock;
use crate::telemetry::{
    OrderBy, SpanPage, SpanQuery, SpanRef, Stats, StatsQuery, StepGroup, StepsQuery, StoreError, TableSize, Telemetry,
    TimeRange,
};
use background::Background;
use connect::Readers;
use names::NameTexts;
use payload::dictionary::Dictionaries;
use payload::read::PayloadReader;
use place::Place;
use rollup::floors::Floors;
use write::{Lookups, Writer};

/// Name of the database file of a data folder.
const FILE: &str = "telemetry.db";
/// How often a batch is committed anew because the file was taken away.
const REOPENED: usize = 3;
/// How often a writer that shares its file looks for fine rollups that are too old.
const RETAIN_EVERY: Duration = Duration::from_secs(600);

/// A telemetry store in one SQLite file. Clones share it.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
    /// Stops with the last clone; the threads themselves hold `inner` only.
    _background: Option<Arc<Background>>,
}

struct Inner {
    readers: Readers,
    writer: Option<Mutex<Writer>>,
    texts: NameTexts,
    dictionaries: Dictionaries,
    options: SqliteOptions,
    path: PathBuf,
    /// Commits since it was opened: what tells the background that there is work.
    commits: AtomicU64,
    /// Held while groups are built.
    building: Mutex<()>,
    /// Why the last commit failed, if it did.
    failure: Mutex<Option<String>>,
    /// When this writer last deleted fine rollups, where nothing works in the background.
    retained: Mutex<Option<Instant>>,
    _lock: Option<FolderLock>,
}

impl Inner {
    fn writer(&self) -> Result<&Mutex<Writer>, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::Unavailable("the database was opened for reading only".into()))
    }

    /// Whether a writer that shares its file is where others look for it; else it is brought there.
    fn stay(&self, writer: &mut Writer) -> Result<bool, StoreError> {
        match &mut writer.place {
            None => return Ok(true),
            Some(place) if place.is_the_same() => return Ok(true),
            Some(place) => place.leave(),
        }
        tracing::warn!(file = %self.path.display(), "the database file was taken away; going on with what is there now");
        // Everything is closed before anything is opened: SQLite lets the connections of a process share their state.
        self.readers.forget();
        let old = std::mem::replace(&mut writer.db, rusqlite::Connection::open_in_memory()?);
        // What was committed before is there, or was deleted on purpose.
        old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        drop(old);
        writer.ids.clear();
        self.texts.forget();
        self.dictionaries.forget();
        let mut db = connect::writer(&self.path, true)?;
        schema::migrate(&mut db, schema::TELEMETRY)?;
        Floors::begin(&db, self.options.clock.now())?;
        self.dictionaries.load(&db)?;
        writer.place = Some(Place::of(&self.path));
        writer.db = db;
        Ok(false)
    }

    /// Deletes fine rollups that are too old, where nothing works in the background and it is time.
    fn retain_when_due(&self) {
        let mut retained = self.retained.lock();
        if !self.options.shared || retained.is_some_and(|at| at.elapsed() < RETAIN_EVERY) {
            return;
        }
        *retained = Some(Instant::now());
        drop(retained);
        let now = self.options.clock.now();
        let low = self.readers.get().and_then(|reader| reader.snapshot(|db| Ok(Floors::are_low(db, now)?)));
        let done = low.and_then(|low| if low { background::retain(self, self.writer()?) } else { Ok(()) });
        if let Err(error) = done {
            tracing::warn!(%error, "old rollups cannot be deleted now");
        }
    }
}

impl WriteEngine for SqliteStore {
    type Prepared = Prepared;

    fn prepare(&self, writes: Vec<SpanWrite>) -> Result<Prepared, Unprepared> {
        let plain = self.inner.options.payload == PayloadEncoding::Plain;
        prepare::prepare(writes, &self.inner.dictionaries, plain)
    }

    fn take_back(&self, batch: Prepared) -> Vec<SpanWrite> {
        prepare::take_back(batch)
    }

    fn commit_and_tell(
        &self,
        batch: &Prepared,
        position: Option<Position>,
        ended: &mut dyn FnMut(&Span),
    ) -> Result<(), CommitError> {
        let now = self.inner.options.clock.now();
        let lookups = Lookups { texts: &self.inner.texts, dictionaries: &self.inner.dictionaries, now };
        let mut writer = self.inner.writer()?.lock();
        let commit = |writer: &mut Writer| {
            catch_unwind(AssertUnwindSafe(|| writer.commit(batch, position, &lookups))).unwrap_or_else(|panic| {
                // The transaction was rolled back as the stack unwound.
                writer.ids.clear();
                Err(CommitError::Never(panic_text(panic.as_ref())))
            })
        };
        let mut done = self.inner.stay(&mut writer).map_err(CommitError::Again).and_then(|_| commit(&mut writer));
        for _ in 0..REOPENED {
            // A repeated write changes nothing, and one that went nowhere is made good.
            match self.inner.stay(&mut writer) {
                Ok(true) => break,
                Ok(false) => done = commit(&mut writer),
                Err(e) => done = Err(CommitError::Again(e)),
            }
        }
        drop(writer);
        self.inner.commits.fetch_add(1, Ordering::Relaxed);
        *self.inner.failure.lock() = match &done {
            Err(CommitError::Again(e)) => Some(e.to_string()),
            Ok(_) | Err(CommitError::Never(_)) => None,
        };
        for span in done?.spans(batch) {
            ended(span);
        }
        self.inner.retain_when_due();
        Ok(())
    }

    fn position(&self) -> Result<Position, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            let read = |key: &str| -> Result<u64, StoreError> {
                let value: Option<i64> =
                    db.query_row("SELECT max(value) FROM state WHERE key = ?1", [key], |row| row.get(0))?;
                Ok(value.unwrap_or_default() as u64)
            };
            Ok(Position { segment: read("journal_segment")?, offset: read("journal_offset")? })
        })
    }
}

impl Activity for SqliteStore {
    fn activity(&self, from: Micros, to: Micros, width: Micros, rows: usize) -> Result<ActivityPage, StoreError> {
        let inner = &self.inner;
        let now = inner.options.clock.now();
        inner
            .readers
            .get()?
            .snapshot(|db| rollup::activity::page(db, &inner.texts, Floors::read(db, now)?, (from, to), width, rows))
    }

    fn project_spans(&self, range: TimeRange, limit: usize) -> Result<Vec<ProjectSpan>, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| rollup::activity::projects(db, &inner.texts, range, limit))
    }
}

impl Telemetry for SqliteStore {
    fn spans(&self, query: &SpanQuery) -> Result<SpanPage, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| {
            let mut page = page::read(db, &inner.texts, query)?;
            if query.with_payload {
                let mut payloads = PayloadReader::new(db, &inner.dictionaries);
                for row in &mut page.rows {
                    payloads.fill(row)?;
                }
            }
            Ok(SpanPage { spans: page.rows.into_iter().map(|r| r.merged.span).collect(), next: page.next })
        })
    }

    fn scan(
        &self,
        range: TimeRange,
        filter: &Filter,
        with_payload: bool,
        each: &mut dyn FnMut(Span) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        // Page by page, so that no snapshot lives long enough to keep the WAL from being reused.
        let mut query = SpanQuery {
            range,
            filter: filter.clone(),
            order: OrderBy::Start,
            ascending: true,
            limit: if with_payload { 256 } else { 1_000 },
            cursor: None,
            with_payload,
        };
        loop {
            let page = self.spans(&query)?;
            for span in page.spans {
                if each(span).is_break() {
                    return Ok(());
                }
            }
            if page.next.is_none() {
                return Ok(());
            }
            query.cursor = page.next;
        }
    }

    fn span(&self, which: &SpanRef) -> Result<Option<Span>, StoreError> {
        let inner = &self.inner;
        let filter = match which {
            SpanRef::Key(trace, span) => {
                return inner.readers.get()?.snapshot(|db| {
                    let Some(mut stored) = write::find(db, &inner.texts, *trace, *span)? else { return Ok(None) };
                    PayloadReader::new(db, &inner.dictionaries).fill(&mut stored)?;
                    Ok(Some(stored.merged.span))
                });
            }
            SpanRef::Span(span) => Filter::eq(Field::SpanId, span.to_string()),
            SpanRef::Request(id) => Filter::eq(Field::RequestId, id.clone()),
        };
        let page = self.spans(&SpanQuery {
            range: TimeRange::default(),
            filter,
            order: OrderBy::Start,
            ascending: false,
            limit: 1,
            cursor: None,
            with_payload: true,
        })?;
        Ok(page.spans.into_iter().next())
    }

    fn stats(&self, query: &StatsQuery) -> Result<Stats, StoreError> {
        let inner = &self.inner;
        let now = inner.options.clock.now();
        inner.readers.get()?.snapshot(|db| rollup::stats::answer(db, &inner.texts, Floors::read(db, now)?, query))
    }

    fn steps(&self, query: &StepsQuery) -> Result<Vec<StepGroup>, StoreError> {
        let inner = &self.inner;
        let now = inner.options.clock.now();
        inner.readers.get()?.snapshot(|db| rollup::steps::answer(db, &inner.texts, Floors::read(db, now)?, query))
    }

    fn prune(&self, before: Micros) -> Result<u64, StoreError> {
        let deleted = prune::prune(&self.inner, before);
        scores::prune(&self.inner, before)?;
        traces::prune(&self.inner, before)?;
        self.inner.commits.fetch_add(1, Ordering::Relaxed);
        deleted
    }

    fn sizes(&self) -> Result<Vec<TableSize>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| sizes::sizes(db, &self.inner.path))
    }

    fn health(&self) -> Result<(), StoreError> {
        let writer = self.inner.writer()?;
        if let Some(failure) = self.inner.failure.lock().clone() {
            return Err(StoreError::Unavailable(failure));
        }
        // A writer at work is a writer that works; what it meets is in `failure`.
        if let Some(writer) = writer.try_lock() {
            writer.db.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
