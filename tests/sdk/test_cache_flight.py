"""The cache among many: single flight, who shares with whom, bounds, restarts, reloads."""

import concurrent.futures
import json
import re
import signal
from pathlib import Path

import openai
import pytest

from rig import Fake, behave, eventually, request

HELLO = [{"role": "user", "content": "hello there"}]
CHAT = "/v1/chat/completions"
ON = "[cache]\nexact = true\n"
ONCE = "[gateway]\nretries = 0\n"


def keys(*entries):
    return "".join(
        f'[[keys]]\nname = "{name}"\nkey = "wk-{name}-5f2b8c1d9e7a4036"\n' + "".join(f"{line}\n" for line in lines)
        for name, *lines in entries
    )


def of(name):
    return {"authorization": f"Bearer wk-{name}-5f2b8c1d9e7a4036"}


def keyless(fake, name="up"):
    """A provider that gets the key which the caller has."""
    return f'[providers.{name}]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n'


def reload(server, text):
    before = server.log().count("the configuration was changed")
    server.config_path.write_text(text)
    server.process.signal(signal.SIGHUP)
    eventually("the reload is logged", lambda: server.log().count("the configuration was changed") > before)


def at_once(count, ask):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def resident(server):
    text = (Path("/proc") / str(server.process.pid) / "status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) / 1024


# Single flight


@pytest.mark.parametrize("streams", ["none", "all", "mixed"])
def test_fifty_at_once_are_one_request(serve, up, fake, key, streams):
    server = serve(ON + up)
    model = behave("up/gpt-4o", key, "first=400,chunks=20")
    client = server.openai()

    def ask(n):
        if streams == "all" or (streams == "mixed" and n % 2):
            chunks = client.chat.completions.create(model=model, messages=HELLO, stream=True)
            return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        return client.chat.completions.create(model=model, messages=HELLO).choices[0].message.content

    assert set(at_once(50, ask)) == {" ".join(f"w{n}" for n in range(20))}
    fake.only(key)
    eventually("all are recorded", lambda: len(server.all_calls()) == 50)
    calls = server.all_calls()
    assert sorted(c["status"] for c in calls) == ["cached"] * 49 + ["success"]
    assert sum(c["cost_usd"] for c in calls) == max(c["cost_usd"] for c in calls) > 0


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_when_who_asks_goes_away_another_asks(serve, up, fake, key, stream):
    server = serve(ON + up)
    body = {"model": behave("up/gpt-4o", key, "first=600,chunks=5"), "messages": HELLO, "stream": stream}
    first = server.line(CHAT, body)
    fake.arrived(key)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        others = [pool.submit(server.post, CHAT, body) for _ in range(20)]
        eventually("all are there", lambda: server.metric("llm_inflight_requests") == 21)
        first.close()
        answers = [other.result() for other in others]
    assert {a.status for a in answers} == {200}
    assert len(fake.requests(key)) == 2 and fake.requests(key)[0]["disconnected"]
    assert sorted(a.headers["x-weir-cache"] for a in answers) == ["hit"] * 19 + ["miss"]


@pytest.mark.parametrize("words", ["status=500", "status=503", "status=400", "badjson"])
def test_when_the_provider_fails_nobody_asks_it_fifty_times(serve, up, fake, key, words):
    server = serve(ONCE + ON + up)
    model = behave("up/gpt-4o", key, words, "first=800")
    answers = at_once(50, lambda n: server.chat(model, f"{key}-{n}"))
    assert len({a.status for a in answers}) == 1 and answers[0].status >= 400
    assert len({a.json()["error"]["message"] for a in answers}) == 1
    # Few, not one: who comes after the failure asks for itself.
    assert len(fake.requests(key)) <= 3, f"{len(fake.requests(key))} requests"
    eventually("all are recorded", lambda: len(server.all_calls(status="error")) == 50)
    calls = server.all_calls()
    assert sum(c["attempts"] or 0 for c in calls) == len(fake.requests(key))
    assert {(c["cache"], c["error_type"], c["provider"], c["http_status"]) for c in calls} == {
        ("miss", calls[0]["error_type"], "up", answers[0].status)
    }


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_drained_answers_reach_those_who_wait(serve, up, fake, key, stream):
    server = serve('[gateway]\non_disconnect = "drain"\n' + ON + up)
    body = {"model": behave("up/gpt-4o", key, "first=600,chunks=5"), "messages": HELLO, "stream": stream}
    first = server.line(CHAT, body)
    fake.arrived(key)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        others = [pool.submit(server.post, CHAT, body) for _ in range(5)]
        eventually("all are there", lambda: server.metric("llm_inflight_requests") == 6)
        first.close()
        assert {other.result().headers["x-weir-cache"] for other in others} == {"hit"}
    fake.only(key)


@pytest.mark.parametrize("words", ["truncate", "cut", "midstream-error"])
def test_a_stream_that_breaks_off_is_asked_for_once_more(serve, up, fake, key, words):
    server = serve(ONCE + ON + up)
    body = {"model": behave("up/gpt-4o", key, words, "chunks=9,after=3,first=600"), "messages": HELLO, "stream": True}
    first = server.line(CHAT, body)
    fake.arrived(key)
    answers = at_once(20, lambda _: server.post(CHAT, body))
    first.read_until(b"error")
    first.close()
    # One of them asked again and broke off too; the others are told so.
    assert len(fake.requests(key)) == 2
    assert sorted(a.status for a in answers) == [200] + [502] * 19
    again = server.line(CHAT, {**body, "model": behave("up/gpt-4o", key + "2", words, "chunks=9,after=3,first=600,times=1")})
    fake.arrived(key + "2")
    model = behave("up/gpt-4o", key + "2", words, "chunks=9,after=3,first=600,times=1")
    answers = at_once(20, lambda _: server.post(CHAT, {**body, "model": model}))
    again.close()
    assert {a.status for a in answers} == {200} and len(fake.requests(key + "2")) == 2


def test_a_failure_that_lies_in_the_callers_own_key_is_not_passed_on(serve, fake, key):
    # Without keys of its own and without a provider's key, Weir sends on what the caller has.
    server = serve(ONCE + ON + 'scope = "shared"\n' + keyless(fake))
    model = behave("up/gpt-4o", key, "status=401,first=200,times=1")
    answers = at_once(10, lambda n: server.chat(model, headers={"authorization": f"Bearer sk-{n}"}))
    assert sorted(a.status for a in answers) == [200] * 9 + [401]
    assert len(fake.requests(key)) == 2


def test_after_a_failure_that_passes_the_rest_are_answered(serve, up, fake, key):
    server = serve(ONCE + ON + up)
    model = behave("up/gpt-4o", key, "status=400,first=200,times=1")
    assert {a.status for a in at_once(20, lambda _: server.chat(model))} <= {200, 400}
    assert server.chat(model).status == 200
    assert len(fake.requests(key)) <= 3


def test_an_answer_that_is_no_use_to_others_is_not_given_to_them(serve, up, fake, key):
    server = serve(ON + up)
    model = behave("up/gpt-4o", key, "length,first=200")
    answers = at_once(10, lambda _: server.chat(model))
    assert {a.status for a in answers} == {200} and {a.headers["x-weir-cache"] for a in answers} == {"miss"}
    assert len(fake.requests(key)) == 10


def test_nobody_waits_long_for_one_who_is_slow(serve, up, fake, key):
    server = serve('[gateway]\nfirst_byte_timeout = "400ms"\nidle_timeout = "400ms"\n' + ON + up)
    # It never falls silent, and takes much longer than a provider may be silent.
    body = {"model": behave("up/gpt-4o", key, "delay=200,chunks=100"), "messages": HELLO, "stream": True}
    first = server.line(CHAT, body)
    fake.arrived(key)
    second = server.line(CHAT, body)
    eventually("the second asks for itself", lambda: len(fake.requests(key)) == 2)
    first.close()
    second.close()


def test_nobody_waits_for_an_answer_that_is_too_long_to_be_stored(serve, up, fake, key):
    server = serve('[cache]\nexact = true\nmax_entry = "1KiB"\n' + up)
    body = {"model": behave("up/gpt-4o", key, "delay=20,chunks=1000"), "messages": HELLO, "stream": True}
    first = server.line(CHAT, body)
    fake.arrived(key)
    second = server.line(CHAT, body)
    # Long before the first one has ended.
    eventually("the second asks for itself", lambda: len(fake.requests(key)) == 2, 15)
    first.close()
    second.close()


def test_a_stream_that_is_never_silent_ends_at_its_deadline(serve, up, fake, key):
    server = serve('[gateway]\ntotal_timeout = "500ms"\n' + up)
    # Pieces come faster than they are passed on, so that the upstream is hardly ever waited for.
    answer = server.chat(behave("up/gpt-4o", key, "size=4000000,chunks=100000"), key, stream=True)
    assert "total_timeout" in answer.text and answer.text.count("data:") < 90000
    assert server.call(key)["error_type"] == "timeout"


def test_who_wants_an_answer_of_its_own_does_not_wait(serve, up, fake, key):
    server = serve(ON + up)
    model = behave("up/gpt-4o", key, "first=600")
    answers = at_once(6, lambda n: server.chat(model, headers={"cache-control": "no-cache"} if n % 2 else {}))
    assert sorted(a.headers["x-weir-cache"] for a in answers) == ["bypass"] * 3 + ["hit"] * 2 + ["miss"]
    assert len(fake.requests(key)) == 4


# Who shares with whom


def test_keys_never_share(serve, up, fake, key):
    server = serve(ON + up + keys(("ann",), ("ben",)))
    model = behave("up/gpt-4o", key, "first=200")
    both = at_once(2, lambda n: server.chat(model, headers=of("ann" if n else "ben"), user="x"))
    assert [a.headers["x-weir-cache"] for a in both] == ["miss", "miss"]
    again = [server.chat(model, headers=of(name)).headers["x-weir-cache"] for name in ("ann", "ben")]
    assert again == ["hit", "hit"] and len(fake.requests(key)) == 2
    labels = {"x-weir-department": "shop", "x-weir-project": "p", "x-weir-user": "ann"}
    assert server.chat(model, headers={**of("ben"), **labels}).headers["x-weir-cache"] == "hit", "labels open nothing"


@pytest.mark.parametrize("scope", ["department", "project"])
def test_keys_of_one_group_share(serve, up, fake, key, scope):
    server = serve(
        f'[cache]\nexact = true\nscope = "{scope}"\n' + up
        + keys(("ann", f'{scope} = "x"'), ("ben", f'{scope} = "x"'), ("cleo", f'{scope} = "y"'), ("dora",), ("emil",))
    )
    model = behave("up/gpt-4o", key)
    said = {f"x-weir-{scope}": "x"}
    seen = [server.chat(model, headers={**said, **of(n)}).headers["x-weir-cache"] for n in ("ann", "ben", "cleo", "dora", "emil")]
    assert seen == ["miss", "hit", "miss", "miss", "miss"], "a label that the caller chose opens nothing"
    assert len(fake.requests(key)) == 4


def test_users_of_one_key_and_everybody(serve, up, fake, key):
    server = serve('[cache]\nexact = true\nscope = "user"\n' + up + keys(("ann",), ("ben",)))
    model = behave("up/gpt-4o", key)
    ask = lambda name, **more: server.chat(model, headers=of(name), **more).headers["x-weir-cache"]
    assert [ask("ann", user="1"), ask("ann", user="2"), ask("ann"), ask("ben", user="1")] == ["miss"] * 4
    assert [ask("ann", user="1"), ask("ann", user="2"), ask("ann"), ask("ben", user="1")] == ["hit"] * 4
    shared = serve('[cache]\nexact = true\nscope = "shared"\n' + up + keys(("ann",), ("ben",)))
    model = behave("up/gpt-4o", key + "s")
    seen = [shared.chat(model, headers=of(name)).headers["x-weir-cache"] for name in ("ann", "ben")]
    assert seen == ["miss", "hit"]


def test_a_hit_needs_permission_for_the_model(serve, up, key):
    server = serve(
        '[cache]\nexact = true\nscope = "shared"\n' + up + keys(("ann",), ("mini", 'models = ["up/gpt-4o-mini*"]'))
    )
    model = behave("up/gpt-4o", key)
    assert server.chat(model, headers=of("ann")).status == 200
    assert server.chat(model, headers=of("mini")).status == 403


def test_a_hit_costs_nothing_and_passes_a_spent_budget_and_limit(serve, up, fake, key):
    server = serve(ON + up + keys(("ann", "budget_usd_per_day = 0.004"), ("ben", "rpm = 1")))
    model = behave("up/gpt-4o", key, "usage=1000:100")
    ask = lambda name, text: server.chat(
        model, headers=of(name), messages=[{"role": "user", "content": text}], max_tokens=20
    )
    assert ask("ann", "a").status == 200
    spent = eventually("the budget is spent", lambda: (a := ask("ann", f"b{len(fake.requests(key))}")).status != 200 and a)
    assert spent.status in (402, 429), spent.text
    assert [ask("ann", "a").headers["x-weir-cache"] for _ in range(3)] == ["hit"] * 3
    assert ask("ben", "a").status == 200 and ask("ben", "b").status == 429
    assert [ask("ben", "a").status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("scope", ["key", "user", "project"])
def test_without_keys_each_credential_has_answers_of_its_own(serve, fake, key, scope):
    server = serve(ON + f'scope = "{scope}"\n' + keyless(fake))
    model = behave("up/gpt-4o", key)
    ask = lambda **headers: server.chat(model, headers=headers).headers["x-weir-cache"]
    alice = {"authorization": "Bearer alice"}
    assert [ask(**alice), ask(authorization="Bearer mallory"), ask(), ask(**alice)] == ["miss", "miss", "miss", "hit"]
    # The same credential in another header is the same.
    assert ask(**{"x-api-key": "alice"}) == "hit"
    assert len(fake.requests(key)) == 3


def test_headers_that_go_upstream_count(serve, up, fake, key):
    server = serve(ON + up)
    model = behave("up/gpt-4o", key)
    ask = lambda **headers: server.chat(model, headers={n.replace("_", "-"): v for n, v in headers.items()})
    seen = lambda **headers: ask(**headers).headers["x-weir-cache"]
    assert [seen(), seen(x_persona="rude"), seen(), seen(x_persona="rude")] == ["miss", "miss", "hit", "hit"]
    assert fake.requests(key)[1]["headers"]["x-persona"] == "rude", "it does go upstream"
    for own in ("user_agent", "x_stainless_retry_count", "x_request_id", "x_client_request_id", "x_weir_user", "traceparent"):
        assert seen(**{own: f"{key}-1"}) == "hit", own


# Bounds


def test_memory_is_bounded_under_load(serve, tmp_path, key):
    many = Fake(tmp_path)
    try:
        server = serve(
            f'[cache]\nexact = true\nmax_size = "4MiB"\n[record]\npayload = "none"\n'
            f'[providers.up]\nkind = "openai"\nbase_url = "{many.url}/v1"\n'
        )

        def body(n):
            return {"model": "up/gpt-4o!size=100000,chunks=20", "messages": [{"role": "user", "content": str(n)}]}

        def ask(n):
            assert server.post(CHAT, {**body(n), "stream": n % 2 == 0}).status == 200

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(150)))
            before = resident(server)
            list(pool.map(ask, range(150, 600)))
        status = server.get("/api/v1/status").json()["cache"]
        assert status["bytes"] <= 4 << 20 and 30 <= status["entries"] <= 42
        assert status["evicted"] >= 500
        assert resident(server) - before < 20, (before, resident(server))
        # The last one is there, the first one is not.
        assert server.post(CHAT, body(599)).headers["x-weir-cache"] == "hit"
        assert server.post(CHAT, body(0)).headers["x-weir-cache"] == "miss"
        server.stop()
        assert sum(p.stat().st_size for p in server.data.glob("cache.db*")) < 16 << 20
    finally:
        many.stop()


# Restarts


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_answers_survive_a_restart(serve, up, fake, key, how):
    server = serve(ON + up)
    models = [behave("up/gpt-4o", f"{key}-{n}") for n in range(5)]
    first = [server.chat(m, f"filled-{n}", stream=n % 2 == 1).status for n, m in enumerate(models)]
    assert first == [200] * 5
    if how == "stop":
        server.stop()
    else:
        # Written behind within moments: what the file and its log hold is what a killed process leaves.
        files = lambda: b"".join(p.read_bytes() for p in server.data.glob("cache.db*"))
        eventually("all are in the file", lambda: all(f"filled-{n}".encode() in files() for n in range(5)))
        server.process.kill()
    server.start()
    answers = [server.chat(m) for m in models]
    assert [a.headers["x-weir-cache"] for a in answers] == ["hit"] * 5
    assert all(a.json()["choices"][0]["message"]["content"] for a in answers)
    assert [len(fake.requests(f"{key}-{n}")) for n in range(5)] == [1] * 5


def test_without_persist_a_restart_begins_anew(serve, up, fake, key):
    server = serve("[cache]\nexact = true\npersist = false\n" + up)
    model = behave("up/gpt-4o", key)
    assert [server.chat(model).headers["x-weir-cache"] for _ in range(2)] == ["miss", "hit"]
    server.stop()
    assert not list(server.data.glob("cache.db*"))
    server.start()
    assert server.chat(model).headers["x-weir-cache"] == "miss"


def test_what_is_no_longer_to_be_kept_leaves_the_disk(serve, up, key):
    server = serve(ON + up)
    files = lambda: list(server.data.glob("cache.db*"))
    ask = lambda: server.chat(behave("up/gpt-4o", key)).headers["x-weir-cache"]
    assert ask() == "miss" and {f.stat().st_mode & 0o777 for f in files()} == {0o600}
    reload(server, '[record]\npayload = "redacted"\n' + ON + up)
    assert files() == [] and ask() == "hit", "it stays in memory"
    reload(server, ON + up)
    assert files()
    server.stop()
    server.config_path.write_text(up)
    server.start()
    assert files() == []


def test_a_file_that_is_damaged_costs_its_answers_and_nothing_else(serve, up, key):
    server = serve(ON + up)
    model = behave("up/gpt-4o", key)
    server.chat(model)
    server.stop()
    for path in server.data.glob("cache.db*"):
        path.write_bytes(b"this is no database" * 500)
    server.start()
    assert [server.chat(model).headers["x-weir-cache"] for _ in range(2)] == ["miss", "hit"]
    server.stop()
    server.start()
    assert server.chat(model).headers["x-weir-cache"] == "hit", "a fresh file took the place of the damaged one"


# What is written


def written(server):
    return b"".join(p.read_bytes() for p in server.data.rglob("*") if p.is_file())


def test_what_is_not_to_be_written_down_is_in_no_file(serve, up, key):
    """`record.payload = "none"` keeps answers in memory; the same with `full` shows that the text would be found."""
    for payload, kept in (("full", True), ("none", False)):
        server = serve(f'[record]\npayload = "{payload}"\nplain_text = true\n' + ON + up)
        # Short enough that the file holds it as it is.
        body = {"model": behave("up/gpt-4o", key, "text=short"), "max_tokens": 50, "messages": HELLO}
        answer = server.post("/v1/messages", body, {"x-request-id": key})
        text = answer.json()["content"][0]["text"].encode()
        assert server.post("/v1/messages", body, {"x-request-id": f"{key}-2"}).headers["x-weir-cache"] == "hit"
        assert server.call(f"{key}-2")["attributes"]["cache"]["source"] == key
        server.stop()
        assert any(text in p.read_bytes() for p in server.data.glob("cache.db*")) is kept
        assert (text in written(server)) is kept and (b"hello there" in written(server)) is kept


def test_an_answer_with_a_secret_in_it_is_not_stored(serve, up, fake, key):
    server = serve(ON + up + '[providers.echo]\nkind = "demo"\n')
    secret = "sk-proj-Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7Ie2"
    for stream in (False, True):
        ask = lambda text: server.chat("demo/echo", stream=stream, messages=[{"role": "user", "content": text}])
        answer = ask(f"the key is {secret}")
        assert secret in answer.text.replace('"}}]}\n\ndata: ', "") or stream, "echoed"
        assert ask(f"the key is {secret}").headers["x-weir-cache"] == "miss"
        assert [ask(f"the key is gone {stream}").headers["x-weir-cache"] for _ in range(2)] == ["miss", "hit"]
    server.stop()
    assert secret.encode() not in written(server)


# Flush


def test_flushing(serve, up, fake, key):
    server = serve(ON + up + keys(("ann",), ("reader", 'role = "read"'), ("boss", 'role = "admin"')))
    model = behave("up/gpt-4o", key)
    flush = lambda query="", name="boss": request("DELETE", f"{server.url}/api/v1/cache{query}", headers=of(name))
    ask = lambda **cache: server.chat(model, headers=of("ann"), cache=cache).headers["x-weir-cache"]
    assert [ask(), ask(namespace="a"), ask(namespace="b")] == ["miss"] * 3
    for name in ("ann", "reader"):
        assert flush(name=name).status == 403
    assert request("DELETE", f"{server.url}/api/v1/cache").status == 401
    assert flush("?namespace=").status == 400 and flush("?nmspace=a").status == 400
    assert flush("?namespace=a").json() == {"deleted": 1} and flush("?namespace=a").json() == {"deleted": 0}
    assert [ask(), ask(namespace="a"), ask(namespace="b")] == ["hit", "miss", "hit"]
    assert flush().json() == {"deleted": 3}
    server.process.kill()
    server.start()
    assert [ask(), ask(namespace="a"), ask(namespace="b")] == ["miss"] * 3, "it was on disk when it was answered"
    assert flush().json() == {"deleted": 3}
    assert not [p for p in server.data.glob("cache.db*") if b"gpt-4o" in p.read_bytes()], "nothing is left of them"
    assert ask() == "miss"


def test_flushing_what_is_off(weir):
    answer = request("DELETE", f"{weir.url}/api/v1/cache")
    assert answer.status == 409 and "the cache is off" in answer.json()["error"]["message"]


# Reload


def test_a_reload_turns_it_on_and_off(serve, up, fake, key):
    server = serve(up)
    model = behave("up/gpt-4o", key)
    assert "x-weir-cache" not in server.chat(model).headers
    reload(server, ON + up)
    assert [server.chat(model).headers["x-weir-cache"] for _ in range(2)] == ["miss", "hit"]
    reload(server, up)
    assert "x-weir-cache" not in server.chat(model).headers
    reload(server, ON + up)
    assert server.chat(model).headers["x-weir-cache"] == "miss", "turning it off forgets, on disk too"
    reload(server, "[cache]\nexact = true\nttl = \"1s\"\nscope = \"user\"\n" + up)
    assert server.chat(model).headers["x-weir-cache"] == "miss"
    refused = server.log().count("cache.ttl")
    server.config_path.write_text("[cache]\nexact = true\nttl = \"0s\"\n" + up)
    server.process.signal(signal.SIGHUP)
    eventually("the mistake is logged", lambda: server.log().count("cache.ttl") > refused)
    assert server.chat(model).headers["x-weir-cache"] == "hit", "the configuration before goes on"


def test_a_reload_that_leads_a_name_elsewhere_leaves_its_old_answers(serve, fake, key):
    leads_to = lambda model: f'[models.m]\ntargets = [{{ model = "{behave(model, key)}" }}]\n'
    config = lambda model: ON + leads_to(model) + keyless(fake)
    server = serve(config("up/gpt-4o"))
    ask = lambda: server.chat("m").headers["x-weir-cache"]
    assert [ask(), ask()] == ["miss", "hit"]
    reload(server, config("up/gpt-4o-mini"))
    assert [ask(), ask()] == ["miss", "hit"]
    # What it led to before has not been forgotten, and is not confused.
    reload(server, config("up/gpt-4o"))
    assert ask() == "hit" and len(fake.requests(key)) == 2
    elsewhere = config("up/gpt-4o").replace("127.0.0.1", "localhost")
    assert elsewhere != config("up/gpt-4o")
    reload(server, elsewhere)
    assert ask() == "miss"


# Batches


def test_lines_of_a_batch_hit_too(serve, up, fake, key):
    server = serve(ON + up)
    model = behave("up/gpt-4o", key)
    server.chat(model)
    client = server.openai()
    line = lambda n: {"custom_id": f"r{n}", "method": "POST", "url": CHAT, "body": {"model": model, "messages": HELLO}}
    content = "".join(json.dumps(line(n)) + "\n" for n in range(10)).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    done = eventually(
        "it has ended", lambda: (b := client.batches.retrieve(batch.id)).status == "completed" and b, 30
    )
    assert done.request_counts.completed == 10
    fake.only(key)
    eventually("they are recorded", lambda: len(server.calls(cache="hit")) == 10)
