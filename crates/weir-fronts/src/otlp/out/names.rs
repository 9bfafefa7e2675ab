//! Names that OpenTelemetry's registry has for what Weir calls otherwise.

use weir_core::span::{Span, SpanKind};

/// `gen_ai.provider.name` of a provider of that kind.
pub(super) fn provider(kind: &str) -> &str {
    match kind {
        "azure" => "azure.ai.openai",
        "gemini" => "gcp.gemini",
        "mistral" => "mistral_ai",
        "xai" => "x_ai",
        other => other,
    }
}

/// `gen_ai.operation.name`; `None` for steps that the conventions have no word for.
pub(super) fn operation(span: &Span) -> Option<&str> {
    match span.kind? {
        SpanKind::Llm => match span.operation.as_deref() {
            // The conventions know what is done, not by which endpoint.
            None | Some("responses") => Some("chat"),
            said => said,
        },
        SpanKind::Embedding => Some("embeddings"),
        SpanKind::Tool => Some("execute_tool"),
        SpanKind::Retriever => Some("retrieval"),
        SpanKind::Agent => Some("invoke_agent"),
        SpanKind::Branch | SpanKind::Chain | SpanKind::Guardrail | SpanKind::Evaluator | SpanKind::Other => None,
    }
}

/// `openinference.span.kind`, for those steps only: systems of the field show them by it.
pub(super) fn openinference(kind: SpanKind) -> Option<&'static str> {
    match kind {
        SpanKind::Chain => Some("CHAIN"),
        SpanKind::Guardrail => Some("GUARDRAIL"),
        SpanKind::Evaluator => Some("EVALUATOR"),
        _ => None,
    }
}

/// The model that was asked for, by its provider's name for it.
pub(super) fn model(span: &Span) -> Option<&str> {
    let names = [&span.deployment, &span.model].into_iter().flatten();
    let mut of_provider = names.filter_map(|name| name.strip_prefix(span.provider.as_deref()?)?.strip_prefix('/'));
    of_provider.next().or(span.model.as_deref())
}
