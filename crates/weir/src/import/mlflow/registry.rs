//! Registered models with versions, stages, tags and aliases. Numbers of versions that were deleted are not given again.

use weir_store::catalog::{LoggedModels, ModelVersion, NewModelVersion, RegisteredModel, Registry, RegistryError};

use super::source::{Counted, SourceModel, pages};
use super::{Import, Kinds, prompts};
use crate::import::Kind;

pub(super) fn all(import: &Import<'_>, kinds: &Kinds) -> anyhow::Result<()> {
    import.progress.begin("models and prompts", import.source.count(Counted::Models));
    pages(
        |page| import.source.models(page),
        |page| {
            for there in page {
                if prompts::is_prompt(&there.model.tags) {
                    prompts::one(import, &there, kinds)?;
                } else {
                    one(import, &there, kinds)?;
                }
                import.progress.more(1);
            }
            Ok(())
        },
    )
}

fn one(import: &Import<'_>, there: &SourceModel, kinds: &Kinds) -> anyhow::Result<()> {
    let catalog = &import.target.catalog;
    let model = &there.model;
    let is_new = match catalog.create_model(&model.name, model.description.as_deref(), &model.tags, model.created_ms) {
        Ok(_) => true,
        Err(RegistryError::Taken) => false,
        Err(RegistryError::Store(error)) => return Err(error.into()),
        Err(error) => {
            kinds.models.refused(&model.name, error);
            return Ok(());
        }
    };
    let mut newest = 0;
    for version in import.source.versions(there)? {
        newest = version.version;
        of_model(import, version, &kinds.versions)?;
    }
    if is_new {
        kinds.models.added();
        skip(import, &model.name, newest, there.last_version)?;
    }
    for (alias, version) in &model.aliases {
        if catalog.registered_model(&model.name)?.aliases.get(alias) != Some(version)
            && let Err(error) = catalog.set_alias(&model.name, alias, Some(*version))
        {
            kinds.models.refused(&format!("{}@{alias}", model.name), error);
        }
    }
    let here = catalog.registered_model(&model.name)?;
    kinds.models.compare(&model.name, &text_of_model(model), Some(&text_of_model(&here)));
    Ok(())
}

fn of_model(import: &Import<'_>, mut there: ModelVersion, kind: &Kind) -> anyhow::Result<()> {
    let catalog = &import.target.catalog;
    let id = format!("{} {}", there.name, there.version);
    there.source = import.relocated(&there.source);
    there.location = location(import, &there)?;
    let here = || match catalog.model_version(&there.name, there.version) {
        Ok(version) => Ok(Some(version)),
        Err(RegistryError::Store(error)) => Err(error),
        Err(_) => Ok(None),
    };
    if here()?.is_none() {
        let new = NewModelVersion {
            source: there.source.clone(),
            location: there.location.clone(),
            run_id: there.run_id.clone(),
            run_link: there.run_link.clone(),
            model_id: there.model_id.clone(),
            description: there.description.clone(),
            tags: there.tags.clone(),
        };
        loop {
            let made = catalog.create_version(&there.name, new.clone(), there.created_ms)?;
            if made.version == there.version {
                kind.added();
                break;
            }
            // The source deleted it; or it was deleted here, and numbers are not given again.
            catalog.delete_version(&there.name, made.version, there.created_ms)?;
            if made.version > there.version {
                break;
            }
        }
    }
    if let Some(here) = here()?
        && here.stage != there.stage
    {
        catalog.move_version(&there.name, there.version, there.stage, false, there.updated_ms)?;
    }
    kind.compare(&id, &text(&there), here()?.as_ref().map(text).as_deref());
    Ok(())
}

/// Where the files of a version are here.
fn location(import: &Import<'_>, version: &ModelVersion) -> anyhow::Result<String> {
    if !version.model_id.is_empty()
        && let Some(model) = import.target.catalog.logged_model(&version.model_id)?
    {
        return Ok(model.artifact_uri);
    }
    Ok(import.relocated(&version.location))
}

/// Gives the numbers from one to another away: the versions that had them are gone.
fn skip(import: &Import<'_>, name: &str, newest: i64, last: i64) -> anyhow::Result<()> {
    let catalog = &import.target.catalog;
    for _ in newest..last {
        let made = catalog.create_version(name, NewModelVersion::default(), super::now())?;
        catalog.delete_version(name, made.version, super::now())?;
    }
    Ok(())
}

fn text_of_model(model: &RegisteredModel) -> String {
    format!("{:?} {:?} {:?}", model.description.as_deref().unwrap_or_default(), model.tags, model.aliases)
}

fn text(version: &ModelVersion) -> String {
    let ModelVersion { source, location, stage, run_id, run_link, model_id, tags, created_ms, .. } = version;
    let description = version.description.as_deref().unwrap_or_default();
    format!(
        "{source:?} {location:?} {stage:?} {run_id:?} {run_link:?} {model_id:?} {created_ms} {description:?} {tags:?}"
    )
}
