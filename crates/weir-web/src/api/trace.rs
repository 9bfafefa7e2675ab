//! `/api/v1/traces` and the paths of requests.

use axum::extract::{Path, State};
use axum::response::Response;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::params;
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;
use super::trace_json::{PathAnswer, TraceSpans};
use super::trace_read::{self, TRACE_PARAMS};

/// The parameters, for the OpenAPI document.
pub(super) struct TraceParams;

impl IntoParams for TraceParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(TRACE_PARAMS.iter())
    }
}

/// The spans of a trace, of every kind, in the order of their starts.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}",
    operation_id = "getTrace",
    tag = "traces",
    params(("trace_id" = String, Path, description = "Trace, as 32 or 16 hex digits or a UUID"), TraceParams),
    responses(
        (status = 200, description = "A page of its spans", body = TraceSpans),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 404, description = "There is no such trace", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(
    State(shared): State<Shared>,
    Path(trace): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    Ok(json(shared.reads.json(move |store| trace_read::get_trace(store, &trace, &pairs, now)).await?))
}

/// What a trace went through: its steps in order, with the time between them.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{trace_id}/path",
    operation_id = "getTracePath",
    tag = "traces",
    params(("trace_id" = String, Path, description = "Trace, as 32 or 16 hex digits or a UUID")),
    responses(
        (status = 200, description = "Its steps", body = PathAnswer),
        (status = 400, description = "The id is none, or a parameter was given", body = ErrorAnswer),
        (status = 404, description = "There is no such trace", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn path(
    State(shared): State<Shared>,
    Path(trace): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    Ok(json(shared.reads.json(move |store| trace_read::get_trace_path(store, &trace)).await?))
}

/// What a request went through: its decisions, tools and calls in order, with the time between them.
///
/// The steps are those that carry the request's id, and all others of the traces that these lie in: what a library logged
/// under the id and the call that the gateway recorded with it are found together.
#[utoipa::path(
    get,
    path = "/api/v1/requests/{request_id}/path",
    operation_id = "getRequestPath",
    tag = "traces",
    params(("request_id" = String, Path, description = "The `x-request-id` of its calls, or the id that its steps were logged under")),
    responses(
        (status = 200, description = "Its steps", body = PathAnswer),
        (status = 400, description = "A parameter was given", body = ErrorAnswer),
        (status = 404, description = "There is no such request", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn of_request(
    State(shared): State<Shared>,
    Path(request): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    Ok(json(shared.reads.json(move |store| trace_read::get_request_path(store, &request)).await?))
}
