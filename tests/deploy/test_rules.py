"""The alert rules: right for Prometheus, over metrics that exist, and the same in Kubernetes."""

import os
import re
from pathlib import Path

import pytest
import yaml

from rig.deployed import DEPLOY, RULES, tool
from rig.process import ROOT

CASES = sorted(Path(__file__).parent.glob("*.test.yml"))
GENERATED = DEPLOY / "kubernetes" / "components" / "monitoring" / "prometheusrule.yaml"
#: What Weir does not write itself: Prometheus' own figure of a scrape, the kubelet's of a volume, Kubernetes' of a pod.
FOREIGN = {"up", "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes", "kube_pod_status_ready"}
#: Words of PromQL that look like the name of a metric.
WORDS = set("sum min max avg count by on and or unless offset absent rate increase deriv vector group_left".split())
WORDS |= {"histogram_quantile", "max_over_time", "min_over_time", "avg_over_time", "time"}


def metrics_of(expression):
    """The metrics that an expression reads."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\{[^}]*\}', " ", expression)
    bare = re.sub(r"\b(by|on|group_left)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\boffset\s+\d+\w", " ", bare)
    names = set(re.findall(r"(?<![\w.])[a-zA-Z_:][a-zA-Z0-9_:]*", bare))
    return names - WORDS


def documented():
    text = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\w+) \|", text, re.M)
    names = set()
    for cell, kind in rows:
        for name in re.findall(r"`(\w+)`", cell):
            names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    assert len(names) > 30
    return names


def test_prometheus_takes_the_rules():
    """Also what its linter finds, for which promtool does not fail."""
    assert "SUCCESS" in tool("promtool", "check", "rules", RULES)


@pytest.mark.parametrize("cases", CASES, ids=lambda c: c.name)
def test_every_alert_comes_and_goes_as_it_should(cases):
    assert "SUCCESS" in tool("promtool", "test", "rules", cases)


def test_every_alert_has_a_case(alerts):
    cases = [test for file in CASES for test in yaml.safe_load(file.read_text())["tests"]]
    seen = {c["alertname"] for test in cases for c in test["alert_rule_test"] if c["exp_alerts"]}
    assert seen == {alert["alert"] for alert in alerts}


def test_every_metric_exists(rules):
    known = documented() | FOREIGN | {rule["record"] for rule in rules if "record" in rule}
    for rule in rules:
        unknown = metrics_of(rule["expr"]) - known
        assert not unknown, f"{rule.get('alert', rule.get('record'))}: {unknown} are not in docs/metrics.md"


def test_names_of_metrics_are_found_in_expressions():
    """Else the test above would say nothing."""
    expression = 'sum by (le, model) (rate(a_total{x="b_total"}[5m] offset 1d)) / on (c) group_left () (d:e > 0.5)'
    assert metrics_of(expression) == {"a_total", "d:e"}


def test_every_recording_is_used(rules):
    used = set().union(*(metrics_of(rule["expr"]) for rule in rules))
    assert {rule["record"] for rule in rules if "record" in rule} <= used


def test_every_alert_says_how_bad_it_is_and_what_to_do(alerts):
    for alert in alerts:
        assert alert["labels"] in ({"severity": "page"}, {"severity": "ticket"}), alert["alert"]
        assert set(alert["annotations"]) == {"summary", "runbook_url"}, alert["alert"]


def test_kubernetes_gets_the_same_rules():
    """Generated; `WEIR_BLESS=1` writes it."""
    head = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "weir",
            "labels": {"app.kubernetes.io/name": "weir", "app.kubernetes.io/part-of": "weir"},
        },
    }
    rules = "".join(f"  {line}".rstrip() + "\n" for line in RULES.read_text().splitlines() if not line.startswith("#"))
    text = "# Generated from deploy/prometheus/weir.rules.yml; `WEIR_BLESS=1 make deploy-tests` writes it.\n"
    text += yaml.safe_dump(head, sort_keys=False) + "spec:\n" + rules
    if os.environ.get("WEIR_BLESS"):
        GENERATED.write_text(text)
    assert GENERATED.read_text() == text
    assert yaml.safe_load(text)["spec"] == yaml.safe_load(RULES.read_text())
