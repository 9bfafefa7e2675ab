//! Registered models with versions, stages, tags and aliases. Numbers of versions that were deleted are not given again.

use weir_store::catalog::{ModelStage, ModelVersion, NewModelVersion, RegisteredModel, Registry, RegistryError};

use super::{Import, pair};
use crate::import::Kind;

pub(super) fn import(import: &Import<'_>) -> anyhow::Result<[Kind; 2]> {
    let (mut models, mut versions) = (Kind::new("registered models"), Kind::new("model versions"));
    let all = import.rows(
        "SELECT name, coalesce(creation_time, 0), description FROM registered_models ORDER BY name",
        [],
        |row| {
            let description = row.get::<_, Option<String>>(2)?.filter(|text| !text.is_empty());
            Ok(RegisteredModel {
                name: row.get(0)?,
                created_ms: row.get(1)?,
                description,
                ..RegisteredModel::default()
            })
        },
    )?;
    for mut there in all {
        let of_model = |sql: &str| import.rows(sql, [&there.name], pair);
        let tags = of_model("SELECT key, value FROM registered_model_tags WHERE name = ?1")?;
        there.tags = tags.into_iter().collect();
        there.aliases = import
            .rows("SELECT alias, version FROM registered_model_aliases WHERE name = ?1", [&there.name], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .into_iter()
            .collect();
        models.there(there.name.as_str(), &model(&there));
        one(import, &there, &mut versions)?;
        let here = import.catalog.registered_model(&there.name)?;
        models.here(there.name.as_str(), &model(&here));
    }
    Ok([models, versions])
}

fn one(import: &Import<'_>, there: &RegisteredModel, kind: &mut Kind) -> anyhow::Result<()> {
    let catalog = &import.catalog;
    match catalog.create_model(&there.name, there.description.as_deref(), &there.tags, there.created_ms) {
        Ok(_) | Err(RegistryError::Taken) => {}
        Err(error) => return Err(error.into()),
    }
    for version in versions(import, &there.name)? {
        let id = format!("{} {}", there.name, version.version);
        kind.there(id.as_str(), &text(&version));
        if let Err(RegistryError::NoVersion) = catalog.model_version(&there.name, version.version) {
            add(import, &version)?;
        }
        if version.stage != ModelStage::None {
            let at = version.updated_ms;
            catalog.move_version(&there.name, version.version, version.stage, false, at)?;
        }
        if let Ok(here) = catalog.model_version(&there.name, version.version) {
            kind.here(id, &text(&here));
        }
    }
    for (alias, version) in &there.aliases {
        catalog.set_alias(&there.name, alias, Some(*version))?;
    }
    Ok(())
}

/// Adds a version of its number: those before it that are gone are made and deleted.
fn add(import: &Import<'_>, version: &ModelVersion) -> anyhow::Result<()> {
    loop {
        let new = NewModelVersion {
            source: version.source.clone(),
            location: version.location.clone(),
            run_id: version.run_id.clone(),
            run_link: version.run_link.clone(),
            model_id: version.model_id.clone(),
            description: version.description.clone(),
            tags: version.tags.clone(),
        };
        let made = import.catalog.create_version(&version.name, new, version.created_ms)?;
        if made.version >= version.version {
            return Ok(());
        }
        import.catalog.delete_version(&version.name, made.version, version.created_ms)?;
    }
}

fn versions(import: &Import<'_>, name: &str) -> anyhow::Result<Vec<ModelVersion>> {
    let found = import.rows(
        "SELECT version, coalesce(creation_time, 0), coalesce(last_updated_time, 0), description, current_stage, source,
         run_id, run_link, storage_location FROM model_versions
         WHERE name = ?1 AND current_stage <> 'Deleted_Internal' ORDER BY version",
        [name],
        |row| {
            let text = |n: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(n)?.unwrap_or_default());
            let source = text(5)?;
            let location = Some(text(8)?).filter(|location| !location.is_empty()).unwrap_or_else(|| source.clone());
            Ok(ModelVersion {
                name: name.to_owned(),
                version: row.get(0)?,
                created_ms: row.get(1)?,
                updated_ms: row.get(2)?,
                description: Some(text(3)?).filter(|text| !text.is_empty()),
                stage: ModelStage::named(&text(4)?).unwrap_or_default(),
                model_id: source.strip_prefix("models:/").filter(|id| id.starts_with("m-")).unwrap_or_default().to_owned(),
                source,
                location,
                run_id: text(6)?,
                run_link: text(7)?,
                ..ModelVersion::default()
            })
        },
    )?;
    let with_tags = |mut version: ModelVersion| {
        let sql = "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2";
        version.tags = import.rows(sql, (name, version.version), pair)?.into_iter().collect();
        Ok(version)
    };
    found.into_iter().map(with_tags).collect()
}

fn model(model: &RegisteredModel) -> String {
    format!("{:?} {:?} {:?}", model.description.as_deref().unwrap_or_default(), model.tags, model.aliases)
}

fn text(version: &ModelVersion) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        version.source,
        version.stage,
        version.run_id,
        version.run_link,
        version.description.as_deref().unwrap_or_default(),
        version.tags
    )
}
