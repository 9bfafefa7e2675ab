//! The conversation: system messages are lifted out, tool results are gathered, turns of one role are merged.

use super::super::error::TranslateError;
use super::super::json::{self, Members, Object};
use super::super::names::Namer;
use super::RequestOptions;
use super::content::{At, Piece, parts, text_block, write_pieces};

/// A user turn that stands where Messages demands one and the client has none.
const PLACEHOLDER: &str = r#"".""#;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    User,
    Assistant,
}

/// Messages of one role without another between.
struct Turn<'a> {
    role: Role,
    /// Tool results, which must stand before all else in their turn.
    results: Vec<Piece<'a>>,
    pieces: Vec<Piece<'a>>,
}

/// `messages` as Messages wants it.
#[derive(Default)]
pub(super) struct Conversation<'a> {
    system: Vec<Piece<'a>>,
    turns: Vec<Turn<'a>>,
    /// The newest assistant turn since the user spoke calls tools and has no thinking block.
    lacks_thinking: bool,
}

impl<'a> Conversation<'a> {
    /// Reads `messages`.
    pub(super) fn read(
        members: &Members<'a>,
        opts: &RequestOptions<'_>,
        namer: &mut Namer,
    ) -> Result<Self, TranslateError> {
        let Some(items) = members.array("messages") else {
            return Err(TranslateError::invalid("messages", "expected an array"));
        };
        let mut conversation = Self::default();
        for (at, item) in items.iter().enumerate() {
            let at = At::message(at);
            let Some(message) = Members::of(item.get()) else {
                return Err(TranslateError::invalid(at, "expected an object"));
            };
            conversation.add(&message, at, opts, namer)?;
        }
        conversation.settle();
        Ok(conversation)
    }

    /// Adds a line to the system prompt.
    pub(super) fn instruct(&mut self, token: &'a str) {
        self.system.push(Piece::Text(token));
    }

    /// Whether thinking cannot be switched on: the tool calls being answered were made without it, and Messages
    /// demands that such a turn begins with its thinking block.
    pub(super) fn lacks_thinking(&self) -> bool {
        self.lacks_thinking
    }

    fn add(
        &mut self,
        message: &Members<'a>,
        at: At,
        opts: &RequestOptions<'_>,
        namer: &mut Namer,
    ) -> Result<(), TranslateError> {
        match message.text("role").as_deref() {
            Some("system" | "developer") => self.system.extend(parts(message, at, opts)?),
            Some("user") => {
                let pieces = parts(message, at, opts)?;
                if !pieces.is_empty() {
                    self.lacks_thinking = false;
                    self.turn(Role::User).pieces.extend(pieces);
                }
            }
            Some("assistant") => self.add_assistant(message, at, opts, namer)?,
            Some("tool") => {
                let result = tool_result(message, at, opts)?;
                self.turn(Role::User).results.push(result);
            }
            Some("function") if opts.drop_params => {}
            Some("function") => return Err(TranslateError::Unsupported { member: at.member("role") }),
            _ => {
                let expected = "expected developer, system, user, assistant or tool";
                return Err(TranslateError::invalid(at.member("role"), expected));
            }
        }
        Ok(())
    }

    /// Thinking first, then text, then the calls.
    fn add_assistant(
        &mut self,
        message: &Members<'a>,
        at: At,
        opts: &RequestOptions<'_>,
        namer: &mut Namer,
    ) -> Result<(), TranslateError> {
        for name in ["audio", "function_call"] {
            if message.get(name).is_some() && !opts.drop_params {
                return Err(TranslateError::Unsupported { member: at.member(name) });
            }
        }
        let mut pieces = Vec::new();
        for block in message.array("thinking_blocks").unwrap_or_default() {
            pieces.extend(thinking_block(block.get()));
        }
        let thinks = !pieces.is_empty();
        pieces.extend(parts(message, at, opts)?);
        if let Some(refusal) = message.string("refusal").filter(|text| !json::is_blank(text)) {
            pieces.push(Piece::Text(refusal));
        }
        let calls = message.array("tool_calls").unwrap_or_default();
        for (index, call) in calls.iter().enumerate() {
            let path = at.member(&format!("tool_calls[{index}]"));
            let call = Members::of(call.get()).unwrap_or_default();
            if call.get("custom").is_some() {
                if opts.drop_params {
                    continue;
                }
                return Err(TranslateError::Unsupported { member: path });
            }
            pieces.push(tool_use(&call, &path, namer)?);
        }
        if !calls.is_empty() {
            self.lacks_thinking = !thinks;
        }
        if !pieces.is_empty() {
            self.turn(Role::Assistant).pieces.extend(pieces);
        }
        Ok(())
    }

    fn turn(&mut self, role: Role) -> &mut Turn<'a> {
        let same = self.turns.last().is_some_and(|turn| turn.role == role);
        // Vec has no "last or push"; the index is always the one just made sure of.
        if !same {
            self.turns.push(Turn { role, results: Vec::new(), pieces: Vec::new() });
        }
        let last = self.turns.len() - 1;
        &mut self.turns[last]
    }

    /// A first turn must be the user's, and the text that the model is to continue may not end in whitespace.
    fn settle(&mut self) {
        if let Some(turn) = self.turns.last_mut()
            && turn.role == Role::Assistant
            && let Some(Piece::Text(token)) = turn.pieces.last()
            && let Some(text) = json::decode(token)
            && text.ends_with(char::is_whitespace)
        {
            let mut trimmed = Vec::new();
            json::string(&mut trimmed, text.trim_end());
            turn.pieces.pop();
            turn.pieces.push(text_block(&String::from_utf8_lossy(&trimmed), None));
        }
        if self.turns.first().is_none_or(|turn| turn.role == Role::Assistant) {
            let turn = Turn { role: Role::User, results: Vec::new(), pieces: vec![Piece::Text(PLACEHOLDER)] };
            self.turns.insert(0, turn);
        }
    }

    /// Writes `system` and `messages`.
    pub(super) fn write(&self, object: &mut Object<'_>) {
        let texts: Option<Vec<&str>> = self.system.iter().map(Piece::as_text).collect();
        match texts {
            Some(texts) if texts.is_empty() => {}
            Some(texts) => json::join(object.key("system"), texts, "\\n\\n"),
            None => write_pieces(object.key("system"), self.system.iter()),
        }
        let out = object.key("messages");
        out.push(b'[');
        for (at, turn) in self.turns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let mut message = Object::begin(out);
            message.text("role", if turn.role == Role::User { "user" } else { "assistant" });
            match (turn.results.as_slice(), turn.pieces.as_slice()) {
                ([], [Piece::Text(token)]) => message.token("content", token),
                (results, pieces) => write_pieces(message.key("content"), results.iter().chain(pieces)),
            }
            message.end();
        }
        out.push(b']');
    }
}

/// A block to send back as it came, without what the stream form adds. `None` for anything unsigned: it is refused.
fn thinking_block<'a>(token: &str) -> Option<Piece<'a>> {
    let block = Members::of(token)?;
    let names: &[&str] = match block.text("type")?.as_ref() {
        "thinking" => &["type", "thinking", "signature"],
        "redacted_thinking" => &["type", "data"],
        _ => return None,
    };
    if block.string("signature").is_some_and(|signature| signature == "\"\"") {
        return None;
    }
    let mut out = Vec::with_capacity(token.len());
    let mut object = Object::begin(&mut out);
    for name in names {
        object.token(name, block.string(name)?);
    }
    object.end();
    Some(Piece::Json(out))
}

/// `arguments` is text that holds JSON; Messages wants the JSON. It is copied, not printed again.
fn tool_use<'a>(call: &Members<'_>, path: &str, namer: &mut Namer) -> Result<Piece<'a>, TranslateError> {
    let function = call.object("function").unwrap_or_default();
    let expected = |member: &str, what: &'static str| TranslateError::invalid(format!("{path}.{member}"), what);
    let Some(id) = call.text("id") else { return Err(expected("id", "expected a string")) };
    let Some(name) = function.text("name") else { return Err(expected("function.name", "expected a string")) };
    let token = function.get("arguments").unwrap_or("\"\"");
    // Some clients send the object itself.
    let arguments = if token.starts_with('{') { token.into() } else { json::decode(token).unwrap_or_default() };
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
    if Members::of(arguments).is_none() {
        return Err(expected("function.arguments", "expected a string that holds a JSON object"));
    }
    let mut out = Vec::with_capacity(arguments.len() + 96);
    let mut object = Object::begin(&mut out);
    object.text("type", "tool_use");
    object.text("id", &tool_id(&id));
    object.text("name", namer.wire(&name));
    object.token("input", arguments);
    object.maybe("cache_control", call.get("cache_control"));
    object.end();
    Ok(Piece::Json(out))
}

fn tool_result<'a>(message: &Members<'_>, at: At, opts: &RequestOptions<'_>) -> Result<Piece<'a>, TranslateError> {
    let Some(id) = message.text("tool_call_id") else {
        return Err(TranslateError::invalid(at.member("tool_call_id"), "expected a string"));
    };
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    object.text("type", "tool_result");
    object.text("tool_use_id", &tool_id(&id));
    match message.string("content") {
        Some("\"\"") => {}
        Some(token) => object.token("content", token),
        None => {
            let pieces = parts(message, at, opts)?;
            if !pieces.is_empty() {
                write_pieces(object.key("content"), pieces.iter());
            }
        }
    }
    object.maybe("cache_control", message.get("cache_control"));
    object.end();
    Ok(Piece::Json(out))
}

/// Messages takes letters, digits, `_` and `-` in the id of a call; other servers' ids have more.
fn tool_id(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect()
}
