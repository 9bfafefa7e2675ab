//! The doors: which path leads where. Handlers only name the endpoint; [`crate::exchange`] does the work.

mod batches;
mod files;
mod generate;
mod messages;
mod models;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use http::{Request, Response};
use weir_core::error::Form;

use crate::batches::Service;
use crate::exchange::{Door, run};
use crate::gateway::Gateway;
use crate::providers::Endpoint;

const fn openai(endpoint: Endpoint, operation: &'static str) -> Door {
    Door { endpoint, form: Form::OpenAi, operation }
}

const CHAT: Door = openai(Endpoint::Chat, "chat");
const COMPLETIONS: Door = openai(Endpoint::Completions, "text_completion");
pub(crate) const EMBEDDINGS: Door = openai(Endpoint::Embeddings, "embeddings");
const RESPONSES: Door = openai(Endpoint::Responses, "responses");
const MESSAGES: Door = Door { endpoint: Endpoint::Messages, form: Form::Anthropic, operation: "chat" };

/// The gateway's paths.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/responses", post(responses))
        .route("/v1/messages", post(messages))
        .route("/v1/messages/count_tokens", post(messages::count_tokens))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/generate", post(generate::generate))
        .with_state(gateway)
}

/// The paths of files and batches.
pub fn batch_router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/files", post(files::create).get(files::list))
        .route("/v1/files/{id}", get(files::retrieve).delete(files::delete))
        .route("/v1/files/{id}/content", get(files::content))
        .route("/v1/batches", post(batches::create).get(batches::list))
        .route("/v1/batches/{id}", get(batches::retrieve))
        .route("/v1/batches/{id}/cancel", post(batches::cancel))
        .with_state(service)
}

/// The door of a path that requests of a batch may go to.
pub(crate) fn door_of(path: &str) -> Option<Door> {
    Some(match path {
        "/v1/chat/completions" => CHAT,
        "/v1/completions" => COMPLETIONS,
        "/v1/embeddings" => EMBEDDINGS,
        "/v1/responses" => RESPONSES,
        "/v1/messages" => MESSAGES,
        _ => return None,
    })
}

type Shared = State<Arc<Gateway>>;

async fn chat(State(gateway): Shared, request: Request<Body>) -> Response<Body> {
    run(gateway, CHAT, request).await
}

async fn completions(State(gateway): Shared, request: Request<Body>) -> Response<Body> {
    run(gateway, COMPLETIONS, request).await
}

async fn embeddings(State(gateway): Shared, request: Request<Body>) -> Response<Body> {
    run(gateway, EMBEDDINGS, request).await
}

async fn responses(State(gateway): Shared, request: Request<Body>) -> Response<Body> {
    run(gateway, RESPONSES, request).await
}

async fn messages(State(gateway): Shared, request: Request<Body>) -> Response<Body> {
    run(gateway, MESSAGES, request).await
}
