use http::Method;
use serde_json::{Value, json};
use weir_core::id::{RunId, SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::token::TokenCounts;

use crate::mlflow::testing::{NOW_MS, Server};

const EXPERIMENT: &str = "llmops-production-api";
const GET: &str = "/2.0/mlflow/runs/get";
const SEARCH: &str = "/2.0/mlflow/runs/search";

fn call(n: i64, model: &str) -> Span {
    Span {
        kind: Some(SpanKind::Llm),
        status: Some(if n % 4 == 3 { Status::Error } else { Status::Success }),
        project: Some(if n % 2 == 0 { "shop" } else { "default" }.into()),
        provider: Some("openai".into()),
        model: Some(model.into()),
        request_id: Some(format!("req-{n}")),
        department: (n % 3 == 0).then(|| "sales".into()),
        cost: Some(NanoUsd::from_usd(n as f64 * 1e-6)),
        tokens: Some(TokenCounts::of(10 * n as u64, 5)),
        input: Some(r#"{"messages":[{"role":"user","content":"hi"}]}"#.into()),
        output: Some(r#"{"choices":[{"message":{"content":"yes"}}]}"#.into()),
        start_us: Some((NOW_MS + n) * 1_000),
        end_us: Some((NOW_MS + n) * 1_000 + 2_000 * (10 - n)),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

/// Ten calls, the last one with a short id, and the number of their experiment.
fn with_calls() -> (Server, Vec<Span>, String) {
    let server = Server::start();
    let mut calls: Vec<Span> = (0..10).map(|n| call(n, if n < 5 { "gpt-4o" } else { "claude" })).collect();
    calls[9].span_id = "a1a2a3a4a5a6a7a8".parse().unwrap();
    for span in &calls {
        server.record(span.clone());
    }
    // Neither a step of something else nor a call that goes on is a run.
    server.record(Span { kind: Some(SpanKind::Tool), ..call(3, "tool") });
    server.record(Span { end_us: None, status: None, ..call(4, "open") });
    let found = server.get("/2.0/mlflow/experiments/get-by-name", &format!("experiment_name={EXPERIMENT}"));
    let number = found["experiment"]["experiment_id"].as_str().unwrap().to_owned();
    (server, calls, number)
}

fn starts(answer: &Value) -> Vec<i64> {
    let runs = answer["runs"].as_array().into_iter().flatten();
    runs.map(|run| run["info"]["start_time"].as_i64().unwrap() - NOW_MS).collect()
}

fn id(span: &Span) -> String {
    super::id::run(span.span_key()).to_string()
}

#[test]
fn every_call_is_a_run_with_the_params_that_its_export_has() {
    let (server, calls, number) = with_calls();
    assert_eq!(starts(&server.post(SEARCH, json!({"experiment_ids": [number]}))), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    let run = &server.get(GET, &format!("run_id={}", id(&calls[3])))["run"];
    assert_eq!(run["info"]["status"], "FAILED");
    assert_eq!(run["info"]["experiment_id"], json!(number));
    let pair = |list: &str, key: &str| {
        let list = run["data"][list].as_array().unwrap();
        list.iter().find(|p| p["key"] == key).map(|p| p["value"].clone()).unwrap_or_default()
    };
    assert_eq!(pair("params", "model"), "gpt-4o");
    assert_eq!(pair("params", "temperature"), "None");
    assert_eq!(pair("metrics", "total_tokens"), 35.0);
    assert_eq!(pair("metrics", "total_response_time_ms"), 14.0);
    assert_eq!(pair("metrics", "latency_ms"), 14.0);
    assert_eq!(pair("tags", "weir.request_id"), "req-3");
    let history = format!("run_id={}&metric_key=total_tokens", id(&calls[9]));
    let points = server.get("/2.0/mlflow/metrics/get-history", &history);
    assert_eq!(points["metrics"], json!([{"key": "total_tokens", "value": 95.0, "timestamp": NOW_MS + 11, "step": 0}]));
    assert_eq!(server.call(Method::GET, GET, &format!("run_id={}", RunId::new())).0, 404);
}

#[test]
fn filters_and_orders_mean_what_they_mean_of_other_runs() {
    let (server, calls, number) = with_calls();
    let made = server.post("/2.0/mlflow/runs/create", json!({"experiment_id": number, "start_time": NOW_MS + 4}));
    let own = made["run"]["info"]["run_id"].as_str().unwrap();
    server.post("/2.0/mlflow/runs/log-batch", json!({"run_id": own, "params": [{"key": "model", "value": "gpt-4o"}]}));
    let search = |filter: &str, order: Value| {
        starts(&server.post(SEARCH, json!({"experiment_ids": [number, "0"], "filter": filter, "order_by": order})))
    };
    let found = |filter: &str| search(filter, json!([]));
    assert_eq!(found("params.model = 'gpt-4o'"), [4, 4, 3, 2, 1, 0]);
    assert_eq!(found("params.model = 'gpt-4o' and metrics.total_tokens > 20"), [4, 3, 2]);
    assert_eq!(found("params.department = 'sales'"), [9, 6, 3, 0]);
    assert_eq!(found("params.department = 'None' and params.model LIKE 'cl%'"), [8, 7, 5]);
    assert_eq!(found("params.model != 'claude'"), [4, 4, 3, 2, 1, 0]);
    assert_eq!(found("params.cache_hit = 'False' AND status = 'FAILED'"), [7, 3]);
    assert_eq!(found("params.cache_hit = 'True'"), [0; 0]);
    assert_eq!(found(&format!("start_time >= {} and start_time < {}", NOW_MS + 3, NOW_MS + 5)), [4, 4, 3]);
    assert_eq!(found("tags.`weir.request_id` = 'req-5'"), [5]);
    assert_eq!(found(&format!("run_id = '{}'", id(&calls[9]))), [9]);
    let call_id = crate::mlflow::call_run::call_id(calls[9].span_key());
    assert_eq!(found(&format!("tags.`weir.call_id` = '{call_id}'")), [9]);
    assert_eq!(found("metrics.cost_usd >= 0.000008"), [9, 8]);
    assert_eq!(found("metrics.total_response_time_ms > 16"), [1, 0]);
    assert_eq!(found("tags.mine IS NULL and tags.department ILIKE 'SALES'"), [9, 6, 3, 0]);
    assert_eq!(found("dataset.name = 'x'"), [0; 0]);
    // Missing values come last: the client's run has no metric.
    assert_eq!(search("params.model = 'gpt-4o'", json!(["metrics.total_tokens ASC"])), [0, 1, 2, 3, 4, 4]);
    assert_eq!(search("", json!(["metrics.total_response_time_ms DESC"]))[..3], [0, 1, 2]);
    assert_eq!(search("", json!(["start_time ASC"]))[..5], [0, 1, 2, 3, 4]);
}

#[test]
fn pages_hold_every_run_once() {
    let (server, _, number) = with_calls();
    for n in [2, 2, 5] {
        server.post("/2.0/mlflow/runs/create", json!({"experiment_id": number, "start_time": NOW_MS + n}));
    }
    for order in [json!([]), json!(["start_time DESC"]), json!(["run_name ASC"])] {
        let whole = server.post(SEARCH, json!({"experiment_ids": [number], "order_by": order}));
        let ids = |answer: &Value| -> Vec<Value> {
            answer["runs"].as_array().unwrap().iter().map(|run| run["info"]["run_id"].clone()).collect()
        };
        let mut paged = Vec::new();
        let mut token = json!("");
        loop {
            let body = json!({"experiment_ids": [number], "order_by": order, "max_results": 2, "page_token": token});
            let answer = server.post(SEARCH, body);
            paged.extend(ids(&answer));
            match answer.get("next_page_token") {
                Some(next) => token = next.clone(),
                None => break,
            }
        }
        assert_eq!(paged, ids(&whole), "{order}");
        assert_eq!(paged.len(), 13);
    }
    server.refused(SEARCH, json!({"experiment_ids": [number], "page_token": "x"}));
}

#[test]
fn a_call_takes_tags_and_goes_to_the_bin_and_is_its_own_otherwise() {
    let (server, calls, number) = with_calls();
    let run = id(&calls[2]);
    let tags = json!([{"key": "mine", "value": "x"}, {"key": "department", "value": "other"}]);
    server.post("/2.0/mlflow/runs/log-batch", json!({"run_id": run, "tags": tags}));
    server.post("/2.0/mlflow/runs/set-tag", json!({"run_id": run, "key": "mine", "value": "y"}));
    server.post("/2.0/mlflow/runs/delete-tag", json!({"run_id": run, "key": "environment"}));
    server.refused("/2.0/mlflow/runs/delete-tag", json!({"run_id": run, "key": "environment"}));
    server.post("/2.0/mlflow/runs/update", json!({"run_id": run, "run_name": "mine"}));
    let found = |filter: &str| starts(&server.post(SEARCH, json!({"experiment_ids": [number], "filter": filter})));
    assert_eq!(found("tags.mine = 'y'"), [2]);
    assert_eq!(found("tags.mine = 'x'"), [0; 0]);
    assert_eq!(found("tags.department = 'other'"), [2]);
    assert_eq!(found("tags.environment IS NULL"), [2]);
    assert_eq!(found("run_name = 'mine'"), [2]);
    for (path, body) in [
        ("log-parameter", json!({"run_id": run, "key": "model", "value": "other"})),
        ("log-parameter", json!({"run_id": run, "key": "new", "value": "1"})),
        ("log-metric", json!({"run_id": run, "key": "m", "value": 1, "timestamp": 1})),
        ("update", json!({"run_id": run, "status": "KILLED"})),
    ] {
        let (code, says) = server.refused(&format!("/2.0/mlflow/runs/{path}"), body);
        assert!(code == "INVALID_PARAMETER_VALUE" && says.contains("cannot be changed"), "{says}");
    }
    server.post("/2.0/mlflow/runs/log-parameter", json!({"run_id": run, "key": "model", "value": "gpt-4o"}));
    server.post("/2.0/mlflow/runs/delete", json!({"run_id": run}));
    assert_eq!(server.get(GET, &format!("run_id={run}"))["run"]["info"]["lifecycle_stage"], "deleted");
    assert_eq!(found("params.model = 'gpt-4o'"), [4, 3, 1, 0]);
    let deleted = server.post(SEARCH, json!({"experiment_ids": [number], "run_view_type": "DELETED_ONLY"}));
    assert_eq!(starts(&deleted), [2]);
    server.refused("/2.0/mlflow/runs/set-tag", json!({"run_id": run, "key": "mine", "value": "z"}));
    server.post("/2.0/mlflow/runs/restore", json!({"run_id": run}));
    assert_eq!(found("params.model = 'gpt-4o'"), [4, 3, 2, 1, 0]);
}

#[test]
fn texts_of_a_call_are_its_artifacts() {
    let (server, calls, number) = with_calls();
    for call in [&calls[8], &calls[9]] {
        let root = format!("{number}/{}/artifacts", id(call));
        let text = |name: &str| super::text_at(&server.front, &format!("{root}/{name}")).unwrap();
        assert_eq!(text("response.txt").as_deref(), Some("yes"));
        assert_eq!(text("other.txt"), None);
        let files = super::files_at(&server.front, &root).unwrap();
        let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["prompt_template.jinja2", "rendered_prompt.txt", "user_message.txt", "response.txt"]);
        assert_eq!(files[3].1, 3);
    }
    let none = RunId::new();
    for path in [format!("0/{}/artifacts", id(&calls[8])), format!("{number}/{none}/artifacts"), number, "a".to_owned()]
    {
        assert!(super::files_at(&server.front, &path).unwrap().is_empty(), "{path}");
        assert_eq!(super::text_at(&server.front, &format!("{path}/response.txt")).unwrap(), None);
    }
}
