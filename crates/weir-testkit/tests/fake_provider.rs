//! The fake provider as a client sees it, over raw TCP: what a test of the gateway relies on.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stand outside the test functions"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use weir_testkit::fake::{FakeProvider, Recorded};

struct Reply {
    head: String,
    /// The body with the chunked encoding taken off, and whether it ended in good order.
    body: String,
    complete: bool,
    chunks: Vec<Vec<u8>>,
}

impl Reply {
    fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The data of the events, `[DONE]` apart.
    fn events(&self) -> Vec<Value> {
        self.body
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(str::trim)
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    fn content(&self) -> String {
        self.events()
            .iter()
            .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
            .collect()
    }
}

async fn send(fake: &FakeProvider, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(fake.addr).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn call(fake: &FakeProvider, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let mut stream = send(fake, method, path, headers, body).await;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Reply {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let mut rest = &bytes[end..];
    let mut chunks = Vec::new();
    let complete = if head.contains("transfer-encoding: chunked") {
        loop {
            let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else {
                break false;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
            if size == 0 {
                break true;
            }
            chunks.push(rest[line + 2..line + 2 + size].to_vec());
            rest = &rest[line + 4 + size..];
        }
    } else {
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
        chunks.push(rest.to_vec());
        rest.len() == length.parse::<usize>().unwrap()
    };
    Reply { head, body: String::from_utf8(chunks.concat()).unwrap(), complete, chunks }
}

async fn chat(fake: &FakeProvider, behaviour: &str, more: Value) -> Reply {
    let mut body =
        json!({"model": format!("gpt-4o!{behaviour}"), "messages": [{"role": "user", "content": "one two three"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(fake, "POST", "/v1/chat/completions", "", &body.to_string()).await
}

fn streamed() -> Value {
    json!({"stream": true})
}

fn with_usage() -> Value {
    json!({"stream": true, "stream_options": {"include_usage": true}})
}

async fn eventually(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(3), "it never came true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_plain_answer_has_the_words_counted() {
    let fake = FakeProvider::start().await;
    let reply = chat(&fake, "chunks=4", json!({"n": 2})).await;
    let json = reply.json();
    assert_eq!(json["model"], "gpt-4o");
    assert_eq!(json["choices"][1]["message"]["content"], "w0 w1 w2 w3");
    assert_eq!(json["choices"][0]["finish_reason"], "stop");
    let usage = &json["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]),
        (&json!(3), &json!(8), &json!(11))
    );
    assert!(reply.head.contains("x-request-id: req_fake"));
}

#[tokio::test]
async fn usage_is_streamed_only_when_asked_for() {
    let fake = FakeProvider::start().await;
    let without = chat(&fake, "chunks=3", streamed()).await;
    assert!(!without.body.contains("usage"));
    assert_eq!(without.content(), "w0 w1 w2");
    assert!(without.body.ends_with("data: [DONE]\n\n"));

    let events = chat(&fake, "chunks=3,usage=10:5:4:3", with_usage()).await.events();
    let last = events.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
    assert_eq!(last["usage"]["completion_tokens_details"]["reasoning_tokens"], 3);
    assert!(events[..events.len() - 1].iter().all(|event| event["usage"].is_null() && event.get("usage").is_some()));

    assert!(!chat(&fake, "nousage", with_usage()).await.body.contains("usage"));
    let groq = chat(&fake, "groq", streamed()).await.events();
    assert!(groq.last().unwrap()["x_groq"]["usage"]["prompt_tokens"].is_u64());
}

#[tokio::test]
async fn tool_calls_join_to_arguments() {
    let fake = FakeProvider::start().await;
    let whole = chat(&fake, "tools", json!({})).await.json();
    let wanted = &whole["choices"][0]["message"]["tool_calls"];
    let mut joined = [String::new(), String::new()];
    let events = chat(&fake, "tools", streamed()).await.events();
    for call in events.iter().filter_map(|event| event["choices"][0]["delta"]["tool_calls"].get(0)) {
        joined[call["index"].as_u64().unwrap() as usize].push_str(call["function"]["arguments"].as_str().unwrap());
    }
    for (at, arguments) in joined.iter().enumerate() {
        assert_eq!(wanted[at]["function"]["arguments"], json!(arguments));
        serde_json::from_str::<Value>(arguments).unwrap();
    }
    assert_eq!(events.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn forms_do_not_change_the_content() {
    let fake = FakeProvider::start().await;
    let wanted = chat(&fake, "unicode", json!({})).await.json();
    let wanted = wanted["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    for form in ["", ",crlf", ",comments,nospace", ",split=1", ",split=7,crlf,comments", ",azure", ",bigint", ",flush"]
    {
        let reply = chat(&fake, &format!("unicode{form}"), streamed()).await;
        let content: String = reply
            .events()
            .iter()
            .filter_map(|event| event["choices"].get(0)?["delta"]["content"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(content, wanted, "{form}");
    }
    let split = chat(&fake, "unicode,split=7", streamed()).await;
    assert!(split.chunks[..split.chunks.len() - 1].iter().all(|chunk| chunk.len() == 7));
    assert!(split.chunks.iter().any(|chunk| std::str::from_utf8(chunk).is_err()), "a character is cut");
    let bigint = chat(&fake, "bigint", json!({})).await.body;
    assert!(bigint.contains(r#""z":9007199254740993,"a":0.1,"m":"\u00e9"#));
}

#[tokio::test]
async fn streams_break_off_where_asked() {
    let fake = FakeProvider::start().await;
    let cut = chat(&fake, "chunks=9,cut,after=3", streamed()).await;
    assert_eq!((cut.content().as_str(), cut.complete), ("w0 w1 w2", false));
    let truncated = chat(&fake, "chunks=9,truncate,after=2", streamed()).await;
    assert_eq!((truncated.content().as_str(), truncated.complete), ("w0 w1", true));
    assert!(!truncated.body.contains("DONE") && !truncated.body.contains("\"stop\""));
    let error = chat(&fake, "chunks=9,midstream-error,after=2", streamed()).await;
    assert_eq!(error.events().last().unwrap()["error"]["type"], "server_error");
    let plain = chat(&fake, "cut", json!({})).await;
    assert!(!plain.complete && plain.body.starts_with("{\"id\""));

    let mut stream = send(&fake, "POST", "/v1/chat/completions", "x-fake: reset\r\n", r#"{"model":"m"}"#).await;
    let error = stream.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn errors_come_in_the_form_of_the_endpoint_and_end_after_times() {
    let fake = FakeProvider::start().await;
    let limited = chat(&fake, "status=429,retry=7,retryms=6900,times=2,key=a", json!({})).await;
    assert_eq!(limited.status(), 429);
    assert!(limited.head.contains("retry-after: 7\r\n") && limited.head.contains("retry-after-ms: 6900\r\n"));
    assert_eq!(limited.json()["error"]["code"], "rate_limit_exceeded");
    assert_eq!(chat(&fake, "status=429,times=2,key=a", json!({})).await.status(), 429);
    assert_eq!(chat(&fake, "status=429,times=2,key=a", json!({})).await.status(), 200);
    assert_eq!(fake.requests_of("a").len(), 3);

    let long = chat(&fake, "status=400,code=context_length_exceeded", json!({})).await;
    assert_eq!((long.status(), &long.json()["error"]["code"]), (400, &json!("context_length_exceeded")));
    let overloaded = call(&fake, "POST", "/v1/messages", "", r#"{"model":"claude!status=529"}"#).await;
    assert_eq!((overloaded.status(), &overloaded.json()["error"]["type"]), (529, &json!("overloaded_error")));
    let html = chat(&fake, "html", json!({})).await;
    assert!(html.status() == 502 && html.head.contains("text/html"));
    assert!(serde_json::from_str::<Value>(&chat(&fake, "badjson", json!({})).await.body).is_err());
    assert_eq!(chat(&fake, "chunk=3", json!({})).await.json()["error"]["code"], "fake_behaviour");
    assert_eq!(call(&fake, "POST", "/v1/chat/completions", "", "{").await.status(), 400);
    assert_eq!(call(&fake, "GET", "/v1/chat/completions", "", "").await.status(), 405);
    assert_eq!(call(&fake, "POST", "/v1/unknown", "", "{}").await.status(), 404);
}

#[tokio::test]
async fn the_clients_going_away_is_noticed() {
    let fake = FakeProvider::start().await;
    let body = |stream: bool| json!({"model": "m", "stream": stream, "messages": []}).to_string();
    for (key, behaviour, stream) in [
        ("plain-stall", "stall", false),
        ("plain-first", "first=60000", false),
        ("stream-stall", "stall,chunks=5,after=2", true),
        ("stream-delay", "delay=60000,chunks=5", true),
    ] {
        let header = format!("x-fake: key={key},{behaviour}\r\n");
        let client = send(&fake, "POST", "/v1/chat/completions", &header, &body(stream)).await;
        let seen = |test: fn(&Recorded) -> bool| fake.requests_of(key).first().is_some_and(test);
        if stream {
            eventually(|| seen(|request| request.chunks_sent > 0)).await;
        } else {
            eventually(|| seen(|_| true)).await;
        }
        assert!(seen(|request| !request.disconnected), "{key}");
        drop(client);
        eventually(|| seen(|request| request.disconnected && !request.finished)).await;
    }
    assert_eq!(fake.requests_of("stream-stall")[0].chunks_sent, 2);
    assert_eq!((fake.stats().disconnects, fake.stats().open), (4, 0));
    let done = chat(&fake, "key=done,chunks=3", streamed()).await;
    assert!(done.complete);
    let seen = &fake.requests_of("done")[0];
    assert_eq!((seen.disconnected, seen.finished, seen.chunks_sent), (false, true, 3));
}

#[tokio::test]
async fn the_first_chunk_arrives_before_the_last_is_sent() {
    let fake = FakeProvider::start().await;
    let body = json!({"model": "m!chunks=4,delay=30,stamp", "stream": true}).to_string();
    let mut stream = send(&fake, "POST", "/chat/completions", "", &body).await;
    let mut bytes = Vec::new();
    let mut arrived = 0;
    while stream.read_buf(&mut bytes).await.unwrap() > 0 {
        if arrived == 0 && bytes.windows(3).any(|window| window == b"w0 ") {
            arrived = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64;
        }
    }
    let content = parse(&bytes).content();
    let stamps: Vec<u64> =
        content.split('[').skip(1).map(|rest| rest.split(']').next().unwrap().parse().unwrap()).collect();
    assert_eq!(stamps.len(), 4);
    assert!(stamps[0] <= arrived && arrived < stamps[3], "{stamps:?} {arrived}");
    assert!(stamps[3] - stamps[0] >= 80_000);
}

#[tokio::test]
async fn anthropic_and_responses_streams_have_their_events() {
    let fake = FakeProvider::start().await;
    let names = |reply: &Reply| -> Vec<String> {
        let mut names: Vec<String> =
            reply.body.lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect();
        names.dedup();
        names
    };
    let reply =
        call(&fake, "POST", "/v1/messages", "", r#"{"model":"c!chunks=3,reasoning,usage=9:4:2","stream":true}"#).await;
    assert_eq!(
        names(&reply),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let events = reply.events();
    assert_eq!(events[0]["message"]["usage"]["cache_read_input_tokens"], 2);
    assert!(events.iter().any(|event| event["delta"]["type"] == "signature_delta"));
    let reply = call(&fake, "POST", "/v1/messages", "", r#"{"model":"c!tools"}"#).await.json();
    assert_eq!((&reply["stop_reason"], &reply["content"][0]["input"]["days"]), (&json!("tool_use"), &json!(3)));

    let reply = call(&fake, "POST", "/v1/responses", "", r#"{"model":"m!chunks=3","stream":true,"input":"a b"}"#).await;
    let events = reply.events();
    assert!(events.iter().enumerate().all(|(at, event)| event["sequence_number"] == at));
    let names = names(&reply);
    assert_eq!((names[0].as_str(), names[names.len() - 1].as_str()), ("response.created", "response.completed"));
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["output"][0]["content"][0]["text"], "w0 w1 w2");
    assert_eq!(response["usage"]["input_tokens"], 2);
    assert_eq!(events.iter().filter(|event| event["type"] == "response.output_text.delta").count(), 3);
}

#[tokio::test]
async fn other_endpoints_and_the_control_endpoints_answer() {
    let fake = FakeProvider::start().await;
    let count = call(&fake, "POST", "/v1/messages/count_tokens", "", r#"{"model":"c","messages":[{"content":"a b"}]}"#);
    assert_eq!(count.await.json(), json!({"input_tokens": 2}));
    let floats = call(&fake, "POST", "/v1/embeddings", "", r#"{"model":"e","input":["a b","c"],"dimensions":8}"#);
    let floats = floats.await.json();
    assert_eq!(floats["data"][1]["embedding"].as_array().unwrap().len(), 8);
    assert_eq!(floats["usage"]["prompt_tokens"], 3);
    let text = call(
        &fake,
        "POST",
        "/v1/embeddings",
        "",
        r#"{"model":"e","input":"c","dimensions":8,"encoding_format":"base64"}"#,
    );
    assert_eq!(text.await.json()["data"][0]["embedding"].as_str().unwrap().len(), 44);
    assert_eq!(call(&fake, "GET", "/v1/models", "", "").await.json()["data"][0]["id"], "gpt-4o");
    let azure = "/openai/deployments/dep%21key=az,chunks=2/chat/completions?api-version=2024-10-21";
    assert_eq!(call(&fake, "POST", azure, "api-key: k\r\n", "{}").await.json()["model"], "dep");

    let seen = call(&fake, "GET", "/__fake/requests?key=az", "", "").await.json();
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!((&seen[0]["query"], &seen[0]["headers"]["api-key"]), (&json!("api-version=2024-10-21"), &json!("k")));
    assert_eq!((&seen[0]["body"], &seen[0]["disconnected"]), (&json!("{}"), &json!(false)));
    assert_eq!(call(&fake, "GET", "/__fake/stats", "", "").await.json()["requests"], 5);
    call(&fake, "DELETE", "/__fake/requests", "", "").await;
    assert!(fake.requests().is_empty());
}
