"""Plain chat completions through the unmodified OpenAI client."""

import json

import pytest

from conftest import UPSTREAM_KEY
from rig import behave

HELLO = [{"role": "user", "content": "hello there"}]
TEXT_BEGINS = "The river keeps a steady course"

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}


def test_plain_chat_is_answered_and_recorded(weir, fake, key):
    answer = weir.openai(id=key).chat.completions.create(model=behave("up/gpt-4o", key), messages=HELLO)
    assert answer.choices[0].message.content.startswith(TEXT_BEGINS)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4o"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (2, 34)
    sent = fake.only(key)
    assert sent["path"] == "/v1/chat/completions"
    assert sent["headers"]["authorization"] == f"Bearer {UPSTREAM_KEY}"
    call = weir.call(key)
    assert call["status"] == "success" and call["http_status"] == 200 and call["kind"] == "llm"
    assert call["operation"] == "chat" and call["provider"] == "up" and call["response_model"] == "gpt-4o"
    assert call["tokens"]["prompt"] == 2 and call["tokens"]["completion"] == 34 and call["tokens"]["total"] == 36
    assert call["token_source"] == "provider" and call["finish_reason"] == "stop" and call["attempts"] == 1
    assert call["cost_usd"] == pytest.approx(2 * 2.5e-6 + 34 * 10e-6, abs=1e-9)
    assert call["input"]["messages"] == HELLO
    assert call["output"]["choices"][0]["message"]["content"].startswith(TEXT_BEGINS)
    assert call["latency_ms"] > 0


def test_cached_tokens_are_billed_once(weir, key):
    weir.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key, "usage=1000:100:800:40"), messages=HELLO
    )
    call = weir.call(key)
    tokens = call["tokens"]
    assert (tokens["prompt"], tokens["cached"], tokens["completion"], tokens["reasoning"]) == (1000, 800, 100, 40)
    assert call["cost_usd"] == pytest.approx(200 * 2.5e-6 + 800 * 1.25e-6 + 100 * 10e-6, abs=1e-9)


def test_a_model_without_a_price_costs_null_and_not_zero(weir, key):
    weir.openai(id=key).chat.completions.create(model=behave("up/nobodys-model-7", key), messages=HELLO)
    assert weir.call(key)["cost_usd"] is None


def test_parallel_tool_calls_come_through(weir, fake, key):
    answer = weir.openai().chat.completions.create(
        model=behave("up/gpt-4o", key, "tools"),
        messages=HELLO,
        tools=[TOOL],
        tool_choice="required",
        parallel_tool_calls=True,
    )
    calls = answer.choices[0].message.tool_calls
    assert len(calls) == 2 and len({c.id for c in calls}) == 2
    assert all(isinstance(json.loads(c.function.arguments), dict) for c in calls)
    assert answer.choices[0].message.content is None and answer.choices[0].finish_reason == "tool_calls"
    sent = json.loads(fake.only(key)["body"])
    assert sent["tools"] == [TOOL] and sent["tool_choice"] == "required" and sent["parallel_tool_calls"] is True


def test_a_tool_conversation_is_sent_on_with_null_content(weir, fake, key):
    messages = [
        {"role": "developer", "content": "be brief"},
        *HELLO,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Ulm"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ]
    weir.openai().chat.completions.create(model=behave("up/gpt-4o", key), messages=messages)
    assert json.loads(fake.only(key)["body"])["messages"] == messages


def test_json_schema_output_is_asked_for_and_given(weir, fake, key):
    wish = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}}}
    answer = weir.openai().chat.completions.create(
        model=behave("up/gpt-4o", key, "text=json"), messages=HELLO, response_format=wish
    )
    assert isinstance(json.loads(answer.choices[0].message.content), dict)
    assert json.loads(fake.only(key)["body"])["response_format"] == wish


def test_logprobs_come_through(weir, key):
    answer = weir.openai().chat.completions.create(
        model=behave("up/gpt-4o", key, "chunks=3"), messages=HELLO, logprobs=True, top_logprobs=2
    )
    content = answer.choices[0].logprobs.content
    assert content and all(t.logprob <= 0 for t in content)


def test_several_choices_come_through(weir, key):
    answer = weir.openai(id=key).chat.completions.create(model=behave("up/gpt-4o", key), messages=HELLO, n=3)
    assert [c.index for c in answer.choices] == [0, 1, 2]
    assert weir.call(key)["tokens"]["completion"] == answer.usage.completion_tokens


def test_image_parts_are_sent_on(weir, fake, key):
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ]
    messages = [{"role": "user", "content": parts}]
    weir.openai().chat.completions.create(model=behave("up/gpt-4o", key), messages=messages)
    assert json.loads(fake.only(key)["body"])["messages"] == messages


def test_reasoning_members_come_through(weir, fake, key):
    answer = weir.openai(id=key).chat.completions.create(
        model=behave("up/o3-mini", key, "reasoning"),
        messages=HELLO,
        reasoning_effort="high",
        max_completion_tokens=500,
        extra_body={"thinking": {"type": "enabled"}},
    )
    assert answer.choices[0].message.reasoning_content
    sent = json.loads(fake.only(key)["body"])
    assert sent["reasoning_effort"] == "high" and sent["thinking"] == {"type": "enabled"}
    assert sent["max_completion_tokens"] == 500


@pytest.mark.parametrize(
    ("word", "reason"), [("length", "length"), ("filter", "content_filter"), ("refusal", "content_filter")]
)
def test_finish_reasons_are_kept_and_recorded(weir, key, word, reason):
    answer = weir.openai(id=key).chat.completions.create(model=behave("up/gpt-4o", key, word), messages=HELLO)
    assert answer.choices[0].finish_reason == reason
    assert weir.call(key)["finish_reason"] == reason


def test_a_refusal_message_is_kept(weir, key):
    answer = weir.openai().chat.completions.create(model=behave("up/gpt-4o", key, "refusal"), messages=HELLO)
    assert answer.choices[0].message.refusal


def test_unicode_survives_the_way_and_the_store(weir, key):
    prompt = "Grüße 世界 👩‍👩‍👧 \" \\ \u0001 \u2028"
    answer = weir.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key, "unicode"), messages=[{"role": "user", "content": prompt}]
    )
    call = weir.call(key)
    assert call["input"]["messages"][0]["content"] == prompt
    assert call["output"]["choices"][0]["message"]["content"] == answer.choices[0].message.content


def test_an_empty_answer_is_an_answer(weir, key):
    answer = weir.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key, "text=empty"), messages=HELLO
    )
    assert answer.choices[0].message.content == ""
    assert weir.call(key)["status"] == "success"


def test_one_megabyte_comes_whole(weir, key):
    answer = weir.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key, "size=1048576"), messages=HELLO
    )
    assert len(answer.choices[0].message.content.encode()) == 1048576
    recorded = weir.call(key)["output"]["choices"][0]["message"]["content"]
    assert recorded == answer.choices[0].message.content


def test_one_megabyte_is_streamed_whole(weir, key):
    stream = weir.openai().chat.completions.create(
        model=behave("up/gpt-4o", key, "size=1048576,chunks=1024"), messages=HELLO, stream=True
    )
    text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
    assert len(text.encode()) == 1048576


def test_the_answer_says_who_gave_it(weir, key):
    raw = weir.openai(id=key).chat.completions.with_raw_response.create(
        model=behave("up/gpt-4o", key), messages=HELLO
    )
    headers = raw.headers
    assert headers["x-request-id"] == key and headers["x-weir-provider"] == "up"
    assert headers["x-weir-attempts"] == "1" and headers["x-weir-fallbacks"] == "0"
    assert float(headers["x-weir-cost-usd"]) == pytest.approx(weir.call(key)["cost_usd"], abs=1e-9)
    assert int(headers["x-weir-overhead-us"]) >= 0
    assert headers["x-upstream-request-id"]


def test_the_providers_rate_limit_headers_come_through(weir, key):
    raw = weir.openai().chat.completions.with_raw_response.create(
        model=behave("up/gpt-4o", key, "ratelimit"), messages=HELLO
    )
    assert raw.headers["x-ratelimit-remaining-requests"] and raw.headers["x-ratelimit-reset-tokens"]


def test_a_body_of_many_small_pieces_is_put_together(weir, key):
    answer = weir.chat(behave("up/gpt-4o", key, "flush"), id=key)
    assert answer.json()["choices"][0]["message"]["content"].startswith(TEXT_BEGINS)
