use http::Method;
use serde_json::json;
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::span::{Span, SpanKind, Status};

use crate::mlflow::testing::{NOW_MS, Server};

const CREATE: &str = "/2.0/mlflow/experiments/create";
const GET: &str = "/2.0/mlflow/experiments/get";
const BY_NAME: &str = "/2.0/mlflow/experiments/get-by-name";
const SEARCH: &str = "/2.0/mlflow/experiments/search";

#[test]
fn an_experiment_is_made_read_renamed_and_tagged() {
    let server = Server::start();
    let made = server
        .post(CREATE, json!({"name": "ä b", "artifact_location": "s3://b/x", "tags": [{"key": "team", "value": "a"}]}));
    assert_eq!(made, json!({"experiment_id": "1"}));
    server.post("/2.0/mlflow/experiments/update", json!({"experiment_id": "1", "new_name": "new"}));
    server.post("/2.0/mlflow/experiments/set-experiment-tag", json!({"experiment_id": "1", "key": "k", "value": ""}));
    server.post("/2.0/mlflow/experiments/delete-experiment-tag", json!({"experiment_id": "1", "key": "team"}));
    let expected = json!({"experiment": {
        "experiment_id": "1", "name": "new", "artifact_location": "s3://b/x", "lifecycle_stage": "active",
        "last_update_time": NOW_MS, "creation_time": NOW_MS, "tags": [{"key": "k", "value": ""}], "workspace": "default",
    }});
    assert_eq!(server.get(GET, "experiment_id=1"), expected);
    assert_eq!(server.get(BY_NAME, "experiment_name=new"), expected);
    let (status, answer) = server.call(Method::GET, BY_NAME, "experiment_name=no");
    assert_eq!((status, answer["message"].as_str()), (404, Some("Could not find experiment with name 'no'")));
    let (status, answer) = server.call(Method::GET, GET, "experiment_id=9");
    assert_eq!((status, answer["message"].as_str()), (404, Some("No Experiment with id=9 exists")));
}

#[test]
fn refusals_are_those_of_mlflow() {
    let server = Server::start();
    server.post(CREATE, json!({"name": "a"}));
    let long = "x".repeat(501);
    for (path, body, code, message) in [
        (CREATE, json!({"name": "a"}), "RESOURCE_ALREADY_EXISTS", "Experiment(name=a) already exists."),
        (CREATE, json!({"name": ""}), "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'name'."),
        (CREATE, json!({"name": "  "}), "INVALID_PARAMETER_VALUE", "Invalid experiment name: '  '"),
        (
            CREATE,
            json!({"name": long}),
            "INVALID_PARAMETER_VALUE",
            "'name' exceeds the maximum length of 500 characters",
        ),
        (CREATE, json!({"name": 1}), "INVALID_PARAMETER_VALUE", "Invalid value 1 for parameter 'name' supplied:"),
        (SEARCH, json!({}), "INVALID_PARAMETER_VALUE", "Invalid value 0 for parameter 'max_results' supplied."),
        (SEARCH, json!({"max_results": 50_001}), "INVALID_PARAMETER_VALUE", "Invalid value 50001 for parameter"),
        (
            "/2.0/mlflow/experiments/restore",
            json!({"experiment_id": "1"}),
            "RESOURCE_DOES_NOT_EXIST",
            "No Experiment with id=1 exists",
        ),
        (
            "/2.0/mlflow/experiments/set-experiment-tag",
            json!({"experiment_id": "x", "key": "k"}),
            "INVALID_PARAMETER_VALUE",
            "Invalid experiment ID 'x'. Experiment ID must be a valid integer.",
        ),
        (
            "/2.0/mlflow/experiments/delete-experiment-tag",
            json!({"experiment_id": "1", "key": "k"}),
            "RESOURCE_DOES_NOT_EXIST",
            "No tag with name: k in experiment with id 1",
        ),
    ] {
        let (is, says) = server.refused(path, body.clone());
        assert!(is == code && says.starts_with(message), "{path} {body}: {is} {says}");
    }
    server.post("/2.0/mlflow/experiments/delete", json!({"experiment_id": "1"}));
    let (_, says) =
        server.refused("/2.0/mlflow/experiments/set-experiment-tag", json!({"experiment_id": "1", "key": "k"}));
    assert_eq!(says, "The experiment 1 must be in the 'active' state. Current state is deleted.");
    assert_eq!(server.get(GET, "experiment_id=1")["experiment"]["lifecycle_stage"], "deleted");
}

#[test]
fn searches_page_filter_and_order() {
    let server = Server::start();
    for name in ["b", "a", "c"] {
        server.clock.advance(1_000_000);
        server.post(CREATE, json!({"name": name}));
    }
    let names = |body: serde_json::Value| -> Vec<String> {
        let answer = server.post(SEARCH, body);
        answer["experiments"].as_array().into_iter().flatten().map(|e| e["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = server.post(SEARCH, json!({"max_results": 2, "order_by": ["experiment_id ASC"]}));
    assert_eq!(first["experiments"][1]["name"], "b");
    let token = first["next_page_token"].as_str().unwrap();
    let rest = json!({"max_results": 2, "order_by": ["experiment_id ASC"], "page_token": token});
    assert_eq!(names(rest), ["a", "c"]);
    assert_eq!(names(json!({"max_results": 9, "filter": "experiment_id IN ('1', '03')"})), ["c", "b"]);
    assert_eq!(names(json!({"max_results": 9, "filter": "name ILIKE 'B%'"})), ["b"]);
    assert_eq!(names(json!({"max_results": 9, "filter": "tags.x IS NULL", "order_by": ["name"]})).len(), 4);
    assert_eq!(names(json!({"max_results": 9, "view_type": "DELETED_ONLY"})), [""; 0]);
    assert_eq!(server.get(SEARCH, "max_results=9&view_type=ALL")["experiments"].as_array().unwrap().len(), 4);
    for filter in ["experiment_id LIKE '1'", "experiment_id = 'x'", "creation_time > 1.5", "params.x = '1'", "x = 'y'"]
    {
        server.refused(SEARCH, json!({"max_results": 9, "filter": filter}));
    }
    server.refused(SEARCH, json!({"max_results": 9, "page_token": "x"}));
}

#[test]
fn projects_that_only_calls_know_are_experiments() {
    let server = Server::start();
    server.record(Span {
        kind: Some(SpanKind::Llm),
        status: Some(Status::Success),
        project: Some("shop".into()),
        start_us: Some(NOW_MS * 1_000),
        end_us: Some(NOW_MS * 1_000 + 5),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    });
    let (code, _) = server.refused(CREATE, json!({"name": "shop"}));
    assert_eq!(code, "RESOURCE_ALREADY_EXISTS");
    assert_eq!(server.get(BY_NAME, "experiment_name=shop")["experiment"]["experiment_id"], "1");
}
