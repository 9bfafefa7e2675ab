//! Steps, their nesting and their ends.

use serde_json::json;
use weir_sdk::{CallOptions, InstrumentedLlm, LlmCall, ToolCall, WorkflowLogger};

use crate::support::Logged;

/// Every span with its parent's name.
const TREE: &str = "SELECT coalesce((SELECT value FROM names WHERE id = s.name), 'call'),
    coalesce((SELECT value FROM names WHERE id = p.name), '-'), s.status
    FROM spans s LEFT JOIN spans p ON p.trace_id = s.trace_id AND p.span_id = s.parent_id ORDER BY s.start_us, 1";

#[test]
fn guards_nest_and_time_what_runs_within_them() {
    let logged = Logged::new();
    let workflow = WorkflowLogger::new(&logged.logger, "support");
    let llm = InstrumentedLlm::demo(&logged.logger);
    {
        let request = workflow.start_request("1 answer", "req-1");
        let step = request.start("2 classify");
        let inside = step.enter();
        llm.call_blocking("What is this about?", &CallOptions::default()).unwrap();
        drop(inside);
        step.branch("3 classify", "search", "topic == account", true);
        step.finish("account");
        let tool = request.tool("4 search", json!({"query": "reset"}));
        {
            let _inside = tool.enter();
            logged.logger.log_llm_call(LlmCall::new("gpt-4o"));
        }
        tool.finish(json!(["kb-17"]));
        request.finish("Follow the link.");
    }
    let rows = logged.rows(TREE);
    let seen: Vec<_> = rows.iter().map(|row| (&*row[0], &*row[1])).collect();
    for expected in [
        ("1 answer", "-"),
        ("2 classify", "1 answer"),
        ("call", "2 classify"),
        ("3 classify", "2 classify"),
        ("4 search", "1 answer"),
        ("call", "4 search"),
    ] {
        assert!(seen.contains(&expected), "{expected:?} is not in {seen:?}");
    }
    assert_eq!(seen.len(), 6);
    assert_eq!(logged.rows("SELECT DISTINCT request_id FROM spans"), [["req-1"]]);
    assert_eq!(logged.rows("SELECT DISTINCT attributes ->> '$.workflow' FROM spans"), [["support"]]);
    assert_eq!(
        logged.rows("SELECT tool_name, inputs, output FROM tool_calls"),
        [["4 search", r#"{"query":"reset"}"#, r#"["kb-17"]"#]]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_goes_with_its_future_whatever_thread_runs_it() {
    let logged = Logged::new();
    let workflow = WorkflowLogger::new(&logged.logger, "support");
    let llm = InstrumentedLlm::demo(&logged.logger);
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let (step, llm) = (workflow.start_request(format!("step {n}"), format!("req-{n}")), llm.clone());
            tokio::spawn(async move {
                let asked = step.scope(async {
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                        llm.call("hi", &CallOptions::default()).await.unwrap();
                    }
                });
                asked.await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rows = logged.rows(
        "SELECT p.request_id = c.request_id, count(*) FROM spans c JOIN spans p ON p.trace_id = c.trace_id
         AND p.span_id = c.parent_id GROUP BY 1",
    );
    assert_eq!(rows, [["1", "20"]]);
}

#[test]
fn what_was_not_finished_says_how_it_ended() {
    let logged = Logged::new();
    let workflow = WorkflowLogger::new(&logged.logger, "support");
    let request = workflow.start("request");
    drop(request.tool("left", json!(null)));
    request.tool("failed", json!({})).fail("no connection");
    request.tool("empty", json!({})).finish(json!(null));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _step = request.start("panics");
        let _tool = request.tool("panics too", json!({}));
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    drop(request);
    let tools = logged.rows("SELECT tool_name, status, coalesce(error, '-') FROM tool_calls ORDER BY tool_name");
    assert_eq!(
        tools,
        [
            ["empty", "success", "-"],
            ["failed", "error", "no connection"],
            ["left", "cancelled", "dropped before it returned anything"],
            ["panics too", "error", "panicked"],
        ]
    );
    let steps = "SELECT (SELECT value FROM names WHERE id = name), status FROM spans WHERE kind = 5 ORDER BY 1";
    assert_eq!(logged.rows(steps), [["panics", "2"], ["request", "1"]]);
}

#[test]
fn a_record_of_another_request_is_no_part_of_the_step() {
    let logged = Logged::new();
    let workflow = WorkflowLogger::new(&logged.logger, "support");
    let step = workflow.start_request("step", "req-1");
    let _within = step.enter();
    workflow.log_tool_call(ToolCall { request_id: Some("req-2".into()), ..ToolCall::new("search") });
    workflow.log_tool_call(ToolCall::new("fetch"));
    let rows = logged.rows("SELECT tool_name, request_id FROM tool_calls ORDER BY tool_name");
    assert_eq!(rows, [["fetch", "req-1"], ["search", "req-2"]]);
    assert_eq!(logged.one::<i64>("SELECT count(*) FROM spans WHERE parent_id IS NOT NULL"), 1);
}
