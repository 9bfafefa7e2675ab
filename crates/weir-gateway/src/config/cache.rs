use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::{Bytes, Time};

/// Who shares answers with whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// Everybody.
    Shared,
    /// Callers with the same key; where no keys are configured, those who send the same credential or none.
    #[default]
    Key,
    /// Keys of the same `department`. A key without one shares with nobody else.
    Department,
    /// Keys of the same `project`. A key without one shares with nobody else.
    Project,
    /// Calls with the same key for the same end user.
    User,
}

/// Answers that are given again without asking a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// Whether a request that equals an earlier one gets its answer. Only answers that ended by themselves are kept.
    pub exact: bool,
    /// How long an answer may be given again. Requests may name another time (`cache.ttl`).
    #[schemars(with = "String")]
    pub ttl: Time,
    /// Most memory for answers; beyond it those that were not used for longest go.
    #[schemars(with = "String")]
    pub max_size: Bytes,
    /// Largest answer that is kept.
    #[schemars(with = "String")]
    pub max_entry: Bytes,
    /// Who shares answers: shared, key, department, project or user.
    pub scope: CacheScope,
    /// Whether answers are also kept on disk (`cache.db` in the data folder) and are there again after a restart. Only
    /// where `record.payload` is `full`: what is not to be written down is not written down here either.
    pub persist: bool,
    /// `[cache.semantic]`.
    pub semantic: SemanticConfig,
}

/// Answers that are given again to requests of nearly the same meaning: same model, parameters and conversation, and a
/// last message whose embedding is close. Never with tools, images or a temperature above 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SemanticConfig {
    /// Whether it is done. Turns `cache.exact` on as well.
    pub enabled: bool,
    /// The embedding model, as in `"openai/text-embedding-3-small"`.
    pub model: Option<String>,
    /// Least cosine similarity, above 0 and at most 1. Requests may name another (`cache.semantic_threshold`).
    pub threshold: f64,
    /// Most embeddings that are kept; they count against `cache.max_size` too.
    pub max_entries: usize,
    /// Longest wait for an embedding; after that the call goes on without.
    #[schemars(with = "String")]
    pub timeout: Time,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            exact: false,
            ttl: Time::secs(3_600),
            max_size: Bytes(64 << 20),
            max_entry: Bytes(1 << 20),
            scope: CacheScope::Key,
            persist: true,
            semantic: SemanticConfig::default(),
        }
    }
}

impl Default for SemanticConfig {
    fn default() -> Self {
        Self { enabled: false, model: None, threshold: 0.95, max_entries: 20_000, timeout: Time::secs(2) }
    }
}

impl CacheConfig {
    /// Whether anything is cached.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.exact || self.semantic.enabled
    }

    /// Checks what no type says.
    ///
    /// # Errors
    /// Names the key that is wrong and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if self.ttl.0.is_zero() {
            return Err("cache.ttl: must be longer than 0; to cache nothing, write exact = false".to_owned());
        }
        if self.max_entry > self.max_size {
            return Err(format!("cache.max_entry: {} is more than cache.max_size ({})", self.max_entry, self.max_size));
        }
        let semantic = &self.semantic;
        if !(semantic.threshold > 0.0 && semantic.threshold <= 1.0) {
            return Err(format!(
                "cache.semantic.threshold: {} must be above 0 and at most 1, as in 0.95",
                semantic.threshold
            ));
        }
        if semantic.enabled && semantic.model.as_deref().is_none_or(str::is_empty) {
            return Err("cache.semantic.model: is missing; name an embedding model, as in \
                        \"openai/text-embedding-3-small\""
                .to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(CacheConfig::default().check(), Ok(()));
        assert!(!CacheConfig::default().is_on());
        let wrong = |change: fn(&mut CacheConfig)| {
            let mut config = CacheConfig::default();
            change(&mut config);
            config.check().unwrap_err()
        };
        assert!(wrong(|c| c.ttl = Time::secs(0)).starts_with("cache.ttl"));
        assert!(wrong(|c| c.max_entry = Bytes(1 << 40)).starts_with("cache.max_entry"));
        assert!(wrong(|c| c.semantic.threshold = f64::NAN).starts_with("cache.semantic.threshold"));
        assert!(wrong(|c| c.semantic.enabled = true).starts_with("cache.semantic.model"));
    }
}
