"""A target that refuses, fails or hangs: calls are answered all the same, it is told, and it catches up."""

import json

import pytest

from exporter import exported, exporter
from rig import eventually
from rig.weir import run


@pytest.fixture
def weir(serve, providers, standin):
    return serve(providers + f'[mlflow]\ntracking_uri = "{standin.url}"\ntimeout = "500ms"\n')


def failures(weir, reason):
    return weir.metric("weir_export_failures_total", target="mlflow", reason=reason)


def send(weir, count, first=0):
    for n in range(first, first + count):
        assert weir.chat("up/gpt-4o", id=f"call-{n}").status == 200


@pytest.mark.parametrize(
    ("fault", "reason", "said"),
    [(401, "auth", "answers 401"), (500, "server_error", "answers 500"), (404, "not_found", "answers 404"),
     (302, "not_found", "it redirects"), (429, "rate_limited", "answers 429"), (2.0, "timeout", "no answer in time")],
)
def test_a_target_that_cannot_be_used_delays_nobody_and_is_caught_up_with(weir, standin, fault, reason, said):
    standin.fault = lambda method, path, body: fault
    send(weir, 10)
    state = eventually("it is noticed", lambda: exporter(weir)["state"] == "retrying" and exporter(weir))
    assert said in state["last_error"] and state["exported"] == 0
    eventually("the lag is seen", lambda: weir.metric("weir_export_lag_records", target="mlflow") == 10)
    assert weir.metric("weir_export_lag_seconds", target="mlflow") > 0
    assert failures(weir, reason) >= 1 and weir.metric("weir_exported_total") == 0
    shown = run("status", "--url", weir.url).stdout
    assert "retrying" in shown and said in shown and standin.url in shown
    assert json.loads(run("status", "--data", weir.data, "--json").stdout)["exporters"][0]["lag_records"] == 10
    assert weir.get("/health/ready").json()["status"] == "ready", "it is no reason to take the gateway out of service"
    begun = weir.log().count("the target cannot be used")
    send(weir, 5, 10)

    assert not any(path == "/elsewhere" for _, path, _ in standin.seen), "redirects are not followed"

    standin.fault = lambda method, path, body: None
    state = exported(weir, 15)
    assert (state["exported"], state["failed"], state["state"]) == (15, 0, "ok")
    calls = [c["span_id"] for c in weir.all_calls()]
    assert sorted(standin.calls()) == sorted(calls), "each once"
    assert weir.metric("weir_exported_total", target="mlflow") == 15
    assert begun == 1 and weir.log().count("the target takes calls again") == 1, "told once, not at every attempt"


def test_a_call_that_is_refused_is_skipped_told_and_holds_up_nobody(weir, standin):
    def fault(method, path, body):
        refused = isinstance(body, dict) and any(t["value"] == "call-3" for t in body.get("tags", []))
        return 400 if refused else None

    standin.fault = fault
    send(weir, 8)
    state = exported(weir, 8)
    assert (state["exported"], state["failed"]) == (7, 1)
    assert failures(weir, "refused") == 3 and failures(weir, "skipped") == 1
    refused = weir.call("call-3")["span_id"]
    assert refused not in standin.calls() and f"call={refused}" in weir.log() and "skipped" in weir.log()
    weir.process.kill()
    weir.start()
    send(weir, 1, 20)
    exported(weir, 1)
    assert len(standin.calls()) == 8, "it is not tried again"


def test_a_run_whose_creation_was_not_answered_is_not_made_twice(weir, standin):
    """The server takes the run, but says so too late: after the attempt was given up."""
    waited = []

    def fault(method, path, body):
        if path.endswith("runs/create") and len(waited) < 3:
            waited.append(path)
            return 1.2
        return None

    standin.fault = fault
    send(weir, 6)
    exported(weir, 6)
    calls = sorted(c["span_id"] for c in weir.all_calls())
    eventually("each is there once", lambda: sorted(standin.calls()) == calls and len(standin.active()) == 6, 30, 0.1)


def test_what_the_server_asks_for_is_obeyed(weir, standin):
    standin.fault = lambda method, path, body: 429
    standin.retry_after = 2
    send(weir, 1)
    eventually("it is noticed", lambda: exporter(weir)["state"] == "retrying")
    begun = len(standin.seen)
    standin.fault = lambda method, path, body: None
    assert len(standin.seen) <= begun + 1
    exported(weir, 1)
    assert failures(weir, "rate_limited") <= 2


def test_a_deleted_experiment_is_told_and_nothing_is_lost(weir, standin):
    standin.experiments["llmops-production-api"] = {"id": "7", "stage": "deleted"}
    send(weir, 2)
    state = eventually("it is noticed", lambda: exporter(weir)["state"] == "retrying" and exporter(weir))
    assert "is deleted; restore it in MLflow" in state["last_error"]
    standin.experiments["llmops-production-api"]["stage"] = "active"
    assert exported(weir, 2)["exported"] == 2


def test_a_stop_ends_in_time_and_the_rest_is_exported_at_the_next_start(weir, standin):
    standin.fault = lambda method, path, body: 500
    send(weir, 4)
    eventually("it is noticed", lambda: exporter(weir)["state"] == "retrying")
    assert weir.stop() == 0
    standin.fault = lambda method, path, body: None
    weir.start()
    exported(weir, 4)
    assert sorted(standin.calls()) == sorted(c["span_id"] for c in weir.all_calls())
