//! `/api/v1/calls`: the list and the single call.

use axum::extract::{Path, State};
use axum::response::Response;

use super::call_json::{Call, CallList};
use super::calls_query::ListParams;
use super::query::Query;
use super::read;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// Lists recorded calls, newest first unless `order` says otherwise.
///
/// A parameter that stands several times gives alternatives; different parameters must all hold. `attr.<name>=<value>`
/// selects by a free member, `score.<name>=<bound>` by the scores of a name (`<0.5`, `>=3`, `1`, or `any` for what was
/// scored; all bounds hold). `not.` before any of them, or before a parameter that may stand several times, leaves out
/// what it would select: `not.model=gpt-4o`. Parameters that do not exist are refused.
#[utoipa::path(
    get,
    path = "/api/v1/calls",
    operation_id = "listCalls",
    tag = "calls",
    params(ListParams),
    responses(
        (status = 200, description = "A page of calls", body = CallList),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn list(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    Ok(json(shared.reads.json(move |store| read::list_calls(store, &pairs, now)).await?))
}

/// One call with its `input` and `output`, by its id or by its request id.
#[utoipa::path(
    get,
    path = "/api/v1/calls/{id}",
    operation_id = "getCall",
    tag = "calls",
    params(("id" = String, Path, description = "Span id (hex or UUID) or request id")),
    responses(
        (status = 200, description = "The call", body = Call),
        (status = 404, description = "There is no such call", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    Ok(json(shared.reads.json(move |store| read::get_call(store, &id)).await?))
}
