use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::mlflow::rig::Rig;

async fn made(rig: &Rig, body: Value) -> Value {
    rig.done("logged-models", body).await["model"].clone()
}

fn id(model: &Value) -> String {
    model["info"]["model_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_model_goes_the_way_of_log_model() {
    let rig = Rig::new();
    let run = "a".repeat(32);
    let body = json!({"experiment_id": "0", "name": "clf", "model_type": "sklearn", "source_run_id": run,
        "params": [{"key": "lr", "value": "0.1"}], "tags": [{"key": "t", "value": ""}]});
    let model = made(&rig, body).await;
    let model_id = id(&model);
    assert!(model_id.starts_with("m-") && model_id.len() == 34, "{model_id}");
    let now = 1_795_780_800_000_i64;
    let info = json!({"model_id": model_id, "experiment_id": "0", "name": "clf", "creation_timestamp_ms": now,
        "last_updated_timestamp_ms": now, "artifact_uri": format!("mlflow-artifacts:/0/models/{model_id}/artifacts"),
        "status": "LOGGED_MODEL_PENDING", "model_type": "sklearn", "source_run_id": run,
        "tags": [{"key": "t", "value": ""}]});
    assert_eq!(model, json!({"info": info, "data": {"params": [{"key": "lr", "value": "0.1"}]}}));
    let path = format!("logged-models/{model_id}");
    rig.clock.advance(7_000);
    for status in [json!(2), json!("LOGGED_MODEL_READY")] {
        let body = json!({"model_id": model_id, "status": status});
        let (code, done) = rig.send(Method::PATCH, &path, &body).await;
        assert_eq!((code, &done["model"]["info"]["status"]), (StatusCode::OK, &json!("LOGGED_MODEL_READY")));
    }
    rig.done(&format!("{path}/params"), json!({"params": [{"key": "n", "value": "1"}]})).await;
    let tags = json!({"tags": [{"key": "a/b", "value": "1"}]});
    assert_eq!(rig.send(Method::PATCH, &format!("{path}/tags"), &tags).await.0, StatusCode::OK);
    let remove = async |key: &str| rig.send(Method::DELETE, &format!("{path}/tags/{key}"), &Value::Null).await;
    assert_eq!(remove("a/b").await.0, StatusCode::OK);
    let (status, answer) = remove("a/b").await;
    let told = format!("No tag with key 'a/b' found for model with ID '{model_id}'.");
    assert_eq!((status.as_u16(), &answer["message"]), (404, &json!(told)));

    // Registering it: the version is the model's and the run's.
    rig.done("registered-models/create", json!({"name": "reg"})).await;
    let source = format!("models:/{model_id}");
    let body = json!({"name": "reg", "source": source, "model_id": model_id});
    let version = rig.done("model-versions/create", body).await["model_version"].clone();
    assert_eq!((&version["run_id"], &version["source"]), (&json!(run), &json!(source)));
    let (_, uri) = rig.get("model-versions/get-download-uri", &[("name", "reg"), ("version", "1")]).await;
    assert_eq!(uri["artifact_uri"], format!("mlflow-artifacts:/0/models/{model_id}/artifacts"));
    let (_, found) = rig.get(&path, &[]).await;
    assert_eq!(found["model"]["info"]["registrations"], json!([{"name": "reg", "version": "1"}]));
    let tags = found["model"]["info"]["tags"].as_array().unwrap();
    assert!(tags.contains(&json!({"key": "mlflow.modelVersions", "value": "[{\"name\":\"reg\",\"version\":1}]"})));
    let inside = format!("mlflow-artifacts:/0/models/{model_id}/artifacts/sub");
    let body = json!({"name": "reg", "source": inside, "model_id": model_id});
    rig.done("model-versions/create", body).await;
    let outside = json!({"name": "reg", "source": "mlflow-artifacts:/0/models/x/artifacts", "model_id": model_id});
    assert_eq!(rig.post("model-versions/create", outside).await.0, StatusCode::BAD_REQUEST);

    assert_eq!(rig.send(Method::DELETE, &path, &json!({"model_id": model_id})).await.0, StatusCode::OK);
    let (status, answer) = rig.get(&path, &[]).await;
    let told = format!("Logged model with ID '{model_id}' not found.");
    assert_eq!((status.as_u16(), &answer["message"]), (404, &json!(told)));
    assert_eq!(rig.get(&path, &[("allow_deleted", "true")]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let rig = Rig::new();
    for (body, status, part) in [
        (json!({}), 400, "Missing value for required parameter 'experiment_id'."),
        (json!({"experiment_id": "x"}), 400, "Invalid experiment ID 'x'."),
        (json!({"experiment_id": "77"}), 404, "No Experiment with id=77 exists"),
        (json!({"experiment_id": "0", "name": "a/b"}), 400, "Invalid model name ('a/b') provided."),
        (json!({"experiment_id": "0", "params": [{"value": "x"}]}), 400, "'params[0].key'"),
    ] {
        let (got, answer) = rig.post("logged-models", body).await;
        assert_eq!(got.as_u16(), status, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(part), "{answer}");
    }
    let model = made(&rig, json!({"experiment_id": "0", "params": [{"key": "lr", "value": "1"}]})).await;
    assert!(!model["info"]["name"].as_str().unwrap().is_empty());
    let path = format!("logged-models/{}", id(&model));
    assert_eq!(rig.send(Method::PATCH, &path, &json!({})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(rig.send(Method::PATCH, &path, &json!({"status": 9})).await.0, StatusCode::BAD_REQUEST);
    let params = json!({"params": [{"key": "lr", "value": "2"}]});
    let (status, answer) = rig.post(&format!("{path}/params"), params).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["message"].as_str().unwrap().starts_with("Changing param values is not allowed."), "{answer}");
    assert_eq!(rig.send(Method::PATCH, "logged-models/m-0", &json!({"status": 2})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn searches_page_through_what_was_made_last() {
    let rig = Rig::new();
    let mut ids = Vec::new();
    for (name, lr) in [("a", "1"), ("b", "2"), ("b", "3")] {
        let body = json!({"experiment_id": "0", "name": name, "params": [{"key": "lr", "value": lr}]});
        ids.push(id(&made(&rig, body).await));
        rig.clock.advance(1_000);
    }
    let search = async |body: Value| {
        let answer = rig.done("logged-models/search", body).await;
        let models = answer["models"].as_array().cloned().unwrap_or_default();
        (models.iter().map(id).collect::<Vec<_>>(), answer["next_page_token"].clone())
    };
    let (first, token) = search(json!({"experiment_ids": ["0"], "max_results": 2})).await;
    assert_eq!(first, [ids[2].clone(), ids[1].clone()]);
    let (second, none) = search(json!({"experiment_ids": ["0"], "page_token": token})).await;
    assert_eq!((second, none), (vec![ids[0].clone()], Value::Null));
    let order = json!([{"field_name": "name", "ascending": false}, {"field_name": "metrics.acc", "dataset_name": "d"}]);
    let (ordered, _) = search(json!({"experiment_ids": ["0", "5"], "order_by": order})).await;
    assert_eq!(ordered, [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    let filter = "name = 'b' AND params.lr IN ('2', '1') AND creation_timestamp > 1";
    assert_eq!(search(json!({"experiment_ids": ["0"], "filter": filter})).await.0, [ids[1].clone()]);
    let status = "status = 'READY'";
    assert_eq!(search(json!({"experiment_ids": ["0"], "filter": status})).await.0, [""; 0]);
    for body in [
        json!({}),
        json!({"experiment_ids": []}),
        json!({"experiment_ids": ["0"], "filter": "color = 'x'"}),
        json!({"experiment_ids": ["0"], "filter": "metrics.a = 'x'"}),
        json!({"experiment_ids": ["0"], "order_by": [{"ascending": true}]}),
        json!({"experiment_ids": ["0"], "order_by": [{"field_name": "params.lr"}]}),
        json!({"experiment_ids": ["0"], "order_by": [{"field_name": "name", "dataset_digest": "d"}]}),
        json!({"experiment_ids": ["0"], "datasets": [{"dataset_digest": "d"}]}),
        json!({"experiment_ids": ["0"], "page_token": "x"}),
        json!({"experiment_ids": ["0"], "max_results": -1}),
    ] {
        assert_eq!(rig.post("logged-models/search", body.clone()).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
}
