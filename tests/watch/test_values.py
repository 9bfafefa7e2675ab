"""Rules over single values, against the real binary: scores by what was scored, results of evaluations, events."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime

import pytest
from alerting import MINUTE, alerts, calls, history, ok, send, serve, this_minute, told
from traffic import load

from rig import eventually
from rig.weir import run


@pytest.fixture(scope="module")
def weir(tmp_path_factory):
    """A server with scored calls of two models, two evaluations, and something that failed."""
    weir = serve(tmp_path_factory.mktemp("values"))
    now = this_minute()
    weir.since = now - 10 * MINUTE
    for model, value in (("a", 0.9), ("b", 0.2)):
        spans = calls(now - 4 * MINUTE, now - 3 * MINUTE, model=model, every=2_000_000)
        load(weir, spans)
        for span in spans[:25]:
            ok(weir.post("/api/v1/scores", {"call": span["span_id"], "name": "tone", "value": value}))
    guardrail = {**calls(now - 3 * MINUTE, now - 3 * MINUTE + 1)[0], "kind": "guardrail", "name": "pii", "status": "blocked"}
    load(weir, [guardrail])
    for model, value, status in (("small", 0.6, "FAILED"), ("large", 0.95, "FINISHED")):
        evaluation(weir, model, value, status, now - 3 * MINUTE)
    yield weir
    assert weir.stop() == 0


def evaluation(weir, model, value, status, at):
    """A run of MLflow's that logs what it came to, and ends."""

    def post(path, body):
        return ok(weir.post(f"/api/2.0/mlflow/{path}", body))

    made = post("runs/create", {"experiment_id": "0", "run_name": f"nightly-{model}", "start_time": at // 1000 - 900})
    id = made["run"]["info"]["run_id"]
    post("runs/log-parameter", {"run_id": id, "key": "model", "value": model})
    post("runs/log-metric", {"run_id": id, "key": "correctness/mean", "value": value, "timestamp": at // 1000})
    post("runs/update", {"run_id": id, "status": status, "end_time": at // 1000})


RULES = {
    "tone": {
        "source": "score",
        "score": "tone",
        "group_by": ["model", "source"],
        "project": "shop",
        "window": "30m",
        "every": "1m",
        "offset": "0s",
        "condition": {"op": "<", "crit": 0.5},
    },
    "correct": {
        "source": "eval",
        "score": "correctness",
        "group_by": ["params.model"],
        "every": "1m",
        "condition": {"op": "<", "crit": 0.8},
    },
    "happened": {
        "source": "event",
        "window": "30m",
        "every": "1m",
        "condition": {"type": "event", "events": ["run_failed", "guardrail"]},
    },
}
FIRES = {
    "tone": [{"model": "b", "source": "api", "score": "tone", "project": "shop"}],
    "correct": [{"params.model": "small", "eval": "correctness"}],
    "happened": [
        {"event": "guardrail", "project": "shop", "name": "pii"},
        {"event": "run_failed", "project": "default", "name": "nightly-small"},
    ],
}
SAYS = {
    "tone": "avg of score tone is 0.2, below 0.5 (model b, source api)",
    "correct": "evaluation correctness is 0.6, below 0.8 (params.model small)",
    "happened": "guardrail happened once (event guardrail, name pii, project shop)",
}


@pytest.mark.parametrize("id", sorted(RULES))
def test_the_worker_and_the_dry_run_see_the_same(weir, tmp_path, id):
    rule = {"id": id, "name": id, "channels": ["ops"], **RULES[id]}
    ok(weir.post("/api/v1/alert-rules", rule))

    # Scores count from when they are given: they are in the next whole minute.
    firing = eventually(
        f"{id} fires", lambda: len(a := alerts(weir, rule=id, state="firing")) == len(FIRES[id]) and a, 100
    )
    dry = ok(weir.post("/api/v1/alert-rules/dry-run?span=1h", rule))
    assert sorted((e["labels"] for e in dry["episodes"]), key=str) == sorted(FIRES[id], key=str)
    assert sorted((a["labels"] for a in firing), key=str) == sorted(FIRES[id], key=str)
    assert SAYS[id] in {a["summary"] for a in firing}
    assert SAYS[id] in {n["alert"]["summary"] for n in told(weir)}
    (tmp_path / "rule.json").write_text(json.dumps(rule))
    arguments = ["alerts", "dry-run", tmp_path / "rule.json", "--span", "1h", "--json"]
    offline = json.loads(run(*arguments, "--data", weir.data).stdout)
    assert sorted((e["labels"] for e in offline["episodes"]), key=str) == sorted(FIRES[id], key=str)


def test_filters_choose(weir):
    def fires(id, **members):
        rule = {"id": "f", "name": "f", **RULES[id], **members}
        return [e["labels"] for e in ok(weir.post("/api/v1/alert-rules/dry-run?span=1h", rule))["episodes"]]

    assert fires("tone", filters={"model": "a"}) == []
    assert fires("tone", filters={"source": "human"}) == []
    assert fires("correct", filters={"params.model": ["large"]}) == []
    assert len(fires("happened", filters={"kind": "guardrail"})) == 1
    assert fires("happened", group_by=["event"], filters={"project": "shop"}) == [{"event": "guardrail"}]


@pytest.mark.parametrize(
    ("id", "change", "field"),
    [
        ("tone", {"group_by": ["modle"]}, "group_by[0]"),
        ("tone", {"filters": {"temperature": "1"}}, "filters.temperature"),
        ("tone", {"metric": {"measure": "latency"}}, "metric.measure"),
        ("correct", {"score": ""}, "score"),
        ("correct", {"group_by": ["model"]}, "group_by[0]"),
        ("correct", {"metric": {"agg": "sum"}}, "metric.agg"),
        ("happened", {"condition": {"type": "event"}}, "condition.events"),
        ("happened", {"condition": {"type": "event", "events": ["boom"]}}, "condition.events[0]"),
        ("happened", {"score": "x"}, "score"),
    ],
)
def test_a_wrong_member_is_named(weir, id, change, field):
    answer = send(weir, "POST", "/api/v1/alert-rules", {"id": "wrong", "name": "w", **RULES[id], **change})
    assert answer.status == 400 and answer.json()["error"]["param"] == field, answer.text


def test_an_incident_during_downtime_is_told_late_with_its_own_times(tmp_path):
    weir = serve(tmp_path)
    now = this_minute()
    load(weir, calls(now - 60 * MINUTE, now - 40 * MINUTE) + calls(now - 40 * MINUTE, now - 30 * MINUTE, failing=6))
    load(weir, calls(now - 30 * MINUTE, now))
    rule = {"id": "late", "name": "late", "metric": {"measure": "error_ratio"}, "condition": {"crit": 0.4}}
    ok(weir.post("/api/v1/alert-rules", {**rule, "channels": ["ops"]}))
    eventually("it was evaluated", lambda: ok(weir.get("/api/v1/alert-rules/late"))["evaluated_at"])
    weir.process.kill()
    # As if the rule had last been evaluated before.
    with closing(sqlite3.connect(weir.data / "catalog.db")) as catalog, catalog:
        catalog.execute("UPDATE alert_evaluations SET evaluated_us = ?", (now - 50 * MINUTE,))
    weir.start()
    eventually("it is made up for", lambda: [n["event"] for n in told(weir)] == ["fired", "resolved"])
    fired, resolved = history(weir)
    assert now - 40 * MINUTE < micros(fired["at"]) < now - 35 * MINUTE
    assert now - 30 * MINUTE < micros(resolved["at"]) <= now - 25 * MINUTE
    assert alerts(weir) == []
    assert weir.stop() == 0


def micros(text):
    return int(datetime.fromisoformat(text).timestamp() * 1e6)
