//! What a provider's whole answer says where no attribute does: its usage and why it stopped.

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::token::{TokenCounts, usage};

/// The members of an answer that are looked at; of the list that GenAI's messages are, its first item's.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, alias = "usageMetadata")]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

/// Usage and finish reason of an answer, as far as it states them.
pub(super) fn of(output: &str) -> (Option<TokenCounts>, Option<String>) {
    let text = |raw: Option<&RawValue>| serde_json::from_str::<String>(raw?.get()).ok();
    match output.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {
            let Ok(answer) = serde_json::from_str::<Answer<'_>>(output) else { return (None, None) };
            let tokens = answer.usage.and_then(|usage| usage::from_any(usage.get().as_bytes()));
            let choice = answer.choices.and_then(|choices| choices.into_iter().next());
            let reason = text(choice.and_then(|choice| choice.finish_reason)).or_else(|| text(answer.stop_reason));
            (tokens, reason)
        }
        Some(b'[') => {
            let messages = serde_json::from_str::<Vec<Choice<'_>>>(output).unwrap_or_default();
            (None, text(messages.into_iter().next().and_then(|message| message.finish_reason)))
        }
        _ => (None, None),
    }
}
