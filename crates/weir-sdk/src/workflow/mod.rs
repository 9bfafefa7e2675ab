//! Workflows: requests that pass from step to step, decide, and call tools and models.

pub(crate) mod current;
mod step;
mod tool;

pub use current::{Entered, Scoped, StepContext};
pub use step::Step;
pub(crate) use step::Timer;
pub use tool::ToolStep;
use weir_core::id::{SpanId, TraceId};

use crate::error::SdkError;
use crate::event::{BranchDecision, ToolCall, new_request_id};
use crate::logger::ObservabilityLogger;

/// Logs the steps of a workflow: decisions and calls of tools as they are told, or timed and nested by guards.
///
/// ```
/// use serde_json::json;
/// use weir_sdk::{ObservabilityLogger, WorkflowLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let workflow = WorkflowLogger::new(&logger, "support");
/// let request = workflow.start("answer a question");
/// {
///     let step = request.start("classify");
///     step.branch("classify", "search", "topic == billing", false);
/// }
/// let tool = request.tool("search", json!({"query": "reset password"}));
/// let found = vec!["kb-17"]; // the tool itself
/// tool.finish(json!(found));
/// request.finish(json!("Follow the link on the sign-in page."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WorkflowLogger {
    logger: ObservabilityLogger,
    name: String,
}

impl WorkflowLogger {
    /// Logs a workflow of that name.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let workflow = WorkflowLogger::new(&logger, "support");
    /// assert_eq!(workflow.name(), "support");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(logger: &ObservabilityLogger, name: impl Into<String>) -> Self {
        Self { logger: logger.clone(), name: name.into() }
    }

    /// The workflow's name.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// assert_eq!(WorkflowLogger::new(&logger, "billing").name(), "billing");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The logger that it logs with.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let workflow = WorkflowLogger::new(&logger, "billing");
    /// assert_eq!(workflow.logger().stats().logged, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn logger(&self) -> &ObservabilityLogger {
        &self.logger
    }

    /// Logs a decision. A wrong value loses the record, counted and said once.
    ///
    /// ```
    /// use weir_sdk::{BranchDecision, ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// WorkflowLogger::new(&logger, "support").log_branch_decision(BranchDecision {
    ///     request_id: Some("req-1".into()),
    ///     condition: Some("confidence > 0.8".into()),
    ///     condition_result: Some(true.into()),
    ///     ..BranchDecision::new("classify", "answer")
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_branch_decision(&self, decision: BranchDecision) {
        _ = self.try_log_branch_decision(decision);
    }

    /// The same, and says what was wrong. Returns the id of the span.
    ///
    /// # Errors
    /// As [`ObservabilityLogger::try_log_branch_decision`].
    ///
    /// ```
    /// use weir_sdk::{BranchDecision, ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let workflow = WorkflowLogger::new(&logger, "support");
    /// assert!(workflow.try_log_branch_decision(BranchDecision::new("classify", "answer")).is_err(), "of which request?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_log_branch_decision(&self, mut decision: BranchDecision) -> Result<SpanId, SdkError> {
        decision.workflow.get_or_insert_with(|| self.name.clone());
        self.logger.try_log_branch_decision(decision)
    }

    /// Logs a call of a tool. A wrong value loses the record, counted and said once.
    ///
    /// ```
    /// use weir_sdk::{ObservabilityLogger, ToolCall, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// WorkflowLogger::new(&logger, "support").log_tool_call(ToolCall {
    ///     request_id: Some("req-1".into()),
    ///     error: Some("no connection".into()),
    ///     latency_ms: Some(30.0),
    ///     ..ToolCall::new("search")
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_tool_call(&self, call: ToolCall) {
        _ = self.try_log_tool_call(call);
    }

    /// The same, and says what was wrong. Returns the id of the span.
    ///
    /// # Errors
    /// As [`ObservabilityLogger::try_log_tool_call`].
    ///
    /// ```
    /// use weir_sdk::{ObservabilityLogger, ToolCall, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let workflow = WorkflowLogger::new(&logger, "support");
    /// let call = ToolCall { request_id: Some("req-1".into()), ..ToolCall::new("search") };
    /// let span_id = workflow.try_log_tool_call(call)?;
    /// # drop(span_id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_log_tool_call(&self, mut call: ToolCall) -> Result<SpanId, SdkError> {
        call.workflow.get_or_insert_with(|| self.name.clone());
        self.logger.try_log_tool_call(call)
    }

    /// Starts a step: of the current step's request, where there is one, else the first of a request of its own.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start("classify");
    /// assert!(!step.request_id().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start(&self, name: impl Into<String>) -> Step {
        match current::get() {
            Some(within) => Step::begin(
                self.logger.clone(),
                name.into(),
                StepContext {
                    span_id: crate::event::new_span_id(),
                    workflow: Some(self.name.clone()),
                    ..StepContext::clone(&within)
                },
                Some(within.span_id),
            ),
            None => self.start_request(name, new_request_id()),
        }
    }

    /// Starts the first step of a request whose id is known. All steps of a request id are one trace.
    ///
    /// ```
    /// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let step = WorkflowLogger::new(&logger, "support").start_request("answer a question", "req-1");
    /// assert_eq!(step.request_id(), "req-1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_request(&self, name: impl Into<String>, request_id: impl Into<String>) -> Step {
        let mut request_id: String = request_id.into();
        if crate::event::check::request_id(Some(&request_id)).is_err() {
            request_id = new_request_id();
        }
        let context = StepContext {
            trace_id: TraceId::of_request(&request_id),
            request_id,
            span_id: crate::event::new_span_id(),
            workflow: Some(self.name.clone()),
        };
        Step::begin(self.logger.clone(), name.into(), context, None)
    }
}
