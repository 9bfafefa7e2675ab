//! Tokens in the conventions' classes: input holds what was read from and written to the cache, output the reasoning.

use weir_core::span::Span;

use super::attributes::Said;

pub(super) fn put(said: &mut Said, span: &Span) {
    let Some(tokens) = &span.tokens else { return };
    said.count("gen_ai.usage.input_tokens", tokens.input_total());
    said.count("gen_ai.usage.output_tokens", tokens.output_total());
    let parts = [
        ("gen_ai.usage.cache_read.input_tokens", tokens.cached),
        ("gen_ai.usage.cache_creation.input_tokens", tokens.cache_write.saturating_add(tokens.cache_write_1h)),
        ("gen_ai.usage.reasoning.output_tokens", tokens.reasoning),
        ("gen_ai.usage.audio.input_tokens", tokens.audio_in),
        ("gen_ai.usage.audio.output_tokens", tokens.audio_out),
    ];
    for (name, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        said.count(name, count);
    }
}
