//! Registered models.

use weir_store::catalog::{ModelStage, RegisteredModel};

use super::forms::{ManyVersions, ModelForm, OneModel, VersionForm};
use super::{names, now_ms, of_model, prompts};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply, reply};

pub(super) fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = names::model(fields.required("name")?)?;
    let description = names::description(&fields)?;
    let tags = names::tags(&fields)?;
    if prompts::is_said(&tags) {
        return answer(&prompts::create(front, name, description, tags)?);
    }
    if prompts::find(front, name)?.is_some() {
        return Err(Refused::exists(format!(
            "Tried to create a registered model with name '{name}', but the name is already taken by a prompt. MLflow does \
             not allow creating a model and a prompt with the same name."
        )));
    }
    let made = front.parts.catalog.create_model(name, Some(description), &tags, now_ms(front));
    answer(&made.map_err(of_model(name))?)
}

pub(super) fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let name = names::model(args.fields().required("name")?)?;
    if let Some(prompt) = prompts::find(front, name)? {
        return answer(&prompt.model());
    }
    answer(&front.parts.catalog.registered_model(name).map_err(of_model(name))?)
}

pub(super) fn update(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = names::model(fields.required("name")?)?;
    let description = names::description(&fields)?;
    if prompts::find(front, name)?.is_some() {
        return answer(&prompts::describe(front, name, description)?);
    }
    answer(&front.parts.catalog.describe_model(name, Some(description), now_ms(front)).map_err(of_model(name))?)
}

pub(super) fn rename(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = fields.required("name")?;
    let new_name = fields.required("new_name")?;
    if new_name.trim().is_empty() {
        return Err(Refused::invalid("Missing value for required parameter 'new_name'."));
    }
    let (new_name, name) = (names::model(new_name)?, names::model(name)?);
    if prompts::find(front, name)?.is_some() {
        return Err(Refused::invalid(format!("Prompt '{name}' keeps its name: register it under the other one.")));
    }
    if prompts::find(front, new_name)?.is_some() {
        return Err(of_model(new_name)(weir_store::catalog::RegistryError::Taken));
    }
    let renamed = front.parts.catalog.rename_model(name, new_name, now_ms(front)).map_err(|error| match error {
        weir_store::catalog::RegistryError::Taken => of_model(new_name)(error),
        error => of_model(name)(error),
    });
    answer(&renamed?)
}

pub(super) fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let name = names::model(args.fields().required("name")?)?;
    if prompts::find(front, name)?.is_some() {
        prompts::delete(front, name)?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.delete_model(name).map_err(of_model(name))?;
    Ok(Reply::empty())
}

/// The newest version of each of some stages.
pub(super) fn latest(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = names::model(fields.required("name")?)?;
    let asked = fields.texts("stages")?;
    let model = match prompts::find(front, name)? {
        Some(prompt) => prompt.model(),
        None => front.parts.catalog.registered_model(name).map_err(of_model(name))?,
    };
    let asked = asked.into_iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    let versions = model.latest.iter().filter(|v| asked.is_empty() || asked.contains(&v.stage));
    reply(&ManyVersions { model_versions: versions.map(VersionForm::of).collect(), next_page_token: None })
}

/// A stage by its name.
pub(super) fn stage(name: &str) -> Result<ModelStage, Refused> {
    ModelStage::named(name).ok_or_else(|| {
        let all = ModelStage::ALL.map(ModelStage::as_str).join(", ");
        Refused::invalid(format!("Invalid Model Version stage: {name}. Value must be one of {all}."))
    })
}

fn answer(model: &RegisteredModel) -> Result<Reply, Refused> {
    reply(&OneModel { registered_model: ModelForm::of(model) })
}
