//! Tags of models and of versions.

use super::{names, of_model, of_version, prompts, versions};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply};

pub(super) fn set_on_model(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = names::model(fields.required("name")?)?;
    let (key, value) = tag(&fields)?;
    if prompts::find(front, name)?.is_some() {
        prompts::set_tag(front, name, key, Some(value))?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.set_model_tag(name, key, Some(value)).map_err(of_model(name))?;
    Ok(Reply::empty())
}

pub(super) fn delete_from_model(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = names::model(fields.required("name")?)?;
    let key = names::key(fields.required("key")?)?;
    if prompts::find(front, name)?.is_some() {
        prompts::set_tag(front, name, key, None)?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.set_model_tag(name, key, None).map_err(of_model(name))?;
    Ok(Reply::empty())
}

pub(super) fn set_on_version(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (name, version) = versions::named(&fields)?;
    let (key, value) = tag(&fields)?;
    if prompts::find(front, name)?.is_some() {
        prompts::set_version_tag(front, name, version, key, Some(value))?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.set_version_tag(name, version, key, Some(value)).map_err(of_version(name, version))?;
    Ok(Reply::empty())
}

pub(super) fn delete_from_version(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (name, version) = versions::named(&fields)?;
    let key = names::key(fields.required("key")?)?;
    if prompts::find(front, name)?.is_some() {
        prompts::set_version_tag(front, name, version, key, None)?;
        return Ok(Reply::empty());
    }
    front.parts.catalog.set_version_tag(name, version, key, None).map_err(of_version(name, version))?;
    Ok(Reply::empty())
}

fn tag<'a>(fields: &Fields<'a>) -> Result<(&'a str, &'a str), Refused> {
    let key = names::key(fields.required("key")?)?;
    Ok((key, names::value(fields.text("value")?.unwrap_or_default())?))
}
