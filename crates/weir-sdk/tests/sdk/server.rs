//! To a server.

use std::net::TcpListener;
use std::time::Instant;

use weir_sdk::{LlmCall, ObservabilityLogger, ToolCall};

use crate::support::{Answers, LONG, answer};

#[test]
fn spans_are_posted_with_the_key_and_tried_again_while_the_server_is_away() {
    let server = Answers::new(vec![
        answer("503 Service Unavailable", "retry-after: 0\r\n", r#"{"error":{"message":"later"}}"#),
        answer("200 OK", "", r#"{"stored":1}"#),
    ]);
    let logger = ObservabilityLogger::connect(&format!("http://{}", server.address), Some("a-key")).unwrap();
    logger.log_llm_call(LlmCall { prompt: Some("hi".into()), ..LlmCall::new("gpt-4o") });
    let (first, second) = (server.next(), server.next());
    assert!(logger.flush(LONG));
    assert!(first.head.starts_with("post /api/v1/spans http/1.1"), "{}", first.head);
    assert!(first.head.contains("authorization: bearer a-key"), "{}", first.head);
    assert_eq!(first.body, second.body);
    let span = &second.body["spans"][0];
    assert_eq!((&span["write"], &span["kind"], &span["model"]), (&"create".into(), &"llm".into(), &"gpt-4o".into()));
    assert_eq!((logger.stats().stored, logger.stats().lost), (1, 0));
}

#[test]
fn a_span_that_the_server_refuses_is_lost_alone() {
    let refusal = r#"{"error":{"message":"spans[1].kind is wrong","param":"spans[1].kind","code":"invalid_request"}}"#;
    let server = Answers::new(vec![
        answer("400 Bad Request", "", refusal),
        answer("200 OK", "", "{}"),
        answer("200 OK", "", "{}"),
    ]);
    let logger = ObservabilityLogger::connect(&format!("http://{}/", server.address), None).unwrap();
    for tool in ["a", "b", "c"] {
        logger.log_tool_call(ToolCall { request_id: Some("r".into()), ..ToolCall::new(tool) });
    }
    assert!(logger.flush(LONG));
    assert_eq!(server.next().body["spans"].as_array().map(Vec::len), Some(3));
    let rest: Vec<_> =
        [server.next(), server.next()].iter().map(|asked| asked.body["spans"][0]["name"].clone()).collect();
    assert_eq!(rest, ["a", "c"]);
    let stats = logger.stats();
    assert_eq!((stats.stored, stats.lost_by_reason["refused"]), (2, 1));
}

#[test]
fn a_wrong_key_loses_records_and_says_so_in_the_counts() {
    let server = Answers::new(vec![answer("401 Unauthorized", "", r#"{"error":{"message":"unknown key"}}"#)]);
    let logger = ObservabilityLogger::connect(&format!("http://{}", server.address), Some("wrong")).unwrap();
    logger.log_llm_call(LlmCall::new("gpt-4o"));
    assert!(logger.flush(LONG));
    assert_eq!(logger.stats().lost_by_reason["server"], 1);
}

#[test]
fn a_server_that_never_answers_holds_nobody_up_and_what_does_not_fit_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let logger = ObservabilityLogger::builder().server(url, None).queue_bytes(64 << 10).build().unwrap();
    let text = "x".repeat(1_000);
    let begun = Instant::now();
    for _ in 0..1_000 {
        logger.log_llm_call(LlmCall { prompt: Some(text.clone()), ..LlmCall::new("gpt-4o") });
    }
    assert!(begun.elapsed() < LONG / 2, "logging waits for the server");
    let stats = logger.stats();
    assert_eq!(stats.logged, 1_000);
    assert!(stats.lost_by_reason["queue_full"] > 900, "{stats:?}");
    assert!(stats.waiting_bytes <= 64 << 10, "{stats:?}");
    assert!(logger.metrics().contains("weir_spans_dropped_total{reason=\"queue_full\"}"));
    // Not for the server's patience's sake: the test is done with it.
    std::mem::forget(logger);
}
