"""The Anthropic client, over an Anthropic upstream and over one of OpenAI's type; the OpenAI client over Anthropic."""

import json

import anthropic
import openai
import pytest

from conftest import CLAUDE_KEY
from rig import behave

HELLO = [{"role": "user", "content": "hello there"}]
CLAUDE = "claude/claude-sonnet-4-5"
OPENAI = "up/gpt-4o"
BOTH = pytest.mark.parametrize("upstream", [CLAUDE, OPENAI], ids=["anthropic", "openai"])
TOOL = {"name": "get_weather", "description": "The weather", "input_schema": {"type": "object", "properties": {}}}


@BOTH
def test_messages_plain(weir, fake, key, upstream):
    answer = weir.anthropic(id=key).messages.create(
        model=behave(upstream, key, "usage=30:7"), max_tokens=200, messages=HELLO, system="be brief"
    )
    assert answer.type == "message" and answer.role == "assistant" and answer.stop_reason == "end_turn"
    assert answer.content[0].text.startswith("The river keeps")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (30, 7)
    assert answer._request_id == key
    call = weir.call(key)
    assert call["status"] == "success" and call["tokens"]["prompt"] == 30 and call["tokens"]["completion"] == 7
    assert call["cost_usd"] > 0
    sent = fake.only(key)
    body = json.loads(sent["body"])
    if upstream == CLAUDE:
        assert sent["path"] == "/v1/messages" and sent["headers"]["x-api-key"] == CLAUDE_KEY
        assert sent["headers"]["anthropic-version"] and "authorization" not in sent["headers"]
        assert body["system"] == "be brief"
    else:
        assert sent["path"] == "/v1/chat/completions"
        assert body["messages"][0] == {"role": "system", "content": "be brief"}


@BOTH
def test_messages_stream(weir, key, upstream):
    with weir.anthropic(id=key).messages.stream(
        model=behave(upstream, key, "chunks=5,usage=30:7"), max_tokens=200, messages=HELLO
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "w0 w1 w2 w3 w4" and final.stop_reason == "end_turn"
    assert final.usage.output_tokens == 7
    call = weir.call(key)
    assert call["tokens"]["prompt"] == 30 and call["tokens"]["completion"] == 7 and call["token_source"] == "provider"
    assert "w0 w1 w2 w3 w4" in json.dumps(call["output"])


@BOTH
def test_messages_stream_events_come_in_order(weir, key, upstream):
    answer = weir.post(
        "/v1/messages",
        {"model": behave(upstream, key, "chunks=3"), "max_tokens": 9, "messages": HELLO, "stream": True},
    )
    names = [name for name, _ in answer.events() if name != "ping"]
    assert names == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(json.loads(data)["type"] == name for name, data in answer.events())


@BOTH
def test_messages_tools(weir, fake, key, upstream):
    answer = weir.anthropic().messages.create(
        model=behave(upstream, key, "tools"),
        max_tokens=200,
        messages=HELLO,
        tools=[TOOL],
        tool_choice={"type": "any"},
    )
    uses = [block for block in answer.content if block.type == "tool_use"]
    assert len(uses) == 2 and answer.stop_reason == "tool_use"
    assert all(use.id and use.name and isinstance(use.input, dict) for use in uses)
    body = json.loads(fake.only(key)["body"])
    if upstream == OPENAI:
        assert body["tools"][0]["function"]["parameters"] == TOOL["input_schema"]
        assert body["tool_choice"] == "required"


@BOTH
def test_messages_tools_streamed(weir, key, upstream):
    with weir.anthropic().messages.stream(
        model=behave(upstream, key, "tools"), max_tokens=200, messages=HELLO, tools=[TOOL]
    ) as stream:
        final = stream.get_final_message()
    uses = [block for block in final.content if block.type == "tool_use"]
    assert len(uses) == 2 and final.stop_reason == "tool_use"
    assert all(use.input for use in uses)


@BOTH
def test_messages_thinking(weir, key, upstream):
    answer = weir.anthropic().messages.create(
        model=behave(upstream, key, "reasoning"),
        max_tokens=2000,
        messages=HELLO,
        thinking={"type": "enabled", "budget_tokens": 1024},
    )
    kinds = [block.type for block in answer.content]
    assert kinds == ["thinking", "text"] and answer.content[0].thinking
    if upstream == CLAUDE:
        assert answer.content[0].signature


@BOTH
def test_messages_thinking_streamed(weir, key, upstream):
    with weir.anthropic().messages.stream(
        model=behave(upstream, key, "reasoning,chunks=3"),
        max_tokens=2000,
        messages=HELLO,
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"] and final.content[0].thinking


def test_a_thinking_and_tool_turn_goes_back_unchanged_to_anthropic(weir, fake, key):
    messages = [
        *HELLO,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "eHg="},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"n": 1}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}]},
    ]
    weir.anthropic().messages.create(model=behave(CLAUDE, key), max_tokens=100, messages=messages, tools=[TOOL])
    assert json.loads(fake.only(key)["body"])["messages"] == messages


def test_a_tool_turn_is_translated_for_openai(weir, fake, key):
    messages = [
        *HELLO,
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "let me see"},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Ulm"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"},
                {"type": "text", "text": "and tomorrow?"},
            ],
        },
    ]
    weir.anthropic().messages.create(model=behave(OPENAI, key), max_tokens=100, messages=messages, tools=[TOOL])
    sent = json.loads(fake.only(key)["body"])["messages"]
    assert [m["role"] for m in sent] == ["user", "assistant", "tool", "user"]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "Ulm"}
    assert sent[2]["tool_call_id"] == "toolu_1" and sent[2]["content"] == "rain"


def test_images_are_translated_for_openai(weir, fake, key):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    weir.anthropic().messages.create(
        model=behave(OPENAI, key),
        max_tokens=100,
        messages=[{"role": "user", "content": [image, {"type": "text", "text": "what?"}]}],
    )
    parts = json.loads(fake.only(key)["body"])["messages"][0]["content"]
    assert {"url": "data:image/png;base64,iVBORw0KGgo="}.items() <= parts[0]["image_url"].items()


def test_anthropic_cache_counts_are_disjoint(weir, key):
    weir.anthropic(id=key).messages.create(
        model=behave(CLAUDE, key, "usage=100:10:400:0:50"), max_tokens=100, messages=HELLO
    )
    call = weir.call(key)
    tokens = call["tokens"]
    assert (tokens["prompt"], tokens["cached"], tokens["cache_write"], tokens["completion"]) == (550, 400, 50, 10)
    assert call["cost_usd"] == pytest.approx(100 * 3e-6 + 400 * 0.3e-6 + 50 * 3.75e-6 + 10 * 15e-6, abs=1e-9)


def test_anthropics_betas_reach_the_upstream(weir, fake, key):
    weir.anthropic().messages.create(
        model=behave(CLAUDE, key), max_tokens=9, messages=HELLO, extra_headers={"anthropic-beta": "a-1,b-2"}
    )
    assert fake.only(key)["headers"]["anthropic-beta"] == "a-1,b-2"


@BOTH
@pytest.mark.parametrize("words", ["cut", "truncate", "midstream-error", "reset"])
def test_a_broken_messages_stream_raises(weir, key, upstream, words):
    with pytest.raises(anthropic.APIError):
        with weir.anthropic(id=key).messages.stream(
            model=behave(upstream, key, f"chunks=6,{words},after=2"), max_tokens=99, messages=HELLO
        ) as stream:
            stream.get_final_message()
    assert weir.call(key)["status"] == "error"


def test_count_tokens(weir):
    client = weir.anthropic()
    short = client.messages.count_tokens(model=CLAUDE, messages=HELLO).input_tokens
    long = client.messages.count_tokens(
        model=CLAUDE, messages=[{"role": "user", "content": "hello there " * 100}], system="be brief", tools=[TOOL]
    ).input_tokens
    assert 0 < short < 30 and 150 < long < 500


def test_refusals_of_the_messages_door_have_anthropics_form(weir):
    with pytest.raises(anthropic.BadRequestError) as raised:
        weir.anthropic().messages.create(model="", max_tokens=10, messages=HELLO)
    assert raised.value.body["error"]["type"] == "invalid_request_error"
    assert "model" in raised.value.body["error"]["message"]
    with pytest.raises(anthropic.NotFoundError) as raised:
        weir.anthropic().messages.create(model="listed/nonsense", max_tokens=10, messages=HELLO)
    assert raised.value.body["error"]["type"] == "not_found_error"


def test_missing_max_tokens_is_no_hindrance_over_openai(weir, key):
    assert weir.post("/v1/messages", {"model": behave(OPENAI, key), "messages": HELLO}).status in (200, 400)


def test_the_demo_speaks_to_the_anthropic_client(weir):
    with weir.anthropic().messages.stream(model="demo/echo", max_tokens=99, messages=HELLO) as stream:
        assert stream.get_final_message().content[0].text


# The OpenAI client over an Anthropic upstream


def ask(weir, key, *words, **members):
    return weir.openai(id=key).chat.completions.create(model=behave(CLAUDE, key, *words), messages=HELLO, **members)


def test_openai_over_anthropic_plain(weir, fake, key):
    answer = ask(weir, key, "usage=30:7")
    assert answer.object == "chat.completion" and answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content.startswith("The river keeps")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (30, 7, 37)
    sent = fake.only(key)
    body = json.loads(sent["body"])
    assert sent["path"] == "/v1/messages" and sent["headers"]["x-api-key"] == CLAUDE_KEY
    assert sent["headers"]["anthropic-version"] == "2023-06-01"
    assert body["max_tokens"] > 0 and body["messages"][0]["role"] == "user"
    assert weir.call(key)["tokens"]["completion"] == 7


def test_openai_over_anthropic_counts_cached_tokens_in_the_prompt(weir, key):
    usage = ask(weir, key, "usage=100:10:400:0:50").usage
    assert usage.prompt_tokens == 550 and usage.prompt_tokens_details.cached_tokens == 400
    assert weir.call(key)["cost_usd"] == pytest.approx(
        100 * 3e-6 + 400 * 0.3e-6 + 50 * 3.75e-6 + 10 * 15e-6, abs=1e-9
    )


def test_openai_over_anthropic_stream(weir, key):
    chunks = list(ask(weir, key, "chunks=5,usage=30:7", stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "w0 w1 w2 w3 w4"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.prompt_tokens == 30 and chunks[-1].usage.completion_tokens == 7
    assert len({c.id for c in chunks}) == 1
    call = weir.call(key)
    assert call["token_source"] == "provider" and call["tokens"]["completion"] == 7


def test_openai_over_anthropic_stream_hides_usage(weir, key):
    answer = weir.chat(behave(CLAUDE, key, "chunks=3"), stream=True)
    assert all(c["choices"] and not c.get("usage") for c in answer.chunks()) and answer.events()[-1][1] == "[DONE]"


def test_openai_over_anthropic_tools(weir, fake, key):
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    answer = ask(weir, key, "tools", tools=[tool], tool_choice="required", parallel_tool_calls=False)
    calls = answer.choices[0].message.tool_calls
    assert len(calls) == 2 and answer.choices[0].finish_reason == "tool_calls"
    assert all(isinstance(json.loads(c.function.arguments), dict) for c in calls)
    body = json.loads(fake.only(key)["body"])
    assert body["tools"][0]["name"] == "get_weather"
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_openai_over_anthropic_tools_streamed(weir, key):
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    arguments, finish = {}, None
    for chunk in ask(weir, key, "tools", tools=[tool], stream=True):
        for piece in chunk.choices[0].delta.tool_calls or []:
            arguments[piece.index] = arguments.get(piece.index, "") + (piece.function.arguments or "")
        finish = chunk.choices[0].finish_reason or finish
    assert sorted(arguments) == [0, 1] and finish == "tool_calls"
    assert all(isinstance(json.loads(a), dict) for a in arguments.values())


def test_openai_over_anthropic_reasoning(weir, key):
    answer = ask(weir, key, "reasoning", reasoning_effort="low")
    assert answer.choices[0].message.reasoning_content and answer.choices[0].message.content
    thought = "".join(
        getattr(c.choices[0].delta, "reasoning_content", None) or ""
        for c in ask(weir, key, "reasoning,chunks=3", stream=True)
        if c.choices
    )
    assert thought


def test_openai_over_anthropic_conversation(weir, fake, key):
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "user", "content": "there"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"n": 1}'}},
                {"id": "call_2", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_2", "content": "sun"},
    ]
    weir.openai().chat.completions.create(model=behave(CLAUDE, key), messages=messages, stop=["END"])
    body = json.loads(fake.only(key)["body"])
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"], "roles alternate"
    results = body["messages"][2]["content"]
    assert [r["tool_use_id"] for r in results] == ["call_1", "call_2"], "all results of a turn in one message"
    assert body["messages"][1]["content"][0]["input"] == {"n": 1}
    assert body["stop_sequences"] == ["END"] and "be brief" in json.dumps(body["system"])


def test_openai_over_anthropic_broken_stream_raises(weir, key):
    with pytest.raises(openai.APIError):
        list(ask(weir, key, "chunks=6,truncate,after=2", stream=True))
    assert weir.call(key)["status"] == "error"


def test_what_anthropic_does_not_have_is_a_clear_refusal(weir):
    with pytest.raises(openai.APIStatusError) as raised:
        weir.openai().embeddings.create(model=CLAUDE, input="x")
    assert raised.value.status_code in (400, 404) and "claude" in raised.value.body["message"]
