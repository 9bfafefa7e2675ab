//! `logged-models/`: models as runs made them.

mod forms;
mod params;
mod search;
mod tags;
#[cfg(test)]
mod tests;

use http::Method;
use weir_core::access::Role;
use weir_core::id::RunId;
use weir_store::catalog::{LoggedModel, LoggedModelProblem, LoggedModelStatus, NewLoggedModel, ProjectRecord};

use super::errors::Refused;
use super::front::Front;
use super::names::check_length;
use super::routes::{Endpoint, Handler};
use super::wire::{Args, Reply, reply};
use super::{experiments, runs};
use forms::{ModelForm, OneModel};

const fn write(method: Method, path: &'static str, handle: Handler) -> Endpoint {
    Endpoint { method, path, role: Role::Write, handle }
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    write(Method::POST, "/2.0/mlflow/logged-models", create),
    Endpoint {
        method: Method::POST,
        path: "/2.0/mlflow/logged-models/search",
        role: Role::Read,
        handle: search::search,
    },
    Endpoint { method: Method::GET, path: "/2.0/mlflow/logged-models/{model_id}", role: Role::Read, handle: get },
    write(Method::PATCH, "/2.0/mlflow/logged-models/{model_id}", finalize),
    write(Method::DELETE, "/2.0/mlflow/logged-models/{model_id}", delete),
    write(Method::PATCH, "/2.0/mlflow/logged-models/{model_id}/tags", tags::set),
    write(Method::DELETE, "/2.0/mlflow/logged-models/{model_id}/tags/{*tag_key}", tags::delete),
    write(Method::POST, "/2.0/mlflow/logged-models/{model_id}/params", params::add),
];

/// Characters of a name, of a sort of model.
const MAX_NAME: usize = 500;
/// Characters that no name has.
const BAD: [char; 6] = ['/', ':', '.', '%', '"', '\''];

const STATUSES: &[(&str, i64, LoggedModelStatus)] = &[
    ("LOGGED_MODEL_STATUS_UNSPECIFIED", 0, LoggedModelStatus::Unspecified),
    ("LOGGED_MODEL_PENDING", 1, LoggedModelStatus::Pending),
    ("LOGGED_MODEL_READY", 2, LoggedModelStatus::Ready),
    ("LOGGED_MODEL_UPLOAD_FAILED", 3, LoggedModelStatus::Failed),
];

/// A logged model that is not deleted.
pub(super) fn find(front: &Front, id: &str) -> Result<Option<LoggedModel>, Refused> {
    Ok(front.parts.catalog.logged_model(id)?.filter(|model| !model.deleted))
}

fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let project = active(front, fields.required("experiment_id")?)?;
    let name = fields.text("name")?.filter(|name| !name.is_empty()).map(named).transpose()?;
    let id = RunId::new();
    let model_type = fields.text("model_type")?.unwrap_or_default();
    let run_id = fields.text("source_run_id")?.unwrap_or_default();
    for (what, text) in [("model_type", model_type), ("source_run_id", run_id)] {
        check_length(what, MAX_NAME, text)?;
    }
    let model_id = format!("m-{id}");
    let new = NewLoggedModel {
        project: project.number,
        name: name.map_or_else(|| runs::name::generate(id), str::to_owned),
        artifact_uri: format!("{}/models/{model_id}/artifacts", project.artifact_location.trim_end_matches('/')),
        id: model_id,
        model_type: model_type.to_owned(),
        run_id: run_id.to_owned(),
        tags: tags::read(&fields)?,
        params: params::read(&fields)?,
        now_ms: front.now_ms(),
    };
    answer(&front.parts.catalog.create_logged_model(new)?)
}

/// The experiment of an id, which must not be deleted.
fn active(front: &Front, id: &str) -> Result<ProjectRecord, Refused> {
    let project = experiments::find(front, id)?;
    if project.deleted {
        let message = format!(
            "The experiment {} must be in the 'active' state. Current state is deleted. Restore it, or name another \
             one.",
            project.number
        );
        return Err(Refused::invalid(message));
    }
    Ok(project)
}

fn named(name: &str) -> Result<&str, Refused> {
    if name.contains(BAD) {
        return Err(Refused::invalid(format!(
            "Invalid model name ('{name}') provided. Model name must be a non-empty string and cannot contain the following \
             characters: ('/', ':', '.', '%', '\"', \"'\")"
        )));
    }
    check_length("name", MAX_NAME, name)?;
    Ok(name)
}

fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let id = args.path("model_id");
    let deleted = args.fields().text("allow_deleted")?.is_some_and(|word| word.eq_ignore_ascii_case("true"));
    let found = front.parts.catalog.logged_model(id)?.filter(|model| deleted || !model.deleted);
    answer(&found.ok_or_else(|| missing(id))?)
}

fn finalize(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (id, fields) = (args.path("model_id"), args.fields());
    let status = fields.choice("status", STATUSES)?.ok_or_else(|| fields.absent("status"))?;
    let now_ms = front.now_ms();
    answer(&front.parts.catalog.mark_logged_model(id, status, now_ms).map_err(|e| refused(e, id))?)
}

fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let id = args.path("model_id");
    front.parts.catalog.delete_logged_model(id, front.now_ms()).map_err(|e| refused(e, id))?;
    Ok(Reply::empty())
}

fn missing(id: &str) -> Refused {
    Refused::missing(format!("Logged model with ID '{id}' not found."))
}

fn refused(problem: LoggedModelProblem, id: &str) -> Refused {
    match problem {
        LoggedModelProblem::Missing => missing(id),
        LoggedModelProblem::Store(error) => error.into(),
        LoggedModelProblem::NoTag => Refused::missing(problem.to_string()),
        LoggedModelProblem::ParamTaken(key, value) => Refused::invalid(format!(
            "Changing param values is not allowed. Param with key='{key}' was already logged with value='{value}' for model \
             ID='{id}'."
        )),
    }
}

fn answer(model: &LoggedModel) -> Result<Reply, Refused> {
    reply(&OneModel { model: ModelForm::of(model) })
}
