//! Tags of a trace, set and deleted one by one.

use weir_store::traces::{TraceRow, TraceWrite};

use super::info::first;
use super::{id, names};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply};

/// Longest key.
const MOST_KEY: usize = 250;

pub(super) fn set(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (key, value) = (fields.required("key")?, fields.text("value")?.unwrap_or_default());
    immutable(key, "set")?;
    if key.chars().count() > MOST_KEY {
        return Err(Refused::invalid(format!("'key' exceeds the maximum length of {MOST_KEY} characters")));
    }
    let (id, _) = existing(front, args.path("trace_id"))?;
    let mut row = TraceRow::default();
    let value = first(value, names::MOST_TAG_KEPT).to_owned();
    if key == names::TRACE_NAME {
        row.name = Some(value);
    } else {
        row.tags.insert(key.to_owned(), value);
    }
    front.parts.traces.write_traces(&[TraceWrite { id, row, removed_tags: Vec::new() }])?;
    Ok(Reply::empty())
}

pub(super) fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let key = fields.required("key")?;
    if key != names::ARCHIVAL_FAILURE {
        immutable(key, "deleted")?;
    }
    let trace_id = args.path("trace_id");
    let (id, row) = existing(front, trace_id)?;
    if !row.tags.contains_key(key) {
        return Err(Refused::missing(format!("No trace tag with key '{key}' for trace with ID '{trace_id}'")));
    }
    let removed_tags = vec![key.to_owned()];
    front.parts.traces.write_traces(&[TraceWrite { id, row: TraceRow::default(), removed_tags }])?;
    Ok(Reply::empty())
}

fn immutable(key: &str, operation: &str) -> Result<(), Refused> {
    if [names::SPANS_LOCATION, names::ARCHIVE_LOCATION, names::ARCHIVAL_FAILURE, names::ARTIFACT_LOCATION]
        .contains(&key)
    {
        return Err(Refused::invalid(format!("Tag '{key}' is immutable and cannot be {operation} on a trace.")));
    }
    Ok(())
}

/// A trace that must be there, and what it says of itself.
pub(super) fn existing(front: &Front, trace_id: &str) -> Result<(weir_core::id::TraceId, TraceRow), Refused> {
    let (id, _) = id::read(trace_id);
    match front.parts.traces.trace_heads(&[id])?.pop().flatten() {
        Some(head) => Ok((id, head.row.unwrap_or_default())),
        None => Err(not_found(trace_id)),
    }
}

pub(super) fn not_found(trace_id: &str) -> Refused {
    Refused::missing(format!("Trace with ID '{trace_id}' not found."))
}
