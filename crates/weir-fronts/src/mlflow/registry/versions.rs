//! Versions of registered models.

use serde::Serialize;
use weir_store::catalog::{ModelStage, ModelVersion, NewModelVersion, RegistryError};

use super::forms::{OneVersion, VersionForm};
use super::{models, names, now_ms, of_model, of_version, prompts, source};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, reply};

pub(super) fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = fields.required("name")?;
    let given = source::Given {
        source: fields.required("source")?,
        run_id: fields.text("run_id")?,
        model_id: fields.text("model_id")?,
    };
    let run_link = names::within("run_link", source::LONGEST, fields.text("run_link")?.unwrap_or_default())?;
    let description = names::description(&fields)?;
    let name = names::model(name)?;
    let tags = names::tags(&fields)?;
    if prompts::is_said(&tags) {
        return answer(&prompts::add_version(front, name, given.source, description, tags)?);
    }
    if prompts::find(front, name)?.is_some() {
        return Err(Refused::invalid(format!(
            "'{name}' is a prompt: its versions have the tag mlflow.prompt.is_prompt and a template, not a model's files."
        )));
    }
    let origin = source::origin(front, &given)?;
    let new = NewModelVersion {
        source: origin.source,
        location: origin.location,
        run_id: origin.run_id,
        run_link: run_link.to_owned(),
        model_id: origin.model_id,
        description: Some(description.to_owned()),
        tags,
    };
    answer(&front.parts.catalog.create_version(name, new, now_ms(front)).map_err(of_model(name))?)
}

pub(super) fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (name, version) = named(&args.fields())?;
    answer(&find(front, name, version)?)
}

pub(super) fn update(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (name, version) = named(&fields)?;
    let description = fields.text("description")?.map(|_| names::description(&fields)).transpose()?;
    if prompts::find(front, name)?.is_some() {
        return answer(&prompts::describe_version(front, name, version, description)?);
    }
    let changed = front.parts.catalog.describe_version(name, version, description, now_ms(front));
    answer(&changed.map_err(of_version(name, version))?)
}

pub(super) fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (name, version) = named(&args.fields())?;
    if prompts::find(front, name)?.is_some() {
        prompts::delete_version(front, name, version)?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.delete_version(name, version, now_ms(front)).map_err(of_version(name, version))?;
    Ok(Reply::empty())
}

pub(super) fn transition(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (name, version) = (fields.required("name")?, fields.required("version")?);
    let asked = fields.required("stage")?;
    let archive = fields.bool("archive_existing_versions")?.unwrap_or_default();
    let stage = models::stage(asked)?;
    if archive && !matches!(stage, ModelStage::Staging | ModelStage::Production) {
        return Err(Refused::invalid(format!(
            "Model version transition cannot archive existing model versions because '{asked}' is not an Active stage. \
             Valid stages are ['Staging', 'Production']"
        )));
    }
    let (name, version) = (names::model(name)?, names::version(version)?);
    if prompts::find(front, name)?.is_some() {
        return Err(Refused::invalid(format!("Prompt '{name}' has no stages: put an alias on the version.")));
    }
    let moved = front.parts.catalog.move_version(name, version, stage, archive, now_ms(front));
    answer(&moved.map_err(of_version(name, version))?)
}

pub(super) fn download_uri(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Answer {
        artifact_uri: String,
    }
    let fields = args.fields();
    let name = names::model(fields.text("name")?.unwrap_or_default())?;
    let version = names::version(fields.text("version")?.unwrap_or_default())?;
    let found = find(front, name, version)?;
    reply(&Answer { artifact_uri: found.location })
}

/// A version of a model or of a prompt.
fn find(front: &Front, name: &str, version: i64) -> Result<ModelVersion, Refused> {
    let missing = of_version(name, version);
    match prompts::find(front, name)? {
        Some(prompt) => prompt.version(version).ok_or_else(|| missing(RegistryError::NoVersion)),
        None => front.parts.catalog.model_version(name, version).map_err(missing),
    }
}

/// The name and the number that a request is for.
pub(super) fn named<'a>(fields: &Fields<'a>) -> Result<(&'a str, i64), Refused> {
    let (name, version) = (fields.required("name")?, fields.required("version")?);
    Ok((names::model(name)?, names::version(version)?))
}

pub(super) fn answer(version: &ModelVersion) -> Result<Reply, Refused> {
    reply(&OneVersion { model_version: VersionForm::of(version) })
}
