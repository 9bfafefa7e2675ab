//! A call as a run. What stands on it is what people's notebooks ask for, so names and forms are fixed:
//! [`CallRun::new`] says them all.
//!
//! Invariants: the first six params, the two latencies, the three token counts and the first three tags stand on every
//! run; values keep within the lengths that every MLflow server takes; only names that MLflow allows are used.

use serde::Serialize;
use weir_core::id::SpanKey;
use weir_core::span::{Span, Status};
use weir_core::time::Micros;

use super::texts;

/// Tag that identifies the call, by which a run is found again.
pub const CALL_ID: &str = "weir.call_id";
/// What Python's client writes for `None`.
const NONE: &str = "None";
/// The template of a call that was rendered from none: the messages passed untouched.
const PASSED: &str = "{{ user_message }}";
/// Characters of a param or tag; the oldest servers take so many.
const MAX_VALUE: usize = 500;
/// Characters of the failure's text among the tags.
const MAX_ERROR: usize = 1_000;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// The call was answered.
    Finished,
    /// It was not, or not wholly.
    Failed,
}

impl RunStatus {
    /// MLflow's name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
        }
    }
}

/// The template that a call was rendered from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Template<'a> {
    /// None: its messages passed untouched.
    #[default]
    Passed,
    /// One whose text is not known here.
    Unknown,
    /// This one.
    Text(&'a str),
}

/// A text file of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its name.
    pub name: &'static str,
    /// What stands in it.
    pub text: String,
}

/// A call as a run. Times are Unix milliseconds; values are in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallRun {
    /// `chat-YYYYMMDD-HHMMSS` of the start, UTC.
    pub run_name: String,
    /// What identifies the call: also the tag [`CALL_ID`].
    pub call_id: String,
    /// Start of the call.
    pub start_ms: i64,
    /// End of the call.
    pub end_ms: i64,
    /// How it ended.
    pub status: RunStatus,
    /// Params.
    pub params: Vec<(&'static str, String)>,
    /// Metrics; milliseconds, tokens, dollars.
    pub metrics: Vec<(&'static str, f64)>,
    /// Tags.
    pub tags: Vec<(&'static str, String)>,
    /// Text artifacts; what was not kept is left out.
    pub artifacts: Vec<Artifact>,
}

impl CallRun {
    /// The run of an ended call.
    #[must_use]
    pub fn new(span: &Span, template: Template<'_>, environment: &str) -> Self {
        let start = span.start_us.or(span.end_us).unwrap_or_default();
        let end = span.end_us.unwrap_or(start).max(start);
        let run_name = run_name(start);
        let call_id = call_id(span.span_key());
        let answered = is_hit(span) || span.status == Some(Status::Success);
        Self {
            start_ms: start.div_euclid(1_000),
            end_ms: end.div_euclid(1_000),
            status: if answered { RunStatus::Finished } else { RunStatus::Failed },
            params: params(span),
            metrics: metrics(span, end - start),
            tags: tags(span, environment, &run_name, &call_id, answered),
            artifacts: artifacts(span, template, answered),
            run_name,
            call_id,
        }
    }
}

fn run_name(start: Micros) -> String {
    let at = jiff::Timestamp::from_microsecond(start).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("chat-%Y%m%d-%H%M%S").to_string()
}

/// The span's id; with its trace's where it is one of OpenTelemetry's, which are unique only within a trace.
#[must_use]
pub fn call_id(key: SpanKey) -> String {
    let span = key.span.to_string();
    if span.len() == 32 { span } else { format!("{}-{span}", key.trace) }
}

fn is_hit(span: &Span) -> bool {
    span.status == Some(Status::Cached) || matches!(span.cache.as_deref(), Some("hit" | "semantic"))
}

fn params(span: &Span) -> Vec<(&'static str, String)> {
    let or_none = |text: Option<&str>| text.map_or_else(|| NONE.to_owned(), value);
    let sent = |names: &[&str]| names.iter().find_map(|name| attribute(span, name));
    let max_tokens = sent(&["max_tokens", "max_completion_tokens", "max_output_tokens"]);
    let mut params = vec![
        ("provider", or_none(span.provider.as_deref())),
        ("model", or_none(span.model.as_deref())),
        ("temperature", or_none(sent(&["temperature"]).as_deref())),
        ("max_tokens", or_none(max_tokens.as_deref())),
        ("department", or_none(span.department.as_deref())),
        ("cache_hit", if is_hit(span) { "True" } else { "False" }.to_owned()),
    ];
    let more = [
        ("api_version", attribute(span, "api_version")),
        ("api_base", attribute(span, "api_base")),
        ("prompt_name", span.prompt_name.clone()),
        ("prompt_version", span.prompt_version.clone()),
    ];
    params.extend(more.into_iter().filter_map(|(name, text)| Some((name, value(&text?)))));
    params
}

fn metrics(span: &Span, latency: Micros) -> Vec<(&'static str, f64)> {
    let upstream: Option<u64> = span.attributes.get("upstream_us").and_then(|json| json.parse().ok());
    let tokens = span.tokens.unwrap_or_default();
    let millis = |us: f64| us / 1_000.0;
    let mut metrics = vec![
        ("llm_latency_ms", millis(upstream.unwrap_or_default() as f64)),
        ("total_response_time_ms", millis(latency as f64)),
        ("prompt_tokens", tokens.input_total() as f64),
        ("completion_tokens", tokens.output_total() as f64),
        ("total_tokens", tokens.total() as f64),
    ];
    let hit = is_hit(span);
    if hit {
        metrics.push(("response_time_ms", millis(latency as f64)));
    }
    // An unknown price is not a price of 0.
    if let Some(cost) = span.cost.or(hit.then_some(weir_core::money::NanoUsd::ZERO)) {
        metrics.push(("cost_usd", cost.as_usd()));
    }
    metrics
}

fn tags(span: &Span, environment: &str, run_name: &str, call_id: &str, answered: bool) -> Vec<(&'static str, String)> {
    let or_none = |text: &Option<String>| text.as_deref().map_or_else(|| NONE.to_owned(), value);
    let mut tags = vec![
        ("environment", value(environment)),
        ("department", or_none(&span.department)),
        ("prompt_version", or_none(&span.prompt_version)),
        ("mlflow.runName", run_name.to_owned()),
        (CALL_ID, call_id.to_owned()),
    ];
    if let Some(id) = &span.request_id {
        tags.push(("weir.request_id", value(id)));
    }
    if let Some(status) = span.status {
        tags.push(("weir.status", status.as_str().to_owned()));
    }
    if let Some(error) = span.error.as_deref().filter(|_| !answered) {
        tags.push(("weir.error", cut(error, MAX_ERROR)));
    }
    tags
}

fn artifacts(span: &Span, template: Template<'_>, answered: bool) -> Vec<Artifact> {
    let prompt = span.input.as_deref().map(texts::prompt).unwrap_or_default();
    let template = match template {
        Template::Passed => Some(PASSED.to_owned()),
        Template::Text(text) => Some(text.to_owned()),
        Template::Unknown => None,
    };
    let response = if answered {
        span.output.as_deref().and_then(texts::response)
    } else {
        span.error.clone().or_else(|| span.error_type.clone())
    };
    let files = [
        ("prompt_template.jinja2", template),
        ("rendered_prompt.txt", prompt.rendered),
        ("user_message.txt", rendered_user_message(span).or(prompt.user_message)),
        ("response.txt", response),
    ];
    files.into_iter().filter_map(|(name, text)| Some(Artifact { name, text: text? })).collect()
}

/// What the caller wrote, before a template was put around it.
fn rendered_user_message(span: &Span) -> Option<String> {
    let prompt: serde_json::Value = serde_json::from_str(span.attributes.get("prompt")?).ok()?;
    prompt.get("user_message")?.as_str().map(str::to_owned)
}

/// An attribute as text: strings unquoted, `null` as absence, all else as it was sent.
fn attribute(span: &Span, name: &str) -> Option<String> {
    let json = span.attributes.get(name)?;
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'n' => None,
        _ => Some(json.clone()),
    }
}

fn value(text: &str) -> String {
    cut(text, MAX_VALUE)
}

/// The first characters of a text, without NUL, which databases behind MLflow refuse.
fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}

#[cfg(test)]
#[path = "call_run_tests.rs"]
mod tests;
