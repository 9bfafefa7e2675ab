"""openinference-instrumentation-openai, unmodified: every call lands in the right fields, once."""

import asyncio
import json

import openai
import pytest
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor

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
    of_kind,
)


@pytest.fixture(autouse=True)
def instrumentation(app):
    with instrumented(OpenAIInstrumentor(), tracer_provider=app.tracers):
        yield


def test_a_chat_is_in_the_right_fields(app):
    with using_attributes(
        session_id="session-7",
        user_id="user-42",
        metadata={"department": "support", "prompt_version": "v3", "cache_hit": False, "attempt": 1, "ratio": 0.5},
        tags=["production", "geography"],
        prompt_template="What is the capital of {country}?",
        prompt_template_version="v3",
        prompt_template_variables={"country": "France"},
    ):
        answer = app.openai().chat.completions.create(
            model=MODEL, messages=QUESTION, temperature=0.2, max_tokens=64, seed=7
        )
    (call,) = app.counted_once(1)
    (sent,) = app.spans()
    assert (call["trace_id"], call["span_id"]) == (f"{sent.context.trace_id:032x}", f"{sent.context.span_id:016x}")
    assert (call["kind"], call["operation"], call["status"], call["parent_id"]) == ("llm", "chat", "success", None)
    assert (call["model"], call["response_model"], call["provider"]) == (MODEL, MODEL, "openai")
    assert (call["session"], call["user"], call["department"]) == ("session-7", "user-42", "support")
    assert (call["prompt"]["version"], call["cache"], call["cache_hit"]) == ("v3", "miss", False)
    assert (call["tags"], call["finish_reason"]) == (["production", "geography"], "stop")
    assert (call["tokens"], call["token_source"]) == (TOKENS, "provider")
    assert call["cost_usd"] == pytest.approx(COST, abs=1e-12)
    assert call["latency_ms"] == pytest.approx((sent.end_time - sent.start_time) / 1e6, abs=0.002)
    assert (call["attributes"]["temperature"], call["attributes"]["max_tokens"], call["attributes"]["seed"]) == (
        0.2,
        64,
        7,
    )
    assert call["attributes"]["metadata"] == {
        "department": "support",
        "prompt_version": "v3",
        "cache_hit": False,
        "attempt": 1,
        "ratio": 0.5,
    }
    assert (call["error_type"], call["error"], call["ttft_ms"]) == (None, None, None)
    # What the provider got, and what it answered.
    assert call["input"] == json.loads(app.asked()[0]["body"])
    assert call["output"] == answer.model_dump(exclude_unset=True)
    text = app.text_of(call)
    assert f'"input":{sent.attributes["input.value"]},' in text, "to the letter"
    assert f'"output":{sent.attributes["output.value"]},' in text


def test_a_call_is_found_by_what_it_is_filed_under(app):
    given = {
        "session_id": "s-1",
        "user_id": "u-1",
        "metadata": {"department": "support", "prompt_version": "v3"},
        "tags": ["x"],
    }
    with using_attributes(**given):
        app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
    app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
    app.counted_once(2)
    for parameters in (
        {"session": "s-1"},
        {"user": "u-1"},
        {"department": "support"},
        {"prompt_version": "v3"},
        {"tag": "x"},
    ):
        assert len(app.server.calls(**parameters)) == 1, parameters
        assert app.server.calls(**{name: "another" for name in parameters}) == []
    groups = app.server.get("/api/v1/stats", group_by="model,provider,department,prompt_version,project").json()[
        "groups"
    ]
    assert sorted(
        (tuple(str(value) for value in g["by"].values()), g["total"]["count"], g["total"]["tokens"]["total"])
        for g in groups
    ) == [
        ((MODEL, "openai", "None", "None", "shop-assistant"), 1, 36),
        ((MODEL, "openai", "support", "@v3", "shop-assistant"), 1, 36),
    ]


def test_the_answer_may_name_another_model(app):
    asked = f"{MODEL}!key={app.key}"
    app.openai().chat.completions.create(model=asked, messages=QUESTION)
    call = app.call()
    assert (call["model"], call["response_model"]) == (asked, MODEL)
    assert call["cost_usd"] == pytest.approx(COST, abs=1e-12), "priced by the model that answered"


def test_a_model_without_a_price_has_no_cost(app):
    app.openai().chat.completions.create(model="in-house-7b", messages=QUESTION)
    assert app.call()["cost_usd"] is None
    total = app.total()
    assert (total["count"], total["unpriced"], total["cost_usd"]) == (1, 1, 0)


def test_a_stated_cost_wins(app):
    with app.tracer().start_as_current_span("answer") as span:
        span.set_attribute("openinference.span.kind", "LLM")
        span.set_attribute("llm.model_name", MODEL)
        span.set_attribute("llm.token_count.prompt", 24)
        span.set_attribute("llm.token_count.completion", 12)
        span.set_attribute("llm.cost.total", 0.5)
    assert app.call()["cost_usd"] == 0.5


def test_tools(app):
    api, messages = app.openai(), list(WEATHER_QUESTION)
    first = api.chat.completions.create(
        model=MODEL, messages=messages, tools=[WEATHER], extra_headers=app.headers("tools")
    )
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in first.choices[0].message.tool_calls
    ]
    second = api.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    asking, answering = app.counted_once(2)
    assert (asking["finish_reason"], answering["finish_reason"]) == ("tool_calls", "stop")
    assert (asking["input"], answering["input"]) == tuple(json.loads(request["body"]) for request in app.asked())
    assert asking["input"]["tools"] == [WEATHER]
    assert asking["output"] == first.model_dump(exclude_unset=True) and answering["output"] == second.model_dump(
        exclude_unset=True
    )
    functions = [call["function"] for call in asking["output"]["choices"][0]["message"]["tool_calls"]]
    assert [function["name"] for function in functions] == ["get_weather", "get_time"]
    assert json.loads(functions[0]["arguments"])["city"] == "Zürich"


def test_an_image(app):
    content = [
        {"type": "text", "text": "What is on the picture?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/tower.png"}},
    ]
    app.openai().chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    (call,) = app.counted_once(1)
    assert call["input"]["messages"][0]["content"] == content


def streamed(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_stream(app):
    stream = app.openai("first=120", "delay=5").chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    text = streamed(stream)
    (call,) = app.counted_once(1)
    assert (call["stream"], call["tokens"], call["finish_reason"], call["model"]) == (True, TOKENS, "stop", MODEL)
    assert call["cost_usd"] == pytest.approx(COST, abs=1e-12)
    assert 110 < call["ttft_ms"] < call["latency_ms"] - 20, (call["ttft_ms"], call["latency_ms"])
    assert call["output"]["choices"][0]["message"]["content"] == text and len(text) > 50
    assert call["input"] == json.loads(app.asked()[0]["body"])


def test_a_stream_without_usage_is_not_taken_for_nothing(app):
    text = streamed(app.openai().chat.completions.create(model=MODEL, messages=QUESTION, stream=True))
    call = app.call()
    assert call["output"]["choices"][0]["message"]["content"] == text
    if call["tokens"] is not None:
        assert (
            call["token_source"] == "estimated" and call["tokens"]["prompt"] > 0 and call["tokens"]["completion"] > 10
        )
    else:
        assert (call["token_source"], call["cost_usd"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "error_type", "said"),
    [
        ("status=401", "auth", "401"),
        ("status=403", "auth", "403"),
        ("status=429", "http_4xx", "429"),
        ("status=404", "invalid_request", "404"),
        ("status=500", "http_5xx", "500"),
        ("status=503", "http_5xx", "503"),
        ("status=400,code=context_length_exceeded", "context_length", "context"),
        ("status=400,code=content_filter", "content_filter", "content"),
        ("html", "http_5xx", "502"),
    ],
)
def test_failures_have_their_class(app, words, error_type, said):
    with pytest.raises(openai.APIStatusError):
        app.openai(words).chat.completions.create(model=MODEL, messages=QUESTION)
    call = app.call()
    assert (call["status"], call["error_type"]) == ("error", error_type), call["error"]
    assert said in call["error"] and "Traceback" not in call["error"]
    assert (call["model"], call["provider"]) == (MODEL, "openai")
    assert (call["tokens"], call["cost_usd"], call["output"]) == (None, None, None)
    assert call["input"] == json.loads(app.asked()[0]["body"])
    (event,) = [event for event in call["details"]["events"] if event["name"] == "exception"]
    assert (
        "openai" in event["attributes"]["exception.type"] and "Traceback" in event["attributes"]["exception.stacktrace"]
    )
    total = app.total()
    assert (total["count"], total["errors"], total["tokens"]["total"]) == (1, 1, 0)
    assert app.server.calls(error_type=error_type)[0]["id"] == call["id"]


def test_a_timeout_and_a_provider_that_is_not_there(app):
    with pytest.raises(openai.APITimeoutError):
        app.openai("stall", timeout=0.3).chat.completions.create(model=MODEL, messages=QUESTION)
    with pytest.raises(openai.APIConnectionError):
        app.openai(base_url="http://127.0.0.1:9/v1").chat.completions.create(model=MODEL, messages=QUESTION)
    calls = app.calls()
    assert [(call["status"], call["error_type"]) for call in calls] == [("error", "timeout"), ("error", "connection")]
    assert calls[0]["latency_ms"] >= 290


def test_embeddings(app):
    answer = app.openai().embeddings.create(model=EMBEDDER, input=DOCUMENTS[:2])
    assert len(app.asked()) == 1
    call = app.call()
    assert (call["kind"], call["operation"], call["model"], call["provider"]) == (
        "embedding",
        "embeddings",
        EMBEDDER,
        "openai",
    )
    tokens = answer.usage.prompt_tokens
    assert (call["tokens"]["prompt"], call["tokens"]["completion"], call["tokens"]["total"]) == (tokens, 0, tokens)
    assert call["cost_usd"] == pytest.approx(tokens * 0.1 / 1e6, abs=1e-12)
    assert call["input"]["input"] == DOCUMENTS[:2]
    assert app.total()["tokens"]["prompt"] == tokens and app.total()["count"] == 1


def test_the_responses_api(app):
    tool = {"type": "function", **WEATHER["function"]}
    answer = app.openai().responses.create(
        model=MODEL, instructions="Answer in one sentence.", input="What is the capital of France?", tools=[tool]
    )
    (call,) = app.counted_once(1)
    assert call["input"] == json.loads(app.asked()[0]["body"])
    assert (call["kind"], call["model"], call["tokens"]) == ("llm", MODEL, TOKENS)
    assert call["output"]["output"][0]["content"][0]["text"] == answer.output_text and answer.output_text


def test_asynchronous_calls_at_the_same_time(app):
    async def main():
        api = app.async_openai("first=50")
        await asyncio.gather(*(api.chat.completions.create(model=MODEL, messages=QUESTION) for _ in range(10)))
        stream = await api.chat.completions.create(
            model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        async for _ in stream:
            pass
        await api.close()

    asyncio.run(main())
    calls = app.counted_once(11)
    assert all(call["tokens"] == TOKENS and call["latency_ms"] >= 49 for call in calls)


def test_a_cached_answer_costs_nothing(app):
    """The application has a cache of its own and says that it answered."""
    for hit in (True, False):
        with using_attributes(metadata={"cache_hit": hit}):
            app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
    hit, miss = app.calls()
    assert (hit["cache"], hit["cache_hit"], hit["status"], hit["cost_usd"]) == ("hit", True, "cached", 0)
    assert (miss["cache"], miss["cache_hit"], miss["status"]) == ("miss", False, "success")
    assert app.total()["cache_hits"] == 1 and app.total()["cost_usd"] == pytest.approx(COST, abs=1e-12)
    assert [call["id"] for call in app.server.calls(cache="hit")] == [hit["id"]]


def test_a_call_within_the_applications_own_spans(app):
    with app.tracer().start_as_current_span("answer the customer") as root:
        root.set_attribute("session.id", "session-7")
        app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
        app.openai().chat.completions.create(model=MODEL, messages=QUESTION)
    app.counted_once(2)
    spans = app.stored()
    assert [span["kind"] for span in spans] == ["chain", "llm", "llm"]
    assert {call["parent_id"] for call in of_kind(spans, "llm")} == {spans[0]["span_id"]}
    path = app.server.get(f"/api/v1/traces/{spans[0]['trace_id']}/path").json()
    assert (path["calls"], path["tokens"]["total"], [step["depth"] for step in path["steps"]]) == (2, 72, [0, 1, 1])
    assert path["cost_usd"] == pytest.approx(2 * COST, abs=1e-12)
