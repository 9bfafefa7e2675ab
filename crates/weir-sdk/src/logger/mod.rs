//! The logger: what a program holds to record what it does.

mod builder;
pub(crate) mod core;
mod counts;
pub(crate) mod target;
mod tokens;

use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use weir_core::id::SpanId;
use weir_core::money::NanoUsd;
use weir_core::span::Span;
use weir_core::time::Clock;
use weir_fronts::otlp::wire::WireSpan;

pub use builder::LoggerBuilder;
pub use counts::LoggerStats;

use self::core::{Core, Settings};
use crate::error::SdkError;
use crate::event::{BranchDecision, Event, LlmCall, Moment, ToolCall, new_span_id};
use crate::metrics::page::Page;
use crate::metrics::{MetricsServer, serve};
use crate::pipeline::{Pipeline, Queued};
use crate::process::Process;
use crate::workflow::current;

/// The file of a logger that was given none.
pub(crate) const DEFAULT_FILE: &str = "observability.db";
/// How long the page of metrics waits for what was just logged.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Records LLM calls, decisions and tool calls: into a SQLite file, or into a Weir server.
///
/// Logging costs the caller about a microsecond and never fails, blocks or panics: what cannot be kept is counted in
/// [`ObservabilityLogger::stats`]. Clones are cheap and share everything; loggers of the same file share its store.
/// Dropping the last one waits up to five seconds for the store; a program that ends in another way calls
/// [`ObservabilityLogger::flush`].
///
/// After a `fork` a logger to a server goes on in the child, with threads and connections of its own. A file that was open
/// then is closed to the child, because SQLite does not survive a fork: drop its loggers before and make them after; what
/// the child logs with those that it inherited is lost and counted as `forked`.
///
/// ```
/// # use std::time::Duration;
/// use weir_sdk::{LlmCall, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("my.db");
/// let logger = ObservabilityLogger::open(&path)?;
/// logger.log_llm_call(LlmCall {
///     prompt: Some("How do I reset my password?".into()),
///     response: Some("Follow the link on the sign-in page.".into()),
///     prompt_tokens: Some(9),
///     completion_tokens: Some(8),
///     latency_ms: Some(230.0),
///     ..LlmCall::new("gpt-4o-mini")
/// });
/// assert!(logger.flush(Duration::from_secs(10)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ObservabilityLogger {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    link: ArcSwap<Link>,
    clock: Clock,
}

/// What ties a logger to a process.
struct Link {
    pid: u32,
    core: Arc<Core>,
    /// Why it has none, of a logger that stores nothing, and of one that a child of a fork cannot use: then records are
    /// lost and counted.
    pipeline: Result<Arc<Pipeline>, Missing>,
}

/// The reason under which records are lost, and the error.
type Missing = (&'static str, SdkError);

impl ObservabilityLogger {
    /// A logger into `observability.db` in the working folder.
    ///
    /// # Errors
    /// As [`LoggerBuilder::build`].
    ///
    /// ```no_run
    /// let logger = weir_sdk::ObservabilityLogger::new()?;
    /// # drop(logger);
    /// # Ok::<(), weir_sdk::SdkError>(())
    /// ```
    pub fn new() -> Result<Self, SdkError> {
        Self::builder().build()
    }

    /// A logger into a SQLite file, which is made if it is not there.
    ///
    /// # Errors
    /// As [`LoggerBuilder::build`].
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::open(&path)?;
    /// let same_store = weir_sdk::ObservabilityLogger::open(&path)?;
    /// # drop((logger, same_store));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SdkError> {
        Self::builder().db_path(path).build()
    }

    /// A logger into a Weir server, with a key if the server wants one. The server is not asked now: while it is away,
    /// records wait.
    ///
    /// # Errors
    /// As [`LoggerBuilder::build`].
    ///
    /// ```
    /// let logger = weir_sdk::ObservabilityLogger::connect("http://127.0.0.1:8080", Some("my-key"))?;
    /// # drop(logger);
    /// # Ok::<(), weir_sdk::SdkError>(())
    /// ```
    pub fn connect(url: &str, key: Option<&str>) -> Result<Self, SdkError> {
        Self::builder().server(url, key).build()
    }

    /// All that can be set.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("my.db");
    /// let logger = weir_sdk::ObservabilityLogger::builder().db_path(path).project("checkout").build()?;
    /// # drop(logger);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn builder() -> LoggerBuilder {
        LoggerBuilder::default()
    }

    fn start(settings: Settings) -> Result<Self, SdkError> {
        let settings = Arc::new(settings);
        let process = Process::current();
        let pipeline = if settings.stored { Ok(process.pipeline(&settings.target, true)?) } else { Err(unstored()) };
        let link = Link::new(&process, &settings, pipeline);
        Ok(Self { inner: Arc::new(Inner { settings, link: ArcSwap::from_pointee(link), clock: Clock::system() }) })
    }

    /// Logs a call of a language model. A wrong value loses the record, counted as `invalid` and said in the log once.
    ///
    /// ```
    /// use weir_sdk::{LlmCall, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// logger.log_llm_call(LlmCall { error: Some("timed out".into()), ..LlmCall::new("gpt-4o") });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_llm_call(&self, call: LlmCall) {
        _ = self.try_log_llm_call(call);
    }

    /// The same, and says what was wrong. Returns the id of the span, to be the parent of others.
    ///
    /// # Errors
    /// [`SdkError::Invalid`] names the field; [`SdkError::QueueFull`] and [`SdkError::Closed`]. The loss is counted.
    ///
    /// ```
    /// use weir_sdk::{LlmCall, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let wrong = LlmCall { prompt_tokens: Some(-5), ..LlmCall::new("gpt-4o") };
    /// let error = logger.try_log_llm_call(wrong).unwrap_err();
    /// assert_eq!(error.to_string(), "\"prompt_tokens\" is -5: tokens cannot be negative");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_log_llm_call(&self, call: LlmCall) -> Result<SpanId, SdkError> {
        self.log(Event::Llm(Box::new(call)), new_span_id())
    }

    /// Logs a decision of a workflow. A wrong value loses the record, counted as `invalid` and said in the log once.
    ///
    /// ```
    /// use weir_sdk::{BranchDecision, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// logger.log_branch_decision(BranchDecision {
    ///     request_id: Some("req-1".into()),
    ///     ..BranchDecision::new("classify", "escalate")
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_branch_decision(&self, decision: BranchDecision) {
        _ = self.try_log_branch_decision(decision);
    }

    /// The same, and says what was wrong. Returns the id of the span.
    ///
    /// # Errors
    /// As [`ObservabilityLogger::try_log_llm_call`].
    ///
    /// ```
    /// use weir_sdk::{BranchDecision, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// assert!(logger.try_log_branch_decision(BranchDecision::new("", "escalate")).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_log_branch_decision(&self, decision: BranchDecision) -> Result<SpanId, SdkError> {
        self.log(Event::Branch(Box::new(decision)), new_span_id())
    }

    /// Logs a call of a tool. A wrong value loses the record, counted as `invalid` and said in the log once.
    ///
    /// ```
    /// use weir_sdk::{ObservabilityLogger, ToolCall};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// logger.log_tool_call(ToolCall { request_id: Some("req-1".into()), ..ToolCall::new("search") });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_tool_call(&self, call: ToolCall) {
        _ = self.try_log_tool_call(call);
    }

    /// The same, and says what was wrong. Returns the id of the span.
    ///
    /// # Errors
    /// As [`ObservabilityLogger::try_log_llm_call`].
    ///
    /// ```
    /// use weir_sdk::{ObservabilityLogger, ToolCall};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let wrong = ToolCall { status: Some("ok".into()), request_id: Some("r".into()), ..ToolCall::new("search") };
    /// assert!(logger.try_log_tool_call(wrong).unwrap_err().to_string().starts_with("\"status\" is \"ok\""));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_log_tool_call(&self, call: ToolCall) -> Result<SpanId, SdkError> {
        self.log(Event::Tool(Box::new(call)), new_span_id())
    }

    /// Logs a span that another part of the library made whole.
    pub(crate) fn log_span(&self, span: Span) {
        _ = self.try_log_span(span);
    }

    /// Logs a span as it is: any kind of step, or a record with more to it than its columns.
    ///
    /// # Errors
    /// [`SdkError::Invalid`] for ids that are none, a negative cost or impossible counts; [`SdkError::QueueFull`] and
    /// [`SdkError::Closed`]. The loss is counted.
    ///
    /// ```
    /// use weir_sdk::{LlmCall, ObservabilityLogger, Span};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let mut span = Span::try_from(LlmCall::new("gpt-4o"))?;
    /// span.finish_reason = Some("stop".into());
    /// logger.try_log_span(span)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_log_span(&self, span: Span) -> Result<SpanId, SdkError> {
        let id = span.span_id;
        self.log(Event::Span(Box::new(span)), id)
    }

    /// Logs a span of `tracing`.
    pub(crate) fn log_wire(&self, span: WireSpan) {
        let id = span.span_id;
        _ = self.log(Event::Wire(Box::new(span)), id);
    }

    /// Counts a call in the metrics that is stored by somebody else.
    ///
    /// ```
    /// use weir_sdk::{LlmCall, ObservabilityLogger, Span};
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// logger.count_span(Span::try_from(LlmCall::new("gpt-4o"))?);
    /// assert!(logger.metrics().contains(r#"llm_requests_total{model="gpt-4o",status="success"} 1"#));
    /// assert_eq!(logger.stats().logged, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn count_span(&self, span: Span) {
        let id = span.span_id;
        _ = self.log(Event::Counted(Box::new(span)), id);
    }

    /// What a call cost, if its price is known.
    pub(crate) fn cost_of(&self, span: &Span) -> Option<NanoUsd> {
        self.link().core.cost_of(span)
    }

    fn log(&self, event: Event, span_id: SpanId) -> Result<SpanId, SdkError> {
        let link = self.link();
        let core = &link.core;
        if !matches!(event, Event::Counted(_)) {
            core.counts.logged();
        }
        let within = match &event {
            Event::Span(_) | Event::Counted(_) | Event::Wire(_) => None,
            Event::Llm(_) | Event::Branch(_) | Event::Tool(_) => current::get(),
        };
        if let Err(error) = event.check(within.as_deref()) {
            core.lost("invalid", 1, &error.to_string());
            return Err(error);
        }
        let weight = event.weight();
        if !core.counts.hold(weight, core.settings.queue_bytes) {
            core.lost("queue_full", 1, "the store does not keep up");
            return Err(SdkError::QueueFull);
        }
        let moment = Moment { span_id, now: self.inner.clock.now(), within };
        let record = Queued { core: Arc::clone(core), event, moment, weight };
        let (reason, error) = match &link.pipeline {
            Ok(pipeline) if pipeline.push(record) => return Ok(span_id),
            Ok(_) => ("closing", SdkError::Closed),
            Err(missing) => missing.clone(),
        };
        core.counts.release(weight);
        core.lost(reason, 1, &error.to_string());
        Err(error)
    }

    /// Waits until all that was logged before is stored, or lost and counted; `false` when the time is over first.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let folder = tempfile::tempdir()?;
    /// let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// assert!(logger.flush(Duration::from_secs(10)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush(&self, timeout: Duration) -> bool {
        self.link().pipeline.as_ref().is_ok_and(|pipeline| pipeline.flush(timeout))
    }

    /// What became of what was logged, by this logger and its clones.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// assert_eq!(logger.stats().lost, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> LoggerStats {
        self.link().core.counts.read()
    }

    /// The page of metrics in Prometheus' text format 0.0.4: of all loggers of the process, unless it was built with
    /// [`LoggerBuilder::own_metrics`]. The names are those of a Weir server. Records with a timestamp of more than an
    /// hour ago are back-fills, which do not count there, but for metrics of one's own.
    ///
    /// ```
    /// use weir_sdk::{LlmCall, ObservabilityLogger};
    /// # let folder = tempfile::tempdir()?;
    /// let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// logger.log_llm_call(LlmCall { latency_ms: Some(20.0), ..LlmCall::new("gpt-4o") });
    /// assert!(logger.metrics().contains(r#"llm_requests_total{model="gpt-4o",status="success"} 1"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn metrics(&self) -> String {
        let link = self.link();
        link.catch_up();
        link.core.page.render(None).1
    }

    /// Serves the page of metrics over HTTP at `/metrics`, on threads of its own, until the returned server is dropped.
    /// Port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # let folder = tempfile::tempdir()?;
    /// let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let server = logger.serve_metrics("127.0.0.1:0")?;
    /// let mut scrape = std::net::TcpStream::connect(server.address())?;
    /// scrape.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    /// let mut page = String::new();
    /// scrape.read_to_string(&mut page)?;
    /// assert!(page.starts_with("HTTP/1.1 200 OK"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve_metrics(&self, address: impl ToSocketAddrs) -> Result<MetricsServer, SdkError> {
        let link = self.link();
        let pipeline = link.pipeline.as_ref().map_or_else(|_| Weak::new(), Arc::downgrade);
        let page = Arc::clone(&link.core.page);
        serve::start(address, move |accept| {
            if let Some(pipeline) = pipeline.upgrade() {
                pipeline.catch_up(CATCH_UP);
            }
            page.render(accept)
        })
    }

    /// What ties it to this process; after a fork it is tied anew.
    fn link(&self) -> Arc<Link> {
        let link = self.inner.link.load_full();
        if link.pid == std::process::id() {
            return link;
        }
        let process = Process::current();
        let settings = &self.inner.settings;
        let pipeline = if settings.stored {
            process.pipeline(&settings.target, false).map_err(|error| ("forked", error))
        } else {
            Err(unstored())
        };
        let fresh = Arc::new(Link::new(&process, settings, pipeline));
        let before = arc_swap::Guard::into_inner(self.inner.link.compare_and_swap(&link, Arc::clone(&fresh)));
        let won = Arc::ptr_eq(&before, &link);
        // The parent's: its destructors are not this process's to run.
        std::mem::forget(link);
        if won {
            std::mem::forget(before);
            fresh
        } else {
            before
        }
    }

    /// The store that it writes to, where that can be read from here.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn pipeline(&self) -> Result<Arc<Pipeline>, SdkError> {
        self.link().pipeline.clone().map_err(|(_, error)| error)
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.inner.settings
    }
}

impl std::fmt::Debug for ObservabilityLogger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObservabilityLogger").field("target", &self.inner.settings.target).finish_non_exhaustive()
    }
}

fn unstored() -> Missing {
    ("unstored", SdkError::Settings("the logger was made to store nothing".to_owned()))
}

impl Link {
    fn new(process: &Process, settings: &Arc<Settings>, pipeline: Result<Arc<Pipeline>, Missing>) -> Self {
        let page = if settings.own_page { Arc::new(Page::default()) } else { Arc::clone(&process.page) };
        let core = Arc::new(Core { settings: Arc::clone(settings), counts: counts::Counts::default(), page });
        Self { pid: process.pid, core, pipeline }
    }

    fn catch_up(&self) {
        if let Ok(pipeline) = &self.pipeline {
            pipeline.catch_up(CATCH_UP);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let link = self.link.load_full();
        if link.pid == std::process::id() {
            // Of a pipeline that others share; dropping the last holder waits for it anyway.
            if let Ok(pipeline) = &link.pipeline
                && Arc::strong_count(pipeline) > 1
            {
                pipeline.flush(DROP_BOUND);
            }
        } else {
            // Inherited through a fork and never used here: the count that is held keeps the parent's parts from being
            // torn down.
            std::mem::forget(link);
        }
    }
}

/// How long dropping a logger waits for the store.
const DROP_BOUND: Duration = Duration::from_secs(5);
