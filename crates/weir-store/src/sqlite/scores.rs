//! Scores in the same file as the spans: one row each, found by target.

use std::sync::atomic::Ordering;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};
use weir_core::id::{ScoreId, TraceId, from_significant, significant};
use weir_core::score::{Score, ScoreSource, ScoreTarget};
use weir_core::time::Micros;

use super::{Inner, SqliteStore};
use crate::scores::{Scores, Tally};
use crate::telemetry::StoreError;

const COLUMNS: &str = "id, call, trace_id, name, value, source, author, reason, created_us";
/// Rows that one transaction deletes.
const ROWS_AT_ONCE: usize = 5_000;

impl Scores for SqliteStore {
    fn put(&self, scores: &[Score]) -> Result<(), StoreError> {
        let writer = self.inner.writer()?.lock();
        let transaction = rusqlite::Transaction::new_unchecked(&writer.db, rusqlite::TransactionBehavior::Immediate)?;
        for score in scores {
            insert(&transaction, score)?;
        }
        transaction.commit()?;
        // So that the background checkpoints what was written.
        self.inner.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn of(&self, targets: &[ScoreTarget], limit: usize) -> Result<Vec<Score>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            let mut found = Vec::new();
            if !has_any(db)? {
                return Ok(found);
            }
            for target in targets {
                let (column, key) = place(target);
                let mut statement = db.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM scores WHERE {column} = ?1 ORDER BY created_us, id LIMIT ?2"
                ))?;
                let mut rows = statement.query((key, limit as i64))?;
                while let Some(row) = rows.next()? {
                    found.push(read(row)?);
                }
            }
            found.sort_by_key(|score| (score.created_us, score.id));
            found.truncate(limit);
            Ok(found)
        })
    }

    fn tallies(&self, targets: &[ScoreTarget]) -> Result<Vec<Tally>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| {
            let mut found = Vec::new();
            if !has_any(db)? {
                return Ok(found);
            }
            let query = |column: &str| {
                format!(
                    "SELECT name, sum(number), count(number) FROM scores \
                     WHERE {column} = ?1 AND number IS NOT NULL GROUP BY name ORDER BY name"
                )
            };
            let (mut of_call, mut of_trace) =
                (db.prepare_cached(&query("call"))?, db.prepare_cached(&query("trace_id"))?);
            for (target, named) in targets.iter().enumerate() {
                let statement = if matches!(named, ScoreTarget::Call(_)) { &mut of_call } else { &mut of_trace };
                let mut rows = statement.query([place(named).1])?;
                while let Some(row) = rows.next()? {
                    let count: i64 = row.get(2)?;
                    found.push(Tally { target, name: row.get(0)?, sum: row.get(1)?, count: count as u64 });
                }
            }
            Ok(found)
        })
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

/// Whether there is a score at all. A file of an older Weir, opened for reading only, has no table of them.
fn has_any(db: &Connection) -> rusqlite::Result<bool> {
    let exists = |sql: &str| db.prepare_cached(sql)?.query_row([], |row| row.get::<_, bool>(0));
    Ok(exists("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'scores')")?
        && exists("SELECT EXISTS (SELECT 1 FROM scores)")?)
}

/// The column that a target is found by, and its value there.
fn place(target: &ScoreTarget) -> (&'static str, Sql) {
    match target {
        ScoreTarget::Call(call) => ("call", Sql::Text(call.clone())),
        ScoreTarget::Trace(trace) => ("trace_id", Sql::Blob(significant(&trace.0).to_vec())),
    }
}

fn insert(db: &Connection, score: &Score) -> Result<(), StoreError> {
    let (column, key) = place(&score.target);
    let value = serde_json::to_string(&score.value).map_err(|e| StoreError::Unsupported(e.to_string()))?;
    let text = |text: &Option<String>| text.clone().map_or(Sql::Null, Sql::Text);
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO scores (id, {column}, name, value, number, source, author, reason, created_us) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    ))?
    .execute(params_from_iter([
        Sql::Blob(significant(&score.id.0).to_vec()),
        key,
        Sql::Text(score.name.clone()),
        Sql::Text(value),
        score.value.number().map_or(Sql::Null, Sql::Real),
        Sql::Integer(score.source.number()),
        text(&score.author),
        text(&score.reason),
        Sql::Integer(score.created_us),
    ]))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Score, StoreError> {
    let damaged = || StoreError::Unavailable("a score in the database cannot be read".into());
    let id: Vec<u8> = row.get("id")?;
    let (call, trace): (Option<String>, Option<Vec<u8>>) = (row.get("call")?, row.get("trace_id")?);
    let target = match (call, trace) {
        (Some(call), _) => ScoreTarget::Call(call),
        (None, trace) => ScoreTarget::Trace(TraceId(trace.as_deref().and_then(from_significant).ok_or_else(damaged)?)),
    };
    Ok(Score {
        id: ScoreId(from_significant(&id).ok_or_else(damaged)?),
        target,
        name: row.get("name")?,
        value: serde_json::from_str(&row.get::<_, String>("value")?).map_err(|_| damaged())?,
        source: ScoreSource::from_number(row.get("source")?).ok_or_else(damaged)?,
        author: row.get("author")?,
        reason: row.get("reason")?,
        created_us: row.get("created_us")?,
    })
}

#[cfg(test)]
#[path = "scores_tests.rs"]
mod tests;
