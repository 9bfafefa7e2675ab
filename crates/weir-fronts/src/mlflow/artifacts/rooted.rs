//! The older paths, which name a run or a version, and a file under its root.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use futures_util::stream;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use weir_store::artifacts::ArtifactPath;

use super::roots::{self, Root};
use super::streams::{http, send};
use crate::mlflow::errors::{ErrorCode, Refused};
use crate::mlflow::front::Front;
use crate::mlflow::wire::Reply;

/// Largest file that MLflow's page uploads.
const MAX_UPLOAD: usize = 10 << 20;

/// Adds what reads.
pub(super) fn reads(routes: Router<Arc<Front>>, mounts: &[&str]) -> Router<Arc<Front>> {
    let of_model = |routes: Router<Arc<Front>>, mount: &&str| {
        routes.route(&format!("{mount}/2.0/mlflow/logged-models/{{model_id}}/artifacts/files"), get(of_model))
    };
    mounts
        .iter()
        .fold(routes, of_model)
        .route("/get-artifact", get(of_run))
        .route("/model-versions/get-artifact", get(of_version))
}

/// Adds what writes.
pub(super) fn writes(routes: Router<Arc<Front>>, mounts: &[&str]) -> Router<Arc<Front>> {
    mounts
        .iter()
        .fold(routes, |routes, mount| routes.route(&format!("{mount}/2.0/mlflow/upload-artifact"), post(upload)))
}

/// The first value of an argument that is not empty.
fn argument(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
}

fn needed(uri: &Uri, name: &str) -> Result<String, Refused> {
    let text = argument(uri, name).ok_or_else(|| Refused::invalid(format!("Request must specify {name}.")))?;
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Refused::invalid(format!("Invalid {name}: it is not UTF-8")));
    }
    Ok(text)
}

fn run_id(uri: &Uri) -> Result<String, Refused> {
    argument(uri, "run_id").map_or_else(|| needed(uri, "run_uuid"), Ok)
}

/// Looks a root up on a thread that may block.
async fn root(
    front: &Arc<Front>,
    find: impl FnOnce(&Front) -> Result<Root, Refused> + Send + 'static,
) -> Result<Root, Refused> {
    let stopped = || Refused::new(ErrorCode::TemporarilyUnavailable, "the server is stopping");
    let asked = front.clone();
    front.workers.run(move || find(&asked)).await.unwrap_or_else(|| Err(stopped()))
}

async fn of_run(State(front): State<Arc<Front>>, request: Request<Body>) -> Response<Body> {
    let (request, _) = request.into_parts();
    let done = async {
        let path = ArtifactPath::folder(&needed(&request.uri, "path")?)?;
        let id = run_id(&request.uri)?;
        let root = root(&front, move |front| roots::of_run(front, &id)).await?;
        send(&front, &root.file(&path)?, &request.headers).await
    };
    http(done.await)
}

async fn of_model(State(front): State<Arc<Front>>, Path(id): Path<String>, request: Request<Body>) -> Response<Body> {
    let (request, _) = request.into_parts();
    let done = async {
        let path = argument(&request.uri, "artifact_file_path").ok_or_else(|| {
            let message = "Request must include the \"artifact_file_path\" query parameter.";
            Refused::new(ErrorCode::BadRequest, message)
        })?;
        let path = ArtifactPath::folder(&path)?;
        let root = root(&front, move |front| roots::of_model(front, &id)).await?;
        send(&front, &root.file(&path)?, &request.headers).await
    };
    http(done.await)
}

async fn of_version(State(front): State<Arc<Front>>, request: Request<Body>) -> Response<Body> {
    let (request, _) = request.into_parts();
    let done = async {
        let path = ArtifactPath::folder(&needed(&request.uri, "path")?)?;
        let (name, version) = (needed(&request.uri, "name")?, needed(&request.uri, "version")?);
        let root = root(&front, move |front| roots::of_version(front, &name, &version)).await?;
        send(&front, &root.file(&path)?, &request.headers).await
    };
    http(done.await)
}

async fn upload(State(front): State<Arc<Front>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let done = async {
        let id = argument(&head.uri, "run_uuid").or_else(|| argument(&head.uri, "run_id"));
        let id = id.ok_or_else(|| Refused::invalid("Request must specify run_uuid."))?;
        let path = ArtifactPath::parse(&needed(&head.uri, "path")?)?;
        let body = Limited::new(body, MAX_UPLOAD).collect().await;
        let body = body.map_err(|_| Refused::invalid("Artifact size is too large. Max size is 10MB."))?.to_bytes();
        if body.is_empty() {
            return Err(Refused::invalid("Request must specify data."));
        }
        let root = root(&front, move |front| roots::of_run(front, &id)).await?;
        let length = body.len() as u64;
        let body = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        front.parts.artifacts.put(&root.file(&path)?, Some(length), body).await?;
        Ok(Reply::empty().into_http())
    };
    http(done.await)
}
