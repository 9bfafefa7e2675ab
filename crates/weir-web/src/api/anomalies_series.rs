//! `/api/v1/anomalies/{id}/series`: how the metric of an anomaly went around it, over what was usual.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::error::{Code, Error};
use weir_core::time::to_rfc3339;
use weir_watch::anomalies::live::{Charted, ChartedPoint};

use super::anomalies::{AnomalyAccess, unknown};
use super::params;
use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::state::Shared;

/// How the metric of an anomaly went.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnomalySeries {
    /// The anomaly's id.
    pub id: String,
    /// What was measured, as the anomaly has it.
    pub metric: String,
    /// The part of the traffic in which it shows, whose values these are; null when that is all of the project's.
    pub part: Option<SeriesPart>,
    /// The branch whose share it is; null for other metrics.
    pub branch: Option<SeriesBranch>,
    /// Since when, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// Until when, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
    /// Width of a point in seconds.
    pub bucket_seconds: u64,
    /// Points with calls, in the order of time; at most about 240. None for an anomaly of the documented rules.
    pub points: Vec<SeriesPoint>,
}

/// A part of the traffic.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeriesPart {
    /// `model`, `provider`, `department` or `prompt_version`.
    pub dimension: String,
    /// Its value.
    pub value: String,
}

/// A branch of a workflow.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeriesBranch {
    /// The workflow; empty when it names none.
    pub workflow: String,
    /// The node that was left.
    pub from: String,
    /// The node that was entered.
    pub to: String,
}

/// A point, in the metric's unit: tokens, US dollars, milliseconds, a share.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SeriesPoint {
    /// Its start, RFC 3339.
    #[schema(format = DateTime)]
    pub start: String,
    /// The value.
    pub value: f64,
    /// Calls or decisions behind it.
    pub calls: u64,
    /// What was usual then, by the baseline of now; null where that is not known.
    pub expected: Option<f64>,
    /// Lower end of what would have been normal for so many calls.
    pub lower: Option<f64>,
    /// Its upper end.
    pub upper: Option<f64>,
}

impl From<Charted> for AnomalySeries {
    fn from(of: Charted) -> Self {
        Self {
            id: of.anomaly.id,
            metric: of.anomaly.metric,
            part: of.part.map(|part| SeriesPart { dimension: part.dimension, value: part.value }),
            branch: of.branch.map(|b| SeriesBranch { workflow: b.workflow, from: b.node, to: b.target }),
            from: to_rfc3339(of.from),
            to: to_rfc3339(of.to),
            bucket_seconds: of.width.unsigned_abs() / 1_000_000,
            points: of.points.iter().map(SeriesPoint::from).collect(),
        }
    }
}

impl From<&ChartedPoint> for SeriesPoint {
    fn from(of: &ChartedPoint) -> Self {
        Self {
            start: to_rfc3339(of.start),
            value: of.value,
            calls: of.of,
            expected: of.usual.map(|usual| usual.expected),
            lower: of.usual.map(|usual| usual.lower),
            upper: of.usual.map(|usual| usual.upper),
        }
    }
}

/// How the metric of an anomaly went around it, over what was usual at each time: as much before as it is long (a day to a
/// week), and half of that after.
#[utoipa::path(
    get,
    path = "/api/v1/anomalies/{id}/series",
    operation_id = "getAnomalySeries",
    tag = "anomalies",
    params(("id" = String, Path, description = "The anomaly's id")),
    responses(
        (status = 200, description = "The series", body = AnomalySeries),
        (status = 400, description = "The watch is off, or there is no such parameter", body = ErrorAnswer),
        (status = 404, description = "There is no such anomaly", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn get(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(pairs): Query,
) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    Ok(json(shared.anomalies.blocking(move |access| series(access, &id)).await?))
}

fn series(access: &AnomalyAccess, id: &str) -> Result<AnomalySeries, Error> {
    let Some(watch) = &access.watch else {
        return Err(Error::new(Code::InvalidRequest, "the watch is off: set watch.enabled = true and start again"));
    };
    watch.chart(id).map_err(refusal)?.map(AnomalySeries::from).ok_or_else(|| unknown(id))
}
