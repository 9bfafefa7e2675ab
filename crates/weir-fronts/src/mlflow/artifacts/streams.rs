//! The routes that stream: bodies of any size go through in pieces.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use futures_util::StreamExt;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Request, Response, Uri};
use weir_core::access::Role;
use weir_store::artifacts::ArtifactPath;

use super::{download, list, rooted};
use crate::mlflow::calls;
use crate::mlflow::errors::{ErrorCode, Refused};
use crate::mlflow::front::Front;
use crate::mlflow::wire::Reply;

/// Behind the mounts; what follows is the name of a file.
const FILES: &str = "/2.0/mlflow-artifacts/artifacts/";
/// So much of a body is read before it is refused: a client that is still sending does not hear.
const DRAIN: u64 = 16 << 20;
const DRAIN_FOR: Duration = Duration::from_secs(5);

/// The routes, by the role that a key needs.
pub(in crate::mlflow) fn streams(mounts: &[&str]) -> Vec<(Role, Router<Arc<Front>>)> {
    let (mut read, mut write) = (Router::new(), Router::new());
    for mount in mounts {
        let files = format!("{mount}{FILES}{{*path}}");
        read = read.route(&files, get(download));
        write = write.route(&files, axum::routing::put(upload).delete(delete));
    }
    vec![(Role::Read, rooted::reads(read, mounts)), (Role::Write, rooted::writes(write, mounts))]
}

/// An answer, however it went.
pub(super) fn http(done: Result<Response<Body>, Refused>) -> Response<Body> {
    done.unwrap_or_else(|refused| refused.to_http())
}

/// What stands behind the route in the request's address, escaped as it came.
fn named(uri: &Uri) -> &str {
    uri.path().split_once(FILES).map_or("", |(_, name)| name)
}

async fn upload(State(front): State<Arc<Front>>, request: Request<Body>) -> Response<Body> {
    let path = ArtifactPath::from_url(named(request.uri()));
    let length = length(request.headers());
    let mut body = request.into_body().into_data_stream();
    let done = async {
        front.parts.artifacts.put(&path?, length, &mut body).await?;
        Ok::<_, Refused>(Reply::empty().into_http())
    };
    let done = done.await;
    if done.is_err() {
        let mut left = DRAIN;
        let drained = async {
            while let Some(Ok(piece)) = body.next().await {
                left = left.saturating_sub(piece.len() as u64);
                if left == 0 {
                    break;
                }
            }
        };
        // What it could not send in that time, it does not send.
        let _ = tokio::time::timeout(DRAIN_FOR, drained).await;
    }
    http(done)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn download(State(front): State<Arc<Front>>, request: Request<Body>) -> Response<Body> {
    // A body is not shared between threads, and there is none.
    let (request, _) = request.into_parts();
    let done = async {
        let path = ArtifactPath::folder_from_url(named(&request.uri))?;
        send(&front, &path, &request.headers).await
    };
    http(done.await)
}

/// Gives a file out.
pub(super) async fn send(
    front: &Arc<Front>,
    path: &ArtifactPath,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refused> {
    if let Some(opened) = front.parts.artifacts.open_file(path).await? {
        return Ok(download::answer(opened, headers, path.name()).await?);
    }
    let (asked, name) = (front.clone(), path.clone());
    // A call's files are made when they are asked for.
    let made = front.workers.run(move || match calls::text_at(&asked, name.as_str())? {
        Some(text) => Ok::<_, Refused>((Some(text), false)),
        None => Ok((None, !list::entries(&asked, Some(&name), 1)?.is_empty())),
    });
    let stopped = || Refused::new(ErrorCode::TemporarilyUnavailable, "the server is stopping");
    let (text, is_folder) = made.await.ok_or_else(stopped)??;
    if let Some(text) = text {
        return Ok(download::text(text, path.name()));
    }
    if is_folder {
        return Err(Refused::invalid(format!("Artifact path refers to a directory, not a file: '{path}'")));
    }
    Err(Refused::missing(format!("No such artifact: '{path}'")))
}

async fn delete(State(front): State<Arc<Front>>, request: Request<Body>) -> Response<Body> {
    let path = ArtifactPath::folder_from_url(named(request.uri()));
    drop(request);
    let done = async {
        let path = path?;
        front.parts.artifacts.delete(&path).await?;
        Ok(Reply::empty().into_http())
    };
    http(done.await)
}
