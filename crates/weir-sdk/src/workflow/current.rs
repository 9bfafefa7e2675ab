//! Which step the running code belongs to.
//!
//! A stack per thread. Synchronous code stands in it for as long as its guard lives, a future while it is polled, so
//! that the innermost of both is always on top.

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use weir_core::id::{SpanId, TraceId};

/// A step of a workflow, as seen by what runs within it.
///
/// ```
/// use weir_sdk::{ObservabilityLogger, StepContext, WorkflowLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let workflow = WorkflowLogger::new(&logger, "support");
/// let step = workflow.start("classify");
/// let context: &StepContext = step.context();
/// assert_eq!(context.workflow.as_deref(), Some("support"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepContext {
    /// The request that it works on.
    pub request_id: String,
    /// The trace of the request.
    pub trace_id: TraceId,
    /// The step's own span.
    pub span_id: SpanId,
    /// The workflow's name.
    pub workflow: Option<String>,
}

thread_local! {
    static STACK: RefCell<Vec<Arc<StepContext>>> = const { RefCell::new(Vec::new()) };
}

/// The step that the running code belongs to.
pub(crate) fn get() -> Option<Arc<StepContext>> {
    // While the thread ends there is none.
    STACK.try_with(|stack| stack.borrow().last().cloned()).ok().flatten()
}

/// Makes a step the current one of this thread until it is dropped.
///
/// ```
/// use weir_sdk::{LlmCall, ObservabilityLogger, WorkflowLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let workflow = WorkflowLogger::new(&logger, "support");
/// let step = workflow.start("classify");
/// {
///     let _within = step.enter();
///     logger.log_llm_call(LlmCall::new("gpt-4o")); // a part of the step
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the step is current until this is dropped"]
#[derive(Debug)]
pub struct Entered {
    context: Arc<StepContext>,
    /// It belongs to the thread that made it.
    _not_send: PhantomData<*const ()>,
}

/// Makes a step the current one, until it is removed.
pub(crate) fn push(context: Arc<StepContext>) {
    _ = STACK.try_with(|stack| stack.borrow_mut().push(context));
}

/// Takes a step away, innermost first: what was pushed may be removed in another order.
pub(crate) fn remove(context: &Arc<StepContext>) {
    _ = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        if let Some(at) = stack.iter().rposition(|held| Arc::ptr_eq(held, context)) {
            stack.remove(at);
        }
    });
}

pub(crate) fn enter(context: Arc<StepContext>) -> Entered {
    push(Arc::clone(&context));
    Entered { context, _not_send: PhantomData }
}

impl Drop for Entered {
    fn drop(&mut self) {
        remove(&self.context);
    }
}

/// A future within which a step is the current one; made by [`Step::scope`](crate::Step::scope).
///
/// ```
/// # use weir_sdk::{ObservabilityLogger, WorkflowLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let step = WorkflowLogger::new(&logger, "support").start("classify");
/// let answer = runtime.block_on(step.scope(async { 42 }));
/// assert_eq!(answer, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a future does nothing until it is awaited"]
#[derive(Debug)]
pub struct Scoped<F> {
    context: Arc<StepContext>,
    inner: Pin<Box<F>>,
}

pub(crate) fn scope<F: Future>(context: Arc<StepContext>, inner: F) -> Scoped<F> {
    Scoped { context, inner: Box::pin(inner) }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _within = enter(Arc::clone(&self.context));
        self.inner.as_mut().poll(cx)
    }
}
