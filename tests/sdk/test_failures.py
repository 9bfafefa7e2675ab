"""Failures of the upstream: how clients see them, what is tried again, what is recorded."""

import json

import anthropic
import openai
import pytest

from rig import behave, eventually

HELLO = [{"role": "user", "content": "hello there"}]


def ask(weir, model, id=None, **members):
    return weir.openai(id=id).chat.completions.create(model=model, messages=HELLO, **members)


STATUSES = [
    (400, "string_above_max_length", openai.BadRequestError, "invalid_request"),
    (400, "context_length_exceeded", openai.BadRequestError, "context_length"),
    (400, "content_filter", openai.BadRequestError, "content_filter"),
    (401, "invalid_api_key", openai.AuthenticationError, "auth"),
    (403, "unsupported_country", openai.PermissionDeniedError, "auth"),
    (404, "model_not_found", openai.NotFoundError, "invalid_request"),
    (422, "wrong_shape", openai.UnprocessableEntityError, "invalid_request"),
    (500, "server_broke", openai.InternalServerError, "http_5xx"),
    (503, "engine_overloaded", openai.InternalServerError, "http_5xx"),
]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(("status", "code", "kind", "error_type"), STATUSES, ids=[f"{s[0]}-{s[1]}" for s in STATUSES])
def test_an_upstream_error_keeps_status_and_code(weir, key, status, code, kind, error_type, stream):
    with pytest.raises(kind) as raised:
        ask(weir, behave("up/gpt-4o", key, f"status={status},code={code}"), key, stream=stream)
    error = raised.value
    assert error.status_code == status and error.code == code
    assert error.body["message"] and error.body["type"]
    assert error.response.headers["x-request-id"] == key
    call = weir.call(key)
    assert call["status"] == "error" and call["http_status"] == status and call["error_type"] == error_type
    assert call["error"]


def test_an_upstream_429_keeps_code_and_retry_after(weir, key):
    with pytest.raises(openai.RateLimitError) as raised:
        ask(weir, behave("up/gpt-4o", key, "status=429,code=rate_limit_exceeded,retry=33"), key)
    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.response.headers["retry-after"] == "33"
    assert weir.call(key)["http_status"] == 429


def test_an_upstream_quota_error_is_not_tried_again(weir, fake, key):
    with pytest.raises(openai.RateLimitError) as raised:
        ask(weir, behave("up/gpt-4o", key, "status=429,code=insufficient_quota"), key)
    assert raised.value.code == "insufficient_quota"
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(fake.requests(key)) == 1


@pytest.mark.parametrize(("status", "attempts"), [(400, 1), (401, 1), (404, 1), (422, 1), (500, 3), (502, 3), (529, 3)])
def test_only_transient_errors_are_tried_again(weir, fake, key, status, attempts):
    with pytest.raises(openai.APIStatusError) as raised:
        ask(weir, behave("up/gpt-4o", key, f"status={status}"), key)
    assert len(fake.requests(key)) == attempts
    assert weir.call(key)["attempts"] == attempts
    if attempts > 1:
        assert raised.value.response.headers["x-should-retry"] == "false", "Weir has tried enough"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", ["status=500", "status=503", "status=429,retryms=20", "reset", "html"])
def test_a_transient_failure_is_tried_again_and_succeeds(weir, fake, key, fault, stream):
    answer = weir.chat(behave("up/gpt-4o", key, f"chunks=3,{fault},times=1"), id=key, stream=stream)
    assert answer.status == 200 and "w0" in answer.text
    assert answer.headers["x-weir-attempts"] == "2"
    assert len(fake.requests(key)) == 2
    call = weir.call(key)
    assert call["status"] == "success" and call["attempts"] == 2


@pytest.mark.parametrize("fault", ["badjson", "cut", "truncate"])
def test_half_an_answer_is_a_502(weir, key, fault):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(weir, behave("up/gpt-4o", key, fault), key)
    assert raised.value.status_code == 502
    assert raised.value.type == "api_error" and raised.value.code in ("upstream_error", "upstream_truncated")
    assert weir.call(key)["status"] == "error"


def test_html_from_the_upstream_is_a_502_in_json(weir, key):
    answer = weir.chat(behave("up/gpt-4o", key, "html"), id=key)
    assert answer.status == 502 and answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert "<html" not in error["message"].lower()
    assert error["type"] == "api_error" and error["code"] == "upstream_error"
    assert weir.call(key)["http_status"] == 502


def test_html_instead_of_a_stream_is_a_502(weir, key):
    assert weir.chat(behave("up/gpt-4o", key, "html"), id=key, stream=True).status == 502


def test_a_reset_connection_is_a_502(weir, key):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(weir, behave("up/gpt-4o", key, "reset"), key)
    assert raised.value.status_code == 502 and raised.value.code == "upstream_error"
    assert weir.call(key)["error_type"] == "connection"


def test_an_upstream_that_is_not_there_is_a_502(serve, key):
    server = serve('[providers.gone]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n')
    with pytest.raises(openai.InternalServerError) as raised:
        ask(server, "gone/gpt-4o", key)
    assert raised.value.status_code == 502 and "gone" in raised.value.body["message"]
    assert server.call(key)["error_type"] == "connection"


def test_azures_errors_without_a_type_get_one(weir, key):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(weir, behave("azure/gpt-4o", key, "azure,status=400,code=content_filter"), key)
    assert raised.value.type and raised.value.code == "content_filter"


def test_an_anthropic_429_reaches_the_openai_client(weir, key):
    with pytest.raises(openai.RateLimitError) as raised:
        ask(weir, behave("claude/claude-sonnet-4-5", key, "status=429,retry=33"), key)
    assert raised.value.response.headers["retry-after"] == "33" and raised.value.body["message"]


def test_an_anthropic_overload_reaches_the_openai_client_as_503(weir, key):
    with pytest.raises(openai.InternalServerError) as raised:
        ask(weir, behave("claude/claude-sonnet-4-5", key, "status=529"), key)
    assert raised.value.status_code == 503


@pytest.mark.parametrize("upstream", ["claude/claude-sonnet-4-5", "up/gpt-4o"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (500, anthropic.InternalServerError),
    ],
)
def test_upstream_errors_reach_the_anthropic_client_in_its_form(weir, key, upstream, status, kind):
    with pytest.raises(kind) as raised:
        weir.anthropic(id=key).messages.create(
            model=behave(upstream, key, f"status={status}"), max_tokens=50, messages=HELLO
        )
    body = raised.value.body
    assert body["type"] == "error" and body["error"]["type"] and body["error"]["message"]
    assert raised.value.request_id == key


# Fallbacks and health


def models(fake, key, fault, extra=""):
    return f"""
[providers.up]
kind = "openai"
base_url = "{fake.url}/v1"
[providers.other]
kind = "openai"
base_url = "{fake.url}/v1"
[models.smart]
targets = [{{ model = "up/gpt-4o!key={key},{fault}" }}]
fallbacks = ["other/gpt-4o-mini!key={key},chunks=3"]
{extra}"""


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    "fault", ["status=500", "status=401", "status=404", "status=400,code=context_length_exceeded", "reset", "html"]
)
def test_another_model_answers_when_the_first_fails(serve, fake, key, fault, stream):
    server = serve(models(fake, key, fault))
    answer = server.chat("smart", id=key, stream=stream)
    assert answer.status == 200 and "w0" in answer.text
    assert answer.headers["x-weir-fallbacks"] == "1" and answer.headers["x-weir-provider"] == "other"
    call = server.call(key)
    assert call["status"] == "success" and call["model"] == "smart" and call["provider"] == "other"
    assert call["response_model"] == "gpt-4o-mini"
    assert server.metric("llm_fallbacks_total", **{"from": "smart"}) == 1


@pytest.mark.parametrize("upstream", ["up", "claude"])
@pytest.mark.parametrize("fault", ["badjson", "truncate", "cut"])
def test_another_model_answers_when_an_answer_cannot_be_read(serve, fake, key, upstream, fault):
    server = serve(f"""
[providers.up]
kind = "openai"
base_url = "{fake.url}/v1"
[providers.claude]
kind = "anthropic"
base_url = "{fake.url}"
[models.smart]
targets = [{{ model = "{behave(f"{upstream}/some-model", key, fault)}" }}]
fallbacks = ["{behave("up/gpt-4o-mini", key, "chunks=3")}"]
""")
    answer = server.chat("smart")
    assert answer.status == 200 and "w0" in answer.text and answer.headers["x-weir-fallbacks"] == "1"


@pytest.mark.parametrize("upstream", ["up/gpt-4o", "claude/claude-sonnet-4-5"])
def test_an_error_under_status_200_is_an_error(weir, key, upstream):
    answer = weir.chat(behave(upstream, key, "status=200,code=upstream_broke"), id=key)
    assert answer.status >= 400 and answer.json()["error"]["message"]
    assert weir.call(key)["status"] == "error"


def test_a_fault_of_the_request_does_not_fall_back(serve, fake, key):
    server = serve(models(fake, key, "status=400"))
    assert server.chat("smart").status == 400
    assert len(fake.requests(key)) == 1


def test_no_fallback_after_the_first_byte(serve, fake, key):
    server = serve(models(fake, key, "chunks=6,after=2,cut"))
    answer = server.chat("smart", id=key, stream=True)
    assert answer.status == 200 and "error" in answer.chunks()[-1]
    assert len(fake.requests(key)) == 1, "two answers must never be spliced"
    assert server.call(key)["status"] == "error"


def test_a_stream_that_breaks_before_its_first_event_falls_back(serve, fake, key):
    server = serve(models(fake, key, "chunks=6,midstream-error,after=0"))
    answer = server.chat("smart", stream=True)
    assert answer.status == 200 and "w0" in answer.text and answer.events()[-1][1] == "[DONE]"


def test_a_failing_deployment_is_left_alone_for_a_while(serve, fake, key):
    server = serve(models(fake, key, "status=500"))
    for _ in range(3):
        assert server.chat("smart").status == 200
    before = len(fake.requests(key))
    for _ in range(5):
        assert server.chat("smart").status == 200
    assert len(fake.requests(key)) == before + 5, "only the fallback is asked during the cooldown"
    assert server.metric("llm_upstream_healthy", provider="up") == 0


def test_a_deployment_comes_back_after_its_cooldown(serve, fake, key):
    server = serve(models(fake, key, "chunks=3,status=500,times=3"))
    for _ in range(2):
        server.chat("smart")
    eventually(
        "the first deployment answers again", lambda: server.chat("smart").headers["x-weir-provider"] == "up", 15, 0.3
    )


def test_load_is_balanced_over_targets_and_one_ill_target_is_avoided(serve, fake, key):
    server = serve(f"""
[providers.up]
kind = "openai"
base_url = "{fake.url}/v1"
[models.pool]
targets = [
  {{ model = "up/a!key={key}a" }},
  {{ model = "up/b!key={key}b" }},
  {{ model = "up/c!key={key}c,status=500" }},
]
""")
    answers = [server.chat("pool").status for _ in range(40)]
    assert answers == [200] * 40
    asked = {name: len(fake.requests(key + name)) for name in "abc"}
    assert asked["a"] >= 5 and asked["b"] >= 5 and asked["c"] <= 6, asked


def test_a_long_retry_after_moves_to_another_target_at_once(serve, fake, key):
    server = serve(models(fake, key, "status=429,retry=30"))
    assert server.chat("smart").headers["x-weir-provider"] == "other"
    assert server.chat("smart").headers["x-weir-provider"] == "other"
    asked = [json.loads(r["body"])["model"].split("!")[0] for r in fake.requests(key)]
    assert asked == ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini"], "a blocked deployment is not asked before its time"


def test_a_short_retry_after_is_obeyed(serve, fake, key):
    server = serve(f'[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n')
    assert server.chat(behave("up/gpt-4o", key, "status=429,retry=1,times=1")).status == 200
    first, second = fake.requests(key)
    assert second["at_us"] - first["at_us"] >= 990_000


def test_retries_are_counted(serve, up, key):
    server = serve(up)
    server.chat(behave("up/gpt-4o", key, "status=500,times=2"))
    assert server.metric("llm_retries_total", provider="up") == 2


def test_faults_of_requests_do_not_take_a_deployment_out(serve, fake, key):
    server = serve(models(fake, key, "chunks=3"))
    for _ in range(12):
        assert server.chat("smart", headers={"x-fake": "status=400"}).status == 400
    assert server.chat("smart").headers["x-weir-provider"] == "up"


def test_a_probe_that_its_client_leaves_does_not_keep_a_deployment_out(serve, fake, key):
    server = serve("[gateway]\nretries = 0\n" + models(fake, key, "chunks=3"))
    for _ in range(3):
        server.chat("smart", headers={"x-fake": "status=500"})
    assert server.chat("smart").headers["x-weir-provider"] == "other", "it cools down"

    def probe_was_left():
        before = len(fake.requests(key))
        body = {"model": "smart", "messages": HELLO}
        line = server.line("/v1/chat/completions", body, {"x-fake": "first=20000"})
        asked = fake.arrived(key, before + 1)[-1]["model"]
        line.close()
        return asked == "gpt-4o"

    eventually("the deployment is tried again", probe_was_left, 15, 0.3)
    eventually("it answers again", lambda: server.chat("smart").headers["x-weir-provider"] == "up", 10, 0.2)
