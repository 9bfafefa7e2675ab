//! Scores in the same file as the spans: one row each, found by target.

mod labelled;
mod row;

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension};
use weir_core::id::{ScoreId, SpanId, TraceId, from_significant};
use weir_core::score::{Score, ScoreTarget};
use weir_core::time::Micros;

use super::{Inner, SqliteStore};
use crate::scores::{MOST_NAMES, ScoreName, Scores, Tally};
use crate::telemetry::StoreError;
pub(super) use labelled::labelled;
pub(super) use row::Form;
use row::{blob, insert, place, read};

/// Rows that one transaction deletes.
const ROWS_AT_ONCE: usize = 5_000;

impl Scores for SqliteStore {
    fn put(&self, scores: &[Score]) -> Result<(), StoreError> {
        self.write_scores(|db| {
            for score in scores {
                insert(db, score)?;
                if let Some(old) = score.overrides {
                    set_valid(db, old, false)?;
                }
            }
            Ok(())
        })
    }

    fn score(&self, id: ScoreId) -> Result<Option<Score>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| match Form::of(db)? {
            Form::Empty => Ok(None),
            form => by_id(db, form, id),
        })
    }

    fn change(&self, id: ScoreId, change: &mut dyn FnMut(&mut Score)) -> Result<Option<Score>, StoreError> {
        self.write_scores(|db| {
            let Some(mut score) = by_id(db, Form::Whole, id)? else { return Ok(None) };
            change(&mut score);
            score.id = id;
            insert(db, &score)?;
            Ok(Some(score))
        })
    }

    fn delete(&self, id: ScoreId) -> Result<bool, StoreError> {
        self.write_scores(|db| {
            let Some(score) = by_id(db, Form::Whole, id)? else { return Ok(false) };
            db.prepare_cached("DELETE FROM scores WHERE id = ?1")?.execute([blob(&id.0)])?;
            if let Some(old) = score.overrides {
                set_valid(db, old, true)?;
            }
            Ok(true)
        })
    }

    fn delete_of(&self, traces: &[TraceId]) -> Result<(), StoreError> {
        self.write_scores(|db| {
            let mut loose = Loose::of(db)?;
            for trace in traces {
                for name in loose.names(db, *trace)? {
                    db.prepare_cached("DELETE FROM scores WHERE call = ?1 AND trace_id IS NULL")?.execute([name])?;
                }
                db.prepare_cached("DELETE FROM scores WHERE trace_id = ?1")?.execute([blob(&trace.0)])?;
            }
            Ok(())
        })
    }

    fn of(&self, targets: &[ScoreTarget], limit: usize) -> Result<Vec<Score>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            let form = Form::of(db)?;
            if form == Form::Empty {
                return Ok(Vec::new());
            }
            let columns = form.columns();
            let rest = "ORDER BY created_us, id LIMIT";
            let of_call = format!("SELECT {columns} FROM scores WHERE call = ?1 AND trace_id IS NULL {rest} ?2");
            let of_span = format!("SELECT {columns} FROM scores WHERE call = ?1 AND trace_id = ?2 {rest} ?3");
            let of_trace = format!("SELECT {columns} FROM scores WHERE trace_id = ?1 {rest} ?2");
            let most = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut loose = Loose::of(db)?;
            let mut found = Vec::new();
            for target in targets {
                let (call, trace) = place(target);
                match target {
                    ScoreTarget::Call(_) => collect(db, &of_call, (call, most), &mut found)?,
                    ScoreTarget::Span(_) => collect(db, &of_span, (call, trace, most), &mut found)?,
                    ScoreTarget::Trace(id) => {
                        collect(db, &of_trace, (trace, most), &mut found)?;
                        for name in loose.names(db, *id)? {
                            collect(db, &of_call, (name, most), &mut found)?;
                        }
                    }
                }
            }
            let mut seen = HashSet::with_capacity(found.len());
            found.retain(|score| seen.insert(score.id));
            found.sort_by_key(|score| (score.created_us, score.id));
            found.truncate(limit);
            Ok(found)
        })
    }

    fn tallies(&self, targets: &[ScoreTarget]) -> Result<Vec<Tally>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            let mut found = Vec::new();
            let form = Form::of(db)?;
            if form == Form::Empty {
                return Ok(found);
            }
            let query = |place: &str| {
                let counts = form.counts();
                format!(
                    "SELECT name, sum(number), count(number) FROM scores \
                     WHERE {place} AND {counts} GROUP BY name ORDER BY name"
                )
            };
            let mut of_call = db.prepare_cached(&query("call = ?1 AND trace_id IS NULL"))?;
            let mut of_span = db.prepare_cached(&query("call = ?1 AND trace_id = ?2"))?;
            let mut of_trace = db.prepare_cached(&query("call IS NULL AND trace_id = ?1"))?;
            for (target, named) in targets.iter().enumerate() {
                let (call, trace) = place(named);
                let mut rows = match named {
                    ScoreTarget::Call(_) => of_call.query([call])?,
                    ScoreTarget::Span(_) => of_span.query([call, trace])?,
                    ScoreTarget::Trace(_) => of_trace.query([trace])?,
                };
                while let Some(row) = rows.next()? {
                    let count: i64 = row.get(2)?;
                    found.push(Tally { target, name: row.get(0)?, sum: row.get(1)?, count: count as u64 });
                }
            }
            Ok(found)
        })
    }

    fn names(&self, newest: usize) -> Result<Vec<ScoreName>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            let form = Form::of(db)?;
            if form == Form::Empty {
                return Ok(Vec::new());
            }
            // Bounded before it is known which of them count.
            let mut names = db.prepare_cached(&format!(
                "SELECT name, count(*), min(number), max(number) \
                 FROM (SELECT * FROM scores ORDER BY created_us DESC LIMIT ?1) WHERE {} \
                 GROUP BY name ORDER BY count(*) DESC, name LIMIT {MOST_NAMES}",
                form.counts()
            ))?;
            let read = |row: &rusqlite::Row<'_>| {
                let count: i64 = row.get(1)?;
                Ok(ScoreName { name: row.get(0)?, count: count as u64, least: row.get(2)?, most: row.get(3)? })
            };
            let rows = names.query_map([i64::try_from(newest).unwrap_or(i64::MAX)], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

impl SqliteStore {
    /// Runs a write of scores in a transaction, whole or not at all.
    fn write_scores<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let writer = self.inner.writer()?.lock();
        let transaction = rusqlite::Transaction::new_unchecked(&writer.db, rusqlite::TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        // So that the background checkpoints what was written.
        self.inner.commits.fetch_add(1, Ordering::Relaxed);
        Ok(value)
    }
}

/// Deletes the scores that were written before an instant, in small transactions: their calls started before that too.
pub(super) fn prune(inner: &Inner, before: Micros) -> Result<(), StoreError> {
    let writer = inner.writer()?;
    loop {
        let deleted = writer
            .lock()
            .db
            .prepare_cached("DELETE FROM scores WHERE id IN (SELECT id FROM scores WHERE created_us < ?1 LIMIT ?2)")?
            .execute((before, ROWS_AT_ONCE as i64))?;
        if deleted < ROWS_AT_ONCE {
            return Ok(());
        }
    }
}

/// Scores of calls that do not say their trace: the spans of a trace do.
struct Loose {
    any: bool,
}

impl Loose {
    fn of(db: &Connection) -> rusqlite::Result<Self> {
        let any = "SELECT EXISTS (SELECT 1 FROM scores WHERE call IS NOT NULL AND trace_id IS NULL)";
        Ok(Self { any: db.prepare_cached(any)?.query_row([], |row| row.get(0))? })
    }

    /// The names under which the spans of a trace may have been scored as calls.
    fn names(&mut self, db: &Connection, trace: TraceId) -> rusqlite::Result<Vec<String>> {
        let mut names = Vec::new();
        if !self.any {
            return Ok(names);
        }
        let mut statement = db.prepare_cached("SELECT span_id, request_id FROM spans WHERE trace_id = ?1")?;
        let mut rows = statement.query([blob(&trace.0)])?;
        while let Some(row) = rows.next()? {
            let span = from_significant(&row.get::<_, Vec<u8>>(0)?).map(|id| SpanId(id).to_string());
            let request = row.get::<_, Option<String>>(1)?.map(|id| match ScoreTarget::call(&id) {
                ScoreTarget::Call(name) => name,
                ScoreTarget::Trace(_) | ScoreTarget::Span(_) => id,
            });
            names.extend(span.into_iter().chain(request));
        }
        Ok(names)
    }
}

fn by_id(db: &Connection, form: Form, id: ScoreId) -> Result<Option<Score>, StoreError> {
    db.prepare_cached(&format!("SELECT {} FROM scores WHERE id = ?1", form.columns()))?
        .query_row([blob(&id.0)], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn set_valid(db: &Connection, id: ScoreId, valid: bool) -> rusqlite::Result<usize> {
    db.prepare_cached("UPDATE scores SET valid = ?2 WHERE id = ?1")?.execute((blob(&id.0), valid))
}

fn collect(
    db: &Connection,
    query: &str,
    values: impl rusqlite::Params,
    found: &mut Vec<Score>,
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(query)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
