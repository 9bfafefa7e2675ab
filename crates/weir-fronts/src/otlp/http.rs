//! OTLP over HTTP: the paths, protobuf or JSON in, the same out.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::routing::post;
use axum::{Router, body::Bytes};
use http::{HeaderMap, Request, Response};
use weir_core::access::Identity;
use weir_core::error::Error;

use super::answer::{Fault, taken};
use super::body;
use super::decode::{self, Encoding, Rejected};
use super::receive::{From, Handed, Receiver, work};
use crate::room::Held;

/// Where SDKs send traces: OpenTelemetry's own path, and those that LangSmith's, Langfuse's and Opik's SDKs put it under.
const TRACES: [&str; 4] =
    ["/v1/traces", "/otel/v1/traces", "/api/public/otel/v1/traces", "/opik/api/v1/private/otel/v1/traces"];

/// A refusal of whoever guards the routes, as exporters read it: in the encoding of their request.
#[must_use]
pub fn refusal(headers: &HeaderMap, error: &Error) -> Response<Body> {
    let encoding = body::encoding(headers, &[]).unwrap_or(Encoding::Json);
    Fault::from(error.clone()).to_http(encoding)
}

/// The routes. Whoever mounts them lets only keys of role `write` pass, and puts the `Arc<Identity>` of the caller into the
/// request's extensions.
pub fn router(receiver: Arc<Receiver>) -> Router {
    TRACES
        .iter()
        .fold(Router::new(), |router, path| router.route(path, post(traces)))
        .route("/v1/logs", post(logs))
        .route("/v1/metrics", post(metrics))
        .with_state(receiver)
}

async fn traces(
    State(receiver): State<Arc<Receiver>>,
    Extension(identity): Extension<Arc<Identity>>,
    request: Request<Body>,
) -> Response<Body> {
    let from = From::new(identity, request.headers());
    answer(receiver, request, "rejectedSpans", move |receiver, body, encoding| {
        let decoded = decode::traces(body, encoding).map_err(Fault::invalid)?;
        receiver.spans(decoded, &from).map(Some)
    })
    .await
}

async fn logs(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> Response<Body> {
    answer(receiver, request, "rejectedLogRecords", |receiver, body, encoding| {
        decode::logs(body, encoding).map_err(Fault::invalid).map(|records| Some(receiver.logs(records)))
    })
    .await
}

async fn metrics(State(receiver): State<Arc<Receiver>>, request: Request<Body>) -> Response<Body> {
    answer(receiver, request, "rejectedDataPoints", |receiver, body, encoding| {
        receiver.metrics(decode::metrics(body, encoding).map_err(Fault::invalid)?);
        Ok(None)
    })
    .await
}

/// Reads a request, takes it by `take`, waits for the store, answers in the request's encoding.
async fn answer(
    receiver: Arc<Receiver>,
    request: Request<Body>,
    count: &'static str,
    take: impl FnOnce(&Receiver, &[u8], Encoding) -> Result<Option<Handed>, Fault> + Send + 'static,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let mut encoding = body::encoding(&parts.headers, &[]);
    let done = async {
        if let Err(fault) = &encoding {
            return Err(fault.clone());
        }
        let (packed, held) = body::read(body, receiver.max_body, &receiver.room).await?;
        let (handed, told) = handed(&receiver, parts.headers, packed, held, take).await;
        encoding = Ok(told);
        match handed? {
            Some(handed) => handed.durable().await,
            None => Ok(Rejected::default()),
        }
    }
    .await;
    // What sends neither is no exporter; a person reads JSON.
    let encoding = encoding.unwrap_or(Encoding::Json);
    done.map_or_else(|fault| fault.to_http(encoding), |rejected| taken(encoding, &rejected, count))
}

/// Unpacks, decodes and hands over; gives the encoding too, which without a content type only the body tells.
async fn handed(
    receiver: &Arc<Receiver>,
    headers: HeaderMap,
    packed: Bytes,
    mut held: Held,
    take: impl FnOnce(&Receiver, &[u8], Encoding) -> Result<Option<Handed>, Fault> + Send + 'static,
) -> (Result<Option<Handed>, Fault>, Encoding) {
    let (receiver, length) = (Arc::clone(receiver), packed.len());
    let run = move || {
        let body = match body::unpack(&headers, packed, receiver.max_body, &receiver.room, &mut held) {
            Ok(body) => body,
            Err(fault) => return Ok((Err(fault), body::encoding(&headers, &[]).unwrap_or(Encoding::Protobuf))),
        };
        let encoding = body::encoding(&headers, &body)?;
        Ok((take(&receiver, &body, encoding), encoding))
    };
    work(length, run).await.unwrap_or_else(|fault| (Err(fault), Encoding::Protobuf))
}
