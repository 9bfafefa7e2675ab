//! Aliases.

use weir_store::catalog::{ModelVersion, RegistryError};

use super::{names, of_model, of_version, prompts, versions};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply};

pub(super) fn set(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (name, alias, version) = (fields.required("name")?, fields.required("alias")?, fields.required("version")?);
    let name = names::model(name)?;
    let alias = names::free_alias(alias)?;
    let version = names::version(version)?;
    if prompts::find(front, name)?.is_some() {
        prompts::set_alias(front, name, alias, Some(version))?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.set_alias(name, alias, Some(version)).map_err(of_version(name, version))?;
    Ok(Reply::empty())
}

pub(super) fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (name, alias) = named(&args.fields())?;
    if prompts::find(front, name)?.is_some() {
        prompts::set_alias(front, name, alias, None)?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.set_alias(name, alias, None).map_err(of_model(name))?;
    Ok(Reply::empty())
}

pub(super) fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (name, alias) = named(&args.fields())?;
    if let Some(prompt) = prompts::find(front, name)? {
        let found = if alias.eq_ignore_ascii_case(names::LATEST) {
            prompt.newest().ok_or_else(|| Refused::missing(format!("Latest version not found for model {name}.")))?
        } else {
            prompt.aliased(alias).ok_or_else(|| no_alias(alias))?
        };
        return versions::answer(&found);
    }
    versions::answer(&find(front, name, alias)?)
}

fn named<'a>(fields: &Fields<'a>) -> Result<(&'a str, &'a str), Refused> {
    let (name, alias) = (fields.required("name")?, fields.required("alias")?);
    Ok((names::model(name)?, names::alias(alias)?))
}

/// The version that an alias stands on; `latest` stands on the newest one.
pub(super) fn find(front: &Front, name: &str, alias: &str) -> Result<ModelVersion, Refused> {
    if alias.eq_ignore_ascii_case(names::LATEST) {
        let model = front.parts.catalog.registered_model(name).map_err(of_model(name))?;
        let newest = model.latest.into_iter().max_by_key(|v| v.version);
        return newest.ok_or_else(|| Refused::missing(format!("Latest version not found for model {name}.")));
    }
    front.parts.catalog.aliased_version(name, alias).map_err(|error| match error {
        RegistryError::NoAlias => no_alias(alias),
        error => of_model(name)(error),
    })
}

/// MLflow's server says 400 here, and its client turns that into "there is none".
fn no_alias(alias: &str) -> Refused {
    Refused::invalid(format!("Registered model alias {alias} not found."))
}
