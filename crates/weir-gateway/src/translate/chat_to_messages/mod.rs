//! The client speaks OpenAI chat completions, the upstream Anthropic Messages.
//!
//! The correspondence, in short: system messages leave the list and become `system`; tool results become blocks at
//! the head of the next user turn; turns of one role merge, because roles must alternate; thinking comes back as
//! `reasoning_content` (for people) and `thinking_blocks` (signed, to be sent back in the next request).
//!
//! A JSON schema is enforced by `output_config.format` where the model has it, otherwise by a forced tool,
//! [`JSON_TOOL`], whose input is shown as the message's content.

mod content;
mod messages;
mod request;
mod response;
mod sampling;
mod stream;
mod tools;

pub use request::{request, request_with_context};
pub use response::response;
pub use stream::Stream;

use super::names::ToolNames;

/// The tool that a model is forced to call when it has no native JSON schema output.
pub const JSON_TOOL: &str = "json_tool_call";

/// What the gateway knows about the upstream's model.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestOptions<'a> {
    /// The model's name at the provider.
    pub model: &'a str,
    /// `max_tokens` when the client gives none: the most the model can write. `None` is 4096.
    pub default_max_tokens: Option<u64>,
    /// Leave out members without an equivalent instead of refusing the request.
    pub drop_params: bool,
    /// The model takes `output_config.format` (and `strict` tools).
    pub native_json_schema: bool,
    /// The model takes `output_config.effort`; otherwise `reasoning_effort` becomes a thinking budget.
    pub native_effort: bool,
}

/// What the answer needs of its request. [`request_with_context`] fills all but `created`, which the caller's clock
/// gives; the caller may replace `model`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// The model's name that the client asked for and is shown; empty shows the upstream's.
    pub model: String,
    /// `created` of the answer, in seconds since 1970.
    pub created: u64,
    /// The client asked for `stream_options.include_usage`.
    pub include_usage: bool,
    /// Tool names that were replaced.
    pub tool_names: ToolNames,
    /// [`JSON_TOOL`] was added: its input is the content.
    pub json_tool: bool,
}

/// Finish reason of chat completions for a stop reason of Messages.
fn finish_reason(stop_reason: &str) -> &'static str {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    }
}

/// Service tier of chat completions for the one that Messages reports in `usage`.
fn service_tier(tier: &str) -> Option<&'static str> {
    match tier {
        "standard" => Some("default"),
        "priority" => Some("priority"),
        _ => None,
    }
}

/// A completion's id made from a message's: `msg_01X` is shown as `chatcmpl-01X`.
fn completion_id(message_id: &str) -> String {
    format!("chatcmpl-{}", message_id.strip_prefix("msg_").unwrap_or(message_id))
}
