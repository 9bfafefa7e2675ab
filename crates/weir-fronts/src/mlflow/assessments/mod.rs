//! Assessments of traces: Weir's scores in MLflow's form.

mod form;
mod read;

use http::Method;
use serde::Serialize;
use weir_core::access::Role;
use weir_core::id::{ScoreId, TraceId};
use weir_core::score::{Score, ScoreTarget};

use super::errors::Refused;
use super::front::Front;
use super::routes::Endpoint;
use super::traces::id;
use super::wire::{Args, Reply, reply};

pub(in crate::mlflow) use form::Form;
use read::changes;
pub(in crate::mlflow) use read::read;

const OF_TRACE: &str = "/3.0/mlflow/traces/{trace_id}/assessments";
const ONE: &str = "/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint { method: Method::POST, path: OF_TRACE, role: Role::Write, handle: create },
    Endpoint { method: Method::GET, path: ONE, role: Role::Read, handle: get },
    Endpoint { method: Method::PATCH, path: ONE, role: Role::Write, handle: update },
    Endpoint { method: Method::DELETE, path: ONE, role: Role::Write, handle: delete },
];

/// Scores of a trace that are looked through for one of them.
const MOST: usize = 10_000;

#[derive(Serialize)]
struct Answer<'a> {
    assessment: Form<'a>,
}

fn create(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let assessment = fields.object("assessment")?.ok_or_else(|| fields.absent("assessment"))?;
    let name = args.path("trace_id");
    let no_trace = || Refused::missing(format!("Trace with ID '{name}' not found."));
    let (trace, _) = id::read(name);
    if !is_known(front, trace)? {
        return Err(no_trace());
    }
    let score = read(&assessment, trace, front.parts.clock.now())?;
    if let Some(id) = score.overrides {
        let there = match front.parts.scores.score(id)? {
            Some(old) => belongs(front, &old, trace)?,
            None => false,
        };
        if !there {
            return Err(missing(&form::assessment_id(id), name));
        }
    }
    front.parts.scores.put(std::slice::from_ref(&score))?;
    reply(&Answer { assessment: Form::of(&score, name) })
}

fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let (_, score) = named(front, args)?;
    reply(&Answer { assessment: Form::of(&score, args.path("trace_id")) })
}

fn update(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let assessment = fields.object("assessment")?.ok_or_else(|| fields.absent("assessment"))?;
    let mask = fields.required("update_mask")?;
    let (id, score) = named(front, args)?;
    let change = changes(&assessment, mask, score.kind)?;
    // What it would be, before anything is written.
    let mut changed = score;
    change(&mut changed);
    changed.check().map_err(|e| Refused::from(&e))?;
    let now = front.parts.clock.now();
    let changed = front.parts.scores.change(id, &mut |score| {
        change(score);
        score.updated_us = now.max(score.created_us);
    })?;
    let score = changed.ok_or_else(|| missing(args.path("assessment_id"), args.path("trace_id")))?;
    reply(&Answer { assessment: Form::of(&score, args.path("trace_id")) })
}

fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    // What is not there is deleted already.
    if let Ok((id, _)) = named(front, args) {
        front.parts.scores.delete(id)?;
    }
    Ok(Reply::empty())
}

/// The assessment that a path names.
fn named(front: &Front, args: &Args) -> Result<(ScoreId, Score), Refused> {
    let (trace_name, name) = (args.path("trace_id"), args.path("assessment_id"));
    let (trace, _) = id::read(trace_name);
    let score = match form::score_id(name) {
        Some(id) => front.parts.scores.score(id)?,
        None => None,
    };
    if let Some(score) = score
        && belongs(front, &score, trace)?
    {
        return Ok((score.id, score));
    }
    Err(if is_known(front, trace)? { missing(name, trace_name) } else { unknown(trace_name) })
}

/// Whether a score is one of a trace's assessments.
fn belongs(front: &Front, score: &Score, trace: TraceId) -> Result<bool, Refused> {
    Ok(match score.target.trace() {
        Some(of) => of == trace,
        // A call's trace is told by its span.
        None => front.parts.scores.of(&[ScoreTarget::Trace(trace)], MOST)?.iter().any(|other| other.id == score.id),
    })
}

fn is_known(front: &Front, trace: TraceId) -> Result<bool, Refused> {
    Ok(front.parts.traces.trace_heads(&[trace])?.iter().any(Option::is_some))
}

fn missing(assessment: &str, trace: &str) -> Refused {
    Refused::missing(format!("Assessment with ID '{assessment}' not found for trace '{trace}'"))
}

fn unknown(trace: &str) -> Refused {
    Refused::missing(format!("Trace with request_id '{trace}' not found"))
}
