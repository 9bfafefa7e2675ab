//! The state of one call, and its end: usage, price, settlement and record happen here and once, however it ends.
//! A call that is dropped before its end was cancelled by the client.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;
use weir_core::error::{Code, Error};
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, Status, TokenSource};
use weir_core::time::Micros;
use weir_core::token::{TokenCounts, count_messages, count_text, count_tools, estimate_fast};

use super::cached::Filling;
use super::labels::Labels;
use crate::answer::Reader;
use crate::cache::Hit;
use crate::gateway::{Admitted, Gateway};
use crate::limits::Reservation;
use crate::routing::{InFlight, Rejected, Target};
use crate::snapshot::Snapshot;

/// Texts longer than this are estimated instead of counted, as counting would hold up other calls.
const MAX_COUNTED: usize = 256 << 10;

/// More tokens than any model takes: a provider that reports more is not believed, as one such answer would spoil every
/// sum and spend every budget.
const BELIEVED: u64 = 1_000_000_000;

/// How a call ended.
pub(super) enum Ending<'a> {
    /// With a whole answer.
    Whole(&'a [u8]),
    /// With a stream that came to its proper end.
    Streamed,
    /// With an answer out of the cache.
    Cached(&'a Hit),
    /// With a failure; of a stream, what was received until then counts.
    Failed { status: Status, http_status: u16, error_type: &'a str, message: String, body: Option<&'a [u8]> },
    /// The client went away.
    Cancelled,
}

/// One call.
pub(super) struct Call {
    pub gateway: Arc<Gateway>,
    pub snapshot: Arc<Snapshot>,
    pub span: Span,
    pub begun: Instant,
    /// The request as it goes to the model, in the client's protocol.
    pub input: Bytes,
    pub reader: Option<Box<dyn Reader>>,
    pub reservations: Vec<Reservation>,
    pub target: Option<Target>,
    /// The prompt that the request asks for.
    pub asked_prompt: Option<String>,
    /// Who was asked last; kept here because a client may go away while the question is out.
    pub asked: Arc<Mutex<Option<Target>>>,
    pub in_flight: Option<InFlight>,
    /// Whether the upstream has begun to answer, so that it has done billable work.
    pub answered: bool,
    pub admitted: Option<Admitted>,
    /// Where the answer is stored for equal requests.
    pub filling: Option<Filling>,
    /// Answers of a cascade that were paid for and not taken; kept here because a client may go away before one is.
    pub rejected: Arc<Mutex<Vec<Rejected>>>,
    /// When the first upstream attempt began, and how long all of them took once that is known.
    pub upstream_begun: Option<Instant>,
    pub upstream_us: Option<Micros>,
    /// What is known to have been paid.
    paid: NanoUsd,
    /// What the call cost in dollars; known when it has ended.
    pub cost_usd: Option<f64>,
    started: bool,
    ended: bool,
}

impl Call {
    pub(super) fn new(gateway: Arc<Gateway>, snapshot: Arc<Snapshot>, request_id: String, operation: &str) -> Self {
        let now = gateway.parts.clock.now();
        let mut span = Span::new(SpanKey { trace: TraceId::default(), span: SpanId::new() });
        span.start_us = Some(now);
        span.request_id = Some(request_id);
        span.operation = Some(operation.to_owned());
        Self {
            gateway,
            snapshot,
            span,
            begun: Instant::now(),
            input: Bytes::new(),
            reader: None,
            reservations: Vec::new(),
            target: None,
            asked_prompt: None,
            asked: Arc::default(),
            in_flight: None,
            answered: false,
            admitted: None,
            filling: None,
            rejected: Arc::default(),
            upstream_begun: None,
            upstream_us: None,
            paid: NanoUsd::ZERO,
            cost_usd: None,
            started: false,
            ended: false,
        }
    }

    /// Files the call under its labels.
    pub(super) fn label(&mut self, labels: Labels) {
        let span = &mut self.span;
        if let Some((trace, parent)) = labels.parent {
            span.trace_id = trace;
            span.parent_id = parent;
        }
        span.project = labels.project;
        span.department = labels.department;
        span.user = labels.user;
        span.session = labels.session;
        self.asked_prompt = labels.asked_prompt;
        span.prompt_name = labels.prompt_name;
        span.prompt_version = labels.prompt_version;
        span.tags = (!labels.tags.is_empty()).then_some(labels.tags);
        if let Some(metadata) = labels.metadata {
            span.attributes.insert("metadata".to_owned(), metadata);
        }
    }

    /// The model is known: the call is counted as under way.
    pub(super) fn start(&mut self, model: &str) {
        self.span.model = Some(model.to_owned());
        self.gateway.parts.observer.call_started(model);
        self.started = true;
    }

    /// Takes the variables of the prompt out of the metadata: they stand beside the prompt, or are not kept at all.
    pub(super) fn forget_variables(&mut self) {
        let Some(metadata) = self.span.attributes.get_mut("metadata") else { return };
        let text = Bytes::from(std::mem::take(metadata));
        if let Ok(envelope) = super::envelope::Envelope::parse(&text) {
            let mut edits = envelope.edit();
            edits.remove("variables");
            *metadata = text_of(&edits.apply(&text));
        }
    }

    /// Notes a text among the call's attributes.
    pub(super) fn note(&mut self, name: &str, text: &str) {
        self.span.attributes.insert(name.to_owned(), serde_json::to_string(text).unwrap_or_default());
    }

    /// The first piece of a stream is on its way.
    pub(super) fn first_piece(&mut self) {
        if self.span.ttft_us.is_none() {
            self.span.ttft_us = Some(self.elapsed());
        }
    }

    /// The stream broke off: those who wait for its answer do not get one.
    pub(super) fn broke_off(&mut self, error: &Error) {
        if let Some(filling) = self.filling.take() {
            filling.break_off(self, error);
        }
    }

    /// Microseconds since the request came in.
    pub(super) fn elapsed(&self) -> Micros {
        Micros::try_from(self.begun.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// Ends the call with one of Weir's own errors.
    pub(super) fn fail(&mut self, error: &Error) {
        let status = match error.code {
            Code::RateLimited if self.target.is_none() => Status::RateLimited,
            Code::BudgetExceeded | Code::PermissionDenied | Code::InvalidApiKey => Status::Blocked,
            _ => Status::Error,
        };
        self.end(&Ending::Failed {
            status,
            http_status: error.code.status().as_u16(),
            error_type: error.code.error_type(),
            message: error.message.clone(),
            body: None,
        });
    }

    /// Ends the call: once; later ends change nothing.
    pub(super) fn end(&mut self, ending: &Ending<'_>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if !self.started {
            let model = self.span.model.clone().unwrap_or_default();
            self.gateway.parts.observer.call_started(&model);
        }
        self.fill(ending);
        let request_id = self.span.request_id.clone();
        let span = std::mem::take(&mut self.span);
        // Answers that are still to be written name the request.
        self.span.request_id = request_id;
        self.cost_usd = span.cost.map(NanoUsd::as_usd);
        let tokens = span.tokens.as_ref().map_or(0, TokenCounts::total);
        for reservation in self.reservations.drain(..) {
            for crossing in reservation.settle(tokens, self.paid) {
                self.gateway.tell(&crossing);
            }
        }
        self.gateway.parts.recorder.record(span, &self.snapshot.policy);
        self.in_flight = None;
        self.admitted = None;
    }

    fn fill(&mut self, ending: &Ending<'_>) {
        let elapsed = self.elapsed();
        if self.span.trace_id == TraceId::default() {
            // A call of its own is its own trace.
            self.span.trace_id = TraceId(self.span.span_id.0);
        }
        self.span.end_us = self.span.start_us.map(|start| start + elapsed);
        if self.span.project.is_none() {
            self.span.project = Some(self.snapshot.config.record.project.clone());
        }
        let mut output = None;
        let mut partial = false;
        match ending {
            Ending::Whole(body) => {
                self.span.status = Some(Status::Success);
                self.span.http_status = Some(200);
                if self.keeps_payload() {
                    output = Some(text_of(body));
                }
            }
            Ending::Streamed => {
                self.span.status = Some(Status::Success);
                self.span.http_status = Some(200);
            }
            Ending::Cached(hit) => {
                self.fill_from_cache(hit);
                if self.keeps_payload() {
                    output = Some(text_of(&hit.entry.answer.body));
                }
            }
            Ending::Failed { status, http_status, error_type, message, body } => {
                self.span.status = Some(*status);
                self.span.http_status = Some(*http_status);
                self.span.error_type = Some((*error_type).to_owned());
                self.span.error = Some(message.clone());
                partial = true;
                if let Some(body) = body.filter(|_| self.keeps_payload()) {
                    output = Some(text_of(body));
                }
            }
            Ending::Cancelled => {
                self.span.status = Some(Status::Cancelled);
                self.span.http_status = Some(499);
                self.span.error_type = Some("other".to_owned());
                self.span.error = Some("the client went away before the answer was complete".to_owned());
                partial = true;
            }
        }
        let out = self.target.is_none() && self.span.status == Some(Status::Cancelled);
        if out {
            self.target = self.asked.lock().take();
        }
        if let Some(target) = &self.target {
            self.span.provider = Some(target.provider.name.clone());
            self.span.deployment = Some(target.deployment.name.clone());
        }
        self.fill_usage(partial);
        if self.span.cost.is_none() {
            self.span.cost = self.price();
        }
        self.add_rejected();
        self.note_upstream();
        if self.span.status == Some(Status::Success) {
            self.fill_cache(ending);
        } else {
            self.filling = None;
        }
        if self.keeps_payload() {
            let streamed = self.span.stream == Some(true) && self.answered && output.is_none();
            self.span.output =
                output.or_else(|| self.reader.as_ref().filter(|_| streamed).map(|reader| reader.assembled()));
            if !self.input.is_empty() {
                self.span.input = Some(text_of(&self.input));
            }
        }
    }

    /// What the call was spared, and by whom.
    fn fill_from_cache(&mut self, hit: &Hit) {
        let answer = &hit.entry.answer;
        self.span.status = Some(Status::Cached);
        self.span.http_status = Some(200);
        self.span.cost = Some(NanoUsd::ZERO);
        self.span.provider = Some(answer.provider.clone());
        self.span.response_model.clone_from(&answer.response_model);
        self.span.finish_reason.clone_from(&answer.finish_reason);
        let saved = serde_json::json!({
            "similarity": hit.similarity, "saved_nano": answer.cost, "saved_us": answer.latency_us, "source": answer.request_id,
        });
        self.span.attributes.insert("cache".to_owned(), saved.to_string());
        self.gateway.parts.observer.cache_saved(answer.cost, answer.latency_us);
    }

    /// Adds what the rejected answers of a cascade took: they were paid for. What has no known price makes the call's
    /// cost unknown; budgets count what is known.
    fn add_rejected(&mut self) {
        self.paid = self.span.cost.unwrap_or(NanoUsd::ZERO);
        let all = std::mem::take(&mut *self.rejected.lock());
        if all.is_empty() {
            return;
        }
        let answered = self.span.tokens.is_some();
        let mut tokens = self.span.tokens.unwrap_or_default();
        let mut cost = if answered { self.span.cost } else { Some(NanoUsd::ZERO) };
        for rejected in &all {
            tokens = tokens.saturating_add(rejected.tokens.unwrap_or_default());
            cost = cost.zip(rejected.cost).map(|(sum, cost)| sum.saturating_add(cost));
            self.paid = self.paid.saturating_add(rejected.cost.unwrap_or(NanoUsd::ZERO));
        }
        self.span.tokens = Some(tokens);
        self.span.token_source = self.span.token_source.or(Some(TokenSource::Provider));
        self.span.cost = cost;
        let json = serde_json::to_string(&all).unwrap_or_default();
        self.span.attributes.insert("cascade".to_owned(), json);
    }

    /// What the upstream took of the time, and where an Azure deployment is.
    fn note_upstream(&mut self) {
        let Some(begun) = self.upstream_begun.filter(|_| self.span.attempts != Some(0)) else { return };
        let us =
            self.upstream_us.unwrap_or_else(|| Micros::try_from(begun.elapsed().as_micros()).unwrap_or(Micros::MAX));
        self.upstream_us = Some(us);
        self.span.attributes.insert("upstream_us".to_owned(), us.to_string());
        if let Some(target) = self.target.as_ref().filter(|t| t.provider.kind.name == "azure") {
            let (base, version) =
                (target.provider.base_url().to_owned(), target.provider.api_version().map(str::to_owned));
            self.note("api_base", &base);
            if let Some(version) = version {
                self.note("api_version", &version);
            }
        }
    }

    /// Gives the answer to equal requests, those that wait and those to come.
    fn fill_cache(&mut self, ending: &Ending<'_>) {
        let Some(filling) = self.filling.take() else { return };
        let whole = if let Ending::Whole(body) = ending { Some(*body) } else { None };
        filling.fill(self, whole);
    }

    fn keeps_payload(&self) -> bool {
        self.snapshot.policy.keeps_payload()
    }

    /// The provider's counts; where there are none, Weir's own of what was answered.
    fn fill_usage(&mut self, partial: bool) {
        let model = self.target.as_ref().map_or("", |t| t.model.as_str());
        if !self.answered && self.span.status == Some(Status::Cancelled) && self.target.is_some() {
            // A provider that was asked and whose answer nobody waited for has at least read the prompt.
            self.span.tokens = Some(TokenCounts::of(count_prompt(model, &self.input), 0));
            self.span.token_source = Some(TokenSource::Partial);
        }
        let Some(reader) = self.reader.as_ref().filter(|_| self.answered) else { return };
        let summary = reader.summary();
        self.span.response_model.clone_from(&summary.model);
        self.span.finish_reason.clone_from(&summary.finish_reason);
        // What a stream said before it broke off counts the beginning only.
        if let Some(usage) =
            summary.usage.filter(|usage| (!partial || reader.is_complete()) && usage.total() <= BELIEVED)
        {
            self.span.tokens = Some(usage);
            self.span.token_source = Some(TokenSource::Provider);
            return;
        }
        let reported = summary.usage.as_ref().filter(|usage| usage.total() <= BELIEVED);
        let prompt = reported.map_or_else(|| count_prompt(model, &self.input), TokenCounts::input_total);
        let text = reader.text();
        let completion =
            if text.len() > MAX_COUNTED { estimate_fast(text.len()) } else { count_text(model, &text).tokens };
        self.span.tokens = Some(TokenCounts::of(prompt, completion));
        self.span.token_source = Some(if partial { TokenSource::Partial } else { TokenSource::Estimated });
    }

    fn price(&self) -> Option<NanoUsd> {
        let tokens = self.span.tokens.as_ref()?;
        let target = self.target.as_ref()?;
        let cost = self.snapshot.cost(target, None, tokens);
        let named = self.span.response_model.as_deref().filter(|_| cost.is_none());
        cost.or_else(|| {
            // The next call to the deployment is reserved by the price of the model that stands behind its name.
            target.deployment.answers_as(named?);
            self.snapshot.cost(target, named, tokens)
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fail(&Error::new(Code::Internal, "the call met a defect of the gateway; the log has its place"));
        }
        self.end(&Ending::Cancelled);
    }
}

/// A body as text. Nearly all are UTF-8 already, which is quicker to check than to mend.
fn text_of(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// Tokens of a request's prompt, whatever the endpoint calls it; an estimate where it is very long.
pub(crate) fn count_prompt(model: &str, body: &[u8]) -> u64 {
    if body.len() > MAX_COUNTED {
        return estimate_fast(body.len());
    }
    let Ok(envelope) = super::envelope::Envelope::parse(body) else { return 0 };
    let text = |name: &str| envelope.get(name).map_or(0, |json| count_text(model, json).tokens);
    match envelope.get("messages") {
        Some(messages) => {
            let tools = envelope.get("tools").map_or(0, |tools| count_tools(model, tools).tokens);
            count_messages(model, messages).tokens + tools + text("system")
        }
        None => text("prompt") + text("input") + text("instructions"),
    }
}
