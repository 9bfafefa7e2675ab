//! A call of a model under way: begun before the request is sent, logged once however it ends.
//!
//! Invariant: a call that is dropped before it ended was cancelled, and is logged as that.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use weir_core::id::TraceId;
use weir_core::span::{Span, SpanKind, Status, TokenSource};
use weir_core::token::usage;

use super::error::{LlmError, LlmErrorKind};
use super::gather::Gathered;
use super::options::CallOptions;
use super::provider::Named;
use crate::event::check::{self, label, quoted};
use crate::event::{new_request_id, new_span_id};
use crate::logger::ObservabilityLogger;
use crate::logger::core::DEMO;
use crate::workflow::{Timer, current};

/// Who records the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorder {
    /// This library.
    Here,
    /// The Weir gateway that is asked, into the same server to which the logger writes.
    Gateway,
}

#[derive(Debug)]
pub(super) struct Call {
    logger: ObservabilityLogger,
    recorder: Recorder,
    span: Option<Box<Span>>,
    timer: Timer,
    handover: Option<Handover>,
}

/// Who takes the records instead of the logger: the record, and whether the gateway stores it.
#[derive(Clone)]
pub(super) struct Handover(pub(super) Arc<dyn Fn(Span, bool) + Send + Sync>);

impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handover")
    }
}

impl Call {
    /// The same, whose record is handed over.
    pub(super) fn handing_over(mut self, handover: Option<Handover>) -> Self {
        self.handover = handover;
        self
    }

    /// Begins a call. The request's body must be an object that names its model.
    pub(super) fn begin(
        logger: &ObservabilityLogger,
        recorder: Recorder,
        provider: &Named,
        request: &Value,
        input: String,
        options: &CallOptions,
    ) -> Self {
        let within = current::get().filter(|step| options.request_id.as_ref().is_none_or(|id| *id == step.request_id));
        let request_id = options.request_id.clone().filter(|id| check::request_id(Some(id)).is_ok());
        let request_id =
            request_id.or_else(|| within.as_ref().map(|step| step.request_id.clone())).unwrap_or_else(new_request_id);
        let mut span = Span {
            trace_id: within.as_ref().map_or_else(|| TraceId::of_request(&request_id), |step| step.trace_id),
            span_id: new_span_id(),
            parent_id: options.parent.or_else(|| within.as_ref().map(|step| step.span_id)),
            kind: Some(SpanKind::Llm),
            operation: Some("chat".to_owned()),
            request_id: Some(request_id),
            provider: Some(provider.name.clone()),
            model: request.get("model").and_then(Value::as_str).map(str::to_owned),
            stream: request.get("stream").and_then(Value::as_bool).filter(|stream| *stream),
            prompt_name: label(options.prompt_name.clone()),
            prompt_version: label(options.prompt_version.clone()),
            department: label(options.department.clone()),
            user: label(options.user.clone()),
            session: label(options.session.clone()),
            input: Some(input),
            ..Span::default()
        };
        if let Some(host) = &provider.host {
            span.attributes.insert("server.address".to_owned(), quoted(host));
        }
        let workflow = options.workflow.clone().or_else(|| within.as_ref().and_then(|step| step.workflow.clone()));
        if let Some(workflow) = label(workflow) {
            span.attributes.insert("workflow".to_owned(), quoted(&workflow));
        }
        if let Some(metadata) = options.metadata.as_ref().filter(|value| !value.is_null()) {
            span.attributes.insert("metadata".to_owned(), metadata.to_string());
        }
        Self { logger: logger.clone(), recorder, span: Some(Box::new(span)), timer: Timer::start(), handover: None }
    }

    pub(super) fn request_id(&self) -> String {
        self.span.as_ref().and_then(|span| span.request_id.clone()).unwrap_or_default()
    }

    /// The headers by which the other side joins the trace; a Weir gateway that records also gets the labels.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(span) = &self.span else { return headers };
        let mut put = |name: &'static str, value: Option<&str>| {
            if let Some(value) = value.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put("x-request-id", span.request_id.as_deref());
        let trace = u128::from_be_bytes(span.trace_id.0);
        let caller = match self.recorder {
            Recorder::Here => Some(span.span_id),
            // The gateway's span stands for this one, so its parent is this one's.
            Recorder::Gateway => span.parent_id,
        };
        let caller = caller.map(|id| u128::from_be_bytes(id.0)).and_then(|id| u64::try_from(id).ok());
        match caller {
            Some(caller) => put("traceparent", Some(&format!("00-{trace:032x}-{caller:016x}-01"))),
            None if self.recorder == Recorder::Gateway => put("x-weir-trace-id", Some(&format!("{trace:032x}"))),
            None => {}
        }
        if self.recorder == Recorder::Gateway {
            put("x-weir-department", span.department.as_deref());
            put("x-weir-user", span.user.as_deref());
            put("x-weir-session", span.session.as_deref());
            put("x-weir-prompt-version", span.prompt_version.as_deref());
            put("x-weir-project", self.logger.settings().project.as_deref());
        }
        headers
    }

    /// Notes what the answer's headers say.
    pub(super) fn note_headers(&mut self, status: u16, headers: &HeaderMap) {
        // An answer of Weir's is recorded by Weir; one of a proxy before it is not.
        let from_weir = headers.keys().any(|name| name.as_str().starts_with("x-weir-"));
        if self.recorder == Recorder::Gateway && !from_weir && status >= 400 {
            let echoed = headers.get("x-request-id").is_some_and(|id| *id.as_bytes() == *self.request_id().as_bytes());
            if !echoed || matches!(status, 401 | 403) {
                self.recorder = Recorder::Here;
            }
        }
        let Some(span) = &mut self.span else { return };
        span.http_status = Some(status);
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        span.upstream_request_id = text("x-request-id").filter(|id| Some(id) != span.request_id.as_ref());
        if let Some(provider) = text("x-weir-provider") {
            span.provider = Some(provider);
        }
        span.cache = text("x-weir-cache");
    }

    /// The first piece of a streamed answer is there.
    pub(super) fn first_piece(&mut self) {
        let elapsed = self.timer.elapsed_us();
        if let Some(span) = &mut self.span {
            span.ttft_us.get_or_insert(elapsed);
        }
    }

    /// Ends it with a whole answer. Returns the record.
    pub(super) fn answered(mut self, answer: &Value, text: String) -> Option<Span> {
        let span = self.span.as_mut()?;
        let said = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        span.response_model = said("model").map(str::to_owned);
        let first = answer.get("choices").and_then(|choices| choices.get(0));
        span.finish_reason = first.and_then(|c| c.get("finish_reason")?.as_str()).map(str::to_owned);
        note_usage(span, answer.get("usage"), TokenSource::Estimated);
        span.output = Some(text);
        if span.upstream_request_id.is_none() {
            span.upstream_request_id = said("id").map(str::to_owned);
        }
        self.end(Status::Success, None)
    }

    /// Ends it with a stream that came to its end.
    pub(super) fn streamed(mut self, gathered: &Gathered) -> Option<Span> {
        self.note_gathered(gathered, TokenSource::Estimated);
        self.end(Status::Success, None)
    }

    /// Ends it as failed, with what had come until then. Returns the error with the request's id.
    pub(super) fn failed(mut self, mut error: LlmError, gathered: Option<&Gathered>) -> LlmError {
        error.request_id = self.request_id();
        if let Some(gathered) = gathered {
            self.note_gathered(gathered, TokenSource::Partial);
        }
        if error.kind != LlmErrorKind::Api {
            // The gateway may never have seen it whole.
            self.recorder = if gathered.is_some() { self.recorder } else { Recorder::Here };
        }
        if let Some(span) = &mut self.span {
            span.http_status = error.status.or(span.http_status);
        }
        _ = self.end(Status::Error, Some((error.error_type(), error.message.clone())));
        error
    }

    /// Ends it because nobody reads on.
    pub(super) fn cancelled(mut self, gathered: &Gathered) {
        self.note_gathered(gathered, TokenSource::Partial);
        _ = self.end(Status::Cancelled, None);
    }

    fn note_gathered(&mut self, gathered: &Gathered, otherwise: TokenSource) {
        let Some(span) = &mut self.span else { return };
        span.response_model = gathered.model().map(str::to_owned);
        span.finish_reason = gathered.finish_reason().map(str::to_owned);
        note_usage(span, gathered.usage(), otherwise);
        if span.upstream_request_id.is_none() {
            span.upstream_request_id = gathered.id().map(str::to_owned);
        }
        span.output = Some(gathered.whole().to_string());
    }

    fn end(&mut self, status: Status, error: Option<(&'static str, String)>) -> Option<Span> {
        let mut span = self.span.take()?;
        (span.start_us, span.end_us) = self.timer.times();
        let hit = matches!(span.cache.as_deref(), Some("hit" | "semantic"));
        span.status = Some(if hit && status == Status::Success { Status::Cached } else { status });
        if let Some((class, message)) = error {
            span.error_type = Some(class.to_owned());
            span.error = Some(message);
        }
        let cost = self.logger.cost_of(&span);
        if span.provider.as_deref() == Some(DEMO) || self.logger.settings().target.url().is_none() {
            // A server has prices of its own, but none of the demo provider within this process.
            span.cost = cost;
        }
        let shown = Span { input: None, output: None, cost, ..Span::clone(&span) };
        match (&self.handover, self.recorder) {
            (Some(handover), recorder) => (handover.0)(*span, recorder == Recorder::Gateway),
            (None, Recorder::Here) => self.logger.log_span(*span),
            (None, Recorder::Gateway) => self.logger.count_span(*span),
        }
        Some(shown)
    }
}

/// Tokens as the provider says; without that, a mark that they are to be counted.
fn note_usage(span: &mut Span, said: Option<&Value>, otherwise: TokenSource) {
    span.tokens = said.and_then(|usage| usage::from_openai(usage.to_string().as_bytes()));
    span.token_source = Some(if span.tokens.is_some() { TokenSource::Provider } else { otherwise });
}

impl Drop for Call {
    fn drop(&mut self) {
        _ = self.end(Status::Cancelled, None);
    }
}
