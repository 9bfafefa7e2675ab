//! Runs: made, changed, logged to, found.

mod batch;
mod form;
mod inputs;
mod log;
mod model;
pub(super) mod name;
mod search;

use http::Method;
use serde::Serialize;
use weir_core::access::Role;
use weir_core::id::RunId;
use weir_store::catalog::{NewRun, Run, RunChange, RunProblem, RunStatus};

use super::calls;
use super::errors::{ErrorCode, Refused};
use super::experiments;
use super::front::Front;
use super::routes::{Endpoint, Handler};
use super::wire::{Args, Fields, Reply, reply};

/// The tag that is a run's name.
const RUN_NAME: &str = "mlflow.runName";

const fn post(path: &'static str, handle: Handler) -> Endpoint {
    Endpoint { method: Method::POST, path, role: Role::Write, handle }
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    post("/2.0/mlflow/runs/create", create),
    Endpoint { method: Method::GET, path: "/2.0/mlflow/runs/get", role: Role::Read, handle: get },
    post("/2.0/mlflow/runs/update", update),
    post("/2.0/mlflow/runs/delete", delete),
    post("/2.0/mlflow/runs/restore", restore),
    Endpoint { method: Method::POST, path: "/2.0/mlflow/runs/search", role: Role::Read, handle: search::search },
    post("/2.0/mlflow/runs/log-metric", log::metric),
    post("/2.0/mlflow/runs/log-parameter", log::param),
    post("/2.0/mlflow/runs/set-tag", log::set_tag),
    post("/2.0/mlflow/runs/delete-tag", log::delete_tag),
    post("/2.0/mlflow/runs/log-batch", batch::log),
    post("/2.0/mlflow/runs/log-inputs", inputs::log_inputs),
    post("/2.0/mlflow/runs/outputs", inputs::log_outputs),
    post("/2.0/mlflow/runs/log-model", model::log),
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow/experiments/search-datasets",
        role: Role::Read,
        handle: inputs::search_datasets,
    },
];

/// The id of the run that a request is about, as it says it.
pub(super) fn run_id<'a>(fields: &Fields<'a>) -> Result<&'a str, Refused> {
    let id = fields.text("run_id")?.filter(|id| !id.is_empty());
    let id = match id {
        Some(id) => Some(id),
        None => fields.text("run_uuid")?.filter(|id| !id.is_empty()),
    };
    id.ok_or_else(|| fields.absent("run_id"))
}

/// The id of a run; 404 where a text cannot be one.
pub(super) fn parse_id(id: &str) -> Result<RunId, Refused> {
    let hex = id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    RunId::parse(id).filter(|_| hex).ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Refused {
    Refused::missing(format!("Run with id={id} not found"))
}

/// The run of an id, a client's or that of a call; 404 where there is none.
pub(super) fn find(front: &Front, id: &str) -> Result<Run, Refused> {
    let key = parse_id(id)?;
    if let Some(run) = front.parts.catalog.run(key)? {
        return Ok(run);
    }
    calls::find(front, key)?.ok_or_else(|| missing(id))
}

/// What is said of a run that cannot be worked on.
pub(super) fn refused(problem: RunProblem, id: &str) -> Refused {
    match problem {
        RunProblem::Store(error) => error.into(),
        RunProblem::Missing => missing(id),
        RunProblem::Deleted => {
            Refused::invalid(format!("The run {id} must be in the 'active' state. Current state is deleted."))
        }
        problem => Refused::new(ErrorCode::InvalidParameterValue, problem.to_string()),
    }
}

fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let project = experiments::find(front, fields.text("experiment_id")?.filter(|id| !id.is_empty()).unwrap_or("0"))?;
    let mut tags = log::tags(&fields.objects("tags")?)?;
    let tagged = tags.iter().rfind(|(key, _)| key == RUN_NAME).map(|(_, name)| name.clone()).filter(|n| !n.is_empty());
    let given = fields.text("run_name")?.filter(|name| !name.is_empty());
    if let (Some(name), Some(tag)) = (given, &tagged)
        && name != tag
    {
        return Err(Refused::invalid(format!(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
             (run_name='{name}', mlflow.runName='{tag}')."
        )));
    }
    let id = RunId::new();
    let name = given.map(str::to_owned).or(tagged).unwrap_or_else(|| name::generate(id));
    tags.retain(|(key, _)| key != RUN_NAME);
    tags.push((RUN_NAME.to_owned(), name.clone()));
    let new = NewRun {
        id,
        project: project.number,
        name,
        // Who says no name is called what its key is.
        user: fields.text("user_id")?.filter(|user| !user.is_empty()).unwrap_or(&args.identity.name).to_owned(),
        start_ms: fields.int("start_time")?.unwrap_or_default(),
        tags: tags.clone(),
        ..NewRun::default()
    };
    let record = front.parts.catalog.create_run(new).map_err(|problem| match problem {
        RunProblem::NoProject => experiments::refused(weir_store::catalog::ProjectProblem::Missing, project.number),
        RunProblem::ProjectDeleted => {
            experiments::refused(weir_store::catalog::ProjectProblem::Deleted, project.number)
        }
        problem => refused(problem, &id.to_string()),
    })?;
    reply(&form::Answer { run: form::RunForm::made(&record, &tags) })
}

fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = run_id(&fields)?;
    let run = find(front, id)?;
    reply(&form::Answer { run: form::RunForm::of(&run) })
}

fn update(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = run_id(&fields)?;
    let change = RunChange {
        status: fields.choice("status", &RunStatus::ALL)?,
        end_ms: fields.int("end_time")?,
        name: fields.text("run_name")?.filter(|name| !name.is_empty()).map(str::to_owned),
    };
    let key = parse_id(id)?;
    let record = match front.parts.catalog.update_run(key, change.clone()) {
        Err(RunProblem::Missing) => calls::update(front, key, change)?.ok_or_else(|| missing(id))?,
        updated => updated.map_err(|problem| refused(problem, id))?,
    };
    #[derive(Serialize)]
    struct Answer<'a> {
        run_info: form::Info<'a>,
    }
    reply(&Answer { run_info: form::Info::of(&record) })
}

fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    mark(front, args, true)
}

fn restore(front: &Front, args: &Args) -> Result<Reply, Refused> {
    mark(front, args, false)
}

fn mark(front: &Front, args: &Args, deleted: bool) -> Result<Reply, Refused> {
    let fields = args.fields();
    let id = fields.required("run_id")?;
    let key = parse_id(id)?;
    match front.parts.catalog.mark_run(key, deleted, front.now_ms()) {
        Err(RunProblem::Missing) => calls::mark(front, key, deleted)?.ok_or_else(|| missing(id))?,
        marked => marked.map_err(|problem| refused(problem, id))?,
    }
    Ok(Reply::empty())
}

#[cfg(test)]
mod tests;
