//! Anthropic's token counting, answered here.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, Request, Response};
use weir_core::error::{Error, Form};

use super::Shared;
use crate::exchange::envelope::Envelope;
use crate::exchange::{count_prompt, read_body, refusal, request_id_text};

/// Counts the input tokens of a Messages request. An estimate: Anthropic does not publish its tokenizer.
pub(super) async fn count_tokens(State(gateway): Shared, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let counted = async {
        gateway.authenticate(&head.headers)?;
        let snapshot = gateway.snapshot();
        let config = &snapshot.config.gateway;
        let body = read_body(&head.headers, body, config.max_body.0, config.request_timeout.0).await?;
        let envelope = Envelope::parse(&body)?;
        let model = envelope.read::<String>("model", "a string")?.unwrap_or_default();
        if envelope.get("messages").is_none() {
            return Err(Error::invalid("messages", "\"messages\" is missing"));
        }
        Ok::<_, Error>(count_prompt(&model, &body))
    };
    match counted.await {
        Ok(tokens) => Json(serde_json::json!({"input_tokens": tokens})).into_response(),
        Err(error) => refusal(HeaderMap::new(), &error, Form::Anthropic, &request_id_text(&head.headers)),
    }
}
