"""Keys: who may call what, and how much."""

import base64
import concurrent.futures
import hashlib

import anthropic
import openai
import pytest

from rig import behave, eventually
from rig.weir import run

APP, READER, LIMITED, HASHED = (f"wk-test-{n}-5f2b8c1d9e7a4036" for n in ("app", "read", "mini", "hash"))
HELLO = [{"role": "user", "content": "hello there"}]


def entry(name, key, *lines):
    return "\n".join(["[[keys]]", f'name = "{name}"', f'key = "{key}"', *lines, ""])


ADMIN = entry("boss", READER, 'role = "admin"')
READ = {"authorization": f"Bearer {READER}"}


@pytest.fixture
def guarded(serve, up):
    """A server with keys."""
    return serve(
        up
        + ADMIN
        + entry("app", APP, 'department = "shop"', 'project = "checkout"')
        + entry("mini", LIMITED, 'models = ["up/gpt-4o-mini*"]')
        + f'[[keys]]\nname = "hashed"\nsha256 = "{hashlib.sha256(HASHED.encode()).hexdigest()}"\n'
    )


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": ""}, {"authorization": "Basic !!"}])
def test_without_a_known_key_everything_is_a_401(guarded, fake, key, header):
    for path in ("/v1/chat/completions", "/v1/embeddings", "/v1/responses", "/generate"):
        answer = guarded.post(path, {"model": behave("up/gpt-4o", key), "messages": HELLO, "text": "x"}, header)
        assert answer.status == 401 and answer.json()["error"]["code"] == "invalid_api_key"
    for path in ("/v1/models", "/v1/models/up/x", "/api/v1/calls", "/api/v1/stats", "/metrics"):
        assert guarded.get(path, header).status == 401
    answer = guarded.post("/v1/messages", {"model": behave("up/gpt-4o", key), "messages": HELLO}, header)
    assert answer.status == 401 and answer.json()["error"]["type"] == "authentication_error"
    assert fake.requests(key) == []


def test_probes_need_no_key(guarded):
    for path in ("/health", "/health/live", "/health/ready"):
        assert guarded.get(path).status == 200


def test_sdks_raise_what_they_raise_for_a_wrong_key(guarded):
    with pytest.raises(openai.AuthenticationError) as raised:
        guarded.openai(key="sk-wrong-key-0123456789").chat.completions.create(model="up/gpt-4o", messages=HELLO)
    assert raised.value.code == "invalid_api_key" and "sk-wrong" not in str(raised.value)
    with pytest.raises(anthropic.AuthenticationError):
        guarded.anthropic(key="sk-wrong").messages.create(model="up/gpt-4o", max_tokens=5, messages=HELLO)


BASIC = base64.b64encode(f"anybody:{APP}".encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        {"authorization": f"Bearer {APP}"},
        {"authorization": f"bearer {APP}"},
        {"authorization": APP},
        {"authorization": f"Basic {BASIC}"},
        {"x-api-key": APP},
        {"api-key": APP},
    ],
    ids=["bearer", "bearer-lower", "raw", "basic", "x-api-key", "api-key"],
)
def test_a_key_is_read_from_wherever_clients_put_it(guarded, key, header):
    assert guarded.chat(behave("up/gpt-4o", key), id=key, headers=header).status == 200
    assert guarded.call(key, READ)["key"] == "app"


def test_a_hashed_key_works(guarded, key):
    assert guarded.chat(behave("up/gpt-4o", key), headers={"authorization": f"Bearer {HASHED}"}).status == 200


def test_the_callers_key_is_not_sent_upstream(guarded, fake, key):
    guarded.chat(behave("up/gpt-4o", key), headers={"x-api-key": APP})
    assert APP not in str(fake.only(key))


def test_what_a_key_fixes_callers_cannot_change(guarded, key):
    guarded.chat(
        behave("up/gpt-4o", key),
        id=key,
        headers={"x-api-key": APP, "x-weir-department": "other", "x-weir-project": "other"},
    )
    call = guarded.call(key, READ)
    assert call["department"] == "shop" and call["project"] == "checkout"


def test_a_model_that_a_key_may_not_call_is_a_403(guarded, fake, key):
    client = guarded.openai(key=LIMITED, id=key)
    with pytest.raises(openai.PermissionDeniedError) as raised:
        client.chat.completions.create(model=behave("up/gpt-4o", key), messages=HELLO)
    assert "up/gpt-4o-mini*" in raised.value.body["message"]
    assert fake.requests(key) == []
    assert guarded.call(key, READ)["status"] == "blocked"
    assert client.chat.completions.create(model=behave("up/gpt-4o-mini", key), messages=HELLO).choices


@pytest.mark.parametrize("path", ["/api/v1/calls", "/api/v1/stats", "/api/v1/calls/live", "/metrics"])
def test_a_calling_key_may_not_read(guarded, path):
    answer = guarded.get(path, {"x-api-key": APP})
    assert answer.status == 403 and "read" in answer.json()["error"]["message"]


def test_requests_per_minute(serve, up, fake, key):
    server = serve(up + ADMIN + entry("app", APP, "rpm = 2"))
    client = server.openai(key=APP)
    first = client.chat.completions.with_raw_response.create(model=behave("up/gpt-4o", key), messages=HELLO)
    assert first.headers["x-ratelimit-limit-requests"] == "2" and first.headers["x-ratelimit-remaining-requests"] == "1"
    client.chat.completions.create(model=behave("up/gpt-4o", key), messages=HELLO)
    with pytest.raises(openai.RateLimitError) as raised:
        server.openai(key=APP, id=key).chat.completions.create(model=behave("up/gpt-4o", key), messages=HELLO)
    error = raised.value
    assert error.code == "rate_limit_exceeded" and "2 requests" in error.body["message"]
    assert 0 < float(error.response.headers["retry-after"]) <= 60
    assert len(fake.requests(key)) == 2
    assert server.call(key, READ)["status"] == "rate_limited"
    assert server.metric("llm_rate_limit_hits_total", READ, source="gateway") == 1
    assert server.metric("llm_requests_total", READ, status="rate_limited") == 1


def test_tokens_per_minute(serve, up, key):
    server = serve(up + ADMIN + entry("app", APP, "tpm = 2000"))
    client = server.openai(key=APP)
    client.chat.completions.create(model=behave("up/gpt-4o", key, "usage=1500:400"), messages=HELLO)
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model=behave("up/gpt-4o", key), messages=HELLO, max_tokens=500)
    assert raised.value.code == "rate_limit_exceeded" and "tokens" in raised.value.body["message"]
    assert float(raised.value.response.headers["retry-after"]) > 0


def test_tokens_are_reserved_before_the_call(serve, up, fake, key):
    server = serve(up + ADMIN + entry("app", APP, "tpm = 2000"))
    held = server.line(
        "/v1/chat/completions",
        {"model": behave("up/gpt-4o", key, "first=20000"), "messages": HELLO, "max_tokens": 1800},
        {"x-api-key": APP},
    )
    fake.arrived(key)
    refused = server.chat(behave("up/gpt-4o", key + "b"), headers={"x-api-key": APP}, max_tokens=1800)
    assert refused.status == 429
    held.close()


def test_the_messages_door_refuses_a_limit_in_its_form(serve, up, key):
    server = serve(up + ADMIN + entry("app", APP, "rpm = 1"))
    server.chat(behave("up/gpt-4o", key), headers={"x-api-key": APP})
    with pytest.raises(anthropic.RateLimitError) as raised:
        server.anthropic(key=APP).messages.create(model=behave("up/gpt-4o", key), max_tokens=5, messages=HELLO)
    assert raised.value.body["error"]["type"] == "rate_limit_error"


def spend_all(server, model="up/gpt-4o"):
    """Calls until refused; returns the refusal."""
    for _ in range(60):
        answer = server.chat(model, headers={"x-api-key": APP})
        if answer.status != 200:
            return answer
    raise AssertionError("the budget was never spent")


@pytest.mark.parametrize("period", ["day", "month"])
def test_a_spent_budget_is_insufficient_quota(serve, up, key, period):
    server = serve(up + ADMIN + entry("app", APP, f"budget_usd_per_{period} = 0.012"))
    refused = spend_all(server)
    assert refused.status == 429
    error = refused.json()["error"]
    assert error["code"] == "insufficient_quota" and period in error["message"]
    assert refused.headers["x-should-retry"] == "false" and float(refused.headers["retry-after"]) > 0
    server.call(refused.headers["x-request-id"], READ)
    spent = server.get("/api/v1/stats", READ, key="app").json()["total"]["cost_usd"]
    assert 0 < spent <= 0.012
    assert server.metric("llm_budget_remaining_usd", READ) == pytest.approx(0.012 - spent, abs=1e-6)
    assert server.metric("llm_errors_total", READ, error_type="budget") == 1
    blocked = server.calls(READ, status="blocked")
    assert len(blocked) == 1 and blocked[0]["http_status"] == 429


def test_a_budget_is_not_overspent_by_calls_at_once(serve, up, fake, key):
    server = serve(up + ADMIN + entry("app", APP, "budget_usd_per_day = 0.05"))
    headers = {"x-api-key": APP, "x-fake": f"first=300,key={key}"}
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: server.chat("up/gpt-4o", headers=headers, max_tokens=1024).status, range(30)))
    # 1,024 tokens of answer may cost 0.01024 dollars: no more than four can be promised at once.
    assert set(answers) == {200, 429} and answers.count(200) == len(fake.requests(key)) <= 4


def test_a_budget_stays_spent_over_a_restart(serve, up, key):
    server = serve(up + ADMIN + entry("app", APP, "budget_usd_per_day = 0.012"))
    assert spend_all(server).status == 429
    server.process.kill()
    server.start()
    assert server.chat("up/gpt-4o", headers={"x-api-key": APP}).status == 429


def test_key_new_makes_a_key_that_works(serve, up, key):
    made = run("key", "new", "--name", "fresh")
    table = made.stdout[made.stdout.index("[[keys]]") :]
    secret = made.stdout.split()[0]
    assert secret not in table
    server = serve(up + table)
    assert server.chat(behave("up/gpt-4o", key)).status == 401
    assert server.chat(behave("up/gpt-4o", key), headers={"x-api-key": secret}).status == 200


def test_calls_at_once_get_no_more_than_the_limit(serve, up, fake, key):
    server = serve(up + ADMIN + entry("app", APP, "rpm = 5"))
    model = behave("up/gpt-4o", key, "first=200")
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: server.chat(model, headers={"x-api-key": APP}).status, range(25)))
    assert answers.count(200) == 5 == len(fake.requests(key)) and answers.count(429) == 20


def test_a_reload_gives_nobody_a_fresh_budget(serve, up, key):
    config = up + ADMIN + entry("app", APP, "budget_usd_per_day = 0.012")
    server = serve(config)
    assert spend_all(server).status == 429
    server.config_path.write_text(config + '[models.added]\ntargets = [{ model = "up/gpt-4o" }]\n')
    eventually("the change is applied", lambda: "the configuration was changed" in server.log())
    assert server.chat("up/gpt-4o", headers={"x-api-key": APP}).status == 429


def test_a_refused_or_failed_call_costs_no_budget(serve, up, key):
    server = serve("[gateway]\nretries = 0\n" + up + ADMIN + entry("app", APP, "budget_usd_per_day = 0.012"))
    for _ in range(5):
        answer = server.chat("up/gpt-4o", headers={"x-api-key": APP, "x-fake": "status=400"})
        assert answer.status == 400
    assert server.metric("llm_budget_remaining_usd", READ) == pytest.approx(0.012)
    assert server.chat("up/gpt-4o", headers={"x-api-key": APP}).status == 200


def test_a_cancelled_call_frees_what_it_had_reserved(serve, up, fake, key):
    server = serve(up + ADMIN + entry("app", APP, "budget_usd_per_day = 0.012"))
    held = server.line(
        "/v1/chat/completions",
        {"model": "up/gpt-4o", "messages": HELLO, "max_tokens": 1000},
        {"x-api-key": APP, "x-fake": f"first=20000,key={key}", "x-request-id": key},
    )
    fake.arrived(key)
    assert server.chat("up/gpt-4o", headers={"x-api-key": APP}).status == 429
    held.close()
    server.call(key, READ)
    assert server.chat("up/gpt-4o", headers={"x-api-key": APP}).status == 200
