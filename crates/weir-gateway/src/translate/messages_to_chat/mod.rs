//! The client speaks Anthropic Messages, the upstream OpenAI chat completions.
//!
//! The correspondence, in short: `system` becomes the first message; tool results leave the user turn and become
//! messages of role `tool` in front of what the user says; reasoning comes back as thinking blocks, signed when the
//! upstream gave `thinking_blocks` and with an empty signature otherwise.
//!
//! A Messages stream must tell the input tokens in its first event, when no upstream has told them: the caller gives an
//! estimate, and `message_delta` corrects it.

mod content;
mod messages;
mod request;
mod response;
mod stream;
mod tools;

pub use request::{request, request_with_context};
pub use response::response;
pub use stream::Stream;

use super::names::ToolNames;

/// What the gateway knows about the upstream's model.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestOptions<'a> {
    /// The model's name at the provider.
    pub model: &'a str,
    /// Leave out members without an equivalent instead of refusing the request.
    pub drop_params: bool,
    /// The bound on the output is called `max_completion_tokens` (OpenAI itself) instead of `max_tokens` (most others).
    pub max_completion_tokens: bool,
    /// The model takes `reasoning_effort`. Otherwise thinking, which is a wish, is left out.
    pub reasoning_effort: bool,
    /// The upstream takes `reasoning_content` and `thinking_blocks` in messages. Others may refuse unknown members.
    pub keep_thinking: bool,
    /// The upstream takes `cache_control` in parts and tools. Others may refuse unknown members.
    pub keep_cache_control: bool,
}

/// What the answer needs of its request. [`request_with_context`] fills all but `input_tokens`; the caller may replace
/// `model`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// The model's name that the client asked for and is shown; empty shows the upstream's.
    pub model: String,
    /// An estimate of the input, for `message_start` and for upstreams that report no usage.
    pub input_tokens: u64,
    /// Tool names that were replaced.
    pub tool_names: ToolNames,
}

/// Stop reason of Messages for a finish reason of chat completions; vendors add their own words.
fn stop_reason(finish_reason: &str) -> &'static str {
    match finish_reason {
        "length" => "max_tokens",
        "model_length" => "model_context_window_exceeded",
        "tool_calls" | "function_call" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    }
}

/// A stop reason that agrees with the content: calls without the reason (some upstreams say `stop`), refusals.
fn settled_stop_reason(reason: &'static str, calls: bool, refused: bool) -> &'static str {
    match reason {
        "end_turn" if calls => "tool_use",
        "end_turn" if refused => "refusal",
        "tool_use" if !calls => "end_turn",
        reason => reason,
    }
}

/// A message's id made from a completion's: `chatcmpl-01X` is shown as `msg_01X`.
fn message_id(completion_id: &str) -> String {
    format!("msg_{}", completion_id.strip_prefix("chatcmpl-").unwrap_or(completion_id))
}
