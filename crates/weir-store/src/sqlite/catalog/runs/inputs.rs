//! What runs read and made: datasets and logged models.

use rusqlite::{Connection, params};

use super::write::Active;
use crate::catalog::{DatasetInput, DatasetSummary, RunProblem};
use crate::telemetry::StoreError;

/// The tag that says what a dataset was used for.
const CONTEXT: &str = "mlflow.data.context";

pub(super) fn log(
    db: &Connection,
    run: &Active,
    datasets: &[DatasetInput],
    models: &[String],
) -> Result<(), RunProblem> {
    for dataset in datasets {
        db.prepare_cached(
            "INSERT OR IGNORE INTO run_datasets (project, name, digest, source_type, source, schema, profile)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            run.project,
            dataset.name,
            dataset.digest,
            dataset.source_type,
            dataset.source,
            dataset.schema,
            dataset.profile
        ])?;
        let context = dataset.tags.iter().rfind(|(key, _)| key == CONTEXT).map(|(_, value)| value);
        let tags = serde_json::to_string(&dataset.tags).unwrap_or_default();
        db.prepare_cached(
            "INSERT OR IGNORE INTO run_inputs SELECT ?1, id, ?5, ?6 FROM run_datasets
             WHERE project = ?2 AND name = ?3 AND digest = ?4",
        )?
        .execute(params![run.row, run.project, dataset.name, dataset.digest, context, tags])?;
    }
    for model in models {
        log_model(db, run.row, false, model, 0)?;
    }
    Ok(())
}

pub(super) fn log_outputs(db: &Connection, row: i64, models: &[(String, i64)]) -> Result<(), RunProblem> {
    for (model, step) in models {
        log_model(db, row, true, model, *step)?;
    }
    Ok(())
}

fn log_model(db: &Connection, row: i64, output: bool, model: &str, step: i64) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO run_models VALUES (?1, ?2, ?3, ?4)")?
        .execute((row, output, model, step))?;
    Ok(())
}

/// The datasets of a run.
pub(super) fn datasets(db: &Connection, row: i64) -> Result<Vec<DatasetInput>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT d.name, d.digest, d.source_type, d.source, d.schema, d.profile, i.tags
         FROM run_inputs AS i JOIN run_datasets AS d ON d.id = i.dataset WHERE i.run = ?1 ORDER BY i.dataset",
    )?;
    let rows = statement.query_map([row], |row| {
        let dataset = DatasetInput {
            name: row.get(0)?,
            digest: row.get(1)?,
            source_type: row.get(2)?,
            source: row.get(3)?,
            schema: row.get(4)?,
            profile: row.get(5)?,
            tags: Vec::new(),
        };
        Ok((dataset, row.get::<_, String>(6)?))
    })?;
    let mut all = Vec::new();
    for row in rows {
        let (mut dataset, tags) = row?;
        dataset.tags = serde_json::from_str(&tags)
            .map_err(|e| StoreError::Incompatible(format!("tags of a stored dataset cannot be read: {e}")))?;
        all.push(dataset);
    }
    Ok(all)
}

/// The logged models of a run, with their steps.
pub(super) fn models(db: &Connection, row: i64, output: bool) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = db.prepare_cached("SELECT model, step FROM run_models WHERE run = ?1 AND output = ?2")?;
    statement.query_map((row, output), |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

pub(super) fn summaries(db: &Connection, projects: &[i64], limit: usize) -> Result<Vec<DatasetSummary>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT d.name, d.digest, i.context FROM run_datasets AS d JOIN run_inputs AS i ON i.dataset = d.id
         WHERE d.project = ?1 ORDER BY d.name, d.digest, i.context LIMIT ?2",
    )?;
    let mut all = Vec::new();
    for project in projects {
        let rows = statement.query_map((project, limit.saturating_sub(all.len()) as i64), |row| {
            Ok(DatasetSummary { project: *project, name: row.get(0)?, digest: row.get(1)?, context: row.get(2)? })
        })?;
        for row in rows {
            all.push(row?);
        }
    }
    Ok(all)
}
