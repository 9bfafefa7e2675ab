//! A whole completion becomes a message.

use std::borrow::Cow;

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::usage::Usage;
use super::{RequestContext, message_id, settled_stop_reason, stop_reason};

/// Translates a response body.
///
/// # Errors
/// [`TranslateError::Upstream`] when the body is no completion (it may be an error under a success status).
pub fn response(body: &[u8], ctx: &RequestContext) -> Result<Vec<u8>, TranslateError> {
    let completion = Members::read(body).map_err(|error| TranslateError::upstream(error.to_string()))?;
    if completion.get("error").is_some() {
        return Err(TranslateError::answered(body));
    }
    let choice = completion.array("choices").and_then(|choices| Members::of(choices.first()?.get()));
    let Some(choice) = choice else {
        return Err(TranslateError::upstream("the completion has no choices"));
    };
    let Some(message) = choice.object("message") else {
        return Err(TranslateError::upstream("the choice has no message"));
    };
    let content = Content::read(&message, ctx);

    let mut out = Vec::with_capacity(body.len() + 256);
    let mut object = Object::begin(&mut out);
    object.text("id", &message_id(&completion.text("id").unwrap_or_default()));
    object.text("type", "message");
    object.text("role", "assistant");
    let model =
        if ctx.model.is_empty() { completion.text("model").unwrap_or_default() } else { Cow::from(&*ctx.model) };
    object.text("model", &model);
    json::array(object.key("content"), &content.blocks);
    let reason = stop_reason(choice.text("finish_reason").as_deref().unwrap_or_default());
    let reason = settled_stop_reason(reason, content.calls, content.refused);
    // vLLM and its kin tell which stop string matched.
    match choice.string("stop_reason").filter(|_| reason == "end_turn") {
        Some(sequence) => {
            object.text("stop_reason", "stop_sequence");
            object.token("stop_sequence", sequence);
        }
        None => {
            object.text("stop_reason", reason);
            object.token("stop_sequence", "null");
        }
    }
    let usage = completion.object("usage").map(|usage| Usage::from_chat(&usage));
    let estimate = Usage { input_uncached: ctx.input_tokens, ..Usage::default() };
    usage.unwrap_or(estimate).write_messages(object.key("usage"));
    object.end();
    Ok(out)
}

/// The blocks of the message to be.
#[derive(Default)]
struct Content {
    blocks: Vec<Vec<u8>>,
    calls: bool,
    refused: bool,
}

impl Content {
    /// Thinking, text, refusal, calls: the order in which a model makes them.
    fn read(message: &Members<'_>, ctx: &RequestContext) -> Self {
        let mut content = Self::default();
        let signed = message.array("thinking_blocks").unwrap_or_default();
        for block in &signed {
            let mut copy = Vec::new();
            json::compact(&mut copy, block.get());
            content.blocks.push(copy);
        }
        let thought = message.string("reasoning_content").or_else(|| message.string("reasoning"));
        if let Some(token) = thought.filter(|token| signed.is_empty() && *token != "\"\"") {
            content.push("thinking", &[("thinking", token), ("signature", "\"\"")]);
        }
        match message.get("content") {
            Some(token) if token.starts_with('"') => content.text(token),
            Some(token) => {
                for part in json::elements(token).unwrap_or_default() {
                    let part = Members::of(part.get()).unwrap_or_default();
                    part.string("text").into_iter().for_each(|token| content.text(token));
                }
            }
            None => {}
        }
        if let Some(token) = message.string("refusal").filter(|token| *token != "\"\"") {
            content.refused = true;
            content.text(token);
        }
        for (at, call) in message.array("tool_calls").unwrap_or_default().iter().enumerate() {
            let call = Members::of(call.get()).unwrap_or_default();
            content.call(call.string("id"), at, &call.object("function").unwrap_or_default(), ctx);
        }
        if let Some(function) = message.object("function_call") {
            content.call(None, 0, &function, ctx);
        }
        content
    }

    fn push(&mut self, kind: &str, members: &[(&str, &str)]) {
        let mut out = Vec::new();
        let mut block = Object::begin(&mut out);
        block.text("type", kind);
        for (name, token) in members {
            block.token(name, token);
        }
        block.end();
        self.blocks.push(out);
    }

    fn text(&mut self, token: &str) {
        if token != "\"\"" {
            self.push("text", &[("text", token)]);
        }
    }

    fn call(&mut self, id: Option<&str>, at: usize, function: &Members<'_>, ctx: &RequestContext) {
        self.calls = true;
        let mut out = Vec::new();
        let mut block = Object::begin(&mut out);
        block.text("type", "tool_use");
        match id.filter(|id| *id != "\"\"") {
            Some(id) => block.token("id", id),
            None => block.text("id", &format!("toolu_{at}")),
        }
        block.text("name", ctx.tool_names.original(&function.text("name").unwrap_or_default()));
        write_input(block.key("input"), function.get("arguments"));
        block.end();
        self.blocks.push(out);
    }
}

/// Appends the input of a call: the JSON that `arguments` holds as text, or that it is (old TGI). What is no JSON
/// object, as when the output was cut, is kept as text in one member so that nothing gets lost.
fn write_input(out: &mut Vec<u8>, arguments: Option<&str>) {
    let token = arguments.unwrap_or("\"\"");
    let text = if token.starts_with('{') { token.into() } else { json::decode(token).unwrap_or_default() };
    let text = text.trim();
    if text.is_empty() {
        out.extend_from_slice(b"{}");
    } else if Members::of(text).is_some() {
        out.extend_from_slice(text.as_bytes());
    } else {
        let mut input = Object::begin(out);
        input.text("invalid_arguments", text);
        input.end();
    }
}
