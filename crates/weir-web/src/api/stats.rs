//! `/api/v1/stats`: grouped figures.

use axum::extract::State;
use axum::response::Response;

use super::query::Query;
use super::read;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;
use super::stats_json::StatsAnswer;
use super::stats_query::StatsParams;

/// Counts, tokens, cost and latency of calls, in total, per group and per bucket of time.
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    operation_id = "getStats",
    tag = "stats",
    params(StatsParams),
    responses(
        (status = 200, description = "The figures", body = StatsAnswer),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    Ok(json(shared.reads.json(move |store| read::get_stats(store, &pairs, now)).await?))
}
