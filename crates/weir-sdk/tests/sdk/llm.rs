//! The client, against a provider that misbehaves on demand.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use weir_sdk::{CallOptions, ChatRequest, InstrumentedLlm, LlmErrorKind, Message, ObservabilityLogger};
use weir_testkit::fake::FakeProvider;

use crate::support::{Answers, LONG, Logged, answer};

fn client(logged: &Logged, fake: &FakeProvider) -> InstrumentedLlm {
    InstrumentedLlm::new(&logged.logger).base_url(fake.url("/v1")).api_key("a-key")
}

fn ask(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Good day"}], "seed": 7})
}

const ROW: &str = "SELECT model, status, coalesce(error, '-'), prompt_tokens > 0, completion_tokens > 0 FROM llm_calls";

#[tokio::test]
async fn requests_and_answers_pass_as_they_are_and_both_are_recorded() {
    let (logged, fake) = (Logged::new(), FakeProvider::start().await);
    let llm = client(&logged, &fake);
    let options =
        CallOptions { request_id: Some("req-1".into()), prompt_version: Some("v2".into()), ..CallOptions::default() };
    let answer = llm.chat_raw_with(ask("gpt-4o"), &options).await.unwrap();
    assert_eq!(answer["object"], "chat.completion");

    let sent = fake.requests().pop().unwrap();
    assert!(serde_json::to_value(&sent).unwrap()["body"].to_string().contains("seed"), "{sent:?}");
    let text = format!("{sent:?}").to_lowercase();
    assert!(text.contains("req-1") && text.contains("traceparent"), "{text}");

    let rows = logged.rows("SELECT request_id, prompt_version, status, response = '' FROM llm_calls");
    assert_eq!(rows, [["req-1", "v2", "success", "0"]]);
    let content = answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert_eq!(logged.one::<String>("SELECT response FROM llm_calls"), content);
    assert_eq!(logged.rows(ROW), [["gpt-4o", "success", "-", "1", "1"]]);
    assert!(!logged.one::<String>("SELECT group_concat(input || output) FROM payload_text").contains("a-key"));
}

#[tokio::test]
async fn a_stream_is_recorded_whole_at_its_end() {
    let (logged, fake) = (Logged::new(), FakeProvider::start().await);
    let llm = client(&logged, &fake);
    let mut stream =
        llm.chat_stream(&ChatRequest::new("gpt-4o!chunks=5", vec![Message::user("Good day")])).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.unwrap();
        assert!(!chunk.choices.is_empty(), "the chunk of usage was not asked for by the caller");
        text.push_str(chunk.content());
    }
    assert_eq!(logged.one::<String>("SELECT response FROM llm_calls"), text);
    assert_eq!(logged.rows("SELECT status, stream, ttft_us > 0 FROM spans"), [["1", "1", "1"]]);
    assert_eq!(logged.rows("SELECT prompt_tokens > 0, completion_tokens > 0 FROM llm_calls"), [["1", "1"]]);
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_is_not_read_to_its_end_is_recorded_as_that() {
    let (logged, fake) = (Logged::new(), FakeProvider::start().await);
    let llm = client(&logged, &fake);
    let mut broken = llm.chat_stream_raw(ask("gpt-4o!cut,chunks=8,after=3")).await.unwrap();
    let mut last = None;
    while let Some(chunk) = broken.next().await {
        last = Some(chunk);
    }
    let error = last.unwrap().unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Connection);
    assert_eq!(error.request_id, broken.request_id());

    let mut left = llm.chat_stream_raw(ask("gpt-4o!chunks=8")).await.unwrap();
    left.next().await.unwrap().unwrap();
    drop(left);
    let rows = logged.rows("SELECT status FROM llm_calls ORDER BY timestamp");
    assert_eq!(rows, [["error"], ["cancelled"]]);
    assert_eq!(logged.one::<i64>("SELECT count(*) FROM llm_calls WHERE prompt_tokens > 0"), 2, "counted by Weir");
}

#[tokio::test]
async fn failures_are_recorded_and_returned_with_the_providers_words() {
    let (logged, fake) = (Logged::new(), FakeProvider::start().await);
    let llm = client(&logged, &fake).timeout(Duration::from_millis(400));
    let refused = llm.chat_raw(ask("gpt-4o!status=429")).await.unwrap_err();
    assert_eq!((refused.kind, refused.status), (LlmErrorKind::Api, Some(429)));
    let said = refused.body.unwrap()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(refused.message, said);
    let late = llm.chat_raw(ask("gpt-4o!stall")).await.unwrap_err();
    assert_eq!(late.kind, LlmErrorKind::Timeout);
    let odd = llm.chat_raw(ask("gpt-4o!badjson")).await.unwrap_err();
    assert_eq!(odd.kind, LlmErrorKind::Answer);
    let rows = logged.rows("SELECT status, error FROM llm_calls ORDER BY timestamp");
    let seen: Vec<_> = rows.iter().map(|row| (&*row[0], &*row[1])).collect();
    assert_eq!(seen, [("error", &*said), ("error", "no answer in time"), ("error", "the answer is no JSON object")]);
}

#[tokio::test]
async fn a_call_whose_future_is_dropped_is_cancelled() {
    let (logged, fake) = (Logged::new(), FakeProvider::start().await);
    let llm = client(&logged, &fake);
    let abandoned = tokio::time::timeout(Duration::from_millis(200), llm.chat_raw(ask("gpt-4o!stall"))).await;
    assert!(abandoned.is_err());
    assert_eq!(logged.rows("SELECT model, status FROM llm_calls"), [["gpt-4o!stall", "cancelled"]]);
}

#[tokio::test]
async fn usage_that_the_provider_keeps_to_itself_is_counted_here() {
    let (logged, fake) = (Logged::new(), FakeProvider::start().await);
    let llm = client(&logged, &fake);
    llm.chat_raw(ask("gpt-4o!nousage")).await.unwrap();
    assert_eq!(logged.rows(ROW)[0][3..], ["1", "1"]);
}

#[test]
fn programs_without_a_runtime_wait_and_may_wait_within_one_too() {
    let logged = Logged::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(FakeProvider::start());
    let llm = client(&logged, &fake);
    let options = CallOptions { model: Some("gpt-4o".into()), ..CallOptions::default() };
    let reply = llm.call_blocking("Good day", &options).unwrap();
    assert!(!reply.content.is_empty() && reply.latency > Duration::ZERO);
    assert!(reply.cost.is_some_and(|cost| cost > 0.0), "{:?}", reply.cost);
    runtime.block_on(async { llm.call_blocking("Good day", &options) }).unwrap();
    let chunks = llm.chat_stream_raw_blocking(ask("gpt-4o!chunks=4")).unwrap();
    assert!(chunks.map(Result::unwrap).count() >= 4);
    assert_eq!(logged.one::<i64>("SELECT count(*) FROM llm_calls WHERE status = 'success'"), 3);
    assert_eq!(logged.rows("SELECT DISTINCT prompt FROM llm_calls WHERE json_valid(prompt) = 0"), [["Good day"]]);
}

#[test]
fn what_the_weir_server_of_the_logger_records_is_not_recorded_again() {
    let completion = json!({"id": "1", "object": "chat.completion", "model": "gpt-4o", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    let from_weir = "x-weir-provider: azure\r\nx-weir-overhead-us: 80\r\n";
    let server = Answers::new(vec![
        answer("200 OK", from_weir, &completion.to_string()),
        answer("401 Unauthorized", "", r#"{"error":{"message":"unknown key"}}"#),
        answer("200 OK", "", r#"{"stored":1}"#),
    ]);
    let url = format!("http://{}", server.address);
    let logger = ObservabilityLogger::builder().server(&url, None).own_metrics().build().unwrap();
    let llm = InstrumentedLlm::new(&logger).base_url(format!("{url}/v1")).api_key("k");
    let options = CallOptions { model: Some("gpt-4o".into()), department: Some("it".into()), ..CallOptions::default() };
    llm.call_blocking("hi", &options).unwrap();
    let asked = server.next();
    assert!(asked.head.contains("x-weir-department: it") && asked.head.contains("x-weir-trace-id: "), "{}", asked.head);
    assert!(logger.flush(LONG));
    assert_eq!(logger.stats().logged, 0, "the gateway has recorded it");
    assert!(logger.metrics().contains("llm_requests_total{model=\"gpt-4o\",status=\"success\"} 1"));

    // A key that the gateway does not know is recorded by nobody but the library.
    assert_eq!(llm.call_blocking("hi", &options).unwrap_err().message, "unknown key");
    assert!(logger.flush(LONG));
    server.next();
    assert_eq!(server.next().body["spans"][0]["error"], "unknown key");
}

#[test]
fn settings_that_cannot_be_used_fail_the_call_and_not_the_program() {
    let logged = Logged::new();
    let llm = InstrumentedLlm::new(&logged.logger).base_url("localhost:9000");
    let error = llm.call_blocking("hi", &CallOptions::default()).unwrap_err();
    assert_eq!(error.kind, LlmErrorKind::Settings);
    assert!(error.message.contains("localhost:9000"), "{error}");
    let streamed = InstrumentedLlm::demo(&logged.logger).chat_raw_blocking(json!({"model": "m", "stream": true}));
    assert!(streamed.unwrap_err().message.contains("chat_stream"));
}
