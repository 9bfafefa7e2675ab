"""OpenLLMetry: its instrumentation of openai."""

import sys

from common import DOCUMENTS, QUESTION, WEATHER, WEATHER_QUESTION, client, logging, metrics, run, tracing

MODEL = "gpt-4o-mini"


def recorded(calls, **settings):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    providers = tracing(), logging(), metrics()
    OpenAIInstrumentor(**settings).instrument()
    calls()
    for provider in providers:
        provider.shutdown()


def chat():
    """As Traceloop's decorators do it: the names of a workflow and the properties of an association are attributes."""
    from opentelemetry import trace

    tracer = trace.get_tracer("opentelemetry.instrumentation.traceloop")
    with tracer.start_as_current_span("geography.workflow") as span:
        span.set_attribute("traceloop.span.kind", "workflow")
        span.set_attribute("traceloop.workflow.name", "geography")
        span.set_attribute("traceloop.entity.name", "geography")
        span.set_attribute("traceloop.entity.input", '{"args": ["France"], "kwargs": {}}')
        span.set_attribute("traceloop.association.properties.session_id", "session-7")
        span.set_attribute("traceloop.association.properties.user_id", "user-42")
        span.set_attribute("traceloop.association.properties.department", "support")
        client().chat.completions.create(
            model=MODEL, messages=QUESTION, temperature=0.2, max_tokens=64, seed=7, user="user-42"
        )
        span.set_attribute("traceloop.entity.output", '"Paris is the capital of France."')


def plain_chat():
    client().chat.completions.create(model=MODEL, messages=QUESTION)


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


def responses():
    client().responses.create(model=MODEL, instructions="Answer in one sentence.", input="What is the capital of France?")


CASES = {
    "chat": lambda: recorded(chat),
    "chat_events": lambda: recorded(plain_chat, use_legacy_attributes=False),
    "tools": lambda: recorded(tools),
    "tools_events": lambda: recorded(tools, use_legacy_attributes=False),
    "stream": lambda: recorded(stream),
    "errors": lambda: recorded(errors),
    "embeddings": lambda: recorded(embeddings),
    "responses": lambda: recorded(responses),
}

if __name__ == "__main__":
    run(CASES, sys.argv[1])
