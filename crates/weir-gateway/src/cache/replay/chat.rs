//! Chat completions and completions of a plain prompt. One choice after the other; log probabilities belong to a text
//! as a whole, so that a text that has them is one piece.

use super::{Events, copy_except, pieces_of};
use crate::translate::json::{Members, Object, array, elements};

/// Members that stand in every chunk.
const IN_EVERY_CHUNK: &[&str] = &["id", "created", "model", "system_fingerprint", "service_tier"];
/// Members that have their own place in the stream.
const PLACED: &[&str] = &["object", "choices", "usage"];
const TEXTS: &[&str] = &["reasoning_content", "reasoning", "content", "refusal"];

/// What all chunks of one answer share.
struct Chunks<'a, 'e> {
    whole: &'a Members<'a>,
    object: &'static str,
    include_usage: bool,
    is_first: bool,
    events: &'e mut Events,
}

impl Chunks<'_, '_> {
    fn chunk(&mut self, choices: &[Vec<u8>], usage: Option<&str>) {
        let mut out = Vec::with_capacity(256);
        let mut chunk = Object::begin(&mut out);
        chunk.text("object", self.object);
        for name in IN_EVERY_CHUNK {
            chunk.maybe(name, self.whole.get(name));
        }
        if std::mem::take(&mut self.is_first) {
            copy_except(&mut chunk, self.whole, &[IN_EVERY_CHUNK, PLACED]);
        }
        array(chunk.key("choices"), choices);
        if self.include_usage {
            chunk.token("usage", usage.unwrap_or("null"));
        }
        chunk.end();
        self.events.data(&out);
    }

    /// A chunk of one choice: its delta, or its end.
    fn choice(&mut self, index: u64, logprobs: Option<&str>, fill: impl FnOnce(&mut Object<'_>)) {
        let mut out = Vec::with_capacity(128);
        let mut choice = Object::begin(&mut out);
        choice.number("index", index);
        fill(&mut choice);
        choice.token("logprobs", logprobs.unwrap_or("null"));
        choice.end();
        self.chunk(&[out], None);
    }

    fn delta(&mut self, index: u64, logprobs: Option<&str>, fill: impl FnOnce(&mut Object<'_>)) {
        self.choice(index, logprobs, |choice| {
            let mut delta = Object::begin(choice.key("delta"));
            fill(&mut delta);
            delta.end();
            choice.token("finish_reason", "null");
        });
    }

    /// Usage, and the mark of the end.
    fn end(mut self) {
        if self.include_usage
            && let Some(usage) = self.whole.get("usage")
        {
            self.chunk(&[], Some(usage));
        }
        self.events.data(b"[DONE]");
    }
}

pub(super) fn chat(whole: &Members<'_>, include_usage: bool, events: &mut Events) -> Option<()> {
    let mut chunks = Chunks { whole, object: "chat.completion.chunk", include_usage, is_first: true, events };
    for (position, choice) in whole.array("choices")?.iter().enumerate() {
        let choice = Members::of(choice.get())?;
        let message = choice.object("message")?;
        let index = choice.count("index").unwrap_or(position as u64);
        chunks.delta(index, None, |delta| {
            delta.text("role", "assistant");
            match message.get("content") {
                None => delta.token("content", "null"),
                Some(text) if text.starts_with('"') => delta.token("content", "\"\""),
                // Some upstreams send a list of parts.
                Some(parts) => delta.token("content", parts),
            }
            // Texts that are there and empty have no pieces that would say so.
            for name in TEXTS.iter().filter(|name| **name != "content" && message.get(name) == Some("\"\"")) {
                delta.text(name, "");
            }
            copy_except(delta, &message, &[TEXTS, &["role", "tool_calls"]]);
        });
        let mut logprobs = choice.get("logprobs");
        for name in TEXTS {
            let Some(text) = message.string(name) else { continue };
            let is_counted = matches!(*name, "content" | "refusal") && logprobs.is_some();
            let texts = if is_counted { vec![text.as_bytes().to_vec()] } else { pieces_of(text) };
            for piece in &texts {
                let logprobs = if is_counted { logprobs.take() } else { None };
                chunks.delta(index, logprobs, |delta| delta.key(name).extend_from_slice(piece));
            }
        }
        for (position, call) in message.array("tool_calls").unwrap_or_default().iter().enumerate() {
            tool_call(&mut chunks, index, position as u64, call.get());
        }
        chunks.choice(index, logprobs, |end| {
            end.token("delta", "{}");
            end.token("finish_reason", choice.get("finish_reason").unwrap_or("null"));
            copy_except(end, &choice, &[&["index", "message", "logprobs", "finish_reason"]]);
        });
    }
    chunks.end();
    Some(())
}

/// A call of a tool: what it is, then the pieces of its arguments.
fn tool_call(chunks: &mut Chunks<'_, '_>, choice: u64, index: u64, call: &str) {
    let Some(call) = Members::of(call) else { return };
    let function = call.object("function");
    let arguments = function.as_ref().and_then(|f| f.string("arguments"));
    let one_call = |delta: &mut Object<'_>, fill: &dyn Fn(&mut Object<'_>)| {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.number("index", index);
        fill(&mut object);
        object.end();
        array(delta.key("tool_calls"), [out]);
    };
    chunks.delta(choice, None, |delta| {
        one_call(delta, &|object| {
            copy_except(object, &call, &[&["index", "function"]]);
            if let Some(function) = &function {
                let mut begun = Object::begin(object.key("function"));
                copy_except(&mut begun, function, &[&["arguments"]]);
                match (arguments, function.get("arguments")) {
                    // Arguments that are no text, as some upstreams send them, go in one piece.
                    (None, Some(other)) => begun.token("arguments", other),
                    _ => begun.text("arguments", ""),
                }
                begun.end();
            }
        });
    });
    for piece in arguments.map(pieces_of).unwrap_or_default() {
        chunks.delta(choice, None, |delta| {
            one_call(delta, &|object| {
                let mut more = Object::begin(object.key("function"));
                more.key("arguments").extend_from_slice(&piece);
                more.end();
            });
        });
    }
}

pub(super) fn completions(whole: &Members<'_>, include_usage: bool, events: &mut Events) -> Option<()> {
    let mut chunks = Chunks { whole, object: "text_completion", include_usage, is_first: true, events };
    for (position, choice) in elements(whole.get("choices")?)?.iter().enumerate() {
        let choice = Members::of(choice.get())?;
        let index = choice.count("index").unwrap_or(position as u64);
        let text = choice.string("text")?;
        let mut logprobs = choice.get("logprobs");
        let texts = if logprobs.is_some() { vec![text.as_bytes().to_vec()] } else { pieces_of(text) };
        for piece in &texts {
            chunks.choice(index, logprobs.take(), |more| {
                more.key("text").extend_from_slice(piece);
                more.token("finish_reason", "null");
            });
        }
        chunks.choice(index, None, |end| {
            end.text("text", "");
            end.token("finish_reason", choice.get("finish_reason").unwrap_or("null"));
            copy_except(end, &choice, &[&["index", "text", "logprobs", "finish_reason"]]);
        });
    }
    chunks.end();
    Some(())
}
