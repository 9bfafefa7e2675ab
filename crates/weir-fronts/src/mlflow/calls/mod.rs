//! The gateway's calls as runs of one experiment: nothing of them is stored a second time. A run of a call is made when it
//! is asked for; only what people do to it, tags and the bin, is kept beside it.
//!
//! Invariants: such a run and the call have ids that lead to each other ([`id`]); its params and metrics are the call's
//! and never change; runs that clients make in the same experiment are runs like any other.

mod filter;
mod id;
mod meaning;
mod search;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use weir_core::filter::{Field, Filter};
use weir_core::id::RunId;
use weir_core::span::Span;
use weir_store::catalog::{CallMark, Point, ProjectRecord, Run, RunRecord, RunStatus};
use weir_store::telemetry::{OrderBy, SpanQuery, SpanRef, TimeRange};

pub(super) use search::search;
pub(super) use write::{delete_tag, log, mark, update};

use super::call_run::{Artifact, CallRun, RunStatus as CallStatus, Template};
use super::errors::Refused;
use super::front::Front;

/// Spans with the short id of one that are looked through for its trace.
const NAMESAKES: usize = 100;

/// How calls are shown as runs.
#[derive(Clone, Debug)]
pub struct CallRuns {
    /// The experiment that lists them.
    pub experiment: String,
    /// Their tag `environment`.
    pub environment: String,
}

impl CallRuns {
    /// Runs of an experiment of that name, or of the usual one.
    #[must_use]
    pub fn new(experiment: Option<String>, environment: String) -> Self {
        Self { experiment: experiment.unwrap_or_else(|| "llmops-production-api".to_owned()), environment }
    }
}

/// The experiment of the calls, made when it is first asked for.
pub(super) fn project(front: &Front) -> Result<ProjectRecord, Refused> {
    if let Some(project) = known_project(front)? {
        return Ok(project);
    }
    let (catalog, name) = (&front.parts.catalog, &front.parts.calls.experiment);
    catalog.ensure_projects(std::slice::from_ref(name))?;
    let made = catalog.project_of_key(name)?;
    made.ok_or_else(|| Refused::missing(format!("Could not find experiment with name '{name}'")))
}

/// The experiment of the calls, if anybody has asked for it.
pub(super) fn known_project(front: &Front) -> Result<Option<ProjectRecord>, Refused> {
    Ok(front.parts.catalog.project_of_key(&front.parts.calls.experiment)?)
}

/// The run of a call; `None` where no call has that id.
pub(super) fn find(front: &Front, id: RunId) -> Result<Option<Run>, Refused> {
    let Some(span) = span(front, id, false)? else { return Ok(None) };
    let project = project(front)?;
    let mark = front.parts.catalog.call_marks(&[id])?.remove(&id);
    Ok(Some(run(front, &project, &span, mark.as_ref())))
}

/// The text files of a call's run; `None` where no call has that id.
pub(super) fn artifacts(front: &Front, id: RunId) -> Result<Option<Vec<Artifact>>, Refused> {
    let Some(span) = span(front, id, true)? else { return Ok(None) };
    let text = match template_hash(&span) {
        None => None,
        Some(hash) => Some(front.parts.catalog.content(&hash)?.map(|content| content.text())),
    };
    let template = match &text {
        None => Template::Passed,
        Some(None) => Template::Unknown,
        Some(Some(text)) => Template::Text(text),
    };
    Ok(Some(CallRun::new(&span, template, &front.parts.calls.environment).artifacts))
}

/// The text file that stands at a path of the artifact store, if that is of a call: nothing is stored there.
pub(super) fn text_at(front: &Front, path: &str) -> Result<Option<String>, Refused> {
    let Some((id, name)) = of_path(front, path)? else { return Ok(None) };
    let files = artifacts(front, id)?.unwrap_or_default();
    Ok(files.into_iter().find(|file| file.name == name).map(|file| file.text))
}

/// Names and sizes of the text files of the call whose root a folder of the artifact store is.
pub(super) fn files_at(front: &Front, folder: &str) -> Result<Vec<(&'static str, u64)>, Refused> {
    match of_path(front, folder)? {
        Some((id, "")) => {
            let files = artifacts(front, id)?.unwrap_or_default();
            Ok(files.into_iter().map(|file| (file.name, file.text.len() as u64)).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// The run that a path of the artifact store belongs to, if it is in the experiment of the calls, and what follows the
/// root: `<experiment>/<run>/artifacts/<rest>`.
fn of_path<'a>(front: &Front, path: &'a str) -> Result<Option<(RunId, &'a str)>, Refused> {
    let mut parts = path.splitn(4, '/');
    let (experiment, run, folder) = (parts.next(), parts.next(), parts.next());
    let Some(id) = run.and_then(|run| RunId::parse(run).filter(|_| run.len() == 32)) else { return Ok(None) };
    let calls = known_project(front)?.map(|project| project.number.to_string());
    if folder != Some("artifacts") || calls.is_none() || experiment != calls.as_deref() {
        return Ok(None);
    }
    Ok(Some((id, parts.next().unwrap_or_default())))
}

fn template_hash(span: &Span) -> Option<String> {
    let prompt: serde_json::Value = serde_json::from_str(span.attributes.get("prompt")?).ok()?;
    Some(prompt.get("hash")?.as_str()?.to_owned())
}

/// Whether a span is shown as a run: a call that has ended.
fn is_shown(span: &Span) -> bool {
    span.is_call() && span.end_us.is_some()
}

/// The call of a run's id.
fn span(front: &Front, run: RunId, with_payload: bool) -> Result<Option<Span>, Refused> {
    let telemetry = &front.parts.telemetry;
    // The usual ids are the span's own; it is not read whole only to see whether it is there.
    for span in id::spans(run) {
        let query = SpanQuery {
            range: TimeRange::default(),
            filter: Filter::eq(Field::SpanId, span.to_string()),
            order: OrderBy::Start,
            ascending: false,
            limit: NAMESAKES,
            cursor: None,
            with_payload: false,
        };
        let found = telemetry.spans(&query)?.spans.into_iter().find(|s| id::run(s.span_key()) == run && is_shown(s));
        if let Some(found) = found {
            let whole = SpanRef::Key(found.trace_id, found.span_id);
            return Ok(if with_payload { telemetry.span(&whole)? } else { Some(found) });
        }
    }
    Ok(None)
}

/// A call as a run, with what was done to it.
fn run(front: &Front, project: &ProjectRecord, span: &Span, mark: Option<&CallMark>) -> Run {
    let id = id::run(span.span_key());
    let call = CallRun::new(span, Template::Unknown, &front.parts.calls.environment);
    let mut tags: HashMap<&str, &str> = call.tags.iter().map(|(key, value)| (*key, value.as_str())).collect();
    for (key, value) in mark.iter().flat_map(|mark| &mark.tags) {
        match value {
            Some(value) => tags.insert(key, value),
            None => tags.remove(key.as_str()),
        };
    }
    let name = tags.get("mlflow.runName").map_or_else(|| call.run_name.clone(), |name| (*name).to_owned());
    let mut tags: Vec<(Arc<str>, String)> = tags.into_iter().map(|(k, v)| (Arc::from(k), v.to_owned())).collect();
    tags.sort_unstable();
    let mut params: Vec<_> = call.params.into_iter().map(|(key, value)| (Arc::from(key), value)).collect();
    params.sort_unstable();
    let point = |value| Point { timestamp_ms: call.end_ms.max(0), step: 0, value };
    // What people ask for first, by the name that they use for it.
    let latency = call.metrics.iter().find(|(key, _)| *key == "total_response_time_ms");
    let latency = latency.map(|(_, value)| ("latency_ms", *value));
    let mut metrics: Vec<_> =
        call.metrics.iter().copied().chain(latency).map(|(key, value)| (Arc::from(key), point(value))).collect();
    metrics.sort_by(|(a, _): &(Arc<str>, Point), (b, _)| a.cmp(b));
    let base = project.artifact_location.trim_end_matches('/');
    Run {
        record: RunRecord {
            id,
            project: project.number,
            name,
            user: span.key.clone().unwrap_or_default(),
            status: if call.status == CallStatus::Finished { RunStatus::Finished } else { RunStatus::Failed },
            start_ms: call.start_ms,
            end_ms: Some(call.end_ms),
            artifact_uri: format!("{base}/{id}/artifacts"),
            deleted: project.deleted || mark.is_some_and(|mark| mark.deleted),
        },
        params,
        metrics,
        tags,
        datasets: Vec::new(),
        models_in: Vec::new(),
        models_out: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
