//! No input panics: every golden input, cut at any place and with bytes replaced, goes through every function.

use std::fs;
use std::path::Path;

use super::golden_tests::events;
use super::{chat_to_messages as c2m, error_to_anthropic, error_to_openai, messages_to_chat as m2c};

/// A linear congruential generator (Knuth's MMIX constants), so that a failure repeats.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

fn inputs() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.to_string_lossy().contains(".in.") {
                found.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut found = Vec::new();
    walk(&super::golden_tests::root(), &mut found);
    assert!(found.len() > 24);
    found
}

/// All functions on one text; what they give must be UTF-8 and, for requests, JSON.
fn try_all(text: &[u8]) {
    let drops = [false, true];
    for drop_params in drops {
        let opts = c2m::RequestOptions { model: "m", drop_params, ..Default::default() };
        if let Ok(body) = c2m::request(text, &opts) {
            assert_json(&body, "JSON of Messages");
        }
        let opts = m2c::RequestOptions {
            model: "m",
            drop_params,
            keep_thinking: true,
            keep_cache_control: true,
            ..Default::default()
        };
        if let Ok(body) = m2c::request(text, &opts) {
            assert_json(&body, "JSON of chat completions");
        }
    }
    let json_tool = c2m::RequestContext { json_tool: true, include_usage: true, ..Default::default() };
    if let Ok(body) = c2m::response(text, &json_tool) {
        assert_json(&body, "a completion");
    }
    if let Ok(body) = m2c::response(text, &m2c::RequestContext::default()) {
        assert_json(&body, "a message");
    }
    for (_, body) in [error_to_openai(500, text), error_to_anthropic(200, text, "r")] {
        assert_json(&body, "an error envelope");
    }
    let lossy = String::from_utf8_lossy(text);
    let (mut chat, mut messages) = (c2m::Stream::new(json_tool), m2c::Stream::new(m2c::RequestContext::default()));
    let mut out = Vec::new();
    for (name, data) in events(&lossy) {
        chat.event(name, data.as_bytes(), &mut out);
        messages.event(name, data.as_bytes(), &mut out);
    }
    chat.end(&mut out);
    messages.end(&mut out);
    assert!(chat.is_finished() && messages.is_finished());
    let out = String::from_utf8(out).expect("frames are UTF-8");
    for line in out.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]") {
        assert_json(line.as_bytes(), "a frame");
    }
}

fn assert_json(body: &[u8], what: &str) {
    let text = std::str::from_utf8(body).expect(what);
    // Raw, because a value could not hold a lone surrogate, which is copied as it came.
    serde_json::from_str::<&serde_json::value::RawValue>(text)
        .unwrap_or_else(|error| panic!("{what}: {error}: {text}"));
}

#[test]
fn cut_inputs_do_not_panic() {
    for text in inputs() {
        for end in (0..text.len()).step_by(7) {
            try_all(&text.as_bytes()[..end]);
        }
    }
}

#[test]
fn mutated_inputs_do_not_panic() {
    let inputs = inputs();
    let mut random = Lcg(20_261_121);
    let tokens: &[&str] = &["null", "-1", "\"\"", "{}", "[]", "1e999", "\"\\ud800\"", "true", "[[[[[[", "\u{fe}"];
    for _ in 0..4000 {
        let mut text = inputs[random.below(inputs.len())].clone().into_bytes();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len());
            match random.below(4) {
                0 => text[at] = random.below(256) as u8,
                1 => drop(text.drain(at..(at + random.below(40)).min(text.len()))),
                2 => {
                    let token = tokens[random.below(tokens.len())];
                    text.splice(at..at, token.bytes());
                }
                // Replaces one value, so that the text stays JSON.
                _ => {
                    if let Some(colon) = text[at..].iter().position(|b| *b == b':').map(|found| at + found) {
                        let end = text[colon..].iter().position(|b| matches!(b, b',' | b'}' | b'\n'));
                        let end = end.map_or(text.len(), |found| colon + found);
                        let token = tokens[random.below(tokens.len())];
                        text.splice(colon + 1..end.max(colon + 1), token.bytes());
                    }
                }
            }
            if text.is_empty() {
                text.push(b'{');
            }
        }
        try_all(&text);
    }
}

#[test]
fn deep_nesting_does_not_overflow() {
    for open in ["[", "{\"error\":", "{\"messages\":[{\"role\":\"user\",\"content\":["] {
        try_all(open.repeat(100_000).as_bytes());
    }
    let deep = format!("{{\"messages\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    try_all(deep.as_bytes());
    // A document in a document in a document, with an escape that hides the word.
    let open = r#"{"type":"\u0064ocument","source":{"type":"content","content":["#;
    let body = format!(
        "{{\"messages\":[{{\"role\":\"user\",\"content\":[{}{}]}}]}}",
        open.repeat(50_000),
        "]}}".repeat(50_000)
    );
    assert!(m2c::request(body.as_bytes(), &m2c::RequestOptions::default()).is_err());
}
