//! Inputs made to cost much or to break something.

use serde_json::{Value, json};

use super::{Input, LeftAlone, MOST_BYTES, compress};
use crate::config::CompressConfig;

fn everything() -> CompressConfig {
    CompressConfig {
        target_ratio: Some(0.5),
        min_tokens: 0,
        include_last_user: true,
        include_code: true,
        ..Default::default()
    }
}

fn chat(text: &str) -> String {
    json!([{"role": "user", "content": text}, {"role": "user", "content": "And?"}]).to_string()
}

#[test]
fn a_mebibyte_of_anything_ends() {
    for piece in ["\n", "{", "[\n", "` ", "A. ", "a\n\n"] {
        any_way(piece, 1 << 20);
    }
    for piece in
        ["[", "{\n", "`", "\\`", "> ", "- ", "  ", ". ", "```\n", "x  y\n", "[…] ", "    x\n\n", "{\"a\":", "\"\\"]
    {
        any_way(piece, 32 << 10);
    }
}

fn any_way(piece: &str, bytes: usize) {
    let text = piece.repeat(bytes / piece.len());
    let input = chat(&text);
    let done = compress(Input::Chat(&input), "gpt-4o", &everything()).unwrap();
    assert!(done.report.tokens_after <= done.report.tokens_before, "{piece:?}");
    if let Some(main) = &done.main {
        assert!(serde_json::from_str::<Value>(main).is_ok(), "{piece:?}");
    }
    let prompt = Value::from(text).to_string();
    let lossless = CompressConfig { min_tokens: 0, ..Default::default() };
    assert!(compress(Input::Prompt(&prompt), "gpt-4o", &lossless).is_ok(), "{piece:?}");
}

#[test]
fn many_messages_and_parts_end() {
    let messages: Vec<Value> =
        (0..100_000).map(|n| json!({"role": "user", "content": format!("No {}  x", n % 7)})).collect();
    let input = Value::from(messages).to_string();
    let done = compress(Input::Chat(&input), "gpt-4o", &everything()).unwrap();
    assert!(done.report.removed.len() <= 64);
    let parts: Vec<Value> =
        (0..50_000).map(|_| json!({"type": "tool_result", "content": [{"type": "text", "text": "a  b"}]})).collect();
    let input = json!([{"role": "user", "content": parts}]).to_string();
    compress(Input::Messages { system: None, messages: &input }, "claude", &everything()).unwrap();
}

#[test]
fn nesting_is_no_recursion() {
    for open in ["[", "{\"a\":", "[{\"role\":\"user\",\"content\":["] {
        let deep = open.repeat(100_000);
        assert_eq!(compress(Input::Chat(&deep), "gpt-4o", &everything()), Err(LeftAlone::Malformed));
    }
    let deep = format!("{}{}", "[\n".repeat(100_000), "]\n".repeat(100_000));
    compress(Input::Chat(&chat(&deep)), "gpt-4o", &everything()).unwrap();
    let messages = format!("[{{\"role\":\"user\",\"content\":{}{}}}]", "[".repeat(50_000), "]".repeat(50_000));
    compress(Input::Chat(&messages), "gpt-4o", &everything()).unwrap();
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let all = everything();
    for text in ["", "null", "{}", "\"x\"", "[", "7"] {
        assert_eq!(compress(Input::Chat(text), "gpt-4o", &all), Err(LeftAlone::Malformed), "{text}");
    }
    for text in ["", "[1, 2]", "null", "\"\\ud800\""] {
        assert_eq!(compress(Input::Prompt(text), "gpt-4o", &all), Err(LeftAlone::Malformed), "{text}");
    }
    let odd = r#"[1, null, {"role": 5}, {"role":"user","content":"a  b","content":"c  d"}, {"role":"user","content":"\ud800  x"}]"#;
    assert_eq!(compress(Input::Chat(odd), "gpt-4o", &all).unwrap().main, None);
    let large = chat(&"x".repeat(MOST_BYTES));
    assert_eq!(compress(Input::Chat(&large), "gpt-4o", &all), Err(LeftAlone::Large));
    let small = CompressConfig { min_tokens: 100, ..Default::default() };
    assert_eq!(compress(Input::Chat(&chat("a  b")), "gpt-4o", &small), Err(LeftAlone::Small));
    let off = CompressConfig { lossless: false, ..Default::default() };
    assert_eq!(compress(Input::Chat(&chat("a  b")), "gpt-4o", &off), Err(LeftAlone::Off));
}
