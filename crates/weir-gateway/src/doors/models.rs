//! The models that can be asked for.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{HeaderMap, Response};
use serde::Serialize;
use weir_core::error::{Error, Form};

use super::Shared;
use crate::exchange::refusal;
use crate::routing::model_not_found;

#[derive(Serialize)]
struct Model {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: String,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Model>,
}

fn model((id, owned_by): (String, String)) -> Model {
    Model { id, object: "model", created: 0, owned_by }
}

fn refuse(error: &Error) -> Response<Body> {
    refusal(HeaderMap::new(), error, Form::OpenAi, "")
}

pub(super) async fn list(State(gateway): Shared, headers: HeaderMap) -> Response<Body> {
    match gateway.authenticate(&headers) {
        Err(error) => refuse(&error),
        Ok(identity) => {
            let names = gateway.snapshot().model_names();
            let data = names.into_iter().filter(|(id, _)| identity.may_call(id)).map(model).collect();
            Json(List { object: "list", data }).into_response()
        }
    }
}

pub(super) async fn one(State(gateway): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response<Body> {
    let identity = match gateway.authenticate(&headers) {
        Ok(identity) => identity,
        Err(error) => return refuse(&error),
    };
    let snapshot = gateway.snapshot();
    if !identity.may_call(&id) {
        return refuse(&model_not_found(&id, std::iter::empty()));
    }
    let listed = snapshot.model_names().into_iter().find(|(name, _)| *name == id);
    // A name that is served without being listed exists as well.
    let found = listed.or_else(|| {
        let plan = snapshot.plan(&id, &|name| gateway.deployment(name)).ok()?;
        let owner = plan.steps.first()?.targets.first()?.provider.name.clone();
        Some((id.clone(), owner))
    });
    match found {
        Some(found) => Json(model(found)).into_response(),
        None => refuse(&model_not_found(&id, snapshot.providers.keys().map(String::as_str))),
    }
}
