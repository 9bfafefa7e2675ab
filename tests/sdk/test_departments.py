"""Departments and other labels: what calls are filed, counted, limited and measured by."""

import json
import re
import uuid

import openai
import pytest

from rig import behave, eventually
from rig.weir import run

HELLO = [{"role": "user", "content": "hello there"}]
ADMIN, APP, OTHER, SHOP = (f"wk-{name}-0c7b5a3e9d814f62" for name in ("admin", "app", "other", "shop"))
READ = {"authorization": f"Bearer {ADMIN}"}
RANGE = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
#: gpt-4o, 1,000 tokens of prompt and 100 of answer.
USAGE, COST = "usage=1000:100", 0.0035


def entry(name, key, *lines):
    return "\n".join(["[[keys]]", f'name = "{name}"', f'key = "{key}"', *lines, ""])


KEYS = entry("boss", ADMIN, 'role = "admin"') + entry("app", APP) + entry("other", OTHER)


def limit(label, value, *lines):
    return "\n".join(["[[limits]]", f'label = "{label}"', f'value = "{value}"', *lines, ""])


def ask(server, metadata=None, headers=None, **members):
    """A call that costs $0.0035, as raw HTTP."""
    members = {"max_tokens": 100, **members, **({} if metadata is None else {"metadata": metadata})}
    return server.chat("up/gpt-4o", headers={"x-fake": USAGE, **(headers or {})}, **members)


def spend_all(server, metadata, most=20):
    """Calls until refused; returns how many were answered, and the refusal."""
    for answered in range(most):
        answer = ask(server, metadata)
        if answer.status != 200:
            return answered, answer
    raise AssertionError("the budget was never spent")


def recorded(server, count, headers=None):
    eventually("all calls are recorded", lambda: len(server.calls(headers, limit=500)) >= count)


# Filed and counted


@pytest.fixture
def busy(serve, up):
    """A server with calls of three departments and of none."""
    server = serve(up + KEYS + entry("shop", SHOP, 'department = "shop"'))
    model = behave("up/gpt-4o", "busy", USAGE)
    for n in range(3):
        client = server.openai(key=APP, id=f"e{n}")
        answer = client.chat.completions.create(
            model=model, messages=HELLO, metadata={"department": "engineering", "team": f"t{n}"}, stream=n == 2
        )
        if n == 2:
            assert [chunk for chunk in answer]
    for n in range(2):
        headers = {"x-weir-department": "sales", "x-api-key": APP}
        server.chat(model, id=f"s{n}", headers=headers, metadata={"department": "engineering"})
    server.anthropic(key=SHOP, id="h0").messages.create(model=model, max_tokens=50, messages=HELLO)
    server.chat(model, id="h1", headers={"x-api-key": SHOP, "x-weir-department": "sales"}, metadata={"department": "engineering"})
    server.chat(model, id="n0", headers={"x-api-key": APP})
    server.chat(behave("up/gpt-4o", "busy", "status=400"), id="n1", headers={"x-api-key": APP}, metadata={"department": "sales"})
    recorded(server, 9, READ)
    return server


@pytest.mark.parametrize(("id", "department"), [("e0", "engineering"), ("e2", "engineering"), ("s0", "sales"), ("h0", "shop"), ("h1", "shop"), ("n0", None), ("n1", "sales")])
def test_a_call_is_filed_under_its_department(busy, id, department):
    assert busy.call(id, READ)["department"] == department


def test_calls_are_found_by_department(busy):
    def ids(**filters):
        return sorted(c["request_id"] for c in busy.calls(READ, **filters))

    assert ids(department="engineering") == ["e0", "e1", "e2"]
    assert ids(department="shop") == ["h0", "h1"]
    assert ids(department=["shop", "sales"]) == ["h0", "h1", "n1", "s0", "s1"]
    assert ids(department="sales", status="error") == ["n1"]
    assert ids(department="nobody") == []


def test_stats_by_department(busy):
    answer = busy.get("/api/v1/stats", READ, group_by="department", **RANGE).json()
    groups = {g["by"]["department"]: g["total"] for g in answer["groups"]}
    assert {name: g["count"] for name, g in groups.items()} == {"engineering": 3, "sales": 3, "shop": 2, None: 1}
    assert groups["engineering"]["cost_usd"] == pytest.approx(3 * COST, abs=1e-12)
    assert groups["engineering"]["tokens"]["prompt"] == 3000 and groups["engineering"]["tokens"]["completion"] == 300
    assert groups["sales"]["cost_usd"] == pytest.approx(2 * COST, abs=1e-12) and groups["sales"]["errors"] == 1
    assert sum(g["cost_usd"] for g in groups.values()) == pytest.approx(answer["total"]["cost_usd"], abs=1e-12)
    only = busy.get("/api/v1/stats", READ, department="shop", group_by="department,key", **RANGE).json()
    assert [g["by"] for g in only["groups"]] == [{"department": "shop", "key": "shop"}] and only["total"]["count"] == 2


def test_the_command_line_knows_departments(busy):
    at = ["--url", busy.url, "--key", ADMIN]
    text = run("stats", "--by", "department", *at).stdout
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["engineering"][1] == "3" and rows["shop"][1] == "2" and "(none)" in text
    figures = json.loads(run("stats", "--by", "department", "--json", *at).stdout)
    assert {g["by"]["department"]: g["total"]["count"] for g in figures["groups"]}["sales"] == 3
    calls = run("calls", "--department", "shop", "--json", *at).stdout
    assert calls.count('"request_id"') == 2 and '"h0"' in calls.replace(" ", "")


# Limited


LABELS = {
    "department": lambda value: ({"department": value}, {}),
    "team": lambda value: ({"team": value}, {}),
    "tier": lambda value: ({"tier": value}, {}),
    "project": lambda value: ({}, {"x-weir-project": value}),
    "user": lambda value: ({"user_id": value}, {}),
    "session": lambda value: ({"session_id": value}, {}),
}


@pytest.mark.parametrize("value", ["a", "*"])
@pytest.mark.parametrize("label", LABELS)
def test_requests_per_minute_of_a_label(serve, up, key, label, value):
    server = serve(up + limit(label, value, "rpm = 2"))

    def of(value, **options):
        metadata, headers = LABELS[label](value)
        return ask(server, metadata, {**headers, **options})

    first, second = of("a"), of("a")
    assert (first.headers["x-ratelimit-limit-requests"], first.headers["x-ratelimit-remaining-requests"]) == ("2", "1")
    assert second.headers["x-ratelimit-remaining-requests"] == "0"
    refused = of("a", **{"x-request-id": key})
    error = refused.json()["error"]
    assert refused.status == 429 and error["code"] == "rate_limit_exceeded"
    assert label in error["message"] and '"a"' in error["message"] and "2 requests" in error["message"]
    assert 0 < float(refused.headers["retry-after"]) <= 60
    assert server.call(key)["status"] == "rate_limited"
    assert [of("b").status for _ in range(3)] == ([200, 200, 200] if value == "a" else [200, 200, 429])
    assert ask(server).status == 200, "a call without the label counts against none"


def test_tokens_per_minute_of_a_label(serve, up):
    server = serve(up + limit("department", "sales", "tpm = 2000"))
    first = ask(server, {"department": "sales"})
    assert first.status == 200 and first.headers["x-ratelimit-limit-tokens"] == "2000"
    refused = ask(server, {"department": "sales"}, max_tokens=1500)
    assert refused.status == 429 and "tokens per minute" in refused.json()["error"]["message"]
    assert ask(server, {"department": "it"}, max_tokens=1500).status == 200


@pytest.mark.parametrize("period", ["day", "month"])
@pytest.mark.parametrize(("label", "value"), [("department", "sales"), ("department", "*"), ("team", "*"), ("user", "*")])
def test_budgets_of_labels(serve, up, label, value, period):
    server = serve(up + limit(label, value, f"budget_usd_per_{period} = 0.0075"))
    metadata = {label: "sales"}
    answered, refused = spend_all(server, metadata)
    assert answered == 2, "what a third may cost is more than is left"
    error = refused.json()["error"]
    assert refused.status == 429 and error["code"] == "insufficient_quota" and refused.headers["x-should-retry"] == "false"
    assert f'{label} "sales"' in error["message"] and period in error["message"]
    assert ask(server, {label: "it"}).status == 200
    assert server.metric("llm_budget_remaining_usd", budget=f"{label}:sales/{period}") == pytest.approx(0.0075 - 2 * COST)
    last = server.call(refused.headers["x-request-id"])
    assert (last["status"], last["error_type"], last["http_status"]) == ("blocked", "budget", 429)


def test_a_limit_by_name_stands_instead_of_the_one_for_every_value(serve, up):
    server = serve(up + limit("department", "*", "rpm = 1") + limit("department", "big", "rpm = 3"))
    assert [ask(server, {"department": "big"}).status for _ in range(4)] == [200, 200, 200, 429]
    assert [ask(server, {"department": "small"}).status for _ in range(2)] == [200, 429]


def test_a_request_that_the_label_refuses_does_not_count_for_the_key(serve, up):
    server = serve(up + KEYS.replace('name = "app"', 'name = "app"\nrpm = 5') + limit("department", "a", "rpm = 1") + limit("team", "*", "rpm = 9"))
    headers = {"x-api-key": APP}
    first = ask(server, {"department": "a", "team": "x"}, headers)
    assert first.headers["x-ratelimit-limit-requests"] == "1", "the scarcest of the call's limits"
    refused = [ask(server, {"department": "a", "team": "x"}, headers) for _ in range(3)]
    assert [r.status for r in refused] == [429] * 3 and 'department "a"' in refused[0].json()["error"]["message"]
    assert ask(server, None, headers).headers["x-ratelimit-remaining-requests"] == "3"
    assert ask(server, {"team": "x"}, {"x-api-key": OTHER}).headers["x-ratelimit-remaining-requests"] == "7"


def test_a_request_that_the_key_refuses_does_not_count_for_the_label(serve, up):
    server = serve(up + KEYS.replace('name = "app"', 'name = "app"\nrpm = 1') + limit("department", "*", "rpm = 5"))
    assert [ask(server, {"department": "a"}, {"x-api-key": APP}).status for _ in range(4)] == [200, 429, 429, 429]
    assert ask(server, {"department": "a"}, {"x-api-key": OTHER}).headers["x-ratelimit-remaining-requests"] == "3"


def test_a_keys_fixed_department_cannot_be_escaped(serve, up):
    keys = entry("boss", ADMIN, 'role = "admin"') + entry("shop", SHOP, 'department = "shop"')
    server = serve(up + keys + limit("department", "shop", "rpm = 1"))
    headers = {"x-api-key": SHOP}
    assert ask(server, {"department": "it"}, headers).status == 200
    assert ask(server, {"department": "it"}, {**headers, "x-weir-department": "it"}).status == 429


def test_the_messages_door_and_streams_are_limited_too(serve, up, key):
    server = serve(up + limit("department", "*", "rpm = 1"))
    client = server.openai()
    stream = client.chat.completions.create(
        model=behave("up/gpt-4o", key), messages=HELLO, stream=True, metadata={"department": "a"}
    )
    assert [chunk for chunk in stream]
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(
            model=behave("up/gpt-4o", key), messages=HELLO, stream=True, metadata={"department": "a"}
        )
    body = {"model": behave("up/gpt-4o", key), "max_tokens": 9, "messages": HELLO}
    refused = server.post("/v1/messages", body, {"x-weir-department": "a"})
    assert refused.status == 429 and refused.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (limit("department", "a", "rpm = 1") + limit("department", "a", "tpm = 9"), "limits[1]: there is a limit for department"),
        (limit("provider", "up", "rpm = 1"), 'limits[0]: the label "provider" is not known before a call'),
        (limit("", "a"), "limits[0]: needs a label"),
        (limit("department", "a", "budget_usd_per_day = -1"), "limits[0]: budget_usd_per_day"),
        (limit("department", "a", "budget_soft = 2.0"), "limits[0]: budget_soft"),
        (limit("department", "a", "budget_per_day = 1"), 'did you mean "budget_usd_per_day"'),
        (limit("department", "*", 'budget_usd_per_day = 1\nbudget_fallback = "nobody/x"'), "limits[0].budget_fallback"),
    ],
)
def test_a_wrong_limit_is_refused_with_its_place(tmp_path, up, config, says):
    file = tmp_path / "weir.toml"
    listed = up + 'models = ["gpt-4o"]\n'
    file.write_text(listed + config)
    done = run("check-config", file, check=False)
    assert done.returncode != 0 and says in done.stdout + done.stderr, done.stderr


# Over a restart and a reload


@pytest.mark.parametrize("end", ["kill", "stop"])
@pytest.mark.parametrize(("label", "value"), [("department", "sales"), ("department", "*"), ("team", "*"), ("user", "u"), ("status", "*")])
def test_spend_of_a_label_is_read_back(serve, up, label, value, end):
    server = serve(up + limit(label, value, "budget_usd_per_day = 0.0075", "budget_usd_per_month = 5.0"))
    name = "u" if value == "u" else "sales"
    assert spend_all(server, {label: name})[0] == 2
    ask(server, {label: "it"})
    (server.process.kill if end == "kill" else server.stop)()
    server.start()
    assert ask(server, {label: name}).status == 429
    for period, whole in (("day", 0.0075), ("month", 5.0)):
        left = server.metric("llm_budget_remaining_usd", budget=f"{label}:{name}/{period}")
        assert left == pytest.approx(whole - 2 * COST)
    assert ask(server, {label: "it"}).status == 200


def applied(server, config):
    """Changes the file and waits until that is applied."""
    before = server.log().count("the configuration was changed")
    server.config_path.write_text(config)
    eventually("the change is applied", lambda: server.log().count("the configuration was changed") > before)


@pytest.mark.parametrize(("label", "value"), [("department", "sales"), ("team", "*")])
def test_a_reload_keeps_what_a_label_has_used(serve, up, label, value):
    config = up + limit(label, value, "budget_usd_per_day = 0.0075")
    server = serve(config)
    metadata = {label: "sales"}
    assert spend_all(server, metadata)[0] == 2
    applied(server, config + '[models.added]\ntargets = [{ model = "up/gpt-4o" }]\n')
    assert ask(server, metadata).status == 429
    applied(server, up + limit(label, value, "budget_usd_per_day = 0.011"))
    left = server.metric("llm_budget_remaining_usd", budget=f"{label}:sales/day")
    assert left == pytest.approx(0.011 - 2 * COST)
    assert spend_all(server, metadata)[0] == 1


def test_a_reload_keeps_the_requests_of_the_minute(serve, up):
    server = serve(up + limit("team", "*", "rpm = 3"))
    assert [ask(server, {"team": "a"}).status for _ in range(4)] == [200, 200, 200, 429]
    applied(server, up + limit("team", "*", "rpm = 4"))
    assert [ask(server, {"team": "a"}).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(("label", "value"), [("department", "sales"), ("team", "*")])
def test_a_budget_that_a_reload_adds_begins_with_what_was_spent(serve, up, label, value):
    server = serve(up + KEYS + limit(label, value, "rpm = 500"))
    headers = {"x-api-key": APP}
    for _ in range(2):
        assert ask(server, {label: "sales"}, headers).status == 200
    keys = KEYS.replace('name = "app"', 'name = "app"\nbudget_usd_per_month = 1.0')
    applied(server, up + keys + limit(label, value, "rpm = 500", "budget_usd_per_day = 0.0075"))
    assert ask(server, {label: "sales"}, headers).status == 429
    for budget, left in ((f"{label}:sales/day", 0.0075 - 2 * COST), ("app/month", 1 - 2 * COST)):
        assert server.metric("llm_budget_remaining_usd", READ, budget=budget) == pytest.approx(left)


# Measured


METRICS = '[metrics.labels]\ndepartment = ["engineering", "sales"]\nteam = ["red"]\n'


def test_metrics_count_by_a_closed_set(serve, up):
    server = serve(up + METRICS)
    for department in ("engineering", "engineering", "sales", "it", "legal"):
        ask(server, {"department": department, "team": "red"})
    ask(server)
    server.chat("up/gpt-4o", headers={"x-fake": "status=400"}, metadata={"department": "sales"})

    def count(**labels):
        return server.metric("llm_label_requests_total", label="department", **labels)

    counts = {value: count(value=value) for value in ("engineering", "sales", "other", "none", "it", "legal")}
    assert counts == {"engineering": 2, "sales": 2, "other": 2, "none": 1, "it": 0, "legal": 0}
    assert count(value="sales", status="error") == 1 and count(value="sales", status="success") == 1
    assert server.metric("llm_label_cost_usd_total", label="department", value="engineering") == pytest.approx(2 * COST)
    assert server.metric("llm_label_tokens_total", label="department", value="other", type="prompt") == 2000
    assert server.metric("llm_label_requests_total", label="team", value="red") == 5
    assert server.metric("llm_label_requests_total", label="team", value="none") == 2
    applied(server, up + METRICS.replace('"sales"', '"sales", "it"'))
    ask(server, {"department": "it"})
    assert count(value="it") == 1


HOSTILE = [
    'quote" and \\ backslash',
    "line\nbreak",
    "tab\tand\x00nul",
    "🌊 Büro 世界",
    "x" * 5000,
    "'; DROP TABLE spans; --",
    'a",value="engineering',
    "other",
    "none",
    "*",
    " ",
]


def test_hostile_values_do_no_harm(serve, up):
    server = serve(up + METRICS + limit("department", "*", "budget_usd_per_day = 9") + limit("team", "*", "rpm = 100", "budget_usd_per_day = 9"))
    for value in HOSTILE:
        assert ask(server, {"department": value, "team": value}).status == 200
    for odd in ({"department": {"x": 1}, "team": [1]}, {"department": None}, {"department": 7, "team": True}, {"team": 1e300}, "text", [1], 5):
        assert ask(server, odd).status in (200, 400)
    for raw in (b"\xff\xfe", b"a\x80b", b"x" * 4000):
        assert ask(server, None, {"x-weir-department": raw}).status == 200
    page = server.get("/metrics").text
    line = re.compile(r'(#.*|\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)*\})? \S+)$')
    assert all(line.match(text) for text in page.split("\n") if text), "every line is whole"
    values = {dict(labels).get("value") for (name, labels) in server.metrics() if name.startswith("llm_label_")}
    assert values <= {"engineering", "sales", "red", "other", "none"}
    longest = max(len(dict(labels)["budget"].encode()) for (name, labels) in server.metrics() if name == "llm_budget_remaining_usd")
    assert longest <= 300
    recorded(server, 15)
    stats = server.get("/api/v1/stats", group_by="department", **RANGE).json()
    names = {g["by"]["department"] for g in stats["groups"]}
    assert 'quote" and \\ backslash' in names and "🌊 Büro 世界" in names and "x" * 256 in names
    assert server.chat("up/gpt-4o").status == 200


@pytest.mark.parametrize("mode", ["full", "redacted"])
def test_secrets_and_people_in_labels_are_not_shown(serve, up, mode):
    secret, mail = "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7c", "ann@example.com"
    server = serve(up + f'[record]\npayload = "{mode}"\n' + limit("user", "*", "rpm = 1", "budget_usd_per_day = 0.004", "budget_soft = 0.1"))
    first, second = [ask(server, {"user_id": secret}) for _ in range(2)]
    assert (first.status, second.status) == (200, 429)
    assert ask(server, {"user_id": mail}).status == 200 and ask(server, {"user_id": "bob@example.com"}).status == 200
    eventually("three soft lines and a hard one are told", lambda: len(re.findall(r"WARN the budget of .* (has passed its soft line|is spent)", server.log())) == 4)
    seen = [server.log(), server.get("/metrics").text, server.get("/api/v1/status").text, second.text]
    assert not any(secret in text for text in seen)
    assert mode == "full" or not any(mail in text for text in seen)


def test_each_value_shows_a_budget_of_its_own(serve, up):
    server = serve(up + limit("team", "*", "budget_usd_per_day = 9"))
    for _ in range(30):
        assert ask(server, {"team": uuid.uuid4().hex}).status == 200
    shown = [labels for (name, labels) in server.metrics() if name == "llm_budget_remaining_usd"]
    assert len(shown) == 30
