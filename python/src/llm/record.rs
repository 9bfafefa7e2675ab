//! The library's record of a call, on its way through the package's logger and back.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;
use weir_core::span::Span;
use weir_core::token::TokenCounts;

/// What the library knows of a call.
#[pyclass(frozen, module = "weir._native")]
pub(crate) struct Record {
    span: Span,
    /// What the column `prompt` shows of the request.
    prompt: String,
    /// The text of the answer.
    response: Option<String>,
    /// Whether somebody else stores the call, so that it is only counted here.
    pub(crate) only_counted: bool,
}

impl Record {
    pub(super) fn new(mut span: Span, only_counted: bool, asked: &Asked) -> Self {
        if let Some(plain) = &asked.plain {
            span.input = Some(plain.clone());
        }
        let response = span.output.as_deref().and_then(content);
        Self { span, prompt: asked.prompt.clone(), response, only_counted }
    }

    /// Completes a span that was made of the documented columns. These have the last word, as an override may have changed
    /// or emptied them: only where one still says what it was made of, the exact form takes its place.
    pub(crate) fn complete(&self, span: &mut Span) {
        let known = &self.span;
        if span.input.as_ref() == Some(&self.prompt) {
            span.input.clone_from(&known.input);
        }
        if span.output.is_some() && span.output == self.response {
            span.output.clone_from(&known.output);
        }
        if let (Some(given), Some(exact)) = (&span.tokens, &known.tokens)
            && given.input_total() == exact.input_total()
            && given.output_total() == exact.output_total()
        {
            span.tokens = known.tokens;
        }
        if span.tokens.is_some() {
            span.token_source = known.token_source;
        }
        if span.start_us == known.start_us {
            span.end_us = known.end_us;
        }
        span.span_id = known.span_id;
        macro_rules! fill {
            ($($field:ident)+) => { $(if span.$field.is_none() { span.$field.clone_from(&known.$field); })+ };
        }
        fill! {
            parent_id ttft_us error_type provider response_model deployment stream prompt_name department user session
            key upstream_request_id http_status finish_reason attempts cache tags details
        }
        for (name, json) in &known.attributes {
            if name != "metadata" && !span.attributes.contains_key(name) {
                span.attributes.insert(name.clone(), json.clone());
            }
        }
    }

    pub(super) fn finish_reason(&self) -> Option<String> {
        self.span.finish_reason.clone()
    }
}

#[pymethods]
impl Record {
    /// The documented columns, but for `metadata`; the timestamp in microseconds.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let span = &self.span;
        let columns = PyDict::new(py);
        let input = span.tokens.as_ref().map(TokenCounts::input_total);
        let output = span.tokens.as_ref().map(TokenCounts::output_total);
        columns.set_item("request_id", &span.request_id)?;
        columns.set_item("timestamp", span.start_us)?;
        columns.set_item("prompt_version", &span.prompt_version)?;
        columns.set_item("model", &span.model)?;
        columns.set_item("prompt", &self.prompt)?;
        columns.set_item("response", &self.response)?;
        columns.set_item("prompt_tokens", input)?;
        columns.set_item("completion_tokens", output)?;
        columns.set_item("total_tokens", input.zip(output).map(|(input, output)| input.saturating_add(output)))?;
        columns.set_item("latency_ms", span.latency_us().map(|us| us as f64 / 1_000.0))?;
        columns.set_item("cost", span.cost.map(weir_core::money::NanoUsd::as_usd))?;
        columns.set_item("status", span.status.map(weir_core::span::Status::as_str))?;
        columns.set_item("error", &span.error)?;
        Ok(columns)
    }
}

/// How a request is shown.
#[derive(Clone)]
pub(super) struct Asked {
    /// The column `prompt`.
    pub(super) prompt: String,
    /// What is kept as the request, where that is less than all of it.
    pub(super) plain: Option<String>,
}

/// The text of an answer.
fn content(output: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(output).ok()?;
    let message = answer.get("choices")?.get(0)?.get("message")?;
    match message.get("content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()),
        _ => None,
    }
}
