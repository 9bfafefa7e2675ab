//! Rows of what a call took: parameters, time, tokens, money.

use super::Source::{self, Attr, Json, Meta, Mlflow};

/// Parameters of a call, under the names that the gateway gives them: numbers.
pub(in crate::otlp::map) const PARAMETERS: &[(&str, &[Source])] = &[
    (
        "temperature",
        &[
            Json("langfuse.observation.model.parameters", &["temperature"]),
            Mlflow("temperature"),
            Json("llm.invocation_parameters", &["temperature"]),
            Attr("gen_ai.request.temperature"),
            Attr("llm.temperature"),
            Attr("ai.settings.temperature"),
            Meta("ls_temperature"),
        ],
    ),
    (
        "top_p",
        &[
            Json("langfuse.observation.model.parameters", &["top_p"]),
            Mlflow("top_p"),
            Json("llm.invocation_parameters", &["top_p"]),
            Attr("gen_ai.request.top_p"),
            Attr("llm.top_p"),
            Attr("ai.settings.topP"),
        ],
    ),
    (
        "top_k",
        &[
            Json("llm.invocation_parameters", &["top_k"]),
            Attr("gen_ai.request.top_k"),
            Attr("llm.top_k"),
            Attr("ai.settings.topK"),
        ],
    ),
    (
        "max_tokens",
        &[
            Json("langfuse.observation.model.parameters", &["max_tokens"]),
            Mlflow("max_tokens"),
            Json("llm.invocation_parameters", &["max_tokens"]),
            Attr("gen_ai.request.max_tokens"),
            Attr("ai.settings.maxOutputTokens"),
            Attr("ai.settings.maxTokens"),
            Meta("ls_max_tokens"),
        ],
    ),
    (
        "max_completion_tokens",
        &[
            Json("langfuse.observation.model.parameters", &["max_completion_tokens"]),
            Mlflow("max_completion_tokens"),
            Json("llm.invocation_parameters", &["max_completion_tokens"]),
            Attr("gen_ai.request.max_completion_tokens"),
        ],
    ),
    ("seed", &[Mlflow("seed"), Json("llm.invocation_parameters", &["seed"]), Attr("gen_ai.request.seed")]),
    (
        "n",
        &[
            Mlflow("n"),
            Json("llm.invocation_parameters", &["n"]),
            Attr("gen_ai.request.choice.count"),
            Attr("gen_ai.request.n"),
        ],
    ),
];

/// Time to first token that is stated: where, and how many of its units are a second.
pub(in crate::otlp::map) const FIRST_TOKEN: &[(Source, f64)] = &[
    (Attr("weir.ttft_us"), 1e6),
    (Attr("gen_ai.response.time_to_first_chunk"), 1.0),
    (Attr("gen_ai.client.operation.time_to_first_chunk"), 1.0),
    (Attr("gen_ai.server.time_to_first_token"), 1.0),
    (Attr("ai.response.msToFirstChunk"), 1e3),
    (Attr("ai.stream.msToFirstChunk"), 1e3),
];

/// Events at whose first occurrence the first token came; a name that ends in a dot is the beginning of one.
pub(in crate::otlp::map) const FIRST_TOKEN_EVENTS: &[&str] = &[
    "First Token Stream Event",
    "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk",
    "ai.stream.firstChunk",
    "mlflow.chunk.item.",
];

/// Numbers of tokens, as they are reported: all input, all output, and parts of them.
pub(in crate::otlp::map) struct Usage {
    pub(in crate::otlp::map) input: &'static [Source],
    pub(in crate::otlp::map) output: &'static [Source],
    pub(in crate::otlp::map) total: &'static [Source],
    pub(in crate::otlp::map) cached: &'static [Source],
    pub(in crate::otlp::map) cache_write: &'static [Source],
    /// The part of `cache_write` that is kept for an hour.
    pub(in crate::otlp::map) cache_write_1h: &'static [Source],
    pub(in crate::otlp::map) reasoning: &'static [Source],
    pub(in crate::otlp::map) audio_in: &'static [Source],
    pub(in crate::otlp::map) audio_out: &'static [Source],
}

/// Where they stand. Langfuse's `usage_details` count otherwise: `tokens` reads them first.
pub(in crate::otlp::map) const USAGE: Usage = Usage {
    input: &[
        Json("mlflow.chat.tokenUsage", &["input_tokens"]),
        Attr("llm.token_count.prompt"),
        Attr("decision.token_count.input"),
        Attr("gen_ai.usage.input_tokens"),
        Attr("gen_ai.usage.prompt_tokens"),
        Attr("llm.usage.prompt_tokens"),
        Attr("ai.usage.inputTokens"),
        Attr("ai.usage.promptTokens"),
        Attr("ai.usage.tokens"),
    ],
    output: &[
        Json("mlflow.chat.tokenUsage", &["output_tokens"]),
        Attr("llm.token_count.completion"),
        Attr("decision.token_count.output"),
        Attr("gen_ai.usage.output_tokens"),
        Attr("gen_ai.usage.completion_tokens"),
        Attr("llm.usage.completion_tokens"),
        Attr("ai.usage.outputTokens"),
        Attr("ai.usage.completionTokens"),
    ],
    total: &[
        Json("mlflow.chat.tokenUsage", &["total_tokens"]),
        Attr("llm.token_count.total"),
        Attr("gen_ai.usage.total_tokens"),
        Attr("llm.usage.total_tokens"),
        Attr("ai.usage.totalTokens"),
    ],
    cached: &[
        Json("mlflow.chat.tokenUsage", &["cache_read_input_tokens"]),
        Attr("llm.token_count.prompt_details.cache_read"),
        Attr("llm.token_count.prompt_details.cache_input"),
        Attr("gen_ai.usage.cache_read.input_tokens"),
        Attr("gen_ai.usage.cache_read_input_tokens"),
        Attr("gen_ai.usage.details.cache_read_tokens"),
        Json("gen_ai.usage.input_token_details", &["cache_read"]),
        Json("langsmith.metadata.usage_metadata", &["input_token_details", "cache_read"]),
        Attr("ai.usage.cachedInputTokens"),
        Attr("ai.usage.inputTokenDetails.cacheReadTokens"),
        Json("ai.response.providerMetadata", &["openai", "cachedPromptTokens"]),
        Json("ai.response.providerMetadata", &["anthropic", "usage", "cache_read_input_tokens"]),
        Json("ai.response.providerMetadata", &["bedrock", "usage", "cacheReadInputTokens"]),
    ],
    cache_write: &[
        Json("mlflow.chat.tokenUsage", &["cache_creation_input_tokens"]),
        Attr("llm.token_count.prompt_details.cache_write"),
        Attr("gen_ai.usage.cache_creation.input_tokens"),
        Attr("gen_ai.usage.cache_write.input_tokens"),
        Attr("gen_ai.usage.cache_creation_input_tokens"),
        Json("gen_ai.usage.input_token_details", &["cache_creation"]),
        Json("langsmith.metadata.usage_metadata", &["input_token_details", "cache_creation"]),
        Attr("ai.usage.inputTokenDetails.cacheWriteTokens"),
        Json("ai.response.providerMetadata", &["anthropic", "usage", "cache_creation_input_tokens"]),
        Json("ai.response.providerMetadata", &["bedrock", "usage", "cacheWriteInputTokens"]),
    ],
    cache_write_1h: &[Attr("weir.usage.cache_write_1h_tokens")],
    reasoning: &[
        Attr("llm.token_count.completion_details.reasoning"),
        Attr("gen_ai.usage.reasoning.output_tokens"),
        Attr("gen_ai.usage.reasoning_tokens"),
        Attr("llm.usage.reasoning_tokens"),
        Attr("gen_ai.usage.details.reasoning_tokens"),
        Json("gen_ai.usage.output_token_details", &["reasoning"]),
        Json("langsmith.metadata.usage_metadata", &["output_token_details", "reasoning"]),
        Attr("ai.usage.reasoningTokens"),
        Attr("ai.usage.outputTokenDetails.reasoningTokens"),
    ],
    audio_in: &[
        Attr("llm.token_count.prompt_details.audio"),
        Attr("gen_ai.usage.audio.input_tokens"),
        Json("langsmith.metadata.usage_metadata", &["input_token_details", "audio"]),
    ],
    audio_out: &[
        Attr("llm.token_count.completion_details.audio"),
        Attr("gen_ai.usage.audio.output_tokens"),
        Json("langsmith.metadata.usage_metadata", &["output_token_details", "audio"]),
    ],
};

/// A cost in dollars that the client states.
pub(in crate::otlp::map) const COST: &[Source] = &[
    Attr("weir.cost_usd"),
    Json("langfuse.observation.cost_details", &["total"]),
    Json("mlflow.llm.cost", &["total_cost"]),
    Attr("llm.cost.total"),
    Attr("gen_ai.usage.cost"),
];

/// Where only the costs of input and output are stated.
pub(in crate::otlp::map) const COST_PARTS: &[(Source, Source)] = &[
    (Json("langfuse.observation.cost_details", &["input"]), Json("langfuse.observation.cost_details", &["output"])),
    (Json("mlflow.llm.cost", &["input_cost"]), Json("mlflow.llm.cost", &["output_cost"])),
    (Attr("llm.cost.prompt"), Attr("llm.cost.completion")),
];
