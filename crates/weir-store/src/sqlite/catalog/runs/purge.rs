//! Runs that were in the bin long enough.

use rusqlite::Connection;
use weir_core::id::RunId;

use super::write::head;
use crate::sqlite::catalog::artifacts;
use crate::sqlite::catalog::purge::own_tree;
use crate::telemetry::StoreError;

/// What a run has, by its row alone.
const OF_RUN: [&str; 6] = [
    "DELETE FROM model_points WHERE run = ?1 AND model IN (SELECT model FROM run_models WHERE run = ?1)",
    "DELETE FROM metric_points WHERE run = ?1",
    "DELETE FROM run_metrics WHERE run = ?1",
    "DELETE FROM run_inputs WHERE run = ?1",
    "DELETE FROM run_models WHERE run = ?1",
    "DELETE FROM runs WHERE id = ?1",
];

struct Old {
    row: i64,
    id: RunId,
    project: i64,
    start_ms: i64,
    artifact_uri: String,
}

/// Forgets runs in the bin since before a time, at most `most`: how many, and how many files they had.
pub(in crate::sqlite::catalog) fn purge(
    db: &Connection,
    before_ms: i64,
    most: usize,
) -> Result<(u64, u64), StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT id, uuid, project, start_ms, artifact_uri FROM runs
         WHERE deleted AND coalesce(deleted_ms, 0) < ?1 LIMIT ?2",
    )?;
    let rows = statement.query_map((before_ms, i64::try_from(most).unwrap_or(i64::MAX)), |row| {
        Ok(Old {
            row: row.get(0)?,
            id: RunId(row.get(1)?),
            project: row.get(2)?,
            start_ms: row.get(3)?,
            artifact_uri: row.get(4)?,
        })
    })?;
    let old = rows.collect::<Result<Vec<_>, _>>()?;
    let (mut runs, mut files) = (0, 0);
    for run in old {
        if let Some(tree) = own_tree(&run.artifact_uri, &run.id.to_string()) {
            files += artifacts::delete(db, &tree)?;
        }
        forget_values(db, &run, "run_params", "param_index")?;
        forget_values(db, &run, "run_tags", "tag_index")?;
        for sql in OF_RUN {
            db.prepare_cached(sql)?.execute([run.row])?;
        }
        runs += 1;
    }
    Ok((runs, files))
}

fn forget_values(db: &Connection, run: &Old, table: &str, index: &str) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(&format!("SELECT key, value FROM {table} WHERE run = ?1"))?;
    let values = statement.query_map([run.row], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let mut forget = db.prepare_cached(&format!(
        "DELETE FROM {index} WHERE key = ?1 AND project = ?2 AND head = ?3 AND start_ms = ?4 AND uuid = ?5"
    ))?;
    for (key, value) in values {
        forget.execute((key, run.project, head(&value), run.start_ms, run.id.0))?;
    }
    db.prepare_cached(&format!("DELETE FROM {table} WHERE run = ?1"))?.execute([run.row])?;
    Ok(())
}
