//! `/chat/completions`, whole and streamed.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::json::{self, push_str};
use super::service::Turn;
use super::steps::Steps;
use super::text::{STAMP, by_word};

/// What `reasoning` thinks.
pub(crate) const THOUGHT: &str = "The question is easy, but let me check it twice.";
/// The calls that `tools` makes: id, name, arguments.
pub(crate) const CALLS: [(&str, &str, &str); 2] = [
    ("call_fake_0", "get_weather", r#"{"city":"Zürich","unit":"celsius","days":3}"#),
    ("call_fake_1", "get_time", r#"{"timezone":"Europe/Zurich","note":"say \"hi\""}"#),
];
const FILTERED: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;

/// Cuts arguments into the pieces that a stream sends.
pub(crate) fn argument_pieces(arguments: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = arguments;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rest.ceil_char_boundary(9.min(rest.len())));
        pieces.push(piece);
        rest = left;
    }
    pieces
}

fn finish_reason(turn: &Turn<'_>) -> &'static str {
    let b = turn.behaviour;
    if b.refusal || b.filter {
        "content_filter"
    } else if b.length {
        "length"
    } else if b.tools {
        "tool_calls"
    } else {
        "stop"
    }
}

fn logprobs(content: &str) -> String {
    let mut token = String::new();
    push_str(&mut token, content);
    let bytes: Vec<String> = content.bytes().map(|byte| byte.to_string()).collect();
    let bytes = bytes.join(",");
    format!(
        "{{\"content\":[{{\"token\":{token},\"logprob\":-0.015625,\"bytes\":[{bytes}],\"top_logprobs\":\
         [{{\"token\":{token},\"logprob\":-0.015625,\"bytes\":[{bytes}]}}]}}],\"refusal\":null}}"
    )
}

/// The answer in one piece.
pub(crate) fn whole(turn: &Turn<'_>) -> String {
    let b = turn.behaviour;
    let mut out = String::with_capacity(turn.text.full.len() + 800);
    let _ = write!(
        out,
        "{{\"id\":\"chatcmpl-fake{:010}\",\"object\":\"chat.completion\",\"created\":{},\"model\":",
        turn.sequence, turn.created
    );
    push_str(&mut out, turn.model);
    out.push_str(",\"choices\":[");
    for index in 0..turn.ask.choices() {
        if index > 0 {
            out.push(',');
        }
        let _ = write!(out, "{{\"index\":{index},\"message\":");
        message(&mut out, turn);
        out.push_str(",\"logprobs\":");
        if turn.ask.logprobs() {
            out.push_str(&logprobs(&turn.text.full));
        } else {
            out.push_str("null");
        }
        let _ = write!(out, ",\"finish_reason\":\"{}\"", finish_reason(turn));
        if b.azure {
            let _ = write!(out, ",\"content_filter_results\":{FILTERED}");
        }
        out.push('}');
    }
    out.push(']');
    if let Some(usage) = turn.usage.chat() {
        let usage = if b.groq {
            json::splice(
                &usage,
                "\"queue_time\":0.02,\"prompt_time\":0.001,\"completion_time\":0.1,\"total_time\":0.101",
            )
        } else {
            usage
        };
        let _ = write!(out, ",\"usage\":{usage}");
    }
    if b.groq {
        let _ = write!(out, ",\"x_groq\":{{\"id\":\"req_fake{}\"}}", turn.sequence);
    }
    if b.azure {
        let _ =
            write!(out, ",\"prompt_filter_results\":[{{\"prompt_index\":0,\"content_filter_results\":{FILTERED}}}]");
    }
    out.push_str(",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_fake\"");
    if b.bigint {
        out.push(',');
        out.push_str(json::BIGINT);
    }
    out.push('}');
    out
}

fn message(out: &mut String, turn: &Turn<'_>) {
    let b = turn.behaviour;
    out.push_str("{\"role\":\"assistant\",\"content\":");
    if b.refusal || b.tools {
        out.push_str("null");
    } else {
        push_str(out, &turn.stamped_text());
    }
    if b.reasoning {
        out.push_str(",\"reasoning_content\":");
        push_str(out, THOUGHT);
    }
    out.push_str(",\"refusal\":");
    if b.refusal {
        push_str(out, &turn.text.full);
    } else {
        out.push_str("null");
    }
    if b.tools {
        out.push_str(",\"tool_calls\":[");
        for (at, (id, name, arguments)) in CALLS.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(
                out,
                "{comma}{{\"id\":\"{id}\",\"type\":\"function\",\"function\":{{\"name\":\"{name}\",\"arguments\":{}}}}}",
                json::string(arguments)
            );
        }
        out.push(']');
    }
    out.push_str(",\"annotations\":[]}");
}

/// One chunk of a stream.
struct Chunk<'a> {
    head: &'a str,
    index: u32,
    delta: &'a str,
    logprobs: Option<&'a str>,
    finish: Option<&'a str>,
    tail: &'a str,
}

impl Chunk<'_> {
    fn write<'o>(&self, out: &'o mut String) -> &'o str {
        out.clear();
        out.push_str(self.head);
        let _ = write!(out, "{{\"index\":{},\"delta\":", self.index);
        out.push_str(self.delta);
        out.push_str(",\"logprobs\":");
        out.push_str(self.logprobs.unwrap_or("null"));
        match self.finish {
            Some(finish) => {
                out.push_str(",\"finish_reason\":\"");
                out.push_str(finish);
                out.push_str("\"}]");
            }
            None => out.push_str(",\"finish_reason\":null}]"),
        }
        out.push_str(self.tail);
        out.push('}');
        out
    }
}

/// The answer as a stream.
pub(crate) fn stream(turn: &Turn<'_>, steps: &mut Steps) {
    let b = turn.behaviour;
    let mut head = format!(
        "{{\"id\":\"chatcmpl-fake{:010}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":",
        turn.sequence, turn.created
    );
    push_str(&mut head, turn.model);
    head.push_str(",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_fake\",\"choices\":[");
    let told = turn.ask.include_usage() && !b.nousage;
    let tail = if told { ",\"usage\":null" } else { "" };
    let mut out = String::with_capacity(512);
    let choices = turn.ask.choices();

    if b.azure {
        steps.event(
            None,
            &format!(
                "{{\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"choices\":[],\"prompt_filter_results\":\
                 [{{\"prompt_index\":0,\"content_filter_results\":{FILTERED}}}]}}"
            ),
        );
    }
    let first_tail =
        if b.groq { format!("{tail},\"x_groq\":{{\"id\":\"req_fake{}\"}}", turn.sequence) } else { tail.to_owned() };
    for index in 0..choices {
        let delta = if b.tools {
            "{\"role\":\"assistant\",\"content\":null,\"refusal\":null}"
        } else {
            "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"
        };
        let chunk = Chunk { head: &head, index, delta, logprobs: None, finish: None, tail: &first_tail };
        steps.event(None, chunk.write(&mut out));
    }

    let mut delta = String::with_capacity(128);
    for (before, piece, after) in deltas(turn).iter() {
        delta.clear();
        delta.push_str(before);
        let logprobs = (turn.ask.logprobs() && before == CONTENT).then(|| logprobs(piece));
        match (b.stamp, before == CONTENT) {
            (true, true) => push_str(&mut delta, &format!("{piece} [{STAMP}]")),
            _ => push_str(&mut delta, piece),
        }
        delta.push_str(after);
        for index in 0..choices {
            let chunk = Chunk { head: &head, index, delta: &delta, logprobs: logprobs.as_deref(), finish: None, tail };
            // Only the deltas count as content, not the heads of tool calls.
            if after.ends_with("}]}") && piece.is_empty() {
                steps.event(None, chunk.write(&mut out));
            } else {
                steps.content(None, chunk.write(&mut out));
            }
        }
    }

    let usage = turn.usage.chat();
    let last_tail = match &usage {
        Some(usage) if b.groq => {
            format!("{tail},\"x_groq\":{{\"id\":\"req_fake{}\",\"usage\":{usage}}}", turn.sequence)
        }
        _ => tail.to_owned(),
    };
    for index in 0..choices {
        let finish = Some(finish_reason(turn));
        let chunk = Chunk { head: &head, index, delta: "{}", logprobs: None, finish, tail: &last_tail };
        steps.event(None, chunk.write(&mut out));
    }
    if let (true, Some(usage)) = (told, usage) {
        steps.event(None, &format!("{head}],\"usage\":{usage}}}"));
    }
    steps.event(None, "[DONE]");
}

const CONTENT: &str = "{\"content\":";

/// The deltas of a stream: what stands before the piece of text, the piece, and what stands behind it.
fn deltas<'t>(turn: &'t Turn<'_>) -> Vec<(Cow<'static, str>, &'t str, &'static str)> {
    let b = turn.behaviour;
    let mut deltas = Vec::new();
    if b.reasoning {
        let pieces = by_word(THOUGHT);
        deltas.extend(pieces.into_iter().map(|piece| (Cow::Borrowed("{\"reasoning_content\":"), piece, "}")));
    }
    if b.tools {
        for (index, (id, name, arguments)) in CALLS.iter().enumerate() {
            deltas.push((
                Cow::Owned(format!(
                    "{{\"tool_calls\":[{{\"index\":{index},\"id\":\"{id}\",\"type\":\"function\",\
                     \"function\":{{\"name\":\"{name}\",\"arguments\":"
                )),
                "",
                "}}]}",
            ));
            let before = format!("{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":");
            deltas.extend(
                argument_pieces(arguments).into_iter().map(|piece| (Cow::Owned(before.clone()), piece, "}}]}")),
            );
        }
    } else {
        let before = if b.refusal { "{\"refusal\":" } else { CONTENT };
        deltas.extend(turn.text.pieces().iter().map(|piece| (Cow::Borrowed(before), *piece, "}")));
    }
    deltas
}
