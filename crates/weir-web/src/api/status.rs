//! `/api/v1/status`: how the server and its parts are doing.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::params;
use super::query::Query;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// How the server is doing. What is not known, as offline, is null.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct StatusAnswer {
    /// Version of the program that answers.
    pub version: String,
    /// When the server was started, RFC 3339.
    #[schema(format = DateTime)]
    pub started: Option<String>,
    /// Seconds since then.
    pub uptime_seconds: Option<f64>,
    /// Whether requests are accepted.
    pub ready: Option<bool>,
    /// What does not work, a sentence each.
    pub problems: Vec<String>,
    /// Calls on their way to the store.
    pub journal: Option<JournalJson>,
    /// The answer cache; null where nothing is cached.
    pub cache: Option<CacheJson>,
    /// Budgets, the scarcest first, at most 100.
    pub budgets: Vec<BudgetJson>,
    /// Batches that are run.
    pub batches: Option<BatchesJson>,
    /// Where calls are exported to.
    pub exporters: Vec<ExporterJson>,
}

/// The answer cache. Counts are of this process.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CacheJson {
    /// Answers in memory.
    pub entries: u64,
    /// What they take.
    pub bytes: u64,
    /// Calls that got the answer of an equal one.
    pub hits: u64,
    /// Calls that got the answer of one of nearly the same meaning.
    pub semantic_hits: u64,
    /// Calls that found none.
    pub misses: u64,
    /// Calls that did not want one.
    pub bypassed: u64,
    /// Answers that had to go for others.
    pub evicted: u64,
    /// What hits did not cost, in dollars.
    pub saved_usd: f64,
    /// Upstream time that hits did not take.
    pub saved_seconds: f64,
    /// Changes that the file did not get.
    pub not_kept: u64,
}

/// A budget in its current period.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct BudgetJson {
    /// `key`, `department` or another label.
    pub label: String,
    /// Its value.
    pub value: String,
    /// `day` or `month`.
    pub period: String,
    /// The whole, in dollars.
    pub limit_usd: f64,
    /// What is left, reservations taken off.
    pub left_usd: f64,
    /// `ok`, `soft` past the line from which it alerts, `spent`.
    pub state: String,
}

/// Batches that are run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct BatchesJson {
    /// Batches under way.
    pub running: u64,
    /// Their requests that are not answered yet.
    pub queued_requests: u64,
}

/// Calls that are finished and not in the store yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct JournalJson {
    /// Their bytes.
    pub backlog_bytes: u64,
    /// Calls that could not be recorded since the start.
    pub calls_lost: u64,
}

/// An exporter. Counts are of this process.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ExporterJson {
    /// Name of the target.
    pub target: String,
    /// Where it is, without credentials.
    pub uri: Option<String>,
    /// The experiment that runs are filed under.
    pub experiment: Option<String>,
    /// `ok`, `retrying` while the target cannot be used, `off`.
    pub state: Option<String>,
    /// Calls that wait.
    pub lag_records: u64,
    /// Age of the oldest of them in seconds.
    pub lag_seconds: f64,
    /// Calls that the target has taken.
    pub exported: Option<u64>,
    /// Calls that were given up.
    pub failed: Option<u64>,
    /// Files that the target did not take.
    pub artifacts_refused: Option<u64>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When that was, RFC 3339.
    #[schema(format = DateTime)]
    pub last_error_at: Option<String>,
}

/// How the server and its parts are doing.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "getStatus",
    tag = "meta",
    responses(
        (status = 200, description = "How it is doing", body = StatusAnswer),
        (status = 400, description = "There is no such parameter", body = ErrorAnswer),
    )
)]
pub(super) async fn get(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let status = shared.status.clone();
    Ok(json(shared.reads.json(move |_| Ok(status())).await?))
}
