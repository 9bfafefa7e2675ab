//! How the catalog's prompts and those of the files become one set: what wins, what conflicts, what is included.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use weir_core::prompt::{PromptVersion, compare_versions};
use weir_store::catalog::PromptRecord;

use super::folder::{Broken, FilePrompt};
use super::set::{DEFAULT_LABEL, LATEST, Prompt, PromptSet};
use super::template::{Limits, Sources};
use super::version::Version;

/// Said of what is broken and was not.
const STAYS: &str = "; what was in use before stays in use";

impl PromptSet {
    /// Builds the set out of what the catalog and the files hold. What cannot be used is left out; each such thing is a
    /// sentence in the second value. A version that `before` has and that cannot be used any more, because its file or
    /// what it includes was broken, stays in use as it was.
    pub(super) fn build(
        records: Vec<PromptRecord>,
        files: Vec<FilePrompt>,
        broken: Vec<Broken>,
        before: &Self,
        limits: Limits,
    ) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut raw: BTreeMap<String, Raw> = BTreeMap::new();
        for record in records {
            let prompt = raw.entry(record.name).or_default();
            prompt.description = record.description;
            prompt.labels = record.labels;
            prompt.versions = record.versions.into_iter().map(Candidate::stored).collect();
        }
        for file in files {
            raw.entry(file.name.clone()).or_default().add_file(file, &mut problems);
        }
        for Broken { mut problem, place } in broken {
            let former = place.as_ref().and_then(|(name, version)| {
                let former = before.prompts.get(name)?.exact(version).filter(|v| v.from_file)?.clone();
                raw.entry(name.clone()).or_default().add_former(former, before.prompts.get(name))
            });
            if former.is_some() {
                problem.push_str(STAYS);
            }
            problems.push(problem);
        }
        let mut set = Self { texts: Texts::of(&raw), ..Self::default() };
        for (name, mut prompt) in raw {
            for (label, version) in std::mem::take(&mut prompt.file_labels) {
                // A label that was moved through the API stays where it was moved to.
                prompt.labels.entry(label).or_insert(version);
            }
            let mut versions = Vec::with_capacity(prompt.versions.len());
            for candidate in prompt.versions {
                let former = before.prompts.get(&name).and_then(|p| p.exact(&candidate.record.version)).cloned();
                match candidate.compile(&name, &set.texts, limits) {
                    Ok(version) => versions.push(version),
                    Err(error) => {
                        problems.push(format!("{error}{}", if former.is_some() { STAYS } else { "" }));
                        versions.extend(former);
                    }
                }
            }
            versions.sort_by(|a, b| compare_versions(&a.record.version, &b.record.version));
            if !versions.is_empty() {
                let (description, labels) = (prompt.description, prompt.labels);
                set.prompts.insert(name, Prompt { description, versions, labels });
            }
        }
        (set, problems)
    }
}

/// What a prompt is made of, before it is compiled.
#[derive(Default)]
struct Raw {
    description: Option<String>,
    versions: Vec<Candidate>,
    labels: BTreeMap<String, String>,
    /// What the headers of files say; it counts where the catalog says nothing.
    file_labels: BTreeMap<String, String>,
}

impl Raw {
    fn add_file(&mut self, file: FilePrompt, problems: &mut Vec<String>) {
        let FilePrompt { path, name, description, labels, version: record, lines_before } = file;
        for label in labels {
            let version = self.file_labels.entry(label.clone()).or_insert_with(|| record.version.clone());
            if *version == record.version {
                continue;
            }
            if compare_versions(version, &record.version).is_lt() {
                version.clone_from(&record.version);
            }
            problems.push(format!("{path}: another version of {name} has the label {label} too; {version} gets it"));
        }
        self.description = self.description.take().or(description);
        let Some(other) = self.versions.iter_mut().find(|c| c.record.version == record.version) else {
            self.versions.push(Candidate { record, lines_before, path: Some(path), from_file: true, ready: None });
            return;
        };
        let same = other.record.content == record.content && other.record.defaults == record.defaults;
        if let Some(first) = &other.path {
            problems.push(format!("{path}: {name}@{} stands in {first} too, which is the one in use", record.version));
        } else if same {
            // Its mistakes are still those of the file.
            (other.lines_before, other.path) = (lines_before, Some(path));
        } else {
            problems.push(format!(
                "{path}: {name}@{} is stored with another content or other defaults and versions never change; save the \
                 file as a new version",
                record.version
            ));
        }
    }

    /// Keeps a version of a file that cannot be read now, with the labels that it had.
    fn add_former(&mut self, version: Arc<Version>, before: Option<&Prompt>) -> Option<()> {
        let name = &version.record.version;
        if self.versions.iter().any(|c| c.record.version == *name) {
            return None;
        }
        let labels = before.map(|p| p.labels.iter()).into_iter().flatten();
        for (label, version) in labels.filter(|(_, v)| *v == name) {
            self.file_labels.entry(label.clone()).or_insert_with(|| version.clone());
        }
        self.description = self.description.take().or_else(|| before?.description.clone());
        let record = version.record.clone();
        let ready = Some(version);
        self.versions.push(Candidate { record, lines_before: Vec::new(), path: None, from_file: true, ready });
        Some(())
    }
}

/// A version, before it is compiled.
struct Candidate {
    record: PromptVersion,
    /// The lines before each template where it stands in a file.
    lines_before: Vec<usize>,
    /// The file that it stands in, though it may be stored too.
    path: Option<String>,
    /// Whether it is in no catalog.
    from_file: bool,
    /// It is compiled already.
    ready: Option<Arc<Version>>,
}

impl Candidate {
    fn stored(record: PromptVersion) -> Self {
        Self { record, lines_before: Vec::new(), path: None, from_file: false, ready: None }
    }

    fn compile(self, name: &str, texts: &Texts, limits: Limits) -> Result<Arc<Version>, String> {
        if let Some(ready) = self.ready {
            return Ok(ready);
        }
        let compiled = Version::compile(name, self.record, &self.lines_before, texts, limits);
        let mut version = compiled.map_err(|error| match self.path {
            Some(path) => format!("{path}: {error}"),
            None => error.to_string(),
        })?;
        version.from_file = self.from_file;
        Ok(Arc::new(version))
    }
}

/// What a template can include: other prompts, as `name`, `name@version` or `name@label`.
#[derive(Default)]
pub(super) struct Texts(HashMap<String, (String, String)>);

impl Texts {
    fn of(all: &BTreeMap<String, Raw>) -> Self {
        let mut texts = HashMap::new();
        for (name, prompt) in all {
            let text_of = |version: &str| {
                let record = &prompt.versions.iter().find(|c| c.record.version == version)?.record;
                Some((format!("{name}@{}", record.version), record.content.text()))
            };
            for Candidate { record, .. } in &prompt.versions {
                if let Some(text) = text_of(&record.version) {
                    texts.insert(text.0.clone(), text);
                }
            }
            for (label, version) in prompt.file_labels.iter().chain(&prompt.labels) {
                if let Some(text) = text_of(version) {
                    texts.insert(format!("{name}@{label}"), text);
                }
            }
            let newest = prompt.versions.iter().map(|c| &c.record.version).max_by(|a, b| compare_versions(a, b));
            if let Some(text) = newest.and_then(|version| text_of(version)) {
                texts.insert(format!("{name}@{LATEST}"), text);
            }
            let labelled = prompt.labels.get(DEFAULT_LABEL).or_else(|| prompt.file_labels.get(DEFAULT_LABEL));
            if let Some(text) = labelled.or(newest).and_then(|version| text_of(version)) {
                texts.insert(name.clone(), text);
            }
        }
        Self(texts)
    }
}

impl Sources for Texts {
    fn source(&self, name: &str) -> Option<(String, String)> {
        self.0.get(name).cloned()
    }
}
