//! The conversation: one Messages turn may become several messages of chat completions.

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::names::Namer;
use super::RequestOptions;
use super::content::{At, Part, parts, write_content};

/// Stands in a tool message whose result is images only: chat completions take just text there.
const SEE_BELOW: &str = r#""The result is in the next message.""#;

/// Appends the array of messages.
pub(super) fn write_messages(
    members: &Members<'_>,
    opts: &RequestOptions<'_>,
    namer: &mut Namer,
    out: &mut Vec<u8>,
) -> Result<(), TranslateError> {
    let Some(items) = members.array("messages") else {
        return Err(TranslateError::invalid("messages", "expected an array"));
    };
    let mut list = List { out, empty: true };
    list.out.push(b'[');
    if let Some(system) = members.get("system") {
        list.say("system", &parts(system, At::system(), opts)?);
    }
    for (index, item) in items.iter().enumerate() {
        let at = At::message(index);
        let message = Members::of(item.get()).unwrap_or_default();
        let Some(content) = message.get("content") else {
            return Err(TranslateError::invalid(at.member("content"), "expected a string or an array of blocks"));
        };
        match message.text("role").as_deref() {
            Some("user") => list.user(content, at, opts)?,
            Some("assistant") => list.assistant(content, at, opts, namer)?,
            Some("system") => list.say("system", &parts(content, at, opts)?),
            _ => return Err(TranslateError::invalid(at.member("role"), "expected user or assistant")),
        }
    }
    list.out.push(b']');
    Ok(())
}

struct List<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl List<'_> {
    fn message(&mut self, role: &str) -> Object<'_> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        let mut message = Object::begin(self.out);
        message.text("role", role);
        message
    }

    fn say(&mut self, role: &str, parts: &[Part<'_>]) {
        if parts.is_empty() {
            return;
        }
        let mut message = self.message(role);
        write_content(message.key("content"), parts);
        message.end();
    }

    /// Tool results first, because they must follow the calls; then what the user says, and the results' images.
    fn user(&mut self, content: &str, at: At, opts: &RequestOptions<'_>) -> Result<(), TranslateError> {
        let Some(blocks) = json::elements(content) else {
            self.say("user", &parts(content, at, opts)?);
            return Ok(());
        };
        let mut said = Vec::new();
        for (index, token) in blocks.iter().enumerate() {
            let at = at.part(index);
            let block = Members::of(token.get()).unwrap_or_default();
            if block.text("type").as_deref() != Some("tool_result") {
                said.extend(Part::read(token.get(), at, opts)?);
                continue;
            }
            let Some(id) = block.string("tool_use_id") else {
                return Err(TranslateError::invalid(at.member("tool_use_id"), "expected a string"));
            };
            let (mut texts, mut has_images) = (Vec::new(), false);
            for part in block.get("content").map(|content| parts(content, at, opts)).transpose()?.unwrap_or_default() {
                match part.as_text() {
                    Some(token) => texts.push(token),
                    None => {
                        has_images = true;
                        said.push(part);
                    }
                }
            }
            let mut message = self.message("tool");
            message.token("tool_call_id", id);
            match texts.as_slice() {
                [] if has_images => message.token("content", SEE_BELOW),
                [one] => message.token("content", one),
                several => json::join(message.key("content"), several.iter().copied(), "\\n"),
            }
            message.end();
        }
        self.say("user", &said);
        Ok(())
    }

    /// Texts are joined; calls and, where the upstream takes it, thinking stand beside them.
    fn assistant(
        &mut self,
        content: &str,
        at: At,
        opts: &RequestOptions<'_>,
        namer: &mut Namer,
    ) -> Result<(), TranslateError> {
        if content.starts_with('"') {
            let mut message = self.message("assistant");
            message.token("content", content);
            message.end();
            return Ok(());
        }
        let Some(blocks) = json::elements(content) else {
            return Err(TranslateError::invalid(at.member("content"), "expected a string or an array of blocks"));
        };
        let (mut texts, mut thoughts, mut thinking, mut calls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (index, token) in blocks.iter().enumerate() {
            let at = at.part(index);
            let block = Members::of(token.get()).unwrap_or_default();
            match block.text("type").as_deref() {
                Some("text") => texts.extend(block.string("text")),
                Some("thinking") => {
                    thoughts.extend(block.string("thinking"));
                    if block.string("signature").is_some_and(|signature| signature != "\"\"") {
                        thinking.push(token.get());
                    }
                }
                Some("redacted_thinking") => thinking.push(token.get()),
                Some("tool_use") => calls.push(tool_call(&block, at, namer)?),
                _ if opts.drop_params => {}
                _ => return Err(TranslateError::Unsupported { member: at.to_string() }),
            }
        }
        if texts.is_empty() && calls.is_empty() {
            return Ok(());
        }
        let mut message = self.message("assistant");
        if texts.is_empty() {
            message.token("content", "null");
        } else {
            json::join(message.key("content"), texts, "");
        }
        if opts.keep_thinking && !thoughts.is_empty() {
            json::join(message.key("reasoning_content"), thoughts, "");
        }
        if opts.keep_thinking && !thinking.is_empty() {
            json::array(message.key("thinking_blocks"), thinking);
        }
        if !calls.is_empty() {
            json::array(message.key("tool_calls"), calls);
        }
        message.end();
        Ok(())
    }
}

fn tool_call(block: &Members<'_>, at: At, namer: &mut Namer) -> Result<Vec<u8>, TranslateError> {
    let Some(id) = block.string("id") else {
        return Err(TranslateError::invalid(at.member("id"), "expected a string"));
    };
    let Some(name) = block.text("name") else {
        return Err(TranslateError::invalid(at.member("name"), "expected a string"));
    };
    let mut out = Vec::new();
    let mut call = Object::begin(&mut out);
    call.token("id", id);
    call.text("type", "function");
    let mut function = Object::begin(call.key("function"));
    function.text("name", namer.wire(&name));
    json::compact_as_string(function.key("arguments"), block.get("input").unwrap_or("{}"));
    function.end();
    call.end();
    Ok(out)
}
