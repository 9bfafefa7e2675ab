//! Token counts in disjoint classes.
//!
//! Invariant: no token is in two classes, so sums and costs never count one twice. Providers report overlapping
//! numbers (OpenAI's `prompt_tokens` holds the cached ones, Anthropic's `input_tokens` does not); `usage` separates
//! them.

use serde::{Deserialize, Serialize};

/// Tokens of one call, or of a sum of calls, by the class that they are billed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenCounts {
    /// Text and image input that was neither read from a prompt cache nor written to one.
    #[serde(skip_serializing_if = "is_zero")]
    pub prompt: u64,
    /// Input read from the provider's prompt cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached: u64,
    /// Input written to the provider's prompt cache with its usual lifetime (5 minutes at Anthropic).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// Input written to the provider's prompt cache for one hour.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
    /// Output without reasoning and audio.
    #[serde(skip_serializing_if = "is_zero")]
    pub completion: u64,
    /// Output spent on reasoning ("thinking") that is not part of the answer.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// Audio input.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_in: u64,
    /// Audio output.
    #[serde(skip_serializing_if = "is_zero")]
    pub audio_out: u64,
}

impl TokenCounts {
    /// Plain input and output, all else 0.
    #[must_use]
    pub fn of(prompt: u64, completion: u64) -> Self {
        Self { prompt, completion, ..Self::default() }
    }

    /// All input, what OpenAI calls `prompt_tokens`. Saturates.
    #[must_use]
    pub fn input_total(&self) -> u64 {
        self.prompt
            .saturating_add(self.cached)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.audio_in)
    }

    /// All output, what OpenAI calls `completion_tokens`. Saturates.
    #[must_use]
    pub fn output_total(&self) -> u64 {
        self.completion.saturating_add(self.reasoning).saturating_add(self.audio_out)
    }

    /// Input and output. Saturates.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input_total().saturating_add(self.output_total())
    }

    /// Whether every class is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Sum by class that saturates instead of wrapping.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            cached: self.cached.saturating_add(other.cached),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            completion: self.completion.saturating_add(other.completion),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            audio_in: self.audio_in.saturating_add(other.audio_in),
            audio_out: self.audio_out.saturating_add(other.audio_out),
        }
    }

    /// Difference by class that stops at 0, for corrections of sums.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.saturating_sub(other.prompt),
            cached: self.cached.saturating_sub(other.cached),
            cache_write: self.cache_write.saturating_sub(other.cache_write),
            cache_write_1h: self.cache_write_1h.saturating_sub(other.cache_write_1h),
            completion: self.completion.saturating_sub(other.completion),
            reasoning: self.reasoning.saturating_sub(other.reasoning),
            audio_in: self.audio_in.saturating_sub(other.audio_in),
            audio_out: self.audio_out.saturating_sub(other.audio_out),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_classes_are_not_written() {
        let counts = TokenCounts { cached: 3, ..TokenCounts::of(1, 2) };
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"prompt":1,"cached":3,"completion":2}"#);
        assert_eq!(serde_json::from_str::<TokenCounts>(&json).unwrap(), counts);
        assert_eq!(serde_json::to_string(&TokenCounts::default()).unwrap(), "{}");
    }

    #[test]
    fn sums_saturate() {
        let most = TokenCounts { reasoning: 1, audio_in: 1, ..TokenCounts::of(u64::MAX, u64::MAX) };
        assert_eq!(most.saturating_add(most).prompt, u64::MAX);
        assert_eq!((most.input_total(), most.output_total(), most.total()), (u64::MAX, u64::MAX, u64::MAX));
        assert!(TokenCounts::of(1, 2).saturating_sub(most).is_zero());
    }
}
