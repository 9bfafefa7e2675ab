"""Cascades: the cheapest model first, a dearer one where its answer falls short, and what that costs."""

import json

import openai
import pytest

from rig import behave, eventually
from rig.weir import run

HELLO = [{"role": "user", "content": "hello there"}]
#: What one answer of each costs, in nano-dollars: gpt-4o-mini 200:60 and gpt-4o 300:40.
CHEAP, DEAR = 66_000, 1_150_000
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "gauge",
        "schema": {"type": "object", "required": ["answer"], "properties": {"answer": {"type": "integer"}}},
    },
}
TEXTUAL = json.loads(json.dumps(SCHEMA).replace('"integer"', '"string"'))


def cascade(key, *cheap, dear=("usage=300:40",), more=""):
    """`smart`: gpt-4o-mini, then gpt-4o; each behaves as its words say."""
    models = [behave("up/gpt-4o-mini", f"{key}c", "usage=200:60", *cheap), behave("up/gpt-4o", f"{key}d", *dear)]
    return f"[models.smart]\ncascade = {json.dumps(models)}\n{more}"


def nano(call):
    return round(call["cost_usd"] * 1e9)


# The cheap answer


@pytest.mark.parametrize(
    ("words", "members"),
    [
        ((), {}),
        (("text=json",), {"response_format": {"type": "json_object"}}),
        (("text=json",), {"response_format": SCHEMA}),
        (("tools",), {"response_format": SCHEMA, "tools": [{"type": "function", "function": {"name": "f"}}]}),
        (("text=short",), {}),
    ],
    ids=["text", "json", "schema", "tools", "short"],
)
def test_a_good_cheap_answer_is_taken(serve, up, fake, key, words, members):
    server = serve(up + cascade(key, *words))
    answer = server.chat("smart", id=key, **members)
    assert answer.status == 200 and answer.json()["model"] == "gpt-4o-mini"
    call = server.call(key)
    assert nano(call) == CHEAP and call["model"] == "smart" and call["response_model"] == "gpt-4o-mini"
    assert "cascade" not in call["attributes"] and fake.requests(f"{key}d") == []
    assert answer.headers["x-weir-attempts"] == "1"


FLAWS = {
    "schema": (("text=json",), {"response_format": TEXTUAL}, 'not as the schema says at "/answer"'),
    "not-json": ((), {"response_format": {"type": "json_object"}}, "not JSON"),
    "refusal": (("refusal",), {}, "refused"),
    "filter": (("filter",), {}, "refused"),
    "empty": (("text=empty",), {}, "too short: 0 of 1 characters"),
    "short": (("text=short",), {"min_chars": 100}, "too short: 29 of 100 characters"),
    "length": (("length",), {}, "cut off by its bound"),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("flaw", FLAWS)
def test_an_answer_that_falls_short_goes_on_and_is_paid_for(serve, up, fake, key, flaw, stream):
    words, members, reason = FLAWS[flaw]
    accept = f"[models.smart.accept]\nmin_chars = {members['min_chars']}\n" if "min_chars" in members else ""
    members = {name: value for name, value in members.items() if name != "min_chars"}
    server = serve(up + cascade(key, *words, more=accept))
    answer = server.chat("smart", id=key, stream=stream, **members)
    assert answer.status == 200 and (answer.events() if stream else answer.json()["model"] == "gpt-4o")
    call = server.call(key)
    assert nano(call) == CHEAP + DEAR, "both answers, exactly"
    assert (call["tokens"]["prompt"], call["tokens"]["completion"]) == (500, 100)
    assert call["response_model"] == "gpt-4o" and call["attempts"] == 2 and call["status"] == "success"
    [rejected] = call["attributes"]["cascade"]
    assert rejected["reason"].startswith(reason) and rejected["cost_nano"] == CHEAP
    assert rejected["model"].startswith("up/gpt-4o-mini")
    assert answer.headers["x-weir-model"].startswith("gpt-4o!") and answer.headers["x-weir-attempts"] == "2"
    if not stream:
        assert float(answer.headers["x-weir-cost-usd"]) == pytest.approx((CHEAP + DEAR) / 1e9)
    for end in "cd":
        assert not json.loads(fake.only(key + end)["body"]).get("stream"), "asked whole, to be judged"
    assert server.metric("llm_cost_usd_total") == pytest.approx((CHEAP + DEAR) / 1e9)
    assert server.metric("llm_fallbacks_total") == 0, "no model has failed"


def test_checks_can_be_turned_off(serve, up, key):
    accept = "[models.smart.accept]\nschema = false\nrefusals = false\nfinished = false\nmin_chars = 0\n"
    server = serve(up + cascade(key, "refusal", "length", more=accept))
    assert server.chat("smart", response_format=TEXTUAL).json()["model"] == "gpt-4o-mini"


def test_three_models(serve, up, key):
    models = [behave(f"up/{m}", key, "usage=100:10", "length") for m in ("gpt-4o-mini", "gpt-4.1", "gpt-4o")]
    server = serve(up + f"[models.smart]\ncascade = {json.dumps(models)}\n")
    answer = server.chat("smart", id=key)
    assert answer.json()["choices"][0]["finish_reason"] == "length", "the last answer is taken as it is"
    call = server.call(key)
    assert [r["cost_nano"] for r in call["attributes"]["cascade"]] == [21_000, 280_000]
    assert nano(call) == 21_000 + 280_000 + 350_000 and call["tokens"]["total"] == 330


def test_without_a_price_the_sum_is_not_known(serve, up, key):
    models = [behave("up/nobodys-model", key, "usage=10:5", "length"), behave("up/gpt-4o", key, "usage=10:5")]
    server = serve(up + f"[models.smart]\ncascade = {json.dumps(models)}\n")
    server.chat("smart", id=key)
    call = server.call(key)
    assert call["cost_usd"] is None and call["attributes"]["cascade"][0]["cost_nano"] is None
    assert call["tokens"]["total"] == 30


# Failures


def test_a_dearer_model_that_fails_leaves_the_cheap_answer(serve, up, fake, key):
    config = "[gateway]\nretries = 0\n" + up + cascade(key, "length", dear=("status=500",)) + "[cache]\nexact = true\n"
    server = serve(config)
    answer = server.chat("smart", id=key)
    assert answer.status == 200 and answer.json()["model"] == "gpt-4o-mini"
    call = server.call(key)
    assert call["status"] == "success" and nano(call) == CHEAP and call["tokens"]["total"] == 260
    assert call["attributes"]["accepted_despite"] == "cut off by its bound" and "cascade" not in call["attributes"]
    again = server.chat("smart", id=f"{key}2")
    assert again.headers["x-weir-cache"] == "miss", "the next equal call asks again"
    assert len(fake.requests(f"{key}c")) == 2


def test_a_cheap_model_that_fails_goes_on_at_no_cost(serve, up, key):
    server = serve("[gateway]\nretries = 0\n" + up + cascade(key, "status=500"))
    assert server.chat("smart", id=key).json()["model"] == "gpt-4o"
    call = server.call(key)
    assert nano(call) == DEAR and "cascade" not in call["attributes"]
    assert server.metric("llm_fallbacks_total") == 1


def test_after_the_cascade_come_the_fallbacks(serve, up, key):
    other = behave("up/gpt-4.1", f"{key}f", "usage=100:10")
    more = f"fallbacks = [{json.dumps(other)}]\n"
    server = serve("[gateway]\nretries = 0\n" + up + cascade(key, "length", dear=("status=500",), more=more))
    assert server.chat("smart", id=key).json()["model"] == "gpt-4.1"
    call = server.call(key)
    assert nano(call) == CHEAP + 280_000 and len(call["attributes"]["cascade"]) == 1


def test_when_everybody_fails_the_error_is_the_providers(serve, up, key):
    server = serve("[gateway]\nretries = 0\n" + up + cascade(key, "status=500", dear=("status=503",)))
    with pytest.raises(openai.APIStatusError) as raised:
        server.openai(id=key).chat.completions.create(model="smart", messages=HELLO)
    assert raised.value.status_code == 503
    call = server.call(key)
    assert call["status"] == "error" and call["attempts"] == 2


def test_a_client_that_leaves_has_caused_what_was_paid(serve, up, fake, key):
    dear = behave("gpt-4o", f"{key}d", "first=20000")
    price = f'[[prices]]\nmodel = "{dear}"\nin = 2.5\nout = 10\n'
    server = serve(up + cascade(key, "length", dear=("first=20000",)) + price)
    held = server.line("/v1/chat/completions", {"model": "smart", "messages": HELLO}, {"x-request-id": key})
    fake.arrived(f"{key}d")
    held.close()
    call = server.call(key)
    assert call["status"] == "cancelled" and nano(call) > CHEAP
    assert call["attributes"]["cascade"][0]["cost_nano"] == CHEAP
    assert call["tokens"]["completion"] == 60


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ('[models.a]\ncascade = ["nobody/x"]\n', "models.a"),
        ('[models.a]\ncascade = ["up/gpt-4o-mini", "b"]\n[models.b]\ncascade = ["up/gpt-4o"]\n', '"b" is a cascade'),
        ('[models.a]\ntargets = [{ model = "up/gpt-4o" }]\nfallbacks = ["b"]\n[models.b]\ncascade = ["up/gpt-4o"]\n', '"b" is a cascade'),
        ('[models.a]\ncascade = ["up/gpt-4o"]\ntargets = [{ model = "up/gpt-4o" }]\n', "either targets or a cascade"),
        ('[models.a]\ntargets = [{ model = "up/gpt-4o" }]\nfallbacks = ["up/gpt-5-unlisted"]\n', "models.a"),
    ],
    ids=["nobody", "in-a-cascade", "in-a-fallback", "both", "fallback"],
)
def test_a_wrong_cascade_is_refused_with_its_place(tmp_path, up, config, says):
    file = tmp_path / "weir.toml"
    file.write_text(up + 'models = ["gpt-4o", "gpt-4o-mini"]\n' + config)
    done = run("check-config", file, check=False)
    assert done.returncode != 0 and says in done.stdout + done.stderr, done.stderr


# Streams and other doors


def test_the_sdk_reads_a_proper_stream(serve, up, key):
    server = serve(up + cascade(key, "length"))
    stream = server.openai(id=key).chat.completions.create(
        model="smart", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.startswith("The river keeps") and chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 340, "of the answer that was taken"
    call = server.call(key)
    assert call["stream"] is True and nano(call) == CHEAP + DEAR


def test_usage_is_hidden_from_a_stream_that_did_not_ask(serve, up, key):
    server = serve(up + cascade(key, "length"))
    answer = server.chat("smart", stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert all(c.get("usage") is None for c in answer.chunks()) and answer.events()[-1][1] == "[DONE]"


def claude(fake):
    return f'[providers.claude]\nkind = "anthropic"\nbase_url = "{fake.url}"\napi_key = "sk-ant-x"\n'


def claudes(key, cheap="length"):
    models = [behave("claude/claude-haiku-4-5", f"{key}c", "usage=200:60", cheap), behave("claude/claude-sonnet-4-5", f"{key}d", "usage=300:40")]
    return f"[models.smart]\ncascade = {json.dumps(models)}\n"


#: haiku 4.5 200:60 and sonnet 4.5 300:40, in nano-dollars.
CLAUDES = (200 * 1_000 + 60 * 5_000) + (300 * 3_000 + 40 * 15_000)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", ["openai", "anthropic"])
@pytest.mark.parametrize("upstream", ["openai", "anthropic"])
def test_every_door_and_upstream(serve, up, fake, key, door, upstream, stream):
    config = up + cascade(key, "length") if upstream == "openai" else claude(fake) + claudes(key)
    server = serve(config)
    if door == "openai":
        answer = server.openai(id=key).chat.completions.create(model="smart", messages=HELLO, stream=stream)
        text = "".join(c.choices[0].delta.content or "" for c in answer if c.choices) if stream else answer.choices[0].message.content
    else:
        client = server.anthropic(id=key)
        if stream:
            with client.messages.stream(model="smart", max_tokens=50, messages=HELLO) as events:
                text = events.get_final_text()
                assert events.get_final_message().stop_reason == "end_turn"
        else:
            text = client.messages.create(model="smart", max_tokens=50, messages=HELLO).content[0].text
    assert text.startswith("The river keeps")
    call = server.call(key)
    assert nano(call) == (CHEAP + DEAR if upstream == "openai" else CLAUDES)
    assert call["attributes"]["cascade"][0]["reason"] == "cut off by its bound"


@pytest.mark.parametrize(("word", "reason"), [("length", "cut off by its bound"), ("filter", "refused"), ("refusal", "refused"), ("text=empty", "too short")])
def test_the_responses_door(serve, up, key, word, reason):
    server = serve(up + cascade(key, word))
    answer = server.openai(id=key).responses.create(model="smart", input="hello there")
    call = server.call(key)
    assert answer.model == "gpt-4o" and nano(call) == CHEAP + DEAR
    assert call["attributes"]["cascade"][0]["reason"].startswith(reason)


# Together with others


def test_the_answer_is_cached_with_what_it_cost(serve, up, fake, key):
    server = serve(up + cascade(key, "length") + "[cache]\nexact = true\n")
    first, again = server.chat("smart", id=f"{key}1"), server.chat("smart", id=f"{key}2")
    assert again.headers["x-weir-cache"] == "hit" and again.json() == first.json()
    call = server.call(f"{key}2")
    assert nano(call) == 0 and call["attributes"]["cache"]["saved_nano"] == CHEAP + DEAR
    streamed = server.chat("smart", id=f"{key}3", stream=True)
    assert streamed.events()[-1][1] == "[DONE]" and len(fake.requests(f"{key}c")) == 1


def test_a_budget_counts_every_answer(serve, up, key):
    config = up + cascade(key, "length") + '[[limits]]\nlabel = "department"\nvalue = "a"\nbudget_usd_per_day = 1\n'
    server = serve(config)
    server.chat("smart", metadata={"department": "a"})
    left = 1 - (CHEAP + DEAR) / 1e9
    eventually("it is settled", lambda: server.metric("llm_budget_remaining_usd") == pytest.approx(left))


def test_a_cascade_reserves_all_its_models(serve, up, fake, key):
    config = up + '[models.smart]\ncascade = ["up/gpt-4o", "up/gpt-4o"]\n'
    config += '[[limits]]\nlabel = "department"\nvalue = "a"\nbudget_usd_per_day = 0.015\n'
    server = serve(config)
    # 1,024 tokens of answer may cost $0.01024 once, and $0.02048 twice.
    assert server.chat("up/gpt-4o", metadata={"department": "a"}, max_tokens=1024).status == 200
    refused = server.chat("smart", metadata={"department": "a"}, max_tokens=1024)
    assert refused.status == 429 and "may cost 0.02" in refused.json()["error"]["message"]


def test_a_model_without_a_price_frees_no_budget(serve, up):
    """The cheap answer's price is unknown, so the call's is; the dear one's is paid and counts all the same."""
    cascade = '[models.careful]\ncascade = ["up/nobody-knows", "up/gpt-4o"]\naccept = { min_chars = 100000 }\n'
    budget = '[[limits]]\nlabel = "department"\nvalue = "it"\nbudget_usd_per_day = 0.004\n'
    server = serve(up + cascade + budget)
    ask = lambda n: server.chat("careful", id=f"careful-{n}", max_tokens=100, metadata={"department": "it"})  # noqa: E731
    statuses = [ask(n).status for n in range(40)]
    assert statuses[0] == 200 and statuses[-1] == 429, statuses
    assert server.call("careful-0")["cost_usd"] is None
    left = server.get("/api/v1/status").json()["budgets"][0]["left_usd"]
    assert 0 <= left < 0.004


def test_variables_beyond_their_bound_are_refused(serve, up, tmp_path):
    (tmp_path / "prompts" / "p").mkdir(parents=True)
    (tmp_path / "prompts" / "p" / "v1.jinja2").write_text("{{ user_message }}")
    server = serve(f'{up}[prompts]\ndir = "{tmp_path / "prompts"}"\n')
    answer = server.chat("up/gpt-4o", metadata={"prompt": "p", "variables": {"a": "x" * (1 << 20)}})
    assert answer.status == 400 and answer.json()["error"]["param"] == "metadata.variables"
    assert server.chat("up/gpt-4o", metadata={"prompt": "p", "variables": {"a": "x" * 1000}}).status == 200
