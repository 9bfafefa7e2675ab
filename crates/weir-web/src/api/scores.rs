//! `/api/v1/scores`: judgements of calls and traces.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use weir_core::error::{Code, Error};
use weir_core::id::TraceId;
use weir_core::score::{Score, ScoreTarget};
use weir_store::scores::Scores;
use weir_store::telemetry::Telemetry;

use super::params::{self, Pairs, Param};
use super::places::Places;
use super::query::Query;
use super::read::{self, refusal};
use super::respond::{ErrorAnswer, Refusal, json};
use super::scores_json::{self, MAX_SCORES, NewScores, ScoreList, ScoreNames};
use super::state::Shared;

/// Largest body.
const MAX_BODY: usize = 4 << 20;
/// Writes at the same time; they wait for one another in the store anyway.
const PLACES: usize = 4;
/// Newest scores that names are looked for among.
const NEWEST: usize = 5_000;

static PARAMS: [Param; 2] = [
    Param { name: "call", about: "Scores of this call: its span id (hex or UUID) or request id", repeats: false },
    Param { name: "trace_id", about: "Scores of this trace, of its spans and calls", repeats: false },
];

/// The parameters, for the OpenAPI document.
pub(super) struct ScoreParams;

impl IntoParams for ScoreParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        params::describe(PARAMS.iter())
    }
}

/// Writes one score or a list of at most 1000; needs a key of role `write`. Stored for good before the answer.
///
/// A score may come before the call that it is about. The same id replaces; a list is stored whole or not at all.
#[utoipa::path(
    post,
    path = "/api/v1/scores",
    operation_id = "putScores",
    tag = "scores",
    request_body = NewScores,
    responses(
        (status = 200, description = "The scores as they are stored", body = ScoreList),
        (status = 400, description = "A member is wrong; the message says which", body = ErrorAnswer),
        (status = 413, description = "The body is larger than 4 MiB", body = ErrorAnswer),
        (status = 503, description = "The store cannot be written now", body = ErrorAnswer),
    )
)]
pub(super) async fn put(State(shared): State<Shared>, request: Request<Body>) -> Result<Response, Refusal> {
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| Error::new(Code::BodyTooLarge, "the body is larger than 4 MiB or broke off: send fewer scores"))?;
    let scores = scores_json::parse(&body, shared.clock.now())?;
    Ok(json(shared.score_writes.put(scores).await?))
}

/// The scores of a call or of a trace, oldest first, at most 1000.
#[utoipa::path(
    get,
    path = "/api/v1/scores",
    operation_id = "listScores",
    tag = "scores",
    params(ScoreParams),
    responses(
        (status = 200, description = "The scores", body = ScoreList),
        (status = 400, description = "A parameter is wrong; the message says which", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn list(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    let scores = shared.scores.clone();
    Ok(json(shared.reads.json(move |store| list_scores(store, scores.as_ref(), &pairs)).await?))
}

/// The names among the newest 5000 scores, with the range of their numbers: what a filter can ask for.
#[utoipa::path(
    get,
    path = "/api/v1/scores/names",
    operation_id = "listScoreNames",
    tag = "scores",
    responses(
        (status = 200, description = "The names", body = ScoreNames),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn names(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let scores = shared.scores.clone();
    Ok(json(shared.reads.json(move |_| Ok(ScoreNames::new(scores.names(NEWEST).map_err(refusal)?))).await?))
}

fn list_scores(store: &dyn Telemetry, scores: &dyn Scores, pairs: &Pairs) -> Result<ScoreList, Error> {
    params::check(pairs, PARAMS.iter(), false)?;
    let mut targets = Vec::new();
    if let Some(trace) = params::one(pairs, "trace_id") {
        let id = TraceId::parse(trace).ok_or_else(|| {
            Error::invalid(
                "trace_id",
                format!("parameter \"trace_id\": \"{trace}\" is no trace id; write 32 hex digits"),
            )
        })?;
        targets.push(ScoreTarget::Trace(id));
    }
    if let Some(call) = params::one(pairs, "call") {
        targets.extend(names_of(store, call)?);
    }
    if targets.is_empty() {
        return Err(Error::invalid("call", "name what the scores are of: call=ID or trace_id=ID"));
    }
    Ok(ScoreList::new(scores.of(&targets, MAX_SCORES + 1).map_err(refusal)?))
}

/// Every name of a call that may have been scored; of one that is not recorded yet, the name that was given.
fn names_of(store: &dyn Telemetry, call: &str) -> Result<Vec<ScoreTarget>, Error> {
    let given = ScoreTarget::call(call);
    let span = read::find_call(store, call)?;
    let others = span.iter().flat_map(ScoreTarget::calls_of).filter(|name| *name != given).collect::<Vec<_>>();
    Ok([vec![given], others].concat())
}

/// Writes scores on blocking threads.
#[derive(Clone)]
pub(super) struct ScoreWrites {
    scores: Arc<dyn Scores>,
    places: Places,
}

impl ScoreWrites {
    pub(super) fn new(scores: Arc<dyn Scores>) -> Self {
        Self { scores, places: Places::new(PLACES, "scores") }
    }

    /// Stores scores and gives them as JSON once they are durable. A write that has begun is finished even where the
    /// client goes away.
    async fn put(&self, list: Vec<Score>) -> Result<Vec<u8>, Error> {
        let scores = Arc::clone(&self.scores);
        let write = move || {
            scores.put(&list).map_err(refusal)?;
            Ok(ScoreList::new(list))
        };
        self.places.json(write).await
    }
}
