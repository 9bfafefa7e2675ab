//! A whole message becomes a completion.

use std::borrow::Cow;

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::usage::Usage;
use super::{JSON_TOOL, RequestContext, completion_id, finish_reason, service_tier};

/// Translates a response body.
///
/// # Errors
/// [`TranslateError::Upstream`] when the body is no message (it may be an error under a success status).
pub fn response(body: &[u8], ctx: &RequestContext) -> Result<Vec<u8>, TranslateError> {
    let message = Members::read(body).map_err(|error| TranslateError::upstream(error.to_string()))?;
    if message.get("error").is_some() {
        return Err(TranslateError::answered(body));
    }
    let Some(blocks) = message.array("content") else {
        return Err(TranslateError::upstream("the message has no content array"));
    };
    let content = Content::read(blocks.iter().map(|block| block.get()), ctx);
    let usage_object = message.object("usage").unwrap_or_default();
    let mut usage = Usage::default();
    usage.update_from_messages(&usage_object);

    let mut out = Vec::with_capacity(body.len() + 256);
    let mut object = Object::begin(&mut out);
    object.text("id", &completion_id(&message.text("id").unwrap_or_default()));
    object.text("object", "chat.completion");
    object.number("created", ctx.created);
    let model = if ctx.model.is_empty() { message.text("model").unwrap_or_default() } else { Cow::from(&*ctx.model) };
    object.text("model", &model);
    let choices = object.key("choices");
    choices.push(b'[');
    let mut choice = Object::begin(&mut *choices);
    choice.number("index", 0);
    content.write(&mut choice);
    choice.token("logprobs", "null");
    let reason = finish_reason(message.text("stop_reason").as_deref().unwrap_or_default());
    choice.text("finish_reason", content.finish_reason(reason));
    choice.end();
    choices.push(b']');
    usage.write_chat(object.key("usage"));
    if let Some(tier) = usage_object.text("service_tier").as_deref().and_then(service_tier) {
        object.text("service_tier", tier);
    }
    object.end();
    Ok(out)
}

/// The blocks of a message, sorted by what they become.
#[derive(Default)]
struct Content<'a> {
    texts: Vec<&'a str>,
    thoughts: Vec<&'a str>,
    thinking_blocks: Vec<Vec<u8>>,
    calls: Vec<Vec<u8>>,
    /// The input of the forced tool.
    json: Option<&'a str>,
}

impl<'a> Content<'a> {
    fn read(blocks: impl Iterator<Item = &'a str>, ctx: &RequestContext) -> Self {
        let mut content = Self::default();
        for token in blocks {
            let Some(block) = Members::of(token) else { continue };
            match block.text("type").as_deref() {
                Some("text") => content.texts.extend(block.string("text")),
                Some("thinking" | "redacted_thinking") => {
                    content.thoughts.extend(block.string("thinking"));
                    let mut copy = Vec::with_capacity(token.len());
                    json::compact(&mut copy, token);
                    content.thinking_blocks.push(copy);
                }
                Some("tool_use") if ctx.json_tool && block.text("name").as_deref() == Some(JSON_TOOL) => {
                    content.json = content.json.or_else(|| block.get("input"));
                }
                Some("tool_use") => content.calls.push(tool_call(&block, ctx)),
                // Blocks of server tools tell what Anthropic did by itself; the text that follows has the result.
                _ => {}
            }
        }
        content
    }

    /// A call of the forced tool is an ordinary answer.
    fn finish_reason(&self, reason: &'static str) -> &'static str {
        match reason {
            "tool_calls" if self.calls.is_empty() => "stop",
            reason => reason,
        }
    }

    fn write(&self, choice: &mut Object<'_>) {
        let mut message = Object::begin(choice.key("message"));
        message.text("role", "assistant");
        match self.json {
            Some(input) => json::compact_as_string(message.key("content"), input),
            None if self.texts.is_empty() => message.token("content", "null"),
            None => json::join(message.key("content"), self.texts.iter().copied(), ""),
        }
        message.token("refusal", "null");
        if !self.thoughts.is_empty() {
            json::join(message.key("reasoning_content"), self.thoughts.iter().copied(), "");
        }
        if !self.thinking_blocks.is_empty() {
            json::array(message.key("thinking_blocks"), &self.thinking_blocks);
        }
        if !self.calls.is_empty() {
            json::array(message.key("tool_calls"), &self.calls);
        }
        message.end();
    }
}

fn tool_call(block: &Members<'_>, ctx: &RequestContext) -> Vec<u8> {
    let mut out = Vec::new();
    let mut call = Object::begin(&mut out);
    call.token("id", block.string("id").unwrap_or("\"\""));
    call.text("type", "function");
    let mut function = Object::begin(call.key("function"));
    function.text("name", ctx.tool_names.original(&block.text("name").unwrap_or_default()));
    json::compact_as_string(function.key("arguments"), block.get("input").unwrap_or("{}"));
    function.end();
    call.end();
    out
}
