use std::collections::BTreeMap;

use crate::telemetry::StoreError;

/// What is noted on a prompt beside its versions and labels, by protocols that have more to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptNote {
    /// What it is for, where that was said later than with its versions.
    pub description: Option<String>,
    /// When it was made, milliseconds.
    pub created_ms: i64,
    /// When it was changed last.
    pub updated_ms: i64,
    /// The highest number ever given to a version.
    pub last_number: i64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Notes on its versions, by number.
    pub versions: Vec<VersionNote>,
}

/// What is noted on a version of a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionNote {
    /// Its number, from 1 in the order in which versions were made. Never changes, never given again.
    pub number: i64,
    /// What Weir calls it.
    pub version: String,
    /// What changed, where that was said later than with the version.
    pub description: Option<String>,
    /// When it was changed last, milliseconds.
    pub updated_ms: i64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Notes on prompts.
pub trait PromptNotes: Send + Sync {
    /// The notes on a prompt, or on all of them.
    ///
    /// # Errors
    /// When the engine fails.
    fn prompt_notes(&self, name: Option<&str>) -> Result<BTreeMap<String, PromptNote>, StoreError>;

    /// Keeps the notes on a prompt and on its versions, instead of those that were there.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_prompt_note(&self, name: &str, note: PromptNote) -> Result<(), StoreError>;

    /// Forgets all notes on a prompt.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_prompt_note(&self, name: &str) -> Result<(), StoreError>;
}
