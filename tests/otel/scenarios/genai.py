"""OpenTelemetry's own instrumentation of openai as it was for long: the conventions of 1.30, with content in logs. And spans
made by hand as the newest conventions say."""

import json
import os
import sys

from common import DOCUMENTS, QUESTION, WEATHER, WEATHER_QUESTION, client, logging, metrics, run, tracing

MODEL = "gpt-4o-mini"


def recorded(content, calls):
    if content:
        os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = content
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    providers = tracing(), logging(), metrics()
    OpenAIInstrumentor().instrument()
    calls()
    for provider in providers:
        provider.shutdown()


def chat():
    client().chat.completions.create(model=MODEL, messages=QUESTION, temperature=0.2, max_tokens=64, seed=7)


def tools():
    messages = list(WEATHER_QUESTION)
    first = client().chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": "call_weather_1", "content": "sunny"})
    client().chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])


def stream():
    for _ in client().chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    ):
        pass


def errors():
    import openai

    for model in ("error-401", "error-429", "error-500"):
        try:
            client().chat.completions.create(model=model, messages=QUESTION)
        except openai.APIStatusError:
            pass


def embeddings():
    client().embeddings.create(model="text-embedding-3-small", input=DOCUMENTS[:2])


def by_hand():
    """An agent, a tool, a retriever and an evaluation, with structured values where the conventions ask for them."""
    provider = tracing(**{"deployment.environment.name": "staging", "service.version": "1.4.0"})
    tracer = provider.get_tracer("shop", "1.4.0", "https://opentelemetry.io/schemas/1.41.0")
    agent = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.id": "asst_1",
        "gen_ai.agent.name": "shop",
        "gen_ai.conversation.id": "conv-5",
        "gen_ai.usage.input_tokens": 24,
        "gen_ai.usage.output_tokens": 12,
    }
    with tracer.start_as_current_span("invoke_agent shop", attributes=agent):
        retrieval = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "guide",
            "gen_ai.retrieval.query.text": "Where are calls kept?",
            "gen_ai.retrieval.documents": json.dumps([{"id": "doc-0", "score": 0.9}, {"id": "doc-1", "score": 0.8}]),
        }
        with tracer.start_as_current_span("retrieval guide", attributes=retrieval):
            pass
        tool = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "get_weather",
            "gen_ai.tool.call.id": "call_weather_1",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.description": "The weather of a city",
            "gen_ai.tool.call.arguments": {"city": "Paris"},
            "gen_ai.tool.call.result": "sunny",
        }
        with tracer.start_as_current_span("execute_tool get_weather", attributes=tool):
            pass
        answer = {"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}], "finish_reason": "stop"}
        messages = [
            {"role": "user", "parts": [{"type": "text", "content": "What is the weather in Paris?"}]},
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "The tool knows."},
                    {"type": "tool_call", "id": "call_weather_1", "name": "get_weather", "arguments": {"city": "Paris"}},
                ],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_weather_1", "response": "sunny"}]},
        ]
        llm = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": MODEL,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.stop_sequences": ["END"],
            "gen_ai.request.stream": True,
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.response.id": "chatcmpl-recorded1",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.usage.input_tokens": 24,
            "gen_ai.usage.output_tokens": 12,
            "gen_ai.usage.cache_read.input_tokens": 8,
            "gen_ai.usage.reasoning.output_tokens": 4,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Answer in one sentence."}]),
            "gen_ai.input.messages": messages,
            "gen_ai.output.messages": [answer],
        }
        with tracer.start_as_current_span(f"chat {MODEL}", attributes=llm) as span:
            span.add_event(
                "gen_ai.evaluation.result",
                {
                    "gen_ai.evaluation.name": "relevance",
                    "gen_ai.evaluation.score.value": 0.8,
                    "gen_ai.evaluation.score.label": "good",
                    "gen_ai.evaluation.explanation": "It answers the question.",
                },
            )
    provider.shutdown()


CASES = {
    "v1_30_chat": lambda: recorded("true", chat),
    "v1_30_chat_without_content": lambda: recorded(None, chat),
    "v1_30_tools": lambda: recorded("true", tools),
    "v1_30_stream": lambda: recorded("true", stream),
    "v1_30_errors": lambda: recorded("true", errors),
    "v1_30_embeddings": lambda: recorded("true", embeddings),
    "by_hand": by_hand,
}

if __name__ == "__main__":
    run(CASES, sys.argv[1])
