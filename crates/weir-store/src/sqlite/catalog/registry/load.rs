//! Rows of the registry as records.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use crate::catalog::{ModelStage, ModelVersion, RegisteredModel, RegistryError};
use crate::telemetry::StoreError;

/// The row of a model.
pub(super) fn model_id(db: &Connection, name: &str) -> Result<i64, RegistryError> {
    let mut statement = db.prepare_cached("SELECT id FROM registered_models WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()?.ok_or(RegistryError::NoModel)
}

/// The row of a version.
pub(super) fn version_id(db: &Connection, name: &str, version: i64) -> Result<i64, RegistryError> {
    let mut statement = db.prepare_cached(
        "SELECT v.id FROM model_versions AS v JOIN registered_models AS m ON m.id = v.model
         WHERE m.name = ?1 AND v.version = ?2",
    )?;
    statement.query_row((name, version), |row| row.get(0)).optional()?.ok_or(RegistryError::NoVersion)
}

/// The row of the version that an alias stands on.
pub(super) fn aliased(db: &Connection, model: i64, alias: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT v.id FROM model_aliases AS a JOIN model_versions AS v ON v.model = a.model AND v.version = a.version
         WHERE a.model = ?1 AND a.alias = ?2",
    )?;
    Ok(statement.query_row((model, alias), |row| row.get(0)).optional()?)
}

/// A model by its row.
pub(super) fn model(db: &Connection, id: i64) -> Result<RegisteredModel, RegistryError> {
    let mut statement =
        db.prepare_cached("SELECT name, description, created_ms, updated_ms FROM registered_models WHERE id = ?1")?;
    let record = statement.query_row([id], |row| {
        Ok(RegisteredModel {
            name: row.get(0)?,
            description: row.get(1)?,
            created_ms: row.get(2)?,
            updated_ms: row.get(3)?,
            ..RegisteredModel::default()
        })
    });
    let mut record = record.optional()?.ok_or(RegistryError::NoModel)?;
    record.tags = pairs(db, "SELECT key, value FROM registered_model_tags WHERE model = ?1", id)?;
    let mut statement = db.prepare_cached("SELECT alias, version FROM model_aliases WHERE model = ?1")?;
    record.aliases = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut statement = db.prepare_cached(
        "SELECT v.id FROM (SELECT max(version) AS newest, min(version) AS oldest FROM model_versions
           WHERE model = ?1 GROUP BY stage) AS s
         JOIN model_versions AS v ON v.model = ?1 AND v.version = s.newest ORDER BY s.oldest",
    )?;
    let newest: Vec<i64> = statement.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    record.latest = newest.into_iter().map(|id| version(db, id)).collect::<Result<_, _>>()?;
    Ok(record)
}

/// A version by its row.
pub(super) fn version(db: &Connection, id: i64) -> Result<ModelVersion, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT m.name, v.version, v.created_ms, v.updated_ms, v.description, v.stage, v.source, v.location, v.run_id,
           v.run_link, v.model_id, v.model
         FROM model_versions AS v JOIN registered_models AS m ON m.id = v.model WHERE v.id = ?1",
    )?;
    let (mut record, model): (_, i64) = statement.query_row([id], |row| {
        let stage: String = row.get(5)?;
        let record = ModelVersion {
            name: row.get(0)?,
            version: row.get(1)?,
            created_ms: row.get(2)?,
            updated_ms: row.get(3)?,
            description: row.get(4)?,
            stage: ModelStage::named(&stage).unwrap_or_default(),
            source: row.get(6)?,
            location: row.get(7)?,
            run_id: row.get(8)?,
            run_link: row.get(9)?,
            model_id: row.get(10)?,
            tags: BTreeMap::new(),
            aliases: Vec::new(),
        };
        Ok((record, row.get(11)?))
    })?;
    record.tags = pairs(db, "SELECT key, value FROM model_version_tags WHERE version = ?1", id)?;
    let mut statement =
        db.prepare_cached("SELECT alias FROM model_aliases WHERE model = ?1 AND version = ?2 ORDER BY alias")?;
    record.aliases = statement.query_map((model, record.version), |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(record)
}

fn pairs(db: &Connection, sql: &str, id: i64) -> Result<BTreeMap<String, String>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let pairs = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(pairs.collect::<Result<_, _>>()?)
}
