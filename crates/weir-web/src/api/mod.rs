//! Weir's own API under `/api/v1`, described by OpenAPI from its code.
//!
//! Invariants: an endpoint's meaning is a pure function from parameters and a store to JSON, which the command line
//! calls offline; a handler only runs it on a bounded number of blocking threads. Unknown parameters are refused.

mod call_json;
mod calls;
pub mod calls_query;
#[cfg(test)]
mod fake;
mod live;
mod number;
mod openapi;
mod params;
mod query;
mod raw;
pub mod read;
mod respond;
mod state;
mod stats;
mod stats_json;
pub mod stats_query;
mod status;
pub mod when;

pub use call_json::{Call, CallList, Prompt, Tokens};
pub use number::Usd;
pub use params::Pairs;
pub use state::ApiState;
pub use stats_json::{BucketJson, FiguresJson, GroupJson, LatencyJson, StatsAnswer};
pub use status::{ExporterJson, JournalJson, StatusAnswer};

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of the API.
pub fn router(state: ApiState) -> axum::Router {
    let (router, _) = table().split_for_parts();
    router.with_state(state.into())
}

/// The API's OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    table().into_openapi()
}

fn table() -> OpenApiRouter<state::Shared> {
    OpenApiRouter::with_openapi(openapi::Frame::openapi())
        .routes(routes!(calls::list))
        .routes(routes!(live::tail))
        .routes(routes!(calls::get))
        .routes(routes!(stats::get))
        .routes(routes!(status::get))
        .routes(routes!(openapi::document))
}

#[cfg(test)]
mod tests;
