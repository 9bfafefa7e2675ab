"""The dashboards: over metrics that exist, and answered by a real Prometheus that has scraped a real Weir."""

import json
import socket
import urllib.parse

import pytest
import yaml

from rig import eventually
from rig.deployed import DEPLOY
from rig.http import request
from rig.process import Process
from test_rules import documented, metrics_of

GRAFANA = DEPLOY / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
#: What Grafana puts in place of its own variables.
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$model": ".*"}


def dashboard(file):
    return json.loads(file.read_text())


def panels(file):
    return [p for p in dashboard(file)["panels"] if p["type"] != "row"]


def expressions(file):
    """Each query as Grafana sends it."""
    for panel in panels(file):
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield f"{file.stem}: {panel['title']}", text


def by_name(file):
    return file.stem


def test_there_are_dashboards():
    """Else the tests below would say nothing."""
    assert [f.stem for f in FILES] == ["weir-cost", "weir-overview", "weir-reliability"]
    assert sum(len(list(expressions(f))) for f in FILES) > 25


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_a_dashboard_is_as_grafana_imports_it(file):
    board = dashboard(file)
    assert board["uid"] == file.stem and len(board["uid"]) <= 40 and "id" not in board
    assert board["schemaVersion"] >= 39 and "__inputs" not in board
    source, model = board["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert model["datasource"]["uid"] == "${datasource}"
    ids = [p["id"] for p in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
    for panel in panels(file):
        assert panel["datasource"]["uid"] == "${datasource}" and panel["fieldConfig"]["defaults"]["unit"]
        assert all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_every_metric_exists(file):
    for where, expression in expressions(file):
        assert "$" not in expression, f"{where}: a variable that the dashboard does not have"
        names = metrics_of(expression)
        assert names and names <= documented(), f"{where}: {names - documented()} are not in docs/metrics.md"


def test_provisioning_names_what_is_there():
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/weir.yaml").read_text())["providers"][0]
    assert provider["type"] == "file" and provider["options"]["path"] in (GRAFANA / "README.md").read_text()
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
    assert source["type"] == "prometheus"


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture
def prometheus(weir, tmp_path):
    """Debian's, which scrapes the shared server every second."""
    job = {"job_name": "weir", "static_configs": [{"targets": [weir.url.removeprefix("http://")]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    argv = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb"]
    process = Process([*argv, f"--web.listen-address=127.0.0.1:{port}"], tmp_path / "prometheus.log")
    process.wait_for("Server is ready to receive web requests")
    yield f"http://127.0.0.1:{port}"
    process.stop()


def query(prometheus, expression):
    answer = request("GET", f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
    assert answer.status == 200, f"{expression}: {answer.text}"
    return answer.json()["data"]["result"]


def test_a_real_prometheus_answers_every_panel(weir, prometheus):
    def count():
        weir.chat("demo/echo")
        found = query(prometheus, 'sum(rate(llm_requests_total{model="demo/echo"}[1m])) > 0')
        return found

    eventually("calls are scraped", count, 30, 0.5)
    answered = set()
    for file in FILES:
        for where, expression in expressions(file):
            if query(prometheus, expression):
                answered.add(where)
    for title in ("Requests", "Requests by model", "Time of an answer, 95 of 100 below", "Tokens by type"):
        assert f"weir-overview: {title}" in answered
    assert "weir-reliability: Every part works" in answered
