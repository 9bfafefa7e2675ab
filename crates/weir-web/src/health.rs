//! Probes for load balancers and Kubernetes: local checks only, no key needed.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;

use crate::ReportHealth;

/// How the parts that can fail are doing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Whether the process is shutting down, so that no new requests should come.
    pub stopping: bool,
    /// What does not work, a sentence each. Calls are answered all the same.
    pub problems: Vec<String>,
    /// Bytes of calls that the store has not taken yet.
    pub journal_backlog_bytes: u64,
    /// Calls that could not be recorded since the start.
    pub calls_lost: u64,
}

#[derive(Serialize)]
pub(crate) struct Readiness {
    status: &'static str,
    #[serde(flatten)]
    report: Report,
}

pub(crate) async fn plain() -> &'static str {
    "OK"
}

pub(crate) async fn live() -> &'static str {
    "OK"
}

/// Ready as long as calls can be answered: a store that cannot be written makes it degraded, not unready, because a
/// gateway taken out of service would help nobody.
pub(crate) async fn ready(State(report): State<ReportHealth>) -> (StatusCode, Json<Readiness>) {
    let report = report();
    let (code, status) = match (report.stopping, report.problems.is_empty()) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, true) => (StatusCode::OK, "ready"),
        (false, false) => (StatusCode::OK, "degraded"),
    };
    (code, Json(Readiness { status, report }))
}
