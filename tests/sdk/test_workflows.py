"""Workflows read back: the list, the graph with its shares, the path of a request, traces, `weir workflow`."""

import datetime
import hashlib
import json
import math
import sqlite3
import time
import uuid

import pytest

from rig import Weir, behave
from rig.http import Line
from rig.weir import run

HOUR = 3_600_000_000
MS = 1_000
RANGE = {"from": "-24h"}
MARK = uuid.uuid4().hex[:8]
#: A request whose call goes through the gateway and whose other steps a library logs.
REQUEST = f"both-{MARK}"


def now():
    return time.time_ns() // 1_000


def span(kind, start, took=1_000, trace=None, id=None, attributes=None, **members):
    """A span in Weir's own form; attributes are given as values."""
    held = {name: json.dumps(value) for name, value in (attributes or {}).items()}
    ended = {} if took is None else {"end_us": start + took, "status": "success"}
    ids = {"trace_id": trace or uuid.uuid4().hex, "span_id": id or uuid.uuid4().hex}
    return {"write": "create", "kind": kind, "start_us": start, **ids, **ended, "attributes": held, **members}


def decision(start, workflow, to, source="classify", **members):
    attributes = {"from_node": source, "to_node": to} | ({"workflow": workflow} if workflow else {})
    return span("branch", start, 0, attributes=attributes, **members)


def tool(start, took, failed, name="lookup", **members):
    return span(
        "tool", start, took, attributes={"workflow": "support", "tool_name": name}, project="shop", name="call",
        **({"status": "error", "error": "no answer"} if failed else {}), **members,
    )  # fmt: skip


def trace_of(request):
    """The trace of what names only its request."""
    return hashlib.sha256(b"weir:request:" + request.encode()).hexdigest()[:32]


def send(server, spans):
    for first in range(0, len(spans), 500):
        answer = server.post("/api/v1/spans", {"spans": spans[first : first + 500]})
        assert answer.status == 200, answer.text
    return spans


#: Decisions from "classify", of the last hours and of the day before: (answer, human).
NOW, BEFORE = (62, 38), (160, 40)
PIECES = [f"piece-{n:03}" for n in range(150)]
TRACE = uuid.uuid4().hex


@pytest.fixture(scope="module")
def told(tmp_path_factory, fake):
    """A server with known steps of two days; read only."""
    config = f'[gateway]\nretries = 0\n[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n'
    server = Weir(tmp_path_factory.mktemp("workflows"), config)
    today, yesterday = now() - HOUR, now() - 25 * HOUR
    spans = []
    for at, (answer, human) in ((today, NOW), (yesterday, BEFORE)):
        spans += [decision(at, "support", "answer") for _ in range(answer)]
        spans += [decision(at, "support", "human") for _ in range(human)]
    spans += [decision(today, "support", "done", "human") for _ in range(38)]
    spans += [tool(today, n * MS, n <= 15) for n in range(1, 51)]
    spans += [tool(yesterday, n * MS, False) for n in range(1, 51)]
    spans += [span("retriever", today, 7 * MS, attributes={"workflow": "support"}, name="docs") for _ in range(3)]
    spans += [decision(today, None, "b", "a") for _ in range(4)]
    # A trace of one root and many pieces, which arrive before it.
    root = uuid.uuid4().hex
    spans += [
        span("chain", today + n, 1, TRACE, name=piece, parent_id=root, input=f"in {n}", details=json.dumps({"n": n}))
        for n, piece in enumerate(PIECES)
    ]
    spans += [span("agent", today, 400 * MS, TRACE, root, name="root")]
    # One request on both ways.
    server.chat(behave("up/gpt-4o", MARK, "usage=100:50"), id=REQUEST)
    call = server.call(REQUEST)
    start = round(time_of(call) * 1e6)
    ended = start + round(call["latency_ms"] * MS)
    mine = {"request_id": REQUEST, "trace": trace_of(REQUEST)}
    spans += [
        span("chain", start - 5 * MS, None, id="aa" * 16, name="handle", **mine),
        span("branch", ended + 20 * MS, 0, parent_id="aa" * 16, **mine, attributes={
            "workflow": "support", "from_node": "classify", "to_node": "lookup",
            "condition": "score > 0.5", "condition_result": True,
        }),
        span("tool", ended + 30 * MS, 40 * MS, parent_id="aa" * 16, **mine, attributes={"tool_name": "crm"},
             **{"status": "error", "error": "no such order"}),
    ]  # fmt: skip
    send(server, spans)
    yield server
    server.stop()


def time_of(call):
    return datetime.datetime.fromisoformat(call["timestamp"]).timestamp()


def get(server, path, **parameters):
    answer = server.get(path, **parameters)
    assert answer.status == 200, answer.text
    return answer.json()


def graph(server, name="support", **parameters):
    return get(server, f"/api/v1/workflows/{name}", **{**RANGE, **parameters})


# The list


def test_the_list_sums_up_decisions_tools_and_retrievals(told):
    rows = {(w["name"], w["project"]): w for w in get(told, "/api/v1/workflows")["workflows"]}
    assert set(rows) == {("support", "default"), ("support", "shop"), (None, "default")}
    figures = {
        key: (w["decisions"], w["tool_calls"], w["tool_errors"], w["retrievals"]) for key, w in rows.items()
    }
    # The request that went both ways made one decision more; its tool names no workflow.
    assert figures == {
        ("support", "default"): (sum(NOW) + 38 + 1, 0, 0, 3),
        ("support", "shop"): (0, 50, 15, 0),
        (None, "default"): (4, 1, 1, 0),
    }
    assert rows["support", "shop"]["tool_error_rate"] == 0.3


def test_the_list_is_cut_by_project_and_time(told):
    only = get(told, "/api/v1/workflows", project="shop")["workflows"]
    assert [(w["name"], w["decisions"]) for w in only] == [("support", 0)]
    assert get(told, "/api/v1/workflows", to="-26h")["workflows"] == []
    assert sum(w["decisions"] for w in get(told, "/api/v1/workflows", **{"from": "-48h"})["workflows"]) == sum(
        NOW
    ) + sum(BEFORE) + 38 + 1 + 4


def test_the_list_has_series(told):
    rows = get(told, "/api/v1/workflows", bucket="1h", project="shop")["workflows"]
    assert [(b["tool_calls"], b["tool_errors"]) for b in rows[0]["series"]] == [(50, 15)]


# The graph


def p_value(before, now):
    (xa, na), (xb, nb) = before, now
    pooled, inverse, apart = (xa + xb) / (na + nb), 1 / na + 1 / nb, abs(xb / nb - xa / na)
    z = (apart - min(inverse / 2, apart)) / math.sqrt(pooled * (1 - pooled) * inverse)
    return math.erfc(z / math.sqrt(2))


def test_shares_stand_against_the_window_before(told):
    answer = graph(told)
    edges = {(e["from"], e["to"]): e for e in answer["edges"]}
    # One decision of the request that went both ways leaves "classify" too.
    left, left_before = sum(NOW) + 1, sum(BEFORE)
    to_answer, to_human = edges["classify", "answer"], edges["classify", "human"]
    assert (to_answer["count"], to_human["count"], to_answer["before"]["count"]) == (NOW[0], NOW[1], BEFORE[0])
    assert to_answer["share"] == pytest.approx(NOW[0] / left)
    assert to_human["before"]["share"] == pytest.approx(BEFORE[1] / left_before)
    assert to_human["change"]["difference"] == pytest.approx(NOW[1] / left - BEFORE[1] / left_before)
    # Three ways out of "classify" and one tool.
    assert answer["test"]["comparisons"] == 4 and answer["test"]["least"] == 30
    expected = p_value((BEFORE[1], left_before), (NOW[1], left)) * 4
    assert to_human["change"]["p_value"] == pytest.approx(expected, rel=1e-9)
    assert (to_human["change"]["verdict"], to_answer["change"]["verdict"]) == ("higher", "lower")
    assert edges["classify", "lookup"]["change"]["verdict"] == "no change found"
    assert edges["human", "done"]["share"] == 1 and edges["human", "done"]["change"]["verdict"] == "too few"
    assert edges["human", "done"]["before"] == {"count": 0, "share": None}
    assert (answer["decisions"], answer["decisions_before"]) == (left + 38, left_before)
    nodes = {n["name"]: (n["visits"], n["visits_before"]) for n in answer["nodes"]}
    assert nodes == {
        "classify": (left, 200), "answer": (62, 160), "human": (38, 40), "lookup": (1, 0), "done": (38, 0),
    }  # fmt: skip
    assert answer["nodes"][0]["name"] == "classify" and answer["nodes"][-1]["name"] == "done"


def test_tools_have_error_rates_and_durations(told):
    (lookup,) = graph(told)["tools"]
    assert (lookup["name"], lookup["project"]) == ("lookup", "shop")
    assert (lookup["calls"], lookup["errors"], lookup["error_rate"]) == (50, 15, 0.3)
    assert lookup["before"]["error_rate"] == 0 and lookup["change"]["difference"] == pytest.approx(0.3)
    assert lookup["change"]["p_value"] == pytest.approx(p_value((0, 50), (15, 50)) * 4, rel=1e-9)
    assert lookup["change"]["verdict"] == "higher"
    assert lookup["duration_ms"]["mean"] == pytest.approx(25.5)
    for name, wanted in (("p50", 25), ("p95", 48), ("p99", 50)):
        assert lookup["duration_ms"][name] == pytest.approx(wanted, rel=0.05)
    (docs,) = graph(told)["retrievers"]
    assert (docs["name"], docs["calls"], docs["duration_ms"]["mean"]) == ("docs", 3, 7)


def test_shares_come_over_time(told):
    answer = graph(told, bucket="1h")
    edge = next(e for e in answer["edges"] if (e["from"], e["to"]) == ("classify", "human"))
    assert sum(b["count"] for b in edge["series"]) == NOW[1]
    assert edge["series"][0]["share"] == pytest.approx(0.38)
    assert answer["tools"][0]["series"][0]["errors"] == 15
    assert all("series" not in e for e in graph(told)["edges"])


def test_a_dash_is_what_names_no_workflow(told):
    answer = graph(told, "-")
    assert answer["name"] is None and answer["edges"][0]["count"] == 4
    assert [t["name"] for t in answer["tools"]] == ["crm"]


def test_an_unknown_workflow_is_told_the_nearest(told):
    answer = told.get("/api/v1/workflows/suport")
    assert answer.status == 404
    assert answer.json()["error"]["message"].endswith("; workflows that have: support, -")
    assert get(told, "/api/v1/workflows/support", to="-20h")["decisions"] == sum(BEFORE)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("workflows?frm=1h", "frm"),
        ("workflows/support?bucket=7s", "bucket"),
        ("workflows/support?from=1h&to=2h", "to"),
        ("workflows?project=a&project=b", "project"),
        ("workflows?from=soon", "from"),
        ("traces/xyz", "trace_id"),
        ("traces/xyz/path", "trace_id"),
        (f"traces/{'5e' * 16}?limit=1001", "limit"),
        (f"traces/{'5e' * 16}/path?limit=1", "limit"),
        ("requests/r/path?x=1", "x"),
    ],
)
def test_a_wrong_parameter_is_named(told, path, param):
    answer = told.get(f"/api/v1/{path}")
    assert answer.status == 400 and answer.json()["error"]["param"] == param, answer.text


# Paths


def test_a_request_s_path_joins_the_gateway_s_call_and_the_library_s_steps(told):
    call = told.call(REQUEST)
    path = get(told, f"/api/v1/requests/{REQUEST}/path")
    handle, llm, branch, crm = path["steps"]
    assert [s["kind"] for s in path["steps"]] == ["chain", "llm", "branch", "tool"]
    assert set(path["trace_ids"]) == {call["trace_id"], trace_of(REQUEST)}
    assert (handle["status"], handle["duration_ms"], path["pending"]) == ("pending", None, 1)
    assert llm["offset_ms"] == pytest.approx(5, abs=0.01)
    assert llm["call"]["cost_usd"] == path["cost_usd"] == pytest.approx(0.00075)
    assert path["tokens"]["total"] == 150 and (path["calls"], path["errors"], path["unpriced"]) == (1, 1, 0)
    assert branch["branch"] == {"from": "classify", "to": "lookup", "condition": "score > 0.5", "result": True}
    assert (branch["depth"], branch["workflow"], branch["parent_id"]) == (1, "support", "aa" * 16)
    assert branch["gap_ms"] == pytest.approx(20, abs=0.01) and crm["gap_ms"] == pytest.approx(10, abs=0.01)
    assert (crm["tool"], crm["status"], crm["error"]) == ("crm", "error", "no such order")
    assert path["total_ms"] == pytest.approx(5 + call["latency_ms"] + 70, abs=0.01)
    assert told.get("/api/v1/requests/nobody/path").status == 404


def test_a_trace_s_path_stands_by_start_the_outer_step_first(told):
    path = get(told, f"/api/v1/traces/{TRACE}/path")
    assert [s["name"] for s in path["steps"]] == ["root", *PIECES]
    assert [s["depth"] for s in path["steps"]] == [0] + [1] * len(PIECES)
    assert path["request_id"] is None and path["total_ms"] == 400
    assert told.get(f"/api/v1/traces/{'0' * 31}1/path").status == 404


def test_a_trace_has_everything_a_page_at_a_time(told):
    whole = get(told, f"/api/v1/traces/{TRACE}")
    assert sorted(s["name"] for s in whole["spans"]) == [*PIECES, "root"] and whole["next"] is None
    assert all("input" not in s and "details" not in s for s in whole["spans"])
    found, cursor = [], {}
    while True:
        page = get(told, f"/api/v1/traces/{TRACE}", payload="true", **cursor)
        found += page["spans"]
        assert len(page["spans"]) <= 100
        if not page["next"]:
            break
        cursor = {"cursor": page["next"]}
    pieces = {s["name"]: s for s in found}
    assert len(found) == len(pieces) == len(PIECES) + 1
    assert (pieces["piece-007"]["input"], pieces["piece-007"]["details"]) == ("in 7", {"n": 7})
    assert pieces["root"]["details"] is None


# Other steps among the calls


def test_the_list_of_calls_holds_calls_unless_asked(told):
    assert [c["request_id"] for c in told.calls()] == [REQUEST]
    assert {c["kind"] for c in told.calls(kind="tool", limit=500)} == {"tool"}
    assert {c["kind"] for c in told.calls(kind="any", limit=1000)} >= {"llm", "tool", "branch", "retriever", "chain"}
    assert told.call(REQUEST)["kind"] == "llm", "a request is its call before its other steps"
    assert told.get("/api/v1/calls?kind=all").json()["error"]["message"].endswith("other, any")
    assert get(told, "/api/v1/stats")["total"]["count"] == 1


def test_the_live_tail_tells_of_calls_unless_asked(serve, up, key):
    server = serve(up)
    calls = Line("GET", f"{server.url}/api/v1/calls/live")
    tools = Line("GET", f"{server.url}/api/v1/calls/live?kind=tool")
    calls.read_until(b"live"), tools.read_until(b"live")
    send(server, [span("tool", now(), name=f"tool-{key}"), span("llm", now(), name=f"call-{key}", model="m")])
    assert f"tool-{key}" in tools.read_until(f"tool-{key}".encode()).decode()
    assert f"tool-{key}" not in calls.read_until(f"call-{key}".encode()).decode()
    calls.close(), tools.close()


# Command line, beside the running server and through it


@pytest.fixture(params=["data", "url", "file"])
def source(request, told, tmp_path):
    if request.param == "url":
        return ["--url", told.url]
    if request.param == "data":
        return ["--data", told.data]
    with sqlite3.connect(f"file:{told.data}/telemetry.db?mode=ro", uri=True) as held:
        with sqlite3.connect(tmp_path / "observability.db") as copy:
            held.backup(copy)
    return ["--data", tmp_path / "observability.db"]


def test_weir_workflow_json_is_the_api_s(told, source):
    fixed = ["--since", "24h", "--until", "now"]
    listed = json.loads(run("workflow", "--json", *fixed, *source).stdout)
    assert listed["workflows"] == get(told, "/api/v1/workflows")["workflows"]
    shown = json.loads(run("workflow", "support", "--json", *fixed, *source).stdout)
    assert (shown["edges"], shown["tools"]) == (graph(told)["edges"], graph(told)["tools"])
    path = json.loads(run("workflow", "--request", REQUEST, "--json", *source).stdout)
    assert path == get(told, f"/api/v1/requests/{REQUEST}/path")
    path = json.loads(run("workflow", "--trace", TRACE, "--json", *source).stdout)
    assert path == get(told, f"/api/v1/traces/{TRACE}/path")


def test_weir_workflow_reads_well(told, source):
    table = run("workflow", *source).stdout
    assert "50     15 (30%)" in table and "weir workflow -" in table
    text = run("workflow", "support", *source).stdout
    assert text.startswith(f"support: {sum(NOW) + 39} decisions, 50 tool calls, 3 retrievals\n")
    row = next(line for line in text.splitlines() if line.startswith("classify"))
    assert row.split()[:4] == ["classify", "answer", "62", "61%"] and "lower" in row
    assert "lookup" in text and "+30pp" in text and "docs" in text
    lines = run("workflow", "--request", REQUEST, *source).stdout.splitlines()
    assert lines[0].startswith(f"request {REQUEST}: 4 steps in ") and "1 call, 150 tokens, $0.000750" in lines[0]
    assert [line for line in lines if "classify → lookup" in line and "score > 0.5 = true" in line]
    assert [line for line in lines if "crm" in line and "no such order" in line]


def test_weir_workflow_says_what_is_wrong(told, source):
    for arguments, says in (
        (["suport"], "workflows that have: support, -"),
        (["--request", "nobody"], 'no request with the id "nobody"'),
        (["--trace", "xyz"], "is no trace id"),
        (["support", "--bucket", "7s"], "whole number of minutes"),
    ):
        done = run("workflow", *arguments, *source, check=False)
        assert done.returncode == 1 and says in done.stderr, done.stderr
    empty = run("workflow", "--since", "2020-01-01", "--until", "2020-01-02", *source)
    assert empty.stdout.startswith("No decisions, tools or retrievals in this range")


def test_weir_calls_says_what_other_steps_did(told, source):
    table = run("calls", "--kind", "any", "-n", 1000, *source).stdout
    assert "branch classify → lookup" in table and "tool crm" in table and "retriever docs" in table
    assert "details" in run("calls", told.calls(kind="chain", limit=1, order="time")[0]["span_id"], *source).stdout
