//! `/api/v1/readiness`: whether the service is ready for production.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::Error;
use weir_core::time::{DAY, MINUTE, Micros};
use weir_watch::readiness::Report;

use super::params::{self, Pairs, Param};
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;
use super::when;

static PARAMS: [Param; 1] = [Param {
    name: "window",
    about: "How far back calls and scores are looked at, such as 24h or 30d; `readiness.window` by default",
    repeats: false,
}];

/// The parameters, for the OpenAPI document.
pub(super) struct ReadinessParams;

impl IntoParams for ReadinessParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// Judges; with a window another one than the configuration's. May block.
pub type JudgeReadiness = Arc<dyn Fn(Option<Micros>) -> Result<Report, Error> + Send + Sync>;

/// Whether the service is ready for production: one line per check, with its figure, its target and what to do.
///
/// Always 200: `ready` says it.
#[utoipa::path(
    get,
    path = "/api/v1/readiness",
    operation_id = "getReadiness",
    tag = "meta",
    params(ReadinessParams),
    responses(
        (status = 200, description = "The judgement", body = Report),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::check(&pairs, PARAMS.iter(), false)?;
    let window = window(&pairs)?;
    let judge = shared.readiness.clone();
    Ok(json(shared.reads.json(move |_| judge(window)).await?))
}

/// Reads the parameter.
fn window(pairs: &Pairs) -> Result<Option<Micros>, Error> {
    let parsed = |text: &str| {
        when::duration(text).filter(|us| (MINUTE..=90 * DAY).contains(us)).ok_or_else(|| {
            Error::invalid("window", format!("parameter \"window\": \"{text}\" is no duration from 1m to 90d"))
        })
    };
    params::one(pairs, "window").map(parsed).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_within_its_range() {
        let of = |text: &str| window(&[("window".to_owned(), text.to_owned())]);
        assert_eq!(of("24h").unwrap(), Some(DAY));
        assert_eq!(window(&[]).unwrap(), None);
        for wrong in ["1s", "91d", "week", "-1d"] {
            assert!(of(wrong).is_err_and(|e| e.param.as_deref() == Some("window")), "{wrong}");
        }
    }
}
