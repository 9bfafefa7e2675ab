use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::mlflow::rig::Rig;

const MODELS: &str = "registered-models";
const VERSIONS: &str = "model-versions";

async fn refused(rig: &Rig, path: &str, body: Value) -> (u16, String, String) {
    let (status, answer) = rig.post(path, body).await;
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    (status.as_u16(), text("error_code"), text("message"))
}

async fn version(rig: &Rig, name: &str, source: &str) -> Value {
    let made = rig.done("model-versions/create", json!({"name": name, "source": source})).await;
    made["model_version"].clone()
}

#[tokio::test]
async fn models_and_versions_look_as_mlflow_shows_them() {
    let rig = Rig::new();
    let tags = json!([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]);
    let made = rig.done("registered-models/create", json!({"name": "m", "tags": tags, "description": "d"})).await;
    let now = 1_795_780_800_000_i64;
    let shown = json!({"name": "m", "creation_timestamp": now, "last_updated_timestamp": now, "description": "d",
        "tags": [{"key": "a", "value": "2"}]});
    assert_eq!(made["registered_model"], shown);
    rig.clock.advance(5_000);
    let shown = json!({"name": "m", "version": "1", "creation_timestamp": now + 5, "last_updated_timestamp": now + 5,
        "current_stage": "None", "description": "", "source": "s3://b/x", "run_id": "", "status": "READY",
        "run_link": ""});
    assert_eq!(version(&rig, "m", "s3://b/x").await, shown);
    rig.done("registered-models/alias", json!({"name": "m", "alias": "best", "version": "1"})).await;
    let (_, model) = rig.get("registered-models/get", &[("name", "m")]).await;
    assert_eq!(model["registered_model"]["aliases"], json!([{"alias": "best", "version": "1"}]));
    assert_eq!(model["registered_model"]["latest_versions"][0]["aliases"], json!(["best"]));
    let (_, uri) = rig.get("model-versions/get-download-uri", &[("name", "m"), ("version", "1")]).await;
    assert_eq!(uri, json!({"artifact_uri": "s3://b/x"}));
    for (alias, version) in [("best", "1"), ("Latest", "1")] {
        let (status, found) = rig.get("registered-models/alias", &[("name", "m"), ("alias", alias)]).await;
        assert_eq!((status, &found["model_version"]["version"]), (StatusCode::OK, &json!(version)));
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_in_mlflows_words() {
    let rig = Rig::new();
    let create = "registered-models/create";
    rig.done(create, json!({"name": "m"})).await;
    let (status, code, message) = refused(&rig, create, json!({"name": "m"})).await;
    assert_eq!((status, code.as_str()), (400, "RESOURCE_ALREADY_EXISTS"));
    assert_eq!(message, "Registered Model (name=m) already exists.");
    for (body, part) in [
        (json!({}), "Missing value for required parameter 'name'."),
        (json!({"name": "  "}), "Missing value for required parameter 'name'."),
        (json!({"name": "a/b"}), "Invalid model name 'a/b'. Names cannot contain '/' or ':'."),
        (json!({"name": "x", "tags": [{"value": "1"}]}), "for parameter 'key' supplied"),
        (json!({"name": "x", "tags": [{"key": "k", "value": "v".repeat(100_001)}]}), "'value' exceeds the maximum"),
    ] {
        let (status, code, message) = refused(&rig, create, body).await;
        assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"), "{message}");
        assert!(message.contains(part), "{message}");
    }
    let get = |path: &'static str, query: &'static [(&str, &str)]| rig.get(path, query);
    let (status, answer) = get("registered-models/get", &[("name", "x")]).await;
    assert_eq!((status.as_u16(), &answer["message"]), (404, &json!("Registered Model with name=x not found")));
    let (status, answer) = get("model-versions/get", &[("name", "m"), ("version", "7")]).await;
    assert_eq!((status.as_u16(), &answer["message"]), (404, &json!("Model Version (name=m, version=7) not found")));
    let (status, answer) = get("model-versions/get", &[("name", "m"), ("version", "abc")]).await;
    assert_eq!(
        (status.as_u16(), &answer["message"]),
        (400, &json!("Parameter 'version' must be an integer, got 'abc'."))
    );
    let (status, answer) = get("registered-models/alias", &[("name", "m"), ("alias", "none")]).await;
    assert_eq!((status.as_u16(), &answer["message"]), (400, &json!("Registered model alias none not found.")));
    let (status, answer) = get("registered-models/alias", &[("name", "m"), ("alias", "latest")]).await;
    assert_eq!((status.as_u16(), &answer["message"]), (404, &json!("Latest version not found for model m.")));
}

#[tokio::test]
async fn versions_move_between_stages() {
    let rig = Rig::new();
    rig.done("registered-models/create", json!({"name": "m"})).await;
    for _ in 0..3 {
        version(&rig, "m", "s3://b/x").await;
    }
    let transition = "model-versions/transition-stage";
    let body = |version: &str, stage: &str, archive: bool| {
        json!({"name": "m", "version": version, "stage": stage,
        "archive_existing_versions": archive})
    };
    let moved = rig.done(transition, body("1", "production", false)).await;
    assert_eq!(moved["model_version"]["current_stage"], "Production");
    rig.done(transition, body("2", "PRODUCTION", true)).await;
    let (_, latest) =
        rig.get("registered-models/get-latest-versions", &[("name", "m"), ("stages", "production")]).await;
    assert_eq!(latest["model_versions"][0]["version"], "2");
    let (_, all) = rig.post("registered-models/get-latest-versions", json!({"name": "m"})).await;
    let stages: Vec<_> = all["model_versions"].as_array().unwrap().iter().map(|v| &v["current_stage"]).collect();
    assert_eq!(stages, ["Archived", "Production", "None"]);
    let (status, _, message) = refused(&rig, transition, body("1", "prod", false)).await;
    let told = "Invalid Model Version stage: prod. Value must be one of None, Staging, Production, Archived.";
    assert_eq!((status, message.as_str()), (400, told));
    assert_eq!(refused(&rig, transition, body("1", "Archived", true)).await.0, 400);
    assert_eq!(refused(&rig, transition, body("9", "Staging", true)).await.0, 404);
}

#[tokio::test]
async fn sources_lead_where_they_may() {
    let rig = Rig::new();
    rig.done("registered-models/create", json!({"name": "m"})).await;
    rig.done("registered-models/create", json!({"name": "copy"})).await;
    let body = json!({"name": "m", "source": "runs:/abc/model", "run_id": "abc"});
    rig.done("model-versions/create", body).await;
    for source in ["models:/m/1", "models:/m/latest", "models:/m/None", "models:/m@best"] {
        if source.contains('@') {
            rig.done("registered-models/alias", json!({"name": "m", "alias": "best", "version": "1"})).await;
        }
        let copied = version(&rig, "copy", source).await;
        assert_eq!((&copied["source"], &copied["run_id"]), (&json!("models:/m/1"), &json!("abc")), "{source}");
    }
    let (_, uri) = rig.get("model-versions/get-download-uri", &[("name", "copy"), ("version", "1")]).await;
    assert_eq!(uri["artifact_uri"], "runs:/abc/model");
    for (source, status) in [
        ("models:/m/9", 404),
        ("models:/x/1", 404),
        ("models:/m/Nowhere", 400),
        ("models:/m@none", 400),
        ("models:/m/1/2", 400),
        ("models:/m/", 400),
        ("models:/", 400),
        ("models://host/m/1", 400),
        ("models:/m-00000000000000000000000000000000", 400),
        ("runs:/abc/model", 400),
        ("runs://abc/model", 400),
        ("file:///etc/passwd", 400),
        ("/etc/passwd", 400),
        ("relative", 400),
        ("file://host/x", 400),
        ("mlflow-artifacts:/1/abc/artifacts/model", 400),
        ("mlflow-artifacts://host/1/abc", 400),
        ("http://host/api/2.0/mlflow-artifacts/artifacts/x", 400),
        ("s3://b/../x", 400),
        ("s3://b/%252e%252e/x", 400),
        ("s3://b/x%00", 400),
        ("\u{0}", 400),
        ("%", 400),
        (":", 400),
        ("s3://[::1/x", 200),
        ("abfss://fs@account.dfs.core.windows.net/x", 200),
    ] {
        let (got, _, message) = refused(&rig, "model-versions/create", json!({"name": "m", "source": source})).await;
        assert_eq!(got, status, "{source}: {message}");
    }
    let long = json!({"name": "m", "source": format!("s3://b/{}", "%25".repeat(100_000))});
    assert_eq!(refused(&rig, "model-versions/create", long).await.0, 400);
}

#[tokio::test]
async fn searches_page_and_refuse_what_mlflow_refuses() {
    let rig = Rig::new();
    for name in ["b", "a", "c"] {
        rig.done("registered-models/create", json!({"name": name, "tags": [{"key": "k", "value": name}]})).await;
        version(&rig, name, "s3://b/x").await;
        rig.clock.advance(1_000);
    }
    let names = |answer: &Value, list: &str| -> Vec<String> {
        let list = answer[list].as_array().cloned().unwrap_or_default();
        list.iter().map(|m| m["name"].as_str().unwrap().to_owned()).collect()
    };
    let search = async |kind: &str, query: &[(&str, &str)]| rig.get(&format!("{kind}/search"), query).await;
    let (_, page) = search(MODELS, &[("max_results", "2")]).await;
    assert_eq!(names(&page, "registered_models"), ["a", "b"]);
    let (_, rest) = search(MODELS, &[("page_token", page["next_page_token"].as_str().unwrap())]).await;
    assert_eq!((names(&rest, "registered_models"), rest.get("next_page_token")), (vec!["c".to_owned()], None));
    let by_time = search(MODELS, &[("order_by", "timestamp DESC"), ("filter", "tags.k != 'a'")]).await.1;
    assert_eq!(names(&by_time, "registered_models"), ["c", "b"]);
    assert_eq!(names(&search(VERSIONS, &[]).await.1, "model_versions"), ["c", "a", "b"]);
    let one = [("filter", "name IN ('a', 'b') AND version_number >= 1"), ("order_by", "name DESC")];
    assert_eq!(names(&search(VERSIONS, &one).await.1, "model_versions"), ["b", "a"]);
    // Only prompts are left out and only they are found; there are none.
    let prompts = "tags.`mlflow.prompt.is_prompt` = 'true'";
    assert_eq!(search(MODELS, &[("filter", prompts)]).await.1, json!({}));
    let models = "tags.`mlflow.prompt.is_prompt` != 'true' AND name = 'a'";
    assert_eq!(names(&search(MODELS, &[("filter", models)]).await.1, "registered_models"), ["a"]);
    for (kind, name, value) in [
        (MODELS, "max_results", "1001"),
        (MODELS, "max_results", "0"),
        (MODELS, "max_results", "-1"),
        (MODELS, "order_by", "creation_timestamp DESC"),
        (MODELS, "filter", "run_id = 'x'"),
        (MODELS, "page_token", "garbage"),
        (VERSIONS, "max_results", "200001"),
        (VERSIONS, "filter", "version_number = 1.5"),
        (VERSIONS, "filter", "source_path IN ('x')"),
    ] {
        assert_eq!(search(kind, &[(name, value)]).await.0, StatusCode::BAD_REQUEST, "{kind} {name}={value}");
    }
}

#[tokio::test]
async fn notes_come_and_go() {
    let rig = Rig::new();
    rig.done("registered-models/create", json!({"name": "m"})).await;
    version(&rig, "m", "s3://b/x").await;
    rig.done("registered-models/set-tag", json!({"name": "m", "key": "k", "value": "v"})).await;
    rig.done("model-versions/set-tag", json!({"name": "m", "version": "1", "key": "k", "value": "v"})).await;
    let renamed = rig.done("registered-models/rename", json!({"name": "m", "new_name": "n"})).await;
    assert_eq!(renamed["registered_model"]["latest_versions"][0]["tags"], json!([{"key": "k", "value": "v"}]));
    let remove = async |path: &str, body: Value| rig.send(Method::DELETE, path, &body).await.0.as_u16();
    assert_eq!(remove("model-versions/delete-tag", json!({"name": "n", "version": "1", "key": "k"})).await, 200);
    assert_eq!(remove("model-versions/delete-tag", json!({"name": "n", "version": "1", "key": "k"})).await, 200);
    assert_eq!(remove("registered-models/delete-tag", json!({"name": "n", "key": "k"})).await, 200);
    assert_eq!(remove("registered-models/alias", json!({"name": "n", "alias": "none"})).await, 200);
    assert_eq!(remove("registered-models/alias", json!({"name": "m", "alias": "none"})).await, 404);
    let (_, changed) = rig.send(Method::PATCH, "model-versions/update", &json!({"name": "n", "version": "1"})).await;
    assert_eq!((changed["model_version"].get("tags"), changed["model_version"].get("description")), (None, None));
    assert_eq!(remove("model-versions/delete", json!({"name": "n", "version": "1"})).await, 200);
    assert_eq!(version(&rig, "n", "s3://b/x").await["version"], "2");
    assert_eq!(remove("registered-models/delete", json!({"name": "n"})).await, 200);
    assert_eq!(remove("registered-models/delete", json!({"name": "n"})).await, 404);
}

#[tokio::test]
async fn prompts_are_weirs_prompts() {
    let rig = Rig::new();
    let is = json!({"key": "mlflow.prompt.is_prompt", "value": "true"});
    let tags = json!([is, {"key": "team", "value": "x"}]);
    rig.done("registered-models/create", json!({"name": "greet", "tags": tags, "description": "d"})).await;
    let (status, _, message) = refused(&rig, "registered-models/create", json!({"name": "greet"})).await;
    assert_eq!(status, 400);
    assert!(message.contains("already taken by a prompt"), "{message}");
    let text = |text: &str| {
        json!([is, {"key": "mlflow.prompt.text", "value": text}, {"key": "_mlflow_prompt_type",
        "value": "text"}, {"key": "who", "value": "me"}])
    };
    let add = |words: &str| json!({"name": "greet", "source": "dummy-source", "description": "c", "tags": text(words)});
    for (n, words) in [("1", "Hi {{ name }}"), ("2", "Ho {{ name }}")] {
        let made = rig.done("model-versions/create", add(words)).await["model_version"].clone();
        assert_eq!((&made["version"], &made["description"]), (&json!(n), &json!("c")));
        let tags = made["tags"].as_array().unwrap();
        assert!(tags.contains(&json!({"key": "mlflow.prompt.text", "value": words})), "{made}");
        assert!(tags.contains(&json!({"key": "who", "value": "me"})) && tags.contains(&is), "{made}");
    }
    rig.done("registered-models/alias", json!({"name": "greet", "alias": "best", "version": "1"})).await;
    let (_, found) = rig.get("registered-models/alias", &[("name", "greet"), ("alias", "best")]).await;
    assert_eq!(
        (&found["model_version"]["version"], &found["model_version"]["aliases"]),
        (&json!("1"), &json!(["best"]))
    );
    let (_, newest) = rig.get("registered-models/alias", &[("name", "greet"), ("alias", "latest")]).await;
    assert_eq!(newest["model_version"]["version"], "2");
    rig.done("model-versions/set-tag", json!({"name": "greet", "version": "1", "key": "k", "value": "v"})).await;
    let stays = json!({"name": "greet", "version": "1", "key": "mlflow.prompt.text", "value": "v"});
    assert_eq!(refused(&rig, "model-versions/set-tag", stays).await.0, 400);
    // Only a search for prompts finds them.
    let only = "tags.`mlflow.prompt.is_prompt` = 'true'";
    let search = async |kind: &str, filter: &str| rig.get(&format!("{kind}/search"), &[("filter", filter)]).await.1;
    assert_eq!(search(MODELS, "").await, json!({}));
    let found = search(MODELS, &format!("{only} AND name LIKE 'gr%' AND tags.team = 'x'")).await;
    assert_eq!(found["registered_models"][0]["aliases"], json!([{"alias": "best", "version": "1"}]));
    let found = search(VERSIONS, &format!("{only} AND tags.k = 'v'")).await;
    assert_eq!(found["model_versions"].as_array().unwrap().len(), 1);
    // A number is not given again.
    let remove = async |path: &str, body: Value| rig.send(Method::DELETE, path, &body).await.0.as_u16();
    assert_eq!(remove("model-versions/delete", json!({"name": "greet", "version": "2"})).await, 200);
    assert_eq!(remove("model-versions/delete", json!({"name": "greet", "version": "2"})).await, 404);
    assert_eq!(rig.done("model-versions/create", add("Hey")).await["model_version"]["version"], "3");
    assert_eq!(remove("registered-models/delete", json!({"name": "greet"})).await, 200);
    assert_eq!(rig.get("registered-models/get", &[("name", "greet")]).await.0, StatusCode::NOT_FOUND);
    let (status, _, message) = refused(&rig, "registered-models/create", json!({"name": ".x", "tags": [is]})).await;
    assert!(status == 400 && message.contains("do not begin with a dot"), "{message}");
    let other = json!({"name": "greet", "source": "/etc/passwd", "tags": text("x")});
    assert_eq!(refused(&rig, "model-versions/create", other).await.0, 400);
}
