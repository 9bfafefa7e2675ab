//! Weir's prompts in the form in which MLflow knows prompts: registered models whose versions hold a template in a tag.
//!
//! A prompt's templates and labels are Weir's own; what else MLflow says of them stands in notes beside. Invariant: the
//! number of a version never changes: versions get theirs in the order in which they were made.

mod content;
mod search;
mod write;

use std::collections::BTreeMap;

use weir_core::prompt::{PromptVersion, compare_versions};
use weir_store::catalog::{ModelVersion, PromptNote, PromptRecord, RegisteredModel, RegistryError, VersionNote};

use super::search::IS_PROMPT;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

pub(super) use search::{models, versions};
pub(super) use write::{
    add_version, create, delete, delete_version, describe, describe_version, set_alias, set_tag, set_version_tag,
};

/// What MLflow's clients name as a prompt's source.
const SOURCE: &str = "dummy-source";
const SOURCES: [&str; 2] = [SOURCE, "prompt-template"];

/// A prompt with the notes on it; every version has a number.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    record: PromptRecord,
    note: PromptNote,
}

/// The prompt of a name. A model of that name hides it.
pub(super) fn find(front: &Front, name: &str) -> Result<Option<Prompt>, Refused> {
    let record = front.parts.prompts.prompts(Some(name)).pop();
    let note = front.parts.catalog.prompt_notes(Some(name))?.remove(name);
    if (record.is_none() && note.is_none()) || is_model(front, name)? {
        return Ok(None);
    }
    Prompt::numbered(front, name, record, note.as_ref()).map(Some)
}

/// Every prompt.
fn all(front: &Front) -> Result<Vec<Prompt>, Refused> {
    let mut notes = front.parts.catalog.prompt_notes(None)?;
    let records = front.parts.prompts.prompts(None).into_iter().map(|record| (record.name.clone(), record));
    let mut records: BTreeMap<_, _> = records.collect();
    for name in notes.keys() {
        records.entry(name.clone()).or_insert_with(|| PromptRecord { name: name.clone(), ..PromptRecord::default() });
    }
    let mut prompts = Vec::with_capacity(records.len());
    for (name, record) in records {
        if !is_model(front, &name)? {
            let note = notes.remove(&name);
            prompts.push(Prompt::numbered(front, &name, Some(record), note.as_ref())?);
        }
    }
    Ok(prompts)
}

fn is_model(front: &Front, name: &str) -> Result<bool, Refused> {
    match front.parts.catalog.registered_model(name) {
        Ok(_) => Ok(true),
        Err(RegistryError::Store(error)) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// Whether tags say that they are a prompt's.
pub(super) fn is_said(tags: &BTreeMap<String, String>) -> bool {
    tags.get(IS_PROMPT).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

impl Prompt {
    /// Gives numbers to versions that have none yet, and keeps them.
    fn numbered(
        front: &Front,
        name: &str,
        record: Option<PromptRecord>,
        note: Option<&PromptNote>,
    ) -> Result<Self, Refused> {
        let record = record.unwrap_or_else(|| PromptRecord { name: name.to_owned(), ..PromptRecord::default() });
        let is_new = |note: &PromptNote, v: &PromptVersion| !note.versions.iter().any(|n| n.version == v.version);
        if let Some(note) = note
            && !record.versions.iter().any(|v| is_new(note, v))
        {
            return Ok(Self { record, note: note.clone() });
        }
        // One at a time, so that no number is given twice.
        let _alone = front.prompt_notes.lock();
        let note = front.parts.catalog.prompt_notes(Some(name))?.remove(name);
        let mut prompt = Self { note: note.unwrap_or_default(), record };
        prompt.number(|_| true);
        front.parts.catalog.put_prompt_note(name, prompt.note.clone())?;
        Ok(prompt)
    }

    /// Gives numbers to those versions without one that are taken.
    fn number(&mut self, takes: impl Fn(&PromptVersion) -> bool) {
        let mut new: Vec<_> = self.record.versions.iter().collect();
        new.retain(|v| takes(v) && !self.note.versions.iter().any(|n| n.version == v.version));
        new.sort_by(|a, b| a.created_us.cmp(&b.created_us).then_with(|| compare_versions(&a.version, &b.version)));
        for version in new {
            self.note.last_number += 1;
            let made_ms = version.created_us / 1_000;
            if self.note.created_ms == 0 {
                self.note.created_ms = made_ms;
            }
            self.note.updated_ms = self.note.updated_ms.max(made_ms);
            self.note.versions.push(VersionNote {
                number: self.note.last_number,
                version: version.version.clone(),
                updated_ms: made_ms,
                ..VersionNote::default()
            });
        }
    }

    /// The version of a number, as Weir has it.
    fn held(&self, number: i64) -> Option<(&VersionNote, &PromptVersion)> {
        let note = self.note.versions.iter().find(|note| note.number == number)?;
        Some((note, self.record.versions.iter().find(|v| v.version == note.version)?))
    }

    /// A version as a registered one.
    pub(super) fn version(&self, number: i64) -> Option<ModelVersion> {
        let (note, version) = self.held(number)?;
        let mut tags = content::tags(version);
        tags.extend(note.tags.clone());
        tags.insert(IS_PROMPT.to_owned(), "true".to_owned());
        let labels = self.record.labels.iter().filter(|(_, v)| **v == note.version);
        let description = note.description.clone().or_else(|| version.message.clone()).unwrap_or_default();
        Some(ModelVersion {
            name: self.record.name.clone(),
            version: number,
            created_ms: version.created_us / 1_000,
            updated_ms: note.updated_ms.max(version.created_us / 1_000),
            description: Some(description),
            source: SOURCE.to_owned(),
            location: SOURCE.to_owned(),
            tags,
            aliases: labels.map(|(label, _)| label.clone()).collect(),
            ..ModelVersion::default()
        })
    }

    /// Its versions, oldest first.
    fn versions(&self) -> Vec<ModelVersion> {
        self.note.versions.iter().filter_map(|note| self.version(note.number)).collect()
    }

    /// The newest version.
    pub(super) fn newest(&self) -> Option<ModelVersion> {
        self.note.versions.iter().rev().find_map(|note| self.version(note.number))
    }

    /// The version that an alias stands on.
    pub(super) fn aliased(&self, alias: &str) -> Option<ModelVersion> {
        let version = self.record.labels.get(alias)?;
        let note = self.note.versions.iter().find(|note| note.version == *version)?;
        self.version(note.number)
    }

    /// The prompt as a registered model.
    pub(super) fn model(&self) -> RegisteredModel {
        let mut tags = self.note.tags.clone();
        tags.insert(IS_PROMPT.to_owned(), "true".to_owned());
        let number = |version: &String| self.note.versions.iter().find(|n| n.version == *version).map(|n| n.number);
        let labels = self.record.labels.iter();
        RegisteredModel {
            name: self.record.name.clone(),
            description: self.note.description.clone().or_else(|| self.record.description.clone()),
            created_ms: self.note.created_ms,
            updated_ms: self.note.updated_ms,
            tags,
            aliases: labels.filter_map(|(label, v)| Some((label.clone(), number(v)?))).collect(),
            latest: self.newest().into_iter().collect(),
        }
    }
}
