//! Registered models and their versions, in tables.

mod load;
mod models;
mod search;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::SqliteCatalog;
use crate::catalog::{
    ModelStage, ModelVersion, NewModelVersion, RegisteredModel, Registry, RegistryError, RegistryQuery,
};
use crate::telemetry::StoreError;

type Done<T> = Result<T, RegistryError>;

impl From<rusqlite::Error> for RegistryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Registry for SqliteCatalog {
    fn create_model(
        &self,
        name: &str,
        description: Option<&str>,
        tags: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Done<RegisteredModel> {
        let (name, description, tags) = (name.to_owned(), description.map(str::to_owned), tags.clone());
        self.write(move |db| models::create(db, &name, description.as_deref(), &tags, now_ms))
    }

    fn registered_model(&self, name: &str) -> Done<RegisteredModel> {
        self.read(|db| load::model(db, load::model_id(db, name)?))
    }

    fn describe_model(&self, name: &str, description: Option<&str>, now_ms: i64) -> Done<RegisteredModel> {
        let (name, description) = (name.to_owned(), description.map(str::to_owned));
        self.write(move |db| models::describe(db, &name, description.as_deref(), now_ms))
    }

    fn rename_model(&self, name: &str, new_name: &str, now_ms: i64) -> Done<RegisteredModel> {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.write(move |db| models::rename(db, &name, &new_name, now_ms))
    }

    fn delete_model(&self, name: &str) -> Done<()> {
        let name = name.to_owned();
        self.write(move |db| {
            let id = load::model_id(db, &name)?;
            db.prepare_cached("DELETE FROM registered_models WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
    }

    fn search_models(&self, query: &RegistryQuery) -> Result<Vec<RegisteredModel>, StoreError> {
        self.read(|db| search::models(db, query))
    }

    fn set_model_tag(&self, name: &str, key: &str, value: Option<&str>) -> Done<()> {
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.map(str::to_owned));
        self.write(move |db| models::set_tag(db, load::model_id(db, &name)?, &key, value.as_deref()))
    }

    fn create_version(&self, name: &str, new: NewModelVersion, now_ms: i64) -> Done<ModelVersion> {
        let name = name.to_owned();
        self.write(move |db| versions::create(db, &name, &new, now_ms))
    }

    fn model_version(&self, name: &str, version: i64) -> Done<ModelVersion> {
        self.read(|db| Ok(load::version(db, load::version_id(db, name, version)?)?))
    }

    fn aliased_version(&self, name: &str, alias: &str) -> Done<ModelVersion> {
        self.read(|db| {
            let id = load::aliased(db, load::model_id(db, name)?, alias)?.ok_or(RegistryError::NoAlias)?;
            Ok(load::version(db, id)?)
        })
    }

    fn describe_version(&self, name: &str, version: i64, description: Option<&str>, now_ms: i64) -> Done<ModelVersion> {
        let (name, description) = (name.to_owned(), description.map(str::to_owned));
        self.write(move |db| versions::describe(db, &name, version, description.as_deref(), now_ms))
    }

    fn move_version(
        &self,
        name: &str,
        version: i64,
        stage: ModelStage,
        archive: bool,
        now_ms: i64,
    ) -> Done<ModelVersion> {
        let name = name.to_owned();
        self.write(move |db| versions::move_to(db, &name, version, stage, archive, now_ms))
    }

    fn delete_version(&self, name: &str, version: i64, now_ms: i64) -> Done<()> {
        let name = name.to_owned();
        self.write(move |db| {
            let id = load::version_id(db, &name, version)?;
            models::touch(db, load::model_id(db, &name)?, now_ms)?;
            db.prepare_cached("DELETE FROM model_versions WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
    }

    fn search_versions(&self, query: &RegistryQuery) -> Result<Vec<ModelVersion>, StoreError> {
        self.read(|db| search::versions(db, query))
    }

    fn set_version_tag(&self, name: &str, version: i64, key: &str, value: Option<&str>) -> Done<()> {
        let (name, key, value) = (name.to_owned(), key.to_owned(), value.map(str::to_owned));
        self.write(move |db| versions::set_tag(db, load::version_id(db, &name, version)?, &key, value.as_deref()))
    }

    fn set_alias(&self, name: &str, alias: &str, version: Option<i64>) -> Done<()> {
        let (name, alias) = (name.to_owned(), alias.to_owned());
        self.write(move |db| set_alias(db, &name, &alias, version))
    }
}

fn set_alias(db: &Connection, name: &str, alias: &str, version: Option<i64>) -> Done<()> {
    match version {
        Some(version) => {
            load::version_id(db, name, version)?;
            let model = load::model_id(db, name)?;
            db.prepare_cached("INSERT OR REPLACE INTO model_aliases (model, alias, version) VALUES (?1, ?2, ?3)")?
                .execute((model, alias, version))?;
        }
        None => {
            let model = load::model_id(db, name)?;
            db.prepare_cached("DELETE FROM model_aliases WHERE model = ?1 AND alias = ?2")?.execute((model, alias))?;
        }
    }
    Ok(())
}
