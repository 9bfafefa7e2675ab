//! The JSON of MLflow's REST API: what is sent, and the little that is read of its answers.

use serde::{Deserialize, Serialize};
use weir_fronts::mlflow::call_run::{CALL_ID, CallRun, RunStatus};

/// What a failure's body says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    pub(super) error_code: String,
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentAnswer {
    pub(super) experiment: ExperimentInfo,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentInfo {
    pub(super) experiment_id: String,
    #[serde(default)]
    pub(super) lifecycle_stage: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct CreatedExperiment {
    pub(super) experiment_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunAnswer {
    pub(super) run: Run,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Runs {
    pub(super) runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) info: RunInfo,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunInfo {
    pub(super) run_id: String,
    pub(super) artifact_uri: String,
    pub(super) status: String,
    pub(super) end_time: Option<serde_json::Value>,
    pub(super) lifecycle_stage: String,
}

impl RunInfo {
    /// Whether nothing is left to be done: the last step was, or somebody has deleted the run.
    pub(super) fn is_complete(&self) -> bool {
        let ended = matches!(self.status.as_str(), "FINISHED" | "FAILED" | "KILLED") && self.end_time.is_some();
        ended || self.lifecycle_stage == "deleted"
    }
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Metric<'a> {
    key: &'a str,
    value: f64,
    timestamp: i64,
    step: i64,
}

fn pairs<'a>(list: &'a [(&'static str, String)]) -> Vec<Pair<'a>> {
    list.iter().map(|(key, value)| Pair { key, value }).collect()
}

/// `runs/create`: the run with all of its tags, so that it can be found again from its first moment.
#[derive(Serialize)]
pub(super) struct CreateRun<'a> {
    experiment_id: &'a str,
    run_name: &'a str,
    start_time: i64,
    tags: Vec<Pair<'a>>,
}

impl<'a> CreateRun<'a> {
    pub(super) fn new(experiment_id: &'a str, run: &'a CallRun) -> Self {
        Self { experiment_id, run_name: &run.run_name, start_time: run.start_ms, tags: pairs(&run.tags) }
    }
}

/// `runs/log-batch`.
#[derive(Serialize)]
pub(super) struct LogBatch<'a> {
    run_id: &'a str,
    params: Vec<Pair<'a>>,
    metrics: Vec<Metric<'a>>,
}

impl<'a> LogBatch<'a> {
    pub(super) fn new(run_id: &'a str, run: &'a CallRun) -> Self {
        // The time must be the same at every attempt: it is part of what makes two points one.
        let metric =
            |(key, value): &(&'static str, f64)| Metric { key, value: *value, timestamp: run.end_ms.max(0), step: 0 };
        Self { run_id, params: pairs(&run.params), metrics: run.metrics.iter().map(metric).collect() }
    }
}

/// `runs/update`, the last step.
#[derive(Serialize)]
pub(super) struct UpdateRun<'a> {
    run_id: &'a str,
    status: RunStatus,
    end_time: i64,
}

impl<'a> UpdateRun<'a> {
    pub(super) fn new(run_id: &'a str, run: &CallRun) -> Self {
        Self { run_id, status: run.status, end_time: run.end_ms }
    }
}

/// `runs/search` for the runs of one call, deleted ones too.
#[derive(Serialize)]
pub(super) struct SearchRuns<'a> {
    experiment_ids: [&'a str; 1],
    filter: String,
    run_view_type: &'static str,
    max_results: u32,
}

impl<'a> SearchRuns<'a> {
    pub(super) fn new(experiment_id: &'a str, call_id: &str, start_ms: i64) -> Self {
        Self {
            experiment_ids: [experiment_id],
            // The start narrows down what the server has to look through. An id holds hex digits and dashes only.
            filter: format!("tags.`{CALL_ID}` = '{call_id}' AND attributes.start_time = {start_ms}"),
            run_view_type: "ALL",
            max_results: 10,
        }
    }
}
