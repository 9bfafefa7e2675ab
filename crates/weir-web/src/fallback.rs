//! Answers for what nobody serves, and for defects.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::middleware::Next;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response};
use weir_core::error::{Code, Error, Form};
use weir_gateway::exchange::refusal;

fn form_of(path: &str) -> Form {
    if path.starts_with("/v1/messages") { Form::Anthropic } else { Form::OpenAi }
}

/// The request's id; the server gives one to requests that bring none.
fn id_of(request: &Request<Body>) -> String {
    request.headers().get("x-request-id").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

pub(crate) async fn not_found(request: Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    let message = format!("there is no {} {path}; SDKs of OpenAI need the base URL http://HOST/v1", request.method());
    refusal(HeaderMap::new(), &Error::new(Code::NotFound, message), form_of(path), &id_of(&request))
}

pub(crate) async fn method_not_allowed(request: Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    let message = format!("{path} does not take {}", request.method());
    refusal(HeaderMap::new(), &Error::new(Code::MethodNotAllowed, message), form_of(path), &id_of(&request))
}

/// A defect in one request must not end the connection without an answer.
pub(crate) async fn catch_panic(request: Request<Body>, next: Next) -> Response<Body> {
    let form = form_of(request.uri().path());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            let error = Error::new(Code::Internal, "the request met a defect of Weir's; the log has its place");
            refusal(HeaderMap::new(), &error, form, "")
        }
    }
}
