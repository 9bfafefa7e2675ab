//! Runs, points of metrics, and logged models.

use anyhow::Context;
use serde_json::{Value, json};
use weir_store::catalog::{DatasetInput, LoggedModel, LoggedModelStatus, MeasuredPoint, Point, RunStatus};

use super::values::{int, list, maybe, maybe_int, number, pairs, text, token};
use super::{API, Server};
use crate::import::mlflow::source::{Page, SourceRun};

/// Runs of one page: each comes with all its params and tags.
const RUNS: u64 = 500;
/// Points of one page.
const POINTS: u64 = 25_000;
/// Logged models of one page.
const MODELS: u64 = 50;

impl Server {
    pub(super) fn runs_of(&self, experiment: i64, page: Option<&str>) -> Page<SourceRun> {
        let page = page.unwrap_or_default();
        let body = json!({
            "experiment_ids": [experiment.to_string()],
            "run_view_type": "ALL",
            "max_results": RUNS,
            // What begins meanwhile comes last.
            "order_by": ["attributes.start_time ASC"],
            "page_token": page,
        });
        let mut answer = self.client.post(&format!("{API}/runs/search"), &body)?;
        let runs = list(&mut answer, "runs").into_iter().map(|run| of(run, experiment)).collect();
        Ok((runs, token(&answer, page)))
    }

    pub(super) fn points_of(&self, run: &str, key: &str, page: Option<&str>) -> Page<Point> {
        let (page, most) = (page.unwrap_or_default(), POINTS.to_string());
        let mut query = vec![("run_id", run), ("metric_key", key), ("max_results", &most)];
        if !page.is_empty() {
            query.push(("page_token", page));
        }
        let mut answer = self.client.get(&format!("{API}/metrics/get-history"), &query)?;
        let point = |point: Value| Point {
            timestamp_ms: int(&point, "timestamp"),
            step: int(&point, "step"),
            value: number(&point, "value"),
        };
        let points = list(&mut answer, "metrics").into_iter().map(point).collect();
        Ok((points, token(&answer, page)))
    }

    /// Those that are not in the bin: the others are not told.
    pub(super) fn logged_models_of(&self, experiment: i64, page: Option<&str>) -> Page<LoggedModel> {
        let page = page.unwrap_or_default();
        let body = json!({
            "experiment_ids": [experiment.to_string()],
            "max_results": MODELS,
            "order_by": [{"field_name": "creation_timestamp", "ascending": true}],
            "page_token": page,
        });
        let mut answer = self.client.post(&format!("{API}/logged-models/search"), &body)?;
        let models = list(&mut answer, "models").into_iter().map(logged_model).collect::<anyhow::Result<_>>()?;
        Ok((models, token(&answer, page)))
    }
}

fn of(mut run: Value, experiment: i64) -> SourceRun {
    let (info, data) = (run["info"].take(), run["data"].take());
    let status = text(&info, "status");
    let status = RunStatus::ALL.iter().find(|(name, ..)| *name == status);
    let mut metrics: Vec<String> =
        data["metrics"].as_array().into_iter().flatten().map(|metric| text(metric, "key")).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let inputs = &mut run["inputs"];
    let datasets = list(inputs, "dataset_inputs").iter().map(dataset).collect();
    let models_in = list(inputs, "model_inputs").iter().map(|model| text(model, "model_id")).collect();
    let models_out = list(&mut run["outputs"], "model_outputs");
    SourceRun {
        id: text(&info, "run_id"),
        experiment,
        name: text(&info, "run_name"),
        user: text(&info, "user_id"),
        status: status.map_or(RunStatus::Running, |(.., status)| *status),
        start_ms: int(&info, "start_time"),
        end_ms: maybe_int(&info, "end_time"),
        deleted: text(&info, "lifecycle_stage") == "deleted",
        params: pairs(&data["params"]),
        tags: pairs(&data["tags"]),
        metrics,
        datasets,
        models_in,
        models_out: models_out.iter().map(|model| (text(model, "model_id"), int(model, "step"))).collect(),
    }
}

fn dataset(input: &Value) -> DatasetInput {
    let dataset = &input["dataset"];
    DatasetInput {
        name: text(dataset, "name"),
        digest: text(dataset, "digest"),
        source_type: text(dataset, "source_type"),
        source: text(dataset, "source"),
        schema: maybe(dataset, "schema"),
        profile: maybe(dataset, "profile"),
        tags: pairs(&input["tags"]),
    }
}

fn logged_model(mut model: Value) -> anyhow::Result<LoggedModel> {
    let (info, mut data) = (model["info"].take(), model["data"].take());
    let status = text(&info, "status");
    let point = |point: Value| MeasuredPoint {
        key: text(&point, "key"),
        value: number(&point, "value"),
        timestamp_ms: int(&point, "timestamp"),
        step: int(&point, "step"),
        run_id: text(&point, "run_id"),
        dataset_name: maybe(&point, "dataset_name"),
        dataset_digest: maybe(&point, "dataset_digest"),
    };
    let points = list(&mut data, "metrics").into_iter().map(point).collect();
    Ok(LoggedModel {
        id: text(&info, "model_id"),
        project: text(&info, "experiment_id").parse().context("a logged model's experiment is no number")?,
        name: text(&info, "name"),
        artifact_uri: text(&info, "artifact_uri"),
        created_ms: int(&info, "creation_timestamp_ms"),
        updated_ms: int(&info, "last_updated_timestamp_ms"),
        status: LoggedModelStatus::named(status.trim_start_matches("LOGGED_MODEL_"))
            .or_else(|| (status == "LOGGED_MODEL_UPLOAD_FAILED").then_some(LoggedModelStatus::Failed))
            .unwrap_or(LoggedModelStatus::Unspecified),
        model_type: text(&info, "model_type"),
        run_id: text(&info, "source_run_id"),
        tags: pairs(&info["tags"]).into_iter().collect(),
        params: pairs(&data["params"]).into_iter().collect(),
        points,
        ..LoggedModel::default()
    })
}
