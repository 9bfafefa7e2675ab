//! The error answers, in OpenAI's and in Anthropic's form.

use serde_json::json;

use super::behaviour::Behaviour;
use super::json::string;

/// Whose protocol an answer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    OpenAi,
    Anthropic,
}

/// One row: status, OpenAI's type and code, Anthropic's type, message.
struct Row(&'static str, Option<&'static str>, &'static str, &'static str);

fn row(status: u16) -> Row {
    match status {
        401 => {
            Row("authentication_error", Some("invalid_api_key"), "authentication_error", "Incorrect API key provided.")
        }
        402 => Row("billing_error", None, "billing_error", "Billing problem."),
        403 => Row("permission_error", None, "permission_error", "You do not have access to this."),
        404 => Row("not_found_error", Some("model_not_found"), "not_found_error", "The model does not exist."),
        405 => Row("invalid_request_error", Some("method_not_allowed"), "invalid_request_error", "Method not allowed."),
        413 => Row("invalid_request_error", None, "request_too_large", "Request exceeds the maximum size."),
        429 => Row("rate_limit_error", Some("rate_limit_exceeded"), "rate_limit_error", "Rate limit reached."),
        400..=499 => Row("invalid_request_error", None, "invalid_request_error", "The request is invalid."),
        503 => Row("server_error", None, "api_error", "The server is overloaded or not ready yet."),
        504 => Row("server_error", None, "timeout_error", "The request timed out."),
        529 => Row("overloaded_error", None, "overloaded_error", "Overloaded"),
        _ => Row("server_error", None, "api_error", "The server had an error while processing your request."),
    }
}

/// The body of the error that a behaviour's `status` and `code` ask for.
pub(crate) fn asked(status: u16, behaviour: &Behaviour, family: Family) -> String {
    let Row(kind, code, _, message) = row(status);
    let code = behaviour.code.as_deref().or(code);
    let message = match code {
        Some("context_length_exceeded") => {
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
        }
        Some("insufficient_quota") => "You exceeded your current quota, please check your plan and billing details.",
        Some("content_filter") => "The response was filtered due to the prompt triggering the content policy.",
        _ => message,
    };
    match family {
        Family::Anthropic => told(status, message, None, family),
        Family::OpenAi if behaviour.azure => {
            let code = behaviour.code.clone().unwrap_or_else(|| status.to_string());
            json!({"error": {"code": code, "message": message}}).to_string()
        }
        Family::OpenAi => {
            let kind = if code == Some("insufficient_quota") { "insufficient_quota" } else { kind };
            json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string()
        }
    }
}

/// The body of an error with a message of its own.
pub(crate) fn told(status: u16, message: &str, code: Option<&str>, family: Family) -> String {
    let Row(openai, _, anthropic, _) = row(status);
    match family {
        Family::OpenAi => {
            json!({"error": {"message": message, "type": openai, "param": null, "code": code}}).to_string()
        }
        Family::Anthropic => json!({
            "type": "error", "error": {"type": anthropic, "message": message}, "request_id": "req_fake_error"
        })
        .to_string(),
    }
}

/// The data of the error in the middle of a stream.
pub(crate) fn midstream(behaviour: &Behaviour, family: Family) -> String {
    let code = behaviour.code.as_deref();
    match family {
        Family::OpenAi => format!(
            "{{\"error\":{{\"message\":\"The server had an error in the middle of the answer.\",\
             \"type\":\"server_error\",\"param\":null,\"code\":{}}}}}",
            code.map_or_else(|| "null".to_owned(), string)
        ),
        Family::Anthropic => {
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#.to_owned()
        }
    }
}
