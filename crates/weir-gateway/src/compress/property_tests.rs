//! What holds for any conversation.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::bare_json::minify;
use super::blocks::{Kind, blocks};
use super::{Compressed, Input, compress};
use crate::config::CompressConfig;

const LONG: &str = "The journal keeps every call until the store has it,  and nothing that a client saw complete is lost. \
It grows to its bound. Then 3 records of Ada are lost and counted, and calls go on as before, at the same price.";

/// Pieces of text that the steps look for.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            LONG, "One  two.   Three", "\n", "\n\n\n \n", "  \n", "\t", "`a  b`", "`", "```\nx  = 1\n\n\n y\n```\n", "```rust\n",
            "    indented  code\n", "{\"a\": [1.50, 2e1],\n    \"b\": \"x  y\"}\n", "{\"a\": ", "[1, 2, 3, 4, 5, 6, 7, 8]\n", "- item\n",
            "| a  | b |\n", "# Head\n", "[…]", "[same as above: \"The…\"]", "A. B! c? 日本。", "> ~~~\n", "x   y\nz   w\n", "\\`", "\r\n",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => any::<String>(),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..9).prop_map(|pieces| pieces.concat())
}

fn content() -> impl Strategy<Value = Value> {
    let image = json!({"type": "image_url", "image_url": {"url": "https://a/b  c.png"}});
    let part = prop_oneof![
        6 => text().prop_map(|text| json!({"type": "text", "text": text, "x": 1.50})),
        1 => Just(image),
        2 => text().prop_map(|text| json!({"type": "tool_result", "tool_use_id": "t", "content": text})),
        1 => text().prop_map(|text| json!({"type": "thinking", "thinking": text, "signature": "s  s"})),
    ];
    prop_oneof![3 => text().prop_map(Value::from), 1 => prop::collection::vec(part, 0..4).prop_map(Value::from)]
}

fn conversation() -> impl Strategy<Value = Vec<Value>> {
    let role = prop::sample::select(vec!["system", "user", "user", "assistant", "tool"]);
    let message = (role, content(), 0..20_u8).prop_map(|(role, content, more)| match more {
        0 => json!({"role": role, "content": content, "tool_calls": [{"function": {"arguments": "{ }"}}]}),
        1 => {
            json!({"role": role, "content": [{"type": "text", "text": "a  b", "cache_control": {"type": "ephemeral"}}]})
        }
        _ => json!({"role": role, "content": content, "name": "n  n"}),
    });
    prop::collection::vec(message, 0..7)
}

fn lossless() -> CompressConfig {
    CompressConfig { min_tokens: 0, ..Default::default() }
}

fn run(messages: &[Value], config: &CompressConfig) -> (Compressed, Vec<Value>) {
    let text = Value::from(messages.to_vec()).to_string();
    let done = compress(Input::Chat(&text), "gpt-4o", config).unwrap();
    let out = done.main.as_ref().map_or_else(|| messages.to_vec(), |main| serde_json::from_str(main).unwrap());
    (done, out)
}

/// All texts of a message, results of tools included.
fn texts(message: &Value) -> Vec<&str> {
    let content = &message["content"];
    let parts = content.as_array().into_iter().flatten();
    let of_parts = parts.flat_map(|part| [&part["text"], &part["content"]]);
    std::iter::once(content).chain(of_parts).filter_map(Value::as_str).collect()
}

fn code(message: &Value) -> Vec<String> {
    let of = |text: &str| -> Vec<String> {
        blocks(text)
            .into_iter()
            .filter(|block| block.kind == Kind::Code)
            .map(|block| text[block.range].to_owned())
            .collect()
    };
    texts(message).into_iter().flat_map(of).collect()
}

/// A message without its texts.
fn shape(message: &Value) -> Value {
    let mut shape = message.clone();
    let parts = match &mut shape["content"] {
        Value::Array(parts) => parts,
        content => {
            *content = Value::Null;
            return shape;
        }
    };
    for part in parts {
        for name in ["text", "content"] {
            if let Some(Value::String(text)) = part.get_mut(name) {
                text.clear();
            }
        }
    }
    shape
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn lossless_keeps_code_members_and_the_question(messages in conversation()) {
        let (done, out) = run(&messages, &lossless());
        prop_assert!(done.report.tokens_after <= done.report.tokens_before);
        prop_assert_eq!(messages.len(), out.len());
        for (before, after) in messages.iter().zip(&out) {
            prop_assert_eq!(shape(before), shape(after));
            prop_assert_eq!(code(before), code(after));
        }
        let said = |message: &Value| message["role"] == "user" && message["content"].as_array().is_none_or(|parts| {
            parts.is_empty() || parts.iter().any(|part| part["type"] != "tool_result")
        });
        if let Some(last) = messages.iter().rposition(said) {
            let own = |message: &Value| match &message["content"] {
                Value::Array(parts) => parts.iter().filter(|part| part["type"] != "tool_result").cloned().collect(),
                content => vec![content.clone()],
            };
            prop_assert_eq!(own(&messages[last]), own(&out[last]));
        }
        let saved = done.report.saved;
        let sum = saved.whitespace + saved.repeated + saved.json;
        prop_assert_eq!(sum, done.report.tokens_before - done.report.tokens_after);
    }

    #[test]
    fn lossless_twice_changes_nothing_more(messages in conversation(), last in any::<bool>(), code in any::<bool>()) {
        let config = CompressConfig { include_last_user: last, include_code: code, ..lossless() };
        let (_, once) = run(&messages, &config);
        let (done, _) = run(&once, &config);
        prop_assert_eq!(done.main, None);
    }

    #[test]
    fn a_target_is_met_or_missed_and_never_adds(
        messages in conversation(), ratio in 0.05..0.95_f64, last in any::<bool>(), code in any::<bool>(), lossless in any::<bool>(),
    ) {
        let config = CompressConfig {
            lossless, target_ratio: Some(ratio), min_tokens: 0, include_last_user: last, include_code: code, ..Default::default()
        };
        let (done, out) = run(&messages, &config);
        let report = &done.report;
        prop_assert!(report.tokens_after <= report.tokens_before);
        prop_assert_eq!(report.target_missed, report.tokens_after > report.target.unwrap());
        prop_assert_eq!(messages.len(), out.len());
        for (before, after) in messages.iter().zip(&out) {
            prop_assert_eq!(shape(before), shape(after));
        }
        let saved = report.saved;
        let sum = saved.whitespace + saved.repeated + saved.json + saved.extracted;
        prop_assert_eq!(sum, report.tokens_before - report.tokens_after);
        let (again, _) = run(&messages, &config);
        prop_assert_eq!(&done, &again);
    }

    #[test]
    fn minified_json_is_equal_and_stays(value in json_value()) {
        for text in [serde_json::to_string_pretty(&value).unwrap(), value.to_string()] {
            let small = minify(&text);
            prop_assert_eq!(&small, &value.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(&small).unwrap(), value.clone());
        }
    }

    #[test]
    fn any_text_is_read(text in any::<String>(), system in any::<String>()) {
        let config = CompressConfig { target_tokens: Some(1), ..lossless() };
        let _ = compress(Input::Chat(&text), "gpt-4o", &config);
        let _ = compress(Input::Prompt(&text), "gpt-4o", &config);
        let _ = compress(Input::Messages { system: Some(&system), messages: &text }, "claude", &config);
        minify(&text);
    }

    #[test]
    fn a_prompt_keeps_its_end(text in text()) {
        let prompt = Value::from(text.clone()).to_string();
        let config = CompressConfig { target_ratio: Some(0.3), ..lossless() };
        let done = compress(Input::Prompt(&prompt), "gpt-4o", &config).unwrap();
        if let Some(main) = done.main {
            let out: String = serde_json::from_str(&main).unwrap();
            let last = blocks(&text).into_iter().rfind(|block| block.kind != Kind::Blank).unwrap();
            prop_assert!(out.ends_with(&text[last.range.start..]), "{:?}", out);
        }
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ \\\\\"{}\\[\\]:,\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z \"\\\\]{0,5}", inner, 0..5).prop_map(Value::from_iter),
        ]
    })
}
