//! `/api/v1/spans`: spans in Weir's own form, as the libraries send them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::Request;
use weir_core::access::Identity;
use weir_core::error::{Code, Error};
use weir_fronts::intake;

use super::respond::{ErrorAnswer, Refusal, json};
use super::spans_json::{self, NewSpans, StoredSpans};
use super::state::Shared;

/// Largest body.
const MAX_BODY: usize = 20 << 20;
/// Bodies shorter than this are read where they arrive: the way to another thread would take longer.
const SHORT: usize = 32 << 10;
/// How long a client waits for the store.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes at most 10,000 spans or parts of spans; needs a key of role `write`. Stored for good before the answer.
///
/// Each is a create, which carries a span whole or opens it, or an update, which adds to one; they may come in any order
/// and more than once. Of two values of a field an update's wins over a create's, then the one with the later `at`. All
/// are taken or none.
#[utoipa::path(
    post,
    path = "/api/v1/spans",
    operation_id = "putSpans",
    tag = "calls",
    request_body = NewSpans,
    responses(
        (status = 200, description = "They are stored", body = StoredSpans),
        (status = 400, description = "A member is wrong; the message says which, of which span", body = ErrorAnswer),
        (status = 413, description = "The body is larger than 20 MiB", body = ErrorAnswer),
        (status = 503, description = "The store cannot be written now", body = ErrorAnswer),
    )
)]
pub(super) async fn put(
    State(shared): State<Shared>,
    identity: Option<Extension<Arc<Identity>>>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| Error::new(Code::BodyTooLarge, "the body is larger than 20 MiB or broke off: send fewer spans"))?;
    let length = body.len();
    let (spans, now) = (shared.spans.clone(), shared.clock.now());
    let take = move || -> Result<_, Error> {
        let mut writes = spans_json::parse(&body, now)?;
        if let Some(Extension(identity)) = &identity {
            writes.iter_mut().for_each(|write| intake::sent_by(write, identity));
        }
        let stored = writes.len();
        Ok((spans(writes), stored))
    };
    let (accepted, stored) = if length < SHORT {
        take()?
    } else {
        let defect = |e| Error::new(Code::Internal, format!("the write broke off: {e}"));
        tokio::task::spawn_blocking(take).await.map_err(defect)??
    };
    intake::durable(accepted, PATIENCE).await?;
    Ok(json(format!("{{\"stored\":{stored}}}").into_bytes()))
}
