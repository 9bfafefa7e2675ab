"""Readiness: from nothing known to all that is demanded, each check driven to fail, and what the command prints."""

import json
import os
import re
import time

import pytest
from receivers import Receiver

from rig import behave, eventually
from rig.weir import run

CALLS = ("traced", "latency", "errors")
#: What a service has that is ready; each test takes something away.
GOOD = """
[otlp]
grpc = "off"

[record]
retention = "90d"
payload = "redacted"

[[limits]]
label = "department"
value = "*"
budget_usd_per_month = 100

[readiness]
min_calls = 10
scores = { helpful = 0.8 }
"""


def backed(folder):
    return f'[backup]\ndir = "{folder}/backups"\n'


def report(weir, **parameters):
    answer = weir.get("/api/v1/readiness", **parameters)
    assert answer.status == 200, answer.text
    return answer.json()


def checks(weir, **parameters):
    return {line["id"]: line for line in report(weir, **parameters)["checks"]}


def verdicts(weir):
    return {id: line["verdict"] for id, line in checks(weir).items()}


def talk(weir, key, calls=12, *words, **members):
    for n in range(calls):
        weir.chat(behave("up/gpt-4o", f"{key}{n}", *words), id=f"{key}-{n}", **members)
    weir.call(f"{key}-{calls - 1}")


def score(weir, call, value, name="helpful"):
    assert weir.post("/api/v1/scores", {"call": call, "name": name, "value": value}).status == 200


def test_of_nothing_nothing_is_known_and_what_is_missing_fails(serve):
    weir = serve('[otlp]\ngrpc = "off"\n')
    all = report(weir)
    found = {line["id"]: line for line in all["checks"]}
    assert all["ready"] is False and len(found) == 11
    for id in (*CALLS, "scores"):
        assert found[id]["verdict"] == "unknown" and found[id]["figure"]["value"] is None and found[id]["fix"]
    for id in ("channels", "runbooks"):
        assert found[id]["verdict"] == "unknown" and found[id]["found"] == "there is no alert rule"
    for id in ("budget", "alerts", "retention", "redaction", "backups"):
        assert found[id]["verdict"] == "fail" and found[id]["fix"], found[id]
    assert "0 calls in the window, fewer than 100" in found["errors"]["found"]
    assert all["passed"] + all["failed"] + all["unknown"] == 11
    done = run("ready", "--url", weir.url, check=False)
    assert done.returncode == 1 and "NOT READY" in done.stdout


def test_figures_come_from_the_calls(serve, up, key, tmp_path):
    weir = serve(up + GOOD + backed(tmp_path))
    talk(weir, key)
    found = checks(weir)
    assert [found[id]["verdict"] for id in CALLS] == ["pass"] * 3
    assert found["traced"]["figure"] == {"value": 1.0, "unit": "share", "target": 1.0, "bound": "at_least"}
    assert found["errors"]["figure"] == {"value": 0.0, "unit": "share", "target": 0.01, "bound": "below"}
    p95 = weir.get("/api/v1/stats").json()["total"]["latency_ms"]["p95"]
    assert found["latency"]["figure"]["value"] == pytest.approx(p95, rel=0.001)
    assert found["latency"]["windowed"] is True and found["budget"]["windowed"] is False
    assert found["budget"]["verdict"] == "pass" and found["retention"]["verdict"] == "pass"
    assert found["redaction"]["verdict"] == "pass"
    assert found["retention"]["figure"]["value"] == 90 * 86_400


def test_calls_that_cannot_be_found_again_fail(serve, up, key):
    weir = serve(up + GOOD)
    talk(weir, key)
    span = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "kind": "llm"}
    now = int(time.time() * 1e6)
    span |= {"name": "chat", "model": "m", "status": "success", "start_us": now - 1000, "end_us": now}
    assert weir.post("/api/v1/spans", {"spans": [span]}).status == 200
    traced = eventually("it is counted", lambda: (c := checks(weir)["traced"])["verdict"] == "fail" and c)
    assert traced["found"].startswith("12 of 13 calls have a trace and a request id") and "request_id" in traced["fix"]


def test_slow_answers_fail(serve, up, key):
    weir = serve(up + GOOD.replace("min_calls = 10", "min_calls = 10\np95_ms = 0.5"))
    talk(weir, key)
    latency = checks(weir)["latency"]
    assert latency["verdict"] == "fail" and latency["figure"]["target"] == 0.5 and "weir stats" in latency["fix"]


def test_errors_fail(serve, up, key):
    weir = serve(up + GOOD + "\n[gateway]\nretries = 0\n")
    talk(weir, key)
    talk(weir, f"{key}x", 1, "status=500")
    errors = checks(weir)["errors"]
    assert errors["verdict"] == "fail" and errors["found"].startswith("1 of 13 calls failed (7.692 %)")
    assert errors["figure"]["value"] == pytest.approx(1 / 13)


def test_scores_are_held_against_their_baseline(serve, up, key):
    weir = serve(up + GOOD)
    talk(weir, key)
    assert checks(weir)["scores"]["found"] == "no score in the window: helpful"
    score(weir, f"{key}-0", 0.9)
    assert checks(weir)["scores"]["verdict"] == "pass"
    score(weir, f"{key}-1", 0.5)
    scores = checks(weir)["scores"]
    assert scores["verdict"] == "fail" and scores["found"] == "below baseline: helpful 0.700 (baseline 0.8)"
    assert scores["figure"] == {"value": pytest.approx(0.7), "unit": "score", "target": 0.8, "bound": "at_least"}


def test_a_spent_budget_fails(serve, up, key):
    weir = serve(up + GOOD.replace("budget_usd_per_month = 100", "budget_usd_per_month = 0.001"))
    assert checks(weir)["budget"]["found"].startswith("1 budget within limits; furthest: each department, this month")
    body = {"metadata": {"department": "sales"}, "max_tokens": 10}
    weir.chat(behave("up/gpt-4o", key), id=key, headers={"x-fake": "usage=1000:100"}, **body)
    weir.call(key)
    budget = checks(weir)["budget"]
    assert budget["verdict"] == "fail" and budget["found"] == "spent: department sales, this month"
    assert budget["figure"]["value"] > 1 and budget["figure"]["target"] == 1


def test_backups_pass_when_one_was_restored_on_trial(serve, tmp_path):
    weir = serve(GOOD + backed(tmp_path))
    assert checks(weir)["backups"]["found"] == "there is no backup"
    made = weir.post("/api/v1/backup", None)
    assert made.status == 200 and made.json()["verified"] is None, made.text
    assert checks(weir)["backups"]["found"] == "1 backup, none restored on trial"
    made = weir.post("/api/v1/backup?verify=true", None).json()
    assert made["verified"]["calls"] == 0 and os.path.isfile(f"{made['path']}/manifest.json")
    backups = checks(weir)["backups"]
    assert backups["verdict"] == "pass" and backups["figure"]["value"] < 300
    text = weir.config_path.read_text()
    weir.config_path.write_text(text.replace("min_calls = 10", 'min_calls = 10\nbackup_max_age = "1s"'))
    eventually("the configuration is read again", lambda: checks(weir)["backups"]["verdict"] == "fail")


def test_the_server_makes_backups_by_itself(serve, tmp_path):
    weir = serve(GOOD + backed(tmp_path) + 'interval = "1d"\n')
    eventually("a backup is there and verified", lambda: checks(weir)["backups"]["verdict"] == "pass", 30)
    weir.process.wait_for("a backup was made")
    listed = json.loads(run("backup", "list", "--config", weir.config_path, "--json").stdout)["backups"]
    assert len(listed) == 1 and listed[0]["verified"]["calls"] == 0
    assert weir.metric("weir_backups_total", result="done") == 1
    for backup in ("made", "restored"):
        assert abs(weir.metric("weir_backup_newest_timestamp_seconds", backup=backup) - time.time()) < 300


def test_a_backup_that_cannot_be_made_is_counted(serve, tmp_path):
    (tmp_path / "backups").write_text("no folder")
    weir = serve(GOOD + backed(tmp_path))
    assert weir.post("/api/v1/backup", None).status >= 400
    assert weir.metric("weir_backups_total", result="failed") == 1


RULE = {
    "id": "errors",
    "name": "Errors",
    "metric": {"measure": "error_ratio"},
    "condition": {"warn": 0.15},
    "runbook_url": "https://example.com/runbook",
    "channels": ["ops"],
}


def rule(weir, **members):
    answer = weir.post("/api/v1/alert-rules", {**RULE, **members})
    assert answer.status == 200, answer.text


def hook(receiver, path="hook"):
    return f'[[channels]]\nname = "ops"\nurl = "{receiver.url}/{path}"\n'


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def test_alerts_pass_when_their_channels_were_tested_and_they_name_runbooks(serve, receiver):
    weir = serve(GOOD + hook(receiver))
    rule(weir)
    found = checks(weir)
    assert found["alerts"]["verdict"] == "pass" and found["alerts"]["found"] == "1 rule, each with a channel"
    assert found["runbooks"]["verdict"] == "pass"
    assert found["channels"]["verdict"] == "fail" and found["channels"]["found"] == "ops (never tested as it is now)"
    assert found["channels"]["figure"] == {"value": 0.0, "unit": "count", "target": 1.0, "bound": "of"}
    run(*found["channels"]["fix"].split("weir ")[1].replace("NAME", "ops").split(), "--url", weir.url)
    assert checks(weir)["channels"]["verdict"] == "pass"
    weir.config_path.write_text(weir.config_path.read_text().replace("/hook", "/other"))
    eventually("what was changed is untested", lambda: checks(weir)["channels"]["verdict"] == "fail")
    receiver.answers = [(500,)]
    run("channels", "test", "ops", "--url", weir.url, check=False)
    assert checks(weir)["channels"]["found"] == "ops (the last test failed)"
    run("channels", "test", "ops", "--url", weir.url)
    assert checks(weir)["channels"]["verdict"] == "pass"
    receiver.answers = [(410,)]
    assert weir.post("/api/v1/channels/ops/test?queued=true", None).status == 200
    given_up = eventually("it is given up", lambda: (c := checks(weir)["channels"])["verdict"] == "fail" and c)
    assert given_up["found"].startswith("ops (the last notification was given up: ")
    assert weir.metric("weir_notifications_total", channel="ops", outcome="given_up") == 1


def test_alerts_that_nobody_hears_of_or_knows_what_to_do_about_fail(serve, receiver):
    weir = serve(GOOD + hook(receiver))
    rule(weir, channels=["nobody"])
    rule(weir, id="costs", name="Costs", runbook_url=None)
    rule(weir, id="off", name="Off", enabled=False, channels=[], runbook_url=None)
    found = checks(weir)
    assert found["alerts"]["verdict"] == "fail" and found["alerts"]["found"] == "no channel is told of: Errors"
    assert found["runbooks"]["verdict"] == "fail" and found["runbooks"]["found"] == "without: Costs"


def test_a_watched_budget_counts_as_well(serve, up, key):
    budget = '[[budgets]]\nname = "Sales"\namount = 0.001\nperiod = "day"\nfilters = { department = "sales" }\n'
    weir = serve(up + GOOD.split("[[limits]]")[0] + budget)
    assert checks(weir)["budget"]["found"].startswith("1 budget within limits; furthest: Sales, this day, 0 % spent")
    body = {"metadata": {"department": "sales"}, "max_tokens": 10}
    weir.chat(behave("up/gpt-4o", key), id=key, headers={"x-fake": "usage=1000:100"}, **body)
    weir.call(key)
    spent = eventually("it is spent", lambda: (c := checks(weir)["budget"])["verdict"] == "fail" and c)
    assert spent["found"] == "spent: Sales, this day"


def test_everything_passes(serve, up, key, receiver, tmp_path):
    weir = serve(up + GOOD + backed(tmp_path) + hook(receiver))
    talk(weir, key)
    score(weir, f"{key}-0", 0.9)
    rule(weir)
    assert weir.post("/api/v1/channels/ops/test", None).json()["ok"] is True
    assert weir.post("/api/v1/backup?verify=true", None).status == 200
    whole = report(weir)
    assert whole["ready"] is True and whole["passed"] == 11, whole
    assert [line["fix"] for line in whole["checks"]] == [None] * 11
    done = run("ready", "--url", weir.url)
    assert done.stdout.endswith("READY  11 pass\n") and "→" not in done.stdout
    weir.stop()
    offline = run("ready", "--json", "--config", weir.config_path, "--data", weir.data, check=False)
    offline = {line["id"]: line["verdict"] for line in json.loads(offline.stdout)["checks"]}
    assert set(offline.values()) == {"pass"}, offline


def test_decisions_that_were_not_made_fail(serve):
    weir = serve(re.sub(r"\[record\].*?\n\n", "", GOOD, flags=re.S))
    found = checks(weir)
    assert found["retention"]["verdict"] == "fail" and "retention" in found["retention"]["fix"]
    assert found["redaction"]["verdict"] == "fail" and "payload" in found["redaction"]["fix"]


def test_a_window_and_checks_can_be_chosen(serve, up, key, tmp_path):
    weir = serve(up + GOOD + 'skip = ["backups"]\nunknown_fails = true\n')
    talk(weir, key)
    assert report(weir, window="1h")["checks"][0]["verdict"] == "pass"
    assert "backups" not in checks(weir)
    assert report(weir)["ready"] is False, "something is unknown"
    for wrong in ("1s", "soon", "100d"):
        assert weir.get("/api/v1/readiness", window=wrong).status == 400


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ("[readiness]\nerror_rate = 5", "readiness.error_rate"),
        ('[readiness]\nskip = ["error"]', "readiness.skip"),
        ('[readiness]\nwindow = "1s"', "readiness.window"),
        ("[backup]\nkeep = 0", "backup.keep"),
        ('[backup]\ninterval = "1d"', "backup.dir"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(tmp_path, section, named):
    path = tmp_path / "weir.toml"
    path.write_text(section)
    done = run("check-config", path, check=False)
    assert done.returncode == 1 and named in done.stderr
    (tmp_path / "data").mkdir()
    done = run("ready", "--config", path, "--data", tmp_path / "data", check=False)
    assert done.returncode == 2 and named in done.stderr


def ageless(checks):
    """Without the age of the backup, which goes on between two questions."""
    return [line | {"figure": None} if line["id"] == "backups" else line for line in checks]


def test_the_command_says_the_same_of_a_server_and_of_its_files(serve, up, key, tmp_path):
    weir = serve(up + GOOD + backed(tmp_path))
    talk(weir, key)
    weir.post("/api/v1/backup?verify=true", None)
    online = json.loads(run("ready", "--json", "--url", weir.url, check=False).stdout)
    assert ageless(online["checks"]) == ageless(report(weir)["checks"])
    offline = run("ready", "--json", "--config", weir.config_path, "--data", weir.data, check=False)
    offline = {line["id"]: line for line in json.loads(offline.stdout)["checks"]}
    for id in (*CALLS, "scores", "budget", "retention", "redaction", "backups"):
        line = next(line for line in online["checks"] if line["id"] == id)
        assert offline[id]["verdict"] == line["verdict"]
    done = run("ready", "--url", "http://127.0.0.1:9", check=False)
    assert done.returncode == 2 and "cannot reach" in done.stderr
    assert run("ready", "--data", tmp_path / "none", check=False).returncode == 2
    text = run("ready", "--url", weir.url, check=False).stdout
    assert re.search(r"✓ pass +Every call traced +100 % +≥ 100 % +7d +12 of 12 calls", text), text
    assert "→ score calls" in text or "→ run the evaluation" in text
