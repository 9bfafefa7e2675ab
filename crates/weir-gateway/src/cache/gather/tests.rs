use proptest::prelude::*;

use super::*;
use crate::cache::replay;
use crate::sse::Splitter;
use serde_json::json;

fn gathered(endpoint: Endpoint, stream: &[u8], max: usize) -> Option<Value> {
    let mut splitter = Splitter::new(1 << 20);
    splitter.push(stream);
    let mut gather = Gather::new(endpoint, max, Room::new(1 << 20));
    while let Some(event) = splitter.next_event().unwrap() {
        gather.push(&event);
    }
    gather.whole().map(|whole| serde_json::from_slice(&whole).unwrap())
}

/// The answer as a stream and back.
fn there_and_back(endpoint: Endpoint, whole: &Value) -> Option<Value> {
    let events = replay(endpoint, whole.to_string().as_bytes(), true).unwrap();
    gathered(endpoint, &events.concat(), 1 << 20)
}

fn chat(text: &str) -> Value {
    json!({"id": "x", "object": "chat.completion", "created": 5, "model": "m", "system_fingerprint": "fp", "citations": ["u"],
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, "reasoning_content": text, "annotations": [{"a": 1}]},
             "logprobs": {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}], "refusal": null}, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}, "extra_content": {"s": "t"}},
                {"id": "d", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
             "logprobs": null, "finish_reason": "tool_calls"},
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 1}}})
}

fn message(text: &str) -> Value {
    json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [
            {"type": "thinking", "thinking": text, "signature": "s"},
            {"type": "text", "text": text},
            {"type": "text", "text": text, "citations": [{"cited_text": text}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": text, "b": [1, 2.5]}},
            {"type": "tool_use", "id": "u", "name": "g", "input": {}},
            {"type": "web_search_tool_result", "content": [{"x": 1}]},
        ], "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 7, "server_tool_use": {"x": 1}}})
}

#[test]
fn what_the_first_chunk_leaves_open_a_later_one_says() {
    let stream = b"data: {\"id\":\"\",\"model\":\"\",\"created\":0,\"object\":\"\",\"choices\":[],\"prompt_filter_results\":[1]}\n\n\
        data: {\"id\":\"x\",\"model\":\"m\",\"created\":5,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\
        data: {\"id\":\"x\",\"model\":\"m\",\"created\":5,\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
        data: [DONE]\n\n";
    let whole = gathered(Endpoint::Chat, stream, 1 << 20).unwrap();
    assert_eq!(
        whole,
        json!({"id": "x", "model": "m", "created": 5, "object": "chat.completion", "prompt_filter_results": [1], "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]})
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_replayed_answer_is_gathered_again(short in ".{0,80}", repeat in 0_usize..60) {
        for text in [&short, &short.repeat(repeat)] {
            let whole = chat(text);
            prop_assert_eq!(there_and_back(Endpoint::Chat, &whole), Some(whole));
            let whole = message(text);
            prop_assert_eq!(there_and_back(Endpoint::Messages, &whole), Some(whole));
            let whole = json!({"id": "x", "object": "text_completion", "created": 1, "model": "m", "choices": [
                {"text": text, "index": 0, "logprobs": {"tokens": ["a"], "token_logprobs": [null]}, "finish_reason": "stop"},
                {"text": text, "index": 1, "logprobs": null, "finish_reason": "stop"}], "usage": {"total_tokens": 1}});
            prop_assert_eq!(there_and_back(Endpoint::Completions, &whole), Some(whole));
            let whole = json!({"id": "r", "status": "completed", "model": "m", "output": [
                {"type": "message", "content": [{"type": "output_text", "text": text}]}]});
            prop_assert_eq!(there_and_back(Endpoint::Responses, &whole), Some(whole));
        }
    }
}

#[test]
fn streams_of_providers_are_put_together() {
    let chat = concat!(
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":{\"content\":[]},\"finish_reason\":null}],\"usage\":null}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"He\"},\"logprobs\":{\"content\":[{\"token\":\"He\"}]}}]}\n\n",
        ": a comment\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"y\"},\"logprobs\":{\"content\":[{\"token\":\"y\"}]}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"arguments\":\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"total_tokens\":7}}\n\n",
        "data: [DONE]\n\n",
    );
    let whole = json!({"id": "c", "object": "chat.completion", "created": 7, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hey", "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
         "logprobs": {"content": [{"token": "He"}, {"token": "y"}]}, "finish_reason": "tool_calls"}], "usage": {"total_tokens": 7}});
    assert_eq!(gathered(Endpoint::Chat, chat.as_bytes(), 1 << 20), Some(whole));
    // Cut off, too long, or with an error in it.
    let without_end = chat.replace("data: [DONE]\n\n", "");
    assert_eq!(gathered(Endpoint::Chat, without_end.as_bytes(), 1 << 20), None);
    assert_eq!(gathered(Endpoint::Chat, chat.as_bytes(), 10), None);
    assert_eq!(gathered(Endpoint::Chat, chat.as_bytes(), 100), None);
    assert_eq!(gathered(Endpoint::Chat, b"data: {\"error\":{}}\n\ndata: [DONE]\n\n", 1 << 20), None);
    let cut = chat.replace("\"finish_reason\":\"tool_calls\"", "\"finish_reason\":null");
    assert_eq!(gathered(Endpoint::Chat, cut.as_bytes(), 1 << 20), None);
    let far = "data: {\"choices\":[{\"index\":999999999,\"delta\":{}}]}\n\n";
    assert_eq!(gathered(Endpoint::Chat, format!("{far}{chat}").as_bytes(), 1 << 20), None);
}

#[test]
fn all_streams_together_have_a_bound() {
    let room = Room::new(100);
    let event = |size: usize| {
        let mut splitter = Splitter::new(1 << 20);
        splitter.push(format!("data: {}\n\n", "x".repeat(size)).as_bytes());
        splitter.next_event().unwrap().unwrap()
    };
    let mut first = Gather::new(Endpoint::Chat, 1 << 20, room.clone());
    let mut second = Gather::new(Endpoint::Chat, 1 << 20, room.clone());
    assert!(first.push(&event(60)));
    assert!(!second.push(&event(41)), "said at once, so that nobody waits for it");
    assert!(second.is_too_long && !first.is_too_long);
    first.push(&event(40));
    assert!(!first.is_too_long, "what the second had was given back");
    drop(first);
    assert!(!second.push(&event(1)));
    assert_eq!((second.taken, room.used.load(Ordering::Relaxed)), (0, 0));
    let mut response = Gather::new(Endpoint::Responses, 1 << 20, room.clone());
    assert!((0..9).all(|_| response.push(&event(90))), "of a response only the last event is kept");
    assert!(!response.is_too_long, "of a response only the last event is kept");
    drop(response);
    assert_eq!(room.used.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_not_known_is_not_stored() {
    let message = |event: &str| {
        format!(
            "data: {{\"type\":\"message_start\",\"message\":{{\"id\":\"m\",\"content\":[]}}}}\n\n\
             data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n\
             data: {event}\n\ndata: {{\"type\":\"message_stop\"}}\n\n"
        )
    };
    let of = |event: &str| gathered(Endpoint::Messages, message(event).as_bytes(), 1 << 20);
    assert!(of("{\"type\":\"ping\"}").is_some());
    for event in [
        "{\"type\":\"error\",\"error\":{}}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"new_delta\",\"x\":1}}",
        "{\"type\":\"content_block_delta\",\"index\":7,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}",
        "{\"type\":\"content_block_start\",\"index\":9,\"content_block\":{\"type\":\"text\"}}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}",
        "not json",
    ] {
        assert_eq!(of(event), None, "{event}");
    }
    assert_eq!(gathered(Endpoint::Responses, b"data: {\"type\":\"response.failed\",\"response\":{}}\n\n", 100), None);
    assert_eq!(gathered(Endpoint::Embeddings, b"data: {}\n\n", 100), None);
}
