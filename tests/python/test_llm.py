"""The instrumented client: what it returns, sends and records; offline, against a provider, in pieces, when it fails."""

import asyncio
import json
import threading
import time

import pytest

import weir
from weir import InstrumentedLLM, LLMError, ObservabilityLogger, WorkflowLogger
from provider import WORDS

ANSWER = "".join(WORDS)


@pytest.fixture
def llm(logger, provider):
    return InstrumentedLLM(logger, base_url=provider.url, api_key="sk-the-key")


def test_offline_the_demo_provider_answers(db, rows):
    answer = InstrumentedLLM(db_path=db).call(prompt="How do I reset my password?", model="demo/echo", prompt_version="v1")
    assert answer["content"] == "[demo] You said: How do I reset my password?"
    (row,) = rows("llm_calls")
    assert row["prompt"] == "How do I reset my password?"
    assert row["response"] == answer["content"]
    assert (row["request_id"], row["model"], row["prompt_version"]) == (answer["request_id"], "demo/echo", "v1")
    assert (row["prompt_tokens"], row["total_tokens"]) == (answer["usage"]["prompt_tokens"], answer["usage"]["total_tokens"])
    assert row["total_tokens"] > 0 and row["status"] == "success"


def test_an_answer_is_returned_and_recorded_whole(llm, provider, rows, spans):
    answer = llm.call("Hi", "gpt-4o-mini", "v2", metadata={"topic": "x"}, department="it", temperature=0.5, request_id="req-1")
    assert answer == {
        "content": ANSWER,
        "request_id": "req-1",
        "model": "gpt-4o-mini-2026",
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        "cost": answer["cost"],
        "latency_ms": answer["latency_ms"],
        "finish_reason": "stop",
        "raw": answer["raw"],
    }
    assert answer["cost"] > 0 and answer["latency_ms"] > 0 and answer["raw"]["id"] == "chatcmpl-1"
    (sent,) = provider.requests
    assert sent["body"] == {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5}
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    assert headers["authorization"] == "Bearer sk-the-key" and headers["x-request-id"] == "req-1"
    (row,) = rows("llm_calls")
    assert (row["prompt"], row["response"], row["prompt_version"]) == ("Hi", ANSWER, "v2")
    assert (row["cost"], row["latency_ms"], row["total_tokens"]) == (answer["cost"], answer["latency_ms"], 13)
    assert json.loads(row["metadata"]) == {"topic": "x"}
    # The whole answer is there, not only its text.
    assert json.loads(spans()[0]["output"]) == answer["raw"]
    assert "sk-the-key" not in json.dumps(rows("llm_calls") + spans())


def test_a_request_with_more_to_it_is_recorded_whole(llm, provider, rows, spans):
    tools = [{"type": "function", "function": {"name": "search", "parameters": {}}}]
    llm.call("Hi", system="Be short.", tools=tools, seed=7)
    body = provider.requests[0]["body"]
    assert body["tools"] == tools and body["seed"] == 7
    assert json.loads(rows("llm_calls")[0]["prompt"]) == body["messages"]
    assert json.loads(spans()[0]["input"]) == body
    messages = [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}, {"role": "user", "content": "Three"}]
    llm.call(messages=messages)
    assert provider.requests[1]["body"]["messages"] == messages


def test_the_environment_says_where_to_ask(db, provider, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert InstrumentedLLM(db_path=db).call("Hi")["content"] == ANSWER
    assert provider.requests[0]["headers"]["authorization"] == "Bearer sk-env"


@pytest.mark.parametrize(
    "behave,status,kind,said",
    [("refuse", 400, "api", "max_tokens is too large"), ("limit", 429, "api", "slow down"), ("broken", None, "answer", "JSON")],
)
def test_a_failure_is_recorded_and_raised(llm, provider, rows, behave, status, kind, said):
    provider.behave = behave
    with pytest.raises(LLMError, match=said) as raised:
        llm.call("Hi")
    error = raised.value
    assert (error.status, error.kind) == (status, kind)
    (row,) = rows("llm_calls")
    assert row["status"] == "error" and said in row["error"]
    assert (row["request_id"], row["prompt"], row["cost"]) == (error.request_id, "Hi", None)


def test_nobody_there(logger, rows):
    with pytest.raises(LLMError) as raised:
        InstrumentedLLM(logger, base_url="http://127.0.0.1:1/v1").call("Hi")
    assert raised.value.kind == "connection"
    assert rows("llm_calls")[0]["status"] == "error"


def test_too_slow(llm, provider, rows):
    provider.behave = "slow"
    with pytest.raises(LLMError) as raised:
        llm.call("Hi", timeout=0.2)
    assert raised.value.kind == "timeout"
    assert rows("llm_calls")[0]["status"] == "error"


def test_mistakes_of_the_program(llm, rows):
    for wrong in ({}, {"prompt": "a", "messages": []}, {"prompt": "a", "stream": True}, {"prompt": "a", "seed": object()}):
        with pytest.raises(TypeError):
            llm.call(**wrong)
    with pytest.raises(LLMError) as raised:
        InstrumentedLLM(llm.logger, base_url="nonsense").call("Hi")
    assert raised.value.kind == "settings"
    with pytest.raises(ValueError, match="timeout"):
        InstrumentedLLM(llm.logger, timeout=-1)
    assert rows("llm_calls") == []


def test_the_override_of_a_custom_logger_is_called(db, provider, rows, spans):
    class CustomLogger(ObservabilityLogger):
        def log_llm_call(self, **columns):
            self.seen = columns
            columns["prompt"] = columns["prompt"].replace("Jane", "<name>")
            return super().log_llm_call(**columns)

    logger = CustomLogger(db)
    llm = InstrumentedLLM(logger, base_url=provider.url)
    llm.call("I am Jane", department="it")
    documented = {"timestamp", "request_id", "prompt_version", "model", "prompt", "response", "prompt_tokens"}
    documented |= {"completion_tokens", "total_tokens", "latency_ms", "cost", "status", "error", "metadata"}
    assert set(logger.seen) == documented
    assert logger.seen["response"] == ANSWER and logger.seen["total_tokens"] == 13
    (row,) = rows("llm_calls")
    assert (row["prompt"], row["response"]) == ("I am <name>", ANSWER)
    list(llm.stream("Jane again"))
    asyncio.run(llm.acall("Jane once more", system="You know Jane."))
    assert "Jane" not in json.dumps(rows("llm_calls") + spans())


def test_an_override_that_keeps_nothing_keeps_nothing(db, provider, spans):
    class Discreet(ObservabilityLogger):
        def log_llm_call(self, **columns):
            return super().log_llm_call(**{**columns, "prompt": None, "response": None, "metadata": None})

    InstrumentedLLM(Discreet(db), base_url=provider.url).call("secret", metadata={"also": "secret"}, prompt_version="v1")
    (span,) = spans()
    assert (span["input"], span["output"]) == (None, None)
    assert "secret" not in (span["attributes"] or "")


def test_an_override_that_fails_does_not_fail_the_call(db, provider, told):
    class Broken(ObservabilityLogger):
        def log_llm_call(self, **columns):
            raise RuntimeError("a mistake in the override")

    assert InstrumentedLLM(Broken(db), base_url=provider.url).call("Hi")["content"] == ANSWER
    assert "a mistake in the override" in told()[0]


def test_calls_are_parts_of_the_step_around_them(llm, spans):
    with WorkflowLogger(llm.logger, "support").step("answer", "req-1"):
        answer = llm.call("Hi")
        list(llm.stream("Hi"))
        asyncio.run(llm.acall("Hi"))
    assert answer["request_id"] == "req-1"
    found = spans()
    step = next(span for span in found if span["name"] == "answer")
    calls = [span for span in found if span is not step]
    assert {span["parent_id"] for span in calls} == {step["span_id"]} and len(calls) == 3
    assert {json.loads(span["attributes"])["workflow"] for span in calls} == {"support"}


def test_a_stream_gives_pieces_and_is_recorded_at_its_end(llm, provider, rows):
    stream = llm.stream(prompt="Hi", model="gpt-4o-mini", prompt_version="v3")
    assert provider.requests == []
    assert next(stream) == WORDS[0]
    assert rows("llm_calls") == []
    assert list(stream) == WORDS[1:]
    (row,) = rows("llm_calls")
    assert (row["prompt"], row["response"], row["status"], row["prompt_version"]) == ("Hi", ANSWER, "success", "v3")
    assert row["total_tokens"] == 13 and row["cost"] > 0


def test_a_stream_offline(db, rows):
    assert len(list(InstrumentedLLM(db_path=db).stream("?", model="demo/lorem"))) > 5
    assert rows("llm_calls")[0]["status"] == "success"


def test_a_stream_that_nobody_reads_to_its_end_was_cancelled(llm, rows):
    stream = llm.stream("Hi")
    next(stream)
    stream.close()
    llm.stream("never asked for").close()
    (row,) = rows("llm_calls")
    assert row["status"] == "cancelled" and row["response"].startswith(WORDS[0])


def test_a_stream_that_breaks_off(llm, provider, rows):
    provider.behave = "cut"
    got = []
    with pytest.raises(LLMError) as raised:
        for piece in llm.stream("Hi"):
            got.append(piece)
    assert got == WORDS[:2] and raised.value.kind == "connection"
    (row,) = rows("llm_calls")
    assert (row["status"], row["response"]) == ("error", "".join(WORDS[:2]))


def test_a_stream_that_is_refused(llm, provider, rows):
    provider.behave = "refuse"
    with pytest.raises(LLMError, match="max_tokens"):
        next(llm.stream("Hi"))
    assert rows("llm_calls")[0]["status"] == "error"


def test_many_calls_at_once_with_asyncio(llm, rows):
    async def main():
        return await asyncio.gather(*(llm.acall(f"q{n}", request_id=f"r{n}") for n in range(50)))

    assert [answer["request_id"] for answer in asyncio.run(main())] == [f"r{n}" for n in range(50)]
    assert len(rows("llm_calls")) == 50


def test_a_cancelled_task_gives_its_call_up(llm, provider, rows):
    provider.behave = "slow"

    async def main():
        task = asyncio.ensure_future(llm.acall("Hi"))
        while not provider.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    (row,) = rows("llm_calls")
    assert (row["status"], row["prompt"]) == ("cancelled", "Hi")


def test_failures_and_streams_with_asyncio(llm, provider, rows):
    async def main():
        assert [piece async for piece in llm.astream("Hi")] == WORDS
        stream = llm.astream("Hi")
        await stream.__anext__()
        await stream.aclose()
        provider.behave = "refuse"
        with pytest.raises(LLMError, match="max_tokens"):
            await llm.acall("Hi")
        with pytest.raises(LLMError, match="max_tokens"):
            async for _ in llm.astream("Hi"):
                pass

    asyncio.run(main())
    assert [row["status"] for row in rows("llm_calls")] == ["success", "cancelled", "error", "error"]


def test_other_threads_run_while_an_answer_is_awaited(llm, provider):
    provider.behave = "slow"
    waiting = threading.Thread(target=llm.call, args=("Hi",))
    waiting.start()
    begun = time.monotonic()
    while not provider.requests and time.monotonic() - begun < 10:
        time.sleep(0.001)
    # This thread runs, so the other does not hold the GIL.
    provider.behave = "answer"
    provider.release.set()
    waiting.join(10)
    assert not waiting.is_alive() and len(provider.requests) == 1


def test_an_interrupt_ends_the_wait(script, db, provider):
    provider.behave = "slow"
    done = script(
        """
        import os, signal, sys, threading, time
        from weir import InstrumentedLLM
        llm = InstrumentedLLM(db_path=sys.argv[1], base_url=sys.argv[2])
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            llm.call("Hi")
        except KeyboardInterrupt:
            print("interrupted")
        """,
        db,
        provider.url,
    )
    assert done.stdout == "interrupted\n"
    from conftest import query

    assert query(db, "SELECT status FROM llm_calls") == [{"status": "cancelled"}]


def test_clients_go_on_in_the_child_of_a_fork(script, db, provider):
    script(
        """
        import os, sys
        from weir import InstrumentedLLM
        llm = InstrumentedLLM(db_path=sys.argv[1], base_url=sys.argv[2])
        llm.call("parent")
        pid = os.fork()
        if pid == 0:
            ok = llm.call("child")["content"] and llm.logger.flush()
            os._exit(0 if ok else 1)
        assert os.waitpid(pid, 0)[1] == 0
        llm.call("parent again")
        """,
        db,
        provider.url,
    )
    from conftest import query

    prompts = [row["prompt"] for row in query(db, "SELECT prompt FROM llm_calls ORDER BY timestamp")]
    assert prompts == ["parent", "child", "parent again"]


def test_an_error_can_be_pickled(llm, provider):
    import pickle

    provider.behave = "limit"
    with pytest.raises(LLMError) as raised:
        llm.call("Hi")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.status, again.request_id) == (str(raised.value), 429, raised.value.request_id)
    assert weir.LLMError is LLMError
