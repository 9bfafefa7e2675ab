//! `/api/v1/anomalies`: what changed, since when, why; and what people say of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::Request;
use serde::Serialize;
use weir_core::anomaly::{Anomaly, Feedback};
use weir_core::error::{Code, Error};
use weir_core::time::Micros;
use weir_store::catalog::Anomalies;
use weir_watch::anomalies::live::{FeedbackError, Watch};

use super::anomalies_json::{AnomalyJson, AnomalyList, FeedbackJson, WatchJson, parse_feedback};
use super::anomalies_query::{self, EvaluateParams, ListParams, ListQuery};
use super::places::Places;
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// Largest body.
const MAX_BODY: usize = 64 << 10;
/// Requests that may wait at the same time for the watch or the catalog.
const PLACES: usize = 16;

/// Anomalies, the latest detected first.
///
/// Calls of the past that were stored a moment ago are judged before the answer, as long as `wait` allows.
#[utoipa::path(
    get,
    path = "/api/v1/anomalies",
    operation_id = "listAnomalies",
    tag = "anomalies",
    params(ListParams),
    responses(
        (status = 200, description = "The anomalies", body = AnomalyList),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn list(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let asked = anomalies_query::list(&pairs, shared.clock.now())?;
    Ok(json(shared.anomalies.blocking(move |access| access.list(&asked)).await?))
}

/// One anomaly.
#[utoipa::path(
    get,
    path = "/api/v1/anomalies/{id}",
    operation_id = "getAnomaly",
    tag = "anomalies",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The anomaly", body = AnomalyJson),
        (status = 404, description = "There is no such anomaly", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    Ok(json(shared.anomalies.blocking(move |access| access.one(&id)).await?))
}

/// Says that an anomaly was expected, or is the new normal; needs a key of role `write`. The watch learns from it at
/// once.
#[utoipa::path(
    post,
    path = "/api/v1/anomalies/{id}/feedback",
    operation_id = "putAnomalyFeedback",
    tag = "anomalies",
    params(("id" = String, Path, description = "The anomaly's id")),
    request_body = FeedbackJson,
    responses(
        (status = 200, description = "The anomaly with its feedback", body = AnomalyJson),
        (status = 400, description = "The body is wrong; the message says what", body = ErrorAnswer),
        (status = 404, description = "There is no such anomaly", body = ErrorAnswer),
        (status = 503, description = "The watch or the store is busy", body = ErrorAnswer),
    )
)]
pub(super) async fn feedback(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| Error::new(Code::BodyTooLarge, "the body is larger than 64 KiB or broke off"))?;
    let said = parse_feedback(&body)?;
    Ok(json(shared.anomalies.blocking(move |access| access.say(&id, said)).await?))
}

/// Judges projects anew from the beginning of what is stored; needs a key of role `write`.
///
/// Calls of the past are judged without this, soon after they are stored.
#[utoipa::path(
    post,
    path = "/api/v1/anomalies/evaluate",
    operation_id = "evaluateAnomalies",
    tag = "anomalies",
    params(EvaluateParams),
    responses(
        (status = 200, description = "How far the watch is; `complete` when it is done", body = WatchJson),
        (status = 400, description = "A parameter is wrong, or the watch is off", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn evaluate(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let (projects, wait) = anomalies_query::evaluate(&pairs)?;
    Ok(json(shared.anomalies.blocking(move |access| access.evaluate(&projects, wait)).await?))
}

/// The catalog's anomalies and what finds them.
#[derive(Clone)]
pub(super) struct AnomalyAccess {
    catalog: Arc<dyn Anomalies>,
    pub(super) watch: Option<Arc<Watch>>,
    places: Places,
}

impl AnomalyAccess {
    pub(super) fn new(catalog: Arc<dyn Anomalies>, watch: Option<Arc<Watch>>) -> Self {
        Self { catalog, watch, places: Places::new(PLACES, "watch") }
    }

    /// Runs on a blocking thread and gives the answer as JSON.
    pub(super) async fn blocking<T: Serialize>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let access = self.clone();
        self.places.json(move || work(&access)).await
    }

    fn list(&self, asked: &ListQuery) -> Result<AnomalyList, Error> {
        if let Some(watch) = self.watch.as_ref().filter(|watch| watch.is_behind() && asked.wait > 0) {
            watch.catch_up(duration(asked.wait));
        }
        let anomalies = self.catalog.anomalies(&asked.query).map_err(refusal)?;
        let open = self.catalog.anomalies(&anomalies_query::open(&asked.query)).map_err(refusal)?;
        Ok(AnomalyList {
            next: anomalies_query::next(&anomalies, asked.query.limit),
            open: !open.is_empty(),
            anomalies,
            watch: WatchJson::new(self.watch.as_ref().map(|w| w.status())),
        })
    }

    fn one(&self, id: &str) -> Result<Anomaly, Error> {
        self.catalog.anomaly(id).map_err(refusal)?.ok_or_else(|| unknown(id))
    }

    fn say(&self, id: &str, said: Feedback) -> Result<Anomaly, Error> {
        let Some(watch) = &self.watch else {
            // The next watch learns from it when it judges the project anew.
            return self.catalog.put_feedback(id, Some(said), None).map_err(refusal)?.ok_or_else(|| unknown(id));
        };
        watch.feedback(id, said).map_err(|error| match error {
            FeedbackError::Unknown => unknown(id),
            FeedbackError::Busy => Error::new(Code::Overloaded, error.to_string()).retry_after_ms(10_000),
            FeedbackError::Store(error) => refusal(error),
        })
    }

    fn evaluate(&self, projects: &[String], wait: Micros) -> Result<WatchJson, Error> {
        let Some(watch) = &self.watch else {
            return Err(Error::new(Code::InvalidRequest, "the watch is off: set watch.enabled = true and start again"));
        };
        let done = watch.judge_anew(projects, duration(wait)).map_err(refusal)?;
        let status = WatchJson::new(Some(watch.status()));
        Ok(WatchJson { complete: done && status.complete, ..status })
    }
}

fn duration(us: Micros) -> Duration {
    Duration::from_micros(us.unsigned_abs())
}

pub(super) fn unknown(id: &str) -> Error {
    Error::new(Code::NotFound, format!("there is no anomaly \"{id}\": list them at /api/v1/anomalies"))
}
