//! Prompts through their endpoints.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::tests::api;

async fn call(api: &axum::Router, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_string())).unwrap();
    let answer = api.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn versions_are_made_once_and_labels_move() {
    let (api, ..) = api();
    let first = json!({"name": "greet", "version": "v1.0", "template": "Hello {{ name }}", "labels": ["production"]});
    let (status, made) = call(&api, "POST", "/api/v1/prompts", &first).await;
    assert_eq!((status, made["variables"].clone()), (StatusCode::OK, json!(["name"])), "{made}");
    assert_eq!(
        call(&api, "POST", "/api/v1/prompts", &first).await.1["hash"],
        made["hash"],
        "the same again is the same"
    );
    let changed = json!({"name": "greet", "version": "v1.0", "template": "Bye {{ name }}"});
    assert_eq!(call(&api, "POST", "/api/v1/prompts", &changed).await.0, StatusCode::CONFLICT);
    let second = json!({"name": "greet", "version": "v2.0", "template": "Bye {{ name }}", "message": "shorter"});
    assert_eq!(call(&api, "POST", "/api/v1/prompts", &second).await.0, StatusCode::OK);
    let third = json!({"name": "greet", "messages": [{"role": "system", "content": "S"}, {"role": "messages"}]});
    assert_eq!(call(&api, "POST", "/api/v1/prompts", &third).await.1["version"], "3", "the next number");

    let render = json!({"variables": {"name": "Ann"}});
    let (_, shown) = call(&api, "POST", "/api/v1/prompts/greet/render", &render).await;
    assert_eq!((shown["text"].as_str(), shown["version"].as_str()), (Some("Hello Ann"), Some("v1.0")));
    let (status, _) = call(&api, "PUT", "/api/v1/prompts/greet/labels/production", &json!({"version": "v2.0"})).await;
    assert_eq!(status, StatusCode::OK);
    let (_, shown) = call(&api, "POST", "/api/v1/prompts/greet/render", &render).await;
    assert_eq!(shown["text"], "Bye Ann");
    let (_, all) = call(&api, "GET", "/api/v1/prompts", &json!({})).await;
    assert_eq!(all["prompts"][0]["labels"], json!({"production": "v2.0"}));
    assert_eq!(call(&api, "DELETE", "/api/v1/prompts/greet/labels/production", &json!({})).await.0, StatusCode::OK);
    let (_, prompt) = call(&api, "GET", "/api/v1/prompts/greet", &json!({})).await;
    assert_eq!((&prompt["default_version"], prompt["versions"].as_array().unwrap().len()), (&json!("3"), 3));

    let (_, diff) = call(&api, "GET", "/api/v1/prompts/greet/diff?from=v1.0&to=v2.0", &json!({})).await;
    assert!(diff["diff"].as_str().unwrap().contains("-Hello {{ name }}\n+Bye {{ name }}"), "{diff}");
}

#[tokio::test]
async fn mistakes_say_where_they_are() {
    let (api, ..) = api();
    let message = |answer: Value| answer["error"]["message"].as_str().unwrap().to_owned();
    let broken = json!({"name": "greet", "template": "one\ntwo {% if %}"});
    let (status, answer) = call(&api, "POST", "/api/v1/prompts", &broken).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(message(answer).contains("line 2"));
    let lines = json!({"name": "greet", "version": "v1", "template": "one\ntwo {{ who }}"});
    call(&api, "POST", "/api/v1/prompts", &lines).await;
    let (status, answer) = call(&api, "POST", "/api/v1/prompts/greet/render", &json!({})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let told = message(answer);
    assert!(told.contains("greet@v1") && told.contains("line 2") && told.contains("\"who\""), "{told}");
    let (status, answer) = call(&api, "POST", "/api/v1/prompts/greet/render", &json!({"version": "v9"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(message(answer).contains("versions: v1"));
    for body in [json!({"name": "a/b", "template": ""}), json!({"name": "a"}), json!({"nam": "a"})] {
        assert_eq!(call(&api, "POST", "/api/v1/prompts", &body).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
}
