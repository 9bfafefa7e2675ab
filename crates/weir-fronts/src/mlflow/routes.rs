//! The table of paths, and what they have in common: a bounded body, arguments read one way, a handler on a blocking
//! thread, refusals in MLflow's form.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawPathParams, State};
use axum::routing::{MethodRouter, on};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use weir_core::access::{Identity, Role};

use super::errors::{ErrorCode, Refused};
use super::front::{Front, WEIGHT};
use super::wire::{Args, Reply};
use super::{assessments, datasets, registry, scorers, server_info};
use crate::room::{Held, Room};

/// Largest body of JSON.
pub(super) const MAX_BODY: usize = 64 << 20;
/// Where everything is mounted: clients use the first, MLflow's own page the second.
const MOUNTS: [&str; 2] = ["/api", "/ajax-api"];

/// Answers a request: reads and writes the store, blocks.
pub(super) type Handler = fn(&Front, &Args) -> Result<Reply, Refused>;

/// One endpoint.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// Behind the mount: `/2.0/mlflow/runs/create`, parts in braces.
    pub(super) path: &'static str,
    /// What a key must be allowed to do.
    pub(super) role: Role,
    pub(super) handle: Handler,
}

/// The endpoints of every area.
const AREAS: &[&[Endpoint]] = &[
    super::artifacts::ENDPOINTS,
    super::artifacts::PARTS,
    assessments::ENDPOINTS,
    datasets::ENDPOINTS,
    super::experiments::ENDPOINTS,
    super::metrics::ENDPOINTS,
    super::logged_models::ENDPOINTS,
    registry::ENDPOINTS,
    super::runs::ENDPOINTS,
    scorers::ENDPOINTS,
    server_info::ENDPOINTS,
    super::traces::ENDPOINTS,
];

/// The endpoint of a method and a path, as a test calls it.
#[cfg(test)]
pub(super) fn endpoint(method: &Method, path: &str) -> Option<&'static Endpoint> {
    AREAS.iter().copied().flatten().find(|e| e.method == *method && e.path == path)
}

/// The routes, by the role that a key needs for them. Whoever mounts them puts the caller's `Arc<Identity>` into the
/// request's extensions.
pub fn routes(front: &Arc<Front>) -> Vec<(Role, Router)> {
    let mut read = Router::new();
    let mut write = Router::new();
    for endpoint in AREAS.iter().copied().flatten() {
        for mount in MOUNTS {
            let router = if endpoint.role == Role::Read { &mut read } else { &mut write };
            *router = std::mem::take(router).route(&format!("{mount}{}", endpoint.path), method(endpoint));
        }
    }
    for (role, streams) in super::artifacts::streams(&MOUNTS) {
        let router = if role == Role::Read { &mut read } else { &mut write };
        *router = std::mem::take(router).merge(streams);
    }
    vec![(Role::Read, read.with_state(front.clone())), (Role::Write, write.with_state(front.clone()))]
}

fn method(endpoint: &'static Endpoint) -> MethodRouter<Arc<Front>> {
    let filter = endpoint.method.clone().try_into().unwrap_or(axum::routing::MethodFilter::GET);
    on(filter, move |State(front): State<Arc<Front>>, path: RawPathParams, request: Request<Body>| async move {
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        match answer(front, endpoint.handle, path, request).await {
            Ok(reply) => reply.into_http(),
            Err(refused) => refused.to_http(),
        }
    })
}

async fn answer(
    front: Arc<Front>,
    handle: Handler,
    path: Vec<(String, String)>,
    request: Request<Body>,
) -> Result<Reply, Refused> {
    let (parts, body) = request.into_parts();
    let identity = parts.extensions.get::<Arc<Identity>>().cloned();
    let identity = identity.ok_or_else(|| Refused::new(ErrorCode::Unauthenticated, "the caller is not known"))?;
    let body = if parts.method == Method::GET { None } else { Some(read(&parts.headers, body, &front.room).await?) };
    let work = {
        let front = front.clone();
        move || {
            let args = match body {
                Some((body, _held)) => Args::of_body(&body, path, identity)?,
                None => Args::of_query(parts.uri.query().unwrap_or_default(), path, identity),
            };
            handle(&front, &args)
        }
    };
    front.workers.run(work).await.unwrap_or_else(|| {
        Err(Refused::new(ErrorCode::InternalError, "the request met a defect of Weir's; its log says more"))
    })
}

/// Reads a body; the room that is held is for what it is parsed to, too.
async fn collect(mut body: Body, room: &Room) -> Result<(Bytes, Held), Refused> {
    let (mut held, mut pieces, mut length) = (Held::default(), Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Refused::new(ErrorCode::BadRequest, "the body broke off"));
        };
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > MAX_BODY {
            return Err(Refused::new(ErrorCode::BadRequest, format!("the body is larger than {MAX_BODY} bytes")));
        }
        room.hold(&mut held, length * WEIGHT).map_err(|_| {
            Refused::new(ErrorCode::TemporarilyUnavailable, "too many large requests at once: send this one again")
        })?;
        pieces.push(data);
    }
    let body = match pieces.as_slice() {
        [one] => one.clone(),
        many => Bytes::from(many.concat()),
    };
    Ok((body, held))
}

async fn read(headers: &HeaderMap, body: Body, room: &Room) -> Result<(Bytes, Held), Refused> {
    let (body, held) = collect(body, room).await?;
    let json = |value: &http::HeaderValue| value.as_bytes().to_ascii_lowercase().starts_with(b"application/json");
    if body.is_empty() || headers.get(CONTENT_TYPE).is_some_and(json) {
        return Ok((body, held));
    }
    let message = "Bad Request. Content-Type must be one of ['application/json'].";
    Err(Refused::invalid(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_share_one_room_and_give_it_back() {
        let room = Room::new(100 * crate::room::PIECE);
        let body = |pieces: usize| Body::from(vec![b' '; pieces * crate::room::PIECE]);
        let (bytes, held) = collect(body(20), &room).await.unwrap();
        assert_eq!((bytes.len(), room.free()), (20 * crate::room::PIECE, 100 - 20 * WEIGHT));
        let refused = collect(body(6), &room).await.unwrap_err();
        assert_eq!(refused.to_http().status(), 503);
        drop((held, refused));
        assert_eq!(room.free(), 100);
        assert_eq!(collect(body(25), &room).await.unwrap().0.len(), 25 * crate::room::PIECE);
    }
}
