//! What a Rust program embeds to record its LLM calls, decisions and tool calls: into a SQLite file, or into a Weir
//! server.
//!
//! ```
//! use weir_sdk::{LlmCall, ObservabilityLogger};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("my.db");
//! let logger = ObservabilityLogger::open(&path)?;
//! logger.log_llm_call(LlmCall { latency_ms: Some(230.0), ..LlmCall::new("gpt-4o-mini") });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub use weir_core::id::{SpanId, TraceId};
pub use weir_core::record::{PayloadMode, RecordConfig};
pub use weir_core::span::Span;
pub use workflow::{Entered, Scoped, Step, StepContext, ToolStep, WorkflowLogger};
