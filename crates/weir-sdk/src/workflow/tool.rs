use std::sync::Arc;

use serde_json::Value;
use weir_core::id::SpanId;
use weir_core::span::{Span, SpanKind, Status};

use super::current::{self, Entered, Scoped, StepContext};
use super::step::{Timer, unwinding};
use crate::event::check::{quoted, text};
use crate::event::new_span_id;
use crate::logger::ObservabilityLogger;

/// A call of a tool that runs: recorded when it is finished or dropped, with the time that it took. Dropped without a
/// result it was cancelled; by a panic, failed.
///
/// ```
/// use serde_json::json;
/// use weir_sdk::{ObservabilityLogger, WorkflowLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let step = WorkflowLogger::new(&logger, "support").start("answer");
/// let tool = step.tool("weather", json!({"city": "Berlin"}));
/// match Err::<f64, _>("no connection") {
///     Ok(degrees) => tool.finish(json!(degrees)),
///     Err(error) => tool.fail(error),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a call ends when it is dropped"]
#[derive(Debug)]
pub struct ToolStep {
    logger: ObservabilityLogger,
    context: Arc<StepContext>,
    timer: Timer,
    span: Option<Box<Span>>,
}

impl ToolStep {
    pub(super) fn begin(logger: ObservabilityLogger, within: &StepContext, name: String, inputs: Value) -> Self {
        let context = StepContext { span_id: new_span_id(), ..within.clone() };
        let mut span = Span {
            trace_id: context.trace_id,
            span_id: context.span_id,
            parent_id: Some(within.span_id),
            kind: Some(SpanKind::Tool),
            request_id: Some(context.request_id.clone()),
            input: (!inputs.is_null()).then(|| text(inputs)),
            ..Span::default()
        };
        if let Some(workflow) = &context.workflow {
            span.attributes.insert("workflow".to_owned(), quoted(workflow));
        }
        span.attributes.insert("tool_name".to_owned(), quoted(&name));
        span.name = Some(name);
        Self { logger, context: Arc::new(context), timer: Timer::start(), span: Some(Box::new(span)) }
    }

    /// Its span, to be the parent of others.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("answer");
    /// let tool = step.tool("summarise", json!({}));
    /// assert_ne!(tool.span_id(), step.span_id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.context.span_id
    }

    /// Makes it what runs on this thread until the guard is dropped, as [`Step::enter`](crate::Step::enter) does.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{LlmCall, ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let tool = WorkflowLogger::new(&logger, "support").start("answer").tool("summarise", json!({}));
    /// let _within = tool.enter();
    /// logger.log_llm_call(LlmCall::new("gpt-4o")); // a part of the tool
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enter(&self) -> Entered {
        current::enter(Arc::clone(&self.context))
    }

    /// Makes it what a future runs within, as [`Step::scope`](crate::Step::scope) does.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let tool = WorkflowLogger::new(&logger, "support").start("answer").tool("search", json!({}));
    /// let found = runtime.block_on(tool.scope(async { 3 }));
    /// tool.finish(found);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scope<F: std::future::Future>(&self, future: F) -> Scoped<F> {
        current::scope(Arc::clone(&self.context), future)
    }

    /// Ends it well, with what it returned.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("answer");
    /// step.tool("search", json!({"query": "reset"})).finish(json!(["kb-17"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish(mut self, output: impl Into<Value>) {
        let output: Value = output.into();
        self.end(Status::Success, (!output.is_null()).then(|| text(output)), None);
    }

    /// Ends it as failed.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("answer");
    /// step.tool("search", json!({"query": "reset"})).fail("no connection");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail(mut self, error: impl std::fmt::Display) {
        self.end(Status::Error, None, Some(error.to_string()));
    }

    fn end(&mut self, status: Status, output: Option<String>, error: Option<String>) {
        let Some(mut span) = self.span.take() else { return };
        (span.start_us, span.end_us) = self.timer.times();
        span.status = Some(status);
        span.output = output;
        span.error = error;
        self.logger.log_span(*span);
    }
}

impl Drop for ToolStep {
    fn drop(&mut self) {
        let (status, error) =
            unwinding().unwrap_or_else(|| (Status::Cancelled, "dropped before it returned anything".to_owned()));
        self.end(status, None, Some(error));
    }
}
