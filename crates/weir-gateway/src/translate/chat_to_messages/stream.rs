//! A stream of Messages events becomes a stream of completion chunks.
//!
//! Every chunk is a fixed head and tail around one delta, and texts are copied with the escapes they came with, so a
//! chunk costs two short scans and one copy. Errors end the stream without `[DONE]`, as in the OpenAI protocol.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::error::error_to_openai;
use super::super::json::{self, Members, Object};
use super::super::usage::Usage;
use super::{JSON_TOOL, RequestContext, completion_id, finish_reason, service_tier};

/// Most blocks open at once; an upstream that opens more is not one we know.
const MAX_OPEN: usize = 64;

/// Translates the events of one answer.
#[derive(Debug)]
pub struct Stream {
    ctx: RequestContext,
    /// Each chunk up to its delta; empty until the first.
    head: Vec<u8>,
    open: Vec<Block>,
    calls: u64,
    thinking_blocks: u64,
    usage: Usage,
    usage_seen: bool,
    stopped: bool,
    finished: bool,
}

/// A block that started and has not stopped.
#[derive(Debug)]
struct Block {
    index: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Thinking { at: u64 },
    Call { at: u64, input: Input },
    Json { input: Input },
}

/// What a call's block has told of its input.
#[derive(Debug)]
enum Input {
    /// Pieces came.
    Streamed,
    /// None yet; the start carried this, as compact JSON in a string token.
    Initial(Vec<u8>),
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
}

impl Stream {
    /// A stream that has seen nothing.
    #[must_use]
    pub fn new(ctx: RequestContext) -> Self {
        Self {
            ctx,
            head: Vec::new(),
            open: Vec::new(),
            calls: 0,
            thinking_blocks: 0,
            usage: Usage::default(),
            usage_seen: false,
            stopped: false,
            finished: false,
        }
    }

    /// Takes one server-sent event and appends the complete frames it gives, often none. `event_name` counts only
    /// where the data has no `type`. After the end, all is ignored.
    pub fn event(&mut self, event_name: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
        if self.finished || data.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else {
            return self.fail(b"the upstream sent an event that is not a JSON object", out);
        };
        let kind = event.kind.map(|kind| json::inner(kind.get())).or(event_name).unwrap_or_default();
        let index = event.index.and_then(|index| index.get().parse().ok()).unwrap_or(0);
        match kind {
            "content_block_delta" => self.delta(index, event.delta, out),
            "content_block_start" => self.block_start(index, event.content_block, out),
            "content_block_stop" => self.block_stop(index, out),
            "message_start" => self.message_start(event.message, out),
            "message_delta" => self.message_delta(event.delta, event.usage, out),
            "message_stop" => self.finish(out),
            "error" => self.fail(data, out),
            _ if event.error.is_some() => self.fail(data, out),
            // Pings, and whatever comes to exist.
            _ => {}
        }
    }

    /// The upstream's connection ended. A stream without its end becomes an error, which the OpenAI client would not
    /// notice by itself; one that lacks only the last event is completed.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.finished {
        } else if self.stopped {
            self.finish(out);
        } else {
            self.fail(b"the upstream ended the stream before the answer was complete", out);
        }
    }

    /// Whether the last frame was written: `[DONE]` or an error.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the answer's end came: it is complete, not an error and not cut.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stopped
    }

    /// The counts so far; `None` until the upstream told any.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage_seen.then_some(self.usage)
    }

    fn message_start(&mut self, message: Option<&RawValue>, out: &mut Vec<u8>) {
        let message = message.and_then(|message| Members::of(message.get())).unwrap_or_default();
        self.update_usage(message.object("usage"));
        if !self.head.is_empty() {
            return;
        }
        if self.ctx.model.is_empty() {
            self.ctx.model = message.text("model").unwrap_or_default().into_owned();
        }
        let tier = message.object("usage").and_then(|usage| usage.text("service_tier"));
        self.begin(&message.text("id").unwrap_or_default(), tier.as_deref().and_then(service_tier), out);
    }

    /// Prepares the chunks' head and sends the role.
    fn begin(&mut self, message_id: &str, tier: Option<&str>, out: &mut Vec<u8>) {
        self.head.extend_from_slice(b"data: ");
        let mut head = Object::begin(&mut self.head);
        head.text("id", &completion_id(message_id));
        head.text("object", "chat.completion.chunk");
        head.number("created", self.ctx.created);
        head.text("model", &self.ctx.model);
        if let Some(tier) = tier {
            head.text("service_tier", tier);
        }
        head.key("choices").extend_from_slice(b"[");
        self.chunk(out, |out| out.extend_from_slice(br#"{"role":"assistant","content":"","refusal":null}"#));
    }

    /// Writes one chunk around a delta.
    fn chunk(&mut self, out: &mut Vec<u8>, write_delta: impl FnOnce(&mut Vec<u8>)) {
        if self.head.is_empty() {
            self.begin("", None, out);
        }
        out.extend_from_slice(&self.head);
        out.extend_from_slice(br#"{"index":0,"delta":"#);
        write_delta(out);
        out.extend_from_slice(br#","logprobs":null,"finish_reason":null}]"#);
        self.chunk_end(out);
    }

    fn chunk_end(&self, out: &mut Vec<u8>) {
        let end: &[u8] = if self.ctx.include_usage { b",\"usage\":null}\n\n" } else { b"}\n\n" };
        out.extend_from_slice(end);
    }

    /// A chunk whose delta has one member.
    fn chunk_of(&mut self, name: &str, token: &str, out: &mut Vec<u8>) {
        self.chunk(out, |out| {
            let mut delta = Object::begin(out);
            delta.token(name, token);
            delta.end();
        });
    }

    fn block_start(&mut self, index: u64, block: Option<&RawValue>, out: &mut Vec<u8>) {
        let Some(block) = block.and_then(|block| Members::of(block.get())) else { return };
        let text = |name: &str| block.string(name).filter(|token| *token != "\"\"");
        let kind = match block.text("type").as_deref() {
            Some("text") => {
                if let Some(token) = text("text") {
                    self.chunk_of("content", token, out);
                }
                return;
            }
            Some("thinking") => {
                let at = self.thinking_blocks;
                self.thinking_blocks += 1;
                if let Some(token) = text("thinking") {
                    self.thinking(at, token, out);
                }
                Kind::Thinking { at }
            }
            Some("redacted_thinking") => {
                let at = self.thinking_blocks;
                self.thinking_blocks += 1;
                let data = block.string("data").unwrap_or("\"\"");
                self.thinking_block(at, None, "redacted_thinking", "data", data, out);
                return;
            }
            Some("tool_use") => self.call_start(&block, out),
            _ => return,
        };
        if self.open.len() >= MAX_OPEN {
            return self.fail(b"the upstream left too many content blocks open", out);
        }
        self.open.push(Block { index, kind });
    }

    fn call_start(&mut self, block: &Members<'_>, out: &mut Vec<u8>) -> Kind {
        let mut initial = Vec::new();
        json::compact_as_string(&mut initial, block.get("input").unwrap_or("{}"));
        let input = Input::Initial(initial);
        let name = block.text("name").unwrap_or_default();
        if self.ctx.json_tool && name == JSON_TOOL {
            return Kind::Json { input };
        }
        let at = self.calls;
        self.calls += 1;
        let name = self.ctx.tool_names.original(&name).to_owned();
        self.chunk(out, |out| {
            out.extend_from_slice(br#"{"tool_calls":["#);
            let mut call = Object::begin(out);
            call.number("index", at);
            call.token("id", block.string("id").unwrap_or("\"\""));
            call.text("type", "function");
            let mut function = Object::begin(call.key("function"));
            function.text("name", &name);
            function.text("arguments", "");
            function.end();
            call.end();
            out.extend_from_slice(b"]}");
        });
        Kind::Call { at, input }
    }

    fn delta(&mut self, index: u64, delta: Option<&RawValue>, out: &mut Vec<u8>) {
        let Some(delta) = delta.and_then(|delta| serde_json::from_str::<Delta<'_>>(delta.get()).ok()) else { return };
        if let Some(token) = text_of(delta.text) {
            return self.chunk_of("content", token, out);
        }
        let Some(block) = self.open.iter_mut().find(|block| block.index == index) else { return };
        match &mut block.kind {
            Kind::Thinking { at } => {
                let at = *at;
                if let Some(token) = text_of(delta.thinking) {
                    self.thinking(at, token, out);
                } else if let Some(token) = text_of(delta.signature) {
                    self.thinking_block(at, None, "thinking", "signature", token, out);
                }
            }
            Kind::Call { at, input } => {
                let Some(token) = text_of(delta.partial_json) else { return };
                *input = Input::Streamed;
                let at = *at;
                self.arguments(at, token, out);
            }
            Kind::Json { input } => {
                let Some(token) = text_of(delta.partial_json) else { return };
                *input = Input::Streamed;
                self.chunk_of("content", token, out);
            }
        }
    }

    /// A piece of thought, for people and for the way back. Pieces of a block share its `index`.
    fn thinking(&mut self, at: u64, token: &str, out: &mut Vec<u8>) {
        self.thinking_block(at, Some(token), "thinking", "thinking", token, out);
    }

    fn thinking_block(&mut self, at: u64, shown: Option<&str>, kind: &str, name: &str, token: &str, out: &mut Vec<u8>) {
        self.chunk(out, |out| {
            let mut delta = Object::begin(out);
            delta.maybe("reasoning_content", shown);
            let blocks = delta.key("thinking_blocks");
            blocks.push(b'[');
            let mut block = Object::begin(&mut *blocks);
            block.number("index", at);
            block.text("type", kind);
            block.token(name, token);
            block.end();
            blocks.push(b']');
            delta.end();
        });
    }

    fn arguments(&mut self, at: u64, token: &str, out: &mut Vec<u8>) {
        self.chunk(out, |out| {
            out.extend_from_slice(br#"{"tool_calls":[{"index":"#);
            json::number(out, at);
            out.extend_from_slice(br#","function":{"arguments":"#);
            out.extend_from_slice(token.as_bytes());
            out.extend_from_slice(b"}}]}");
        });
    }

    /// A call without any piece has the input that its start carried, usually `{}`.
    fn block_stop(&mut self, index: u64, out: &mut Vec<u8>) {
        let Some(at) = self.open.iter().position(|block| block.index == index) else { return };
        match self.open.swap_remove(at).kind {
            Kind::Call { at, input: Input::Initial(token) } => {
                self.arguments(at, &String::from_utf8_lossy(&token), out);
            }
            Kind::Json { input: Input::Initial(token) } => {
                self.chunk_of("content", &String::from_utf8_lossy(&token), out);
            }
            _ => {}
        }
    }

    fn message_delta(&mut self, delta: Option<&RawValue>, usage: Option<&RawValue>, out: &mut Vec<u8>) {
        self.update_usage(usage.and_then(|usage| Members::of(usage.get())));
        let reason = delta.and_then(|delta| Members::of(delta.get())).and_then(|delta| delta.text("stop_reason"));
        if let Some(reason) = reason {
            self.stop(finish_reason(&reason), out);
        }
    }

    /// Sends the finish reason, once. A call of the forced tool alone is an ordinary answer.
    fn stop(&mut self, reason: &str, out: &mut Vec<u8>) {
        if self.stopped {
            return;
        }
        while let Some(index) = self.open.first().map(|block| block.index) {
            self.block_stop(index, out);
        }
        if self.head.is_empty() {
            self.begin("", None, out);
        }
        self.stopped = true;
        let reason = if reason == "tool_calls" && self.calls == 0 { "stop" } else { reason };
        out.extend_from_slice(&self.head);
        out.extend_from_slice(br#"{"index":0,"delta":{},"logprobs":null,"finish_reason":""#);
        out.extend_from_slice(reason.as_bytes());
        out.extend_from_slice(b"\"}]");
        self.chunk_end(out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.stop(if self.calls > 0 { "tool_calls" } else { "stop" }, out);
        if self.ctx.include_usage {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b"],\"usage\":");
            self.usage.write_chat(out);
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.finished = true;
    }

    fn update_usage(&mut self, usage: Option<Members<'_>>) {
        if let Some(usage) = usage {
            self.usage.update_from_messages(&usage);
            self.usage_seen = true;
        }
    }

    /// Ends the stream with an error; `error` is an envelope or plain words.
    fn fail(&mut self, error: &[u8], out: &mut Vec<u8>) {
        let (_, body) = error_to_openai(200, error);
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&body);
        out.extend_from_slice(b"\n\n");
        self.finished = true;
    }
}

/// A string token that is not empty.
fn text_of(member: Option<&RawValue>) -> Option<&str> {
    member.map(RawValue::get).filter(|token| token.starts_with('"') && *token != "\"\"")
}
