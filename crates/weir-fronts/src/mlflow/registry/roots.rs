//! Where the artifacts of runs and of logged models lie.

use weir_core::id::RunId;

use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::logged_models;

/// What the registry needs to know of a logged model.
pub(super) struct Logged {
    pub(super) artifact_uri: String,
    pub(super) run_id: String,
}

/// A logged model that is not deleted.
pub(super) fn model(front: &Front, id: &str) -> Result<Option<Logged>, Refused> {
    let found = logged_models::find(front, id)?;
    Ok(found.map(|model| Logged { artifact_uri: model.artifact_uri, run_id: model.run_id }))
}

/// The root of a run's artifacts.
pub(super) fn run(front: &Front, id: &str) -> Result<Option<String>, Refused> {
    let Some(id) = RunId::parse(id) else { return Ok(None) };
    Ok(front.parts.catalog.run_record(id)?.map(|run| run.artifact_uri))
}
