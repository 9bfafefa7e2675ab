//! A provider's `usage` object as disjoint [`TokenCounts`].
//!
//! What the numbers mean differs: OpenAI's `prompt_tokens` includes cached and audio tokens and `completion_tokens`
//! includes reasoning; Anthropic's `input_tokens` excludes what was read from or written to the cache; Gemini's
//! `candidatesTokenCount` excludes thoughts.
//!
//! Invariants: a function returns `None` only for what is no usage object (not an object, or without a single count);
//! members that are absent, null, negative or of another type count as 0, strings of digits as their number; a part
//! that exceeds its whole is clamped to it, so the input classes always add up to the input that was reported.

use super::TokenCounts;
use reported::{Field as F, Reported};

mod reported;

/// Usage of the OpenAI form: chat and text completions, embeddings, the responses API, and what other vendors made of
/// it (`DeepSeek`'s `prompt_cache_hit_tokens`, Moonshot's top-level `cached_tokens`, xAI's reasoning beside the
/// completion).
#[must_use]
pub fn from_openai(json: &[u8]) -> Option<TokenCounts> {
    Reported::parse(json).map(|r| openai(&r))
}

/// Usage of Anthropic's Messages API. For a stream, see [`merge_anthropic`].
#[must_use]
pub fn from_anthropic(json: &[u8]) -> Option<TokenCounts> {
    Reported::parse(json).map(|r| anthropic(&r))
}

/// `usageMetadata` of Gemini's own API.
#[must_use]
pub fn from_gemini(json: &[u8]) -> Option<TokenCounts> {
    Reported::parse(json).map(|r| gemini(&r))
}

/// Usage of any of these forms, told apart by its members; for records that do not say who answered.
#[must_use]
pub fn from_any(json: &[u8]) -> Option<TokenCounts> {
    let r = Reported::parse(json)?;
    Some(if r.is_gemini {
        gemini(&r)
    } else if r.get(F::Prompt).is_none() && (r.get(F::CacheRead).is_some() || r.get(F::CacheCreation).is_some()) {
        anthropic(&r)
    } else {
        openai(&r)
    })
}

/// The usage of an Anthropic stream: `message_start` states the input, `message_delta` the output so far and sometimes
/// the input again. Numbers are cumulative, so each class takes the larger one.
#[must_use]
pub fn merge_anthropic(start: TokenCounts, delta: TokenCounts) -> TokenCounts {
    let input = if delta.input_total() >= start.input_total() { delta } else { start };
    let output = if delta.output_total() >= start.output_total() { delta } else { start };
    TokenCounts { completion: output.completion, reasoning: output.reasoning, audio_out: output.audio_out, ..input }
}

fn openai(r: &Reported) -> TokenCounts {
    let said_input = r.get(F::Prompt).or(r.get(F::Input));
    let said_output = r.get(F::Completion).or(r.get(F::Output));
    let total = r.count(F::Total);
    let input = said_input.unwrap_or_else(|| total.saturating_sub(said_output.unwrap_or(0)));
    let mut output = said_output.unwrap_or_else(|| total.saturating_sub(input));
    let said_reasoning = r.count(F::Reasoning);
    // xAI counts reasoning beside the completion; its total shows it.
    let beside = input.checked_add(output).and_then(|n| n.checked_add(said_reasoning));
    if said_reasoning > 0 && beside.is_some() && beside == r.get(F::Total) {
        output += said_reasoning;
    }
    let mut left = input;
    let cached = part(&mut left, r.get(F::Cached).or(r.get(F::CacheHit)).or(r.get(F::CacheRead)));
    let cache_write = part(&mut left, r.get(F::CacheWrite).or(r.get(F::CacheCreation)));
    let audio_in = part(&mut left, r.get(F::AudioIn));
    let mut rest = output;
    let reasoning = part(&mut rest, Some(said_reasoning));
    let audio_out = part(&mut rest, r.get(F::AudioOut));
    TokenCounts {
        prompt: left,
        cached,
        cache_write,
        cache_write_1h: 0,
        completion: rest,
        reasoning,
        audio_in,
        audio_out,
    }
}

fn anthropic(r: &Reported) -> TokenCounts {
    let (short, long) = (r.count(F::Ephemeral5m), r.count(F::Ephemeral1h));
    let mut cache_write = r.get(F::CacheCreation).unwrap_or_else(|| short.saturating_add(long));
    let cache_write_1h = part(&mut cache_write, Some(long));
    let mut completion = r.get(F::Output).or(r.get(F::Completion)).unwrap_or(0);
    let reasoning = part(&mut completion, r.get(F::Reasoning));
    TokenCounts {
        prompt: r.get(F::Input).or(r.get(F::Prompt)).unwrap_or(0),
        cached: r.count(F::CacheRead),
        cache_write,
        cache_write_1h,
        completion,
        reasoning,
        audio_in: 0,
        audio_out: 0,
    }
}

fn gemini(r: &Reported) -> TokenCounts {
    let mut prompt = r.count(F::Prompt);
    let cached = part(&mut prompt, r.get(F::Cached));
    let audio_in = part(&mut prompt, r.get(F::AudioIn));
    let mut completion = r.count(F::Completion);
    let audio_out = part(&mut completion, r.get(F::AudioOut));
    TokenCounts {
        prompt: prompt.saturating_add(r.count(F::ToolPrompt)),
        cached,
        completion,
        reasoning: r.count(F::Reasoning),
        audio_in,
        audio_out,
        ..TokenCounts::default()
    }
}

/// Takes a part out of what is left of its whole.
fn part(left: &mut u64, said: Option<u64>) -> u64 {
    let part = said.unwrap_or(0).min(*left);
    *left -= part;
    part
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
