//! Logged models, in tables.

mod load;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::SqliteCatalog;
use crate::catalog::{
    LoggedModel, LoggedModelProblem, LoggedModelQuery, LoggedModelStatus, LoggedModels, NewLoggedModel,
};
use crate::telemetry::StoreError;

type Done<T> = Result<T, LoggedModelProblem>;

impl From<rusqlite::Error> for LoggedModelProblem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl LoggedModels for SqliteCatalog {
    fn create_logged_model(&self, new: NewLoggedModel) -> Result<LoggedModel, StoreError> {
        self.write(move |db| create(db, &new))
    }

    fn logged_model(&self, id: &str) -> Result<Option<LoggedModel>, StoreError> {
        self.read(|db| row(db, id)?.map(|row| load::model(db, row)).transpose())
    }

    fn mark_logged_model(&self, id: &str, status: LoggedModelStatus, now_ms: i64) -> Done<LoggedModel> {
        let id = id.to_owned();
        self.write(move |db| {
            let row = found(db, &id)?;
            db.prepare_cached("UPDATE logged_models SET status = ?2, updated_ms = ?3 WHERE id = ?1")?.execute((
                row,
                status.as_str(),
                now_ms,
            ))?;
            Ok(load::model(db, row)?)
        })
    }

    fn delete_logged_model(&self, id: &str, now_ms: i64) -> Done<()> {
        let id = id.to_owned();
        self.write(move |db| {
            let row = found(db, &id)?;
            db.prepare_cached("UPDATE logged_models SET deleted = 1, updated_ms = ?2 WHERE id = ?1")?
                .execute((row, now_ms))?;
            Ok(())
        })
    }

    fn tag_logged_model(&self, id: &str, tags: BTreeMap<String, String>) -> Done<LoggedModel> {
        let id = id.to_owned();
        self.write(move |db| {
            let row = found(db, &id)?;
            put_tags(db, row, &tags)?;
            Ok(load::model(db, row)?)
        })
    }

    fn untag_logged_model(&self, id: &str, key: &str) -> Done<()> {
        let (id, key) = (id.to_owned(), key.to_owned());
        self.write(move |db| {
            let row = found(db, &id)?;
            let mut statement = db.prepare_cached("DELETE FROM logged_model_tags WHERE model = ?1 AND key = ?2")?;
            if statement.execute((row, key))? == 0 { Err(LoggedModelProblem::NoTag) } else { Ok(()) }
        })
    }

    fn add_logged_model_params(&self, id: &str, params: BTreeMap<String, String>) -> Done<()> {
        let id = id.to_owned();
        self.write(move |db| put_params(db, found(db, &id)?, &params))
    }

    fn search_logged_models(&self, query: &LoggedModelQuery) -> Result<Vec<LoggedModel>, StoreError> {
        self.read(|db| search::models(db, query))
    }

    fn deleted_logged_models(&self, before_ms: i64, limit: usize) -> Result<Vec<LoggedModel>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id FROM logged_models WHERE deleted AND updated_ms < ?1 ORDER BY updated_ms LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map((before_ms, limit), |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(|row| load::model(db, row)).collect()
        })
    }

    fn purge_logged_model(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |db| {
            let mut statement = db.prepare_cached("DELETE FROM logged_models WHERE model_id = ?1 AND deleted")?;
            let gone = statement.execute([&id])? > 0;
            if gone {
                db.prepare_cached("DELETE FROM model_points WHERE model = ?1")?.execute([&id])?;
            }
            Ok(gone)
        })
    }
}

fn row(db: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id FROM logged_models WHERE model_id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?)
}

fn found(db: &Connection, id: &str) -> Done<i64> {
    row(db, id)?.ok_or(LoggedModelProblem::Missing)
}

fn create(db: &Connection, new: &NewLoggedModel) -> Result<LoggedModel, StoreError> {
    let mut statement = db.prepare_cached(
        "INSERT INTO logged_models (model_id, project, name, artifact_uri, status, model_type, run_id, created_ms,
           updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
    )?;
    let status = LoggedModelStatus::Pending.as_str();
    statement.execute((
        &new.id,
        new.project,
        &new.name,
        &new.artifact_uri,
        status,
        &new.model_type,
        &new.run_id,
        new.now_ms,
    ))?;
    let row = db.last_insert_rowid();
    put_tags(db, row, &new.tags)?;
    let mut statement = db.prepare_cached("INSERT INTO logged_model_params (model, key, value) VALUES (?1, ?2, ?3)")?;
    for (key, value) in &new.params {
        statement.execute((row, key, value))?;
    }
    load::model(db, row)
}

fn put_tags(db: &Connection, row: i64, tags: &BTreeMap<String, String>) -> Result<(), StoreError> {
    let mut statement =
        db.prepare_cached("INSERT OR REPLACE INTO logged_model_tags (model, key, value) VALUES (?1, ?2, ?3)")?;
    for (key, value) in tags {
        statement.execute((row, key, value))?;
    }
    Ok(())
}

fn put_params(db: &Connection, row: i64, params: &BTreeMap<String, String>) -> Done<()> {
    let mut put =
        db.prepare_cached("INSERT OR IGNORE INTO logged_model_params (model, key, value) VALUES (?1, ?2, ?3)")?;
    let mut held = db.prepare_cached("SELECT value FROM logged_model_params WHERE model = ?1 AND key = ?2")?;
    for (key, value) in params {
        if put.execute((row, key, value))? == 0 {
            let is: String = held.query_row((row, key), |row| row.get(0))?;
            if is != *value {
                return Err(LoggedModelProblem::ParamTaken(key.clone(), is));
            }
        }
    }
    Ok(())
}
