use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::When;

/// How prompts are made shorter before they are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompressConfig {
    /// The calls whose prompts are compressed; the first rule that matches counts.
    pub when: When,
    /// Whether superfluous whitespace goes, blocks of text that stand again are replaced by a short mark, and bare JSON
    /// is written without spaces. What is said stays.
    pub lossless: bool,
    /// Prompts that are longer than so many tokens lose their least relevant sentences until they fit. Each gap is
    /// marked with `[…]`, and what went is recorded.
    pub target_tokens: Option<u64>,
    /// The same as a share of the prompt's tokens, above 0 and below 1: 0.5 keeps half. With `target_tokens` too, the
    /// smaller number counts.
    pub target_ratio: Option<f64>,
    /// Prompts with fewer tokens are left alone.
    pub min_tokens: u64,
    /// Whether the last turn of the user may be changed too. Its first and last paragraph, where the question stands,
    /// never lose sentences.
    pub include_last_user: bool,
    /// Whether code may go as a whole: a code block that stands again, and code blocks and sentences with inline code
    /// that are of little relevance. Whitespace within code is never changed.
    pub include_code: bool,
}

impl Default for CompressConfig {
    fn default() -> Self {
        Self {
            when: When::default(),
            lossless: true,
            target_tokens: None,
            target_ratio: None,
            min_tokens: 256,
            include_last_user: false,
            include_code: false,
        }
    }
}

impl CompressConfig {
    /// Whether the values make sense together.
    ///
    /// # Errors
    /// The key that is wrong, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if let Some(ratio) = self.target_ratio.filter(|ratio| !(*ratio > 0.0 && *ratio < 1.0)) {
            return Err(format!("target_ratio: {ratio} is not a share to keep; write a number above 0 and below 1"));
        }
        if self.target_tokens == Some(0) {
            return Err("target_tokens: nothing fits into 0 tokens; write a larger number or leave it out".to_owned());
        }
        Ok(())
    }

    /// The most tokens that a prompt of so many may keep; `None` without a target.
    #[must_use]
    pub fn target(&self, tokens: u64) -> Option<u64> {
        let share = self.target_ratio.map(|ratio| (tokens as f64 * ratio.clamp(0.0, 1.0)) as u64);
        match (self.target_tokens, share) {
            (Some(fixed), Some(share)) => Some(fixed.min(share)),
            (fixed, share) => fixed.or(share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_target_counts() {
        let both = CompressConfig { target_tokens: Some(100), target_ratio: Some(0.5), ..Default::default() };
        assert_eq!((both.target(150), both.target(1_000)), (Some(75), Some(100)));
        assert_eq!(CompressConfig::default().target(1_000), None);
    }

    #[test]
    fn odd_values_are_named() {
        for ratio in [0.0, 1.0, -1.0, f64::NAN] {
            let wrong = CompressConfig { target_ratio: Some(ratio), ..Default::default() };
            assert!(wrong.check().unwrap_err().starts_with("target_ratio"));
        }
        assert!(CompressConfig { target_tokens: Some(0), ..Default::default() }.check().is_err());
        assert!(CompressConfig { target_ratio: Some(0.5), ..Default::default() }.check().is_ok());
    }
}
