//! Traces and the paths of requests as JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::to_rfc3339;

use super::call_json::{Call, Tokens};
use super::number::{Usd, millis};
use super::raw;
use super::trace_path::{Placed, Totals, is_pending};

/// A page of the spans of a trace.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TraceSpans {
    /// The trace, as hex.
    pub trace_id: String,
    /// Its spans, of every kind, in the order of their starts.
    pub spans: Vec<Call>,
    /// `cursor` of the next page; null on the last one.
    pub next: Option<String>,
}

/// What a request went through, step by step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PathAnswer {
    /// The request that was asked for; null where a trace was.
    pub request_id: Option<String>,
    /// The traces that the steps lie in, as hex.
    pub trace_ids: Vec<String>,
    /// Start of the first step, RFC 3339.
    #[schema(format = DateTime)]
    pub timestamp: Option<String>,
    /// From the first start to the last end, milliseconds.
    pub total_ms: Option<f64>,
    /// Calls of models.
    pub calls: u64,
    /// Sums over the calls. A call that lies within another one is the same call seen twice, and counts once.
    pub tokens: Tokens,
    /// Sum of the known costs in dollars, in the same way.
    #[schema(value_type = f64)]
    pub cost_usd: Usd,
    /// Calls whose cost is not known.
    pub unpriced: u64,
    /// Steps that failed.
    pub errors: u64,
    /// Steps that have not ended.
    pub pending: u64,
    /// Whether there are more steps than are shown: at most 10,000 steps and 100 traces are.
    pub truncated: bool,
    /// The steps by start, and where several start at once the outer one first.
    pub steps: Vec<PathStepJson>,
}

/// A step of a request. What is not known is null.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PathStepJson {
    /// llm, tool, branch, retriever, embedding, chain, ...
    pub kind: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The trace it lies in, as hex.
    pub trace_id: String,
    /// Its span id, as hex.
    pub span_id: String,
    /// The step that it is a part of, as hex; it may be missing.
    pub parent_id: Option<String>,
    /// How many of the steps it lies within.
    pub depth: usize,
    /// The request's id that it carries.
    pub request_id: Option<String>,
    /// The workflow that it is a step of.
    pub workflow: Option<String>,
    /// Start, RFC 3339 in UTC with microseconds.
    #[schema(format = DateTime)]
    pub timestamp: Option<String>,
    /// From the first start of the path, milliseconds.
    pub offset_ms: Option<f64>,
    /// End minus start, milliseconds; null while it is open.
    pub duration_ms: Option<f64>,
    /// Time in which nothing happened before it, milliseconds: from the end of the last step that had ended, or from the
    /// start of a step that it lies within where that is later. 0 while another step was still running; null for the first.
    pub gap_ms: Option<f64>,
    /// How it ended; `pending` while it is open.
    pub status: Option<String>,
    /// Class of the failure.
    pub error_type: Option<String>,
    /// Message of the failure.
    pub error: Option<String>,
    /// Of a decision.
    pub branch: Option<PathBranchJson>,
    /// Of a call of a model.
    pub call: Option<PathCallJson>,
    /// Name of the tool, of a call of one.
    pub tool: Option<String>,
}

/// A decision of a workflow.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PathBranchJson {
    /// The node that was left.
    pub from: Option<String>,
    /// The node that was entered.
    pub to: Option<String>,
    /// What was asked.
    pub condition: Option<String>,
    /// What came of it.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Box<RawValue>>,
}

/// A call of a model.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PathCallJson {
    /// Provider that answered.
    pub provider: Option<String>,
    /// Model that was asked for.
    pub model: Option<String>,
    /// Tokens.
    pub tokens: Option<Tokens>,
    /// Cost in dollars; null when the price is not known.
    #[schema(value_type = Option<f64>)]
    pub cost_usd: Option<Usd>,
    /// Whether the answer came from the cache.
    pub cache_hit: bool,
}

impl PathAnswer {
    pub(super) fn new(
        request_id: Option<&str>,
        trace_ids: Vec<String>,
        steps: Vec<Placed>,
        totals: &Totals,
        truncated: bool,
    ) -> Self {
        Self {
            request_id: request_id.map(str::to_owned),
            trace_ids,
            timestamp: totals.start.map(to_rfc3339),
            total_ms: totals.duration_us.map(millis),
            calls: totals.calls,
            tokens: totals.tokens.into(),
            cost_usd: Usd(totals.cost),
            unpriced: totals.unpriced,
            errors: totals.errors,
            pending: totals.pending,
            truncated,
            steps: steps.into_iter().map(PathStepJson::from).collect(),
        }
    }
}

impl From<Placed> for PathStepJson {
    fn from(step: Placed) -> Self {
        let span = step.span;
        let status = if is_pending(&span) { Some(Status::Pending) } else { span.status };
        Self {
            kind: span.kind.map(|k| k.to_string()),
            trace_id: span.trace_id.to_string(),
            span_id: span.span_id.to_string(),
            parent_id: span.parent_id.map(|id| id.to_string()),
            depth: step.depth,
            workflow: span.workflow(),
            timestamp: span.start_us.map(to_rfc3339),
            offset_ms: step.offset_us.map(millis),
            duration_ms: span.latency_us().map(millis),
            gap_ms: step.gap_us.map(millis),
            status: status.map(|s| s.to_string()),
            branch: branch(&span),
            call: call(&span),
            tool: tool(&span),
            name: span.name,
            request_id: span.request_id,
            error_type: span.error_type,
            error: span.error,
        }
    }
}

/// The attributes that a step of a path tells of.
pub(super) const ATTRIBUTES: [&str; 6] =
    ["workflow", "from_node", "to_node", "condition", "condition_result", "tool_name"];

fn branch(span: &Span) -> Option<PathBranchJson> {
    (span.kind == Some(SpanKind::Branch)).then(|| PathBranchJson {
        from: span.attribute_text("from_node"),
        to: span.attribute_text("to_node"),
        condition: span.attribute_text("condition"),
        result: span.attributes.get("condition_result").and_then(|json| raw::json(json)),
    })
}

fn call(span: &Span) -> Option<PathCallJson> {
    span.is_call().then(|| PathCallJson {
        provider: span.provider.clone(),
        model: span.model.clone(),
        tokens: span.tokens.map(Tokens::from),
        cost_usd: span.cost.map(Usd),
        cache_hit: matches!(span.cache.as_deref(), Some("hit" | "semantic")),
    })
}

fn tool(span: &Span) -> Option<String> {
    (span.kind == Some(SpanKind::Tool)).then(|| span.attribute_text("tool_name").or_else(|| span.name.clone()))?
}
