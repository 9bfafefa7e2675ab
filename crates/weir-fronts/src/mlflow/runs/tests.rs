use http::Method;
use serde_json::{Value, json};

use crate::mlflow::testing::{NOW_MS, Server};

const CREATE: &str = "/2.0/mlflow/runs/create";
const GET: &str = "/2.0/mlflow/runs/get";
const BATCH: &str = "/2.0/mlflow/runs/log-batch";
const SEARCH: &str = "/2.0/mlflow/runs/search";
const HISTORY: &str = "/2.0/mlflow/metrics/get-history";

fn made(server: &Server, body: Value) -> String {
    server.post(CREATE, body)["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_is_made_logged_to_and_read() {
    let server = Server::start();
    let made = server.post(
        CREATE,
        json!({"experiment_id": "0", "start_time": NOW_MS, "run_name": "r", "user_id": "me", "tags": [{"key": "a", "value": "b"}]}),
    );
    let id = made["run"]["info"]["run_id"].as_str().unwrap();
    let info = json!({
        "run_uuid": id, "run_id": id, "run_name": "r", "experiment_id": "0", "user_id": "me", "status": "RUNNING",
        "start_time": NOW_MS, "artifact_uri": format!("mlflow-artifacts:/0/{id}/artifacts"), "lifecycle_stage": "active",
    });
    let tags = json!([{"key": "a", "value": "b"}, {"key": "mlflow.runName", "value": "r"}]);
    assert_eq!(made["run"], json!({"info": info, "data": {"tags": tags}, "inputs": {}}));
    let metrics = json!([
        {"key": "m", "value": 0.5, "timestamp": "7", "step": 2},
        {"key": "m", "value": "NaN", "timestamp": 6, "step": 1},
        {"key": "big", "value": "Infinity", "timestamp": 6},
    ]);
    server.post(BATCH, json!({"run_id": id, "metrics": metrics, "params": [{"key": "p", "value": ""}], "tags": []}));
    server
        .post("/2.0/mlflow/runs/log-metric", json!({"run_id": id, "key": "m", "value": 1, "timestamp": 9, "step": 0}));
    server.post("/2.0/mlflow/runs/log-parameter", json!({"run_uuid": id, "key": "q", "value": "x".repeat(6_001)}));
    server.post("/2.0/mlflow/runs/set-tag", json!({"run_id": id, "key": "mlflow.runName", "value": "new"}));
    let dataset = json!({"name": "d", "digest": "1", "source_type": "local", "source": "s", "schema": "{}"});
    let used = json!({"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "train"}]});
    server.post(
        "/2.0/mlflow/runs/log-inputs",
        json!({"run_id": id, "datasets": [used], "models": [{"model_id": "m-1"}]}),
    );
    server.post("/2.0/mlflow/runs/outputs", json!({"run_id": id, "models": [{"model_id": "m-2", "step": 4}]}));
    let updated =
        server.post("/2.0/mlflow/runs/update", json!({"run_id": id, "status": "FINISHED", "end_time": NOW_MS + 1}));
    assert_eq!((&updated["run_info"]["status"], &updated["run_info"]["run_name"]), (&json!("FINISHED"), &json!("new")));
    let run = &server.get(GET, &format!("run_id={id}"))["run"];
    assert_eq!(
        run["data"]["metrics"],
        json!([
            {"key": "big", "value": f64::MAX, "timestamp": 6, "step": 0},
            {"key": "m", "value": 0.5, "timestamp": 7, "step": 2},
        ])
    );
    assert_eq!(run["data"]["params"][0], json!({"key": "p", "value": ""}));
    assert_eq!(run["data"]["params"][1]["value"].as_str().unwrap().len(), 6_000);
    assert_eq!(run["inputs"], json!({"dataset_inputs": [used], "model_inputs": [{"model_id": "m-1"}]}));
    assert_eq!(run["outputs"], json!({"model_outputs": [{"model_id": "m-2", "step": 4}]}));
    assert_eq!(
        server.get(HISTORY, &format!("run_id={id}&metric_key=m"))["metrics"],
        json!([
            {"key": "m", "value": "NaN", "timestamp": 6, "step": 1},
            {"key": "m", "value": 0.5, "timestamp": 7, "step": 2},
            {"key": "m", "value": 1.0, "timestamp": 9, "step": 0},
        ])
    );
    assert_eq!(
        server.post("/2.0/mlflow/experiments/search-datasets", json!({"experiment_ids": ["0"]})),
        json!({"dataset_summaries": [{"experiment_id": "0", "name": "d", "digest": "1", "context": "train"}]})
    );
}

#[test]
fn refusals_are_those_of_mlflow() {
    let server = Server::start();
    let id = made(&server, json!({"experiment_id": "0"}));
    server.post(BATCH, json!({"run_id": id, "params": [{"key": "p", "value": "v"}]}));
    let none = "0".repeat(32);
    let many = vec![json!({"key": "m", "value": 1, "timestamp": 1}); 1_001];
    let cases = [
        (CREATE, json!({"experiment_id": "7"}), "No Experiment with id=7 exists"),
        (CREATE, json!({"experiment_id": "x"}), "Invalid experiment ID 'x'. Experiment ID must be a valid integer."),
        (
            CREATE,
            json!({"run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}),
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='a', \
             mlflow.runName='b').",
        ),
        (BATCH, json!({}), "Missing value for required parameter 'run_id'. See the API docs"),
        (BATCH, json!({"run_id": "abc"}), "Run with id=abc not found"),
        (BATCH, json!({"run_id": none}), "Run with id=00000000000000000000000000000000 not found"),
        (
            BATCH,
            json!({"run_id": id, "metrics": [{"key": "m", "timestamp": 1}]}),
            "Missing value for required parameter 'metrics[0].value'. See the API docs",
        ),
        (
            BATCH,
            json!({"run_id": id, "metrics": many}),
            "A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across \
             multiple requests and try again.",
        ),
        (
            BATCH,
            json!({"run_id": id, "metrics": [{"key": "a//b", "value": 1, "timestamp": 1}]}),
            "Invalid value \"a//b\" for parameter 'metrics[0].name' supplied: Names may be treated as files",
        ),
        (
            BATCH,
            json!({"run_id": id, "metrics": [{"key": "m", "value": 1, "timestamp": -1}]}),
            "Invalid value -1 for parameter 'metrics[0].timestamp' supplied:",
        ),
        (
            BATCH,
            json!({"run_id": id, "params": [{"key": "a", "value": "1"}, {"key": "a", "value": "1"}]}),
            "Duplicate parameter keys have been submitted: ['a']. Please ensure",
        ),
        ("/2.0/mlflow/runs/delete-tag", json!({"run_id": id, "key": "none"}), "No tag with name: none in run with id "),
        (
            "/2.0/mlflow/runs/set-tag",
            json!({"run_id": id, "key": "x".repeat(251)}),
            "'key' exceeds the maximum length of 250",
        ),
        ("/2.0/mlflow/runs/log-model", json!({"run_id": id, "model_json": "["}), "Malformed model info."),
        (
            "/2.0/mlflow/runs/log-model",
            json!({"run_id": id, "model_json": "{}"}),
            "Model json is missing mandatory fields",
        ),
    ];
    for (path, body, message) in cases {
        let (_, says) = server.refused(path, body.clone());
        assert!(says.starts_with(message), "{path}: {says}");
    }
    let (_, says) = server.refused("/2.0/mlflow/runs/log-parameter", json!({"run_id": id, "key": "p", "value": "w"}));
    assert_eq!(
        says,
        format!(
            "Changing param values is not allowed. Param with key='p' was already logged with value='v' for run \
             ID='{id}'. Attempted logging new value 'w'."
        )
    );
    let (_, says) = server.refused(BATCH, json!({"run_id": id, "params": [{"key": "p", "value": "it's"}]}));
    assert_eq!(
        says,
        format!(
            "Changing param values is not allowed. Params were already logged='[{{'key': 'p', 'old_value': 'v', \
             'new_value': \"it's\"}}]' for run ID='{id}'."
        )
    );
    server.post("/2.0/mlflow/runs/delete", json!({"run_id": id}));
    let (_, says) = server.refused(BATCH, json!({"run_id": id}));
    assert_eq!(says, format!("The run {id} must be in the 'active' state. Current state is deleted."));
    server.post("/2.0/mlflow/runs/restore", json!({"run_id": id}));
    let (status, _) = server.call(Method::GET, HISTORY, &format!("run_id={none}&metric_key=m"));
    assert_eq!(status, 404);
    assert_eq!(server.get(HISTORY, &format!("run_id={id}&metric_key=m")), json!({}));
}

#[test]
fn searches_filter_order_and_page() {
    let server = Server::start();
    for n in 0..5 {
        let id = made(&server, json!({"experiment_id": "0", "start_time": NOW_MS + n, "run_name": format!("r{n}")}));
        let metrics = json!([{"key": "acc", "value": n % 3, "timestamp": 1}]);
        let params = json!([{"key": "model", "value": if n < 2 { "a" } else { "b" }}]);
        server.post(BATCH, json!({"run_id": id, "metrics": metrics, "params": params}));
    }
    let names = |body: Value| -> Vec<String> {
        let mut whole = json!({"experiment_ids": ["0", "0", "99"]});
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let answer = server.post(SEARCH, whole);
        let names = answer["runs"].as_array().into_iter().flatten();
        names.map(|run| run["info"]["run_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(json!({})), ["r4", "r3", "r2", "r1", "r0"]);
    assert_eq!(names(json!({"filter": "params.model = 'b' and metrics.acc >= 1"})), ["r4", "r2"]);
    assert_eq!(names(json!({"order_by": ["metrics.acc DESC", "start_time ASC"]})), ["r2", "r1", "r4", "r0", "r3"]);
    assert_eq!(names(json!({"filter": "attributes.`Run Name` LIKE 'r_' AND created > 1795780800002"})), ["r4", "r3"]);
    assert_eq!(names(json!({"filter": "tags.none IS NULL AND status = 'RUNNING'", "max_results": 2})), ["r4", "r3"]);
    assert_eq!(names(json!({"run_view_type": "DELETED_ONLY"})), [""; 0]);
    let first = server.post(SEARCH, json!({"experiment_ids": ["0"], "max_results": 3}));
    let token = first["next_page_token"].as_str().unwrap();
    let rest = server.post(SEARCH, json!({"experiment_ids": ["0"], "max_results": 3, "page_token": token}));
    assert_eq!((rest["runs"].as_array().unwrap().len(), rest.get("next_page_token")), (2, None));
    assert_eq!(server.post(SEARCH, json!({})), json!({}));
    for body in [
        json!({"max_results": 0}),
        json!({"max_results": 50_001}),
        json!({"experiment_ids": ["x"]}),
        json!({"filter": "attributes.lifecycle_stage = 'active'"}),
        json!({"filter": "metrics.a = 'x'"}),
        json!({"order_by": ["nothing"]}),
        json!({"page_token": "x"}),
    ] {
        server.refused(SEARCH, body);
    }
}

#[test]
fn histories_page_and_are_sampled() {
    let server = Server::start();
    let id = made(&server, json!({"experiment_id": "0"}));
    let metrics: Vec<Value> = (0..10).map(|n| json!({"key": "m", "value": n, "timestamp": n, "step": n})).collect();
    server.post(BATCH, json!({"run_id": id, "metrics": metrics}));
    let first = server.get(HISTORY, &format!("run_id={id}&metric_key=m&max_results=7"));
    let token = first["next_page_token"].as_str().unwrap();
    let rest = server.get(HISTORY, &format!("run_id={id}&metric_key=m&max_results=7&page_token={token}"));
    assert_eq!((first["metrics"].as_array().unwrap().len(), rest["metrics"][2]["step"].as_i64()), (7, Some(9)));
    let bulk = server
        .get("/2.0/mlflow/metrics/get-history-bulk", &format!("run_id={id}&run_id=none&metric_key=m&max_results=2"));
    assert_eq!(bulk["metrics"][1], json!({"key": "m", "value": 1.0, "timestamp": 1, "step": 1, "run_id": id}));
    assert_eq!(bulk["metrics"].as_array().unwrap().len(), 2);
    let path = "/2.0/mlflow/metrics/get-history-bulk-interval";
    let sampled = server.get(path, &format!("run_ids={id}&metric_key=m&start_step=2&end_step=8&max_results=3"));
    let steps: Vec<_> = sampled["metrics"].as_array().unwrap().iter().map(|m| m["step"].as_i64().unwrap()).collect();
    assert_eq!(steps, [2, 5, 8]);
    for query in [
        "metric_key=m",
        &format!("run_ids={id}&metric_key=m&start_step=2"),
        &format!("run_ids={id}&metric_key=m&max_results=0"),
    ] {
        assert_eq!(server.call(Method::GET, path, query).0, 400, "{query}");
    }
}

#[test]
fn models_of_old_clients_are_listed_in_a_tag() {
    let server = Server::start();
    let id = made(&server, json!({"experiment_id": "0"}));
    let model = json!({"artifact_path": "m", "flavors": {"f": {"config": 1, "v": 2}}, "utc_time_created": "t", "run_id": id, "signature": {}});
    for _ in 0..2 {
        server.post("/2.0/mlflow/runs/log-model", json!({"run_id": id, "model_json": model.to_string()}));
    }
    let run = &server.get(GET, &format!("run_id={id}"))["run"];
    let history: Value = serde_json::from_str(run["data"]["tags"][0]["value"].as_str().unwrap()).unwrap();
    assert_eq!(
        history[1],
        json!({"artifact_path": "m", "flavors": {"f": {"v": 2}}, "utc_time_created": "t", "run_id": id})
    );
}
