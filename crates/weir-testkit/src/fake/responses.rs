//! `/responses`, whole and streamed, with the event names of the API.

use serde_json::{Value, json};

use super::chat::{CALLS, THOUGHT, argument_pieces};
use super::json::{self as text_json, string};
use super::service::Turn;
use super::steps::Steps;
use super::text::{STAMP, by_word};

/// One output item with what its stream is made of.
enum Item {
    Thought,
    Message,
    Call(usize),
}

fn items(turn: &Turn<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    if turn.behaviour.reasoning {
        items.push(Item::Thought);
    }
    if turn.behaviour.tools {
        items.extend((0..CALLS.len()).map(Item::Call));
    } else {
        items.push(Item::Message);
    }
    items
}

impl Item {
    fn id(&self, turn: &Turn<'_>) -> String {
        let sequence = turn.sequence;
        match self {
            Self::Thought => format!("rs_fake{sequence:08}"),
            Self::Message => format!("msg_fake{sequence:08}"),
            Self::Call(at) => format!("fc_fake{sequence:08}_{at}"),
        }
    }

    /// The item, without its text when it is only begun.
    fn show(&self, turn: &Turn<'_>, done: bool) -> Value {
        let id = self.id(turn);
        let status = if !done {
            "in_progress"
        } else if turn.behaviour.length || turn.behaviour.filter {
            "incomplete"
        } else {
            "completed"
        };
        match self {
            Self::Thought => {
                let summary = if done { vec![json!({"type": "summary_text", "text": THOUGHT})] } else { Vec::new() };
                json!({"id": id, "type": "reasoning", "summary": summary})
            }
            Self::Message => {
                let content = if done { vec![part(turn, &turn.text.full)] } else { Vec::new() };
                json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
            }
            Self::Call(at) => {
                let (call, name, arguments) = CALLS[*at];
                let arguments = if done { arguments } else { "" };
                json!({"id": id, "type": "function_call", "status": status, "call_id": call, "name": name,
                    "arguments": arguments})
            }
        }
    }
}

fn part(turn: &Turn<'_>, text: &str) -> Value {
    if turn.behaviour.refusal {
        json!({"type": "refusal", "refusal": text})
    } else {
        json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
    }
}

/// How the response ends: its status, and why when it is incomplete.
fn ending(turn: &Turn<'_>) -> (&'static str, Option<&'static str>) {
    if turn.behaviour.length {
        ("incomplete", Some("max_output_tokens"))
    } else if turn.behaviour.filter {
        ("incomplete", Some("content_filter"))
    } else {
        ("completed", None)
    }
}

fn response(turn: &Turn<'_>, done: bool) -> String {
    let (status, why) = if done { ending(turn) } else { ("in_progress", None) };
    let output: Vec<Value> =
        if done { items(turn).iter().map(|item| item.show(turn, true)).collect() } else { Vec::new() };
    let object = json!({
        "id": format!("resp_fake{:010}", turn.sequence),
        "object": "response",
        "created_at": turn.created,
        "status": status,
        "error": null,
        "incomplete_details": why.map(|reason| json!({"reason": reason})),
        "instructions": null,
        "max_output_tokens": null,
        "model": turn.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "metadata": {}
    });
    let usage = if done { turn.usage.responses() } else { Some("null".to_owned()) };
    match usage {
        Some(usage) => text_json::splice(&object.to_string(), &format!("\"usage\":{usage}")),
        None => object.to_string(),
    }
}

/// The answer in one piece.
pub(crate) fn whole(turn: &Turn<'_>) -> String {
    let out = response(turn, true);
    if turn.behaviour.bigint { text_json::splice(&out, text_json::BIGINT) } else { out }
}

/// Numbers the events.
struct Writer<'a> {
    steps: &'a mut Steps,
    number: u64,
}

impl Writer<'_> {
    /// An event of this type; `members` is JSON text without braces.
    fn event(&mut self, name: &str, members: &str) {
        let data = self.data(name, members);
        self.steps.event(Some(name), &data);
    }

    fn content(&mut self, name: &str, members: &str) {
        let data = self.data(name, members);
        self.steps.content(Some(name), &data);
    }

    fn data(&mut self, name: &str, members: &str) -> String {
        let data = format!("{{\"type\":\"{name}\",\"sequence_number\":{},{members}}}", self.number);
        self.number += 1;
        data
    }
}

/// The answer as a stream.
pub(crate) fn stream(turn: &Turn<'_>, steps: &mut Steps) {
    let mut writer = Writer { steps, number: 0 };
    let begun = format!("\"response\":{}", response(turn, false));
    writer.event("response.created", &begun);
    writer.event("response.in_progress", &begun);
    for (index, item) in items(turn).iter().enumerate() {
        let shown = item.show(turn, false);
        writer.event("response.output_item.added", &format!("\"output_index\":{index},\"item\":{shown}"));
        let place = format!("\"item_id\":\"{}\",\"output_index\":{index}", item.id(turn));
        match item {
            Item::Thought => thought(&mut writer, &place),
            Item::Message => message(turn, &mut writer, &place),
            Item::Call(at) => call(&mut writer, &place, CALLS[*at].2),
        }
        let shown = item.show(turn, true);
        writer.event("response.output_item.done", &format!("\"output_index\":{index},\"item\":{shown}"));
    }
    let name = if ending(turn).0 == "completed" { "response.completed" } else { "response.incomplete" };
    writer.event(name, &format!("\"response\":{}", response(turn, true)));
}

fn thought(writer: &mut Writer<'_>, place: &str) {
    let place = format!("{place},\"summary_index\":0");
    let part = |text: &str| format!("{place},\"part\":{{\"type\":\"summary_text\",\"text\":{}}}", string(text));
    writer.event("response.reasoning_summary_part.added", &part(""));
    for piece in by_word(THOUGHT) {
        let members = format!("{place},\"delta\":{}", string(piece));
        writer.content("response.reasoning_summary_text.delta", &members);
    }
    writer.event("response.reasoning_summary_text.done", &format!("{place},\"text\":{}", string(THOUGHT)));
    writer.event("response.reasoning_summary_part.done", &part(THOUGHT));
}

fn message(turn: &Turn<'_>, writer: &mut Writer<'_>, place: &str) {
    let place = format!("{place},\"content_index\":0");
    let (kind, member) = if turn.behaviour.refusal { ("refusal", "refusal") } else { ("output_text", "text") };
    writer.event("response.content_part.added", &format!("{place},\"part\":{}", part(turn, "")));
    for piece in turn.text.pieces().iter() {
        let piece = if turn.behaviour.stamp { string(&format!("{piece} [{STAMP}]")) } else { string(piece) };
        writer.content(&format!("response.{kind}.delta"), &format!("{place},\"delta\":{piece}"));
    }
    let full = &turn.text.full;
    writer.event(&format!("response.{kind}.done"), &format!("{place},\"{member}\":{}", string(full)));
    writer.event("response.content_part.done", &format!("{place},\"part\":{}", part(turn, full)));
}

fn call(writer: &mut Writer<'_>, place: &str, arguments: &str) {
    for piece in argument_pieces(arguments) {
        let members = format!("{place},\"delta\":{}", string(piece));
        writer.content("response.function_call_arguments.delta", &members);
    }
    let members = format!("{place},\"arguments\":{}", string(arguments));
    writer.event("response.function_call_arguments.done", &members);
}
