//! Registered models and prompts.

use weir_store::catalog::{ModelStage, ModelVersion, RegisteredModel};

use super::{Database, PAGE, page, pair, text};
use crate::import::mlflow::source::{Page, SourceModel};

impl Database {
    pub(super) fn registered_models(&self, after: Option<&str>) -> Page<SourceModel> {
        let mut all = self.rows(
            "SELECT name, coalesce(creation_time, 0), description,
             (SELECT coalesce(max(version), 0) FROM model_versions AS v WHERE v.name = m.name)
             FROM registered_models AS m WHERE name > ?1 ORDER BY name LIMIT ?2",
            (after.unwrap_or_default(), PAGE),
            |row| {
                let model = RegisteredModel {
                    name: row.get(0)?,
                    created_ms: row.get(1)?,
                    description: Some(text(row, 2)?).filter(|text| !text.is_empty()),
                    ..RegisteredModel::default()
                };
                Ok(SourceModel { model, last_version: row.get(3)? })
            },
        )?;
        for SourceModel { model, .. } in &mut all {
            let tags = "SELECT key, value FROM registered_model_tags WHERE name = ?1";
            model.tags = self.rows(tags, [&model.name], pair)?.into_iter().collect();
            let aliases = "SELECT alias, version FROM registered_model_aliases WHERE name = ?1";
            let alias = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            model.aliases = self.rows(aliases, [&model.name], alias)?.into_iter().collect();
        }
        page(all, |model| model.model.name.clone())
    }

    pub(super) fn versions_of(&self, name: &str) -> anyhow::Result<Vec<ModelVersion>> {
        let mut found = self.rows(
            "SELECT version, coalesce(creation_time, 0), coalesce(last_updated_time, 0), description, current_stage,
             source, run_id, run_link, storage_location FROM model_versions
             WHERE name = ?1 AND current_stage <> 'Deleted_Internal' ORDER BY version",
            [name],
            |row| {
                let source = text(row, 5)?;
                let location = Some(text(row, 8)?).filter(|location| !location.is_empty());
                Ok(ModelVersion {
                    name: name.to_owned(),
                    version: row.get(0)?,
                    created_ms: row.get(1)?,
                    updated_ms: row.get(2)?,
                    description: Some(text(row, 3)?).filter(|text| !text.is_empty()),
                    stage: ModelStage::named(&text(row, 4)?).unwrap_or_default(),
                    model_id: super::super::model_id(&source),
                    location: location.unwrap_or_else(|| source.clone()),
                    source,
                    run_id: text(row, 6)?,
                    run_link: text(row, 7)?,
                    ..ModelVersion::default()
                })
            },
        )?;
        for version in &mut found {
            let sql = "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2";
            version.tags = self.rows(sql, (name, version.version), pair)?.into_iter().collect();
        }
        Ok(found)
    }
}
