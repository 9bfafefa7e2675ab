"""OpenTelemetry's own conventions: its instrumentation of openai as of 1.30, with content in log records, and spans made by
hand as the newest say."""

import json

import openai
import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

import wire
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
from rig import eventually
from rig.process import ROOT

#: These conventions tell neither cached tokens nor reasoning.
PLAIN = {**TOKENS, "cached": 0, "reasoning": 0}
PLAIN_COST = (24 * 1.0 + 12 * 4.0) / 1e6


@pytest.fixture
def captured(monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")


def instrumentation(app, loggers=None):
    return instrumented(
        OpenAIInstrumentor(),
        tracer_provider=app.tracers,
        logger_provider=loggers or app.loggers,
        meter_provider=app.meters,
    )


def loop(app):
    """A question that a tool answers: two calls."""
    api, messages = app.openai(), list(WEATHER_QUESTION)
    first = api.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], extra_headers=app.headers("tools")
    )
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in first.choices[0].message.tool_calls
    ]
    second = api.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    return first, second


def assert_loop(asking, answering, second):
    """The content of both calls, as the log records had it."""
    assert asking["input"]["messages"] == WEATHER_QUESTION
    calls = asking["output"]["choices"][0]["message"]["tool_calls"]
    assert [(call["id"], call["function"]["name"]) for call in calls] == [
        ("call_fake_0", "get_weather"),
        ("call_fake_1", "get_time"),
    ]
    assert json.loads(calls[0]["function"]["arguments"])["city"] == "Zürich"
    question, assistant, *tools = answering["input"]["messages"]
    assert [question] == WEATHER_QUESTION and assistant["tool_calls"] == calls
    assert tools == [
        {"role": "tool", "tool_call_id": "call_fake_0", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_fake_1", "content": "sunny"},
    ]
    assert answering["output"]["choices"][0]["message"]["content"] == second.choices[0].message.content
    assert (asking["finish_reason"], answering["finish_reason"]) == ("tool_calls", "stop")


@pytest.mark.parametrize("first", ["spans", "logs"])
def test_a_chat_is_in_the_right_fields_whichever_comes_first(app, captured, first):
    with instrumentation(app):
        answer = app.openai().chat.completions.create(
            model=MODEL, messages=QUESTION, temperature=0.2, max_tokens=64, seed=7
        )
    (sent,) = app.spans()
    trace = f"{sent.context.trace_id:032x}"
    (app.tracers if first == "spans" else app.loggers).force_flush()
    before = eventually("the first half is there", lambda: app.server.trace(trace))
    assert (before[0]["model"], before[0]["input"] is None) == ((MODEL, True) if first == "spans" else (None, False))
    assert app.total()["count"] == (1 if first == "spans" else 0), "a span of which only content is known is no call"
    (call,) = app.counted_once(1, PLAIN)
    assert (call["kind"], call["operation"], call["status"], call["name"]) == (
        "llm",
        "chat",
        "success",
        f"chat {MODEL}",
    )
    assert (call["model"], call["response_model"], call["provider"]) == (MODEL, MODEL, "openai")
    assert (call["tokens"], call["token_source"], call["finish_reason"]) == (PLAIN, "provider", "stop")
    assert call["cost_usd"] == pytest.approx(PLAIN_COST, abs=1e-12)
    assert (call["attributes"]["temperature"], call["attributes"]["max_tokens"], call["attributes"]["seed"]) == (
        0.2,
        64,
        7,
    )
    assert call["input"]["messages"] == QUESTION
    (choice,) = call["output"]["choices"]
    assert choice["message"] == {"role": "assistant", "content": answer.choices[0].message.content}
    assert choice["finish_reason"] == "stop" and call["project"] == "shop-assistant"


@pytest.mark.parametrize("first", ["spans", "logs"])
def test_tools(app, captured, first):
    with instrumentation(app):
        _, second = loop(app)
    for which in ("spans", "logs") if first == "spans" else ("logs", "spans"):
        (app.tracers if which == "spans" else app.loggers).force_flush()
    asking, answering = app.counted_once(2, {name: 2 * count for name, count in PLAIN.items()})
    assert_loop(asking, answering, second)


@pytest.mark.parametrize("first", ["spans", "logs"])
def test_log_records_that_come_one_by_one_are_one_content(app, captured, first):
    """With a simple processor, or where a batch ends in between, the messages of one call come in several requests."""
    loggers = LoggerProvider()
    loggers.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{app.server.url}/v1/logs")))
    with instrumentation(app, loggers):
        _, second = loop(app)
        if first == "spans":
            app.tracers.force_flush()
        app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
    loggers.shutdown()
    asking, answering, third = app.counted_once(3, {name: 3 * count for name, count in PLAIN.items()})
    assert third["input"]["messages"] == QUESTION
    assert_loop(asking, answering, second)


def test_log_records_that_are_sent_again_change_nothing(app, captured):
    """An exporter that saw no answer sends its batch again, perhaps with other records beside it."""
    trace, span = wire.new_trace(), wire.new_span()

    def record(event, at, body):
        return {
            "traceId": trace,
            "spanId": span,
            "eventName": event,
            "observedTimeUnixNano": str(1_795_000_000_000_000_000 + at),
            "attributes": wire.attributes({"gen_ai.system": "openai"}),
            "body": wire.value(body),
        }

    records = [
        record("gen_ai.system.message", 1, {"content": "Answer in one sentence."}),
        record("gen_ai.user.message", 2, {"content": "Where?"}),
        record(
            "gen_ai.choice",
            3,
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Here."}},
        ),
    ]
    call = wire.llm(trace, span, start=1_795_000_000_000_000_000)
    for request in (
        wire.logs(*records),
        wire.traces(call),
        wire.logs(*records),
        wire.logs(*records[1:]),
        wire.logs(records[2]),
    ):
        path = "/v1/logs" if "resourceLogs" in request else "/v1/traces"
        wire.taken(wire.post(app.server, request, path))
    (stored,) = app.server.trace(trace)
    assert [m["content"] for m in stored["input"]["messages"]] == ["Answer in one sentence.", "Where?"]
    assert stored["output"]["choices"][0]["message"]["content"] == "Here." and stored["tokens"]["total"] == 36


def test_without_leave_there_is_no_content(app):
    with instrumentation(app):
        app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
    (call,) = app.counted_once(1, PLAIN)
    assert (call["input"], call["output"], call["finish_reason"]) == (None, None, "stop")
    assert "capital" not in app.text_of(call)


def test_a_stream(app, captured):
    with instrumentation(app):
        stream = app.openai("delay=2").chat.completions.create(
            model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    (call,) = app.counted_once(1, PLAIN)
    assert call["output"]["choices"][0]["message"]["content"] == text
    assert (call["finish_reason"], call["ttft_ms"]) == ("stop", None)


@pytest.mark.parametrize(
    ("words", "error_type"), [("status=401", "auth"), ("status=429", "http_4xx"), ("status=500", "http_5xx")]
)
def test_failures_have_their_class(app, captured, words, error_type):
    with instrumentation(app), pytest.raises(openai.APIStatusError):
        app.openai(words).chat.completions.create(model=MODEL, messages=QUESTION)
    call = app.call()
    assert (call["status"], call["error_type"], call["model"]) == ("error", error_type, MODEL)
    assert (call["tokens"], call["cost_usd"], call["output"]) == (None, None, None)
    assert call["input"]["messages"] == QUESTION and "Error code" in call["error"]
    assert app.total()["errors"] == 1


def test_embeddings(app, captured):
    with instrumentation(app):
        tokens = app.openai().embeddings.create(model=EMBEDDER, input=DOCUMENTS[:2]).usage.prompt_tokens
    call = app.call()
    assert (call["kind"], call["operation"], call["model"]) == ("embedding", "embeddings", EMBEDDER)
    assert (call["tokens"]["prompt"], call["tokens"]["completion"]) == (tokens, 0)
    assert call["cost_usd"] == pytest.approx(tokens * 0.1 / 1e6, abs=1e-12)


def test_the_built_in_prices_are_used(serve):
    table = json.loads((ROOT / "crates/weir-core/data/model_prices.json").read_text())["models"]
    price = next(row for row in table if (row["provider"], row["id"]) == ("openai", MODEL))
    server = serve('[otlp]\ngrpc = "off"\n')
    call = wire.llm(given={"gen_ai.usage.cache_read.input_tokens": 8})
    wire.taken(wire.post(server, wire.traces(call)))
    cost = (16 * price["in"] + 8 * price["cached_in"] + 12 * price["out"]) / 1e6
    assert server.trace(call["traceId"])[0]["cost_usd"] == pytest.approx(cost, abs=1e-12)


def test_the_newest_conventions_by_hand(app):
    """An agent that repeats the usage of its call, a tool, a retrieval, structured messages, an evaluation."""
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "What is the weather in Paris?"}]},
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "The tool knows."},
                {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris", "days": 3}},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "sunny"}]},
    ]
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}], "finish_reason": "stop"}]
    usage = {
        "gen_ai.usage.input_tokens": 24,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.usage.reasoning.output_tokens": 4,
    }
    tracer = app.tracer()
    agent = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.name": "shop",
        "gen_ai.conversation.id": "conv-5",
        "user.id": "user-42",
        **usage,
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
            "gen_ai.tool.call.id": "call_1",
            "gen_ai.tool.call.arguments": '{"city": "Paris"}',
            "gen_ai.tool.call.result": "sunny",
        }
        with tracer.start_as_current_span("execute_tool get_weather", attributes=tool):
            pass
        call = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": MODEL,
            "gen_ai.request.stream": True,
            "gen_ai.response.model": MODEL,
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.conversation.id": "conv-5",
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Answer in one sentence."}]),
            "gen_ai.input.messages": messages,
            "gen_ai.output.messages": answer,
            **usage,
        }
        with tracer.start_as_current_span(f"chat {MODEL}", attributes=call) as span:
            span.add_event(
                "gen_ai.evaluation.result",
                {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.8},
            )
    spans = app.stored()
    assert [span["kind"] for span in spans] == ["agent", "retriever", "tool", "llm"]
    root, found, used, asked = spans
    assert (root["session"], root["user"], root["tokens"], root["cost_usd"]) == ("conv-5", "user-42", None, None)
    assert (asked["tokens"], asked["ttft_ms"], asked["stream"], asked["session"]) == (TOKENS, 250.0, True, "conv-5")
    assert asked["cost_usd"] == pytest.approx(COST, abs=1e-12)
    assert "The tool knows." in json.dumps(asked["input"]) and '"days": 3' in json.dumps(asked["input"])
    assert asked["output"][0]["parts"][0]["content"] == "Sunny."
    assert "Answer in one sentence." in json.dumps(asked)
    assert [event["name"] for event in asked["details"]["events"]] == ["gen_ai.evaluation.result"]
    assert (used["attributes"]["tool_name"], used["input"], used["output"]) == (
        "get_weather",
        {"city": "Paris"},
        "sunny",
    )
    assert found["input"] == "Where are calls kept?"
    assert [(d["id"], d["score"]) for d in found["details"]["documents"]] == [("doc-0", 0.9), ("doc-1", 0.8)]
    total = app.total()
    assert (total["count"], total["tokens"]["total"]) == (1, 36), "the agent's usage is its call's"
    assert only(spans, "llm")["parent_id"] == root["span_id"]
