//! `POST traces`: what the client says of a trace, at its end.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_core::span::Status;
use weir_store::traces::{TraceRow, TraceWrite};

use super::assemble;
use super::info::{self, State, TraceInfo};
use super::{experiments, id, names};
use crate::mlflow::assessments;
use crate::mlflow::errors::{ErrorCode, Refused};
use crate::mlflow::front::Front;
use crate::mlflow::wire::{Args, Fields, Reply, reply};

/// Tags that the server sets itself.
pub(super) const RESERVED: [&str; 4] =
    [names::ARTIFACT_LOCATION, names::SPANS_LOCATION, names::ARCHIVE_LOCATION, names::ARCHIVAL_FAILURE];
/// Longest preview that is kept, in bytes.
const MOST_PREVIEW: usize = 64 << 10;

#[derive(Serialize)]
pub(super) struct Answer {
    trace: Trace,
}

#[derive(Serialize)]
struct Trace {
    trace_info: TraceInfo,
}

impl Answer {
    pub(super) fn of(trace_info: TraceInfo) -> Self {
        Self { trace: Trace { trace_info } }
    }
}

pub(super) fn start(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let trace = fields.object("trace")?.ok_or_else(|| fields.absent("trace"))?;
    let said = trace.object("trace_info")?.ok_or_else(|| trace.absent("trace_info"))?;
    let write = write(front, &said)?;
    front.parts.traces.write_traces(std::slice::from_ref(&write))?;
    let now = front.parts.clock.now();
    let scores = said
        .objects("assessments")?
        .iter()
        .map(|said| assessments::read(said, write.id, now))
        .collect::<Result<Vec<_>, _>>()?;
    if !scores.is_empty() {
        front.parts.scores.put(&scores)?;
    }
    let info = assemble::info_of(front, write.id)?.ok_or_else(vanished)?;
    reply(&Answer::of(info))
}

fn write(front: &Front, said: &Fields<'_>) -> Result<TraceWrite, Refused> {
    let (id, foreign_id) = id::made(said.required("trace_id")?)?;
    let location = said.object("trace_location")?.ok_or_else(|| said.absent("trace_location"))?;
    let experiment = location.object("mlflow_experiment")?.ok_or_else(|| location.absent("mlflow_experiment"))?;
    let project = experiments::active(front, experiment.required("experiment_id")?)?;
    let start_ms = match said.text("request_time")? {
        None => front.parts.clock.now().div_euclid(1_000),
        Some(text) => info::parse_time(text).ok_or_else(|| malformed("request_time", text, "an RFC 3339 time"))?,
    };
    let duration = said.text("execution_duration")?;
    let duration_ms = duration.map(|text| {
        info::parse_duration(text).ok_or_else(|| malformed("execution_duration", text, "seconds, as \"0.5s\""))
    });
    let status = match said.choice("state", State::ALL)? {
        Some(State::Ok) => Some(Status::Success),
        Some(State::Error) => Some(Status::Error),
        Some(State::InProgress) => Some(Status::Pending),
        Some(State::Unspecified) | None => None,
    };
    let preview = |name: &str| -> Result<_, Refused> {
        Ok(said.text(name)?.map(|text| text[..text.floor_char_boundary(MOST_PREVIEW)].to_owned()))
    };
    let (tags, name) = tags(said.map("tags")?);
    let mut metadata: BTreeMap<_, _> = owned(said.map("trace_metadata")?);
    metadata.insert(names::FINALIZED.to_owned(), "true".to_owned());
    let row = TraceRow {
        foreign_id,
        project: Some(project.key),
        name,
        session: metadata.get(names::SESSION).cloned(),
        start_us: Some(start_ms.saturating_mul(1_000)),
        duration_us: duration_ms.transpose()?.map(|ms| ms.saturating_mul(1_000)),
        status,
        request_preview: preview("request_preview")?,
        response_preview: preview("response_preview")?,
        client_request_id: said.text("client_request_id")?.map(str::to_owned),
        tags,
        metadata,
    };
    Ok(TraceWrite { id, row, removed_tags: Vec::new() })
}

/// Tags without those that are the server's, and the trace's name, which is one of them on the wire.
pub(super) fn tags(said: Vec<(&str, &str)>) -> (BTreeMap<String, String>, Option<String>) {
    let mut tags = owned(said);
    for reserved in RESERVED {
        tags.remove(reserved);
    }
    let name = tags.remove(names::TRACE_NAME);
    (tags, name)
}

pub(super) fn owned(said: Vec<(&str, &str)>) -> BTreeMap<String, String> {
    said.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Deleted between its write and its reading back.
pub(super) fn vanished() -> Refused {
    Refused::new(ErrorCode::ResourceConflict, "the trace was deleted while it was being written; send it again")
}

fn malformed(name: &str, text: &str, wanted: &str) -> Refused {
    let shown = info::first(text, 100);
    Refused::invalid(format!("Invalid value '{shown}' for parameter '{name}' supplied: it must be {wanted}"))
}
