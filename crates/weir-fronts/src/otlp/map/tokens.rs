//! What a call used, in Weir's disjoint classes.
//!
//! Instrumentations report all input, with what was read from a cache as a part of it, and all output, with reasoning as
//! a part. Those that pass on Anthropic's own numbers do not count the cache as input: it shows by its size or by the
//! total. Langfuse's `usage_details` are disjoint already, unless they are a provider's object.

use weir_core::token::{TokenCounts, usage};

use super::fields::Mapping;
use super::read;
use super::table::USAGE;

/// More tokens than any model takes: who reports more is not believed, as one such span would spoil every sum.
const BELIEVED: u64 = 1_000_000_000;
const LANGFUSE: &str = "langfuse.observation.usage_details";

/// The tokens of a call; `None` where no attribute says anything.
pub(super) fn of(mapping: &mut Mapping) -> Option<TokenCounts> {
    langfuse(mapping).or_else(|| reported(mapping))
}

/// Counts that can be believed.
pub(super) fn believed(counts: TokenCounts) -> bool {
    counts.total() <= BELIEVED
}

fn reported(mapping: &mut Mapping) -> Option<TokenCounts> {
    let mut count = |sources| mapping.first(sources, read::count).map(|count| count.min(BELIEVED * 2));
    let (said_input, said_output, total) = (count(USAGE.input), count(USAGE.output), count(USAGE.total));
    let [cached, cache_write, one_hour, reasoning, audio_in, audio_out] =
        [USAGE.cached, USAGE.cache_write, USAGE.cache_write_1h, USAGE.reasoning, USAGE.audio_in, USAGE.audio_out]
            .map(|sources| count(sources).unwrap_or_default());
    if said_input.is_none() && said_output.is_none() && total.is_none() {
        return None;
    }
    let mut output = said_output.unwrap_or_else(|| said_input.zip(total).map_or(0, |(i, t)| t.saturating_sub(i)));
    let mut input = said_input.unwrap_or_else(|| total.unwrap_or_default().saturating_sub(output));
    let cache = cached + cache_write;
    if cache > input || cache > 0 && total == Some(input + output + cache) {
        input += cache;
    }
    if reasoning > 0 && total == Some(input + output + reasoning) {
        output += reasoning;
    }
    let part = |whole: &mut u64, part: u64| {
        let part = part.min(*whole);
        *whole -= part;
        part
    };
    let (cached, mut cache_write) = (part(&mut input, cached), part(&mut input, cache_write));
    let cache_write_1h = part(&mut cache_write, one_hour);
    let (audio_in, audio_out) = (part(&mut input, audio_in), part(&mut output, audio_out));
    let reasoning = part(&mut output, reasoning);
    Some(TokenCounts {
        prompt: input,
        completion: output,
        cached,
        cache_write,
        cache_write_1h,
        reasoning,
        audio_in,
        audio_out,
    })
}

fn langfuse(mapping: &mut Mapping) -> Option<TokenCounts> {
    let entry = mapping.pool.find(LANGFUSE)?;
    let members = entry.json()?.as_object()?;
    let is_a_providers = ["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "promptTokenCount"]
        .iter()
        .any(|name| members.contains_key(*name));
    if is_a_providers {
        return usage::from_any(entry.value.as_text()?.as_bytes());
    }
    let mut counts = TokenCounts::default();
    let (mut said, mut total) = (false, None);
    for (name, value) in members {
        let Some(count) = value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64)) else {
            continue;
        };
        let class = match name.as_str() {
            "total" => {
                total = Some(count);
                continue;
            }
            input if input.starts_with("input") => {
                if input.contains("creation") || input.contains("write") {
                    if input.ends_with("1h") { &mut counts.cache_write_1h } else { &mut counts.cache_write }
                } else if input.contains("cache") {
                    &mut counts.cached
                } else if input.contains("audio") {
                    &mut counts.audio_in
                } else {
                    &mut counts.prompt
                }
            }
            output if output.starts_with("output") => {
                if output.contains("reasoning") {
                    &mut counts.reasoning
                } else if output.contains("audio") {
                    &mut counts.audio_out
                } else {
                    &mut counts.completion
                }
            }
            _ => continue,
        };
        *class = class.saturating_add(count);
        said = true;
    }
    if said { Some(counts) } else { total.map(|total| TokenCounts::of(total, 0)) }
}
