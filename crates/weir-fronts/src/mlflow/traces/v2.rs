//! The second version of the protocol, for clients before 3.0: a trace is begun, then ended, and is known by 32 hex digits.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_core::id::TraceId;
use weir_core::span::Status;
use weir_store::traces::{TraceRow, TraceWrite};

use super::info::{State, TraceInfo, cut};
use super::{assemble, experiments, id, names, search, start, tags};
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, reply};

#[derive(Serialize)]
struct Answer {
    trace_info: Form,
}

#[derive(Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    traces: Vec<Form>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct Form {
    request_id: String,
    experiment_id: String,
    timestamp_ms: i64,
    execution_time_ms: i64,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    request_metadata: Vec<Pair>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Pair>,
}

#[derive(Serialize)]
struct Pair {
    key: String,
    value: String,
}

/// `POST traces`.
pub(super) fn start(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let project = experiments::active(front, fields.required("experiment_id")?)?;
    let start_ms = fields.int("timestamp_ms")?.unwrap_or_default();
    let request_id = id::digits(TraceId::new());
    let (id, foreign_id) = id::made(&request_id)?;
    let said = said(&fields)?;
    let start_us = Some(start_ms.saturating_mul(1_000));
    let row = TraceRow { foreign_id, project: Some(project.key), start_us, status: Some(Status::Pending), ..said };
    written(front, &TraceWrite { id, row, removed_tags: Vec::new() })
}

/// `PATCH traces/{request_id}`.
pub(super) fn end(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let (id, row) = tags::existing(front, args.path("trace_id"))?;
    let status = match fields.choice("status", STATUSES)? {
        Some(State::Ok) => Some(Status::Success),
        Some(State::Error) => Some(Status::Error),
        _ => Some(Status::Pending),
    };
    let end_us = fields.int("timestamp_ms")?.map(|ms| ms.saturating_mul(1_000));
    let duration_us = end_us.zip(row.start_us).map(|(end, start)| end.saturating_sub(start));
    let row = TraceRow { duration_us, status, ..said(&fields)? };
    written(front, &TraceWrite { id, row, removed_tags: Vec::new() })
}

/// `GET traces/{request_id}/info`.
pub(super) fn info(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let trace_id = args.path("trace_id");
    let info = assemble::info_of(front, id::read(trace_id).0)?.ok_or_else(|| tags::not_found(trace_id))?;
    reply(&Answer { trace_info: form(info) })
}

/// `GET traces`.
pub(super) fn search(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let experiments = fields.texts("experiment_ids")?;
    if experiments.is_empty() {
        return Err(fields.absent("experiment_ids"));
    }
    let (traces, next_page_token) = search::find(front, &fields, &experiments)?;
    reply(&Found { traces: traces.into_iter().map(form).collect(), next_page_token })
}

const STATUSES: &[(&str, i64, State)] = &[
    ("TRACE_STATUS_UNSPECIFIED", 0, State::Unspecified),
    ("OK", 1, State::Ok),
    ("ERROR", 2, State::Error),
    ("IN_PROGRESS", 3, State::InProgress),
];

fn written(front: &Front, write: &TraceWrite) -> Result<Reply, Refused> {
    front.parts.traces.write_traces(std::slice::from_ref(write))?;
    let info = assemble::info_of(front, write.id)?.ok_or_else(start::vanished)?;
    reply(&Answer { trace_info: form(info) })
}

/// Tags and metadata.
fn said(fields: &Fields<'_>) -> Result<TraceRow, Refused> {
    let pairs = |name: &str| -> Result<Vec<(&str, &str)>, Refused> {
        fields
            .objects(name)?
            .into_iter()
            .map(|pair| Ok((pair.required("key")?, pair.text("value")?.unwrap_or_default())))
            .collect()
    };
    let (tags, name) = start::tags(pairs("tags")?);
    let metadata: BTreeMap<_, _> = start::owned(pairs("request_metadata")?);
    Ok(TraceRow { name, session: metadata.get(names::SESSION).cloned(), tags, metadata, ..TraceRow::default() })
}

fn form(info: TraceInfo) -> Form {
    let pairs = |map: &BTreeMap<String, String>, most| {
        let pair = |(key, value): (&str, &str)| Pair { key: key.to_owned(), value: value.to_owned() };
        cut(map, most).into_iter().map(pair).collect()
    };
    let request_metadata = pairs(&info.metadata, names::MOST_METADATA);
    let tags = pairs(&info.tags, names::MOST_TAG);
    let status =
        STATUSES.iter().find(|(.., state)| *state == info.state).map_or("TRACE_STATUS_UNSPECIFIED", |(name, ..)| name);
    Form {
        request_id: info.trace_id,
        experiment_id: info.experiment_id,
        timestamp_ms: info.request_time_ms,
        execution_time_ms: info.execution_ms.unwrap_or_default(),
        status,
        request_metadata,
        tags,
    }
}
