//! Changes of versions.

use rusqlite::Connection;

use super::{Done, load, models};
use crate::catalog::{ModelStage, ModelVersion, NewModelVersion};

pub(super) fn create(db: &Connection, name: &str, new: &NewModelVersion, now_ms: i64) -> Done<ModelVersion> {
    let model = load::model_id(db, name)?;
    let mut statement = db.prepare_cached(
        "UPDATE registered_models SET last_version = last_version + 1, updated_ms = ?2 WHERE id = ?1
         RETURNING last_version",
    )?;
    let version: i64 = statement.query_row((model, now_ms), |row| row.get(0))?;
    let mut statement = db.prepare_cached(
        "INSERT INTO model_versions (model, version, stage, source, location, run_id, run_link, model_id, description,
           created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
    )?;
    statement.execute((
        model,
        version,
        ModelStage::None.as_str(),
        &new.source,
        &new.location,
        &new.run_id,
        &new.run_link,
        &new.model_id,
        &new.description,
        now_ms,
    ))?;
    let id = db.last_insert_rowid();
    for (key, value) in &new.tags {
        set_tag(db, id, key, Some(value))?;
    }
    Ok(load::version(db, id)?)
}

pub(super) fn describe(
    db: &Connection,
    name: &str,
    version: i64,
    description: Option<&str>,
    now_ms: i64,
) -> Done<ModelVersion> {
    let id = load::version_id(db, name, version)?;
    db.prepare_cached("UPDATE model_versions SET description = ?2, updated_ms = ?3 WHERE id = ?1")?.execute((
        id,
        description,
        now_ms,
    ))?;
    Ok(load::version(db, id)?)
}

pub(super) fn move_to(
    db: &Connection,
    name: &str,
    version: i64,
    stage: ModelStage,
    archive: bool,
    now_ms: i64,
) -> Done<ModelVersion> {
    let id = load::version_id(db, name, version)?;
    let model = load::model_id(db, name)?;
    if archive {
        db.prepare_cached(
            "UPDATE model_versions SET stage = ?4, updated_ms = ?5 WHERE model = ?1 AND stage = ?2 AND id <> ?3",
        )?
        .execute((model, stage.as_str(), id, ModelStage::Archived.as_str(), now_ms))?;
    }
    db.prepare_cached("UPDATE model_versions SET stage = ?2, updated_ms = ?3 WHERE id = ?1")?.execute((
        id,
        stage.as_str(),
        now_ms,
    ))?;
    models::touch(db, model, now_ms)?;
    Ok(load::version(db, id)?)
}

pub(super) fn set_tag(db: &Connection, id: i64, key: &str, value: Option<&str>) -> Done<()> {
    match value {
        Some(value) => db
            .prepare_cached("INSERT OR REPLACE INTO model_version_tags (version, key, value) VALUES (?1, ?2, ?3)")?
            .execute((id, key, value))?,
        None => {
            db.prepare_cached("DELETE FROM model_version_tags WHERE version = ?1 AND key = ?2")?.execute((id, key))?
        }
    };
    Ok(())
}
