//! A span of `tracing` while it lives.

use std::sync::Arc;
use std::time::Instant;

use tracing::{Event, Metadata};
use weir_core::id::TraceId;
use weir_fronts::otlp::wire::{self, AnyValue, Scope, WireSpan};

use super::visit::Fields;
use crate::event::new_span_id;
use crate::workflow::StepContext;

/// Most events of a span; further ones are counted.
const MAX_EVENTS: usize = 128;
/// OpenTelemetry's kind of a span within a service.
const INTERNAL: i32 = 1;
/// OpenTelemetry's status of a failure.
const ERROR: i32 = 2;

#[derive(Debug)]
pub(super) struct State {
    pub(super) wire: WireSpan,
    /// Whether it is recorded when it closes.
    pub(super) recorded: bool,
    /// Whether it is recorded for its own sake, and not for one within it.
    pub(super) is_own: bool,
    context: Arc<StepContext>,
    /// Whether the request was given a name by somebody.
    named: bool,
    begun: Instant,
}

impl State {
    /// A span that begins now, within another or on its own.
    pub(super) fn new(metadata: &Metadata<'_>, recorded: bool, above: Option<&StepContext>) -> Self {
        let span_id = new_span_id();
        let context = match above {
            Some(above) => StepContext { span_id, ..above.clone() },
            None => {
                let trace_id = TraceId::new();
                StepContext { request_id: trace_id.to_string(), trace_id, span_id, workflow: None }
            }
        };
        let wire = WireSpan {
            trace_id: context.trace_id,
            span_id,
            parent_id: above.map(|above| above.span_id),
            name: metadata.name().to_owned(),
            kind: INTERNAL,
            start_ns: now_ns(),
            scope: Arc::new(Scope { name: metadata.target().to_owned(), ..Scope::default() }),
            ..WireSpan::default()
        };
        Self {
            wire,
            recorded,
            is_own: recorded,
            named: above.is_some(),
            context: Arc::new(context),
            begun: Instant::now(),
        }
    }

    /// Takes from its fields what those within it inherit. The first span of a trace names the request.
    pub(super) fn settle_context(&mut self) {
        let text = |names: &[&str]| {
            let find = |name: &&str| self.wire.attributes.iter().find(|(held, _)| held == name)?.1.as_text();
            names.iter().find_map(find).map(str::to_owned)
        };
        let request_id = text(&["weir.request_id", "request_id"]).filter(|_| !self.named);
        let workflow = text(&["weir.workflow"]);
        if request_id.is_none() && workflow.is_none() {
            return;
        }
        let context = Arc::make_mut(&mut self.context);
        if let Some(request_id) = request_id {
            context.trace_id = TraceId::of_request(&request_id);
            context.request_id = request_id;
            self.wire.trace_id = context.trace_id;
        }
        context.workflow = workflow.or_else(|| context.workflow.take());
    }

    /// What is told to those within it.
    pub(super) fn context(&self) -> Arc<StepContext> {
        Arc::clone(&self.context)
    }

    /// Notes something that happened.
    pub(super) fn add_event(&mut self, event: &Event<'_>, is_error: bool) {
        let mut fields = WireSpan::default();
        event.record(&mut Fields(&mut fields));
        let message = take_text(&mut fields.attributes, "message");
        if is_error {
            self.wire.status.code = ERROR;
            let error = message.clone().or_else(|| take_text(&mut fields.attributes, "error"));
            self.wire.status.message = error.unwrap_or_default();
        }
        if self.wire.events.len() >= MAX_EVENTS {
            self.wire.dropped.events = self.wire.dropped.events.saturating_add(1);
            return;
        }
        // Events without a name of their own have one made of their place in the code.
        let name = event.metadata().name();
        let (name, message) = match message {
            Some(message) if name.starts_with("event ") => (message, None),
            message => (name.to_owned(), message),
        };
        let mut attributes = fields.attributes;
        attributes.extend(message.map(|message| ("message".to_owned(), AnyValue::Text(message))));
        self.wire.events.push(wire::Event { name, time_ns: now_ns(), attributes, dropped_attributes: 0 });
    }

    /// The span as it is recorded.
    pub(super) fn end(mut self) -> WireSpan {
        let took = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.wire.end_ns = self.wire.start_ns.saturating_add(took);
        if let Some(name) = take_text(&mut self.wire.attributes, "otel.name") {
            self.wire.name = name;
        }
        if let Some(code) = take_text(&mut self.wire.attributes, "otel.status_code") {
            self.wire.status.code = if code.eq_ignore_ascii_case("error") { ERROR } else { self.wire.status.code };
        }
        if let Some(message) = take_text(&mut self.wire.attributes, "otel.status_message") {
            self.wire.status.message = message;
        }
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value
                && !self.wire.attributes.iter().any(|(held, _)| held == name)
            {
                self.wire.attributes.push((name.to_owned(), AnyValue::from(value)));
            }
        };
        add("weir.request_id", Some(&self.context.request_id));
        add("weir.workflow", self.context.workflow.as_deref());
        self.wire
    }
}

fn take_text(attributes: &mut wire::Attributes, name: &str) -> Option<String> {
    let at = attributes.iter().position(|(held, _)| held == name)?;
    match attributes.remove(at).1 {
        AnyValue::Text(text) => Some(text),
        _ => None,
    }
}

fn now_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
