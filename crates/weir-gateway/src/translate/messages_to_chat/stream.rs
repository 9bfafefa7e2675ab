//! A stream of completion chunks becomes a stream of Messages events.
//!
//! Blocks follow one another: a new kind of delta, or a new call, closes the open block and opens the next. The end is
//! held back until `[DONE]`, because the usage comes after the finish reason.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::error::error_to_anthropic;
use super::super::json::{self, Members, Object};
use super::super::usage::Usage;
use super::{RequestContext, message_id, settled_stop_reason, stop_reason};

/// Most calls in one answer; an upstream that makes more is not one we know.
const MAX_CALLS: usize = 1024;

/// Translates the events of one answer.
#[derive(Debug)]
pub struct Stream {
    ctx: RequestContext,
    started: bool,
    /// The open block.
    open: Option<Open>,
    /// Index of the next block.
    next: u64,
    calls: Vec<Call>,
    stop: Option<&'static str>,
    stop_sequence: Option<String>,
    refused: bool,
    usage: Option<Usage>,
    /// Bytes of text sent, to estimate the output when no usage comes.
    output_bytes: u64,
    complete: bool,
    finished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call,
}

/// A call of a tool: which of the upstream's, and its block.
#[derive(Debug)]
struct Call {
    index: u64,
    id: String,
    block: u64,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    x_groq: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking_blocks: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

impl Stream {
    /// A stream that has seen nothing.
    #[must_use]
    pub fn new(ctx: RequestContext) -> Self {
        Self {
            ctx,
            started: false,
            open: None,
            next: 0,
            calls: Vec::new(),
            stop: None,
            stop_sequence: None,
            refused: false,
            usage: None,
            output_bytes: 0,
            complete: false,
            finished: false,
        }
    }

    /// Takes one server-sent event and appends the complete frames it gives, often none. `event_name` is `error` with
    /// upstreams that mark errors so; chat completions name no others. After the end, all is ignored.
    pub fn event(&mut self, event_name: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
        let data = data.trim_ascii();
        if self.finished || data.is_empty() {
            return;
        }
        if data == b"[DONE]" {
            return if self.started {
                self.finish(out);
            } else {
                self.fail(b"the upstream ended the stream without an answer", out);
            };
        }
        if event_name == Some("error") {
            return self.fail(data, out);
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
            return self.fail(b"the upstream sent a chunk that is not a JSON object", out);
        };
        if chunk.error.is_some() {
            return self.fail(data, out);
        }
        let nested = || Members::of(chunk.x_groq?.get())?.object("usage");
        if let Some(usage) = chunk.usage.and_then(|usage| Members::of(usage.get())).or_else(nested) {
            self.usage = Some(Usage::from_chat(&usage));
        }
        for choice in chunk.choices.and_then(|choices| json::elements(choices.get())).unwrap_or_default() {
            let Ok(choice) = serde_json::from_str::<Choice<'_>>(choice.get()) else { continue };
            // Messages has one answer; further choices cannot have been asked for.
            if choice.index.is_some_and(|index| index.get() != "0") {
                continue;
            }
            if !self.started {
                self.start(&chunk, out);
            }
            self.choice(&choice, out);
        }
    }

    /// The upstream's connection ended. A stream without its end becomes an error; one that lacks only `[DONE]` is
    /// completed.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.finished {
        } else if self.stop.is_some() {
            self.finish(out);
        } else {
            self.fail(b"the upstream ended the stream before the answer was complete", out);
        }
    }

    /// Whether the last frame was written: `message_stop` or an error.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the answer's end came: it is complete, not an error and not cut.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete || self.stop.is_some()
    }

    /// The counts that the upstream told last; `None` when it told none.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn start(&mut self, chunk: &Chunk<'_>, out: &mut Vec<u8>) {
        self.started = true;
        let text = |token: Option<&RawValue>| {
            token.and_then(|token| json::decode(token.get()).map(std::borrow::Cow::into_owned)).unwrap_or_default()
        };
        if self.ctx.model.is_empty() {
            self.ctx.model = text(chunk.model);
        }
        frame(out, "message_start", |event| {
            let mut message = Object::begin(event.key("message"));
            message.text("id", &message_id(&text(chunk.id)));
            message.text("type", "message");
            message.text("role", "assistant");
            message.text("model", &self.ctx.model);
            message.token("content", "[]");
            message.token("stop_reason", "null");
            message.token("stop_sequence", "null");
            let estimate = Usage { input_uncached: self.ctx.input_tokens, ..Usage::default() };
            estimate.write_messages(message.key("usage"));
            message.end();
        });
    }

    fn choice(&mut self, choice: &Choice<'_>, out: &mut Vec<u8>) {
        if let Some(delta) = choice.delta.and_then(|delta| serde_json::from_str::<Delta<'_>>(delta.get()).ok()) {
            self.delta(&delta, out);
        }
        let Some(reason) = text_of(choice.finish_reason) else { return };
        if reason == "\"error\"" {
            return self.fail(b"the upstream failed while it wrote the answer", out);
        }
        self.stop = Some(stop_reason(json::inner(reason)));
        self.stop_sequence = text_of(choice.stop_reason).map(str::to_owned);
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        let signed = delta.thinking_blocks.and_then(|blocks| json::elements(blocks.get())).unwrap_or_default();
        if signed.is_empty()
            && let Some(token) = text_of(delta.reasoning_content).or_else(|| text_of(delta.reasoning))
        {
            self.piece(Open::Thinking, "thinking_delta", "thinking", token, out);
        }
        for block in signed {
            self.thinking_block(&Members::of(block.get()).unwrap_or_default(), out);
        }
        if let Some(token) = text_of(delta.content) {
            self.piece(Open::Text, "text_delta", "text", token, out);
        }
        if let Some(token) = text_of(delta.refusal) {
            self.refused = true;
            self.piece(Open::Text, "text_delta", "text", token, out);
        }
        for call in delta.tool_calls.and_then(|calls| json::elements(calls.get())).unwrap_or_default() {
            self.call(&Members::of(call.get()).unwrap_or_default(), out);
        }
    }

    /// A signed block, whole or in pieces: text first, then the signature, which closes it.
    fn thinking_block(&mut self, block: &Members<'_>, out: &mut Vec<u8>) {
        if let Some(data) = block.string("data") {
            self.close(out);
            let members = [("type", "\"redacted_thinking\""), ("data", data)];
            self.open(None, &members, out);
            self.stop_block(self.next.saturating_sub(1), out);
            return;
        }
        let text = |name: &str| block.string(name).filter(|token| *token != "\"\"");
        if let Some(token) = text("thinking") {
            self.piece(Open::Thinking, "thinking_delta", "thinking", token, out);
        }
        if let Some(token) = text("signature") {
            self.piece(Open::Thinking, "signature_delta", "signature", token, out);
            self.close(out);
        }
    }

    /// A piece of text or thought, in the open block or a new one.
    fn piece(&mut self, kind: Open, delta: &str, name: &str, token: &str, out: &mut Vec<u8>) {
        if self.open != Some(kind) {
            self.close(out);
            match kind {
                Open::Text => self.open(Some(kind), &[("type", "\"text\""), ("text", "\"\"")], out),
                _ => {
                    let members = [("type", "\"thinking\""), ("thinking", "\"\""), ("signature", "\"\"")];
                    self.open(Some(kind), &members, out);
                }
            }
        }
        self.block_delta(self.next.saturating_sub(1), delta, name, token, out);
    }

    fn block_delta(&mut self, block: u64, kind: &str, name: &str, token: &str, out: &mut Vec<u8>) {
        if kind != "signature_delta" {
            self.output_bytes = self.output_bytes.saturating_add(json::inner(token).len() as u64);
        }
        frame(out, "content_block_delta", |event| {
            event.number("index", block);
            let mut delta = Object::begin(event.key("delta"));
            delta.text("type", kind);
            delta.token(name, token);
            delta.end();
        });
    }

    fn open(&mut self, kind: Option<Open>, members: &[(&str, &str)], out: &mut Vec<u8>) {
        let index = self.next;
        self.next += 1;
        self.open = kind;
        frame(out, "content_block_start", |event| {
            event.number("index", index);
            let mut block = Object::begin(event.key("content_block"));
            for (name, token) in members {
                block.token(name, token);
            }
            block.end();
        });
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            self.stop_block(self.next.saturating_sub(1), out);
        }
    }

    fn stop_block(&mut self, block: u64, out: &mut Vec<u8>) {
        frame(out, "content_block_stop", |event| event.number("index", block));
    }

    /// A fragment of a call. Calls are told apart by `index`; Gemini gives all of them 0 and a new id each. A fragment
    /// of an earlier call, which no server is known to send, goes to that call's block though it was closed.
    fn call(&mut self, call: &Members<'_>, out: &mut Vec<u8>) {
        let function = call.object("function").unwrap_or_default();
        let id = call.string("id").filter(|id| *id != "\"\"");
        let name = function.text("name").filter(|name| !name.is_empty());
        let index = call.count("index");
        let known = match index {
            Some(index) => self.calls.iter().rev().find(|known| known.index == index),
            None => self.calls.last().filter(|_| name.is_none()),
        };
        let known = known.filter(|known| name.is_none() || id.is_none_or(|id| id == known.id));
        let block = match known {
            Some(known) => known.block,
            None => {
                if self.calls.len() >= MAX_CALLS {
                    return self.fail(b"the upstream made too many tool calls", out);
                }
                self.close(out);
                let block = self.next;
                let id = id.map_or_else(|| format!("\"toolu_{}\"", self.calls.len()), str::to_owned);
                let mut shown = Vec::new();
                json::string(&mut shown, self.ctx.tool_names.original(&name.unwrap_or_default()));
                let shown = String::from_utf8_lossy(&shown);
                let members = [("type", "\"tool_use\""), ("id", id.as_str()), ("name", &*shown), ("input", "{}")];
                self.open(Some(Open::Call), &members, out);
                self.calls.push(Call { index: index.unwrap_or(self.calls.len() as u64), id, block });
                block
            }
        };
        match function.get("arguments") {
            Some("\"\"") | None => {}
            Some(token) if token.starts_with('"') => {
                self.block_delta(block, "input_json_delta", "partial_json", token, out);
            }
            Some(token) => {
                let mut text = Vec::new();
                json::compact_as_string(&mut text, token);
                let text = String::from_utf8_lossy(&text);
                self.block_delta(block, "input_json_delta", "partial_json", &text, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let reason = settled_stop_reason(self.stop.unwrap_or("end_turn"), !self.calls.is_empty(), self.refused);
        let sequence = self.stop_sequence.as_deref().filter(|_| reason == "end_turn");
        let usage = self.usage.unwrap_or(Usage {
            input_uncached: self.ctx.input_tokens,
            output_text: self.output_bytes.div_ceil(4),
            ..Usage::default()
        });
        frame(out, "message_delta", |event| {
            let mut delta = Object::begin(event.key("delta"));
            delta.text("stop_reason", if sequence.is_some() { "stop_sequence" } else { reason });
            delta.token("stop_sequence", sequence.unwrap_or("null"));
            delta.end();
            usage.write_messages(event.key("usage"));
        });
        frame(out, "message_stop", |_| {});
        self.complete = true;
        self.finished = true;
    }

    /// Ends the stream with an error; `error` is an envelope or plain words.
    fn fail(&mut self, error: &[u8], out: &mut Vec<u8>) {
        let (_, body) = error_to_anthropic(200, error, "");
        out.extend_from_slice(b"event: error\ndata: ");
        out.extend_from_slice(&body);
        out.extend_from_slice(b"\n\n");
        self.finished = true;
    }
}

/// Appends one event; its name is also the data's `type`.
fn frame(out: &mut Vec<u8>, name: &str, write: impl FnOnce(&mut Object<'_>)) {
    for piece in ["event: ", name, "\ndata: "] {
        out.extend_from_slice(piece.as_bytes());
    }
    let mut event = Object::begin(&mut *out);
    event.text("type", name);
    write(&mut event);
    event.end();
    out.extend_from_slice(b"\n\n");
}

/// A string token that is not empty.
fn text_of(member: Option<&RawValue>) -> Option<&str> {
    member.map(RawValue::get).filter(|token| token.starts_with('"') && *token != "\"\"")
}
