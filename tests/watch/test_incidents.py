"""Calls of the past, loaded in bulk: their incidents are found, named and shown."""

import json
from datetime import datetime

import pytest
from served import anomalies
from traffic import BUCKET, END, ERRORS, TOKENS

from rig.weir import run


def micros(text):
    return int(datetime.fromisoformat(text).timestamp() * 1e6)


def during(found, incident, metric):
    """The anomalies of a metric that began in an incident or shortly before."""
    return [
        a
        for a in found
        if a["metric"] == metric and incident.start - 6 * BUCKET <= micros(a["onset"]) < incident.end
    ]


@pytest.mark.parametrize(
    ("incident", "metric", "dimension", "value"),
    [(ERRORS, "error_ratio", "model", "small"), (TOKENS, "prompt_tokens_per_call", "prompt_version", "greet@v2")],
    ids=["errors", "tokens"],
)
def test_an_incident_is_found_and_named(watched, incident, metric, dimension, value):
    found = during(anomalies(watched, project="shop", severity="warning"), incident, metric)
    assert found, anomalies(watched)
    first = min(found, key=lambda a: a["detected_at"])
    assert incident.start < micros(first["detected_at"]) <= incident.start + 12 * BUCKET
    assert micros(first["onset"]) <= micros(first["detected_at"])
    assert first["state"] == "resolved" and micros(first["ended_at"]) >= incident.end - BUCKET
    assert first["value"] > first["upper"] >= first["expected"] >= first["lower"]
    cause = first["causes"][0]
    assert (cause["dimension"], cause["value"], cause["effect"]) == (dimension, value, "rate")
    assert 1 <= len(first["examples"]) <= 3
    for trace in first["examples"]:
        (span,) = watched.trace(trace)
        assert span["project"] == "shop"
        assert span["status"] == "error" if metric == "error_ratio" else span["prompt"]["version"] == "v2"
    assert watched.get(f"/api/v1/anomalies/{first['id']}").json() == first


def test_what_is_normal_is_not_told(watched):
    assert anomalies(watched, project="quiet", severity="warning") == []
    told = anomalies(watched, project="shop", severity="warning")
    strange = [a for a in told if not any(i.start - 6 * BUCKET <= micros(a["onset"]) < i.end for i in (ERRORS, TOKENS))]
    assert strange == []
    assert all(micros(a["detected_at"]) <= END for a in told)


def test_the_documented_rules_are_asked_for_by_name(watched):
    rules = anomalies(watched, kind="rule")
    assert rules and {a["kind"] for a in rules} == {"rule"}
    assert all(a["kind"] != "rule" for a in anomalies(watched))
    assert {a["kind"] for a in _json(run("anomalies", "--rules", "--json", "--url", watched.url))} == {"rule"}


def test_the_command_shows_them_online_and_offline(watched):
    told = anomalies(watched)  # Waits until all is judged.
    online = run("anomalies", "--json", "--url", watched.url)
    offline = run("anomalies", "--json", "--data", watched.data)
    assert _json(online) == _json(offline) == told
    text = run("anomalies", "--project", "shop", "--metric", "error_ratio", "--url", watched.url).stdout
    assert "error_ratio" in text and "model small" in text and "until" in text


def test_a_range_and_a_page(watched):
    everything = anomalies(watched)
    inside = anomalies(watched, since=ERRORS.start, until=ERRORS.end)
    assert {a["id"] for a in during(everything, ERRORS, "error_ratio")} <= {a["id"] for a in inside}
    assert not during(inside, TOKENS, "prompt_tokens_per_call")
    pages, cursor = [], {}
    while True:
        page = watched.get("/api/v1/anomalies", limit=1, **cursor).json()
        pages += page["anomalies"]
        if not page["next"]:
            break
        cursor = {"cursor": page["next"]}
    assert pages == everything


def test_the_metrics_page_counts_them(watched):
    firing = anomalies(watched, state="firing")
    for severity in ("info", "warning", "critical"):
        open_ = sum(a["severity"] == severity for a in firing)
        assert watched.metric("weir_anomalies_open", severity=severity) == open_


def _json(done):
    return json.loads(done.stdout)["anomalies"]
