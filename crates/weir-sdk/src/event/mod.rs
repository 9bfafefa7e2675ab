//! What a program logs: an LLM call, a decision of a workflow, a call of a tool. Their fields are the columns of the
//! documented tables `llm_calls`, `branch_decisions` and `tool_calls`, and the labels by which Weir groups.
//!
//! Invariant: whatever passes `check` becomes a span; making it does no I/O and cannot fail.

mod branch;
pub(crate) mod check;
mod labels;
mod llm;
mod tool;

use weir_core::id::SpanId;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::{Clock, Micros};
use weir_fronts::otlp::map;
use weir_fronts::otlp::wire::WireSpan;

pub use branch::BranchDecision;
pub use llm::LlmCall;
pub use tool::ToolCall;

use crate::error::SdkError;
use crate::workflow::{StepContext, current};
use std::sync::Arc;

/// A record on its way.
#[derive(Debug)]
pub(crate) enum Event {
    Llm(Box<LlmCall>),
    Branch(Box<BranchDecision>),
    Tool(Box<ToolCall>),
    /// Made whole by another part of the library.
    Span(Box<Span>),
    /// The same, recorded elsewhere: it is counted by the metrics and not stored.
    Counted(Box<Span>),
    /// As `tracing` saw it.
    Wire(Box<WireSpan>),
}

/// What is known when it is logged.
#[derive(Debug)]
pub(crate) struct Moment {
    /// The id that the span gets.
    pub(crate) span_id: SpanId,
    /// Now, microseconds.
    pub(crate) now: Micros,
    /// The step of a workflow within which it was logged.
    pub(crate) within: Option<Arc<StepContext>>,
}

impl Event {
    /// Whether its values can be recorded.
    pub(crate) fn check(&self, within: Option<&StepContext>) -> Result<(), SdkError> {
        match self {
            Self::Llm(call) => call.check(),
            Self::Branch(decision) => decision.check(within),
            Self::Tool(call) => call.check(within),
            Self::Span(span) | Self::Counted(span) => check::span(span),
            Self::Wire(_) => Ok(()),
        }
    }

    /// About the memory that it holds, in bytes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Llm(call) => call.weight(),
            Self::Branch(decision) => decision.weight(),
            Self::Tool(call) => call.weight(),
            Self::Span(span) | Self::Counted(span) => check::span_weight(span),
            Self::Wire(span) => check::wire_weight(span),
        }
    }

    /// The write that stands for it.
    pub(crate) fn into_write(self, moment: &Moment) -> SpanWrite {
        let span = match self {
            Self::Llm(call) => call.into_span(moment),
            Self::Branch(decision) => decision.into_span(moment),
            Self::Tool(call) => call.into_span(moment),
            Self::Span(span) | Self::Counted(span) => *span,
            Self::Wire(span) => return map::map(*span),
        };
        SpanWrite::create(span, moment.now)
    }
}

/// The span that a record stands for, made at once.
fn span_of(event: Event) -> Result<Span, SdkError> {
    let within = current::get();
    event.check(within.as_deref())?;
    let moment = Moment { span_id: new_span_id(), now: Clock::system().now(), within };
    Ok(event.into_write(&moment).span)
}

macro_rules! into_span {
    ($record:ident, $event:ident) => {
        /// The span that the record stands for, to be added to and logged with
        /// [`ObservabilityLogger::try_log_span`](crate::ObservabilityLogger::try_log_span).
        impl TryFrom<$record> for Span {
            type Error = SdkError;

            fn try_from(record: $record) -> Result<Self, SdkError> {
                span_of(Event::$event(Box::new(record)))
            }
        }
    };
}

into_span!(LlmCall, Llm);
into_span!(BranchDecision, Branch);
into_span!(ToolCall, Tool);

/// The id of a new span: 8 random bytes, so that it fits into a `traceparent`.
pub(crate) fn new_span_id() -> SpanId {
    let mut id = SpanId::new();
    id.0[..8].fill(0);
    // All zero is no id in a traceparent.
    id.0[8] |= 0x80;
    id
}

/// The id of a request that has none: a UUIDv7 in hex.
pub(crate) fn new_request_id() -> String {
    SpanId::new().to_string()
}
