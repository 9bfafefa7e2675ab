//! What a Rust program embeds to record its LLM calls, decisions and tool calls: into a SQLite file, or into a Weir
//! server. No server is needed; the same code works with both.
//!
//! # Logging
//!
//! ```
//! use std::time::Duration;
//! use weir_sdk::{LlmCall, ObservabilityLogger};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("observability.db");
//! let logger = ObservabilityLogger::open(&path)?; // or connect("http://127.0.0.1:8080", Some("key"))
//! logger.log_llm_call(LlmCall {
//!     prompt: Some("How do I reset my password?".into()),
//!     response: Some("Follow the link on the sign-in page.".into()),
//!     prompt_tokens: Some(9),
//!     completion_tokens: Some(8),
//!     latency_ms: Some(230.0),
//!     ..LlmCall::new("gpt-4o-mini")
//! });
//! logger.flush(Duration::from_secs(5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `sqlite3 observability.db 'SELECT * FROM llm_calls'` shows it, with its cost by the list price; so do
//! `branch_decisions` and `tool_calls`, and `weir calls --data observability.db`. A file may be written by several
//! processes at once.
//!
//! Logging never fails, blocks or panics: what cannot be kept is counted in [`ObservabilityLogger::stats`]. Secrets such
//! as API keys are taken out before anything is stored; [`RecordConfig`] says what else is.
//!
//! # Asking models, and workflows
//!
//! [`InstrumentedLlm`] is an OpenAI-type client that logs every call. Without a key and an address in the environment
//! its answers come from the demo provider, offline. [`WorkflowLogger`] times steps and tools and nests what happens
//! within them.
//!
//! ```
//! use serde_json::json;
//! use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger, WorkflowLogger};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("observability.db");
//! # let logger = ObservabilityLogger::open(&path)?;
//! let workflow = WorkflowLogger::new(&logger, "support");
//! # let llm = InstrumentedLlm::demo(&logger);
//! # #[cfg(any())]
//! let llm = InstrumentedLlm::new(&logger);
//!
//! let request = workflow.start("answer a question");
//! request.branch("start", "search", "there are articles", true);
//! let tool = request.tool("search", json!({"query": "reset password"}));
//! tool.finish(json!(["kb-17"]));
//! let within = request.enter(); // what is asked now is a part of the request
//! let options = CallOptions { prompt_version: Some("v2".into()), ..CallOptions::default() };
//! let reply = llm.call_blocking("How do I reset my password?", &options)?; // or call(..).await
//! drop(within);
//! request.finish(reply.content);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Spans of `tracing`
//!
//! A service whose spans follow the conventions for generative AI needs no other code than [`tracing_layer`].
//!
//! # Watching
//!
//! [`AnomalyDetector`] compares the last hour with the day before. [`ObservabilityLogger::metrics`] is the page that
//! Prometheus scrapes, and [`ObservabilityLogger::serve_metrics`] serves it; [`Metric`] adds metrics of your own.

mod anomaly;
mod backend;
mod error;
mod event;
mod http;
mod layer;
mod llm;
mod logger;
mod metrics;
mod pipeline;
mod process;
mod workflow;

pub use anomaly::{
    AlertSink, Anomaly, AnomalyDetector, AnomalySettings, BranchShare, CallFigures, Detector, Period, Reading, Webhook,
};
pub use error::SdkError;
pub use event::{BranchDecision, LlmCall, ToolCall};
pub use layer::{TracingLayer, tracing_layer};
pub use llm::{
    BlockingChatStream, CallOptions, ChatChunk, ChatRequest, ChatResponse, ChatStream, Choice, ChunkChoice,
    InstrumentedLlm, LlmError, LlmErrorKind, Message, RawChatStream, Reply, Usage,
};
pub use logger::{LoggerBuilder, LoggerStats, ObservabilityLogger};
pub use metrics::{Metric, MetricKind, MetricsServer, Sample};
pub use process::process_metrics;
pub use weir_core::id::{SpanId, TraceId};
pub use weir_core::price::PriceTable;
pub use weir_core::record::{PayloadMode, RecordConfig};
pub use weir_core::span::{Span, SpanKind, Status};
pub use workflow::{Entered, Scoped, Step, StepContext, ToolStep, WorkflowLogger};
