//! The one table: which attribute of which dialect is which field of Weir's.
//!
//! A row is a field and where it stands, the most trusted first: Weir's own names, Langfuse, MLflow, OpenInference, OpenTelemetry's
//! GenAI conventions, their older spellings and OpenLLMetry, the Vercel AI SDK, then members of the callers' metadata and
//! bare names. The first source that can be read wins; sources that say the same are read as well; those that say something
//! else stay among the span's attributes.

mod content;
mod usage;

use weir_core::span::Span;

use Source::{Attr, Json, Meta, Mlflow};
pub(super) use content::*;
pub(super) use usage::*;

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The attribute of that name.
    Attr(&'static str),
    /// A member of the JSON object that the attribute's text holds.
    Json(&'static str, &'static [&'static str]),
    /// The attribute of that name, of a span that MLflow made: its parameters have no prefix.
    Mlflow(&'static str),
    /// A member of the callers' metadata.
    Meta(&'static str),
}

/// A field of a span that holds a text.
pub(super) type TextField = fn(&mut Span) -> &mut Option<String>;

/// Fields that hold a text.
pub(super) const TEXTS: &[(TextField, &[Source])] = &[
    (|s| &mut s.model, MODEL),
    (|s| &mut s.response_model, RESPONSE_MODEL),
    (|s| &mut s.session, SESSION),
    (|s| &mut s.user, USER),
    (|s| &mut s.department, &[Attr("weir.department"), Meta("department"), Attr("department")]),
    (|s| &mut s.prompt_name, PROMPT_NAME),
    (|s| &mut s.prompt_version, PROMPT_VERSION),
    (|s| &mut s.request_id, REQUEST_ID),
    (|s| &mut s.upstream_request_id, &[Attr("weir.upstream_request_id")]),
    (|s| &mut s.deployment, &[Attr("weir.deployment")]),
    (|s| &mut s.key, &[Attr("weir.key")]),
    (
        |s| &mut s.project,
        &[Attr("weir.project"), Attr("openinference.project.name"), Attr("langsmith.trace.session_name")],
    ),
];

const MODEL: &[Source] = &[
    Attr("weir.model"),
    Attr("langfuse.observation.model.name"),
    Mlflow("model"),
    Attr("llm.request.model_name"),
    Json("llm.invocation_parameters", &["model"]),
    Json("llm.invocation_parameters", &["model_name"]),
    Json("embedding.invocation_parameters", &["model"]),
    Attr("embedding.model_name"),
    Attr("reranker.model_name"),
    Attr("decision.model_name"),
    Attr("gen_ai.request.model"),
    Attr("ai.model.id"),
    Meta("ls_model_name"),
];

const RESPONSE_MODEL: &[Source] = &[
    Attr("weir.response_model"),
    Attr("mlflow.llm.model"),
    Attr("llm.response.model_name"),
    Attr("llm.model_name"),
    Attr("gen_ai.response.model"),
    Attr("ai.response.model"),
];

/// The provider: read by `provider`, which folds its names.
pub(super) const PROVIDER: &[Source] = &[
    Attr("weir.provider"),
    Attr("mlflow.llm.provider"),
    Attr("llm.provider"),
    Attr("llm.system"),
    Attr("embedding.provider"),
    Attr("decision.provider"),
    Attr("gen_ai.provider.name"),
    Attr("gen_ai.system"),
    Attr("ai.model.provider"),
    Meta("ls_provider"),
];

const SESSION: &[Source] = &[
    Attr("weir.session"),
    Attr("weir.session.id"),
    Attr("weir.session_id"),
    Attr("langfuse.session.id"),
    Attr("mlflow.trace.session"),
    Attr("session.id"),
    Attr("gen_ai.conversation.id"),
    Meta("session"),
    Meta("session_id"),
    Meta("sessionId"),
    Meta("thread_id"),
    Meta("threadId"),
    Meta("conversation_id"),
    Attr("session_id"),
    Attr("thread_id"),
];

const USER: &[Source] = &[
    Attr("weir.user"),
    Attr("weir.user.id"),
    Attr("weir.user_id"),
    Attr("langfuse.user.id"),
    Attr("mlflow.trace.user"),
    Attr("user.id"),
    Attr("enduser.id"),
    Meta("user"),
    Meta("user_id"),
    Meta("userId"),
    Attr("gen_ai.user"),
    Attr("llm.user"),
    Attr("user_id"),
];

const PROMPT_NAME: &[Source] = &[
    Attr("weir.prompt.name"),
    Attr("weir.prompt_name"),
    Attr("langfuse.observation.prompt.name"),
    Attr("llm.prompt_template.name"),
    Attr("prompt.id"),
    Attr("gen_ai.prompt.name"),
    Attr("traceloop.prompt.key"),
    Json("ai.telemetry.metadata.langfusePrompt", &["name"]),
    Meta("prompt_name"),
    Attr("prompt_name"),
];

const PROMPT_VERSION: &[Source] = &[
    Attr("weir.prompt.version"),
    Attr("weir.prompt_version"),
    Attr("langfuse.observation.prompt.version"),
    Attr("llm.prompt_template.version"),
    Attr("gen_ai.prompt.version"),
    Attr("traceloop.prompt.version"),
    Json("ai.telemetry.metadata.langfusePrompt", &["version"]),
    Meta("prompt_version"),
    Attr("prompt_version"),
];

const REQUEST_ID: &[Source] =
    &[Attr("weir.request_id"), Attr("weir.request.id"), Meta("request_id"), Attr("request_id")];

/// The operation in OpenTelemetry's words.
pub(super) const OPERATION: &[Source] = &[Attr("weir.operation"), Attr("gen_ai.operation.name")];

/// Why the model stopped; the spellings of one reason are folded.
pub(super) const FINISH_REASON: &[Source] = &[
    Attr("weir.finish_reason"),
    Attr("llm.finish_reason"),
    Attr("gen_ai.response.finish_reasons"),
    Attr("gen_ai.response.finish_reason"),
    Attr("llm.response.finish_reason"),
    Attr("gen_ai.completion.0.finish_reason"),
    Attr("ai.response.finishReason"),
    Meta("finish_reason"),
];

/// Whether and how a cache took part: a truth value or a word.
pub(super) const CACHE: &[Source] =
    &[Attr("weir.cache"), Attr("weir.cache.status"), Attr("weir.cache_hit"), Meta("cache_hit"), Attr("cache_hit")];

/// Whether the answer was streamed.
pub(super) const STREAM: &[Source] = &[
    Attr("weir.stream"),
    Mlflow("stream"),
    Json("llm.invocation_parameters", &["stream"]),
    Attr("gen_ai.request.stream"),
    Attr("langsmith.request.streaming"),
    Attr("gen_ai.is_streaming"),
    Attr("llm.is_streaming"),
];

/// HTTP status.
pub(super) const HTTP_STATUS: &[Source] =
    &[Attr("weir.http_status"), Attr("http.response.status_code"), Attr("http.status_code")];

/// Upstream attempts.
pub(super) const ATTEMPTS: &[Source] = &[Attr("weir.attempts")];

/// Labels; a list.
pub(super) const TAGS: &[Source] = &[
    Attr("weir.tags"),
    Attr("langfuse.trace.tags"),
    Attr("tag.tags"),
    Attr("langsmith.span.tags"),
    Meta("tags"),
    Attr("tags"),
];

/// Attributes that Weir gives a name of its own: texts.
pub(super) const NAMED: &[(&str, &[Source])] = &[
    (
        "workflow",
        &[
            Attr("weir.workflow"),
            Attr("weir.workflow.name"),
            Attr("traceloop.workflow.name"),
            Attr("gen_ai.workflow.name"),
            Meta("workflow"),
            Attr("workflow"),
        ],
    ),
    ("from_node", &[Attr("weir.from_node"), Attr("from_node")]),
    ("to_node", &[Attr("weir.to_node"), Attr("to_node")]),
    ("condition", &[Attr("weir.condition"), Attr("condition")]),
    ("environment", &[Attr("weir.environment"), Attr("langfuse.environment"), Attr("environment")]),
    ("release", &[Attr("weir.release"), Attr("langfuse.release"), Attr("release")]),
    ("cost_source", &[Attr("weir.cost_source"), Attr("cost_source")]),
];

/// The same for spans of one kind: a graph's node is a decision's end only where the span is a decision.
pub(super) const NAMED_BRANCH: &[(&str, &[Source])] =
    &[("from_node", &[Attr("graph.node.parent_id")]), ("to_node", &[Attr("graph.node.id"), Attr("graph.node.name")])];

/// For tools.
pub(super) const NAMED_TOOL: &[(&str, &[Source])] = &[
    (
        "tool_name",
        &[
            Attr("weir.tool_name"),
            Attr("mlflow.spanFunctionName"),
            Attr("tool.name"),
            Attr("gen_ai.tool.name"),
            Attr("traceloop.entity.name"),
            Attr("ai.toolCall.name"),
            Attr("tool_name"),
        ],
    ),
    (
        "tool_call_id",
        &[
            Attr("weir.tool_call_id"),
            Attr("tool.id"),
            Attr("gen_ai.tool.call.id"),
            Attr("ai.toolCall.id"),
            Attr("tool_call_id"),
        ],
    ),
];

/// For retrievals.
pub(super) const NAMED_RETRIEVER: &[(&str, &[Source])] = &[(
    "collection",
    &[
        Attr("weir.collection"),
        Attr("gen_ai.data_source.id"),
        Attr("db.collection.name"),
        Meta("collection"),
        Attr("collection"),
    ],
)];

/// Attributes of Weir's own names whose value stays the JSON that it is.
pub(super) const VALUED: &[(&str, &[Source])] = &[
    ("condition_result", &[Attr("weir.condition_result"), Attr("condition_result")]),
    ("context", &[Attr("weir.context"), Attr("context")]),
    ("relevance_score", &[Attr("weir.relevance_score")]),
];
