"""Streams: nothing is held back, nothing is lost, nothing is made up."""

import json
import re
import time

import openai
import pytest

from rig import behave

HELLO = [{"role": "user", "content": "hello there"}]


def text_of(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def arrivals(stream):
    """(when the fake sent a content chunk, when it arrived here), microseconds."""
    found = []
    for chunk in stream:
        content = chunk.choices[0].delta.content if chunk.choices else None
        if content:
            found.append((int(re.search(r"\[(\d{16})\]", content).group(1)), time.time_ns() // 1000))
    return found


def test_the_first_chunk_arrives_before_the_last_is_sent(weir, key):
    stream = weir.openai().chat.completions.create(
        model=behave("up/gpt-4o", key, "chunks=10,delay=60,stamp"), messages=HELLO, stream=True
    )
    times = arrivals(stream)
    assert len(times) == 10
    assert times[0][1] < times[-1][0]


def test_no_chunk_is_held_back(weir, key):
    stream = weir.openai().chat.completions.create(
        model=behave("up/gpt-4o", key, "chunks=12,delay=100,stamp"), messages=HELLO, stream=True
    )
    times = arrivals(stream)
    held = [n for n in range(11) if times[n][1] >= times[n + 1][0]]
    assert not held, f"chunks {held} arrived after their successor was sent"


def test_a_stream_is_recorded_as_one_answer(weir, key):
    chunks = list(
        weir.openai(id=key).chat.completions.create(
            model=behave("up/gpt-4o", key, "chunks=5"), messages=HELLO, stream=True
        )
    )
    assert text_of(chunks) == "w0 w1 w2 w3 w4"
    call = weir.call(key)
    assert call["status"] == "success" and call["stream"] is True and call["finish_reason"] == "stop"
    assert call["output"]["choices"][0]["message"]["content"] == "w0 w1 w2 w3 w4"
    assert call["tokens"]["completion"] == 5 and call["token_source"] == "provider"
    assert 0 < call["ttft_ms"] <= call["latency_ms"]
    assert call["cost_usd"] == pytest.approx(2 * 2.5e-6 + 5 * 10e-6, abs=1e-9)


def test_usage_is_hidden_from_those_who_did_not_ask(weir, fake, key):
    answer = weir.chat(behave("up/gpt-4o", key, "chunks=2"), id=key, stream=True)
    chunks = answer.chunks()
    assert all(c["choices"] for c in chunks), "a chunk without choices breaks code that reads choices[0]"
    assert not any(c.get("usage") for c in chunks)
    assert answer.events()[-1] == (None, "[DONE]")
    assert json.loads(fake.only(key)["body"])["stream_options"] == {"include_usage": True}
    assert weir.call(key)["token_source"] == "provider"


def test_usage_is_given_to_those_who_asked(weir, key):
    chunks = list(
        weir.openai().chat.completions.create(
            model=behave("up/gpt-4o", key, "chunks=2"),
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 2
    assert all(c.usage is None for c in chunks[:-1])


def test_usage_is_counted_where_the_upstream_gives_none(weir, key):
    list(
        weir.openai(id=key).chat.completions.create(
            model=behave("up/gpt-4o", key, "nousage,text=short"), messages=HELLO, stream=True
        )
    )
    call = weir.call(key)
    assert call["token_source"] == "estimated"
    assert call["tokens"]["prompt"] > 0 and call["tokens"]["completion"] > 0 and call["cost_usd"] > 0


def test_usage_is_counted_in_plain_answers_without_it(weir, key):
    weir.openai(id=key).chat.completions.create(model=behave("up/gpt-4o", key, "nousage"), messages=HELLO)
    call = weir.call(key)
    assert call["token_source"] == "estimated"
    # One word is about one token in this English text; "hello there" in a message is 2 and some framing.
    assert 30 <= call["tokens"]["completion"] <= 45 and 2 <= call["tokens"]["prompt"] <= 12


def test_an_upstream_that_cannot_tell_usage_is_not_asked(weir, fake, key):
    answer = weir.chat(behave("nousage/gpt-4o", key, "nousage"), id=key, stream=True, logit_bias={"1": 5}, seed=7)
    sent = json.loads(fake.only(key)["body"])
    assert "stream_options" not in sent and "logit_bias" not in sent and sent["seed"] == 7
    assert answer.events()[-1][1] == "[DONE]"
    assert weir.call(key)["token_source"] == "estimated"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("kind", ["mixed", "negative", "cached", "types", "huge"])
def test_lying_usage_never_gives_negative_figures(weir, key, kind, stream):
    answer = weir.chat(behave("up/gpt-4o", key, f"lieusage={kind}"), id=key, stream=stream)
    assert answer.status == 200
    call = weir.call(key)
    tokens = call["tokens"]
    assert all(value >= 0 for value in tokens.values()), tokens
    assert tokens["cached"] + tokens["cache_write"] <= tokens["prompt"] and tokens["reasoning"] <= tokens["completion"]
    assert tokens["total"] >= max(tokens["prompt"], tokens["completion"])
    assert call["cost_usd"] is None or call["cost_usd"] >= 0


def test_lying_usage_leaves_the_statistics_sane(weir, key):
    department = f"liars-{key}"
    for kind in ("negative", "huge", "mixed"):
        answer = weir.chat(
            behave("up/gpt-4o", key, f"lieusage={kind}"),
            id=f"{key}-{kind}",
            headers={"x-weir-department": department},
        )
        assert answer.status == 200
        weir.call(f"{key}-{kind}")
    total = weir.get("/api/v1/stats", department=department).json()["total"]
    assert total["count"] == 3 and total["cost_usd"] >= 0
    assert all(value >= 0 for value in total["tokens"].values())


def test_tool_calls_are_streamed_in_pieces(weir, key):
    stream = weir.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key, "tools"),
        messages=HELLO,
        stream=True,
        tools=[{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}],
    )
    calls, pieces, finish = {}, 0, None
    for chunk in stream:
        choice = chunk.choices[0]
        finish = choice.finish_reason or finish
        for piece in choice.delta.tool_calls or []:
            entry = calls.setdefault(piece.index, {"arguments": ""})
            entry["id"] = piece.id or entry.get("id")
            entry["name"] = piece.function.name or entry.get("name")
            entry["arguments"] += piece.function.arguments or ""
            pieces += 1
    assert sorted(calls) == [0, 1] and finish == "tool_calls" and pieces > 2
    assert all(isinstance(json.loads(c["arguments"]), dict) and c["id"] and c["name"] for c in calls.values())
    recorded = weir.call(key)["output"]["choices"][0]["message"]["tool_calls"]
    assert [(c["id"], c["function"]["arguments"]) for c in recorded] == [
        (calls[n]["id"], calls[n]["arguments"]) for n in (0, 1)
    ]


def test_streamed_choices_are_told_apart(weir, key):
    stream = weir.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key, "chunks=4"), messages=HELLO, stream=True, n=2
    )
    texts = {0: "", 1: ""}
    for chunk in stream:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts[0].split() == ["w0", "w1", "w2", "w3"] and len(texts[1].split()) == 4
    recorded = weir.call(key)["output"]["choices"]
    assert {c["index"]: c["message"]["content"] for c in recorded} == texts


def test_streamed_logprobs_come_through(weir, key):
    stream = weir.openai().chat.completions.create(
        model=behave("up/gpt-4o", key, "chunks=3"), messages=HELLO, stream=True, logprobs=True
    )
    assert [c for c in stream if c.choices and c.choices[0].logprobs and c.choices[0].logprobs.content]


def test_streamed_reasoning_comes_through_and_is_recorded(weir, key):
    stream = weir.openai(id=key).chat.completions.create(
        model=behave("up/deepseek-reasoner", key, "reasoning,text=short"), messages=HELLO, stream=True
    )
    thought = "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in stream if c.choices)
    assert thought
    assert weir.call(key)["output"]["choices"][0]["message"]["reasoning_content"] == thought


@pytest.mark.parametrize("words", ["crlf", "nospace", "comments", "split=1", "split=7", "crlf,nospace,comments,split=3"])
def test_every_legal_form_of_sse_is_understood(weir, key, words):
    chunks = list(
        weir.openai(id=key).chat.completions.create(
            model=behave("up/gpt-4o", key, f"unicode,{words}"), messages=HELLO, stream=True
        )
    )
    call = weir.call(key)
    assert text_of(chunks) and call["status"] == "success"
    assert call["output"]["choices"][0]["message"]["content"] == text_of(chunks)
    assert call["token_source"] == "provider"


def test_a_first_chunk_without_choices_is_passed_on(weir, key):
    answer = weir.chat(behave("azure/gpt-4o", key, "azure"), id=key, stream=True)
    first = answer.chunks()[0]
    assert first["choices"] == [] and "prompt_filter_results" in first
    assert weir.call(key)["status"] == "success"


FAULTS = ["cut,after=2", "truncate,after=2", "reset,after=2", "midstream-error,after=2", "cut,after=0", "truncate,after=0"]


@pytest.mark.parametrize("words", FAULTS)
def test_a_broken_stream_ends_in_an_error_and_is_recorded(weir, fake, key, words):
    got, stream = [], None
    with pytest.raises(openai.APIError):
        stream = weir.openai(id=key).chat.completions.create(
            model=behave("up/gpt-4o", key, f"chunks=6,{words}"), messages=HELLO, stream=True
        )
        got.extend(stream)
    call = weir.call(key)
    assert call["status"] == "error" and call["error"] and call["error_type"]
    if "after=2" in words:
        assert text_of(got) == "w0 w1"
        assert len(fake.requests(key)) == 1, "nothing is sent again after the first byte"
        assert call["tokens"]["completion"] > 0 and call["token_source"] == "partial"


def test_a_broken_stream_is_no_success_for_raw_readers(weir, key):
    answer = weir.chat(behave("up/gpt-4o", key, "chunks=6,truncate,after=3"), id=key, stream=True)
    events = answer.events()
    assert "[DONE]" not in [data for _, data in events]
    error = json.loads(events[-1][1])["error"]
    assert error["code"] == "upstream_truncated" and error["message"]


def test_an_error_in_the_middle_keeps_its_code(weir, key):
    answer = weir.chat(behave("up/gpt-4o", key, "chunks=6,midstream-error,after=2,code=content_filter"), stream=True)
    assert json.loads(answer.events()[-1][1])["error"]["code"] == "content_filter"


def test_an_error_before_the_first_chunk_is_an_http_error(weir, key):
    answer = weir.chat(behave("up/gpt-4o", key, "chunks=6,midstream-error,after=0"), id=key, stream=True)
    assert answer.status >= 400 and answer.json()["error"]["message"]
    assert weir.call(key)["status"] == "error"


def test_streams_end_the_connection_for_nobody(weir, key):
    client = weir.openai()
    for _ in range(3):
        chunks = list(client.chat.completions.create(
            model=behave("up/gpt-4o", key, "chunks=2"), messages=HELLO, stream=True
        ))
        assert text_of(chunks) == "w0 w1"
