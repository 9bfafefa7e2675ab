//! Configured values that must not be printed, and where they come from.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A configured value that must not be printed: a key, or `env:NAME`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value, to be put where it belongs and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A literal, or the environment variable that `env:NAME` names.
///
/// # Errors
/// The variable is not set; the sentence names it, never a value.
pub fn resolve(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    match text.strip_prefix("env:") {
        None => Ok(text.to_owned()),
        Some(name) => env(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("the environment variable {name} is not set")),
    }
}
