//! What sort of step a span is: the first rule that matches. The foreign word goes into the details.

use weir_core::span::SpanKind;

use super::fields::Mapping;
use super::read;
use super::table::Source;
use crate::otlp::wire::Scope;

/// A rule: where a word stands, and what it means.
type Rule = (&'static str, fn(&str) -> Option<SpanKind>);

/// The rules that go by one attribute's word, in their order.
const RULES: &[Rule] = &[
    ("weir.span.kind", word),
    ("weir.kind", word),
    ("langsmith.span.kind", word),
    ("langfuse.observation.type", word),
    ("openinference.span.kind", word),
    ("mlflow.spanType", word),
    ("gen_ai.operation.name", operation),
    ("traceloop.span.kind", word),
    ("llm.request.type", request_type),
    ("ai.operationId", vercel),
    ("operation.name", vercel),
    ("lmnr.span.type", laminar),
];

/// The kind of a span.
pub(super) fn of(mapping: &mut Mapping, scope: &Scope, name: &str) -> SpanKind {
    for (attribute, means) in RULES {
        let Some(said) = mapping.value(Source::Attr(attribute)).and_then(|value| read::text(&value)) else { continue };
        let Some(kind) = means(&said.to_ascii_lowercase()) else { continue };
        let kind = decision(mapping, kind);
        // The operation is a field of its own.
        if *attribute != "gen_ai.operation.name" {
            mapping.pool.consume(attribute);
        }
        return if is_part(scope, kind, name) { SpanKind::Chain } else { kind };
    }
    let pool = &mapping.pool;
    if pool.says("gen_ai.tool.name") || pool.says("gen_ai.tool.call.id") {
        SpanKind::Tool
    } else if pool.says("embedding.model_name") {
        SpanKind::Embedding
    } else if ["gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "ai.model.id"]
        .iter()
        .any(|name| pool.says(name))
    {
        SpanKind::Llm
    } else if is_vector_store(mapping) {
        SpanKind::Retriever
    } else {
        SpanKind::Chain
    }
}

/// The kinds by which frameworks name their steps.
fn word(word: &str) -> Option<SpanKind> {
    Some(match word {
        "llm" | "chat_model" | "generation" => SpanKind::Llm,
        "chain" | "span" | "workflow" | "task" | "prompt" | "parser" | "memory" => SpanKind::Chain,
        "agent" => SpanKind::Agent,
        "tool" => SpanKind::Tool,
        "retriever" | "reranker" => SpanKind::Retriever,
        "embedding" => SpanKind::Embedding,
        "guardrail" => SpanKind::Guardrail,
        "evaluator" => SpanKind::Evaluator,
        "branch" | "decision" => SpanKind::Branch,
        "event" | "unknown" | "other" => SpanKind::Other,
        _ => return None,
    })
}

/// OpenTelemetry's operations.
fn operation(name: &str) -> Option<SpanKind> {
    Some(match name {
        "chat" | "text_completion" | "generate_content" | "completion" | "response" => SpanKind::Llm,
        "embeddings" => SpanKind::Embedding,
        "retrieval" | "rerank" => SpanKind::Retriever,
        "execute_tool" => SpanKind::Tool,
        "invoke_agent" | "create_agent" => SpanKind::Agent,
        "invoke_workflow" | "plan" => SpanKind::Chain,
        _ if name.ends_with("_memory") => SpanKind::Tool,
        _ => return None,
    })
}

fn request_type(kind: &str) -> Option<SpanKind> {
    Some(match kind {
        "chat" | "completion" => SpanKind::Llm,
        "embedding" => SpanKind::Embedding,
        "rerank" => SpanKind::Retriever,
        _ => return None,
    })
}

/// The Vercel AI SDK: only the inner spans are calls; the outer ones repeat what those used.
fn vercel(name: &str) -> Option<SpanKind> {
    let name = name.split(' ').next().unwrap_or_default().strip_prefix("ai.")?;
    Some(match name.split_once('.') {
        Some((_, "dogenerate" | "dostream")) => SpanKind::Llm,
        Some((_, "doembed")) => SpanKind::Embedding,
        Some((_, "dorerank")) => SpanKind::Retriever,
        None if name == "toolcall" => SpanKind::Tool,
        _ => SpanKind::Chain,
    })
}

fn laminar(kind: &str) -> Option<SpanKind> {
    Some(match kind {
        "llm" | "cached" => SpanKind::Llm,
        "tool" => SpanKind::Tool,
        "executor" => SpanKind::Agent,
        "default" | "pipeline" => SpanKind::Chain,
        _ if kind.contains("evaluat") => SpanKind::Evaluator,
        _ => return None,
    })
}

/// OpenInference's decision is a model's, unless it stands between nodes of a graph.
fn decision(mapping: &Mapping, kind: SpanKind) -> SpanKind {
    if kind == SpanKind::Branch && mapping.pool.says("decision.model_name") { SpanKind::Llm } else { kind }
}

/// What LlamaIndex does on the way is told as a step of the same kind: `Retriever._retrieve` within `Retriever.retrieve`, which
/// has the documents, or `OpenAI._prepare_chat_with_tools` before the call. Whether a call lies within a call is seen in
/// their tree instead, when they are taken.
fn is_part(scope: &Scope, kind: SpanKind, name: &str) -> bool {
    let is_inner = || name.rsplit('.').next().is_some_and(|function| function.starts_with('_'));
    scope.name == "openinference.instrumentation.llama_index"
        && matches!(kind, SpanKind::Llm | SpanKind::Embedding | SpanKind::Retriever)
        && is_inner()
}

fn is_vector_store(mapping: &Mapping) -> bool {
    let known = ["pinecone", "chroma", "chromadb", "qdrant", "weaviate", "milvus"];
    mapping.pool.says("db.vector.query.top_k")
        || ["db.system", "db.system.name"].iter().any(|name| {
            mapping.pool.text(name).is_some_and(|system| known.contains(&system.to_ascii_lowercase().as_str()))
        })
}
