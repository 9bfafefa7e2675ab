//! Logged models with params, tags and what was measured of them. Their ids stay.

use std::collections::{BTreeMap, BTreeSet};

use weir_core::id::RunId;
use weir_store::catalog::{
    Batch, LoggedModel, LoggedModelProblem, LoggedModels, MeasuredPoint, NewLoggedModel, NewPoint, Point, PointOfModel,
    ProjectRecord, RunProblem, Runs,
};

use super::source::{Counted, pages};
use super::{Import, Kinds};
use crate::import::{Kind, parallel};

/// The tag that says where a model is registered, which is known without it.
const VERSIONS_TAG: &str = "mlflow.modelVersions";

/// Points of one metric at one step that are looked at.
const SAME_STEP: usize = 1_000;

pub(super) fn all(import: &Import<'_>, experiments: &[ProjectRecord], kinds: &Kinds) -> anyhow::Result<()> {
    import.progress.begin("logged models", import.source.count(Counted::LoggedModels));
    for experiment in experiments {
        let read = |page: Option<&str>| import.source.logged_models(experiment.number, page);
        pages(read, |page| {
            parallel::each(page, |model| {
                one(import, model, &kinds.logged_models)?;
                import.progress.more(1);
                Ok(())
            })
        })?;
    }
    Ok(())
}

fn one(import: &Import<'_>, mut there: LoggedModel, kind: &Kind) -> anyhow::Result<()> {
    there.project = import.number(there.project)?;
    there.artifact_uri = import.relocated(&there.artifact_uri);
    there.tags.remove(VERSIONS_TAG);
    for point in there.points.iter_mut().filter(|point| point.value == 0.0) {
        if is_nan(import, point)? {
            point.value = f64::NAN;
        }
    }
    let text = text(&there);
    let before = here(import, &there.id)?;
    if before.as_deref() != Some(text.as_str()) {
        if before.is_none() {
            kind.added();
        }
        if let Err(problem) = write(import, &there, before.is_none()) {
            kind.refused(&there.id, problem);
            return Ok(());
        }
    }
    kind.compare(&there.id, &text, here(import, &there.id)?.as_deref());
    Ok(())
}

/// Whether a point that is told as 0 is NaN in the history of its run, which has been moved: of models MLflow keeps no NaN.
fn is_nan(import: &Import<'_>, point: &MeasuredPoint) -> anyhow::Result<bool> {
    let Some(run) = RunId::parse(&point.run_id) else { return Ok(false) };
    let step = Some((point.step, point.step));
    let of_step = match import.target.catalog.metric_sample(run, &point.key, step, SAME_STEP) {
        Err(RunProblem::Missing) => return Ok(false),
        found => found?,
    };
    let mut values = of_step.iter().filter(|other| other.timestamp_ms == point.timestamp_ms).map(|other| other.value);
    Ok(values.clone().any(f64::is_nan) && values.all(f64::is_nan))
}

fn write(import: &Import<'_>, there: &LoggedModel, is_new: bool) -> anyhow::Result<()> {
    let catalog = &import.target.catalog;
    if is_new {
        catalog.create_logged_model(NewLoggedModel {
            id: there.id.clone(),
            project: there.project,
            name: there.name.clone(),
            artifact_uri: there.artifact_uri.clone(),
            model_type: there.model_type.clone(),
            run_id: there.run_id.clone(),
            tags: BTreeMap::new(),
            params: BTreeMap::new(),
            now_ms: there.created_ms,
        })?;
    }
    catalog.add_logged_model_params(&there.id, there.params.clone())?;
    catalog.tag_logged_model(&there.id, there.tags.clone())?;
    let mut of_runs: BTreeMap<&str, Vec<NewPoint>> = BTreeMap::new();
    for point in &there.points {
        of_runs.entry(&point.run_id).or_default().push(measured(point, &there.id));
    }
    for (run, metrics) in of_runs {
        let id = RunId::parse(run).ok_or_else(|| anyhow::anyhow!("{run:?} measured it, which is no id of a run"))?;
        let logged = catalog.log_batch(id, Batch { metrics, ..Batch::default() });
        logged.map_err(|problem| anyhow::anyhow!("run {run}, which measured it: {problem}"))?;
    }
    catalog.mark_logged_model(&there.id, there.status, there.updated_ms)?;
    if there.deleted {
        catalog.delete_logged_model(&there.id, there.updated_ms)?;
    }
    Ok(())
}

fn measured(point: &MeasuredPoint, model: &str) -> NewPoint {
    NewPoint {
        key: point.key.clone(),
        point: Point { timestamp_ms: point.timestamp_ms, step: point.step, value: point.value },
        model: Some(PointOfModel {
            model: model.to_owned(),
            dataset_name: point.dataset_name.clone(),
            dataset_digest: point.dataset_digest.clone(),
        }),
    }
}

/// The model of an id as it is here, with all its points.
fn here(import: &Import<'_>, id: &str) -> Result<Option<String>, LoggedModelProblem> {
    let Some(mut model) = import.target.catalog.logged_model(id)? else { return Ok(None) };
    let points = import.target.catalog.model_points(&[id.to_owned()])?;
    model.points = points
        .into_iter()
        .map(|point| MeasuredPoint {
            key: point.key.to_string(),
            value: point.point.value,
            timestamp_ms: point.point.timestamp_ms,
            step: point.point.step,
            run_id: point.run.to_string(),
            dataset_name: point.of.dataset_name,
            dataset_digest: point.of.dataset_digest,
        })
        .collect();
    model.tags.remove(VERSIONS_TAG);
    Ok(Some(text(&model)))
}

fn text(model: &LoggedModel) -> String {
    let points: BTreeSet<String> = model.points.iter().map(|point| format!("{point:?}")).collect();
    let whole = LoggedModel { points: Vec::new(), registrations: Vec::new(), updated_ms: 0, ..model.clone() };
    format!("{whole:?} {points:?}")
}
