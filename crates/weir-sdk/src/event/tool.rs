use std::time::SystemTime;

use serde_json::Value;
use weir_core::id::SpanId;
use weir_core::span::{Span, SpanKind};

use super::Moment;
use super::check::{self, len, quoted};
use super::labels::Labels;
use crate::error::SdkError;
use crate::workflow::StepContext;

/// A call of a tool or function: a row of `tool_calls`. The request and the tool's name must be there; within a step the
/// request is the step's.
///
/// ```
/// use serde_json::json;
/// use weir_sdk::{ObservabilityLogger, ToolCall};
/// # let folder = tempfile::tempdir()?;
/// let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// logger.log_tool_call(ToolCall {
///     request_id: Some("req-1".into()),
///     inputs: Some(json!({"query": "reset password"})),
///     output: Some(json!(["kb-17", "kb-4"])),
///     latency_ms: Some(18.0),
///     ..ToolCall::new("search_articles")
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolCall {
    /// When it began; past times are taken as they are. Without it, it has just ended.
    pub timestamp: Option<SystemTime>,
    /// The request that it is a part of; without it, the current step's.
    pub request_id: Option<String>,
    /// The tool.
    pub tool_name: String,
    /// What it was called with.
    pub inputs: Option<Value>,
    /// What it returned.
    pub output: Option<Value>,
    /// How long it took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// How it ended: `success`, `error`, `cached`, `rate_limited`, `blocked` or `cancelled`; without it by `error`.
    pub status: Option<String>,
    /// The failure's message.
    pub error: Option<String>,
    /// The department that pays.
    pub department: Option<String>,
    /// The end user.
    pub user: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// The workflow; without it the current step's.
    pub workflow: Option<String>,
    /// The span that it is a step of; without it the current step.
    pub parent: Option<SpanId>,
}

impl ToolCall {
    /// A call of a tool, all else to be filled in.
    ///
    /// ```
    /// let call = weir_sdk::ToolCall { error: Some("no route".into()), ..weir_sdk::ToolCall::new("fetch") };
    /// assert_eq!(call.tool_name, "fetch");
    /// ```
    #[must_use]
    pub fn new(tool_name: impl Into<String>) -> Self {
        Self { tool_name: tool_name.into(), ..Self::default() }
    }

    pub(super) fn check(&self, within: Option<&StepContext>) -> Result<(), SdkError> {
        check::request_id(self.request_id.as_deref())?;
        if self.request_id.is_none() && within.is_none() {
            return Err(SdkError::invalid("request_id", "is missing: a call of a tool belongs to a request"));
        }
        check::name("tool_name", &self.tool_name)?;
        check::latency(self.latency_ms)?;
        check::status(self.status.as_deref())
    }

    pub(super) fn weight(&self) -> usize {
        let values = [&self.inputs, &self.output].map(|value| check::value_weight(value.as_ref()));
        check::BASE_WEIGHT + len(self.error.as_ref()) + values.iter().sum::<usize>()
    }

    pub(super) fn into_span(self, moment: &Moment) -> Span {
        let (start, end) = check::times(self.timestamp, self.latency_ms, moment.now);
        let labels = Labels {
            request_id: self.request_id,
            department: self.department,
            user: self.user,
            session: self.session,
            workflow: self.workflow,
            parent: self.parent,
        };
        let mut span = Span {
            kind: Some(SpanKind::Tool),
            start_us: Some(start),
            end_us: Some(end),
            status: Some(check::status_of(self.status.as_deref(), self.error.as_deref())),
            input: self.inputs.map(check::text),
            output: self.output.map(check::text),
            error: self.error,
            ..labels.into_span(moment)
        };
        span.attributes.insert("tool_name".to_owned(), quoted(&self.tool_name));
        span.name = Some(self.tool_name);
        span
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use weir_core::id::TraceId;
    use weir_core::span::Status;

    use super::super::new_span_id;
    use super::*;

    #[test]
    fn within_a_step_it_is_a_part_of_the_step_unless_it_names_another_request() {
        let step = StepContext {
            request_id: "req-1".into(),
            trace_id: TraceId::of_request("req-1"),
            span_id: new_span_id(),
            workflow: Some("support".into()),
        };
        let call = ToolCall { output: Some(json!("text")), ..ToolCall::new("search") };
        assert!(matches!(call.check(None), Err(SdkError::Invalid { field: "request_id", .. })));
        assert_eq!(call.check(Some(&step)), Ok(()));
        let moment = Moment { span_id: new_span_id(), now: 5, within: Some(Arc::new(step.clone())) };
        let span = call.clone().into_span(&moment);
        assert_eq!((span.trace_id, span.parent_id), (step.trace_id, Some(step.span_id)));
        assert_eq!(span.workflow().as_deref(), Some("support"));
        assert_eq!((span.output.as_deref(), span.status), (Some("text"), Some(Status::Success)));

        let other = ToolCall { request_id: Some("req-2".into()), ..call }.into_span(&moment);
        assert_eq!((other.trace_id, other.parent_id), (TraceId::of_request("req-2"), None));
        assert_eq!(other.workflow(), None);
    }
}
