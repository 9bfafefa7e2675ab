//! Into a file.

use std::time::{Duration, SystemTime};

use serde_json::json;
use weir_sdk::{
    BranchDecision, LlmCall, Metric, MetricKind, ObservabilityLogger, PayloadMode, RecordConfig, Sample, Span, ToolCall,
};

use crate::support::{LONG, Logged};

#[test]
fn the_documented_tables_hold_what_was_logged() {
    let logged = Logged::new();
    let request_id = || Some("req-1".to_owned());
    logged.logger.log_llm_call(LlmCall {
        timestamp: Some(SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_000)),
        request_id: request_id(),
        prompt_version: Some("v2".into()),
        prompt: Some("How do I reset my password?".into()),
        response: Some("Follow the link.".into()),
        prompt_tokens: Some(1_000),
        completion_tokens: Some(500),
        latency_ms: Some(1_234.5),
        metadata: Some(json!({"team": "a"})),
        ..LlmCall::new("gpt-4o")
    });
    logged.logger.log_branch_decision(BranchDecision {
        request_id: request_id(),
        condition: Some("confidence > 0.8".into()),
        condition_result: Some(json!(true)),
        context: Some(json!({"confidence": 0.93})),
        ..BranchDecision::new("classify", "answer")
    });
    logged.logger.log_tool_call(ToolCall {
        request_id: request_id(),
        inputs: Some(json!({"query": "reset"})),
        output: Some(json!(["kb-17"])),
        latency_ms: Some(18.0),
        ..ToolCall::new("search")
    });
    logged.logger.log_tool_call(ToolCall {
        request_id: request_id(),
        error: Some("no connection".into()),
        ..ToolCall::new("fetch")
    });

    let calls = "SELECT timestamp, request_id, prompt_version, model, prompt, response, prompt_tokens,
        completion_tokens, total_tokens, latency_ms, cost, status, error FROM llm_calls";
    assert_eq!(
        logged.rows(calls),
        [[
            "2023-11-14T22:13:20.250000Z",
            "req-1",
            "v2",
            "gpt-4o",
            "How do I reset my password?",
            "Follow the link.",
            "1000",
            "500",
            "1500",
            "1234.5",
            "0.0075",
            "success",
            "-",
        ]],
        "the cost is the list price's"
    );
    assert!(logged.one::<String>("SELECT metadata FROM llm_calls").contains(r#"{"team":"a"}"#));
    let decisions = "SELECT request_id, from_node, to_node, condition, condition_result, context FROM branch_decisions";
    assert_eq!(
        logged.rows(decisions),
        [["req-1", "classify", "answer", "confidence > 0.8", "1", r#"{"confidence":0.93}"#]]
    );
    let tools = "SELECT request_id, tool_name, inputs, output, latency_ms, status, error FROM tool_calls
        ORDER BY tool_name DESC";
    assert_eq!(
        logged.rows(tools),
        [
            ["req-1", "search", r#"{"query":"reset"}"#, r#"["kb-17"]"#, "18", "success", "-"],
            ["req-1", "fetch", "-", "-", "0", "error", "no connection"],
        ]
    );
    assert_eq!(logged.one::<i64>("SELECT count(DISTINCT trace_id) FROM spans"), 1, "a request is one trace");
}

#[test]
fn what_is_wrong_is_counted_and_harms_nobody() {
    let logged = Logged::new();
    logged.logger.log_llm_call(LlmCall { latency_ms: Some(f64::NAN), ..LlmCall::new("gpt-4o") });
    logged.logger.log_branch_decision(BranchDecision { request_id: Some("r".into()), ..BranchDecision::default() });
    logged.logger.log_tool_call(ToolCall::new("search"));
    logged.logger.log_llm_call(LlmCall::new("gpt-4o"));
    assert!(logged.logger.flush(LONG));
    let stats = logged.logger.stats();
    assert_eq!((stats.logged, stats.stored, stats.lost, stats.lost_by_reason["invalid"]), (4, 1, 3, 3));
    assert_eq!(stats.waiting_bytes, 0);
    assert_eq!(logged.one::<i64>("SELECT count(*) FROM spans"), 1);
}

#[test]
fn secrets_are_never_kept_and_texts_only_as_far_as_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD";
    for (payload, expected) in [(PayloadMode::Full, Some("mail ann@example.com")), (PayloadMode::None, None)] {
        let path = folder.path().join(format!("{payload:?}.db"));
        let record = RecordConfig { payload, ..RecordConfig::default() };
        let logger = ObservabilityLogger::builder().db_path(&path).record(record).build().unwrap();
        logger.log_llm_call(LlmCall {
            prompt: Some(format!("mail ann@example.com, my key is {secret}")),
            metadata: Some(json!({"key": secret})),
            ..LlmCall::new("gpt-4o")
        });
        let logged = Logged::of(logger, path, tempfile::tempdir().unwrap());
        let prompt: Option<String> = logged.one("SELECT prompt FROM llm_calls");
        assert_eq!(prompt.as_deref().map(|p| &p[..20]), expected);
        let metadata: String = logged.one("SELECT metadata FROM llm_calls");
        assert!(!prompt.unwrap_or_default().contains(secret) && !metadata.contains(secret), "{metadata}");
    }
}

#[test]
fn loggers_of_one_file_share_it_and_dropping_them_stores_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.db");
    let first = ObservabilityLogger::open(&path).unwrap();
    let second = ObservabilityLogger::open(folder.path().join("./my.db")).unwrap();
    let third = first.clone();
    let threads: Vec<_> = [first, second, third]
        .into_iter()
        .map(|logger| {
            std::thread::spawn(move || {
                for _ in 0..200 {
                    logger.log_llm_call(LlmCall::new("gpt-4o"));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let database = rusqlite::Connection::open(&path).unwrap();
    let count: i64 = database.query_row("SELECT count(*) FROM llm_calls", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 600);
}

#[test]
fn a_metric_of_ones_own_stands_on_the_page_and_one_that_panics_harms_nobody() {
    struct Panics;
    impl Metric for Panics {
        fn name(&self) -> &str {
            "panics_total"
        }
        fn help(&self) -> &str {
            "Never"
        }
        fn kind(&self) -> MetricKind {
            MetricKind::Counter
        }
        fn on_call(&self, span: &Span) -> Option<Sample> {
            assert!(span.model.as_deref() != Some("bad"), "told to");
            Some(Sample::new(2.0).label("model", span.model.as_deref()?))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.db");
    let logger = ObservabilityLogger::builder().db_path(&path).metric(Panics).own_metrics().build().unwrap();
    for model in ["good", "bad", "good"] {
        logger.log_llm_call(LlmCall { prompt: Some("hi".into()), ..LlmCall::new(model) });
    }
    let page = logger.metrics();
    assert!(page.contains("# TYPE panics_total counter\npanics_total{model=\"good\"} 4\n"), "{page}");
    assert!(page.contains("llm_requests_total{model=\"good\",status=\"success\"} 2\n"), "{page}");
    assert!(logger.flush(LONG));
    assert_eq!(logger.stats().stored, 3);
}

#[test]
fn a_path_that_cannot_be_a_database_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let error = ObservabilityLogger::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is a folder") && error.contains("observability.db"), "{error}");
    let file = folder.path().join("text.db");
    std::fs::write(&file, "this is not a database, but it is long enough to look at".repeat(40)).unwrap();
    let error = ObservabilityLogger::open(&file).unwrap_err().to_string();
    assert!(error.contains("text.db") && error.contains("something else"), "{error}");
}
