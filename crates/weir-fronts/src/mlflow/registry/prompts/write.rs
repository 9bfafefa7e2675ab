//! Changes of prompts: templates and labels go to Weir's prompts, the rest into the notes.

use std::collections::BTreeMap;

use weir_core::error::Code;
use weir_core::prompt::is_name;
use weir_store::catalog::{ModelVersion, PromptNote, RegisteredModel};

use super::content::{TEXT, TYPE, content, defaults, literal, tags as content_tags};
use super::{Prompt, SOURCES, find};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::prompt_shelf::NewPromptVersion;
use crate::mlflow::registry::search::IS_PROMPT;

/// Makes a prompt, which has no version yet: then it is a note alone.
pub(in crate::mlflow::registry) fn create(
    front: &Front,
    name: &str,
    description: &str,
    tags: BTreeMap<String, String>,
) -> Result<RegisteredModel, Refused> {
    named(name)?;
    if super::is_model(front, name)? {
        return Err(Refused::exists(format!(
            "Tried to create a prompt with name '{name}', but the name is already taken by a registered model. MLflow does \
             not allow creating a model and a prompt with the same name."
        )));
    }
    if find(front, name)?.is_some() {
        return Err(Refused::exists(format!("Prompt (name={name}) already exists.")));
    }
    let now_ms = front.now_ms();
    let description = Some(description.to_owned()).filter(|text| !text.is_empty());
    let note = PromptNote { description, created_ms: now_ms, updated_ms: now_ms, tags, ..PromptNote::default() };
    {
        let _alone = front.prompt_notes.lock();
        front.parts.catalog.put_prompt_note(name, note)?;
    }
    Ok(known(front, name)?.model())
}

fn named(name: &str) -> Result<(), Refused> {
    if is_name(name) {
        return Ok(());
    }
    Err(Refused::invalid(format!(
        "Prompt name '{name}' cannot be used: names of Weir's prompts have 1 to 128 letters, digits, dots, dashes and \
         underscores, and do not begin with a dot; MLflow's own may be longer and begin with one."
    )))
}

fn known(front: &Front, name: &str) -> Result<Prompt, Refused> {
    find(front, name)?.ok_or_else(|| Refused::missing(format!("Registered Model with name={name} not found")))
}

/// Makes a version of what the tags hold.
pub(in crate::mlflow::registry) fn add_version(
    front: &Front,
    name: &str,
    source: &str,
    description: &str,
    tags: BTreeMap<String, String>,
) -> Result<ModelVersion, Refused> {
    if !SOURCES.contains(&source) {
        let message = format!("Invalid prompt source: '{source}'. Prompt sources must use an MLflow placeholder.");
        return Err(Refused::invalid(message));
    }
    named(name)?;
    let content = content(&tags)?;
    let prompt = known(front, name)?;
    let number = prompt.note.last_number + 1;
    let called = number.to_string();
    let taken =
        prompt.record.versions.iter().any(|v| v.version == called) || prompt.record.labels.contains_key(&called);
    let mut new = NewPromptVersion {
        name: name.to_owned(),
        version: (!taken).then_some(called),
        description: prompt.note.description,
        content,
        defaults: defaults(&tags),
        message: Some(description.to_owned()).filter(|text| !text.is_empty()),
    };
    let mut made = front.parts.prompts.create(new.clone());
    if let Err(error) = &made
        && error.param.as_deref() == Some("template")
        && let Some(content) = literal(&new.content)
    {
        new.content = content;
        made = front.parts.prompts.create(new.clone());
    }
    if made.as_ref().is_err_and(|error| error.code == Code::Conflict) {
        // Somebody else was quicker with that name of a version.
        made = front.parts.prompts.create(NewPromptVersion { version: None, ..new });
    }
    let called = made.map_err(|error| Refused::from(&error))?;
    let now_ms = front.now_ms();
    change(front, name, |prompt| {
        let Some(version) = prompt.record.versions.iter().find(|v| v.version == called) else { return Ok(()) };
        // What the content says itself needs no note, unless it was said in other words.
        let said = content_tags(version);
        let kept = tags.into_iter().filter(|(key, value)| key != IS_PROMPT && said.get(key) != Some(value)).collect();
        if let Some(note) = prompt.note.versions.iter_mut().find(|note| note.version == called) {
            note.tags = kept;
            note.updated_ms = now_ms;
        }
        prompt.note.updated_ms = now_ms;
        Ok(())
    })?;
    let prompt = known(front, name)?;
    let note = prompt.note.versions.iter().find(|note| note.version == called).map(|note| note.number);
    note.and_then(|number| prompt.version(number))
        .ok_or_else(|| Refused::missing(format!("Prompt '{name}' was deleted while its version was made")))
}

/// Changes the notes on a prompt.
fn change(
    front: &Front,
    name: &str,
    change: impl FnOnce(&mut Prompt) -> Result<(), Refused>,
) -> Result<Prompt, Refused> {
    // Numbers are given before, as that takes the lock as well.
    known(front, name)?;
    let _alone = front.prompt_notes.lock();
    let record = front.parts.prompts.prompts(Some(name)).pop().unwrap_or_default();
    let note = front.parts.catalog.prompt_notes(Some(name))?.remove(name).unwrap_or_default();
    let record = weir_store::catalog::PromptRecord { name: name.to_owned(), ..record };
    let mut prompt = Prompt { record, note };
    prompt.number(|_| true);
    change(&mut prompt)?;
    front.parts.catalog.put_prompt_note(name, prompt.note.clone())?;
    Ok(prompt)
}

/// Says what a prompt is for.
pub(in crate::mlflow::registry) fn describe(
    front: &Front,
    name: &str,
    description: &str,
) -> Result<RegisteredModel, Refused> {
    let now_ms = front.now_ms();
    let changed = change(front, name, |prompt| {
        prompt.note.description = Some(description.to_owned());
        prompt.note.updated_ms = now_ms;
        Ok(())
    })?;
    Ok(changed.model())
}

/// Says what changed in a version.
pub(in crate::mlflow::registry) fn describe_version(
    front: &Front,
    name: &str,
    number: i64,
    description: Option<&str>,
) -> Result<ModelVersion, Refused> {
    let now_ms = front.now_ms();
    let changed = change(front, name, |prompt| {
        let note = prompt.note.versions.iter_mut().find(|note| note.number == number);
        let note = note.ok_or_else(|| no_version(name, number))?;
        note.description = Some(description.unwrap_or_default().to_owned());
        note.updated_ms = now_ms;
        Ok(())
    })?;
    changed.version(number).ok_or_else(|| no_version(name, number))
}

fn no_version(name: &str, number: i64) -> Refused {
    Refused::missing(format!("Model Version (name={name}, version={number}) not found"))
}

/// Notes something on a prompt, or takes the note away.
pub(in crate::mlflow::registry) fn set_tag(
    front: &Front,
    name: &str,
    key: &str,
    value: Option<&str>,
) -> Result<(), Refused> {
    if key == IS_PROMPT {
        return stays_prompt(value);
    }
    change(front, name, |prompt| {
        put(&mut prompt.note.tags, key, value);
        Ok(())
    })?;
    Ok(())
}

/// Notes something on a version of a prompt, or takes the note away. Its template does not change.
pub(in crate::mlflow::registry) fn set_version_tag(
    front: &Front,
    name: &str,
    number: i64,
    key: &str,
    value: Option<&str>,
) -> Result<(), Refused> {
    if key == IS_PROMPT {
        return stays_prompt(value);
    }
    if key == TEXT || key == TYPE {
        let message =
            format!("The template of a prompt's version never changes: register another version of '{name}'.");
        return Err(Refused::invalid(message));
    }
    change(front, name, |prompt| {
        if prompt.held(number).is_none() {
            return Err(no_version(name, number));
        }
        if let Some(note) = prompt.note.versions.iter_mut().find(|note| note.number == number) {
            put(&mut note.tags, key, value);
        }
        Ok(())
    })?;
    Ok(())
}

fn put(tags: &mut BTreeMap<String, String>, key: &str, value: Option<&str>) {
    match value {
        Some(value) => drop(tags.insert(key.to_owned(), value.to_owned())),
        None => drop(tags.remove(key)),
    }
}

fn stays_prompt(value: Option<&str>) -> Result<(), Refused> {
    if value.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(());
    }
    Err(Refused::invalid(format!("A prompt stays a prompt: the tag '{IS_PROMPT}' cannot be changed.")))
}

/// Puts an alias on a version, or takes it away; that there is none is no error.
pub(in crate::mlflow::registry) fn set_alias(
    front: &Front,
    name: &str,
    alias: &str,
    number: Option<i64>,
) -> Result<(), Refused> {
    let prompt = known(front, name)?;
    let version = match number {
        Some(number) => Some(prompt.held(number).ok_or_else(|| no_version(name, number))?.1.version.as_str()),
        None if !prompt.record.labels.contains_key(alias) => return Ok(()),
        None => None,
    };
    front.parts.prompts.set_label(name, alias, version).map_err(|error| Refused::from(&error))
}

/// Deletes a version.
pub(in crate::mlflow::registry) fn delete_version(front: &Front, name: &str, number: i64) -> Result<(), Refused> {
    let prompt = known(front, name)?;
    let version = prompt.held(number).ok_or_else(|| no_version(name, number))?.1.version.clone();
    front.parts.prompts.delete_version(name, &version).map_err(|error| Refused::from(&error))?;
    let now_ms = front.now_ms();
    change(front, name, |prompt| {
        prompt.note.versions.retain(|note| note.number != number);
        prompt.note.updated_ms = now_ms;
        Ok(())
    })?;
    Ok(())
}

/// Deletes a prompt with all its versions.
pub(in crate::mlflow::registry) fn delete(front: &Front, name: &str) -> Result<(), Refused> {
    let prompt = known(front, name)?;
    if !prompt.record.versions.is_empty() {
        front.parts.prompts.delete(name).map_err(|error| Refused::from(&error))?;
    }
    let _alone = front.prompt_notes.lock();
    Ok(front.parts.catalog.delete_prompt_note(name)?)
}
