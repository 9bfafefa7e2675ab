//! Changes of models.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{Done, load};
use crate::catalog::{RegisteredModel, RegistryError};

pub(super) fn create(
    db: &Connection,
    name: &str,
    description: Option<&str>,
    tags: &BTreeMap<String, String>,
    now_ms: i64,
) -> Done<RegisteredModel> {
    let mut statement = db.prepare_cached(
        "INSERT INTO registered_models (name, description, created_ms, updated_ms) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (name) DO NOTHING",
    )?;
    if statement.execute((name, description, now_ms))? == 0 {
        return Err(RegistryError::Taken);
    }
    let id = db.last_insert_rowid();
    for (key, value) in tags {
        set_tag(db, id, key, Some(value))?;
    }
    load::model(db, id)
}

pub(super) fn describe(db: &Connection, name: &str, description: Option<&str>, now_ms: i64) -> Done<RegisteredModel> {
    let id = load::model_id(db, name)?;
    db.prepare_cached("UPDATE registered_models SET description = ?2, updated_ms = ?3 WHERE id = ?1")?.execute((
        id,
        description,
        now_ms,
    ))?;
    load::model(db, id)
}

pub(super) fn rename(db: &Connection, name: &str, new_name: &str, now_ms: i64) -> Done<RegisteredModel> {
    let id = load::model_id(db, name)?;
    let mut statement =
        db.prepare_cached("UPDATE OR IGNORE registered_models SET name = ?2, updated_ms = ?3 WHERE id = ?1")?;
    if statement.execute((id, new_name, now_ms))? == 0 {
        return Err(RegistryError::Taken);
    }
    db.prepare_cached("UPDATE model_versions SET updated_ms = ?2 WHERE model = ?1")?.execute((id, now_ms))?;
    load::model(db, id)
}

pub(super) fn set_tag(db: &Connection, id: i64, key: &str, value: Option<&str>) -> Done<()> {
    match value {
        Some(value) => db
            .prepare_cached("INSERT OR REPLACE INTO registered_model_tags (model, key, value) VALUES (?1, ?2, ?3)")?
            .execute((id, key, value))?,
        None => {
            db.prepare_cached("DELETE FROM registered_model_tags WHERE model = ?1 AND key = ?2")?.execute((id, key))?
        }
    };
    Ok(())
}

/// Notes that what stands under a model was changed.
pub(super) fn touch(db: &Connection, id: i64, now_ms: i64) -> Done<()> {
    db.prepare_cached("UPDATE registered_models SET updated_ms = ?2 WHERE id = ?1")?.execute((id, now_ms))?;
    Ok(())
}
