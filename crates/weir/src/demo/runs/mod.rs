//! Tracked work as MLflow's client would have logged it: a classifier that is trained and registered, answers that are
//! evaluated, a reranker that is tuned. Each with params, metrics over steps, tags, inputs and files.

mod evaluation;
mod files;
mod training;

use std::collections::BTreeMap;

use weir_core::id::RunId;
use weir_core::time::{MINUTE, Micros};
use weir_store::catalog::{
    Batch, DatasetInput, NewPoint, NewProject, NewRun, Point, ProjectProblem, ProjectRecord, Projects, RunProblem,
    RunRecord, RunStatus, Runs,
};

use super::chance::Chance;
use super::folder::Folder;
use super::incidents::Plan;

/// A run before it has a place.
struct Made {
    name: String,
    at: Micros,
    took: Micros,
    status: RunStatus,
    user: &'static str,
    params: Vec<(&'static str, String)>,
    /// Metric and its values, step by step from 0.
    metrics: Vec<(&'static str, Vec<f64>)>,
    tags: Vec<(&'static str, String)>,
    dataset: Option<DatasetInput>,
    /// Path and content.
    files: Vec<(&'static str, String)>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) experiments: usize,
    pub(super) runs: usize,
}

/// Logs all experiments with their runs, and registers the classifier.
pub(super) fn log(folder: &Folder, plan: &Plan, seed: u64) -> anyhow::Result<Logged> {
    let mut logged = Logged::default();
    let mut chance = Chance::new(seed, 200);
    for (name, note, runs) in [
        ("ticket-classifier", "Fine-tunes the model that routes tickets", training::classifier(plan, &mut chance)),
        (
            "answer-quality",
            "Offline evaluations of prompts and models on support-golden",
            evaluation::all(plan, &mut chance),
        ),
        ("reranker-tuning", "Orders what the help centre's search finds", training::reranker(plan, &mut chance)),
    ] {
        let project = project(&*folder.catalog, name, note, plan)?;
        let mut records = Vec::with_capacity(runs.len());
        for run in &runs {
            records.extend(one(folder, &project, run, &mut chance)?);
        }
        if name == "ticket-classifier" {
            training::register(&*folder.catalog, &runs, &records)?;
        }
        logged.experiments += 1;
        logged.runs += records.len();
    }
    Ok(logged)
}

/// A project of that name; it may be there.
pub(super) fn project(catalog: &dyn Projects, name: &str, note: &str, plan: &Plan) -> anyhow::Result<ProjectRecord> {
    let new = NewProject {
        name: name.to_owned(),
        tags: BTreeMap::from([("mlflow.note.content".to_owned(), note.to_owned())]),
        now_ms: plan.range.start / 1_000,
        ..NewProject::default()
    };
    match catalog.create_project(&new) {
        Err(ProjectProblem::Taken) => {}
        made => return Ok(made?),
    }
    let there = catalog.project_named(name)?;
    there.ok_or_else(|| anyhow::anyhow!("the experiment {name} is there and is not"))
}

/// Logs a run; nothing where it was logged before.
fn one(folder: &Folder, project: &ProjectRecord, run: &Made, chance: &mut Chance) -> anyhow::Result<Option<RunRecord>> {
    let catalog = &folder.catalog;
    let (start_ms, end_ms) = (run.at / 1_000, (run.at + run.took) / 1_000);
    let id = RunId(chance.id(run.at));
    let text = |pairs: &[(&'static str, String)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    };
    let mut tags = text(&run.tags);
    tags.push(("mlflow.user".to_owned(), run.user.to_owned()));
    tags.push(("mlflow.runName".to_owned(), run.name.clone()));
    let made = catalog.create_run(NewRun {
        id,
        project: project.number,
        name: run.name.clone(),
        user: run.user.to_owned(),
        status: run.status,
        start_ms,
        end_ms: (run.status != RunStatus::Running).then_some(end_ms),
        tags,
    });
    let record = match made {
        Err(RunProblem::Taken) => return Ok(None),
        made => made?,
    };
    let mut metrics = Vec::new();
    for (key, values) in &run.metrics {
        for (step, value) in values.iter().enumerate() {
            let timestamp_ms = start_ms + (end_ms - start_ms) * (step as i64 + 1) / values.len().max(1) as i64;
            let point = Point { timestamp_ms, step: step as i64, value: *value };
            metrics.push(NewPoint { key: (*key).to_owned(), point, model: None });
        }
    }
    catalog.log_batch(id, Batch { params: text(&run.params), metrics, tags: Vec::new() })?;
    if let Some(dataset) = &run.dataset {
        catalog.log_inputs(id, vec![dataset.clone()], Vec::new())?;
    }
    for (name, content) in &run.files {
        folder.file(&record.artifact_uri, name, content.clone())?;
    }
    Ok(Some(record))
}

/// When the n-th of some runs was: over the whole time, on the minute.
fn spread(plan: &Plan, place: usize, of: usize) -> Micros {
    let whole = plan.range.end - plan.range.start;
    let at = plan.range.start + whole / of.max(1) as i64 * place as i64 + whole / (2 * of.max(1) as i64);
    at - at.rem_euclid(MINUTE)
}

fn data(name: &str, digest: &str, context: &str, rows: usize) -> DatasetInput {
    DatasetInput {
        name: name.to_owned(),
        digest: digest.to_owned(),
        source_type: "code".to_owned(),
        source: "{\"tags\": {\"mlflow.source.name\": \"train.py\"}}".to_owned(),
        schema: None,
        profile: Some(format!("{{\"num_rows\": {rows}}}")),
        tags: vec![("mlflow.data.context".to_owned(), context.to_owned())],
    }
}
