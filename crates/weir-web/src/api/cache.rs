//! `/api/v1/cache`: takes answers out of the cache.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use weir_core::error::{Code, Error};

use super::params::{self, Pairs, Param};
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

static PARAMS: [Param; 1] =
    [Param { name: "namespace", about: "Only answers to requests that named this namespace", repeats: false }];

/// The parameters, for the OpenAPI document.
pub(super) struct FlushParams;

impl IntoParams for FlushParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// What was taken out of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct FlushAnswer {
    /// Answers that were in memory.
    deleted: u64,
}

/// Deletes every cached answer, or those of a namespace, whoever's they are, in memory and on disk; needs a key of role
/// `admin`.
///
/// Calls that are under way are not touched: what they bring is stored.
#[utoipa::path(
    delete,
    path = "/api/v1/cache",
    operation_id = "flushCache",
    tag = "cache",
    params(FlushParams),
    responses(
        (status = 200, description = "They are gone", body = FlushAnswer),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 409, description = "Nothing is cached: the cache is off", body = ErrorAnswer),
        (status = 503, description = "They are gone from memory, but the file cannot be written now", body = ErrorAnswer),
    )
)]
pub(super) async fn flush(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let namespace = namespace(&pairs)?;
    let flush = shared.flush_cache.clone();
    let done = tokio::task::spawn_blocking(move || flush(namespace.as_deref())).await;
    let deleted = done.unwrap_or_else(|e| Err(Error::new(Code::Internal, format!("the work broke off: {e}"))))?;
    let body = serde_json::to_vec(&FlushAnswer { deleted });
    Ok(json(body.map_err(|e| Error::new(Code::Internal, e.to_string()))?))
}

fn namespace(pairs: &Pairs) -> Result<Option<String>, Error> {
    params::check(pairs, PARAMS.iter(), false)?;
    Ok(params::one(pairs, "namespace").map(str::to_owned))
}
