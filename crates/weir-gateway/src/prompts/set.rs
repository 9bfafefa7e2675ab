//! The prompts of one moment: which version a name, a version or a label means.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_core::error::{Code, Error};

use super::merge::Texts;
use super::template::Sources;
use super::version::Version;

/// The label that is taken where a request names no version.
pub(super) const DEFAULT_LABEL: &str = "production";
/// What always means the newest version.
pub(super) const LATEST: &str = "latest";

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
        self.exact(version_or_label).or_else(|| match version_or_label {
            LATEST => self.versions.last(),
            label => self.exact(self.labels.get(label)?),
        })
    }

    /// A version by its name alone.
    pub(super) fn exact(&self, version: &str) -> Option<&Arc<Version>> {
        self.versions.iter().find(|v| v.record.version == version)
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
    pub(super) texts: Texts,
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
            let message = if known.is_empty() {
                format!("there is no prompt {name:?}, as there are none: put files into prompts.dir, or POST /api/v1/prompts")
            } else {
                format!("there is no prompt {name:?}; there are: {}", known.join(", "))
            };
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
}
