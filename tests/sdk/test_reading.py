"""Reading what was recorded: the API, the live tail, the command line, SQL, Prometheus."""

import csv
import datetime
import io
import json
import subprocess
import time

import pyarrow.parquet
import pytest

from rig import behave, eventually
from rig.http import Line
from rig.process import Process, BIN
from rig.weir import run

HELLO = [{"role": "user", "content": "hello there"}]
PLAN = [
    # request id, model, department, words, streamed
    ("r-0", "up/gpt-4o", "sales", "usage=100:50", False),
    ("r-1", "up/gpt-4o", "sales", "usage=200:10:50", True),
    ("r-2", "up/gpt-4o-mini", "legal", "usage=300:30", False),
    ("r-3", "up/gpt-4o-mini", "legal", "status=401", False),
    ("r-4", "up/unpriced-model", None, "usage=10:5", False),
    ("r-5", "up/gpt-4o", "sales", "cut,after=1", True),
]
GOOD_COST = (100 * 2.5 + 50 * 10 + 150 * 2.5 + 50 * 1.25 + 10 * 10 + 300 * 0.15 + 30 * 0.6) / 1e6


@pytest.fixture(scope="module")
def told(tmp_path_factory, fake):
    """A server with known calls; read only."""
    from rig import Weir

    models = "".join(
        f'[models."{id}"]\ntargets = [{{ model = "{behave(model, id, words)}" }}]\n' for id, model, _, words, _ in PLAN
    )
    config = f'[record]\nplain_text = true\n[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n' + models
    server = Weir(tmp_path_factory.mktemp("told"), config)
    for id, _, department, _, stream in PLAN:
        labels = {"metadata": {"department": department, "tags": f"t-{id}"}} if department else {}
        server.chat(id, id=id, stream=stream, **labels)
        server.call(id)
    yield server
    server.stop()


def ids(calls):
    return [c["request_id"] for c in calls]


# API


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["r-5", "r-4", "r-3", "r-2", "r-1", "r-0"]),
        ({"order": "time"}, ["r-0", "r-1", "r-2", "r-3", "r-4", "r-5"]),
        ({"department": "sales"}, ["r-5", "r-1", "r-0"]),
        ({"department": ["sales", "legal"]}, ["r-5", "r-3", "r-2", "r-1", "r-0"]),
        ({"status": "error"}, ["r-5", "r-3"]),
        ({"status": "success", "stream": "true"}, ["r-1"]),
        ({"model": "r-2"}, ["r-2"]),
        ({"response_model": "gpt-4o-mini"}, ["r-2"]),
        ({"tag": "t-r-1"}, ["r-1"]),
        ({"error_type": "auth"}, ["r-3"]),
        ({"request_id": "r-4"}, ["r-4"]),
        ({"min_cost_usd": "0.0007"}, ["r-0"]),
        ({"provider": "nobody"}, []),
        ({"from": "1h", "limit": "1"}, ["r-5"]),
        ({"to": "1h"}, []),
        ({"order": "-cost", "status": "success", "limit": 1}, ["r-0"]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_calls_are_filtered_and_ordered(told, filters, expected):
    assert ids(told.calls(**filters)) == expected


@pytest.mark.parametrize("order", ["time", "-time", "cost", "-latency", "tokens"])
def test_pages_hold_every_call_once(told, order):
    found, cursor = [], {}
    while True:
        page = told.get("/api/v1/calls", order=order, limit=2, **cursor).json()
        assert len(page["calls"]) <= 2
        found += ids(page["calls"])
        if not page["next"]:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(found) == [id for id, *_ in PLAN]
    assert found == ids(told.calls(order=order))


@pytest.mark.parametrize(
    ("query", "says"),
    [("modle=x", "model"), ("limit=0", "limit"), ("limit=x", "limit"), ("status=good", "success"), ("cursor=zzz", "cursor"), ("order=price", "cost"), ("from=yesterdayish", "from"), ("model=", "model")],
)
def test_a_wrong_parameter_is_named(told, query, says):
    answer = told.get(f"/api/v1/calls?{query}")
    assert answer.status == 400 and says in answer.json()["error"]["message"]


def test_lists_come_without_payload_unless_asked(told):
    assert all("input" not in c and "output" not in c for c in told.calls())
    assert all(c["input"] for c in told.calls(payload="true"))


def test_a_call_is_found_by_either_id(told):
    call = told.call("r-0")
    assert told.get(f"/api/v1/calls/{call['id']}").json()["request_id"] == "r-0"
    assert told.get(f"/api/v1/calls/{call['span_id']}").json()["request_id"] == "r-0"
    missing = told.get("/api/v1/calls/nonsense")
    assert missing.status == 404 and missing.json()["error"]["code"] == "not_found"


def test_stats_add_up(told):
    total = told.get("/api/v1/stats").json()["total"]
    assert (total["count"], total["errors"]) == (6, 2) and total["unpriced"] >= 1
    assert total["error_rate"] == pytest.approx(2 / 6)
    assert total["tokens"]["cached"] == 50 and total["tokens"]["prompt"] >= 610
    assert total["cost_usd"] >= GOOD_COST
    success = told.get("/api/v1/stats", status="success").json()["total"]
    assert success["cost_usd"] == pytest.approx(GOOD_COST, abs=1e-9)
    assert (success["tokens"]["prompt"], success["tokens"]["completion"]) == (610, 95)
    latency = total["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]


@pytest.mark.parametrize("group", ["project", "model", "provider", "department", "status", "model,status"])
def test_stats_are_grouped(told, group):
    answer = told.get("/api/v1/stats", group_by=group).json()
    assert sum(g["total"]["count"] for g in answer["groups"]) == 6
    assert all(set(g["by"]) == set(group.split(",")) for g in answer["groups"])
    if group == "department":
        counts = {g["by"]["department"]: g["total"]["count"] for g in answer["groups"]}
        assert counts == {"sales": 3, "legal": 2, None: 1}


def test_stats_come_in_buckets(told):
    answer = told.get("/api/v1/stats", group_by="provider", bucket="1m").json()
    series = [b for g in answer["groups"] for b in g["series"]]
    assert sum(b["count"] for b in series) == 6
    assert all(datetime.datetime.fromisoformat(b["start"]).second == 0 for b in series)


def test_openapi_describes_what_is_served(told):
    document = told.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert {"/api/v1/calls", "/api/v1/calls/{id}", "/api/v1/calls/live", "/api/v1/stats"} <= set(document["paths"])
    members = document["components"]["schemas"]["Call"]["properties"]
    assert set(told.call("r-0")) <= set(members)


# Live


def test_the_live_tail_tells_of_calls_as_they_end(weir, key):
    port = Line("GET", f"{weir.url}/api/v1/calls/live?department=live-{key}")
    port.read_until(b"live")
    weir.chat(behave("up/gpt-4o", key), id=f"other-{key}")
    weir.chat(behave("up/gpt-4o", key), id=key, headers={"x-weir-department": f"live-{key}"})
    begun = time.monotonic()
    text = port.read_until(key.encode() + b'"').decode()
    assert time.monotonic() - begun < 2
    assert "event: call" in text and f"other-{key}" not in text and "hello there" not in text
    port.close()


def test_weir_tail_follows(serve, up, key, tmp_path):
    server = serve(up)
    server.chat(behave("up/gpt-4o", key), id=f"{key}-before")
    server.call(f"{key}-before")
    log = tmp_path / "tail.log"
    tail = Process([BIN / "weir", "tail", "--json", "--url", server.url], log)
    try:
        tail.wait_for(f"{key}-before")
        server.chat(behave("up/gpt-4o", key), id=f"{key}-after")
        tail.wait_for(f"{key}-after")
        rows = [json.loads(line) for line in tail.log().splitlines() if line.startswith("{")]
        assert [row["request_id"] for row in rows] == [f"{key}-before", f"{key}-after"]
    finally:
        tail.kill()


# Command line, beside the running server and through it


@pytest.fixture(params=["data", "url"])
def source(request, told):
    return ["--data", told.data] if request.param == "data" else ["--url", told.url]


def test_weir_calls_json(told, source):
    listed = json.loads(run("calls", "--json", *source).stdout)["calls"]
    assert ids(listed) == ids(told.calls())
    chosen = json.loads(run("calls", "--json", "--department", "sales", "--status", "success", *source).stdout)["calls"]
    assert ids(chosen) == ["r-1", "r-0"]


def test_weir_calls_table(told, source):
    table = run("calls", *source).stdout
    assert "gpt-4o" in table or "r-0" in table
    assert len([line for line in table.splitlines() if line.strip()]) >= 7


def test_weir_calls_shows_one(told, source):
    shown = json.loads(run("calls", "r-0", "--json", *source).stdout)
    assert shown["request_id"] == "r-0" and shown["input"]["messages"] == HELLO


def test_weir_stats(told, source):
    answer = json.loads(run("stats", "--json", "--by", "department", *source).stdout)
    assert answer["total"]["count"] == 6 and len(answer["groups"]) == 3


def test_weir_export_jsonl(told, source, tmp_path):
    file = tmp_path / "calls.jsonl"
    run("export", "--format", "jsonl", "--output", file, "--with-payload", *source)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(ids(rows)) == [id for id, *_ in PLAN]
    assert all(row["input"] for row in rows)


def test_weir_export_parquet(told, source, tmp_path):
    file = tmp_path / "calls.parquet"
    run("export", "--format", "parquet", "--output", file, *source)
    rows = pyarrow.parquet.read_table(file).to_pylist()
    assert sorted(row["request_id"] for row in rows) == [id for id, *_ in PLAN]
    one = next(row for row in rows if row["request_id"] == "r-0")
    assert one["cost_usd"] == pytest.approx(0.00075, abs=1e-9)
    assert next(row for row in rows if row["request_id"] == "r-4")["cost_usd"] is None


def test_weir_prune_deletes_old_calls_only(serve, up, key):
    server = serve(up)
    server.chat(behave("up/gpt-4o", key), id=key)
    server.call(key)
    server.stop()
    run("prune", "--older-than", "1d", "--yes", "--data", server.data)
    assert key in run("calls", "--json", "--data", server.data).stdout
    time.sleep(1.1)  # until the call is older than a second
    run("prune", "--older-than", "1s", "--yes", "--data", server.data)
    assert json.loads(run("calls", "--json", "--data", server.data).stdout)["calls"] == []


@pytest.mark.parametrize(
    ("model", "text", "tokens"), [("gpt-4o", "hello there", 2), ("gpt-4", "tiktoken is great!", 6), ("gpt-4o", "", 0)]
)
def test_weir_tokens(model, text, tokens):
    answer = json.loads(run("tokens", "--model", model, "--json", "-", input=text).stdout)
    assert answer["tokens"] == tokens and answer["exact"] is True


def test_weir_cost():
    answer = json.loads(run("cost", "--model", "gpt-4o", "--prompt-tokens", 1000, "--completion-tokens", 100, "--json").stdout)
    assert answer["cost_usd"] == pytest.approx(0.0035)
    unknown = run("cost", "--model", "nobodys-model", "--prompt-tokens", 1000, "--json", check=False)
    assert unknown.returncode != 0 or json.loads(unknown.stdout)["cost_usd"] is None


# SQL


def sql(server, query):
    done = subprocess.run(
        ["sqlite3", "-csv", "-header", "-readonly", str(server.data / "telemetry.db"), query],
        capture_output=True, text=True, timeout=30, check=True,
    )
    return list(csv.DictReader(io.StringIO(done.stdout)))


VIEWS = {
    "llm_calls": "timestamp request_id prompt_version model prompt response prompt_tokens completion_tokens "
    "total_tokens latency_ms cost status error metadata",
    "branch_decisions": "timestamp request_id from_node to_node condition condition_result context",
    "tool_calls": "timestamp request_id tool_name inputs output latency_ms status error",
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_views_have_the_documented_columns(told, view):
    assert [row["name"] for row in sql(told, f"pragma table_info({view})")] == VIEWS[view].split()
    sql(told, f"select * from {view}")


def test_the_sqlite3_shell_reads_the_calls(told):
    rows = {row["request_id"]: row for row in sql(told, "select * from llm_calls order by timestamp")}
    assert list(rows) == [id for id, *_ in PLAN]
    first = rows["r-0"]
    assert first["status"] == "success" and float(first["cost"]) == pytest.approx(0.00075)
    assert (first["prompt_tokens"], first["completion_tokens"], first["total_tokens"]) == ("100", "50", "150")
    assert "hello there" in first["prompt"] and first["response"].startswith("The river keeps")
    assert rows["r-3"]["status"] == "error" and rows["r-3"]["error"]
    assert rows["r-4"]["cost"] == "", "an unknown price is null"
    assert "sales" in first["metadata"]


def test_the_views_hold_no_negative_figures(serve, up, key):
    server = serve(up)
    for kind in ("mixed", "negative", "cached", "types", "huge"):
        server.chat(behave("up/gpt-4o", key, f"lieusage={kind}"), id=f"{key}-{kind}")
        server.call(f"{key}-{kind}")
    (row,) = sql(
        server,
        "select count(*) n, min(prompt_tokens) p, min(completion_tokens) c, min(total_tokens) t, min(cost) m from llm_calls",
    )
    assert row["n"] == "5" and all(float(row[name] or 0) >= 0 for name in "pctm"), row


# Prometheus


def test_a_call_is_counted(told):
    assert told.metric("llm_requests_total", model="r-0", status="success") == 1
    assert told.metric("llm_requests_total", model="r-3", status="error") == 1
    assert told.metric("llm_errors_total", model="r-3", error_type="auth") == 1
    assert told.metric("llm_tokens_total", model="r-1", type="prompt") == 200
    assert told.metric("llm_tokens_total", model="r-1", type="cached_prompt") == 50
    assert told.metric("llm_tokens_total", model="r-1", type="completion") == 10
    assert told.metric("llm_cost_usd_total", model="r-0") == pytest.approx(0.00075)
    assert told.metric("llm_request_latency_seconds_count", model="r-0") == 1
    assert told.metric("llm_time_to_first_token_seconds_count", model="r-1") == 1
    assert told.metric("llm_inflight_requests") == 0
    assert told.metric("weir_ready") == 1 and told.metric("weir_healthy") == 1
    assert told.metric("weir_spans_ingested_total") >= 6
    assert told.metric("gen_ai_client_operation_duration_seconds_count", gen_ai_request_model="r-0") == 1


def test_the_sum_of_requests_agrees_with_the_list(told):
    assert told.metric("llm_requests_total") == len(told.calls()) == told.get("/api/v1/stats").json()["total"]["count"]


@pytest.mark.parametrize("server", ["told", "weir"])
def test_promtool_likes_the_metrics(server, request):
    page = request.getfixturevalue(server).get("/metrics").body
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_openmetrics_has_exemplars(told):
    answer = told.get("/metrics", {"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.rstrip().endswith("# EOF") and 'trace_id="' in answer.text


def test_metrics_hold_no_free_text(weir, key):
    weir.chat(behave("up/gpt-4o", key), id=key, user=f"user-{key}", headers={"x-weir-session": f"s-{key}"})
    weir.call(key)
    page = weir.get("/metrics").text
    assert f"user-{key}" not in page and f"s-{key}" not in page


def test_the_number_of_series_is_bounded(serve, up, key):
    server = serve(up)
    for n in range(260):
        server.chat(f"up/model-{n}", id=f"{key}-{n}")
    models = {dict(labels).get("model") for name, labels in server.metrics() if name == "llm_requests_total"}
    assert len(models) <= 202 and "other" in models
    assert server.metric("llm_requests_total") == 260
