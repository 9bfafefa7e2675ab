//! `/api/v1/prompts`: prompts, their versions, labels, differences and previews.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_core::error::{Code, Error};
use weir_core::unread::reason;
use weir_gateway::prompts::Library;

use super::prompts_json::{
    DiffJson, LabelJson, NewVersionJson, PromptJson, PromptList, RenderJson, RenderedJson, VersionJson,
};
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// Largest body; a template is at most 1 MiB.
const MAX_BODY: usize = 4 << 20;

/// Every prompt with its versions and labels.
#[utoipa::path(
    get,
    path = "/api/v1/prompts",
    operation_id = "listPrompts",
    tag = "prompts",
    responses((status = 200, description = "Every prompt", body = PromptList))
)]
pub(super) async fn list(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let set = shared.prompts.set();
    let prompts = set.prompts.iter().map(|(name, prompt)| PromptJson::new(name, prompt)).collect();
    answer(&PromptList { prompts })
}

/// Makes a version of a prompt, and the prompt with its first one.
///
/// A version never changes: the same one with the same content is answered as made, with another content refused.
#[utoipa::path(
    post,
    path = "/api/v1/prompts",
    operation_id = "createPromptVersion",
    tag = "prompts",
    request_body = NewVersionJson,
    responses(
        (status = 200, description = "The version", body = VersionJson),
        (status = 400, description = "The template has a mistake; the message says in which line", body = ErrorAnswer),
        (status = 409, description = "The version exists with another content", body = ErrorAnswer),
    )
)]
pub(super) async fn create(State(shared): State<Shared>, request: Request<Body>) -> Result<Response, Refusal> {
    let new = parsed::<NewVersionJson>(request).await?.into_version()?;
    let made = blocking(&shared, move |library| {
        let version = library.create(new)?;
        let labels = library.set().prompts.get(&version.name).map(|p| p.labels.clone()).unwrap_or_default();
        Ok(VersionJson::new(&version, &labels))
    });
    answer(&made.await?)
}

/// A prompt with its versions and labels.
#[utoipa::path(
    get,
    path = "/api/v1/prompts/{name}",
    operation_id = "getPrompt",
    tag = "prompts",
    params(("name" = String, Path, description = "Name of the prompt")),
    responses(
        (status = 200, description = "The prompt", body = PromptJson),
        (status = 404, description = "There is no such prompt", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let set = shared.prompts.set();
    set.find(&name, None)?;
    answer(&set.prompts.get(&name).map(|prompt| PromptJson::new(&name, prompt)))
}

/// One version.
#[utoipa::path(
    get,
    path = "/api/v1/prompts/{name}/versions/{version}",
    operation_id = "getPromptVersion",
    tag = "prompts",
    params(
        ("name" = String, Path, description = "Name of the prompt"),
        ("version" = String, Path, description = "Version or label"),
    ),
    responses(
        (status = 200, description = "The version", body = VersionJson),
        (status = 404, description = "There is no such version; the message says which there are", body = ErrorAnswer),
    )
)]
pub(super) async fn version(
    State(shared): State<Shared>,
    Path((name, version)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let set = shared.prompts.set();
    let found = set.find(&name, Some(&version))?;
    let labels = set.prompts.get(&name).map(|p| p.labels.clone()).unwrap_or_default();
    answer(&VersionJson::new(found, &labels))
}

/// How two versions differ.
#[utoipa::path(
    get,
    path = "/api/v1/prompts/{name}/diff",
    operation_id = "diffPrompt",
    tag = "prompts",
    params(
        ("name" = String, Path, description = "Name of the prompt"),
        ("from" = String, Query, description = "Version or label"),
        ("to" = Option<String>, Query, description = "Version or label; without it the newest"),
    ),
    responses(
        (status = 200, description = "The difference", body = DiffJson),
        (status = 404, description = "There is no such version", body = ErrorAnswer),
    )
)]
pub(super) async fn diff(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    let of = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    if let Some((unknown, _)) = pairs.iter().find(|(name, _)| !matches!(name.as_str(), "from" | "to")) {
        return Err(Error::invalid(unknown, format!("there is no parameter {unknown:?}: there are from and to")).into());
    }
    let from = of("from").ok_or_else(|| Error::invalid("from", "\"from\" is missing: name a version or label"))?;
    let set = shared.prompts.set();
    let (from, to) = (set.find(&name, Some(from))?, set.find(&name, Some(of("to").unwrap_or("latest")))?);
    answer(&DiffJson::new(from, to))
}

/// Moves a label to a version.
#[utoipa::path(
    put,
    path = "/api/v1/prompts/{name}/labels/{label}",
    operation_id = "setPromptLabel",
    tag = "prompts",
    params(
        ("name" = String, Path, description = "Name of the prompt"),
        ("label" = String, Path, description = "The label, as in `production`"),
    ),
    request_body = LabelJson,
    responses(
        (status = 200, description = "The prompt", body = PromptJson),
        (status = 404, description = "There is no such version", body = ErrorAnswer),
    )
)]
pub(super) async fn set_label(
    State(shared): State<Shared>,
    Path((name, label)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let LabelJson { version } = parsed(request).await?;
    answer(&labelled(&shared, name, label, Some(version)).await?)
}

/// Takes a label away.
#[utoipa::path(
    delete,
    path = "/api/v1/prompts/{name}/labels/{label}",
    operation_id = "deletePromptLabel",
    tag = "prompts",
    params(
        ("name" = String, Path, description = "Name of the prompt"),
        ("label" = String, Path, description = "The label"),
    ),
    responses(
        (status = 200, description = "The prompt", body = PromptJson),
        (status = 404, description = "There is no such label", body = ErrorAnswer),
    )
)]
pub(super) async fn delete_label(
    State(shared): State<Shared>,
    Path((name, label)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    answer(&labelled(&shared, name, label, None).await?)
}

/// Renders a version with variables, without calling a model.
#[utoipa::path(
    post,
    path = "/api/v1/prompts/{name}/render",
    operation_id = "renderPrompt",
    tag = "prompts",
    params(("name" = String, Path, description = "Name of the prompt")),
    request_body = RenderJson,
    responses(
        (status = 200, description = "What the template makes", body = RenderedJson),
        (status = 400, description = "A variable is missing; the message says which, and where", body = ErrorAnswer),
        (status = 404, description = "There is no such version", body = ErrorAnswer),
    )
)]
pub(super) async fn render(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let RenderJson { version, mut variables, user_message } = parsed(request).await?;
    let set = shared.prompts.set();
    let rendered = shared.prompts.beside(move || {
        let found = set.find(&name, version.as_deref())?;
        for (name, value) in [
            ("prompt_name", Some(found.name.clone())),
            ("prompt_version", Some(found.record.version.clone())),
            ("user_message", user_message),
        ] {
            if let Some(value) = value {
                variables.entry(name).or_insert_with(|| value.into());
            }
        }
        let rendered = found.render(&variables).map_err(|error| Error::invalid("variables", error.to_string()))?;
        Ok::<_, Error>(RenderedJson::new(found, rendered))
    });
    answer(&rendered.await??)
}

async fn labelled(
    shared: &Shared,
    name: String,
    label: String,
    version: Option<String>,
) -> Result<Option<PromptJson>, Refusal> {
    blocking(shared, move |library| {
        library.set_label(&name, &label, version.as_deref())?;
        Ok(library.set().prompts.get(&name).map(|prompt| PromptJson::new(&name, prompt)))
    })
    .await
}

/// Runs what waits for the disk, or computes for long, beside the requests.
async fn blocking<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(&Arc<Library>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Refusal> {
    let library = shared.prompts.clone();
    let done = tokio::task::spawn_blocking(move || work(&library)).await;
    Ok(done.unwrap_or_else(|e| Err(Error::new(Code::Internal, format!("the work broke off: {e}"))))?)
}

/// A body of JSON; an empty one is an empty object.
async fn parsed<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Error> {
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| Error::new(Code::BodyTooLarge, "the body is larger than 4 MiB or broke off"))?;
    let body = if body.is_empty() { b"{}" } else { &body[..] };
    serde_json::from_slice(body)
        .map_err(|e| Error::new(Code::InvalidRequest, format!("the body cannot be read: {}", reason(&e))))
}

fn answer<T: Serialize>(value: &T) -> Result<Response, Refusal> {
    let body = serde_json::to_vec(value).map_err(|e| Error::new(Code::Internal, e.to_string()))?;
    Ok(json(body))
}
