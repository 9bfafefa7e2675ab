//! Names that MLflow gives to tags, metadata and attributes of traces.

pub(super) const TRACE_NAME: &str = "mlflow.traceName";
pub(super) const ARTIFACT_LOCATION: &str = "mlflow.artifactLocation";
pub(super) const SPANS_LOCATION: &str = "mlflow.trace.spansLocation";
pub(super) const ARCHIVE_LOCATION: &str = "mlflow.trace.archiveLocation";
pub(super) const ARCHIVAL_FAILURE: &str = "mlflow.trace.archivalFailure";

/// The spans are to be had from the server.
pub(super) const TRACKING_STORE: &str = "TRACKING_STORE";

pub(super) const SOURCE_RUN: &str = "mlflow.sourceRun";
pub(super) const TOKEN_USAGE: &str = "mlflow.trace.tokenUsage";
pub(super) const COST: &str = "mlflow.trace.cost";
pub(super) const SESSION: &str = "mlflow.trace.session";
pub(super) const USER: &str = "mlflow.trace.user";
pub(super) const FINALIZED: &str = "mlflow.trace.infoFinalized";
pub(super) const SIZE_STATS: &str = "mlflow.trace.sizeStats";

pub(super) const REQUEST_ID: &str = "mlflow.traceRequestId";
pub(super) const INPUTS: &str = "mlflow.spanInputs";
pub(super) const OUTPUTS: &str = "mlflow.spanOutputs";
pub(super) const SPAN_TYPE: &str = "mlflow.spanType";
pub(super) const CHAT_USAGE: &str = "mlflow.chat.tokenUsage";
pub(super) const LLM_MODEL: &str = "mlflow.llm.model";
pub(super) const LLM_PROVIDER: &str = "mlflow.llm.provider";
pub(super) const LLM_COST: &str = "mlflow.llm.cost";
/// Attributes of a root that are tags of its trace begin so.
pub(super) const TAG_PREFIX: &str = "mlflow.traceTag.";

/// Longest key of a tag or of metadata that is answered, and longest value of metadata.
pub(super) const MOST_METADATA: usize = 250;
/// Longest value of a tag that is answered.
pub(super) const MOST_TAG: usize = 4_096;
/// Longest value of a tag that is kept.
pub(super) const MOST_TAG_KEPT: usize = 8_000;
/// Longest preview that Weir makes, in characters.
pub(super) const MOST_PREVIEW: usize = 1_000;
