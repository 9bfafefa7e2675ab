//! From what a trace says of itself and what its spans say to its `TraceInfo`.

use weir_core::id::{SpanKey, TraceId};
use weir_core::span::{Span, Status};
use weir_core::token::TokenCounts;
use weir_store::traces::{Totals, TraceHead, TraceRow};

use super::experiments::ByKey;
use super::info::{State, TraceInfo};
use super::{id, names, preview, scores};
use crate::mlflow::assessments::Form;
use crate::mlflow::errors::Refused;
use crate::mlflow::front::Front;
use crate::otlp::out;

/// What is known of these traces.
pub(super) fn infos(front: &Front, heads: Vec<TraceHead>) -> Result<Vec<TraceInfo>, Refused> {
    let ids: Vec<TraceId> = heads.iter().map(|head| head.id).collect();
    let totals = front.parts.traces.trace_totals(&ids)?;
    let roots = roots(front, &heads)?;
    let scores = scores::of(front, &ids)?;
    let mut projects = ByKey::new(front);
    let mut infos = Vec::with_capacity(heads.len());
    for (((head, totals), root), scores) in heads.into_iter().zip(&totals).zip(roots).zip(scores) {
        let mut info = known(&head, totals, &mut projects)?;
        if let Some(root) = root {
            let of = |text: &Option<String>, role| text.as_deref().map(|text| preview::of(text, role));
            info.request_preview = info.request_preview.or_else(|| of(&root.input, "user"));
            info.response_preview = info.response_preview.or_else(|| of(&root.output, "assistant"));
        }
        let form = |score| serde_json::value::to_raw_value(&Form::of(score, &info.trace_id)).ok();
        info.assessments = scores.iter().filter_map(form).collect();
        infos.push(info);
    }
    Ok(infos)
}

/// What is known of one trace.
pub(super) fn info_of(front: &Front, id: TraceId) -> Result<Option<TraceInfo>, Refused> {
    let head = front.parts.traces.trace_heads(&[id])?.pop().flatten();
    Ok(head.map(|head| infos(front, vec![head])).transpose()?.and_then(|mut infos| infos.pop()))
}

/// The roots with their payloads, of those traces whose previews have to be made of them.
fn roots(front: &Front, heads: &[TraceHead]) -> Result<Vec<Option<Span>>, Refused> {
    let lacks = |head: &&TraceHead| {
        head.row.as_ref().is_none_or(|row| row.request_preview.is_none() || row.response_preview.is_none())
    };
    let speaking = |root: &&Span| speaks(root);
    let wanted = |head: &TraceHead| Some(head).filter(lacks)?.root.as_ref().filter(speaking).map(Span::span_key);
    let keys: Vec<SpanKey> = heads.iter().filter_map(wanted).collect();
    let mut read = front.parts.traces.spans_by_key(&keys)?.into_iter();
    Ok(heads.iter().map(|head| wanted(head).and_then(|_| read.next().flatten())).collect())
}

/// What is known without payloads.
pub(super) fn known(head: &TraceHead, totals: &Totals, projects: &mut ByKey<'_>) -> Result<TraceInfo, Refused> {
    let nothing = TraceRow::default();
    let row = head.row.as_ref().unwrap_or(&nothing);
    let root = head.root.as_ref();
    let trace_id = row.foreign_id.clone().unwrap_or_else(|| id::print(head.id));
    let key = row.project.as_deref().or_else(|| root?.project.as_deref()).or(totals.project.as_deref());
    let project = projects.get(key)?;
    // One that says nothing begins with its root, by which it is listed, and ends with its last span.
    let start_us = row.start_us.or_else(|| root?.start_us).or(totals.start_us);
    let duration_us = match row.start_us {
        Some(_) => row.duration_us,
        None => totals.end_us.zip(start_us).map(|(end, start)| end.saturating_sub(start).max(0)),
    };
    let mut info = TraceInfo {
        experiment_id: project.number.to_string(),
        client_request_id: row.client_request_id.clone(),
        request_preview: row.request_preview.clone(),
        response_preview: row.response_preview.clone(),
        request_time_ms: start_us.map_or(head.at_ms, |us| us.div_euclid(1_000)),
        execution_ms: duration_us.map(|us| us.div_euclid(1_000)),
        state: state(row.status, root),
        metadata: row.metadata.clone(),
        tags: row.tags.clone(),
        assessments: Vec::new(),
        trace_id,
    };
    let artifacts = format!("{}/traces/{}/artifacts", project.artifact_location.trim_end_matches('/'), info.trace_id);
    info.tags.insert(names::ARTIFACT_LOCATION.to_owned(), artifacts);
    if let Some(name) = row.name.clone().or_else(|| root.filter(|root| speaks(root)).map(out::name)) {
        info.tags.insert(names::TRACE_NAME.to_owned(), name);
    }
    if totals.spans > 0 {
        info.tags.insert(names::SPANS_LOCATION.to_owned(), names::TRACKING_STORE.to_owned());
    }
    for (name, value) in root.into_iter().flat_map(|root| &root.attributes) {
        if let Some(tag) = name.strip_prefix(names::TAG_PREFIX)
            && !info.tags.contains_key(tag)
        {
            let text = serde_json::from_str::<String>(value).unwrap_or_else(|_| value.clone());
            // Once more where the client has written JSON into a text.
            let text = serde_json::from_str(&text).unwrap_or(text);
            info.tags.insert(tag.to_owned(), text);
        }
    }
    let said = [
        (names::SESSION, row.session.clone().or_else(|| totals.session.clone())),
        (names::USER, totals.user.clone()),
        (names::TOKEN_USAGE, totals.tokens.as_ref().map(|tokens| usage(tokens).to_string())),
        (names::COST, totals.cost.map(|cost| serde_json::json!({ "total_cost": cost.as_usd() }).to_string())),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            info.metadata.entry(name.to_owned()).or_insert(value);
        }
    }
    Ok(info)
}

/// Tokens in MLflow's classes.
pub(super) fn usage(tokens: &TokenCounts) -> serde_json::Value {
    let (input, output) = (tokens.input_total(), tokens.output_total());
    let mut usage = serde_json::json!({
        "input_tokens": input, "output_tokens": output, "total_tokens": input.saturating_add(output),
    });
    let written = tokens.cache_write.saturating_add(tokens.cache_write_1h);
    for (name, count) in [("cache_read_input_tokens", tokens.cached), ("cache_creation_input_tokens", written)] {
        if count > 0
            && let Some(usage) = usage.as_object_mut()
        {
            usage.insert(name.to_owned(), count.into());
        }
    }
    usage
}

/// Whether a root tells of its trace: one that has no parent, or a call of the gateway, whose caller is traced elsewhere.
/// Any other span has a parent that is still to come.
fn speaks(root: &Span) -> bool {
    root.parent_id.is_none() || root.request_id.is_some()
}

/// How a trace ended: what it says; while it says that it goes on, or nothing, what its root says.
fn state(said: Option<Status>, root: Option<&Span>) -> State {
    let of = |status| match status {
        Status::Pending => State::InProgress,
        Status::Success | Status::Cached => State::Ok,
        Status::Error | Status::RateLimited | Status::Blocked | Status::Cancelled => State::Error,
    };
    match (said, root) {
        (Some(said), _) if said != Status::Pending => of(said),
        (_, Some(root)) if speaks(root) => root.status.map_or(State::InProgress, of),
        _ => State::InProgress,
    }
}
