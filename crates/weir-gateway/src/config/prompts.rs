use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::Bytes;

use super::When;

/// What a caller is bound to a version of a prompt by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sticky {
    /// The user; calls that name none go by their session, else at random.
    #[default]
    User,
    /// The session; calls that name none go by their user, else at random.
    Session,
    /// Nothing: each call for itself.
    Call,
}

/// A split of calls over versions of one prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Version or label → weight, as in `{ "v1.0" = 90, "v2.0" = 10 }`.
    pub versions: BTreeMap<String, u32>,
    /// What keeps a caller on one version: user, session or call.
    pub sticky: Sticky,
}

/// A prompt for calls that name none themselves. The first one that matches wins.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignConfig {
    /// The calls it is for.
    #[serde(default)]
    pub when: When,
    /// The prompt.
    pub prompt: String,
    /// Its version or label. Without it: the split, else the label `production`, else the newest version.
    #[serde(default)]
    pub version: Option<String>,
}

/// Prompt templates.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PromptsConfig {
    /// Folder of prompt files, `<name>/<version>.jinja2` (or `.mustache`). It need not exist. Changes are taken live.
    pub dir: PathBuf,
    /// Prompts for calls that name none.
    pub assign: Vec<AssignConfig>,
    /// Splits over versions, by prompt.
    pub split: BTreeMap<String, SplitConfig>,
    /// Steps that rendering one prompt may take; 64 bytes of data that it makes count as one too.
    pub fuel: u64,
    /// Longest text that one prompt may make.
    #[schemars(with = "String")]
    pub max_output: Bytes,
}

impl Default for PromptsConfig {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("prompts"),
            assign: Vec::new(),
            split: BTreeMap::new(),
            fuel: 200_000,
            max_output: Bytes(4 << 20),
        }
    }
}
