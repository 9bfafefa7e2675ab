//! `registered-models/` and `model-versions/`: names, their versions, stages, aliases and tags.

mod aliases;
mod forms;
mod models;
mod names;
mod prompts;
mod roots;
mod search;
mod source;
mod tags;
#[cfg(test)]
mod tests;
mod uri;
mod versions;

use http::Method;
use weir_core::access::Role;
use weir_store::catalog::RegistryError;

use super::errors::Refused;
use super::front::Front;
use super::routes::{Endpoint, Handler};

const fn get(path: &'static str, handle: Handler) -> Endpoint {
    Endpoint { method: Method::GET, path, role: Role::Read, handle }
}

const fn write(method: Method, path: &'static str, handle: Handler) -> Endpoint {
    Endpoint { method, path, role: Role::Write, handle }
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    write(Method::POST, "/2.0/mlflow/registered-models/create", models::create),
    get("/2.0/mlflow/registered-models/get", models::get),
    write(Method::PATCH, "/2.0/mlflow/registered-models/update", models::update),
    write(Method::POST, "/2.0/mlflow/registered-models/rename", models::rename),
    write(Method::DELETE, "/2.0/mlflow/registered-models/delete", models::delete),
    get("/2.0/mlflow/registered-models/search", search::models),
    get("/2.0/mlflow/registered-models/get-latest-versions", models::latest),
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow/registered-models/get-latest-versions",
        role: Role::Read,
        handle: models::latest,
    },
    write(Method::POST, "/2.0/mlflow/registered-models/set-tag", tags::set_on_model),
    write(Method::DELETE, "/2.0/mlflow/registered-models/delete-tag", tags::delete_from_model),
    write(Method::POST, "/2.0/mlflow/registered-models/alias", aliases::set),
    write(Method::DELETE, "/2.0/mlflow/registered-models/alias", aliases::delete),
    get("/2.0/mlflow/registered-models/alias", aliases::get),
    write(Method::POST, "/2.0/mlflow/model-versions/create", versions::create),
    get("/2.0/mlflow/model-versions/get", versions::get),
    write(Method::PATCH, "/2.0/mlflow/model-versions/update", versions::update),
    write(Method::DELETE, "/2.0/mlflow/model-versions/delete", versions::delete),
    get("/2.0/mlflow/model-versions/search", search::versions),
    get("/2.0/mlflow/model-versions/get-download-uri", versions::download_uri),
    write(Method::POST, "/2.0/mlflow/model-versions/transition-stage", versions::transition),
    write(Method::POST, "/2.0/mlflow/model-versions/set-tag", tags::set_on_version),
    write(Method::DELETE, "/2.0/mlflow/model-versions/delete-tag", tags::delete_from_version),
];

/// Now, in milliseconds.
fn now_ms(front: &Front) -> i64 {
    front.now_ms()
}

/// The refusal of what the registry did not do with a model of that name.
fn of_model(name: &str) -> impl Fn(RegistryError) -> Refused + '_ {
    move |error| match error {
        RegistryError::NoModel => Refused::missing(format!("Registered Model with name={name} not found")),
        RegistryError::Taken => Refused::exists(format!("Registered Model (name={name}) already exists.")),
        RegistryError::Store(error) => error.into(),
        other @ (RegistryError::NoVersion | RegistryError::NoAlias) => Refused::missing(other.to_string()),
    }
}

/// The refusal of what the registry did not do with a version.
fn of_version(name: &str, version: i64) -> impl Fn(RegistryError) -> Refused + '_ {
    move |error| match error {
        RegistryError::NoVersion => {
            Refused::missing(format!("Model Version (name={name}, version={version}) not found"))
        }
        other => of_model(name)(other),
    }
}
