//! What may be done to the run of a call: tags, the bin. All else is refused.

use weir_core::id::RunId;
use weir_store::catalog::{Batch, Run, RunChange, RunRecord};

use super::find;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;

/// The run of a call that may be changed.
fn active(front: &Front, id: RunId) -> Result<Option<Run>, Refused> {
    let Some(run) = find(front, id)? else { return Ok(None) };
    if run.record.deleted {
        return Err(Refused::invalid(format!("The run {id} must be in the 'active' state. Current state is deleted.")));
    }
    Ok(Some(run))
}

fn fixed(id: RunId, what: &str) -> Refused {
    Refused::invalid(format!(
        "The run {id} is a call that the gateway has made: its {what} cannot be changed. Tags can be set."
    ))
}

/// Sets tags; refuses params, metrics and whatever else. `None` where no call has that id.
pub(in crate::mlflow) fn log(front: &Front, id: RunId, batch: Batch) -> Result<Option<()>, Refused> {
    let Some(run) = active(front, id)? else { return Ok(None) };
    if !batch.metrics.is_empty() {
        return Err(fixed(id, "metrics"));
    }
    let same = |(key, value): &(String, String)| run.params.iter().any(|(k, v)| k.as_ref() == key && v == value);
    if !batch.params.iter().all(same) {
        return Err(fixed(id, "params"));
    }
    if !batch.tags.is_empty() {
        let tags = batch.tags.into_iter().map(|(key, value)| (key, Some(value))).collect();
        front.parts.catalog.tag_call(id, tags)?;
    }
    Ok(Some(()))
}

/// Takes a tag away. `None` where no call has that id.
pub(in crate::mlflow) fn delete_tag(front: &Front, id: RunId, key: &str) -> Result<Option<()>, Refused> {
    let Some(run) = active(front, id)? else { return Ok(None) };
    if run.tags.iter().all(|(k, _)| k.as_ref() != key) {
        return Err(Refused::missing(format!("No tag with name: {key} in run with id {id}")));
    }
    front.parts.catalog.tag_call(id, vec![(key.to_owned(), None)])?;
    Ok(Some(()))
}

/// Puts the run into the bin or takes it out. `None` where no call has that id.
pub(in crate::mlflow) fn mark(front: &Front, id: RunId, deleted: bool) -> Result<Option<()>, Refused> {
    if find(front, id)?.is_none() {
        return Ok(None);
    }
    front.parts.catalog.mark_call(id, deleted)?;
    Ok(Some(()))
}

/// Gives the run another name; refuses another status or end. `None` where no call has that id.
pub(in crate::mlflow) fn update(front: &Front, id: RunId, change: RunChange) -> Result<Option<RunRecord>, Refused> {
    let Some(run) = active(front, id)? else { return Ok(None) };
    let mut record = run.record;
    if change.status.is_some_and(|status| status != record.status) {
        return Err(fixed(id, "status"));
    }
    if change.end_ms.is_some_and(|end| Some(end) != record.end_ms) {
        return Err(fixed(id, "end"));
    }
    if let Some(name) = change.name {
        front.parts.catalog.tag_call(id, vec![("mlflow.runName".to_owned(), Some(name.clone()))])?;
        record.name = name;
    }
    Ok(Some(record))
}
