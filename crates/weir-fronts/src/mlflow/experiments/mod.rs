//! Experiments: Weir's projects in MLflow's form.

mod form;
mod known;
mod location;
mod search;

use http::Method;
use weir_core::access::Role;
use weir_store::catalog::{NewProject, ProjectProblem, ProjectRecord};

pub(super) use known::{find, parse_id};
pub(super) use search::stage;

use super::errors::{ErrorCode, Refused};
use super::front::Front;
use super::names::{MAX_KEY, check_key, check_length};
use super::routes::Endpoint;
use super::wire::{Args, Fields, Reply, reply};

/// Characters of a name.
const MAX_NAME: usize = 500;
/// Characters of a tag's value.
const MAX_TAG: usize = 20_000;
/// Tags that are given with a new experiment.
const MAX_TAGS: usize = 1_000;

const fn post(path: &'static str, handle: super::routes::Handler) -> Endpoint {
    Endpoint { method: Method::POST, path, role: Role::Write, handle }
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    post("/2.0/mlflow/experiments/create", create),
    Endpoint { method: Method::GET, path: "/2.0/mlflow/experiments/get", role: Role::Read, handle: get },
    Endpoint {
        method: Method::GET,
        path: "/2.0/mlflow/experiments/get-by-name",
        role: Role::Read,
        handle: get_by_name,
    },
    Endpoint { method: Method::GET, path: "/2.0/mlflow/experiments/search", role: Role::Read, handle: search::search },
    Endpoint { method: Method::POST, path: "/2.0/mlflow/experiments/search", role: Role::Read, handle: search::search },
    post("/2.0/mlflow/experiments/update", update),
    post("/2.0/mlflow/experiments/delete", delete),
    post("/2.0/mlflow/experiments/restore", restore),
    post("/2.0/mlflow/experiments/set-experiment-tag", set_tag),
    post("/2.0/mlflow/experiments/delete-experiment-tag", delete_tag),
];

fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = fields.required("name")?;
    check_name(name)?;
    let location = fields.text("artifact_location")?.filter(|location| !location.is_empty());
    location.map(location::check).transpose()?;
    let mut new = NewProject {
        number: None,
        name: name.to_owned(),
        artifact_location: location.map(str::to_owned),
        now_ms: front.now_ms(),
        ..NewProject::default()
    };
    let tags = fields.objects("tags")?;
    if tags.len() > MAX_TAGS {
        return Err(Refused::invalid(format!("An experiment can be created with at most {MAX_TAGS} tags.")));
    }
    for tag in tags {
        let (key, value) = (tag.text("key")?.unwrap_or_default(), tag.text("value")?.unwrap_or_default());
        check_tag(key, value)?;
        new.tags.insert(key.to_owned(), value.to_owned());
    }
    // A name that only spans know is taken as well.
    known::find_named(front, name)?;
    let made = front.parts.catalog.create_project(&new).map_err(|problem| match problem {
        ProjectProblem::Taken => Refused::exists(format!("Experiment(name={name}) already exists.")),
        problem => refused(problem, 0),
    })?;
    #[derive(serde::Serialize)]
    struct Created {
        experiment_id: String,
    }
    reply(&Created { experiment_id: made.number.to_string() })
}

fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    answer(&find(front, args.fields().required("experiment_id")?)?)
}

fn get_by_name(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let name = fields.required("experiment_name")?;
    let found = known::find_named(front, name)?;
    answer(&found.ok_or_else(|| Refused::missing(format!("Could not find experiment with name '{name}'")))?)
}

fn answer(project: &ProjectRecord) -> Result<Reply, Refused> {
    #[derive(serde::Serialize)]
    struct Answer<'a> {
        experiment: form::Experiment<'a>,
    }
    reply(&Answer { experiment: form::Experiment::of(project) })
}

fn update(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (project, name) = (find(front, fields.required("experiment_id")?)?, fields.required("new_name")?);
    check_name(name)?;
    known::find_named(front, name)?;
    let renamed = front.parts.catalog.rename_project(project.number, name, front.now_ms());
    renamed.map_err(|problem| match problem {
        ProjectProblem::Deleted => Refused::invalid("Cannot rename a non-active experiment."),
        ProjectProblem::Taken => Refused::exists(format!("Experiment(name={name}) already exists.")),
        problem => refused(problem, project.number),
    })?;
    Ok(Reply::empty())
}

fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    mark(front, &args.fields(), true)
}

fn restore(front: &Front, args: &Args) -> Result<Reply, Refused> {
    mark(front, &args.fields(), false)
}

fn mark(front: &Front, fields: &Fields<'_>, deleted: bool) -> Result<Reply, Refused> {
    let number = parse_id(fields.required("experiment_id")?)?;
    let marked = front.parts.catalog.mark_project(number, deleted, front.now_ms());
    marked.map_err(|problem| refused(problem, number))?;
    Ok(Reply::empty())
}

fn set_tag(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let number = parse_id(fields.required("experiment_id")?)?;
    let (key, value) = (fields.required("key")?, fields.text("value")?.unwrap_or_default());
    check_tag(key, value)?;
    let set = front.parts.catalog.tag_project(number, key, Some(value));
    set.map_err(|problem| refused(problem, number))?;
    Ok(Reply::empty())
}

fn delete_tag(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let number = parse_id(fields.required("experiment_id")?)?;
    let key = fields.required("key")?;
    front.parts.catalog.tag_project(number, key, None).map_err(|problem| match problem {
        ProjectProblem::NoTag => Refused::missing(format!("No tag with name: {key} in experiment with id {number}")),
        problem => refused(problem, number),
    })?;
    Ok(Reply::empty())
}

fn check_name(name: &str) -> Result<(), Refused> {
    if name.trim().is_empty() {
        return Err(Refused::invalid(format!("Invalid experiment name: '{name}'")));
    }
    check_length("name", MAX_NAME, name)
}

fn check_tag(key: &str, value: &str) -> Result<(), Refused> {
    check_key(key, "key")?;
    check_length("key", MAX_KEY, key)?;
    check_length("value", MAX_TAG, value)
}

/// What is said of an experiment that cannot be worked on.
pub(super) fn refused(problem: ProjectProblem, number: i64) -> Refused {
    match problem {
        ProjectProblem::Store(error) => error.into(),
        ProjectProblem::Missing => Refused::missing(format!("No Experiment with id={number} exists")),
        ProjectProblem::Deleted => Refused::invalid(format!(
            "The experiment {number} must be in the 'active' state. Current state is deleted."
        )),
        problem => Refused::new(ErrorCode::InvalidParameterValue, problem.to_string()),
    }
}

#[cfg(test)]
mod tests;
