"""Versions of a prompt side by side: scores, the comparison, its verdicts, `weir ab`."""

import concurrent.futures
import json
import math
import signal
import statistics
import uuid

import openai
import pytest

from rig import Weir, behave
from rig.weir import run

HELLO = [{"role": "user", "content": "hello there"}]
RANGE = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
FLAGS = ["--since", RANGE["from"], "--until", RANGE["to"]]
KEYS = "".join(
    f'[[keys]]\nname = "{role}"\nkey = "wk-{role}-0123456789abcdef"\nrole = "{role}"\n'
    for role in ("call", "write", "read")
)


def key_of(role):
    return {"authorization": f"Bearer wk-{role}-0123456789abcdef"}


def plan():
    """(version, request id, model, words, streamed) of every call."""
    calls = []
    for n in range(70):
        calls.append(("v1", f"a-{n}", "up/gpt-4o", ["first=60", f"usage={200 + n % 7}:{50 + n % 11}"], n % 2 == 0))
    for n in range(50):
        calls.append(("v2", f"b-{n}", "up/gpt-4o", ["first=1", f"usage={120 + n % 5}:{52 + n % 7}"], n % 2 == 0))
    for n in range(6):
        calls.append(("v2", f"bx-{n}", "up/gpt-4o", ["status=500"], False))
    for n in range(5):
        calls.append(("v3", f"c-{n}", "up/nobodys-model", ["usage=10:5"], False))
    calls.append((None, "d-0", "up/gpt-4o", ["usage=10:5"], False))
    return calls


def send(server, call):
    version, id, model, words, stream = call
    labels = {"prompt_name": "greet", **({"prompt_version": version} if version else {})}
    client = server.openai(id=id)
    try:
        answer = client.chat.completions.create(
            model=behave(model, id, *words), messages=HELLO, metadata=labels, stream=stream
        )
        if stream:
            list(answer)
    except openai.APIStatusError as error:
        assert error.status_code >= 500, error


@pytest.fixture(scope="module")
def told(tmp_path_factory, fake):
    """A server with known calls of three versions, scored; read only."""
    config = f'[gateway]\nretries = 0\n[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n'
    server = Weir(tmp_path_factory.mktemp("compared"), config)
    # One score comes before its call.
    early = score(server, call="a-0", name="helpful", value=1)
    assert early.status == 200, early.text
    server.openai()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda call: send(server, call), plan()))
    for _, id, *_ in plan():
        server.call(id)
    spans = {call["request_id"]: call for call in server.all_calls(prompt="greet")}
    scores = [{"call": f"a-{n}", "name": "helpful", "value": 1 + n % 3, "source": "human"} for n in range(1, 40)]
    # The other name of a call, and two opinions on one.
    scores += [{"call": spans[f"b-{n}"]["span_id"], "name": "helpful", "value": 4 + n % 2} for n in range(40)]
    scores += [{"call": "b-0", "name": "helpful", "value": 5, "source": "judge", "author": "gpt-4o", "reason": "polite"}]
    scores += [{"trace_id": spans[f"a-{n}"]["trace_id"], "name": "solved", "value": n % 2 == 0} for n in range(35)]
    scores += [{"trace_id": spans[f"b-{n}"]["trace_id"], "name": "solved", "value": True} for n in range(35)]
    scores += [{"call": "b-1", "name": "tone", "value": "dry"}]
    answer = server.post("/api/v1/scores", scores)
    assert answer.status == 200 and len(answer.json()["scores"]) == len(scores), answer.text
    yield server
    server.stop()


def score(server, headers=None, **members):
    return server.post("/api/v1/scores", members, headers)


def compared(server, **parameters):
    answer = server.get("/api/v1/prompts/greet/compare", **{**RANGE, **parameters})
    assert answer.status == 200, answer.text
    return answer.json()


def samples(server):
    """What the calls of each version say, from the list of calls and the plan's scores."""
    found = {}
    for call in server.all_calls(prompt="greet"):
        version = call["prompt"]["version"]
        if version is None:
            continue
        v = found.setdefault(version, {m: [] for m in METRICS})
        v["error_rate"].append(0.0 if call["status"] == "success" else 1.0)
        if call["status"] == "success":
            v["latency_ms"].append(call["latency_ms"])
            v["prompt_tokens"].append(call["tokens"]["prompt"])
            v["completion_tokens"].append(call["tokens"]["completion"])
            v["ttft_ms"] += [call["ttft_ms"]] if call["ttft_ms"] is not None else []
            v["cost_usd"] += [call["cost_usd"]] if call["cost_usd"] is not None else []
    found["v1"]["scores.helpful"] = [1] + [1 + n % 3 for n in range(1, 40)]
    found["v2"]["scores.helpful"] = [(4 + 5) / 2] + [4 + n % 2 for n in range(1, 40)]
    found["v1"]["scores.solved"] = [1 - n % 2 for n in range(35)]
    found["v2"]["scores.solved"] = [1] * 35
    return found


METRICS = ["error_rate", "latency_ms", "ttft_ms", "prompt_tokens", "completion_tokens", "cost_usd"]
R = 8.211968062068253


def expected(a, b, higher, comparisons):
    """The difference, interval, p-value and verdict by the book: two passes, as the documentation has the formula."""
    d = statistics.fmean(b) - statistics.fmean(a)
    if min(len(a), len(b)) < 30:
        return d, None, None, "too few calls"
    if set(a) | set(b) <= {0, 1}:
        variance = lambda x: (sum(x) + 1) / (len(x) + 2) * (1 - (sum(x) + 1) / (len(x) + 2))
    else:
        variance = statistics.variance
    pooled = variance([*a, *b])
    guarded = lambda x: max(variance(x), (variance(x) * (len(x) - 1) + 100 * pooled) / (len(x) + 99))
    va, vb = guarded(a), guarded(b)
    v, tau = va / len(a) + vb / len(b), R * (va + vb) / 1000
    ratio = math.sqrt(v / (v + tau)) * math.exp(tau * d * d / (2 * v * (v + tau)))
    half = math.sqrt(v * (v + tau) / tau * (2 * math.log(comparisons / 0.05) + math.log((v + tau) / v)))
    p = min(1.0, comparisons / ratio)
    verdict = "no difference found yet" if p > 0.05 else "better" if (d > 0) == higher else "worse"
    return d, (d - half, d + half), p, verdict


def test_figures_are_those_of_the_calls(told):
    answer, wanted = compared(told), samples(told)
    assert (answer["calls"], answer["without_version"], answer["truncated"]) == (132, 1, False)
    assert [v["version"] for v in answer["versions"]] == ["v1", "v2", "v3"]
    for v in answer["versions"]:
        mine = wanted[v["version"]]
        assert v["error_rate"] == pytest.approx(statistics.fmean(mine["error_rate"]))
        assert v["errors"] == sum(mine["error_rate"]) and v["calls"] == len(mine["error_rate"])
        for metric in METRICS[1:]:
            assert v[metric]["n"] == len(mine[metric])
            mean = statistics.fmean(mine[metric]) if mine[metric] else None
            assert v[metric]["mean"] == (pytest.approx(mean, rel=1e-9) if mean is not None else None)
        ordered = sorted(mine["latency_ms"])
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            assert v["latency_ms"][name] == pytest.approx(ordered[int(share * (len(ordered) - 1))], rel=0.0101)
        for name, values in v["scores"].items():
            assert values == {"n": len(mine[f"scores.{name}"]), "mean": pytest.approx(statistics.fmean(mine[f"scores.{name}"]))}
    v1, v2, v3 = answer["versions"]
    assert v1["cost_usd"]["sum"] == pytest.approx(sum(wanted["v1"]["cost_usd"]), rel=1e-9)
    assert v3["cost_usd"] == {"sum": None, "n": 0, "mean": None, "unpriced": 5}
    assert v1["ttft_ms"]["n"] == 35 and set(v2["scores"]) == {"helpful", "solved"}
    assert told.get("/api/v1/stats", prompt_version="greet@v1", **RANGE).json()["total"]["count"] == v1["calls"]


def test_differences_are_those_of_the_book(told):
    answer, wanted = compared(told), samples(told)
    assert answer["baseline"] == "v1" and answer["baseline_by"] == "most calls"
    names = [(d["version"], d["metric"]) for d in answer["differences"]]
    scored = ["scores.helpful", "scores.solved"]
    assert names == [("v2", m) for m in METRICS + scored] + [
        ("v3", m) for m in ("error_rate", "latency_ms", "prompt_tokens", "completion_tokens")
    ]
    assert answer["test"]["comparisons"] == len(names) and "always-valid" in answer["test"]["name"]
    for d in answer["differences"]:
        a, b = wanted["v1"][d["metric"]], wanted[d["version"]][d["metric"]]
        difference, interval, p, verdict = expected(a, b, d["better"] == "higher", len(names))
        assert d["difference"] == pytest.approx(difference, rel=1e-6, abs=1e-12), d
        assert d["verdict"] == verdict, d
        assert d["interval"] == (pytest.approx(interval, rel=1e-6) if interval else None), d
        assert d["p_value"] == (pytest.approx(p, rel=1e-6) if p else None), d
        assert d["baseline"]["n"] == len(a) and d["this"]["n"] == len(b)
    verdicts = {(d["version"], d["metric"]): d["verdict"] for d in answer["differences"]}
    assert verdicts["v2", "prompt_tokens"] == "better" and verdicts["v2", "scores.helpful"] == "better"
    assert verdicts["v2", "completion_tokens"] == "no difference found yet"
    assert verdicts["v3", "prompt_tokens"] == "too few calls"


def test_the_other_way_round_a_gain_is_a_loss(told):
    answer = compared(told, baseline="v2", versions="v1")
    assert answer["baseline_by"] == "given" and [v["version"] for v in answer["versions"]] == ["v1", "v2"]
    verdicts = {d["metric"]: d["verdict"] for d in answer["differences"]}
    assert verdicts["prompt_tokens"] == "worse" and verdicts["scores.helpful"] == "worse"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [({"baseline": "v9"}, "v1, v2, v3"), ({"base": "v1"}, "baseline"), ({"from": "soon"}, "from"), ({"versions": ""}, "versions")],
)
def test_a_wrong_parameter_is_named(told, parameters, says):
    answer = told.get("/api/v1/prompts/greet/compare", **parameters)
    assert answer.status == 400 and says in answer.json()["error"]["message"]


def test_a_prompt_without_calls_is_empty_and_no_error(told):
    answer = told.get("/api/v1/prompts/no%2Fbody/compare").json()
    assert answer["prompt"] == "no/body" and answer["versions"] == [] and answer["baseline"] is None


def test_the_command_line_says_the_same_from_files_and_from_the_server(told):
    for extra in ([], ["--baseline", "v2", "--versions", "v1"]):
        offline = run("ab", "greet", *FLAGS, *extra, "--json", "--data", told.data)
        online = run("ab", "greet", *FLAGS, *extra, "--json", "--url", told.url)
        parameters = {"baseline": "v2", "versions": "v1"} if extra else {}
        assert json.loads(offline.stdout) == json.loads(online.stdout) == compared(told, **parameters)
    shown = run("ab", "greet", *FLAGS, "--data", told.data).stdout
    for wanted in ("v1 (baseline)", "scores.helpful", "better", "too few calls", "always-valid", "does not spoil it", "unknown"):
        assert wanted in shown, shown
    assert "No calls" in run("ab", "nobody", "--data", told.data).stdout
    refused = run("ab", "greet", "--baseline", "v9", "--data", told.data, check=False)
    assert refused.returncode == 1 and "v1, v2, v3" in refused.stderr


# Scores


def test_scores_are_read_by_either_name_of_a_call(told):
    call = told.call("b-0")
    for name in ("b-0", call["span_id"], call["id"]):
        found = told.get("/api/v1/scores", call=name).json()
        assert [(s["value"], s["source"]) for s in found["scores"]] == [(4, "api"), (5, "judge")], name
    judged = found["scores"][1]
    assert judged["author"] == "gpt-4o" and judged["reason"] == "polite" and not found["truncated"]
    # Of a trace comes what is said of it and of its calls.
    of_trace = told.get("/api/v1/scores", trace_id=call["trace_id"]).json()["scores"]
    assert [s["value"] for s in of_trace if s["call"] is None] == [True]
    assert sorted(s["value"] for s in of_trace if s["call"] is not None) == [4, 5]
    assert told.get("/api/v1/scores", call="nobody").json()["scores"] == []


def test_the_same_id_replaces(serve, up, key):
    server, id = serve(up), str(uuid.uuid4())
    for value in (1, "second thoughts"):
        assert score(server, id=id, call=key, name="helpful", value=value).status == 200
    found = server.get("/api/v1/scores", call=key).json()["scores"]
    assert [(s["id"], s["value"]) for s in found] == [(id.replace("-", ""), "second thoughts")]


def test_an_answered_score_survives_a_kill(serve, up, key):
    server = serve(up)
    assert score(server, call=key, name="helpful", value=0.25).status == 200
    server.process.signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    assert [s["value"] for s in server.get("/api/v1/scores", call=key).json()["scores"]] == [0.25]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": "a", "value": 1}, "call"),
        ({"call": "x", "name": "a"}, "value"),
        ({"call": "x", "name": "a", "value": 1, "source": "cat"}, "source"),
        ([{"call": "x", "name": "a", "value": 1}, {"call": "x", "name": "", "value": 1}], "[1].name"),
        ([], "body"),
        ("{", "body"),
    ],
)
def test_a_wrong_score_is_named_and_nothing_of_its_list_is_kept(told, body, param):
    answer = told.post("/api/v1/scores", body)
    assert answer.status == 400 and answer.json()["error"]["param"] == param, answer.text
    assert told.get("/api/v1/scores", call="x").json()["scores"] == []


def test_writing_and_reading_scores_need_their_roles(serve, up, key):
    server = serve(KEYS + up)
    item = {"call": key, "name": "helpful", "value": 1}
    assert score(server, **item).status == 401
    assert score(server, key_of("call"), **item).status == 403
    assert score(server, key_of("write"), **item).status == 200
    assert score(server, key_of("read"), **item).status == 200
    assert server.get("/api/v1/scores", key_of("write"), call=key).status == 403
    assert len(server.get("/api/v1/scores", key_of("read"), call=key).json()["scores"]) == 2
    assert server.get("/api/v1/prompts/greet/compare", key_of("write")).status == 403
