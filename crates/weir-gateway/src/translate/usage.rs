//! Token counts in disjoint classes, read from and written to both protocols.
//!
//! The trap this file exists for: OpenAI's `prompt_tokens` includes cached tokens, Anthropic's `input_tokens` does not.

use super::json::{Members, Object};

/// Tokens of one call. The classes are disjoint: their sum is what the call read and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input read at the full price, without audio.
    pub input_uncached: u64,
    /// Input read from the provider's cache.
    pub input_cached: u64,
    /// Input written to the provider's cache for five minutes (or for a time that was not told).
    pub input_cache_write_5m: u64,
    /// Input written to the provider's cache for an hour.
    pub input_cache_write_1h: u64,
    /// Visible output.
    pub output_text: u64,
    /// Output spent on reasoning, where the provider tells it apart.
    pub output_reasoning: u64,
    /// Audio input.
    pub audio_in: u64,
    /// Audio output.
    pub audio_out: u64,
}

impl Usage {
    /// Reads a `usage` object of chat completions, with the vendors' variants of the cached count.
    pub(super) fn from_chat(usage: &Members<'_>) -> Self {
        let prompt = usage.object("prompt_tokens_details").unwrap_or_default();
        let completion = usage.object("completion_tokens_details").unwrap_or_default();
        let total_in = usage.count("prompt_tokens").unwrap_or(0);
        let cached = prompt.count("cached_tokens").or_else(|| usage.count("prompt_cache_hit_tokens")).unwrap_or(0);
        let written = prompt.count("cache_write_tokens").unwrap_or(0);
        let audio_in = prompt.count("audio_tokens").unwrap_or(0);
        let reasoning = completion.count("reasoning_tokens").unwrap_or(0);
        let audio_out = completion.count("audio_tokens").unwrap_or(0);
        let total_out = usage.count("completion_tokens").unwrap_or(0);
        Self {
            input_uncached: total_in.saturating_sub(cached).saturating_sub(written).saturating_sub(audio_in),
            input_cached: cached,
            input_cache_write_5m: written,
            input_cache_write_1h: 0,
            output_text: total_out.saturating_sub(reasoning).saturating_sub(audio_out),
            output_reasoning: reasoning,
            audio_in,
            audio_out,
        }
    }

    /// Takes over what a `usage` object of Messages tells. Later objects of a stream are cumulative: they replace.
    pub(super) fn update_from_messages(&mut self, usage: &Members<'_>) {
        if let Some(count) = usage.count("input_tokens") {
            self.input_uncached = count;
        }
        if let Some(count) = usage.count("cache_read_input_tokens") {
            self.input_cached = count;
        }
        let hour = usage.object("cache_creation").and_then(|split| split.count("ephemeral_1h_input_tokens"));
        if let Some(count) = usage.count("cache_creation_input_tokens") {
            self.input_cache_write_1h = hour.unwrap_or(self.input_cache_write_1h).min(count);
            self.input_cache_write_5m = count - self.input_cache_write_1h;
        }
        if let Some(count) = usage.count("output_tokens") {
            let details = usage.object("output_tokens_details").unwrap_or_default();
            let reasoning = details.count("thinking_tokens").or_else(|| details.count("reasoning_tokens"));
            self.output_reasoning = reasoning.unwrap_or(self.output_reasoning).min(count);
            self.output_text = count - self.output_reasoning;
        }
    }

    /// All input, cached or not.
    #[must_use]
    pub fn input_total(&self) -> u64 {
        self.input_uncached
            .saturating_add(self.input_cached)
            .saturating_add(self.cache_written())
            .saturating_add(self.audio_in)
    }

    /// All output, reasoning included.
    #[must_use]
    pub fn output_total(&self) -> u64 {
        self.output_text.saturating_add(self.output_reasoning).saturating_add(self.audio_out)
    }

    fn cache_written(&self) -> u64 {
        self.input_cache_write_5m.saturating_add(self.input_cache_write_1h)
    }

    /// Appends the `usage` object of chat completions.
    pub(super) fn write_chat(&self, out: &mut Vec<u8>) {
        let mut usage = Object::begin(out);
        usage.number("prompt_tokens", self.input_total());
        usage.number("completion_tokens", self.output_total());
        usage.number("total_tokens", self.input_total().saturating_add(self.output_total()));
        let mut details = Object::begin(usage.key("prompt_tokens_details"));
        details.number("cached_tokens", self.input_cached);
        details.number("cache_write_tokens", self.cache_written());
        details.end();
        if self.output_reasoning > 0 {
            let mut details = Object::begin(usage.key("completion_tokens_details"));
            details.number("reasoning_tokens", self.output_reasoning);
            details.end();
        }
        usage.end();
    }

    /// Appends the `usage` object of Messages.
    pub(super) fn write_messages(&self, out: &mut Vec<u8>) {
        let mut usage = Object::begin(out);
        usage.number("input_tokens", self.input_uncached.saturating_add(self.audio_in));
        usage.number("cache_creation_input_tokens", self.cache_written());
        usage.number("cache_read_input_tokens", self.input_cached);
        usage.number("output_tokens", self.output_total());
        usage.end();
    }
}
