//! `POST /generate {"text"}` → `{"result", "latency_ms"}`: the simplest door, over the default model.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use weir_core::error::{Code, Error, Form};

use super::{CHAT, Shared};
use crate::exchange::envelope::Envelope;
use crate::exchange::{read_body, refusal, refuse_early, run};
use crate::gateway::Gateway;

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
}

pub(super) async fn generate(State(gateway): Shared, request: Request<Body>) -> Response<Body> {
    let begun = Instant::now();
    let (mut head, body) = request.into_parts();
    let chat = match chat_request(&gateway, &head.headers, body).await {
        Ok(chat) => chat,
        Err(error) => return refuse_early(gateway, CHAT, &head.headers, &error),
    };
    head.headers.remove(http::header::CONTENT_LENGTH);
    let response = run(gateway, CHAT, Request::from_parts(head, Body::from(chat.to_string()))).await;
    if !response.status().is_success() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let read = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    match serde_json::from_slice::<Completion>(&read) {
        Ok(completion) => {
            let result = completion.choices.into_iter().next().and_then(|c| c.message.content).unwrap_or_default();
            let latency_ms = begun.elapsed().as_secs_f64() * 1000.0;
            head.headers.remove(http::header::CONTENT_LENGTH);
            (head.headers, Json(json!({"result": result, "latency_ms": latency_ms}))).into_response()
        }
        Err(error) => {
            let error =
                Error::new(Code::UpstreamError, format!("the provider's answer is no chat completion: {error}"));
            refusal(HeaderMap::new(), &error, Form::OpenAi, "")
        }
    }
}

/// The chat request of a text. Members besides `text` go along, so that people can name a model or metadata.
async fn chat_request(gateway: &Arc<Gateway>, headers: &HeaderMap, body: Body) -> Result<Value, Error> {
    gateway.authenticate(headers)?;
    let snapshot = gateway.snapshot();
    let config = &snapshot.config.gateway;
    let body = read_body(headers, body, config.max_body.0, config.request_timeout.0).await?;
    let envelope = Envelope::parse(&body)?;
    let text = envelope
        .read::<String>("text", "a string")?
        .ok_or_else(|| Error::invalid("text", "\"text\" is missing; send {\"text\": \"...\"}"))?;
    let mut chat: Value = serde_json::from_slice(&body).map_err(|e| Error::new(Code::InvalidRequest, e.to_string()))?;
    let Some(members) = chat.as_object_mut() else { return Ok(chat) };
    members.remove("text");
    members.remove("stream");
    if !members.contains_key("model") {
        let model = snapshot.default_model().ok_or_else(|| {
            Error::new(Code::ModelNotFound, "no default model; set gateway.default_model, or send \"model\"")
        })?;
        members.insert("model".to_owned(), model.into());
    }
    members.insert("messages".to_owned(), json!([{"role": "user", "content": text}]));
    Ok(chat)
}
