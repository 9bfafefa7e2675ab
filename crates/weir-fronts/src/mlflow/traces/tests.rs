use serde_json::{Value, json};
use weir_core::id::{SpanId, TraceId};
use weir_core::span::{Span, SpanKind, Status};
use weir_core::token::TokenCounts;

use crate::mlflow::testing::{NOW_MS, Server};

const V3: &str = "/3.0/mlflow/traces";

#[expect(clippy::needless_pass_by_value, reason = "tests read better")]
fn info(id: &str, more: Value) -> Value {
    let mut info = json!({
        "trace_id": id,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-01-02T03:04:05.678Z",
        "execution_duration": "0.411s",
        "state": "OK",
    });
    for (name, value) in more.as_object().unwrap() {
        info[name] = value.clone();
    }
    json!({ "trace": { "trace_info": info } })
}

fn id(n: u8) -> String {
    format!("tr-{}", format!("{n:02x}").repeat(16))
}

fn call(n: u8) -> Span {
    Span {
        trace_id: TraceId([n; 16]),
        span_id: SpanId::new(),
        kind: Some(SpanKind::Llm),
        status: Some(Status::Success),
        start_us: Some((NOW_MS + i64::from(n)) * 1_000),
        end_us: Some((NOW_MS + i64::from(n) + 20) * 1_000),
        model: Some("gpt-4o".into()),
        tokens: Some(TokenCounts::of(7, 5)),
        input: Some(r#"{"model":"gpt-4o","messages":[{"role":"user","content":"why?"}]}"#.into()),
        output: Some(r#"{"choices":[{"message":{"role":"assistant","content":"because"}}]}"#.into()),
        ..Span::default()
    }
}

fn found(server: &Server, filter: &str) -> Vec<String> {
    let place = json!([{"mlflow_experiment": {"experiment_id": "0"}}]);
    let answer = server.post(&format!("{V3}/search"), json!({"locations": place, "filter": filter}));
    let traces = answer["traces"].as_array().cloned().unwrap_or_default();
    traces.iter().map(|trace| trace["trace_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_the_client_says_comes_back() {
    let server = Server::start();
    let more = json!({"tags": {"a": "1", "mlflow.traceName": "n", "mlflow.trace.spansLocation": "mine"},
        "trace_metadata": {"m": "2"}, "request_preview": "in", "client_request_id": "c"});
    let made = server.post(V3, info(&id(1), more))["trace"]["trace_info"].clone();
    assert_eq!(made["request_time"], "2026-01-02T03:04:05.678Z");
    assert_eq!((&made["execution_duration"], &made["state"]), (&json!("0.411s"), &json!("OK")));
    assert_eq!(made["trace_metadata"], json!({"m": "2", "mlflow.trace.infoFinalized": "true"}));
    let place = format!("mlflow-artifacts:/0/traces/{}/artifacts", id(1));
    assert_eq!(made["tags"], json!({"a": "1", "mlflow.traceName": "n", "mlflow.artifactLocation": place}));
    // Once more changes nothing; spans add to it.
    server.post(V3, info(&id(1), json!({})));
    server.record(Span { trace_id: TraceId([1; 16]), ..call(9) });
    let again = server.post(&format!("{V3}/batchGetInfos"), json!({"trace_ids": [id(1)]}))["trace_infos"][0].clone();
    assert_eq!((&again["request_preview"], &again["response_preview"]), (&json!("in"), &json!("because")));
    assert_eq!(again["tags"]["mlflow.trace.spansLocation"], "TRACKING_STORE");
    assert_eq!(again["execution_duration"], "0.411s", "its own word counts");
}

#[test]
fn a_call_of_the_gateway_is_a_trace() {
    let server = Server::start();
    server.record(call(3));
    assert_eq!(found(&server, "name = 'chat gpt-4o' AND span.type = 'CHAT_MODEL'"), [id(3)]);
    let trace = server.get(&format!("{V3}/get"), &format!("trace_id={}", id(3)))["trace"].clone();
    let info = &trace["trace_info"];
    assert_eq!((&info["request_preview"], &info["state"]), (&json!("why?"), &json!("OK")));
    assert_eq!(
        info["trace_metadata"]["mlflow.trace.tokenUsage"],
        r#"{"input_tokens":7,"output_tokens":5,"total_tokens":12}"#
    );
    let attributes = trace["spans"][0]["attributes"].as_array().unwrap();
    let value =
        |name: &str| attributes.iter().find(|a| a["key"] == name).map(|a| a["value"].clone()).unwrap_or_default();
    assert_eq!(value("mlflow.spanType"), json!({"string_value": "CHAT_MODEL"}));
    assert_eq!(value("mlflow.spanInputs")["kvlist_value"]["values"][0]["key"], "model");
    assert_eq!(value("mlflow.traceRequestId"), json!({"string_value": id(3)}));
    let points = server.post(
        &format!("{V3}/metrics"),
        json!({"experiment_ids": ["0"], "view_type": "TRACES", "metric_name": "latency",
            "aggregations": [{"aggregation_type": "AVG"}], "dimensions": ["trace_name"]}),
    );
    let expected =
        json!({"metric_name": "latency", "dimensions": {"trace_name": "chat gpt-4o"}, "values": {"AVG": 20.0}});
    assert_eq!(points["data_points"], json!([expected]));
}

#[test]
fn filters_hold_for_what_they_name() {
    let server = Server::start();
    let at = |ms: i64| json!({"request_time": super::info::time(NOW_MS + ms)});
    server.post(V3, info(&id(1), at(1)));
    let tagged = json!({"request_time": super::info::time(NOW_MS + 2), "tags": {"team": "it"}, "state": "ERROR"});
    server.post(V3, info(&id(2), tagged));
    server.record(call(3));
    assert_eq!(found(&server, ""), [id(3), id(2), id(1)]);
    for (filter, wanted) in [
        ("tags.team = 'it'", vec![id(2)]),
        ("tags.team IS NULL", vec![id(3), id(1)]),
        ("status = 'OK' AND execution_time_ms > 100", vec![id(1)]),
        ("text LIKE '%because%'", vec![id(3)]),
        ("span.attributes.`gen_ai.request.model` = 'gpt-4o'", vec![id(3)]),
        ("span.status != 'OK'", vec![]),
        ("request_id IN ('x')", vec![]),
    ] {
        assert_eq!(found(&server, filter), wanted, "{filter}");
    }
    let timely = format!("timestamp_ms >= {} AND timestamp_ms < {}", NOW_MS + 2, NOW_MS + 3);
    assert_eq!(found(&server, &timely), [id(2)]);
    server.post("/2.0/mlflow/traces/link-to-run", json!({"trace_ids": [id(1), id(9)], "run_id": "r"}));
    assert_eq!(found(&server, "run_id = 'r'"), [id(1)]);
    let prompts = json!({"trace_id": id(3), "prompt_versions": [{"name": "p", "version": "2"}]});
    server.post("/2.0/mlflow/traces/link-prompts", prompts);
    assert_eq!(found(&server, "prompt = 'p/2'"), [id(3)]);
    let counts =
        json!({"experiment_ids": ["0"], "filter_string1": "status = 'OK'", "filter_string2": "tags.team = 'it'"});
    let counts = server.post(&format!("{V3}/calculate-filter-correlation"), counts);
    assert_eq!(
        (&counts["npmi"], &counts["filter1_count"], &counts["total_count"]),
        (&json!(-1.0), &json!(2), &json!(3))
    );
}

#[test]
fn pages_go_on_where_they_ended_also_when_traces_come() {
    let server = Server::start();
    (1..=5).for_each(|n| server.record(call(n)));
    let page = |token: Value| {
        let place = json!([{"mlflow_experiment": {"experiment_id": "0"}}]);
        server.post(&format!("{V3}/search"), json!({"locations": place, "max_results": 2, "page_token": token}))
    };
    let first = page(Value::Null);
    server.record(call(8));
    let second = page(first["next_page_token"].clone());
    let ids: Vec<_> = second["traces"].as_array().unwrap().iter().map(|t| t["trace_id"].clone()).collect();
    assert_eq!(ids, [id(3), id(2)]);
    let last = page(second["next_page_token"].clone());
    assert_eq!((last["traces"].as_array().unwrap().len(), last.get("next_page_token")), (1, None));
}

#[test]
fn deletion_goes_by_the_oldest_and_stays_within_its_experiment() {
    let server = Server::start();
    (1..=4).for_each(|n| server.record(call(n)));
    let delete = |body: Value| server.post("/2.0/mlflow/traces/delete-traces", body)["traces_deleted"].clone();
    let until = NOW_MS + 3;
    assert_eq!(delete(json!({"experiment_id": "0", "max_timestamp_millis": until, "max_traces": 2})), 2);
    assert_eq!(found(&server, ""), [id(4), id(3)]);
    assert_eq!(delete(json!({"experiment_id": "7", "request_ids": [id(4)]})), 0);
    assert_eq!(delete(json!({"experiment_id": "0", "request_ids": [id(4), id(1)]})), 1);
    assert_eq!(found(&server, ""), [id(3)]);
    let (code, _) = server.refused("/2.0/mlflow/traces/delete-traces", json!({"experiment_id": "0"}));
    assert_eq!(code, "INVALID_PARAMETER_VALUE");
}

#[test]
fn what_cannot_be_a_trace_is_refused() {
    let server = Server::start();
    for (more, code) in [
        (json!({"trace_location": {"mlflow_experiment": {"experiment_id": "77"}}}), "RESOURCE_DOES_NOT_EXIST"),
        (json!({"trace_location": {"mlflow_experiment": {"experiment_id": "x"}}}), "INVALID_PARAMETER_VALUE"),
        (json!({"request_time": "yesterday"}), "INVALID_PARAMETER_VALUE"),
        (json!({"execution_duration": "long"}), "INVALID_PARAMETER_VALUE"),
        (json!({"state": "SLEEPING"}), "INVALID_PARAMETER_VALUE"),
        (json!({"trace_id": "x".repeat(51)}), "INVALID_PARAMETER_VALUE"),
    ] {
        assert_eq!(server.refused(V3, info(&id(1), more.clone())).0, code, "{more}");
    }
    assert_eq!(found(&server, ""), [""; 0]);
}
