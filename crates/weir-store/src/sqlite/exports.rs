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
use crate::exports::{Exports, Lag, Pending};
use crate::telemetry::StoreError;

/// Rows that one statement deletes.
const ROWS_AT_ONCE: i64 = 5_000;

/// Makes the cursors those of the targets that are switched on. A new target sees what is queued from now on; one that
/// is gone while others are there is forgotten, as its cursor would keep the queue for ever. With no targets at all
/// nothing is queued, so that the cursors can wait.
pub(super) fn register(db: &Connection, targets: &[String]) -> rusqlite::Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let known: Vec<String> =
        db.prepare("SELECT target FROM export_cursor")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for target in known.iter().filter(|known| !targets.contains(known)) {
        db.execute("DELETE FROM export_cursor WHERE target = ?1", [target])?;
    }
    for target in targets {
        db.execute(
            "INSERT OR IGNORE INTO export_cursor (target, after) \
             VALUES (?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'export_queue'), 0))",
            [target],
        )?;
    }
    Ok(())
}

/// Whether exporters are to see the span.
pub(super) fn is_due(span: &Span) -> bool {
    span.is_call() && span.end_us.is_some()
}

/// Queues a call, within the transaction of its row.
pub(super) fn enqueue(db: &Connection, key: SpanKey, now: Micros) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO export_queue (trace_id, span_id, at_us) VALUES (?1, ?2, ?3)")?.execute((
        significant(&key.trace.0),
        significant(&key.span.0),
        now,
    ))?;
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

    fn pending(&self, after: i64, limit: usize, bytes: usize) -> Result<Pending, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| {
            let mut found = Pending { upto: after, ..Pending::default() };
            let mut payloads = PayloadReader::new(db, &inner.dictionaries);
            let mut room = bytes;
            let mut statement =
                db.prepare_cached("SELECT id, trace_id, span_id FROM export_queue WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            let mut rows = statement.query((after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
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
            // Numbers are given without gaps and deleted from the front, so that two look-ups count.
            let ends: Option<(i64, i64, Micros)> = db
                .prepare_cached(
                    "SELECT id, (SELECT max(id) FROM export_queue), at_us FROM export_queue WHERE id > ?1 \
                     ORDER BY id LIMIT 1",
                )?
                .query_row([after], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            Ok(ends.map_or_else(Lag::default, |(first, last, at)| Lag {
                records: u64::try_from(last - first + 1).unwrap_or_default(),
                oldest_us: Some(at),
                last,
            }))
        })
    }
}

#[cfg(test)]
#[path = "exports_tests.rs"]
mod tests;
