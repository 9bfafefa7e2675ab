//! `/completions`, the old endpoint, whole and streamed.

use std::fmt::Write as _;

use super::json::{self, push_str};
use super::service::Turn;
use super::steps::Steps;
use super::text::STAMP;

fn finish_reason(turn: &Turn<'_>) -> &'static str {
    let b = turn.behaviour;
    if b.refusal || b.filter {
        "content_filter"
    } else if b.length {
        "length"
    } else {
        "stop"
    }
}

fn head(turn: &Turn<'_>) -> String {
    let mut head = format!(
        "{{\"id\":\"cmpl-fake{:010}\",\"object\":\"text_completion\",\"created\":{},\"model\":",
        turn.sequence, turn.created
    );
    push_str(&mut head, turn.model);
    head.push_str(",\"choices\":[");
    head
}

fn choice(out: &mut String, index: u32, text: &str, finish: Option<&str>) {
    out.push_str("{\"text\":");
    push_str(out, text);
    let _ = write!(out, ",\"index\":{index},\"logprobs\":null,\"finish_reason\":");
    match finish {
        Some(finish) => push_str(out, finish),
        None => out.push_str("null"),
    }
    out.push('}');
}

/// The answer in one piece.
pub(crate) fn whole(turn: &Turn<'_>) -> String {
    let mut out = head(turn);
    for index in 0..turn.ask.choices() {
        if index > 0 {
            out.push(',');
        }
        choice(&mut out, index, &turn.stamped_text(), Some(finish_reason(turn)));
    }
    out.push(']');
    if let Some(usage) = turn.usage.chat() {
        let _ = write!(out, ",\"usage\":{usage}");
    }
    if turn.behaviour.bigint {
        out.push(',');
        out.push_str(json::BIGINT);
    }
    out.push('}');
    out
}

/// The answer as a stream.
pub(crate) fn stream(turn: &Turn<'_>, steps: &mut Steps) {
    let head = head(turn);
    let told = turn.ask.include_usage() && !turn.behaviour.nousage;
    let end = if told { "],\"usage\":null}" } else { "]}" };
    let mut chunk = |index: u32, text: &str, finish: Option<&str>| {
        let mut out = head.clone();
        choice(&mut out, index, text, finish);
        out.push_str(end);
        match finish {
            Some(_) => steps.event(None, &out),
            None => steps.content(None, &out),
        }
    };
    for piece in turn.text.pieces().iter() {
        for index in 0..turn.ask.choices() {
            if turn.behaviour.stamp {
                chunk(index, &format!("{piece} [{STAMP}]"), None);
            } else {
                chunk(index, piece, None);
            }
        }
    }
    for index in 0..turn.ask.choices() {
        chunk(index, "", Some(finish_reason(turn)));
    }
    if let (true, Some(usage)) = (told, turn.usage.chat()) {
        steps.event(None, &format!("{head}],\"usage\":{usage}}}"));
    }
    steps.event(None, "[DONE]");
}
