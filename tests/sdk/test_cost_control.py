"""Models selected by rule, budgets with a soft and a hard line, and what each mechanism does to the recorded cost."""

import concurrent.futures
import datetime
import json
import re
from pathlib import Path

import openai
import pytest

from rig import behave, eventually
from rig.weir import run

HELLO = [{"role": "user", "content": "hello there"}]
ADMIN, APP = (f"wk-{name}-4d1f8a7c2b9e6035" for name in ("admin", "app"))
READ = {"authorization": f"Bearer {ADMIN}"}
#: 1,000 tokens of prompt and 100 of answer, in dollars.
USAGE, DEAR, CHEAP = "usage=1000:100", 0.0035, 0.00021
DOCS = Path(__file__).parents[2] / "docs" / "cost-control.md"


def entry(name, key, *lines):
    return "\n".join(["[[keys]]", f'name = "{name}"', f'key = "{key}"', *lines, ""])


def limit(label, value, *lines):
    return "\n".join(["[[limits]]", f'label = "{label}"', f'value = "{value}"', *lines, ""])


def select(when, use="up/gpt-4o-mini"):
    return f'[[select]]\nwhen = {{ {when} }}\nuse = "{use}"\n'


def ask(server, id=None, model="up/gpt-4o", headers=None, **members):
    return server.chat(model, id=id, headers={"x-fake": USAGE, **(headers or {})}, **{"max_tokens": 100, **members})


# Models selected by rule


def hours(begin, end):
    now = datetime.datetime.now(datetime.UTC)
    at = [(now + datetime.timedelta(hours=h)).strftime("%H:%M") for h in (begin, end)]
    return f'hours = "{at[0]}-{at[1]}"'


LONG = {"messages": [{"role": "user", "content": "word " * 500}]}
RULES = {
    "department": ('departments = ["sales"]', {"metadata": {"department": "sales"}}, {"metadata": {"department": "it"}}),
    "metadata": ('metadata = { tier = "free" }', {"metadata": {"tier": "free"}}, {"metadata": {"tier": "paid"}}),
    "project": ('projects = ["p"]', {"headers": {"x-weir-project": "p"}}, {}),
    "model": ('models = ["up/gpt-4o*"]', {}, {"model": "up/gpt-4.1"}),
    "small": ("prompt_tokens_below = 200", {}, LONG),
    "large": ("prompt_tokens_from = 200", LONG, {}),
    "both": ('departments = ["sales"], prompt_tokens_from = 200', {**LONG, "metadata": {"department": "sales"}}, LONG),
    "route": ('routes = ["/v1/chat/completions"]', {}, None),
    "other-route": ('routes = ["/v1/messages"]', None, {}),
    "now": (hours(-1, 1), {}, None),
    "not-now": (hours(2, 3), None, {}),
    "always": ("", {}, None),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_selects_the_model(serve, up, fake, key, name):
    when, fits, fits_not = RULES[name]
    server = serve(up + select(when))
    if fits is not None:
        answer = ask(server, id=f"{key}1", **fits)
        assert answer.json()["model"] == "gpt-4o-mini" and answer.headers["x-weir-model"] == "gpt-4o-mini"
        call = server.call(f"{key}1")
        assert call["cost_usd"] == pytest.approx(CHEAP, abs=1e-12) and call["model"] == "up/gpt-4o"
        assert call["response_model"] == "gpt-4o-mini" and call["deployment"] == "up/gpt-4o-mini"
        assert call["attributes"]["selection"] == {"asked": "up/gpt-4o", "rule": 0, "model": "up/gpt-4o-mini"}
    if fits_not is not None:
        asked = fits_not.get("model", "up/gpt-4o")
        answer = ask(server, id=f"{key}2", **fits_not)
        assert f"up/{answer.json()['model']}" == asked
        assert "selection" not in server.call(f"{key}2")["attributes"]


def test_a_rule_for_a_key(serve, up, key):
    server = serve(up + entry("boss", ADMIN, 'role = "admin"') + entry("app", APP) + select('keys = ["app"]'))
    assert ask(server, headers={"x-api-key": APP}).json()["model"] == "gpt-4o-mini"
    assert ask(server, headers=READ).json()["model"] == "gpt-4o"


def test_a_rule_may_use_a_model_that_the_key_cannot_ask_for(serve, up):
    server = serve(up + entry("app", APP, 'models = ["up/gpt-4o"]') + select(""))
    assert ask(server, headers={"x-api-key": APP}).json()["model"] == "gpt-4o-mini"
    assert ask(server, model="up/gpt-4o-mini", headers={"x-api-key": APP}).status == 403


def test_a_rule_for_the_rest_of_a_budget(serve, up, key):
    server = serve(up + select("budget_left_below = 0.5") + limit("department", "*", "budget_usd_per_day = 0.01"))
    sales = {"metadata": {"department": "sales"}}
    models = [ask(server, id=f"{key}{n}", **sales).json()["model"] for n in range(4)]
    assert models == ["gpt-4o", "gpt-4o", "gpt-4o-mini", "gpt-4o-mini"], "0.007 of 0.01 are spent after two"
    assert ask(server, metadata={"department": "it"}).json()["model"] == "gpt-4o"
    assert ask(server).json()["model"] == "gpt-4o", "without a budget there is no share"


def test_the_first_rule_that_matches_wins(serve, up, key):
    rules = select('departments = ["it"]', "up/gpt-4.1") + select('departments = ["sales", "it"]', "up/gpt-4.1-mini") + select("")
    server = serve(up + rules)
    for n, (department, model) in enumerate((("it", "gpt-4.1"), ("sales", "gpt-4.1-mini"), ("hr", "gpt-4o-mini"))):
        assert ask(server, id=f"{key}{n}", metadata={"department": department}).json()["model"] == model
        assert server.call(f"{key}{n}")["attributes"]["selection"]["rule"] == n


def test_streams_and_other_doors_are_selected_too(serve, up, key):
    server = serve(up + select(""))
    stream = server.openai(id=f"{key}1").chat.completions.create(model=behave("up/gpt-4o", key), messages=HELLO, stream=True)
    assert {chunk.model for chunk in stream} == {"gpt-4o-mini"}
    assert server.call(f"{key}1")["attributes"]["selection"]["model"] == "up/gpt-4o-mini"
    message = server.anthropic().messages.create(model="up/gpt-4o", max_tokens=9, messages=HELLO)
    assert message.model == "gpt-4o-mini"
    assert server.openai().responses.create(model="up/gpt-4o", input="hello").model == "gpt-4o-mini"


def test_a_rule_may_name_a_model_of_the_file(serve, up, key):
    smart = f"[models.smart]\ncascade = {json.dumps([behave('up/gpt-4o-mini', key, USAGE, 'length'), 'up/gpt-4o'])}\n"
    server = serve(up + smart + select("", "smart"))
    assert ask(server, id=key).json()["model"] == "gpt-4o"
    call = server.call(key)
    assert call["cost_usd"] == pytest.approx(DEAR + CHEAP) and call["attributes"]["selection"]["model"] == "smart"


def test_the_cache_keeps_the_selected_models_answer(serve, up, key):
    rule = select("budget_left_below = 0.5") + limit("department", "it", "budget_usd_per_day = 0.006")
    server = serve(up + rule + "[cache]\nexact = true\nscope = 'shared'\n")
    first = ask(server, metadata={"department": "it"})
    second = ask(server, metadata={"department": "it"})
    assert [a.headers["x-weir-cache"] for a in (first, second)] == ["miss", "miss"]
    assert (first.json()["model"], second.json()["model"]) == ("gpt-4o", "gpt-4o-mini"), "half of the budget is gone"
    assert ask(server, metadata={"department": "it"}).headers["x-weir-cache"] == "hit"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (select("", "up/gpt-5-unlisted"), "select[0].use"),
        (select("") + select("", "nobody/x"), "select[1].use"),
        (select('hours = "evening"'), "select[0].when.hours"),
        (select('hours = "09:00-09:00"'), "select[0].when.hours"),
        (select('routes = ["/v1/chat"]'), "select[0].when.routes"),
        (select("budget_left_below = 20"), "select[0].when.budget_left_below"),
        (select('department = ["a"]'), 'did you mean "departments"'),
        (entry("a", APP, 'budget_fallback = "nobody/x"'), "keys[0].budget_fallback"),
        ("[[compress]]\ntarget_ratio = 2.0\n", "compress[0].target_ratio"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(tmp_path, up, config, says):
    file = tmp_path / "weir.toml"
    file.write_text(up + 'models = ["gpt-4o", "gpt-4o-mini"]\n' + config)
    done = run("check-config", file, check=False)
    assert done.returncode != 0 and says in done.stdout + done.stderr, done.stderr


# Budgets


def of_budget(kind, *lines):
    """A budget of a key or of a department; the headers of a call that counts against it; its name in metrics."""
    if kind == "key":
        return entry("boss", ADMIN, 'role = "admin"') + entry("app", APP, *lines), {"x-api-key": APP}, "app/day"
    keys = entry("boss", ADMIN, 'role = "admin"') + entry("app", APP)
    return keys + limit("department", "it", *lines), {"x-api-key": APP, "x-weir-department": "it"}, "department:it/day"


def lines_of(server, line):
    """How often the log tells of a line, and how often the metric counts one."""
    words = {"soft": "has passed its soft line", "hard": "is spent"}
    told = [text for text in server.log().splitlines() if "the budget of" in text and words[line] in text and " WARN " in text and "a call failed" not in text]
    return len(told), server.metric("llm_budget_alerts_total", READ, line=line)


@pytest.mark.parametrize("kind", ["key", "department"])
def test_the_soft_line_alerts_once_and_the_hard_one_refuses(serve, up, kind):
    config, headers, name = of_budget(kind, "budget_usd_per_day = 0.0145", "budget_soft = 0.5")
    server = serve(up + config)
    for n in range(4):
        assert ask(server, headers=headers).status == 200
        eventually("it is told", lambda n=n: lines_of(server, "soft") == ((0, 0) if n < 2 else (1, 1)))
    for _ in range(3):
        refused = ask(server, headers=headers)
        assert refused.status == 429 and refused.json()["error"]["code"] == "insufficient_quota"
    eventually("it is told", lambda: lines_of(server, "hard") == (1, 1))
    assert lines_of(server, "soft") == (1, 1)
    assert server.metric("llm_budget_alerts_total", READ, budget=name, line="hard") == 1
    with pytest.raises(openai.RateLimitError) as raised:
        server.openai(key=APP).chat.completions.create(
            model="up/gpt-4o", messages=HELLO, max_tokens=100, extra_headers=headers
        )
    assert raised.value.code == "insufficient_quota" and raised.value.response.headers["x-should-retry"] == "false"
    spent = {b["label"]: b for b in server.get("/api/v1/status", READ).json()["budgets"]}
    assert spent[kind]["left_usd"] == pytest.approx(0.0145 - 4 * DEAR) and spent[kind]["state"] == "soft"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", ["key", "department"])
def test_a_spent_budget_may_fall_back(serve, up, key, kind, stream):
    config, headers, name = of_budget(kind, "budget_usd_per_day = 0.004", 'budget_fallback = "up/gpt-4o-mini"')
    server = serve(up + config + "[cache]\nexact = true\n")
    assert ask(server, headers=headers).json()["model"] == "gpt-4o"
    for n in range(3):
        answer = ask(server, id=f"{key}{n}", headers={**headers, "cache-control": "no-cache"} if n else headers, stream=stream, seed=1)
        assert answer.status == 200 and answer.headers["x-weir-model"] == "gpt-4o-mini"
        call = server.call(f"{key}{n}", READ)
        assert call["attributes"]["budget_fallback"] == "up/gpt-4o-mini" and call["model"] == "up/gpt-4o"
        assert call["cost_usd"] == pytest.approx(CHEAP, abs=1e-12)
    assert lines_of(server, "hard") == (1, 1)
    spent = sum(c["cost_usd"] for c in server.calls(READ))
    assert spent == pytest.approx(DEAR + 3 * CHEAP)
    left = server.metric("llm_budget_remaining_usd", READ, budget=name)
    assert left == pytest.approx(0.004 - spent) and left < 0, "overspent by what the fallback cost"
    unspent = ask(server, headers={"x-api-key": ADMIN}, seed=1)
    assert unspent.json()["model"] == "gpt-4o", "who can pay does not get the fallback's answer"


def test_the_fallback_of_one_budget_is_no_way_around_another(serve, up):
    keys = entry("boss", ADMIN, 'role = "admin"') + entry("app", APP, "budget_usd_per_day = 0.004", 'budget_fallback = "up/gpt-4o-mini"')
    server = serve(up + keys + limit("department", "it", "budget_usd_per_day = 0.0037"))
    headers = {"x-api-key": APP, "x-weir-department": "it"}
    assert ask(server, headers=headers).json()["model"] == "gpt-4o"
    assert ask(server, headers=headers).json()["model"] == "gpt-4o-mini", "0.0002 are left, it may cost 0.00007"
    refused = ask(server, headers=headers)
    assert refused.status == 429 and 'department "it"' in refused.json()["error"]["message"]
    assert ask(server, headers={"x-api-key": APP}).json()["model"] == "gpt-4o-mini"


def test_hits_of_the_cache_pass_every_limit(serve, up):
    server = serve(up + limit("department", "it", "budget_usd_per_day = 0.0036", "rpm = 2") + "[cache]\nexact = true\n")
    it = {"metadata": {"department": "it"}}
    assert [ask(server, **it).headers["x-weir-cache"] for _ in range(4)] == ["miss", "hit", "hit", "hit"]
    assert ask(server, seed=1, **it).json()["error"]["code"] == "insufficient_quota"
    assert server.metric("llm_budget_remaining_usd") == pytest.approx(0.0036 - DEAR)


def test_models_without_a_price_pass_until_the_budget_is_spent(serve, up):
    server = serve(up + limit("department", "it", "budget_usd_per_day = 0.004"))
    it = {"metadata": {"department": "it"}}
    assert [ask(server, model="up/nobodys-model", **it).status for _ in range(3)] == [200] * 3
    assert server.metric("llm_budget_remaining_usd") == pytest.approx(0.004)
    assert ask(server, **it).status == 200
    assert ask(server, **it).status == 429


@pytest.mark.parametrize("kind", ["key", "department"])
@pytest.mark.parametrize("fallback", [False, True], ids=["refused", "fallback"])
def test_a_hundred_at_once_do_not_overspend(serve, up, fake, key, kind, fallback):
    lines = ["budget_usd_per_day = 0.011"] + (['budget_fallback = "up/gpt-4o-mini"'] if fallback else [])
    config, headers, _ = of_budget(kind, *lines)
    server = serve(up + config)
    # Each costs $0.0011, of which Weir promises $0.00107 beforehand: ten of them fit.
    headers = {**headers, "x-fake": f"first=400,usage=40:100,key={key}"}

    def one(n):
        answer = server.chat("up/gpt-4o", headers=headers, max_tokens=100)
        return answer.json().get("model") or answer.json()["error"]["code"]

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(one, range(100)))
    assert answers.count("gpt-4o") == 10, "as many as the budget is for"
    assert answers.count("gpt-4o-mini" if fallback else "insufficient_quota") == 90
    assert len(fake.requests(key)) == (100 if fallback else 10)
    eventually("all are recorded", lambda: len(server.calls(READ, limit=500)) == 100)
    by_model = server.get("/api/v1/stats", READ, status="success").json()["total"]
    assert by_model["cost_usd"] == pytest.approx(10 * 0.0011 + (90 * 0.000066 if fallback else 0))


# What stands in statistics of calls that no model answered


def test_hits_and_refusals_are_told_apart_in_stats(serve, up, key):
    server = serve(up + limit("department", "it", "rpm = 1") + "[cache]\nexact = true\n")
    slow = {"x-fake": "first=300,usage=1000:100"}
    for _ in range(4):
        assert server.chat("up/gpt-4o", headers=slow).status == 200
    it = [server.chat("up/gpt-4o", headers=slow, metadata={"department": "it"}, seed=n).status for n in range(3)]
    assert it == [200, 429, 429]
    eventually("all are recorded", lambda: len(server.calls()) == 7)
    total = server.get("/api/v1/stats").json()["total"]
    assert (total["count"], total["cache_hits"], total["errors"], total["unpriced"]) == (7, 3, 2, 2)
    groups = server.get("/api/v1/stats", group_by="status").json()["groups"]
    by = {g["by"]["status"]: g["total"] for g in groups}
    assert {name: g["count"] for name, g in by.items()} == {"success": 2, "cached": 3, "rate_limited": 2}
    assert by["cached"]["cost_usd"] == 0 and by["cached"]["tokens"]["total"] == 0
    answered = server.get("/api/v1/stats", status="success").json()["total"]
    # Percentiles are known to one per cent.
    assert answered["latency_ms"]["p50"] >= 297 > total["latency_ms"]["p50"], "hits pull the median of all calls down"
    assert by["cached"]["latency_ms"]["p50"] < 297


# What check-config says


def test_check_config_tells_what_each_section_comes_to(tmp_path, up):
    file = tmp_path / "weir.toml"
    file.write_text(
        up
        + entry("app", APP, "budget_usd_per_month = 20")
        + limit("department", "*", "rpm = 60", "budget_usd_per_day = 5", 'budget_fallback = "up/gpt-4o-mini"')
        + '[models.smart]\ncascade = ["up/gpt-4o-mini", "up/gpt-4o"]\nfallbacks = ["up/gpt-4.1"]\n'
        + select('departments = ["sales", "hr"], hours = "18:00-06:00"')
        + "[[compress]]\ntarget_ratio = 0.5\n"
        + '[cache]\nexact = true\nttl = "2h"\n'
        + '[mlflow]\ntracking_uri = "http://user:geheim@127.0.0.1:5000"\n'
        + '[prompts]\nassign = [{ prompt = "greet", version = "v1.0" }]\n[prompts.split.greet]\nversions = { "v1.0" = 90, "v2.0" = 10 }\n'
    )
    said = run("check-config", file).stdout
    for line in (
        "model smart: cascade up/gpt-4o-mini then up/gpt-4o (unless not as its schema says, refused, cut off, shorter than 1 characters) then up/gpt-4.1",
        "select 0, when department sales or hr, 18:00-06:00 UTC: up/gpt-4o-mini",
        "compress 0, always: prompts of 256 tokens and more, lossless, to 50% of their tokens",
        'limit of key "app": 20 USD per month',
        "limit of each department: 60 requests per minute, 5 USD per day, then up/gpt-4o-mini",
        "cache: equal requests, for 2h, at most 64MiB, shared by key, kept on disk",
        "prompts in prompts (not there), greet@v1.0 always, greet split over v1.0 x90 and v2.0 x10",
        "batches: 8 requests at once, files of at most 200MiB",
        "mlflow: every call to http://127.0.0.1:5000, experiment llmops-production-api",
    ):
        assert line in said.splitlines(), said
    assert "geheim" not in said and APP not in said


def test_check_config_says_what_is_off(tmp_path, up):
    file = tmp_path / "weir.toml"
    file.write_text(up + "[batches]\nenabled = false\n")
    said = run("check-config", file).stdout.splitlines()
    assert {"cache: off", "batches: off", "mlflow: nothing is exported"} <= set(said)


# The page


EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL) if DOCS.exists() else []


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"example-{n}" for n in range(len(EXAMPLES))])
def test_every_example_of_the_page_is_a_configuration(tmp_path, example):
    file = tmp_path / "weir.toml"
    file.write_text(example)
    run("check-config", file, env={"OPENAI_API_KEY": "sk-x", "CHECKOUT_KEY": "wk-x"})


# Measured


DIARY = [f"In year {1900 + n} the keeper wrote that the gauge stood at {n * 7 % 90} inches and the mill ran for {n * 3 % 20} hours." for n in range(90)]
STATION = {"river": "Aller", "gates": [{"id": n, "open": n % 2 == 0, "levels": [n, n + 1, n + 2]} for n in range(12)]}


def workload():
    """200 requests of a support desk: (messages, what the fake does). 40 equal an earlier one; one answer in five of a
    small model is cut off."""
    requests = []
    for n in range(160):
        kind = n % 4
        if kind in (0, 1):
            messages = [{"role": "user", "content": f"Which department handles ticket {n}: the gate at station {n * 3} is stuck?"}]
        elif kind == 2:
            notes = [" ".join(DIARY[(n + m) % 80 : (n + m) % 80 + 5]) for m in range(0, 60, 5)]
            found = "\n\n".join(["Notes found:", *notes, "Related notes:", *notes[:4]])
            messages = [{"role": "system", "content": "Answer from the notes."}, {"role": "user", "content": found}]
            messages += [{"role": "assistant", "content": "I have read them."}, {"role": "user", "content": f"Ticket {n}: what did the gauge show in {1900 + n % 80}?"}]
        else:
            call = {"id": f"c{n}", "type": "function", "function": {"name": "station", "arguments": json.dumps({"id": n})}}
            messages = [{"role": "user", "content": f"Is a gate of station {n} open?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
            messages += [{"role": "tool", "tool_call_id": f"c{n}", "content": json.dumps({"station": n, **STATION}, indent=2)}]
        requests.append((messages, "length" if n % 5 == 0 else "vary"))
    return requests + requests[:40]


MECHANISMS = {
    "nothing": "",
    "selection: prompts below 200 tokens to gpt-4o-mini": select("prompt_tokens_below = 200"),
    "cascade: gpt-4o-mini, then gpt-4o": '[models.assistant]\ncascade = ["up/gpt-4o-mini", "up/gpt-4o"]\n',
    "compression: lossless": "[[compress]]\n",
    "compression: lossless, then to half": "[[compress]]\ntarget_ratio = 0.5\n",
    "cache: equal requests": "[cache]\nexact = true\n",
    "budget of $0.10, then gpt-4o-mini": limit("department", "desk", "budget_usd_per_day = 0.1", 'budget_fallback = "up/gpt-4o-mini"'),
    "selection, compression to half and cache": select("prompt_tokens_below = 200") + "[[compress]]\ntarget_ratio = 0.5\n[cache]\nexact = true\n",
}


def test_each_mechanism_is_measured_on_the_same_requests(serve, up, capsys):
    rows = {}
    for name, config in MECHANISMS.items():
        if "models.assistant" not in config:
            config += '[models.assistant]\ntargets = [{ model = "up/gpt-4o" }]\n'
        server = serve(up + config)
        for messages, words in workload():
            # Weir counts the tokens itself, as the fake provider counts words.
            headers = {"x-fake": f"{words},nousage", "x-weir-department": "desk"}
            answer = server.post("/v1/chat/completions", {"model": "assistant", "messages": messages, "max_tokens": 200}, headers)
            assert answer.status == 200, answer.text
        eventually("all are recorded", lambda: server.get("/api/v1/stats").json()["total"]["count"] == 200)
        rows[name] = server.get("/api/v1/stats").json()["total"]
        assert rows[name]["unpriced"] == 0 and rows[name]["errors"] == 0
        server.stop()
    whole = rows["nothing"]["cost_usd"]
    with capsys.disabled():
        print("\n| mechanism | prompt tokens | answer tokens | cost | saved |\n|---|---|---|---|---|")
        for name, total in rows.items():
            tokens = total["tokens"]
            saved = 1 - total["cost_usd"] / whole
            print(f"| {name} | {tokens['prompt']:,} | {tokens['completion']:,} | ${total['cost_usd']:.4f} | {saved:.0%} |")
    for name, total in rows.items():
        assert name == "nothing" or total["cost_usd"] < whole, name
    assert rows["compression: lossless, then to half"]["cost_usd"] < rows["compression: lossless"]["cost_usd"]
    assert rows["cache: equal requests"]["cache_hits"] == 32, "answers that were cut off are not kept"
