//! Anthropic's `/messages`, whole and streamed, and `/messages/count_tokens`.

use super::chat::{CALLS, THOUGHT, argument_pieces};
use super::json::{self, string};
use super::service::Turn;
use super::steps::Steps;
use super::text::{STAMP, by_word};

const SIGNATURE: &str = "RmFrZVNpZ25hdHVyZU9mQVRob3VnaHQ=";

fn stop_reason(turn: &Turn<'_>) -> &'static str {
    let b = turn.behaviour;
    if b.refusal || b.filter {
        "refusal"
    } else if b.length {
        "max_tokens"
    } else if b.tools {
        "tool_use"
    } else {
        "end_turn"
    }
}

fn tool_id(turn: &Turn<'_>, at: usize) -> String {
    format!("toolu_fake{:06}_{at}", turn.sequence)
}

/// The message object with these content blocks (JSON array), stop reason and usage.
fn message(turn: &Turn<'_>, content: &str, stop: Option<&str>, usage: Option<&str>) -> String {
    let mut out = format!(
        "{{\"id\":\"msg_fake{:010}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":{},\"content\":{content},\
         \"stop_reason\":{},\"stop_sequence\":null}}",
        turn.sequence,
        string(turn.model),
        stop.map_or_else(|| "null".to_owned(), string)
    );
    if let Some(usage) = usage {
        out = json::splice(&out, &format!("\"usage\":{usage}"));
    }
    out
}

/// The answer in one piece.
pub(crate) fn whole(turn: &Turn<'_>) -> String {
    let b = turn.behaviour;
    let mut blocks = Vec::new();
    if b.reasoning {
        blocks
            .push(format!("{{\"type\":\"thinking\",\"thinking\":{},\"signature\":\"{SIGNATURE}\"}}", string(THOUGHT)));
    }
    if !b.tools && !turn.text.full.is_empty() {
        blocks.push(format!("{{\"type\":\"text\",\"text\":{}}}", string(&turn.stamped_text())));
    }
    if b.tools {
        blocks.extend(CALLS.iter().enumerate().map(|(at, (_, name, input))| {
            format!("{{\"type\":\"tool_use\",\"id\":\"{}\",\"name\":\"{name}\",\"input\":{input}}}", tool_id(turn, at))
        }));
    }
    let usage = turn.usage.anthropic(None);
    let out = message(turn, &format!("[{}]", blocks.join(",")), Some(stop_reason(turn)), usage.as_deref());
    if b.bigint { json::splice(&out, json::BIGINT) } else { out }
}

struct Writer<'a> {
    steps: &'a mut Steps,
    index: usize,
}

impl Writer<'_> {
    fn open(&mut self, block: &str) {
        let index = self.index;
        let data = format!("{{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{block}}}");
        self.steps.event(Some("content_block_start"), &data);
    }

    /// A delta of this type whose one member holds `piece`.
    fn delta(&mut self, kind: &str, member: &str, piece: &str) {
        let data = format!(
            "{{\"type\":\"content_block_delta\",\"index\":{},\"delta\":{{\"type\":\"{kind}\",\"{member}\":{}}}}}",
            self.index,
            string(piece)
        );
        self.steps.content(Some("content_block_delta"), &data);
    }

    fn close(&mut self) {
        let data = format!("{{\"type\":\"content_block_stop\",\"index\":{}}}", self.index);
        self.steps.event(Some("content_block_stop"), &data);
        self.index += 1;
    }
}

/// The answer as a stream.
pub(crate) fn stream(turn: &Turn<'_>, steps: &mut Steps) {
    let b = turn.behaviour;
    let start = message(turn, "[]", None, turn.usage.anthropic(Some(1)).as_deref());
    steps.event(Some("message_start"), &format!("{{\"type\":\"message_start\",\"message\":{start}}}"));
    let mut writer = Writer { steps, index: 0 };
    if b.reasoning {
        writer.open("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
        for piece in by_word(THOUGHT) {
            writer.delta("thinking_delta", "thinking", piece);
        }
        writer.delta("signature_delta", "signature", SIGNATURE);
        writer.close();
    }
    if b.tools {
        for (at, (_, name, input)) in CALLS.iter().enumerate() {
            let id = tool_id(turn, at);
            writer.open(&format!("{{\"type\":\"tool_use\",\"id\":\"{id}\",\"name\":\"{name}\",\"input\":{{}}}}"));
            for piece in argument_pieces(input) {
                writer.delta("input_json_delta", "partial_json", piece);
            }
            writer.close();
        }
    } else {
        writer.open("{\"type\":\"text\",\"text\":\"\"}");
        writer.steps.event(Some("ping"), "{\"type\":\"ping\"}");
        for piece in turn.text.pieces().iter() {
            if b.stamp {
                writer.delta("text_delta", "text", &format!("{piece} [{STAMP}]"));
            } else {
                writer.delta("text_delta", "text", piece);
            }
        }
        writer.close();
    }
    let mut end = format!(
        "{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{}\",\"stop_sequence\":null}}}}",
        stop_reason(turn)
    );
    if let Some(usage) = turn.usage.anthropic(None) {
        end = json::splice(&end, &format!("\"usage\":{usage}"));
    }
    steps.event(Some("message_delta"), &end);
    steps.event(Some("message_stop"), "{\"type\":\"message_stop\"}");
}

/// The answer of `/messages/count_tokens`.
pub(crate) fn count_tokens(turn: &Turn<'_>) -> String {
    let tokens = turn.behaviour.usage.map_or_else(|| turn.ask.words(), |counts| counts.prompt);
    format!("{{\"input_tokens\":{tokens}}}")
}
