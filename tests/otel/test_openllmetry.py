"""opentelemetry-instrumentation-openai (OpenLLMetry), unmodified: every call lands in the right fields, once."""

import json

import openai
import pytest
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from application import (
    COST,
    DOCUMENTS,
    EMBEDDER,
    MODEL,
    QUESTION,
    TOKENS,
    WEATHER,
    WEATHER_QUESTION,
    instrumented,
    only,
)


@pytest.fixture
def instrumentation(app):
    with instrumented(OpenAIInstrumentor(), tracer_provider=app.tracers, meter_provider=app.meters):
        yield


@pytest.fixture
def instrumentation_with_logs(app):
    """Content in log records instead of attributes."""
    instrumentor = OpenAIInstrumentor(use_legacy_attributes=False)
    providers = {"tracer_provider": app.tracers, "meter_provider": app.meters, "logger_provider": app.loggers}
    with instrumented(instrumentor, **providers):
        yield
    OpenAIInstrumentor(use_legacy_attributes=True)


def texts(messages):
    """Role and text of messages in the conventions' form."""
    return [(m["role"], "".join(part.get("content", "") for part in m["parts"])) for m in messages]


def test_a_chat_is_in_the_right_fields(app, instrumentation):
    """As Traceloop's decorators do it: the workflow's name and the association's properties are attributes."""
    with app.tracer("opentelemetry.instrumentation.traceloop").start_as_current_span("geography.workflow") as span:
        span.set_attributes(
            {
                "traceloop.span.kind": "workflow",
                "traceloop.workflow.name": "geography",
                "traceloop.entity.name": "geography",
                "traceloop.entity.input": '{"args": ["France"], "kwargs": {}}',
                "traceloop.association.properties.session_id": "session-7",
                "traceloop.association.properties.user_id": "user-42",
                "traceloop.association.properties.department": "support",
                "traceloop.association.properties.prompt_version": "v3",
            }
        )
        answer = app.openai().chat.completions.create(
            model=MODEL, messages=QUESTION, temperature=0.2, max_tokens=64, seed=7, user="user-42"
        )
    (call,) = app.counted_once(1)
    chain = only(app.stored(), "chain")
    assert (call["kind"], call["operation"], call["status"], call["parent_id"]) == (
        "llm",
        "chat",
        "success",
        chain["span_id"],
    )
    assert (call["model"], call["response_model"], call["provider"]) == (MODEL, MODEL, "openai")
    assert (call["user"], call["finish_reason"], call["stream"]) == ("user-42", "stop", False)
    assert (call["tokens"], call["token_source"]) == (TOKENS, "provider")
    assert call["cost_usd"] == pytest.approx(COST, abs=1e-12)
    assert (call["attributes"]["temperature"], call["attributes"]["max_tokens"]) == (0.2, 64)
    assert texts(call["input"]) == [(m["role"], m["content"]) for m in QUESTION]
    assert texts(call["output"]) == [("assistant", answer.choices[0].message.content)]
    sent = next(span for span in app.spans() if span.name == "openai.chat")
    text = app.text_of(call)
    assert f'"input":{sent.attributes["gen_ai.input.messages"]},' in text, "to the letter"
    assert f'"output":{sent.attributes["gen_ai.output.messages"]},' in text
    assert (chain["session"], chain["user"], chain["department"]) == ("session-7", "user-42", "support")
    assert (chain["prompt"]["version"], chain["attributes"]["workflow"]) == ("v3", "geography")
    assert chain["input"] == {"args": ["France"], "kwargs": {}}


def test_properties_of_an_association_on_the_call_itself(app, instrumentation):
    """Traceloop's SDK puts them on every span of the context."""
    from opentelemetry.sdk.trace import SpanProcessor

    class Association(SpanProcessor):
        def on_start(self, span, parent_context=None):
            for name, value in (("session_id", "s-9"), ("user_id", "u-9"), ("department", "support")):
                span.set_attribute(f"traceloop.association.properties.{name}", value)

    app.tracers.add_span_processor(Association())
    app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
    (call,) = app.counted_once(1)
    assert (call["session"], call["user"], call["department"]) == ("s-9", "u-9", "support")


def test_tools(app, instrumentation):
    api, messages = app.openai(), list(WEATHER_QUESTION)
    first = api.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], extra_headers=app.headers("tools")
    )
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in first.choices[0].message.tool_calls
    ]
    api.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    asking, answering = app.counted_once(2)
    assert (asking["finish_reason"], answering["finish_reason"]) == ("tool_calls", "stop")
    calls = [part for part in asking["output"][0]["parts"] if part["type"] == "tool_call"]
    assert [(call["id"], call["name"]) for call in calls] == [
        ("call_fake_0", "get_weather"),
        ("call_fake_1", "get_time"),
    ]
    arguments = calls[0]["arguments"]
    assert (json.loads(arguments) if isinstance(arguments, str) else arguments)["city"] == "Zürich"
    assert "sunny" in json.dumps(answering["input"]) and "get_weather" in json.dumps(
        asking["details"], ensure_ascii=False
    )


def test_a_stream(app, instrumentation):
    stream = app.openai("first=120", "delay=5").chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    # Its stream has no reasoning tokens.
    (call,) = app.counted_once(1, {**TOKENS, "reasoning": app.calls()[0]["tokens"]["reasoning"]})
    assert (call["stream"], call["finish_reason"], call["model"]) == (True, "stop", MODEL)
    assert call["cost_usd"] == pytest.approx(COST, abs=1e-12)
    assert 110 < call["ttft_ms"] < call["latency_ms"] - 20, (call["ttft_ms"], call["latency_ms"])
    assert texts(call["output"]) == [("assistant", text)]


@pytest.mark.parametrize(
    ("words", "error_type"),
    [
        ("status=401", "auth"),
        ("status=429", "http_4xx"),
        ("status=500", "http_5xx"),
        ("status=400,code=context_length_exceeded", "context_length"),
    ],
)
def test_failures_have_their_class(app, instrumentation, words, error_type):
    with pytest.raises(openai.APIStatusError):
        app.openai(words).chat.completions.create(model=MODEL, messages=QUESTION)
    call = app.call()
    assert (call["status"], call["error_type"], call["model"]) == ("error", error_type, MODEL), call["error"]
    assert "Error code" in call["error"] and (call["tokens"], call["cost_usd"]) == (None, None)
    assert texts(call["input"]) == [(m["role"], m["content"]) for m in QUESTION]
    assert app.total()["errors"] == 1


def test_embeddings(app, instrumentation):
    tokens = app.openai().embeddings.create(model=EMBEDDER, input=DOCUMENTS[:2]).usage.prompt_tokens
    call = app.call()
    assert (call["kind"], call["operation"], call["model"], call["provider"]) == (
        "embedding",
        "embeddings",
        EMBEDDER,
        "openai",
    )
    assert (call["tokens"]["prompt"], call["tokens"]["completion"]) == (tokens, 0)
    assert call["cost_usd"] == pytest.approx(tokens * 0.1 / 1e6, abs=1e-12)
    assert all(text in json.dumps(call["input"]) for text in DOCUMENTS[:2])


def test_the_responses_api(app, instrumentation):
    answer = app.openai().responses.create(
        model=MODEL, instructions="Answer in one sentence.", input="What is the capital of France?"
    )
    (call,) = app.counted_once(1)
    assert (call["kind"], call["model"]) == ("llm", MODEL)
    assert "capital of France" in json.dumps(call["input"]) and answer.output_text in json.dumps(
        call["output"], ensure_ascii=False
    )


@pytest.mark.parametrize("first", ["spans", "logs"])
def test_content_in_logs_comes_to_its_span(app, instrumentation_with_logs, first):
    api, messages = app.openai(), list(WEATHER_QUESTION)
    answer = api.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], extra_headers=app.headers("tools")
    )
    messages.append(answer.choices[0].message.model_dump(exclude_none=True))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in answer.choices[0].message.tool_calls
    ]
    last = api.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    for which in ("spans", "logs") if first == "spans" else ("logs", "spans"):
        (app.tracers if which == "spans" else app.loggers).force_flush()
    asking, answering = app.counted_once(2)
    assert asking["input"]["messages"] == WEATHER_QUESTION
    message = asking["output"]["choices"][0]["message"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_weather", "get_time"]
    assert [m["role"] for m in answering["input"]["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [m["content"] for m in answering["input"]["messages"][2:]] == ["sunny", "sunny"]
    assert answering["output"]["choices"][0]["message"]["content"] == last.choices[0].message.content
    assert (asking["finish_reason"], answering["finish_reason"]) == ("tool_calls", "stop")
