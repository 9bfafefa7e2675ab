//! The message of an export over gRPC: read and unpacked before the protocol's own decoder sees it.
//!
//! Invariants: it is within the bound of a body, packed or not, and counted in the room that all requests share; what is too
//! large is refused with a code that exporters do not take as: again.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Bytes;
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use super::answer::Fault;
use super::body;
use super::receive::{Receiver, work};
use crate::room::Held;

/// Bytes before a message: whether it is packed, and its length.
const PREFIX: usize = 5;
/// Names the packing of messages.
const ENCODING: &str = "grpc-encoding";

/// A service that is given messages whole and unpacked.
#[derive(Clone)]
pub(super) struct Whole<S> {
    inner: S,
    receiver: Arc<Receiver>,
}

impl<S> Whole<S> {
    /// Reads for a service within the bounds of a receiver.
    pub(super) fn new(inner: S, receiver: Arc<Receiver>) -> Self {
        Self { inner, receiver }
    }
}

impl<S: NamedService> NamedService for Whole<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Whole<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone may not be ready; the one that was asked is.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let receiver = Arc::clone(&self.receiver);
        Box::pin(async move {
            match read(request, receiver).await {
                Ok(request) => inner.call(request).await,
                Err(fault) => Ok(fault.to_grpc().into_http()),
            }
        })
    }
}

/// Room that goes with a request until its message is decoded.
#[derive(Clone)]
struct Kept(#[expect(dead_code, reason = "held, not read")] Arc<Held>);

/// The request with its message in memory and not packed. One that the decoder will not read is left to its refusal.
async fn read(request: Request<Body>, receiver: Arc<Receiver>) -> Result<Request<Body>, Fault> {
    let is_gzip = match request.headers().get(ENCODING).map(http::HeaderValue::as_bytes) {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => return Ok(request),
    };
    let (mut parts, body) = request.into_parts();
    let max = receiver.max_body;
    let (sent, held) =
        body::read(axum::body::Body::new(body), max.saturating_add(PREFIX), &receiver.room).await.map_err(|fault| {
            if fault.status == http::StatusCode::PAYLOAD_TOO_LARGE { body::too_large(max) } else { fault }
        })?;
    let (pieces, held) = match message(&sent).filter(|_| is_gzip && sent.first() == Some(&1)) {
        None => (vec![sent], held),
        Some(packed) => {
            parts.headers.remove(ENCODING);
            drop(sent);
            let receiver = Arc::clone(&receiver);
            work(packed.len(), move || unpacked(&packed, held, &receiver)).await?
        }
    };
    // The decoder copies it.
    let mut held = held;
    receiver.room.hold(&mut held, pieces.iter().map(Bytes::len).sum::<usize>().saturating_mul(2))?;
    parts.extensions.insert(Kept(Arc::new(held)));
    let pieces = futures_util::stream::iter(pieces.into_iter().map(Ok::<_, Infallible>));
    Ok(Request::from_parts(parts, Body::new(axum::body::Body::from_stream(pieces))))
}

/// The message of a body, if it is there whole.
fn message(body: &Bytes) -> Option<Bytes> {
    let length = u32::from_be_bytes(body.get(1..PREFIX)?.try_into().ok()?);
    let end = PREFIX.checked_add(usize::try_from(length).ok()?)?;
    (end <= body.len()).then(|| body.slice(PREFIX..end))
}

/// A packed message as the pieces of a body that is not.
fn unpacked(packed: &Bytes, mut held: Held, receiver: &Receiver) -> Result<(Vec<Bytes>, Held), Fault> {
    let message = body::unpack_as("gzip", packed, receiver.max_body, &receiver.room, &mut held)?;
    let too_large = |_| body::too_large(receiver.max_body);
    let mut prefix = vec![0];
    prefix.extend_from_slice(&u32::try_from(message.len()).map_err(too_large)?.to_be_bytes());
    Ok((vec![prefix.into(), message], held))
}
