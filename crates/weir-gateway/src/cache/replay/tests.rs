use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::answer::{ReaderOptions, reader};
use crate::sse::{Event, Splitter};

const OPTIONS: ReaderOptions = ReaderOptions { client_wants_usage: true, choices: 1, max_text: 1 << 20 };

fn events(endpoint: Endpoint, whole: &Value, include_usage: bool) -> Vec<Event> {
    // Written for people, so that a line break left within an event would show.
    let body = serde_json::to_vec_pretty(whole).unwrap();
    let made = replay(endpoint, &body, include_usage).unwrap();
    let mut splitter = Splitter::new(1 << 20);
    made.iter().for_each(|event| splitter.push(event));
    let mut all = Vec::new();
    while let Some(event) = splitter.next_event().unwrap() {
        all.push(event);
    }
    assert_eq!(all.len(), made.len());
    assert!(splitter.rest().is_empty());
    all
}

fn data(events: &[Event]) -> Vec<Value> {
    events.iter().filter_map(|event| serde_json::from_slice(event.data.as_deref()?).ok()).collect()
}

/// What the crate's own reader makes of the events.
fn read_back(endpoint: Endpoint, whole: &Value) -> Value {
    let mut of_stream = reader(endpoint, OPTIONS);
    for event in events(endpoint, whole, true) {
        of_stream.event(&event);
    }
    assert!(of_stream.is_complete() && of_stream.is_final());
    let mut of_whole = reader(endpoint, OPTIONS);
    of_whole.whole(whole.to_string().as_bytes()).unwrap();
    assert_eq!(of_stream.summary(), of_whole.summary());
    serde_json::from_str(&of_stream.assembled()).unwrap()
}

fn chat(content: &str, reasoning: &str, arguments: &str) -> Value {
    let mut message = json!({"role": "assistant", "content": content});
    if !reasoning.is_empty() {
        message["reasoning_content"] = reasoning.into();
    }
    if !arguments.is_empty() {
        message["tool_calls"] = json!([
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}},
            {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ]);
    }
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7});
    json!({"id": "x", "object": "chat.completion", "created": 5, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})
}

fn message(text: &str, thinking: &str, input: &Value) -> Value {
    json!({"id": "m1", "type": "message", "role": "assistant", "model": "claude", "content": [
        {"type": "thinking", "thinking": thinking, "signature": "sig"},
        {"type": "text", "text": text},
        {"type": "tool_use", "id": "t", "name": "f", "input": input},
    ], "stop_reason": "tool_use", "stop_sequence": null,
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 7}})
}

fn response(text: &str, arguments: &str) -> Value {
    json!({"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [
        {"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]},
        {"id": "msg", "type": "message", "status": "completed", "role": "assistant", "content": [
            {"type": "output_text", "text": text, "annotations": [{"type": "url_citation", "url": "u"}], "logprobs": []},
            {"type": "refusal", "refusal": text},
        ]},
        {"id": "fc", "type": "function_call", "status": "completed", "call_id": "c", "name": "f", "arguments": arguments},
        {"id": "ws", "type": "web_search_call", "status": "completed", "action": {"query": "q"}},
    ], "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_clients_put_together_is_the_answer(text in ".{0,300}", other in "\\PC{0,80}", long in 0_usize..9_000) {
        let long = "ab\u{1f600}\n\"".repeat(long / 8);
        for text in [&text, &long] {
            let whole = chat(text, &other, &long);
            let mut back = read_back(Endpoint::Chat, &whole);
            let message = &mut back["choices"][0]["message"];
            // The reader leaves out an empty text beside calls of tools.
            if message["content"].is_null() {
                message["content"] = "".into();
            }
            prop_assert_eq!(&back, &whole);

            let whole = json!({"id": "x", "object": "text_completion", "model": "m",
                "choices": [{"text": text, "index": 0, "finish_reason": "stop"}]});
            prop_assert_eq!(&read_back(Endpoint::Completions, &whole), &whole);

            let whole = message_without_usage(&message_of(text, &other));
            prop_assert_eq!(&message_without_usage(&read_back(Endpoint::Messages, &message_of(text, &other))), &whole);

            let whole = response(text, &other);
            prop_assert_eq!(&read_back(Endpoint::Responses, &whole), &whole);
            prop_assert_eq!(events(Endpoint::Chat, &chat(text, "", ""), false).len() <= MAX_PIECES + 4, true);
        }
    }
}

fn message_of(text: &str, other: &str) -> Value {
    message(text, other, &json!({"a": text, "b": [other]}))
}

/// As the reader leaves out what only the start and the end of a stream say.
fn message_without_usage(whole: &Value) -> Value {
    let mut whole = whole.clone();
    let object = whole.as_object_mut().unwrap();
    object.remove("usage");
    object.remove("stop_sequence");
    // An empty text stays as it began.
    whole
}

#[test]
fn usage_is_sent_where_it_was_asked_for() {
    let whole = chat("Hi", "", "");
    let with = data(&events(Endpoint::Chat, &whole, true));
    let last = with.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole["usage"]));
    assert!(with[..with.len() - 1].iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
    let without = events(Endpoint::Chat, &whole, false);
    assert!(data(&without).iter().all(|chunk| chunk.get("usage").is_none()));
    assert_eq!(without.last().unwrap().data.as_deref(), Some(&b"[DONE]"[..]));
}

#[test]
fn every_choice_and_every_member_has_its_place() {
    let whole = json!({"id": "x", "object": "chat.completion", "created": 9007199254740993_u64, "model": "m",
        "system_fingerprint": "fp", "citations": ["u"], "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "a".repeat(500), "annotations": [{"type": "x"}]},
         "logprobs": {"content": [{"token": "a", "logprob": -0.5}]}, "finish_reason": "stop", "content_filter": {"x": 1}},
        {"index": 1, "message": {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "extra_content": {"s": 1}, "function": {"name": "f", "arguments": "{}"}},
            {"id": "d", "type": "custom", "custom": {"name": "g", "input": "i"}}]},
         "finish_reason": "tool_calls"},
    ]});
    let chunks = data(&events(Endpoint::Chat, &whole, false));
    assert!(chunks.iter().all(|c| c["created"] == json!(9007199254740993_u64) && c["system_fingerprint"] == "fp"));
    assert_eq!(chunks.iter().filter(|c| c.get("citations").is_some()).count(), 1);
    let of = |index: u64| chunks.iter().filter(move |c| c["choices"][0]["index"] == index).map(|c| &c["choices"][0]);
    let first: Vec<_> = of(0).collect();
    assert_eq!(first[0]["delta"], json!({"role": "assistant", "content": "", "annotations": [{"type": "x"}]}));
    assert_eq!(first[1]["logprobs"], whole["choices"][0]["logprobs"]);
    assert_eq!(first[1]["delta"]["content"].as_str().unwrap().len(), 500, "one piece beside its log probabilities");
    assert_eq!((&first[2]["finish_reason"], &first[2]["content_filter"]), (&json!("stop"), &json!({"x": 1})));
    assert_eq!(first.len(), 3);
    let second: Vec<_> = of(1).collect();
    assert_eq!(second[0]["delta"]["content"], Value::Null);
    let call = &second[1]["delta"]["tool_calls"][0];
    assert_eq!(
        (&call["index"], &call["extra_content"], &call["function"]["arguments"]),
        (&json!(0), &json!({"s": 1}), &json!(""))
    );
    assert_eq!(
        second[3]["delta"]["tool_calls"][0],
        json!({"index": 1, "id": "d", "type": "custom", "custom": {"name": "g", "input": "i"}})
    );
}

#[test]
fn the_events_of_a_response_have_their_names_and_order() {
    let names = |events: &[Event]| -> Vec<String> {
        events.iter().map(|e| String::from_utf8(e.name.clone().unwrap().to_vec()).unwrap()).collect()
    };
    let whole = json!({"id": "r", "status": "completed", "model": "m", "output": [
        {"id": "msg", "type": "message", "status": "completed", "role": "assistant",
         "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}]});
    let all = events(Endpoint::Responses, &whole, false);
    assert_eq!(
        names(&all),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, event) in data(&all).iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    assert_eq!(
        data(&all)[2]["item"],
        json!({"id": "msg", "type": "message", "role": "assistant", "status": "in_progress", "content": []})
    );
    let mut cut = whole;
    cut["status"] = "incomplete".into();
    assert_eq!(names(&events(Endpoint::Responses, &cut, false)).last().unwrap(), "response.incomplete");
    let order = names(&events(Endpoint::Messages, &message("Hi", "", &json!({})), false));
    assert_eq!((order[0].as_str(), order[order.len() - 1].as_str()), ("message_start", "message_stop"));
    assert_eq!(order[order.len() - 2], "message_delta");
}

#[test]
fn blocks_of_messages_keep_what_they_hold() {
    let result = json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "x"}]});
    let whole = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "stop_reason": "end_turn", "content": [
        {"type": "text", "text": "Hi", "citations": [{"type": "char_location", "cited_text": "c"}]}, result,
        {"type": "redacted_thinking", "data": "d"}]});
    let all = data(&events(Endpoint::Messages, &whole, false));
    assert_eq!(all[1]["content_block"], json!({"type": "text", "text": ""}));
    assert_eq!(all[2]["delta"]["citation"], whole["content"][0]["citations"][0]);
    let starts: Vec<_> = all.iter().filter(|e| e["type"] == "content_block_start").collect();
    assert_eq!(starts[1]["content_block"], result);
    assert_eq!(starts[2]["content_block"], whole["content"][2]);
}

#[test]
fn what_is_no_answer_is_not_streamed() {
    for (endpoint, body) in [
        (Endpoint::Chat, "{}"),
        (Endpoint::Chat, "<html>"),
        (Endpoint::Chat, r#"{"choices":[{"message":7}]}"#),
        (Endpoint::Chat, r#"{"choices":[7]}"#),
        (Endpoint::Completions, r#"{"choices":[{}]}"#),
        (Endpoint::Messages, r#"{"content":"x"}"#),
        (Endpoint::Messages, r#"{"content":[7]}"#),
        (Endpoint::Responses, r#"{"output":[{}]}"#),
        (Endpoint::Embeddings, r#"{"data":[]}"#),
    ] {
        assert_eq!(replay(endpoint, body.as_bytes(), true), None, "{body}");
    }
    assert_eq!(replay(Endpoint::Chat, b"\xff", true), None);
}
