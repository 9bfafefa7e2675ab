use proptest::prelude::*;

use super::*;

/// The messages of the OpenAI cookbook's notebook on counting tokens, with the numbers that the API billed for them.
const COOKBOOK: &str = r#"[
    {"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
    {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
    {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
    {"role": "system", "name": "example_user", "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
    {"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."},
    {"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."}
]"#;

const WEATHER: &str = r#"[{"type": "function", "function": {
    "name": "get_current_weather",
    "description": "Get the current weather in a given location",
    "parameters": {"type": "object", "properties": {
        "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
        "unit": {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]}
    }, "required": ["location"]}}}]"#;

const ASKED: &str = r#"[
    {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."},
    {"role": "user", "content": "What's the weather like in San Francisco?"}
]"#;

#[test]
fn cookbook_messages() {
    assert_eq!(count_messages("gpt-3.5-turbo", COOKBOOK), Count { tokens: 129, exact: true });
    assert_eq!(count_messages("gpt-4", COOKBOOK), Count { tokens: 129, exact: true });
    assert_eq!(count_messages("gpt-4o", COOKBOOK), Count { tokens: 124, exact: true });
    assert_eq!(count_messages("azure/gpt-4o-mini", COOKBOOK), Count { tokens: 124, exact: true });
    assert!(!count_messages("claude-opus-5", COOKBOOK).exact);
}

#[test]
fn cookbook_tools() {
    let both = |model| count_messages(model, ASKED).tokens + count_tools(model, WEATHER).tokens;
    assert_eq!(both("gpt-3.5-turbo"), 105);
    assert_eq!(both("gpt-4"), 105);
    assert_eq!(both("gpt-4o"), 101);
    assert_eq!(both("gpt-4o-mini"), 101);
    assert_eq!(count_tools("gpt-4o", "[]"), Count { tokens: 0, exact: true });
}

#[test]
fn parts_count_like_their_text() {
    let plain = count_messages("gpt-4o", r#"[{"role":"user","content":"Hello, \"world\"\n"}]"#);
    let parts =
        count_messages("gpt-4o", r#"[{"role":"user","content":[{"type":"text","text":"Hello, \"world\"\n"}]}]"#);
    assert_eq!(plain, parts);
    assert!(plain.exact);
}

#[test]
fn images_and_calls_are_estimates() {
    let image = |detail: &str| {
        let json =
            format!(r#"[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"u"{detail}}}}}]}}]"#);
        count_messages("gpt-4o", &json)
    };
    let empty = count_messages("gpt-4o", r#"[{"role":"user","content":null}]"#).tokens;
    assert_eq!(image(r#","detail":"low""#), Count { tokens: empty + 85, exact: false });
    assert_eq!(image(""), Count { tokens: empty + 765, exact: false });
    let calls = r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
        {"role":"tool","tool_call_id":"c","content":"2"}]"#;
    let counted = count_messages("gpt-4o", calls);
    assert!(!counted.exact && counted.tokens > 10);
}

#[test]
fn anything_is_counted() {
    for odd in [
        "",
        "null",
        "{}",
        "[",
        "[1,null,\"x\",[]]",
        r#"[{"role":1,"content":{"a":1}}]"#,
        r#"[{"content":[1,"x",{"type":"file"}]}]"#,
    ] {
        let _ = count_messages("gpt-4o", odd);
        let _ = count_tools("gpt-4o", odd);
    }
    assert_eq!(count_messages("gpt-4o", "[]").tokens, PRIMING);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn never_panics(text in any::<String>()) {
        let json = serde_json::to_string(&text).unwrap();
        for odd in [text, format!("[{json}]"), format!(r#"[{{"role":{json},"content":[{{"type":"text","text":{json}}}],{json}:1}}]"#)] {
            let _ = count_messages("gpt-4o", &odd);
            let _ = count_tools("gpt-4o", &odd);
        }
    }
}
