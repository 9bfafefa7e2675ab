//! The outbox: `export_queue` and `export_cursor`.
//!
//! Invariant: the queue only holds what some target that is switched on has still to see, so that it is empty where
//! nothing is exported and never longer than the longest outage.

use rusqlite::{Connection, OptionalExtension};
use weir_core::id::{SpanId, SpanKey, TraceId, from_significant, significant};
use weir_core::span::Span;
use weir_core::time::Micros;

use super::payload::read::PayloadReader;
use super::write::find;
use super::{SqliteStore, prune};
use crate::exports::{ExportTarget, Exports, Lag, Pending, Scope};
use crate::telemetry::StoreError;

/// Rows that one statement deletes.
const ROWS_AT_ONCE: i64 = 5_000;
/// Rows for others that are passed over at once.
const PASSED_AT_ONCE: i64 = if cfg!(test) { 64 } else { 4_096 };

/// The bits of `scope`: for whom a row is.
const FOR_CALLS: i64 = 1;
const FOR_ALL: i64 = 2;

/// Makes the cursors those of the targets that are switched on. A new target sees what is queued from now on; one that
/// is gone while others are there is forgotten, as its cursor would keep the queue for ever. With no targets at all
/// nothing is queued, so that the cursors can wait.
pub(super) fn register(db: &Connection, targets: &[ExportTarget]) -> rusqlite::Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let known: Vec<String> =
        db.prepare("SELECT target FROM export_cursor")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for target in known.iter().filter(|known| targets.iter().all(|target| target.name != **known)) {
        db.execute("DELETE FROM export_cursor WHERE target = ?1", [target])?;
    }
    for target in targets {
        db.execute(
            "INSERT INTO export_cursor (target, after, scope) \
             VALUES (?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'export_queue'), 0), ?2) \
             ON CONFLICT (target) DO UPDATE SET scope = excluded.scope",
            (&target.name, bit(target.scope)),
        )?;
    }
    Ok(())
}

fn bit(scope: Scope) -> i64 {
    match scope {
        Scope::Calls => FOR_CALLS,
        Scope::All => FOR_ALL,
    }
}

/// The widest scope of all targets: what is queued.
pub(super) fn widest(targets: &[ExportTarget]) -> Option<Scope> {
    let all = targets.iter().any(|target| target.scope == Scope::All);
    if all { Some(Scope::All) } else { targets.first().map(|target| target.scope) }
}

/// For whom a span is to be queued, where so much is queued; 0 is nobody.
pub(super) fn due(span: &Span, queued: Option<Scope>) -> i64 {
    match queued {
        Some(_) if span.end_us.is_none() => 0,
        Some(_) if span.is_call() => FOR_CALLS | FOR_ALL,
        Some(Scope::All) => FOR_ALL,
        Some(Scope::Calls) | None => 0,
    }
}

/// Queues a span for somebody, within the transaction of its row.
pub(super) fn enqueue(db: &Connection, key: SpanKey, due: i64, now: Micros) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO export_queue (trace_id, span_id, at_us, scope, calls) VALUES (?1, ?2, ?3, ?4, \
         coalesce((SELECT calls FROM export_queue ORDER BY id DESC LIMIT 1), 0) + ?5)",
    )?
    .execute((significant(&key.trace.0), significant(&key.span.0), now, due, due & FOR_CALLS))?;
    Ok(())
}

/// Deletes some of what was queued before an instant, from the front; returns how many.
pub(super) fn forget(db: &Connection, before: Micros) -> rusqlite::Result<u64> {
    let kept = "(SELECT id FROM export_queue WHERE at_us >= ?1 ORDER BY id LIMIT 1)";
    let sql = format!(
        "DELETE FROM export_queue WHERE id IN (SELECT id FROM export_queue WHERE at_us < ?1 \
         AND id < coalesce({kept}, 9223372036854775807) ORDER BY id LIMIT ?2)"
    );
    Ok(db.prepare_cached(&sql)?.execute((before, ROWS_AT_ONCE))? as u64)
}

/// Whether a run of [`forget`] ended because of its bound.
pub(super) fn may_have_more(deleted: u64) -> bool {
    deleted == ROWS_AT_ONCE as u64
}

fn cursor(db: &Connection, target: &str) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT after FROM export_cursor WHERE target = ?1")?
        .query_row([target], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
}

/// What a target is given. One that is not known, or of a file from before there was a choice, is given calls.
fn scope(db: &Connection, target: &str) -> rusqlite::Result<i64> {
    let scope = db
        .prepare_cached("SELECT * FROM export_cursor WHERE target = ?1")?
        .query_row([target], |row| if row.as_ref().column_count() > 2 { row.get(2) } else { Ok(FOR_CALLS) })
        .optional()?;
    Ok(scope.unwrap_or(FOR_CALLS))
}

/// The last of the rows after a place that are all for others.
fn pass_over(db: &Connection, scope: i64, after: i64) -> rusqlite::Result<i64> {
    let mut upto = after;
    let mut statement = db.prepare_cached("SELECT id, scope FROM export_queue WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut rows = statement.query((after, PASSED_AT_ONCE))?;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? & scope != 0 {
            break;
        }
        upto = row.get(0)?;
    }
    Ok(upto)
}

/// Bytes of all that a caller may make long.
fn weight(span: &Span) -> usize {
    let payloads = span.input.iter().chain(&span.output).chain(&span.details).map(String::len);
    let attributes = span.attributes.iter().map(|(name, json)| name.len() + json.len());
    let tags = span.tags.iter().flatten().map(String::len);
    payloads.chain(attributes).chain(tags).sum()
}

impl Exports for SqliteStore {
    fn targets(&self) -> Result<Vec<String>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            // A file of an older Weir that is only read has no such table yet.
            let there: bool =
                db.query_row("SELECT count(*) FROM sqlite_master WHERE name = 'export_cursor'", [], |row| row.get(0))?;
            if !there {
                return Ok(Vec::new());
            }
            let mut statement = db.prepare_cached("SELECT target FROM export_cursor ORDER BY target")?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    fn cursor(&self, target: &str) -> Result<i64, StoreError> {
        self.inner.readers.get()?.snapshot(|db| Ok(cursor(db, target)?))
    }

    fn pending(&self, target: &str, after: i64, limit: usize, bytes: usize) -> Result<Pending, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| {
            let mut found = Pending { upto: after, ..Pending::default() };
            let mut payloads = PayloadReader::new(db, &inner.dictionaries);
            let mut room = bytes;
            let scope = scope(db, target)?;
            let mut statement = db.prepare_cached(
                "SELECT id, trace_id, span_id, scope FROM export_queue WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let mut rows = statement.query((after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                if row.get::<_, i64>(3)? & scope == 0 {
                    found.upto = id;
                    continue;
                }
                let key = (from_significant(row.get_ref(1)?.as_blob().unwrap_or_default()))
                    .zip(from_significant(row.get_ref(2)?.as_blob().unwrap_or_default()));
                let stored = match key {
                    Some((trace, span)) => find(db, &inner.texts, TraceId(trace), SpanId(span))?,
                    None => None,
                };
                match stored {
                    None => found.gone += 1,
                    Some(mut stored) => {
                        payloads.fill(&mut stored)?;
                        let span = stored.merged.span;
                        let size = weight(&span);
                        if size > room && !found.calls.is_empty() {
                            break;
                        }
                        room = room.saturating_sub(size);
                        found.calls.push((id, span));
                    }
                }
                found.upto = id;
            }
            if found.upto > after && found.calls.is_empty() {
                found.upto = pass_over(db, scope, found.upto)?;
            }
            Ok(found)
        })
    }

    fn done(&self, target: &str, upto: i64) -> Result<(), StoreError> {
        prune::in_transaction(self.inner.writer()?, |writer| {
            let db = &writer.db;
            db.prepare_cached("UPDATE export_cursor SET after = max(after, ?2) WHERE target = ?1")?
                .execute((target, upto))?;
            db.prepare_cached(
                "DELETE FROM export_queue WHERE id IN (SELECT id FROM export_queue \
                 WHERE id <= (SELECT min(after) FROM export_cursor) ORDER BY id LIMIT ?1)",
            )?
            .execute([ROWS_AT_ONCE])?;
            Ok(())
        })
    }

    fn lag(&self, target: &str) -> Result<Lag, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            let after = cursor(db, target)?;
            // A file from before there was a choice holds calls only.
            let chosen: bool = db
                .prepare_cached("SELECT count(*) FROM pragma_table_info('export_queue') WHERE name = 'scope'")?
                .query_row([], |row| row.get(0))?;
            let calls_only = chosen && scope(db, target)? == FOR_CALLS;
            // Numbers are given without gaps and deleted from the front, so that two look-ups count.
            let (number, which) = if calls_only { ("calls", "scope & 1") } else { ("id", "1") };
            let ends: Option<(i64, i64, i64, Micros)> = db
                .prepare_cached(&format!(
                    "SELECT {number}, (SELECT {number} FROM export_queue ORDER BY id DESC LIMIT 1), \
                     (SELECT max(id) FROM export_queue), at_us FROM export_queue WHERE id > ?1 AND {which} \
                     ORDER BY id LIMIT 1"
                ))?
                .query_row([after], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
                .optional()?;
            Ok(ends.map_or_else(Lag::default, |(first, newest, last, at)| Lag {
                records: u64::try_from(newest - first + 1).unwrap_or_default(),
                oldest_us: Some(at),
                last,
            }))
        })
    }
}

#[cfg(test)]
#[path = "exports_tests.rs"]
mod tests;
