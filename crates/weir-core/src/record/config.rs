use std::collections::BTreeMap;

use crate::units::{Bytes, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of prompts and answers is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PayloadMode {
    /// All of it; secrets such as API keys are replaced.
    #[default]
    Full,
    /// The first `truncate_to` bytes of each; secrets are replaced.
    Truncated,
    /// All of it; secrets and personal data are replaced.
    Redacted,
    /// Nothing.
    None,
}

/// What is recorded of every call, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// How much of prompts and answers is kept: full, truncated, redacted or none.
    pub payload: PayloadMode,
    /// Bytes kept of each prompt and each answer when `payload = "truncated"`.
    #[schemars(with = "String")]
    pub truncate_to: Bytes,
    /// Longest prompt or answer that is kept at all; the rest is cut and marked.
    #[schemars(with = "String")]
    pub max_payload: Bytes,
    /// More patterns to replace: a label and a regular expression each.
    pub redact: BTreeMap<String, String>,
    /// Keeps prompts and answers as plain text columns, readable with `sqlite3` alone. Takes about three times the room.
    pub plain_text: bool,
    /// Calls older than this are deleted. Without it they are kept.
    #[schemars(with = "Option<String>")]
    pub retention: Option<Time>,
    /// Most room for calls that the store has not taken yet; beyond it calls go on and their records are counted as lost.
    #[schemars(with = "String")]
    pub journal_max: Bytes,
    /// Project of calls that name none.
    pub project: String,
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self {
            payload: PayloadMode::Full,
            truncate_to: Bytes(2_000),
            max_payload: Bytes(4 << 20),
            redact: BTreeMap::new(),
            plain_text: false,
            retention: None,
            journal_max: Bytes(4 << 30),
            project: "default".to_owned(),
        }
    }
}
