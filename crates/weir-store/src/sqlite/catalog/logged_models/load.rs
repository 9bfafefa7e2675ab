//! Rows of logged models as records.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::catalog::{LoggedModel, LoggedModelStatus, MAX_MODEL_POINTS, MeasuredPoint};
use crate::telemetry::StoreError;

/// A model by its row.
pub(super) fn model(db: &Connection, row: i64) -> Result<LoggedModel, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT model_id, project, name, artifact_uri, status, model_type, run_id, deleted, created_ms, updated_ms
         FROM logged_models WHERE id = ?1",
    )?;
    let mut model = statement.query_row([row], |row| {
        let status: String = row.get(4)?;
        Ok(LoggedModel {
            id: row.get(0)?,
            project: row.get(1)?,
            name: row.get(2)?,
            artifact_uri: row.get(3)?,
            status: LoggedModelStatus::named(&status).unwrap_or_default(),
            model_type: row.get(5)?,
            run_id: row.get(6)?,
            deleted: row.get(7)?,
            created_ms: row.get(8)?,
            updated_ms: row.get(9)?,
            ..LoggedModel::default()
        })
    })?;
    model.tags = pairs(db, "SELECT key, value FROM logged_model_tags WHERE model = ?1", row)?;
    model.params = pairs(db, "SELECT key, value FROM logged_model_params WHERE model = ?1", row)?;
    model.points = points(db, &model.id)?;
    model.registrations = registrations(db, &model.id)?;
    Ok(model)
}

fn pairs(db: &Connection, sql: &str, row: i64) -> Result<BTreeMap<String, String>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let pairs = statement.query_map([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(pairs.collect::<Result<_, _>>()?)
}

/// The points of a model, the oldest first.
fn points(db: &Connection, id: &str) -> Result<Vec<MeasuredPoint>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT k.text, p.value, p.nan, p.timestamp_ms, p.step, lower(hex(r.uuid)), p.dataset_name, p.dataset_digest
         FROM model_points AS p JOIN keys AS k ON k.id = p.key LEFT JOIN runs AS r ON r.id = p.run
         WHERE p.model = ?1 ORDER BY p.timestamp_ms DESC, p.step DESC, p.key DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(MAX_MODEL_POINTS).unwrap_or(i64::MAX);
    let points = statement.query_map((id, limit), |row| {
        Ok(MeasuredPoint {
            key: row.get(0)?,
            value: if row.get(2)? { f64::NAN } else { row.get(1)? },
            timestamp_ms: row.get(3)?,
            step: row.get(4)?,
            run_id: row.get(5)?,
            dataset_name: row.get(6)?,
            dataset_digest: row.get(7)?,
        })
    })?;
    let mut points: Vec<_> = points.collect::<Result<_, _>>()?;
    points.reverse();
    Ok(points)
}

fn registrations(db: &Connection, id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT m.name, v.version FROM model_versions AS v JOIN registered_models AS m ON m.id = v.model
         WHERE v.model_id = ?1 AND v.model_id <> '' ORDER BY v.created_ms, m.name, v.version",
    )?;
    let all = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(all.collect::<Result<_, _>>()?)
}
