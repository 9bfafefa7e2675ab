"""The detector: the four rules, their settings, alerts, and detectors of one's own."""

import datetime
import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from weir import AnomalyDetector, ObservabilityLogger


def fill(logger, ago, count=30, tokens=100, cost=0.01, latency=200.0):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=ago)
    for _ in range(count):
        logger.log_llm_call(model="m", timestamp=at, prompt_tokens=tokens, completion_tokens=0, cost=cost, latency_ms=latency)


def rules(detector):
    return [anomaly["rule"] for anomaly in detector.check_anomalies()]


def test_nothing_logged_is_nothing_unusual(db):
    assert AnomalyDetector(db_path=db).check_anomalies() == []


@pytest.mark.parametrize(
    "now,found",
    [
        ({}, []),
        ({"tokens": 149, "cost": 0.0199, "latency": 299.0}, []),
        ({"tokens": 151}, ["tokens"]),
        ({"cost": 0.0201}, ["cost"]),
        ({"latency": 301.0}, ["latency"]),
        ({"tokens": 900, "cost": 1.0, "latency": 9000.0}, ["tokens", "cost", "latency"]),
        ({"tokens": 900, "count": 19}, []),
    ],
)
def test_the_last_hour_against_the_day_before(logger, db, now, found):
    fill(logger, ago=300)
    fill(logger, ago=5, **now)
    assert rules(AnomalyDetector(db_path=db)) == found


def test_an_anomaly_says_what_and_how_much(logger, db):
    fill(logger, ago=300, count=40)
    fill(logger, ago=5, tokens=400)
    (anomaly,) = AnomalyDetector(db_path=db).check_anomalies()
    assert (anomaly["value"], anomaly["baseline"], anomaly["ratio"], anomaly["threshold"]) == (400.0, 100.0, 4.0, 1.5)
    assert (anomaly["samples"], anomaly["baseline_samples"]) == (30, 40)
    assert "400 tokens per call" in anomaly["message"]
    json.dumps(anomaly)


def test_the_share_of_a_branch(logger, db):
    at = datetime.datetime.now(datetime.timezone.utc)

    def decide(to_node, minutes, count):
        for _ in range(count):
            logger.log_branch_decision(
                "r", "classify", to_node, timestamp=at - datetime.timedelta(minutes=minutes), workflow="support"
            )

    decide("answer", 300, 90)
    decide("human", 300, 10)
    decide("answer", 5, 20)
    decide("human", 5, 20)
    found = AnomalyDetector(db_path=db).check_anomalies()
    assert {(a["rule"], a["subject"], round(a["difference"], 2)) for a in found} == {
        ("branch_rate", "support: classify -> answer", -0.4),
        ("branch_rate", "support: classify -> human", 0.4),
    }
    assert AnomalyDetector(db_path=db, branch_difference=0.5).check_anomalies() == []


def test_settings(logger, db):
    fill(logger, ago=90, count=10)
    fill(logger, ago=30, count=10, tokens=200)
    assert rules(AnomalyDetector(db_path=db)) == []
    assert rules(AnomalyDetector(db_path=db, min_samples=10)) == ["tokens"]
    assert rules(AnomalyDetector(db_path=db, min_samples=10, token_factor=3)) == []
    assert rules(AnomalyDetector(db_path=db, min_samples=10, window=60 * 15)) == []
    assert rules(AnomalyDetector(db_path=db, min_samples=10, window=datetime.timedelta(hours=1), baseline=3600)) == ["tokens"]
    assert rules(AnomalyDetector(logger=logger, min_samples=10)) == ["tokens"]


@pytest.mark.parametrize(
    "wrong", [{"window": 0}, {"window": 5}, {"baseline": -1}, {"token_factor": 0}, {"branch_difference": 2}, {"min_samples": -1}]
    + [{"window": "an hour"}, {"cost_factor": "much"}],
    ids=str,
)
def test_settings_that_cannot_be(db, wrong):
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        AnomalyDetector(db_path=db, **wrong).check_anomalies()


def test_a_project_of_its_own(db):
    mine, other = ObservabilityLogger(db, project="mine"), ObservabilityLogger(db, project="other")
    fill(mine, ago=300)
    fill(mine, ago=5)
    fill(other, ago=5, count=100, tokens=9_000)
    assert rules(AnomalyDetector(logger=mine)) == []
    assert rules(AnomalyDetector(db_path=db)) == ["tokens"]


def test_a_detector_of_ones_own_goes_on_from_the_built_in_one(logger, db):
    class CustomAnomalyDetector(AnomalyDetector):
        def check_anomalies(self):
            anomalies = super().check_anomalies()
            connection = sqlite3.connect(self.logger.db_path)
            failed = connection.execute("SELECT count(*) FROM llm_calls WHERE status = 'error'").fetchone()[0]
            connection.close()
            if failed:
                anomalies.append({"rule": "failed", "message": f"{failed} calls failed"})
            return anomalies

    fill(logger, ago=300)
    fill(logger, ago=5, latency=900.0)
    logger.log_llm_call(model="m", error="x", prompt_tokens=100, cost=0.01, latency_ms=900)
    assert rules(CustomAnomalyDetector(db_path=db)) == ["latency", "failed"]


def test_alerts(logger, db, told):
    got, posted = [], []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = f"http://127.0.0.1:{server.server_address[1]}/"
    detector = AnomalyDetector(db_path=db, on_alert=got.append, webhook=hook)
    detector.alert([])
    assert (got, posted, told()) == ([], [], [])
    anomalies = [{"rule": "a", "message": "first"}, {"rule": "b"}]
    detector.alert(anomalies)
    server.shutdown()
    server.server_close()
    assert got == anomalies
    assert posted == [{"text": 'first\n{"rule":"b"}', "anomalies": anomalies}]
    assert told()[0] == "anomaly: first"


def test_an_alert_that_cannot_be_delivered_fails_nothing(db, told):
    def broken(anomaly):
        raise RuntimeError("no")

    AnomalyDetector(db_path=db, on_alert=broken, webhook="http://127.0.0.1:1/").alert([{"message": "m"}])
    assert [message.split(":")[0] for message in told()] == ["anomaly", "on_alert failed", "the webhook of anomalies failed"]
