"""Cached answers as streams and streams as cached answers, read by the clients' own iterators and accumulators."""

import json

import openai
import pytest

from conftest import CLAUDE_KEY
from rig import Weir, behave

HELLO = [{"role": "user", "content": "hello there"}]
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}]
BOTH = pytest.mark.parametrize("first", ["plain", "stream"], ids=["filled-plain", "filled-by-stream"])


@pytest.fixture(scope="module")
def server(tmp_path_factory, fake):
    server = Weir(
        tmp_path_factory.mktemp("cache-streams"),
        f"""
[cache]
exact = true
[providers.up]
kind = "openai"
base_url = "{fake.url}/v1"
[providers.claude]
kind = "anthropic"
base_url = "{fake.url}"
api_key = "{CLAUDE_KEY}"
""",
    )
    yield server
    server.stop()


def in_order(first, plain, stream):
    """Both ways of asking, the named one first: its answer fills the cache."""
    if first == "plain":
        return plain(), stream()
    return (stream(), plain())[::-1]


def gathered(chunks):
    """What an OpenAI client makes of chat chunks: per choice text, tool calls, finish reason, log probabilities."""
    found = {}
    for chunk in chunks:
        for choice in chunk.choices:
            own = found.setdefault(choice.index, {"text": "", "tools": {}, "finish": None, "logprobs": []})
            own["text"] += choice.delta.content or ""
            own["finish"] = choice.finish_reason or own["finish"]
            own["logprobs"] += [p.token for p in (choice.logprobs.content if choice.logprobs else None) or []]
            for call in choice.delta.tool_calls or []:
                tool = own["tools"].setdefault(call.index, ["", "", ""])
                tool[0] += call.id or ""
                tool[1] += call.function.name or ""
                tool[2] += call.function.arguments or ""
    return found


def of_whole(answer):
    return {
        c.index: {
            "text": c.message.content or "",
            "finish": c.finish_reason,
            "logprobs": [p.token for p in (c.logprobs.content if c.logprobs else None) or []],
            "tools": {n: [t.id, t.function.name, t.function.arguments] for n, t in enumerate(c.message.tool_calls or [])},
        }
        for c in answer.choices
    }


CHATS = {
    "text": ("", {}),
    "long": ("size=20000", {}),
    "unicode": ("unicode", {}),
    "empty": ("text=empty", {}),
    "n": ("chunks=6", {"n": 2}),
    "logprobs": ("chunks=6", {"logprobs": True, "top_logprobs": 2}),
    "n-logprobs": ("chunks=6", {"n": 3, "logprobs": True}),
    "tools": ("tools", {"tools": TOOLS}),
    "tools-n": ("tools", {"tools": TOOLS, "n": 2}),
    "reasoning": ("reasoning", {}),
    "azure": ("azure", {}),
    "bigint": ("bigint", {}),
}


@BOTH
@pytest.mark.parametrize("case", CHATS)
def test_chat(server, fake, key, first, case):
    words, members = CHATS[case]
    create = server.openai().chat.completions.create
    ask = {"model": behave("up/gpt-4o", key, *filter(None, [words])), "messages": HELLO, **members}
    whole, chunks = in_order(first, lambda: create(**ask), lambda: list(create(**ask, stream=True)))
    fake.only(key)
    assert gathered(chunks) == of_whole(whole)
    # Azure's first chunk has an empty id; the answer that is kept has the one that came later.
    assert {c.id for c in chunks} - {""} == {whole.id} and {c.model for c in chunks} - {""} == {whole.model}
    assert all(c.choices for c in chunks) or case == "azure", "nobody asked for usage"
    assert {c.object for c in chunks} - {""} == {"chat.completion.chunk"} and whole.object == "chat.completion"
    assert whole.usage.completion_tokens > 0 or case == "empty"
    # The other way round too, now both out of the cache.
    assert of_whole(create(**ask)) == gathered(create(**ask, stream=True)) == gathered(chunks)
    fake.only(key)


@BOTH
@pytest.mark.parametrize("filled_with_usage", [False, True])
def test_usage_in_streams(server, fake, key, first, filled_with_usage):
    create = server.openai().chat.completions.create
    ask = {"model": behave("up/gpt-4o", key, "usage=30:7:10"), "messages": HELLO}
    with_usage = {"stream": True, "stream_options": {"include_usage": True}}
    if first == "plain":
        create(**ask)
    else:
        list(create(**ask, **(with_usage if filled_with_usage else {"stream": True})))
    chunks = list(create(**ask, **with_usage))
    assert chunks[-1].choices == [] and (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (30, 7)
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 10
    assert not [c for c in chunks[:-1] if c.usage] and all(c.choices for c in chunks[:-1])
    without = list(create(**ask, stream=True))
    assert not [c for c in without if c.usage] and all(c.choices for c in without)
    assert create(**ask).usage.total_tokens == 37
    fake.only(key)


@BOTH
def test_the_chat_accumulator_of_the_client(server, fake, key, first):
    client = server.openai()
    ask = {"model": behave("up/gpt-4o", key, "tools"), "messages": HELLO, "tools": TOOLS}

    def stream():
        with client.chat.completions.stream(**ask) as events:
            return events.get_final_completion()

    whole, final = in_order(first, lambda: client.chat.completions.create(**ask), stream)
    fake.only(key)
    tools = lambda answer: [(t.id, t.function.name, t.function.arguments) for t in answer.choices[0].message.tool_calls]
    assert tools(final) == tools(whole) and len(tools(whole)) == 2
    assert final.choices[0].finish_reason == whole.choices[0].finish_reason == "tool_calls"


@BOTH
@pytest.mark.parametrize("members", [{}, {"n": 2}, {"logprobs": 2}], ids=["text", "n", "logprobs"])
def test_completions(server, fake, key, first, members):
    create = server.openai().completions.create
    ask = {"model": behave("up/gpt-3.5-turbo-instruct", key, "chunks=9"), "prompt": "once upon", **members}
    whole, chunks = in_order(first, lambda: create(**ask), lambda: list(create(**ask, stream=True)))
    fake.only(key)
    for choice in whole.choices:
        own = [c for chunk in chunks for c in chunk.choices if c.index == choice.index]
        assert "".join(c.text for c in own) == choice.text
        assert [c.finish_reason for c in own if c.finish_reason] == [choice.finish_reason]
        if choice.logprobs:
            assert sum((c.logprobs.tokens for c in own if c.logprobs), []) == choice.logprobs.tokens


@BOTH
@pytest.mark.parametrize("upstream", ["claude/claude-sonnet-4-5", "up/gpt-4o"], ids=["anthropic", "openai"])
@pytest.mark.parametrize("words", ["chunks=9", "tools", "reasoning", "unicode"])
def test_messages(server, fake, key, first, upstream, words):
    client = server.anthropic()
    ask = {"model": behave(upstream, key, words, "usage=30:7"), "max_tokens": 200, "messages": HELLO}
    if words == "tools":
        ask["tools"] = [{"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}]

    def stream():
        with client.messages.stream(**ask) as events:
            return events.get_final_message()

    whole, final = in_order(first, lambda: client.messages.create(**ask), stream)
    fake.only(key)
    blocks = lambda message: [b.model_dump(exclude={"parsed_output", "citations", "caller"}) for b in message.content]
    assert blocks(final) == blocks(whole) and whole.content
    assert (final.id, final.model, final.stop_reason) == (whole.id, whole.model, whole.stop_reason)
    assert final.usage.output_tokens == whole.usage.output_tokens == 7
    assert final.usage.input_tokens == whole.usage.input_tokens == 30


@BOTH
@pytest.mark.parametrize("words", ["chunks=9", "tools", "reasoning", "unicode"])
def test_responses(server, fake, key, first, words):
    client = server.openai()
    ask = {"model": behave("up/gpt-4o", key, words), "input": "hello there"}
    if words == "tools":
        ask["tools"] = [{"type": "function", "name": "get_weather", "parameters": {}, "strict": False}]

    def stream():
        with client.responses.stream(**ask) as events:
            seen = [event.type for event in events]
            final = events.get_final_response()
        assert seen[0] == "response.created" and seen[-1] == "response.completed"
        return final

    whole, final = in_order(first, lambda: client.responses.create(**ask), stream)
    fake.only(key)
    assert final.id == whole.id and final.status == whole.status == "completed"
    assert final.output_text == whole.output_text
    plain = lambda answer: [o.model_dump(exclude={"parsed_arguments", "content"}) for o in answer.output]
    assert plain(final) == plain(whole) and whole.output
    assert final.usage == whole.usage


def test_a_chat_client_over_an_anthropic_upstream(server, fake, key):
    create = server.openai().chat.completions.create
    ask = {"model": behave("claude/claude-sonnet-4-5", key, "chunks=9"), "messages": HELLO, "max_tokens": 99}
    chunks = list(create(**ask, stream=True))
    assert gathered(chunks) == of_whole(create(**ask)) == gathered(create(**ask, stream=True))
    fake.only(key)


def test_a_replayed_stream_looks_like_one(server, key):
    body = {"model": behave("up/gpt-4o", key, "size=3000"), "messages": HELLO}
    server.post("/v1/chat/completions", body)
    answer = server.post("/v1/chat/completions", {**body, "stream": True}, {"x-request-id": key})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-weir-cache"] == "hit" and "age" in answer.headers
    events = answer.events()
    assert events[-1] == (None, "[DONE]") and 3 < len(events) < 100
    call = server.call(key)
    assert call["stream"] is True and call["cache"] == "hit" and call["status"] == "cached"
    assert call["output"]["choices"][0]["message"]["content"] and call["output"]["object"] == "chat.completion"


def test_numbers_and_unknown_members_come_through(server, key):
    body = {"model": behave("up/gpt-4o", key, "bigint"), "messages": HELLO}
    plain = server.post("/v1/chat/completions", body)
    again = server.post("/v1/chat/completions", body)
    assert again.headers["x-weir-cache"] == "hit" and again.body == plain.body, "byte for byte"
    assert "9007199254740993" in server.post("/v1/chat/completions", {**body, "stream": True}).text
    # Filled by a stream.
    body["model"] = behave("up/gpt-4o", key + "2", "bigint")
    server.post("/v1/chat/completions", {**body, "stream": True})
    filled = server.post("/v1/chat/completions", body)
    assert filled.headers["x-weir-cache"] == "hit" and json.loads(filled.body)["choices"][0]["message"]["content"]


def test_a_client_that_leaves_a_replayed_stream(server, fake, key):
    body = {"model": behave("up/gpt-4o", key, "size=900000"), "messages": HELLO}
    server.post("/v1/chat/completions", body)
    client = server.line("/v1/chat/completions", {**body, "stream": True})
    client.read_until(b"data:")
    client.close()
    with pytest.raises(openai.BadRequestError):
        server.openai().chat.completions.create(model=body["model"], messages="x")
    assert server.post("/v1/chat/completions", body).headers["x-weir-cache"] == "hit"
    fake.only(key)
