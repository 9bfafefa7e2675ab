//! The shapes in which upstreams tell errors.

use serde_json::{Value, json};

use super::error::MAX_MESSAGE;
use super::{TranslateError, error_to_anthropic, error_to_openai};

fn openai(status: u16, body: &str) -> (u16, Value) {
    let (status, body) = error_to_openai(status, body.as_bytes());
    (status, serde_json::from_slice::<Value>(&body).unwrap()["error"].take())
}

fn anthropic(status: u16, body: &str) -> (u16, String, String) {
    let (status, body) = error_to_anthropic(status, body.as_bytes(), "req_1");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!("req_1")));
    let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    (status, text("type"), text("message"))
}

#[test]
fn anthropic_errors_become_openai_errors() {
    let rows = [
        (400, "invalid_request_error", 400, "invalid_request_error", Value::Null),
        (401, "authentication_error", 401, "authentication_error", json!("invalid_api_key")),
        (402, "billing_error", 402, "insufficient_quota", json!("insufficient_quota")),
        (403, "permission_error", 403, "permission_error", Value::Null),
        (404, "not_found_error", 404, "not_found_error", json!("model_not_found")),
        (413, "request_too_large", 413, "invalid_request_error", json!("request_too_large")),
        (429, "rate_limit_error", 429, "rate_limit_error", json!("rate_limit_exceeded")),
        (500, "api_error", 500, "api_error", Value::Null),
        (504, "timeout_error", 504, "api_error", json!("upstream_timeout")),
        (529, "overloaded_error", 503, "server_error", json!("overloaded")),
    ];
    for (status, kind, expected, expected_kind, code) in rows {
        let body = json!({"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "r"}).to_string();
        let error = json!({"message": "m", "type": expected_kind, "param": null, "code": code});
        assert_eq!(openai(status, &body), (expected, error), "{kind}");
    }
    let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}"#;
    assert_eq!(openai(400, body).1["code"], "context_length_exceeded");
}

#[test]
fn openai_errors_become_anthropic_errors() {
    let rows = [
        (400, "invalid_request_error", 400, "invalid_request_error"),
        (401, "invalid_request_error", 401, "authentication_error"),
        (403, "permission_error", 403, "permission_error"),
        (404, "invalid_request_error", 404, "not_found_error"),
        (422, "invalid_request_error", 400, "invalid_request_error"),
        (429, "tokens", 429, "rate_limit_error"),
        (429, "insufficient_quota", 402, "billing_error"),
        (500, "server_error", 500, "api_error"),
        (502, "server_error", 502, "api_error"),
        (503, "server_error", 529, "overloaded_error"),
        (504, "server_error", 504, "timeout_error"),
    ];
    for (status, kind, expected, expected_kind) in rows {
        let body = json!({"error": {"type": kind, "message": "m", "param": null, "code": null}}).to_string();
        assert_eq!(anthropic(status, &body), (expected, expected_kind.to_owned(), "m".to_owned()), "{status} {kind}");
    }
}

#[test]
fn every_shape_gives_a_message() {
    let long = "x".repeat(3 * MAX_MESSAGE);
    let rows = [
        (400, r#"[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]"#, "bad"),
        (422, r#"{"error":"too long","error_type":"validation"}"#, "too long"),
        (400, r#"{"object":"error","message":"no such","type":"BadRequestError","param":null,"code":400}"#, "no such"),
        (404, r#"{"detail":"Not Found"}"#, "Not Found"),
        (422, r#"{"detail":[{"msg":"field"}]}"#, r#"[{"msg":"field"}]"#),
        (500, r#""just text""#, "just text"),
        (
            502,
            "<html><head><TITLE>502 Bad Gateway</TITLE>",
            "the upstream answered 502 with an HTML page: 502 Bad Gateway",
        ),
        (502, "<!DOCTYPE html><p>x", "the upstream answered 502 with an HTML page"),
        (503, "upstream connect error", "upstream connect error"),
        (500, "", "the upstream answered 500 without a message"),
        (500, r#"{"error":{"message":""}}"#, "the upstream answered 500 without a message"),
    ];
    for (status, body, message) in rows {
        assert_eq!(openai(status, body).1["message"], message, "{body}");
        assert_eq!(anthropic(status, body).2, message, "{body}");
    }
    assert!(anthropic(500, &long).2.len() <= MAX_MESSAGE + 3);
}

#[test]
fn own_codes_and_params_are_kept() {
    let body =
        r#"{"error":{"message":"m","type":"invalid_request_error","param":"n","code":"string_above_max_length"}}"#;
    let error =
        json!({"message": "m", "type": "invalid_request_error", "param": "n", "code": "string_above_max_length"});
    assert_eq!(openai(400, body), (400, error));
}

#[test]
fn an_error_without_status_gets_the_implied_one() {
    assert_eq!(openai(200, r#"{"error":{"code":429,"message":"m"}}"#).0, 429);
    assert_eq!(openai(200, r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#).0, 503);
    assert_eq!(anthropic(200, r#"{"error":"m","error_type":"overloaded"}"#).0, 529);
    assert_eq!(anthropic(200, "what").0, 500);
}

#[test]
fn a_translation_error_names_the_member() {
    let error = TranslateError::invalid("messages[0].role", "expected user");
    assert_eq!((error.status(), error.member()), (400, Some("messages[0].role")));
    let body: Value = serde_json::from_slice(&error.to_openai()).unwrap();
    assert_eq!(body["error"]["param"], "messages[0].role");
    let body: Value = serde_json::from_slice(&error.to_anthropic("")).unwrap();
    assert_eq!((&body["error"]["type"], &body["request_id"]), (&json!("invalid_request_error"), &Value::Null));
    assert_eq!(TranslateError::upstream("x").status(), 502);
}
