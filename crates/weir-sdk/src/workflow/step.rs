use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use weir_core::id::SpanId;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::Micros;

use super::current::{self, Entered, Scoped, StepContext};
use super::tool::ToolStep;
use crate::event::check::{quoted, text};
use crate::event::{BranchDecision, new_span_id};
use crate::logger::ObservabilityLogger;

/// A step of a workflow that runs: recorded when it is finished or dropped, with the time that it took. May be held
/// across `await` and sent to other threads.
///
/// ```
/// use weir_sdk::{ObservabilityLogger, WorkflowLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let workflow = WorkflowLogger::new(&logger, "support");
/// let request = workflow.start_request("answer", "req-1");
/// let step = request.start("draft");
/// drop(step); // ended well; a step that a panic unwinds ended as an error
/// request.fail("nobody to review it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a step ends when it is dropped"]
#[derive(Debug)]
pub struct Step {
    logger: ObservabilityLogger,
    context: Arc<StepContext>,
    timer: Timer,
    /// What is recorded at the end; gone then.
    span: Option<Box<Span>>,
}

/// When something began.
#[derive(Debug)]
pub(crate) struct Timer {
    start: Micros,
    begun: Instant,
}

impl Timer {
    pub(crate) fn start() -> Self {
        Self { start: weir_core::time::Clock::system().now(), begun: Instant::now() }
    }

    /// Microseconds since then, by a clock that does not jump.
    pub(crate) fn elapsed_us(&self) -> Micros {
        Micros::try_from(self.begun.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// Start and end.
    pub(crate) fn times(&self) -> (Option<Micros>, Option<Micros>) {
        (Some(self.start), Some(self.start.saturating_add(self.elapsed_us())))
    }
}

/// How something that was dropped ended, and why.
pub(super) fn unwinding() -> Option<(Status, String)> {
    std::thread::panicking().then(|| (Status::Error, "panicked".to_owned()))
}

impl Step {
    pub(super) fn begin(
        logger: ObservabilityLogger,
        name: String,
        context: StepContext,
        parent: Option<SpanId>,
    ) -> Self {
        let span = Span {
            trace_id: context.trace_id,
            span_id: context.span_id,
            parent_id: parent,
            name: Some(name),
            kind: Some(SpanKind::Chain),
            request_id: Some(context.request_id.clone()),
            ..Span::default()
        };
        Self { logger, context: Arc::new(context), timer: Timer::start(), span: Some(Box::new(span)) }
    }

    /// What runs within it is told so.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start_request("answer", "req-1");
    /// assert_eq!(step.context().request_id, "req-1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn context(&self) -> &StepContext {
        &self.context
    }

    /// The request that it works on.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start_request("answer", "req-1");
    /// assert_eq!(step.request_id(), "req-1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.context.request_id
    }

    /// Its span, to be the parent of others.
    ///
    /// ```
    /// # use weir_sdk::{LlmCall, ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start_request("answer", "req-1");
    /// logger.log_llm_call(LlmCall {
    ///     request_id: Some("req-1".into()),
    ///     parent: Some(step.span_id()),
    ///     ..LlmCall::new("gpt-4o")
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.context.span_id
    }

    /// Starts a step within it.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let request = WorkflowLogger::new(&logger, "support").start("answer");
    /// let step = request.start("classify");
    /// assert_eq!(step.request_id(), request.request_id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start(&self, name: impl Into<String>) -> Step {
        let context = StepContext { span_id: new_span_id(), ..StepContext::clone(&self.context) };
        Self::begin(self.logger.clone(), name.into(), context, Some(self.context.span_id))
    }

    /// Logs a decision that it took: from a node to another, on what condition, and what came of it.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("classify");
    /// step.branch("classify", "escalate", "confidence < 0.5", true);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn branch(
        &self,
        from_node: impl Into<String>,
        to_node: impl Into<String>,
        condition: impl Into<String>,
        result: impl Into<Value>,
    ) {
        self.log_branch(BranchDecision {
            condition: Some(condition.into()),
            condition_result: Some(result.into()),
            ..BranchDecision::new(from_node, to_node)
        });
    }

    /// The same with everything that a decision can say; request, workflow and parent are the step's where they are
    /// not said.
    ///
    /// ```
    /// # use weir_sdk::{BranchDecision, ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("classify");
    /// step.log_branch(BranchDecision {
    ///     context: Some(serde_json::json!({"confidence": 0.4})),
    ///     ..BranchDecision::new("classify", "escalate")
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_branch(&self, decision: BranchDecision) {
        let _within = current::enter(Arc::clone(&self.context));
        self.logger.log_branch_decision(decision);
    }

    /// Starts a call of a tool within it.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("answer");
    /// let tool = step.tool("search", json!({"query": "reset password"}));
    /// tool.finish(json!(["kb-17"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tool(&self, name: impl Into<String>, inputs: impl Into<Value>) -> ToolStep {
        ToolStep::begin(self.logger.clone(), &self.context, name.into(), inputs.into())
    }

    /// Makes it the current step of this thread until the guard is dropped: what is logged, started or asked of a model
    /// meanwhile is a part of it.
    ///
    /// ```
    /// # use weir_sdk::{LlmCall, ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("answer");
    /// let _within = step.enter();
    /// logger.log_llm_call(LlmCall::new("gpt-4o"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enter(&self) -> Entered {
        current::enter(Arc::clone(&self.context))
    }

    /// Makes it the current step of a future, on whatever threads that runs.
    ///
    /// ```
    /// # use weir_sdk::{LlmCall, ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let step = WorkflowLogger::new(&logger, "support").start("answer");
    /// runtime.block_on(step.scope(async {
    ///     logger.log_llm_call(LlmCall::new("gpt-4o"));
    /// }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        current::scope(Arc::clone(&self.context), future)
    }

    /// Notes what it works on: a text, or any JSON value.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let mut step = WorkflowLogger::new(&logger, "support").start("answer");
    /// step.input("How do I reset my password?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn input(&mut self, input: impl Into<Value>) {
        if let Some(span) = &mut self.span {
            span.input = Some(text(input.into()));
        }
    }

    /// Notes anything more about it.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let mut step = WorkflowLogger::new(&logger, "support").start("review");
    /// step.attribute("reviewer", "ann");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn attribute(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        if let Some(span) = &mut self.span {
            span.attributes.insert(name.into(), value.into().to_string());
        }
    }

    /// Ends it well, with what came of it.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// WorkflowLogger::new(&logger, "support").start("answer").finish("Follow the link.");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish(mut self, output: impl Into<Value>) {
        self.end(Status::Success, Some(text(output.into())), None);
    }

    /// Ends it as failed.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// WorkflowLogger::new(&logger, "support").start("answer").fail("no model answers");
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
        if let Some(workflow) = &self.context.workflow {
            span.attributes.insert("workflow".to_owned(), quoted(workflow));
        }
        self.logger.log_span(*span);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let (status, error) = unwinding().map_or((Status::Success, None), |(status, error)| (status, Some(error)));
        self.end(status, None, error);
    }
}
