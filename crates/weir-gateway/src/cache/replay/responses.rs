//! OpenAI Responses. The last event carries the whole answer as it stands; the events before it tell it piece by
//! piece. Items of kinds that are not known here come whole, as begun and done.

use super::{Events, copy_except, pieces_of};
use crate::translate::json::{Members, Object};

/// Numbers the events.
struct Writer<'e> {
    events: &'e mut Events,
    number: u64,
}

impl Writer<'_> {
    fn event(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        let mut out = Vec::with_capacity(256);
        let mut object = Object::begin(&mut out);
        object.text("type", name);
        object.number("sequence_number", self.number);
        self.number += 1;
        fill(&mut object);
        object.end();
        self.events.named(name, &out);
    }
}

/// Where a part of an item stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    item: &'a str,
    output: u64,
    /// The name of the index within the item, and the index.
    within: Option<(&'static str, u64)>,
}

impl Place<'_> {
    fn write(&self, event: &mut Object<'_>) {
        event.token("item_id", self.item);
        event.number("output_index", self.output);
        if let Some((name, index)) = self.within {
            event.number(name, index);
        }
    }
}

pub(super) fn responses(text: &str, whole: &Members<'_>, events: &mut Events) -> Option<()> {
    let items = whole.array("output")?;
    let mut writer = Writer { events, number: 0 };
    for name in ["response.created", "response.in_progress"] {
        writer.event(name, |event| {
            let mut response = Object::begin(event.key("response"));
            copy_except(&mut response, whole, &[&["status", "output", "usage", "completed_at", "incomplete_details"]]);
            response.text("status", "in_progress");
            response.token("output", "[]");
            response.token("usage", "null");
            response.end();
        });
    }
    for (index, item) in items.iter().enumerate() {
        output_item(&mut writer, index as u64, item.get())?;
    }
    let name = match whole.text("status").as_deref() {
        Some("incomplete") => "response.incomplete",
        Some("failed") => "response.failed",
        _ => "response.completed",
    };
    writer.event(name, |event| event.token("response", text));
    Some(())
}

fn output_item(writer: &mut Writer<'_>, index: u64, token: &str) -> Option<()> {
    let item = Members::of(token)?;
    let kind = item.text("type")?;
    // What is emptied at the beginning, and how.
    let emptied = match &*kind {
        "message" => Some(("content", "[]")),
        "reasoning" => Some(("summary", "[]")),
        "function_call" | "mcp_call" => Some(("arguments", "\"\"")),
        "custom_tool_call" => Some(("input", "\"\"")),
        _ => None,
    };
    writer.event("response.output_item.added", |event| {
        event.number("output_index", index);
        let Some((member, empty)) = emptied else { return event.token("item", token) };
        let mut begun = Object::begin(event.key("item"));
        copy_except(&mut begun, &item, &[&[member, "status", "encrypted_content"]]);
        if item.get("status").is_some() {
            begun.text("status", "in_progress");
        }
        begun.token(member, empty);
        begun.end();
    });
    let place = Place { item: item.string("id").unwrap_or("\"\""), output: index, within: None };
    match &*kind {
        "message" => parts(writer, place, "content_index", &item, "content")?,
        "reasoning" => {
            parts(writer, place, "summary_index", &item, "summary")?;
            parts(writer, place, "content_index", &item, "content")?;
        }
        "function_call" => argument(writer, place, "response.function_call_arguments", &item, "arguments"),
        "mcp_call" => argument(writer, place, "response.mcp_call_arguments", &item, "arguments"),
        "custom_tool_call" => argument(writer, place, "response.custom_tool_call_input", &item, "input"),
        _ => {}
    }
    writer.event("response.output_item.done", |event| {
        event.number("output_index", index);
        event.token("item", token);
    });
    Some(())
}

fn argument(writer: &mut Writer<'_>, place: Place<'_>, name: &str, item: &Members<'_>, member: &str) {
    let text = item.string(member).unwrap_or("\"\"");
    deltas(writer, place, &format!("{name}.delta"), &pieces_of(text), None);
    writer.event(&format!("{name}.done"), |event| {
        place.write(event);
        event.maybe("name", item.get("name"));
        event.token(member, text);
    });
}

/// The parts of a message, or of a reasoning's summary or content.
fn parts(
    writer: &mut Writer<'_>,
    place: Place<'_>,
    index_name: &'static str,
    item: &Members<'_>,
    member: &str,
) -> Option<()> {
    for (index, token) in item.array(member).unwrap_or_default().iter().enumerate() {
        let place = Place { within: Some((index_name, index as u64)), ..place };
        part(writer, place, token.get())?;
    }
    Some(())
}

fn part(writer: &mut Writer<'_>, place: Place<'_>, token: &str) -> Option<()> {
    let part = Members::of(token)?;
    let kind = part.text("type")?;
    let (frame, name, member) = match &*kind {
        "summary_text" => ("response.reasoning_summary_part", "response.reasoning_summary_text", "text"),
        "refusal" => ("response.content_part", "response.refusal", "refusal"),
        "reasoning_text" => ("response.content_part", "response.reasoning_text", "text"),
        _ => ("response.content_part", "response.output_text", "text"),
    };
    let is_text = kind == "output_text";
    let text = part.string(member);
    writer.event(&format!("{frame}.added"), |event| {
        place.write(event);
        if text.is_none() {
            return event.token("part", token);
        }
        let mut begun = Object::begin(event.key("part"));
        copy_except(&mut begun, &part, &[&[member, "annotations", "logprobs"]]);
        begun.text(member, "");
        if is_text {
            begun.token("annotations", "[]");
            begun.token("logprobs", "[]");
        }
        begun.end();
    });
    if let Some(text) = text {
        let logprobs = is_text.then(|| part.get("logprobs").unwrap_or("[]"));
        // Log probabilities belong to the text as a whole.
        let is_whole = logprobs.is_some_and(|l| l != "[]");
        let pieces = if is_whole { vec![text.as_bytes().to_vec()] } else { pieces_of(text) };
        deltas(writer, place, &format!("{name}.delta"), &pieces, logprobs);
        for (index, annotation) in part.array("annotations").unwrap_or_default().iter().enumerate() {
            writer.event("response.output_text.annotation.added", |event| {
                place.write(event);
                event.number("annotation_index", index as u64);
                event.token("annotation", annotation.get());
            });
        }
        writer.event(&format!("{name}.done"), |event| {
            place.write(event);
            event.token(member, text);
            event.maybe("logprobs", logprobs);
        });
    }
    writer.event(&format!("{frame}.done"), |event| {
        place.write(event);
        event.token("part", token);
    });
    Some(())
}

fn deltas(writer: &mut Writer<'_>, place: Place<'_>, name: &str, pieces: &[Vec<u8>], logprobs: Option<&str>) {
    for piece in pieces {
        writer.event(name, |event| {
            place.write(event);
            event.key("delta").extend_from_slice(piece);
            event.maybe("logprobs", logprobs);
        });
    }
}
