"""OpenTelemetry's instrumentation of openai from the conventions' own repository, the successor of openai-v2: the newest
conventions, with content on spans, in events, or both."""

import os
import sys

import genai
from common import client, logging, metrics, run, tracing


def recorded(content, calls):
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = content
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    providers = tracing(), logging(), metrics()
    OpenAIInstrumentor().instrument()
    calls()
    for provider in providers:
        provider.shutdown()


def responses():
    tool = {"type": "function", **genai.WEATHER["function"]}
    client().responses.create(
        model=genai.MODEL, instructions="Answer in one sentence.", input="What is the capital of France?", temperature=0.2
    )
    client().responses.create(model=genai.MODEL, input=genai.WEATHER_QUESTION, tools=[tool])


CASES = {
    "successor_chat": lambda: recorded("span_only", genai.chat),
    "successor_chat_events": lambda: recorded("event_only", genai.chat),
    "successor_tools": lambda: recorded("span_and_event", genai.tools),
    "successor_stream": lambda: recorded("span_only", genai.stream),
    "successor_errors": lambda: recorded("span_only", genai.errors),
    "successor_embeddings": lambda: recorded("span_only", genai.embeddings),
    "successor_responses": lambda: recorded("span_only", responses),
}

if __name__ == "__main__":
    run(CASES, sys.argv[1])
