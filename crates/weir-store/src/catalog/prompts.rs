use std::collections::BTreeMap;

use weir_core::prompt::{PromptContent, PromptVersion};

use crate::telemetry::StoreError;

/// A prompt with all that belongs to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromptRecord {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its versions, oldest first.
    pub versions: Vec<PromptVersion>,
    /// Label → version.
    pub labels: BTreeMap<String, String>,
}

/// What became of a version that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    Created,
    /// It was there already, the same.
    Same,
    /// The version exists with another content or other defaults; nothing was changed.
    Conflict,
}

/// Prompts, their versions, labels and contents.
pub trait Prompts: Send + Sync {
    /// Every prompt, by name.
    ///
    /// # Errors
    /// When the engine fails.
    fn prompts(&self) -> Result<Vec<PromptRecord>, StoreError>;

    /// Adds a version, and the prompt with it; labels given here move to it. A version never changes.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_version(
        &self,
        name: &str,
        description: Option<&str>,
        version: &PromptVersion,
        labels: &[String],
    ) -> Result<Put, StoreError>;

    /// Moves a label to a version, or takes it away. `false` when there is no such version (or label).
    ///
    /// # Errors
    /// When the engine fails.
    fn set_label(&self, name: &str, label: &str, version: Option<&str>) -> Result<bool, StoreError>;

    /// Deletes a version and the labels that stand on it; its content stays, for calls that used it. `false` where there
    /// is none.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_prompt_version(&self, name: &str, version: &str) -> Result<bool, StoreError>;

    /// Deletes a prompt with its versions and labels. `false` where there is none.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_prompt(&self, name: &str) -> Result<bool, StoreError>;

    /// Keeps a content under its hash, so that calls that used it can show it also when its file is gone.
    ///
    /// # Errors
    /// When the engine fails.
    fn keep_content(&self, content: &PromptContent) -> Result<(), StoreError>;

    /// The content of a hash.
    ///
    /// # Errors
    /// When the engine fails.
    fn content(&self, hash: &str) -> Result<Option<PromptContent>, StoreError>;
}
