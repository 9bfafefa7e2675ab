//! Runs as they are read.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use weir_core::id::RunId;

use super::super::keys::Keys;
use super::{inputs, points};
use crate::catalog::{Run, RunRecord, RunStatus};
use crate::telemetry::StoreError;

const COLUMNS: &str = "uuid, project, name, user, status, start_ms, end_ms, artifact_uri, deleted, id";

/// The row of a run.
pub(super) fn row_of(db: &Connection, id: RunId) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM runs WHERE uuid = ?1")?.query_row([id.0], |row| row.get(0)).optional()
}

/// The run of an id, with its row.
pub(super) fn record(db: &Connection, id: RunId) -> rusqlite::Result<Option<(i64, RunRecord)>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE uuid = ?1"))?
        .query_row([id.0], |row| Ok((row.get(9)?, of(row)?)))
        .optional()
}

/// The run of a row.
pub(super) fn record_of_row(db: &Connection, row: i64) -> rusqlite::Result<RunRecord> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE id = ?1"))?.query_row([row], of)
}

fn of(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let status: i64 = row.get(4)?;
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        project: row.get(1)?,
        name: row.get(2)?,
        user: row.get(3)?,
        status: RunStatus::ALL.iter().find(|(_, number, _)| *number == status).map_or(RunStatus::Running, |(.., s)| *s),
        start_ms: row.get(5)?,
        end_ms: row.get(6)?,
        artifact_uri: row.get(7)?,
        deleted: row.get(8)?,
    })
}

/// A run with all that belongs to it.
pub(super) fn whole(db: &Connection, keys: &Keys, row: i64, record: RunRecord) -> Result<Run, StoreError> {
    Ok(Run {
        record,
        params: pairs(db, keys, "SELECT key, value FROM run_params WHERE run = ?1", row)?,
        metrics: metrics(db, keys, row)?,
        tags: pairs(db, keys, "SELECT key, value FROM run_tags WHERE run = ?1", row)?,
        datasets: inputs::datasets(db, row)?,
        models_in: inputs::models(db, row, false)?.into_iter().map(|(model, _)| model).collect(),
        models_out: inputs::models(db, row, true)?,
    })
}

fn pairs(db: &Connection, keys: &Keys, sql: &str, row: i64) -> rusqlite::Result<Vec<(Arc<str>, String)>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([row])?;
    let mut pairs = Vec::new();
    while let Some(row) = rows.next()? {
        pairs.push((keys.text(db, row.get(0)?)?, row.get(1)?));
    }
    pairs.sort_unstable();
    Ok(pairs)
}

fn metrics(db: &Connection, keys: &Keys, row: i64) -> rusqlite::Result<Vec<(Arc<str>, crate::catalog::Point)>> {
    let mut statement =
        db.prepare_cached("SELECT timestamp_ms, step, value, nan, key FROM run_metrics WHERE run = ?1")?;
    let mut rows = statement.query([row])?;
    let mut metrics = Vec::new();
    while let Some(row) = rows.next()? {
        metrics.push((keys.text(db, row.get(4)?)?, points::point(row, 0)?));
    }
    metrics.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(metrics)
}
