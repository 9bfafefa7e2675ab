//! Histories of metrics.

use http::Method;
use serde::Serialize;
use weir_core::access::Role;
use weir_store::catalog::{Point, RunProblem};

use super::errors::{ErrorCode, Refused};
use super::front::Front;
use super::routes::{Endpoint, Handler};
use super::runs;
use super::wire::{Args, Fields, Reply, double, next_token, offset, reply};

/// Points that one answer holds at most where the client asks for no pages.
const MAX_POINTS: usize = 5_000_000;
/// Points of a history of several runs.
const MAX_BULK: i64 = 25_000;
/// Points of each run of several that are sampled.
const MAX_SAMPLED: i64 = 2_500;
/// Runs of one request.
const MAX_RUNS: usize = 100;

const fn get(path: &'static str, handle: Handler) -> Endpoint {
    Endpoint { method: Method::GET, path, role: Role::Read, handle }
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    get("/2.0/mlflow/metrics/get-history", history),
    get("/2.0/mlflow/metrics/get-history-bulk", bulk),
    get("/2.0/mlflow/metrics/get-history-bulk-interval", interval),
];

fn history(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = runs::run_id(&fields)?;
    let key = fields.required("metric_key")?;
    let limit = fields.int("max_results")?;
    if let Some(limit) = limit.filter(|limit| *limit <= 0) {
        return Err(Refused::invalid(format!(
            "Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer."
        )));
    }
    let from = offset(fields.text("page_token")?)?;
    let limit = limit.map_or(MAX_POINTS, |limit| (limit as usize).min(MAX_POINTS));
    let mut points = points(front, id, key, from, limit + 1)?;
    let more = points.len() > limit;
    points.truncate(limit);
    #[derive(Serialize)]
    struct Answer<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        metrics: Vec<Entry<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    reply(&Answer {
        metrics: points.iter().map(|point| Entry::of(key, point, None)).collect(),
        next_page_token: more.then(|| next_token(from.saturating_add(limit as u64))),
    })
}

/// Points of a run, be it a client's or that of a call.
fn points(front: &Front, id: &str, key: &str, offset: u64, limit: usize) -> Result<Vec<Point>, Refused> {
    match front.parts.catalog.metric_history(runs::parse_id(id)?, key, offset, limit) {
        Err(RunProblem::Missing) => {
            let skip = usize::try_from(offset).unwrap_or(usize::MAX);
            Ok(of_call(front, id, key)?.into_iter().skip(skip).take(limit).collect())
        }
        read => read.map_err(|problem| runs::refused(problem, id)),
    }
}

/// The one point that a call has of a metric.
fn of_call(front: &Front, id: &str, key: &str) -> Result<Vec<Point>, Refused> {
    let run = runs::find(front, id)?;
    Ok(run.metrics.into_iter().filter(|(k, _)| k.as_ref() == key).map(|(_, point)| point).collect())
}

/// A point, and of which run.
#[derive(Serialize)]
struct Entry<'a> {
    key: &'a str,
    #[serde(serialize_with = "double")]
    value: f64,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(key: &'a str, point: &Point, run_id: Option<&'a str>) -> Self {
        Self { key, value: point.value, timestamp: point.timestamp_ms, step: point.step, run_id }
    }
}

fn bulk(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let mut ids = fields.texts("run_id")?;
    if ids.is_empty() {
        return Err(Refused::invalid("GetMetricHistoryBulk request must specify at least one run_id."));
    }
    if ids.len() > MAX_RUNS {
        return Err(Refused::invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than {MAX_RUNS} run_ids. Received {} run_ids.",
            ids.len()
        )));
    }
    let key = fields.text("metric_key")?;
    let key = key.ok_or_else(|| Refused::invalid("GetMetricHistoryBulk request must specify a metric_key."))?;
    let mut left = fields.int("max_results")?.unwrap_or(MAX_BULK).clamp(0, MAX_BULK) as usize;
    ids.sort_unstable();
    ids.dedup();
    let mut all = Vec::new();
    for id in ids {
        // Runs that are not there have no points.
        let points = match points(front, id, key, 0, left) {
            Err(refused) if refused.code == ErrorCode::ResourceDoesNotExist => continue,
            read => read?,
        };
        left -= points.len().min(left);
        all.push((id, points));
    }
    // This one answers with its list even where it is empty.
    #[derive(Serialize)]
    struct Answer<'a> {
        metrics: Vec<Entry<'a>>,
    }
    reply(&Answer { metrics: entries(key, &all) })
}

fn entries<'a>(key: &'a str, all: &[(&'a str, Vec<Point>)]) -> Vec<Entry<'a>> {
    all.iter().flat_map(|(id, points)| points.iter().map(|point| Entry::of(key, point, Some(id)))).collect()
}

fn interval(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let ids = fields.texts("run_ids")?;
    if ids.is_empty() {
        return Err(fields.absent("run_ids"));
    }
    if ids.len() > MAX_RUNS {
        return Err(Refused::invalid(format!(
            "GetMetricHistoryBulkInterval request must specify at most {MAX_RUNS} run_ids. Received {} run_ids.",
            ids.len()
        )));
    }
    let key = fields.required("metric_key")?;
    let most = fields.int("max_results")?.unwrap_or(MAX_SAMPLED);
    if !(1..=MAX_SAMPLED).contains(&most) {
        return Err(Refused::invalid(format!("max_results must be between 1 and {MAX_SAMPLED}.")));
    }
    let steps = steps(&fields)?;
    let mut all = Vec::new();
    for id in ids {
        let points = match front.parts.catalog.metric_sample(runs::parse_id(id)?, key, steps, most as usize) {
            Err(RunProblem::Missing) => of_call(front, id, key)?,
            read => read.map_err(|problem| runs::refused(problem, id))?,
        };
        all.push((id, points));
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        metrics: Vec<Entry<'a>>,
    }
    reply(&Answer { metrics: entries(key, &all) })
}

fn steps(fields: &Fields<'_>) -> Result<Option<(i64, i64)>, Refused> {
    match (fields.int("start_step")?, fields.int("end_step")?) {
        (None, None) => Ok(None),
        (Some(start), Some(end)) if start > end => Err(Refused::invalid(format!(
            "end_step must be greater than start_step. Found start_step={start} and end_step={end}."
        ))),
        (Some(start), Some(end)) => Ok(Some((start, end))),
        _ => Err(Refused::invalid("If either start step or end step are specified, both must be specified.")),
    }
}
