//! `POST delete-traces`: by their ids, or the oldest ones up to an instant.

use serde::Serialize;
use weir_core::id::TraceId;
use weir_store::traces::{HeadQuery, Place};

use super::{experiments, id};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Reply, reply};

/// Heads that are read at once.
const AT_ONCE: usize = 1_000;
/// Most traces that one request deletes.
const MOST: usize = 1_000_000;

#[derive(Serialize)]
struct Deleted {
    traces_deleted: u64,
}

pub(super) fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let experiment_id = fields.required("experiment_id")?;
    let (until, most) = (fields.int("max_timestamp_millis")?, fields.int("max_traces")?);
    let named = fields.texts("request_ids")?;
    if until.is_none() && named.is_empty() {
        return Err(Refused::invalid("Either `max_timestamp_millis` or `trace_ids` must be specified."));
    }
    if until.is_some() && !named.is_empty() {
        return Err(Refused::invalid("Only one of `max_timestamp_millis` and `trace_ids` can be specified."));
    }
    if !named.is_empty() && most.is_some() {
        return Err(Refused::invalid("`max_traces` can't be specified if `trace_ids` is specified."));
    }
    if let Some(most) = most.filter(|most| *most <= 0) {
        return Err(Refused::invalid(format!("`max_traces` must be a positive integer, received {most}.")));
    }
    let Some(project) = experiments::project(front, experiment_id)? else {
        return reply(&Deleted { traces_deleted: 0 });
    };
    let ids = match until {
        Some(until) => up_to(front, &project.key, until, most)?,
        None => of_project(front, &project.key, &named)?,
    };
    front.parts.scores.delete_of(&ids)?;
    reply(&Deleted { traces_deleted: front.parts.traces.delete_traces(&ids)? })
}

/// Those of the named traces that belong to the project.
fn of_project(front: &Front, key: &str, named: &[&str]) -> Result<Vec<TraceId>, Refused> {
    let ids: Vec<TraceId> = named.iter().map(|named| id::read(named).0).collect();
    let heads = front.parts.traces.trace_heads(&ids)?;
    let totals = front.parts.traces.trace_totals(&ids)?;
    let mut found = Vec::new();
    for (head, totals) in heads.into_iter().zip(totals) {
        let Some(head) = head else { continue };
        let own = head.row.and_then(|row| row.project).or_else(|| head.root?.project).or(totals.project);
        if own.as_deref().unwrap_or(weir_store::catalog::DEFAULT_PROJECT_KEY) == key {
            found.push(head.id);
        }
    }
    Ok(found)
}

/// The traces up to an instant; if only so many, the oldest.
fn up_to(front: &Front, key: &str, until: i64, most: Option<i64>) -> Result<Vec<TraceId>, Refused> {
    let mut places: Vec<Place> = Vec::new();
    loop {
        let heads = front.parts.traces.list_traces(&HeadQuery {
            projects: vec![key.to_owned()],
            to_ms: Some(until.saturating_add(1)),
            after: places.last().copied(),
            limit: AT_ONCE,
            ..HeadQuery::default()
        })?;
        let last = heads.len() < AT_ONCE;
        places.extend(heads.into_iter().map(|head| Place { at_ms: head.at_ms, id: head.id }));
        if places.len() > MOST {
            return Err(Refused::invalid(format!(
                "More than {MOST} traces are meant; name an earlier `max_timestamp_millis`."
            )));
        }
        if last {
            break;
        }
    }
    places.sort_by_key(|place| (place.at_ms, place.id));
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    Ok(places.into_iter().take(most).map(|place| place.id).collect())
}
