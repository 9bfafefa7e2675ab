//! What a call becomes before it is sent: its messages rendered from a prompt, its model selected by rule, its prompt
//! compressed. Pure; the exchange applies it.
//!
//! Invariant: a call that no rule and no prompt concerns leaves as it came, byte for byte.

mod conversation;
mod prompt;

use std::sync::Arc;

use weir_core::error::Error;

pub(crate) use prompt::{Members, Request, apply, given};

use crate::config::{AssignConfig, CompressConfig, Config};
use crate::rule::{Facts, Rule};

/// The rules of a configuration, made ready.
#[derive(Debug, Default)]
pub(crate) struct Shaping {
    select: Vec<(Rule, String)>,
    assign: Vec<(Rule, AssignConfig)>,
    compress: Vec<(Rule, Arc<CompressConfig>)>,
}

impl Shaping {
    /// Reads the rules.
    ///
    /// # Errors
    /// Names the rule that is wrong.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let rule = |place: &str, n: usize, when| Rule::new(when).map_err(|e| format!("{place}[{n}].{e}"));
        let mut shaping = Self::default();
        for (n, select) in config.select.iter().enumerate() {
            shaping.select.push((rule("select", n, &select.when)?, select.model.clone()));
        }
        for (n, assign) in config.prompts.assign.iter().enumerate() {
            shaping.assign.push((rule("prompts.assign", n, &assign.when)?, assign.clone()));
        }
        for (n, compress) in config.compress.iter().enumerate() {
            compress.check().map_err(|e| format!("compress[{n}].{e}"))?;
            shaping.compress.push((rule("compress", n, &compress.when)?, Arc::new(compress.clone())));
        }
        for (name, split) in &config.prompts.split {
            if split.versions.values().all(|weight| *weight == 0) {
                return Err(format!(
                    "prompts.split.{name}: needs versions with weights, as in versions = {{ \"v1.0\" = 90, \"v2.0\" = 10 }}"
                ));
            }
        }
        Ok(shaping)
    }

    /// The model that a rule selects for a call, and the rule's number.
    pub(crate) fn select(&self, facts: &Facts<'_>) -> Option<(usize, &str)> {
        let found = self.select.iter().position(|(rule, _)| rule.matches(facts))?;
        Some((found, &self.select[found].1))
    }

    /// Whether a rule could select a model.
    pub(crate) fn selects(&self) -> bool {
        !self.select.is_empty()
    }

    /// Whether a rule could compress a prompt.
    pub(crate) fn compresses(&self) -> bool {
        !self.compress.is_empty()
    }

    /// How a rule compresses the call's prompt.
    pub(crate) fn compression(&self, facts: &Facts<'_>) -> Option<Arc<CompressConfig>> {
        self.compress.iter().find(|(rule, _)| rule.matches(facts)).map(|(_, config)| config.clone())
    }

    /// Whether a rule could assign a prompt.
    pub(crate) fn assigns(&self) -> bool {
        !self.assign.is_empty()
    }

    /// The prompt that a rule assigns to a call that names none.
    pub(crate) fn assigned(&self, facts: &Facts<'_>) -> Option<&AssignConfig> {
        self.assign.iter().find(|(rule, _)| rule.matches(facts)).map(|(_, assign)| assign)
    }
}

/// JSON of a text.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn unreadable(member: &str, error: &serde_json::Error) -> Error {
    Error::invalid(member, format!("\"{member}\" cannot be read: {error}"))
}
