"""The cache by meaning: what is near enough, what is never compared, what happens without embeddings."""

import json

import pytest

from conftest import CLAUDE_KEY
from rig import behave, eventually

CHAT = "/v1/chat/completions"
EMBED = "up/text-embedding-3-small"
ASKED = "what is the capital city of the country called france please tell me now"
NEAR = "what is the capital city of the country called france please tell me today"
FAR = "write a poem about seven green frogs that sing under water"


def config(url, embed, *lines, more=""):
    lines = "\n".join(lines)
    return f"""
[cache.semantic]
enabled = true
model = "{embed}"
threshold = 0.9
{lines}
[providers.up]
kind = "openai"
base_url = "{url}/v1"
[providers.claude]
kind = "anthropic"
base_url = "{url}"
api_key = "{CLAUDE_KEY}"
[providers.demo]
kind = "demo"
{more}
"""


@pytest.fixture
def server(serve, fake, key):
    """Embeddings come from the fake provider, under the key `<key>-e`."""
    return serve(config(fake.url, behave(EMBED, f"{key}-e")))


def user(text):
    return [{"role": "user", "content": text}]


def says(server, model, text, id=None, path=CHAT, **members):
    answer = server.post(path, {"model": model, "messages": user(text), **members}, {"x-request-id": id} if id else {})
    assert answer.status == 200, answer.text
    return answer.headers["x-weir-cache"]


def test_a_near_question_gets_the_answer(server, fake, key):
    model = behave("up/gpt-4o", key, "usage=1000:100")
    assert says(server, model, ASKED, f"{key}-1") == "miss"
    answer = server.post(CHAT, {"model": model, "messages": user(NEAR)}, {"x-request-id": f"{key}-2"})
    assert answer.headers["x-weir-cache"] == "semantic"
    similarity = float(answer.headers["x-weir-cache-similarity"])
    assert 0.9 <= similarity < 1 and "age" in answer.headers
    assert says(server, model, FAR) == "miss"
    assert says(server, model, ASKED) == "hit"
    assert len(fake.requests(key)) == 2
    call = server.call(f"{key}-2")
    assert (call["cache"], call["cache_hit"], call["status"], call["cost_usd"]) == ("semantic", True, "cached", 0)
    saved = call["attributes"]["cache"]
    assert saved["similarity"] == pytest.approx(similarity, abs=1e-4) and saved["source"] == f"{key}-1"
    assert saved["saved_nano"] == 3_500_000 and call["response_time_ms"] == call["latency_ms"] > 0
    assert call["input"]["messages"] == user(NEAR), "its own question is recorded"
    assert server.metric("llm_cache_hits_total", kind="semantic") == 1
    assert server.metric("llm_cache_hits_total", kind="exact") == 1
    status = server.get("/api/v1/status").json()["cache"]
    assert (status["semantic_hits"], status["hits"], status["misses"]) == (1, 1, 2)
    assert status["entries"] == 2, "embeddings take no room of their own"


def test_the_embedding_is_a_call_of_its_own(server, fake, key):
    server.chat(
        behave("up/gpt-4o", key), f"{key}-1", messages=user(ASKED), user="ann", metadata={"department": "shop"}
    )
    sent = fake.only(f"{key}-e")
    assert json.loads(sent["body"])["input"] == ASKED and sent["path"] == "/v1/embeddings"
    calls = eventually("it is recorded", lambda: server.calls(tag="semantic-cache"))
    assert len(calls) == 1 and calls[0]["kind"] == "embedding" and calls[0]["status"] == "success"
    assert calls[0]["tags"] == ["semantic-cache"] and calls[0]["cost_usd"] > 0
    assert (calls[0]["user"], calls[0]["department"]) == ("ann", "shop")
    assert "semantic-cache" not in server.call(f"{key}-1")["tags"]


def test_the_threshold(server, fake, key):
    model = behave("up/gpt-4o", key)
    says(server, model, ASKED)
    assert says(server, model, NEAR, cache={"semantic_threshold": 0.999}) == "miss"
    # Now there is one of its own.
    assert says(server, model, NEAR) == "hit"
    assert says(server, model, NEAR + " again", cache={"semantic_threshold": 0.2}) == "semantic"
    for wrong in (0, -1, 1.1, "0.9"):
        body = {"model": model, "messages": user(NEAR), "cache": {"semantic_threshold": wrong}}
        assert server.post(CHAT, body).status == 400


NEVER = {
    "tools": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "hot": {"temperature": 1.2},
    "n": {"n": 2},
    "logprobs": {"logprobs": True},
}


@pytest.mark.parametrize("case", NEVER)
def test_what_is_never_compared(server, fake, key, case):
    model = behave("up/gpt-4o", key)
    assert says(server, model, ASKED, **NEVER[case]) == "miss"
    assert says(server, model, NEAR, **NEVER[case]) == "miss"
    assert says(server, model, ASKED, **NEVER[case]) == "hit"
    assert fake.requests(f"{key}-e") == []


def test_images_are_never_compared(server, fake, key):
    model = behave("up/gpt-4o", key)
    for text in (ASKED, NEAR):
        parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
        assert says(server, model, text, messages=[{"role": "user", "content": parts}]) == "miss"
    assert fake.requests(f"{key}-e") == []


def test_everything_but_the_question_must_be_equal(server, fake, key):
    model = behave("up/gpt-4o", key)
    system = lambda text, question: [{"role": "system", "content": text}, *user(question)]
    assert says(server, model, ASKED) == "miss"
    for other in (
        {"messages": system("You are a pirate", NEAR)},
        {"messages": [*user("hi"), {"role": "assistant", "content": "hi"}, *user(NEAR)]},
        {"temperature": 0.3},
        {"max_tokens": 5},
        {"response_format": {"type": "json_object"}},
        {"model": behave("up/gpt-4o-mini", key)},
        {"cache": {"namespace": "n"}},
    ):
        assert says(server, **{"model": model, "text": NEAR, **other}) == "miss", other
    assert says(server, model, ASKED, messages=system("You are a pirate", NEAR + " again")) == "semantic"
    assert says(server, model, NEAR) == "semantic"


def test_keys_never_share(serve, fake, key):
    entry = '[[keys]]\nname = "{0}"\nkey = "wk-{0}-5f2b8c1d9e7a4036"\n'
    server = serve(config(fake.url, behave(EMBED, f"{key}-e"), more=entry.format("ann") + entry.format("ben")))
    ask = lambda name, text: server.post(
        CHAT, {"model": behave("up/gpt-4o", key), "messages": user(text)}, {"x-api-key": f"wk-{name}-5f2b8c1d9e7a4036"}
    ).headers["x-weir-cache"]
    assert [ask("ann", ASKED), ask("ben", NEAR), ask("ann", NEAR)] == ["miss", "miss", "semantic"]


def test_a_key_that_may_not_call_the_embedding_model(serve, fake, key):
    entry = '[[keys]]\nname = "ann"\nkey = "wk-ann-5f2b8c1d9e7a4036"\nmodels = ["up/gpt-4o*"]\n'
    server = serve(config(fake.url, behave(EMBED, f"{key}-e"), more=entry))
    headers = {"x-api-key": "wk-ann-5f2b8c1d9e7a4036"}
    ask = lambda text: server.post(CHAT, {"model": behave("up/gpt-4o", key), "messages": user(text)}, headers)
    assert [ask(text).headers["x-weir-cache"] for text in (ASKED, NEAR)] == ["miss", "semantic"]
    direct = {"model": behave(EMBED, f"{key}-e"), "input": "x"}
    assert server.post("/v1/embeddings", direct, headers).status == 403


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_other_doors_and_streams(server, fake, key, stream):
    for path, model, of in (
        ("/v1/messages", "claude/claude-sonnet-4-5", lambda t: {"messages": user(t), "max_tokens": 50}),
        ("/v1/responses", "up/gpt-4o", lambda t: {"input": t}),
        (CHAT, "up/gpt-4o", lambda t: {"messages": user(t)}),
    ):
        ask = lambda text: server.post(path, {"model": behave(model, key), "stream": stream, **of(text)})
        assert ask(ASKED).headers["x-weir-cache"] == "miss"
        near = ask(NEAR)
        assert near.headers["x-weir-cache"] == "semantic"
        assert near.headers["content-type"].startswith("text/event-stream" if stream else "application/json")
    assert len(fake.requests(key)) == 3


def test_the_demo_provider_embeds_too(serve, fake, key):
    server = serve(config(fake.url, "demo/embed"))
    assert says(server, "demo/echo", ASKED) == "miss" and says(server, "demo/echo", NEAR) == "semantic"
    assert says(server, "demo/echo", FAR) == "miss"


@pytest.mark.parametrize(
    "trouble", ["status=500", "status=429", "first=20000", "stall", "reset", "badjson", "html", "dims=1"]
)
def test_without_embeddings_the_call_goes_on(serve, fake, key, trouble):
    server = serve("[gateway]\nretries = 0\n" + config(fake.url, behave(EMBED, f"{key}-e", trouble), 'timeout = "300ms"'))
    model = behave("up/gpt-4o", key)
    assert says(server, model, ASKED) == "miss"
    if trouble != "dims=1":
        assert says(server, model, NEAR) == "miss"
        assert "semantic cache" in server.log()
    assert says(server, model, ASKED) == "hit"
    if trouble in ("first=20000", "stall"):
        eventually("nobody goes on asking", lambda: all(r["disconnected"] for r in fake.requests(f"{key}-e")))


@pytest.mark.parametrize("trouble", ["stall", "status=500"])
def test_embeddings_that_fail_again_and_again_are_not_asked_for(serve, fake, key, trouble):
    embed = behave(EMBED, f"{key}-e", trouble)
    server = serve("[gateway]\nretries = 0\n" + config(fake.url, embed, 'timeout = "300ms"'))
    model = behave("up/gpt-4o", key)
    assert [says(server, model, f"{ASKED} {n}") for n in range(8)] == ["miss"] * 8
    assert len(fake.requests(f"{key}-e")) == 3
    assert server.log().count("are not asked for for a while") == 1
    assert says(server, model, f"{ASKED} 7") == "hit"


def test_a_caller_whose_limit_is_spent_pauses_nobody(serve, fake, key):
    entry = '[[keys]]\nname = "{0}"\nkey = "wk-{0}-5f2b8c1d9e7a4036"\n'
    more = entry.format("ann") + "rpm = 1\n" + entry.format("ben")
    server = serve(config(fake.url, behave(EMBED, f"{key}-e"), more=more))
    ask = lambda name, text: server.post(
        CHAT, {"model": behave("up/gpt-4o", key), "messages": user(text)}, {"x-api-key": f"wk-{name}-5f2b8c1d9e7a4036"}
    )
    assert {ask("ann", f"{FAR} {n}").status for n in range(6)} <= {200, 429}
    assert [ask("ben", text).headers["x-weir-cache"] for text in (ASKED, NEAR)] == ["miss", "semantic"]


def test_an_embedding_model_that_is_not_there(serve, fake, key):
    server = serve(config(fake.url, "nobody/embed"))
    model = behave("up/gpt-4o", key)
    assert [says(server, model, ASKED) for _ in range(2)] == ["miss", "hit"]


def test_it_survives_a_restart(server, fake, key):
    model = behave("up/gpt-4o", key)
    says(server, model, ASKED)
    server.stop()
    server.start()
    assert says(server, model, NEAR) == "semantic"


def test_it_is_bounded(serve, fake, key):
    server = serve(config(fake.url, "demo/embed", "max_entries = 2"))
    texts = ["alpha beta gamma delta", "one two three four", "red green blue black"]
    assert [says(server, "demo/echo", text) for text in texts] == ["miss"] * 3
    twice = [says(server, "demo/echo", f"{text} {text}", cache={"ttl": 0}) for text in texts]
    assert twice == ["miss", "semantic", "semantic"], "the first to come went first"


def test_it_is_off_by_default(serve, up, fake, key):
    server = serve("[cache]\nexact = true\n" + up)
    model = behave("up/gpt-4o", key)
    assert [says(server, model, text, cache={"semantic_threshold": 0.1}) for text in (ASKED, NEAR)] == ["miss", "miss"]
