//! The semantic cache's part in a call: an embedding of what is asked, and the nearest answer to it.
//!
//! Invariant: no failure here is the call's; it goes on without. A provider of embeddings that does not answer holds up
//! some calls and not all of them ([`Pause`](crate::cache::Pause)).

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde::Deserialize;
use weir_core::access::Identity;
use weir_core::time::SECOND;

use super::call::Call;
use super::envelope::Envelope;
use super::on_behalf::OnBehalf;
use crate::cache::{Hit, Leader, PAUSE, Scope, semantic};
use crate::doors::EMBEDDINGS;

/// Longest answer of an embedding model that is read.
const MAX_EMBEDDING: usize = 4 << 20;

/// Why there is no embedding.
enum NoVector {
    /// It was refused at once: a limit of this caller's key, or a model that is not there.
    Refused,
    /// The provider did not answer, or not in time.
    Failed,
}

/// Looks for an answer to a request of nearly the same meaning, where that is configured and can be.
pub(super) async fn nearest(
    call: &mut Call,
    identity: &Arc<Identity>,
    scope: &Scope<'_>,
    envelope: &Envelope<'_>,
    leader: Leader,
) -> Result<Hit, Leader> {
    let snapshot = call.snapshot.clone();
    let config = &snapshot.config.cache.semantic;
    let Some(model) = config.model.as_deref().filter(|_| leader.wants_meaning()) else { return Err(leader) };
    let gateway = call.gateway.clone();
    let (clock, pause) = (&gateway.parts.clock, &gateway.cache.embeddings);
    if pause.is_on(clock.now()) {
        return Err(leader);
    }
    let Some(subject) = semantic::subject(scope, envelope, model) else { return Err(leader) };
    let embedding = embed(call, identity, model, &subject.text);
    let asked = tokio::time::timeout(config.timeout.0, embedding).await.unwrap_or(Err(NoVector::Failed));
    match asked {
        Ok(vector) => {
            pause.worked();
            leader.nearest(subject.scope, &vector, clock.now())
        }
        Err(why) => {
            tracing::warn!(model, "no embedding in time; the call goes on without the semantic cache");
            if matches!(why, NoVector::Failed) && pause.failed(clock.now()) {
                let seconds = PAUSE / SECOND;
                tracing::warn!(model, seconds, "embeddings fail one after the other and are not asked for for a while");
            }
            Err(leader)
        }
    }
}

/// The embedding of a text: a call like any other, filed under the same labels.
fn embed(
    call: &Call,
    identity: &Arc<Identity>,
    model: &str,
    text: &str,
) -> impl Future<Output = Result<Vec<f32>, NoVector>> + Send + use<> {
    let body = serde_json::json!({"model": model, "input": text, "encoding_format": "float"}).to_string();
    let mut request = Request::new(Body::from(body));
    for (name, label) in [
        ("x-weir-department", &call.span.department),
        ("x-weir-project", &call.span.project),
        ("x-weir-user", &call.span.user),
        ("x-weir-session", &call.span.session),
    ] {
        if let Some(value) = label.as_deref().and_then(|text| http::HeaderValue::from_str(text).ok()) {
            request.headers_mut().insert(name, value);
        }
    }
    let (identity, tag) = (identity.clone(), "semantic-cache".to_owned());
    request.extensions_mut().insert(OnBehalf { identity, is_for_cache: true, tag, batch: None });
    vector_of(Box::pin(super::run(call.gateway.clone(), EMBEDDINGS, request)))
}

/// The vector in an answer of an embedding model.
async fn vector_of(answer: Pin<Box<dyn Future<Output = Response<Body>> + Send>>) -> Result<Vec<f32>, NoVector> {
    #[derive(Deserialize)]
    struct List {
        data: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        embedding: Vec<f32>,
    }
    let response = answer.await;
    let status = response.status();
    if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT {
        return Err(NoVector::Refused);
    }
    if !status.is_success() {
        return Err(NoVector::Failed);
    }
    let body = http_body_util::Limited::new(response.into_body(), MAX_EMBEDDING).collect().await;
    let list: Option<List> = body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
    list.and_then(|list| list.data.into_iter().next()).map(|item| item.embedding).ok_or(NoVector::Failed)
}
