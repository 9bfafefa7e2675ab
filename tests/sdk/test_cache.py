"""The cache with the unmodified clients: what equals what, what a request may say about it, what is stored."""

import json

import anthropic
import openai
import pytest

from conftest import CLAUDE_KEY
from rig import Weir, behave, eventually
from rig.weir import run

HELLO = [{"role": "user", "content": "hello there"}]
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server(tmp_path_factory, fake):
    """Everything as it is out of the box, with the cache on."""
    server = Weir(
        tmp_path_factory.mktemp("cache"),
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


def cache_of(answer):
    assert answer.status == 200, answer.text
    return answer.headers["x-weir-cache"]


# What equals what


def test_an_equal_request_is_answered_without_the_provider(server, fake, key):
    client = server.openai()
    ask = {"model": behave("up/gpt-4o", key), "messages": HELLO, "temperature": 0.5}
    first = client.chat.completions.with_raw_response.create(**ask)
    second = client.chat.completions.with_raw_response.create(**ask)
    assert (first.headers["x-weir-cache"], second.headers["x-weir-cache"]) == ("miss", "hit")
    assert "age" not in first.headers and int(second.headers["age"]) >= 0
    assert second.parse() == first.parse()
    assert second.headers["x-weir-provider"] == "up" and second.headers["x-weir-model"] == first.headers["x-weir-model"]
    assert float(second.headers["x-weir-cost-usd"]) == 0 < float(first.headers["x-weir-cost-usd"])
    fake.only(key)


def test_what_does_not_count(server, fake, key):
    model = behave("up/gpt-4o", key)
    body = {"model": model, "messages": HELLO, "temperature": 0, "tools": [{"type": "function", "function": {"name": "f"}}]}
    assert cache_of(server.post(CHAT, body)) == "miss"
    same = [
        json.dumps(dict(reversed(body.items()))),
        json.dumps(body, indent=3),
        json.dumps(body).replace("hello", "\\u0068ello"),
        json.dumps(body).replace('"role": "user", "content": "hello there"', '"content":"hello there","role":"user"'),
        {**body, "user": "ann"},
        {**body, "metadata": {"department": "x", "tags": "y"}},
        {**body, "stream": False},
        {**body, "stream": True},
        {**body, "stream": True, "stream_options": {"include_usage": True}},
        {**body, "safety_identifier": "u1", "prompt_cache_key": "k"},
        {**body, "cache": {"ttl": 60}},
    ]
    assert [cache_of(server.post(CHAT, other)) for other in same] == ["hit"] * len(same)
    fake.only(key)


DIFFERENT = [
    {"temperature": 0.0001},
    {"top_p": 0.5},
    {"max_tokens": 100},
    {"seed": 1},
    {"n": 2},
    {"stop": ["x"]},
    {"logprobs": True},
    {"presence_penalty": 1},
    {"response_format": {"type": "json_object"}},
    {"reasoning_effort": "low"},
    {"service_tier": "flex"},
    {"store": True},
    {"tool_choice": "none"},
    {"a_member_that_nobody_knows": 1},
    {"messages": [{"role": "user", "content": "hello  there"}]},
    {"messages": [{"role": "user", "content": "Hello there"}]},
    {"messages": [{"role": "system", "content": "s"}, *HELLO]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello there"}]}]},
]


def test_every_other_member_counts(server, fake, key):
    body = {"model": behave("up/gpt-4o", key), "messages": HELLO}
    asked = [body, *[{**body, **more} for more in DIFFERENT]]
    assert [cache_of(server.post(CHAT, one)) for one in asked] == ["miss"] * len(asked)
    assert [cache_of(server.post(CHAT, one)) for one in asked] == ["hit"] * len(asked)
    assert len(fake.requests(key)) == len(asked)


def test_the_model_and_the_door_count(server, fake, key):
    for model in ("up/gpt-4o", "up/gpt-4o-mini"):
        model = behave(model, key)
        assert cache_of(server.post(CHAT, {"model": model, "messages": HELLO})) == "miss"
        assert cache_of(server.post("/v1/messages", {"model": model, "messages": HELLO, "max_tokens": 50})) == "miss"
        assert cache_of(server.post("/v1/responses", {"model": model, "input": "hello there"})) == "miss"
        assert cache_of(server.post("/v1/completions", {"model": model, "prompt": "hello there"})) == "miss"
    assert len(fake.requests(key)) == 8


def test_headers_that_change_the_answer_count(server, key):
    body = {"model": behave("claude/claude-sonnet-4-5", key), "max_tokens": 50, "messages": HELLO}
    assert cache_of(server.post("/v1/messages", body, {"anthropic-beta": "a"})) == "miss"
    assert cache_of(server.post("/v1/messages", body, {"anthropic-beta": "b"})) == "miss"
    assert cache_of(server.post("/v1/messages", body, {"anthropic-beta": "a", "user-agent": "x/1"})) == "hit"


def test_embeddings(server, fake, key):
    client = server.openai()
    model = behave("up/text-embedding-3-small", key)
    first = client.embeddings.create(model=model, input=["a b", "c"])
    assert client.embeddings.create(model=model, input=["a b", "c"], user="ann") == first
    assert client.embeddings.create(model=model, input=["c", "a b"]).data[0].embedding == first.data[1].embedding
    assert client.embeddings.create(model=model, input=["a b", "c"], dimensions=8) != first
    assert len(fake.requests(key)) == 3


# What a request may say


def test_cache_control(server, fake, key):
    model = behave("up/gpt-4o", key)
    says = lambda control: cache_of(server.chat(model, headers={"cache-control": control}))
    assert says("no-store") == "bypass" and says("max-age=0") == "miss"
    assert len(fake.requests(key)) == 2
    assert says("max-age=3600") == "hit"
    assert says("no-cache") == "bypass" and len(fake.requests(key)) == 3
    assert says("private, No-Store") == "bypass" and len(fake.requests(key)) == 4
    assert says("only-if-cached") == "hit"


def test_no_cache_renews_what_is_stored(server, key):
    model = behave("up/gpt-4o", key)
    ids = [f"{key}-{n}" for n in range(4)]
    server.chat(model, ids[0])
    server.chat(model, ids[1])
    server.chat(model, ids[2], {"cache-control": "no-cache"})
    server.chat(model, ids[3])
    sources = [server.call(id)["attributes"].get("cache", {}).get("source") for id in ids]
    assert sources == [None, ids[0], None, ids[2]]


def test_an_answer_can_be_too_old_for_one_and_good_for_another(server, fake, key):
    model = behave("up/gpt-4o", key)
    server.chat(model)
    eventually("it is a second old", lambda: server.chat(model).headers["age"] != "0")
    assert cache_of(server.chat(model, cache={"s-maxage": 3600})) == "hit"
    assert cache_of(server.chat(model, cache={"s-maxage": 1e-6})) == "miss"
    assert len(fake.requests(key)) == 2


def test_the_time_to_live(server, fake, key):
    model = behave("up/gpt-4o", key)
    assert cache_of(server.chat(model, cache={"ttl": 0.3})) == "miss"
    eventually("it has expired", lambda: cache_of(server.chat(model, cache={"ttl": 0.3})) == "miss")
    brief = behave("up/gpt-4o", key + "b")
    assert [cache_of(server.chat(brief, cache={"ttl": 0})) for _ in range(2)] == ["miss", "miss"]
    assert cache_of(server.chat(brief, cache={"ttl": "10m"})) == "miss"
    assert cache_of(server.chat(brief)) == "hit"


def test_the_configured_time_to_live(serve, up, key):
    server = serve('[cache]\nexact = true\nttl = "300ms"\n' + up)
    model = behave("up/gpt-4o", key)
    server.chat(model)
    eventually("it has expired", lambda: cache_of(server.chat(model)) == "miss")


def test_the_cache_member(server, fake, key):
    client = server.openai()
    ask = lambda **cache: client.chat.completions.with_raw_response.create(
        model=behave("up/gpt-4o", key), messages=HELLO, extra_body={"cache": cache}
    ).headers["x-weir-cache"]
    assert ask(**{"no-store": True}) == "bypass"
    assert ask(**{"use-cache": False}) == "bypass"
    assert ask(namespace="a") == "miss" and ask(namespace="a") == "hit"
    assert ask(namespace="b") == "miss" and ask() == "miss"
    assert ask(**{"no-cache": True, "namespace": "a"}) == "bypass"
    assert ask(**{"no_cache": False, "use_cache": True, "ttl": None}) == "hit"
    assert len(fake.requests(key)) == 6


WRONG = [
    (7, "cache"),
    ("no-store", "cache"),
    ([], "cache"),
    ({"ttl": "soon"}, "cache.ttl"),
    ({"ttl": -1}, "cache.ttl"),
    ({"no-cache": "yes"}, "cache.no-cache"),
    ({"no-store": 1}, "cache.no-store"),
    ({"use-cache": "true"}, "cache.use-cache"),
    ({"s-maxage": {}}, "cache.s-maxage"),
    ({"namespace": 1}, "cache.namespace"),
    ({"namespace": "n" * 129}, "cache.namespace"),
    ({"no-cahce": True}, "cache.no-cahce"),
]


def test_a_mistake_is_named(server, weir, fake, key):
    for cache, param in WRONG:
        for where in (server, weir):
            with pytest.raises(openai.BadRequestError) as refused:
                where.openai().chat.completions.create(
                    model=behave("up/gpt-4o", key), messages=HELLO, extra_body={"cache": cache}
                )
            assert refused.value.param == param and param in refused.value.message
    with pytest.raises(anthropic.BadRequestError) as refused:
        server.anthropic().messages.create(
            model=behave("up/gpt-4o", key), messages=HELLO, max_tokens=9, extra_body={"cache": {"ttl": "soon"}}
        )
    assert "cache.ttl" in str(refused.value)
    assert fake.requests(key) == []


def test_the_cache_member_stays_here(server, weir, fake, key):
    said = {"cache": {"ttl": 60, "namespace": "secret-namespace"}}
    for where in (server, weir):
        where.chat(behave("up/gpt-4o", key), **said)
        where.chat(behave("up/gpt-4o", key), stream=True, messages=[{"role": "user", "content": "x"}], **said)
        where.post("/v1/embeddings", {"model": behave("up/text-embedding-3-small", key), "input": "x", **said})
        where.post("/v1/responses", {"model": behave("up/gpt-4o", key), "input": "x", **said})
        where.post("/v1/completions", {"model": behave("up/gpt-4o", key), "prompt": "x", **said})
        for model in ("up/gpt-4o", "claude/claude-sonnet-4-5"):
            body = {"model": behave(model, key), "messages": HELLO, "max_tokens": 9, **said}
            where.post("/v1/messages", body)
    sent = fake.requests(key)
    assert len(sent) == 14
    assert not [s for s in sent if "cache" in json.loads(s["body"]) or "secret-namespace" in json.dumps(s)]


# What is stored


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("words", ["length", "filter", "status=500", "status=400", "cut,chunks=9", "truncate,chunks=9", "badjson", "midstream-error,chunks=9"])
def test_what_did_not_come_to_its_own_end_is_not_stored(serve, up, fake, key, stream, words):
    server = serve("[gateway]\nretries = 0\n[cache]\nexact = true\n" + up)
    model = behave("up/gpt-4o", key, words)
    answers = [server.post(CHAT, {"model": model, "messages": HELLO, "stream": stream}) for _ in range(3)]
    if words == "midstream-error,chunks=9" and not stream:
        assert [a.headers["x-weir-cache"] for a in answers] == ["miss", "hit", "hit"], "plain answers have no middle"
        return
    assert {a.headers["x-weir-cache"] for a in answers} == {"miss"}
    assert len(fake.requests(key)) == 3
    assert server.metric("llm_cache_hits_total") == 0


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_what_nobody_waited_for_is_not_stored(server, fake, key, stream):
    body = {"model": behave("up/gpt-4o", key, "chunks=500,delay=10" if stream else "first=20000"), "messages": HELLO, "stream": stream}
    client = server.line(CHAT, body, {"x-request-id": key})
    if stream:
        client.read_until(b"w3")
    else:
        fake.arrived(key)
    client.close()
    fake.left(key)
    assert server.call(key)["status"] == "cancelled" and server.call(key)["cache"] == "miss"
    again = server.line(CHAT, body)
    fake.arrived(key, 2)
    again.close()


def test_a_conversation_that_the_provider_keeps_is_not_cached(server, key):
    for more in ({"background": True}, {"conversation": "conv_1"}):
        body = {"model": behave("up/gpt-4o", key), "input": "hello", **more}
        assert [server.post("/v1/responses", body).headers["x-weir-cache"] for _ in range(2)] == ["bypass", "bypass"]


def test_an_answer_that_is_too_large_is_not_stored(serve, up, fake, key):
    server = serve('[cache]\nexact = true\nmax_entry = "4KiB"\n' + up)
    for words, wanted in (("size=3000", "hit"), ("size=5000", "miss")):
        for stream in (False, True):
            model = behave("up/gpt-4o", key + words + str(stream), words)
            assert cache_of(server.chat(model, stream=stream)) == "miss"
            assert cache_of(server.chat(model, stream=stream)) == wanted, (words, stream)


def test_without_the_cache_nothing_is_said_of_it(weir, fake, key):
    model = behave("up/gpt-4o", key)
    answers = [weir.chat(model, cache={"use-cache": True}) for _ in range(2)]
    assert not [a for a in answers if "x-weir-cache" in a.headers] and len(fake.requests(key)) == 2


# What is recorded


def test_the_record_of_a_hit(server, key):
    model = behave("up/gpt-4o", key, "usage=1000:100,first=30")
    server.chat(model, f"{key}-1")
    assert cache_of(server.chat(model, f"{key}-2", user="ann", metadata={"department": "shop"})) == "hit"
    first, hit = server.call(f"{key}-1"), server.call(f"{key}-2")
    assert (first["cache"], first["cache_hit"], first["status"]) == ("miss", False, "success")
    assert (hit["cache"], hit["cache_hit"], hit["status"]) == ("hit", True, "cached")
    assert hit["cost_usd"] == 0 and hit["tokens"] is None and hit["http_status"] == 200
    assert hit["output"] == first["output"] and hit["input"]["messages"] == HELLO
    assert (hit["user"], hit["department"], hit["model"]) == ("ann", "shop", model)
    assert hit["finish_reason"] == "stop" and hit["provider"] == "up" and hit["response_model"] == first["response_model"]
    saved = hit["attributes"]["cache"]
    assert saved["source"] == f"{key}-1" and saved["similarity"] is None
    assert saved["saved_nano"] == round(first["cost_usd"] * 1e9) == 3_500_000
    assert saved["saved_us"] == first["attributes"]["upstream_us"] >= 30_000
    assert 0 < hit["latency_ms"] < 30 and hit["response_time_ms"] == hit["latency_ms"]
    assert first["response_time_ms"] is None


def test_figures(serve, up, key):
    server = serve("[cache]\nexact = true\n" + up)
    model = behave("up/gpt-4o", key, "usage=1000:100,first=20")
    for n in range(5):
        server.chat(model, f"{key}-{n}")
    server.chat(model, f"{key}-b", {"cache-control": "no-store"})
    server.call(f"{key}-b")
    assert server.metric("llm_cache_hits_total", kind="exact") == 4
    assert server.metric("llm_cache_misses_total") == 1
    assert server.metric("llm_cache_saved_usd_total") == pytest.approx(4 * 0.0035)
    assert server.metric("llm_cache_saved_seconds_total") >= 0.08
    eventually("all are stored", lambda: server.get("/api/v1/stats").json()["total"]["count"] == 6)
    total = server.get("/api/v1/stats").json()["total"]
    assert total["cache_hits"] == 4 and total["cost_usd"] == pytest.approx(2 * 0.0035)
    status = server.get("/api/v1/status").json()["cache"]
    assert (status["entries"], status["hits"], status["misses"], status["bypassed"]) == (1, 4, 1, 1)
    assert status["saved_usd"] == pytest.approx(4 * 0.0035) and status["saved_seconds"] >= 0.08
    assert status["bytes"] > 500 and status["evicted"] == status["not_kept"] == 0
    line = run("status", "--url", server.url).stdout
    assert "the cache holds 1 answers" in line and "4 of 5 calls were hits (80%), which saved $0.0140 and" in line
    assert len(server.calls(cache="hit")) == 4 and len(server.calls(cache="bypass")) == 1
