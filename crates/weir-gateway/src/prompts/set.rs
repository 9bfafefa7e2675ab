use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use weir_core::error::{Code, Error};
use weir_core::prompt::{PromptVersion, compare_versions};
use weir_store::catalog::PromptRecord;

use super::folder::FilePrompt;
use super::template::{Limits, Sources};
use super::version::Version;

/// The label that is taken where a request names no version.
const DEFAULT_LABEL: &str = "production";

/// A prompt.
#[derive(Default)]
pub struct Prompt {
    /// What it is for.
    pub description: Option<String>,
    /// Its versions, in the order of [`compare_versions`]; never empty.
    pub versions: Vec<Arc<Version>>,
    /// Label → version.
    pub labels: BTreeMap<String, String>,
}

impl Prompt {
    /// A version by its name or by a label.
    #[must_use]
    pub fn find(&self, version_or_label: &str) -> Option<&Arc<Version>> {
        let named = |name: &str| self.versions.iter().find(|v| v.record.version == name);
        named(version_or_label).or_else(|| match version_or_label {
            "latest" if !self.labels.contains_key("latest") => self.versions.last(),
            label => named(self.labels.get(label)?),
        })
    }

    /// The version for requests that name none: the label `production`, else the newest.
    #[must_use]
    pub fn default_version(&self) -> Option<&Arc<Version>> {
        self.find(DEFAULT_LABEL).or_else(|| self.versions.last())
    }
}

/// Every prompt.
#[derive(Default)]
pub struct PromptSet {
    /// By name.
    pub prompts: BTreeMap<String, Prompt>,
    texts: Texts,
}

impl PromptSet {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prompts.is_empty()
    }

    /// A version of a prompt, or its default one.
    ///
    /// # Errors
    /// 404 that names what there is.
    pub fn find(&self, name: &str, version: Option<&str>) -> Result<&Arc<Version>, Error> {
        let prompt = self.prompts.get(name).ok_or_else(|| {
            let known: Vec<_> = self.prompts.keys().map(String::as_str).take(20).collect();
            let message = format!("there is no prompt {name:?}; there are: {}", known.join(", "));
            Error { param: Some("prompt".to_owned()), ..Error::new(Code::NotFound, message) }
        })?;
        let found = match version {
            Some(version) => prompt.find(version),
            None => prompt.default_version(),
        };
        found.ok_or_else(|| {
            let versions: Vec<_> = prompt.versions.iter().rev().map(|v| v.record.version.as_str()).take(20).collect();
            let labels: Vec<_> = prompt.labels.keys().map(String::as_str).collect();
            let message = format!(
                "prompt {name:?} has no version or label {:?}; versions: {}; labels: {}",
                version.unwrap_or_default(),
                versions.join(", "),
                if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
            );
            Error { param: Some("prompt_version".to_owned()), ..Error::new(Code::NotFound, message) }
        })
    }

    /// What templates can include.
    pub(super) fn sources(&self) -> &dyn Sources {
        &self.texts
    }

    /// Builds the set out of what the catalog and the files hold. What cannot be used is left out; each such thing is a
    /// sentence in the second value.
    pub(super) fn build(records: Vec<PromptRecord>, files: Vec<FilePrompt>, limits: Limits) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut raw: BTreeMap<String, Raw> = BTreeMap::new();
        for record in records {
            let prompt = raw.entry(record.name).or_default();
            prompt.description = record.description;
            prompt.labels = record.labels;
            prompt.versions = record.versions.into_iter().map(|version| (version, None)).collect();
        }
        for file in files {
            let prompt = raw.entry(file.name.clone()).or_default();
            if let Some((stored, _)) = prompt.versions.iter().find(|(v, _)| v.version == file.version.version) {
                if stored.content != file.version.content || stored.defaults != file.version.defaults {
                    problems.push(format!(
                        "{}: {}@{} is stored with another content and versions never change; save the file as a new version",
                        file.path, file.name, stored.version
                    ));
                }
                continue;
            }
            prompt.description = prompt.description.take().or(file.description);
            for label in file.labels {
                // A label that was moved through the API stays where it was moved to.
                prompt.labels.entry(label).or_insert_with(|| file.version.version.clone());
            }
            prompt.versions.push((file.version, Some(file.lines_before)));
        }
        let mut set = Self { texts: Texts::of(&raw), ..Self::default() };
        for (name, prompt) in raw {
            let mut versions = Vec::with_capacity(prompt.versions.len());
            for (record, file) in prompt.versions {
                match Version::compile(&name, record, file.as_deref(), &set.texts, limits) {
                    Ok(version) => versions.push(Arc::new(version)),
                    Err(error) => problems.push(error.to_string()),
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

#[derive(Default)]
struct Raw {
    description: Option<String>,
    /// With the lines before each template where it stands in a file.
    versions: Vec<(PromptVersion, Option<Vec<usize>>)>,
    labels: BTreeMap<String, String>,
}

/// What a template can include: other prompts, as `name`, `name@version` or `name@label`.
#[derive(Default)]
struct Texts(HashMap<String, (String, String)>);

impl Texts {
    fn of(all: &BTreeMap<String, Raw>) -> Self {
        let mut texts = HashMap::new();
        for (name, prompt) in all {
            let text_of = |version: &str| {
                let (version, _) = prompt.versions.iter().find(|(v, _)| v.version == version)?;
                Some((format!("{name}@{}", version.version), version.content.text()))
            };
            for (version, _) in &prompt.versions {
                if let Some(text) = text_of(&version.version) {
                    texts.insert(text.0.clone(), text);
                }
            }
            for (label, version) in &prompt.labels {
                if let Some(text) = text_of(version) {
                    texts.insert(format!("{name}@{label}"), text);
                }
            }
            let newest = prompt.versions.iter().map(|(v, _)| &v.version).max_by(|a, b| compare_versions(a, b));
            if let Some(text) = prompt.labels.get(DEFAULT_LABEL).or(newest).and_then(|version| text_of(version)) {
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
