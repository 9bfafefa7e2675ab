//! `/api/v1/gc`: what is deleted goes for good.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use weir_core::error::{Code, Error};
use weir_core::time::Micros;

use super::params::{self, Pairs, Param};
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;
use super::when;

static PARAMS: [Param; 2] = [
    Param { name: "older_than", about: "Only what was deleted longer ago than this, such as 30d", repeats: false },
    Param { name: "dry_run", about: "true: only say how much would go", repeats: false },
];

/// The parameters, for the OpenAPI document.
pub(super) struct GcParams;

impl IntoParams for GcParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// Lets what was deleted before a time go for good; with the flag it only counts. May block.
pub type CollectGarbage = Arc<dyn Fn(Micros, bool) -> Result<GcAnswer, Error> + Send + Sync>;

/// What went for good, or would go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcAnswer {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Projects (MLflow's experiments).
    pub projects: u64,
    /// Runs.
    pub runs: u64,
    /// Logged models.
    pub logged_models: u64,
    /// Files that all these had. Not known in a dry run.
    pub files: Option<u64>,
    /// Contents of files that were deleted from the store of artifacts: those that no file has any more.
    pub contents: u64,
    /// How many bytes these had.
    pub bytes: u64,
}

/// Lets deleted projects, runs and logged models go for good, with all that belongs to them and every byte of artifacts
/// that no file has any more; needs a key of role `admin`.
#[utoipa::path(
    post,
    path = "/api/v1/gc",
    operation_id = "collectGarbage",
    tag = "gc",
    params(GcParams),
    responses(
        (status = 200, description = "It is gone", body = GcAnswer),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot be written now; what went is gone", body = ErrorAnswer),
    )
)]
pub(super) async fn run(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let (age, dry_run) = parse(&pairs)?;
    let collect = shared.gc.clone();
    let before = shared.clock.now().saturating_sub(age);
    let done = tokio::task::spawn_blocking(move || collect(before, dry_run)).await;
    let answer = done.unwrap_or_else(|e| Err(Error::new(Code::Internal, format!("the work broke off: {e}"))))?;
    let body = serde_json::to_vec(&answer);
    Ok(json(body.map_err(|e| Error::new(Code::Internal, e.to_string()))?))
}

fn parse(pairs: &Pairs) -> Result<(Micros, bool), Error> {
    params::check(pairs, PARAMS.iter(), false)?;
    let age = match params::one(pairs, "older_than") {
        None => 0,
        Some(text) => when::duration(text).filter(|us| *us >= 0).ok_or_else(|| {
            Error::invalid("older_than", format!("parameter \"older_than\": {text:?} is no age; write one such as 30d"))
        })?,
    };
    let dry_run = match params::one(pairs, "dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            return Err(Error::invalid("dry_run", format!("parameter \"dry_run\": {other:?} must be true or false")));
        }
    };
    Ok((age, dry_run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_and_a_flag_are_read() {
        let of = |pairs: &[(&str, &str)]| {
            parse(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]).unwrap(), (0, false));
        assert_eq!(of(&[("older_than", "1d"), ("dry_run", "true")]).unwrap(), (86_400_000_000, true));
        for wrong in [("older_than", "soon"), ("dry_run", "yes"), ("older", "1d")] {
            assert!(of(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}
