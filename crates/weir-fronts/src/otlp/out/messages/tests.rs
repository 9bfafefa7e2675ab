use proptest::prelude::*;

use super::*;

fn messages(body: &Value) -> Value {
    Value::Array(prompt(body).unwrap().messages)
}

#[test]
fn what_is_no_conversation_is_none() {
    for body in
        [json!({}), json!([]), json!(7), json!({"messages": 7}), json!({"prompt": [1, 2]}), json!({"input": {}})]
    {
        assert!(prompt(&body).is_none(), "{body}");
    }
    for body in [json!({}), json!([]), json!({"object": "list", "data": []}), json!({"content": "text"})] {
        assert!(answer(&body).is_none(), "{body}");
    }
}

#[test]
fn plain_prompts_are_what_the_user_says() {
    let one = json!([{"role": "user", "parts": [{"type": "text", "content": "q"}]}]);
    assert_eq!(messages(&json!({"prompt": "q"})), one);
    assert_eq!(messages(&json!({"input": "q"})), one);
    let responses = prompt(&json!({"instructions": "short", "input": "q"})).unwrap();
    assert_eq!(responses.system, [json!({"type": "text", "content": "short"})]);
}

#[test]
fn older_forms_of_calls_are_calls() {
    let turns = json!({"messages": [
        {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{\"a\":1}"}},
        {"role": "function", "name": "f", "content": "2"},
        {"role": "assistant", "content": null, "refusal": "no"},
    ]});
    assert_eq!(
        messages(&turns),
        json!([
            {"role": "assistant", "parts": [{"type": "tool_call", "id": null, "name": "f", "arguments": {"a": 1}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "f", "response": "2"}], "name": "f"},
            {"role": "assistant", "parts": [{"type": "text", "content": "no"}]},
        ])
    );
    let tools = prompt(&json!({"messages": [], "functions": [{"name": "f", "parameters": {}}]})).unwrap().tools;
    assert_eq!(tools, [json!({"type": "function", "name": "f", "parameters": {}})]);
}

#[test]
fn parts_that_are_not_known_stay_as_they_are() {
    let odd = json!({"type": "hologram", "data": [1]});
    let turns = json!({"messages": [{"role": "user", "content": [odd, {"type": "image_url"}]}]});
    assert_eq!(messages(&turns)[0]["parts"], json!([odd, {"type": "image_url"}]));
    let items = json!({"input": [{"type": "item_reference", "id": "i"}]});
    assert_eq!(messages(&items)[0]["parts"], json!([{"type": "item_reference", "id": "i"}]));
    let claude = json!({"content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}}]});
    assert_eq!(
        answer(&claude).unwrap()[0]["parts"][0],
        json!({"type": "server_tool_call", "id": "s", "name": "web_search", "server_tool_call": {"q": 1}})
    );
}

#[test]
fn an_answer_without_a_reason_has_none() {
    let broken_off = answer(&json!({"choices": [{"message": {"content": "ha"}, "finish_reason": null}]})).unwrap();
    assert_eq!(broken_off, [json!({"role": "assistant", "parts": [{"type": "text", "content": "ha"}]})]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("type"),
        Just("role"),
        Just("content"),
        Just("text"),
        Just("messages"),
        Just("input"),
        Just("output"),
        Just("choices"),
        Just("message"),
        Just("tool_calls"),
        Just("function"),
        Just("function_call"),
        Just("tool"),
        Just("image_url"),
        Just("source"),
        Just("file"),
        Just("reasoning"),
        Just("summary"),
        Just("system"),
        Just("tools"),
    ];
    let word = word.prop_map(str::to_owned);
    let leaf = prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), word.clone().prop_map(Value::from)];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(word.clone(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_stands_in_a_body_becomes_messages_or_nothing(body in any_json()) {
        let found = prompt(&body).map(|prompt| prompt.messages).into_iter().chain(answer(&body)).flatten();
        for message in found {
            prop_assert!(message["role"].is_string() && message["parts"].is_array(), "{}", message);
        }
    }
}
