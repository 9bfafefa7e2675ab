"""A rule of ours in Debian's real Prometheus fires over the real Weir, and its alert comes through the real Alertmanager."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from rig import eventually
from rig.deployed import RULES
from rig.process import Process

LIMIT = '[[limits]]\nlabel = "department"\nvalue = "sales"\nbudget_usd_per_day = 0.002\n'


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture
def receiver():
    """Where Alertmanager sends to; its address and what came."""
    came = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", came
    server.shutdown()
    server.server_close()


@pytest.fixture
def alertmanager(tmp_path, receiver):
    route = {"receiver": "hook", "group_wait": "0s", "group_interval": "1s", "group_by": ["alertname"]}
    hook = {"name": "hook", "webhook_configs": [{"url": receiver[0]}]}
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump({"route": route, "receivers": [hook]}))
    port = free_port()
    argv = ["prometheus-alertmanager", f"--config.file={tmp_path}/alertmanager.yml", "--cluster.listen-address="]
    argv += [f"--storage.path={tmp_path}/am", f"--web.listen-address=127.0.0.1:{port}"]
    process = Process(argv, tmp_path / "alertmanager.log")
    process.wait_for(rf"127\.0\.0\.1:{port}")
    yield f"127.0.0.1:{port}"
    process.stop()


def test_a_spent_budget_is_told_through_alertmanager(serve, up, receiver, alertmanager, tmp_path):
    server = serve(up + LIMIT)
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [
            {"job_name": "weir", "static_configs": [{"targets": [server.url.removeprefix("http://")]}]}
        ],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    argv = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb"]
    process = Process([*argv, f"--web.listen-address=127.0.0.1:{free_port()}"], tmp_path / "prometheus.log")
    try:
        process.wait_for("Server is ready to receive web requests")
        body = {"metadata": {"department": "sales"}, "max_tokens": 100}
        answer = server.chat("up/gpt-4o", headers={"x-fake": "usage=1000:100"}, **body)
        assert answer.status == 200, answer.text

        def arrived():
            alerts = [alert for message in receiver[1] for alert in message["alerts"]]
            return [a for a in alerts if a["labels"]["alertname"] == "BudgetSpent" and a["status"] == "firing"]

        alert = eventually("the alert arrives", arrived, 40, 0.2)[0]
    finally:
        process.stop()
    assert alert["labels"]["severity"] == "page" and "sales" in alert["labels"]["budget"]
    assert alert["annotations"]["runbook_url"] == "docs/runbooks/budget-spent.md"
    assert alert["labels"]["budget"] in alert["annotations"]["summary"]
