"""Alert rules against the real binary: they fire, escalate and end; nothing is lost or doubled; dry runs tell the truth."""

import json
import threading
from datetime import datetime

import pytest
from alerting import (
    ERRORS,
    alerts,
    calls,
    create,
    events,
    history,
    incident,
    ok,
    reload,
    replay,
    send,
    serve,
    this_minute,
    told,
)
from receivers import Receiver
from served import anomalies
from traffic import BUCKET, DAY, HOUR, MINUTE, Incident, Traffic, load

from rig import Weir
from rig.process import ROOT, eventually
from rig.weir import run


@pytest.fixture(scope="module")
def happened(tmp_path_factory):
    """A server with an incident of an hour ago, and a rule that is switched off."""
    weir = serve(tmp_path_factory.mktemp("happened"))
    weir.since = this_minute() - HOUR
    incident(weir, weir.since)
    create(weir, enabled=False)
    replay(weir, weir.since, weir.since + 50 * MINUTE)
    yield weir
    assert weir.stop() == 0


def test_a_rule_fires_escalates_and_ends(happened):
    assert events(happened) == ["fired", "escalated", "resolved"]
    fired, escalated, resolved = told(happened)
    assert [n["alert"]["severity"] for n in (fired, escalated)] == ["warning", "critical"]
    assert fired["alert"]["labels"] == {"model": "a"} and fired["channel"] == "ops"
    assert fired["alert"]["summary"].startswith("error_ratio is ") and fired["alert"]["runbook_url"]
    assert resolved["alert"]["state"] == "resolved" and resolved["alert"]["ends_at"] > fired["alert"]["starts_at"]
    assert len({n["id"] for n in told(happened)}) == 3
    lines = history(happened, fingerprint=fired["alert"]["fingerprint"])
    assert [(line["state"], line["event"]) for line in lines] == [
        ("firing", "fired"),
        ("firing", "escalated"),
        ("resolved", "resolved"),
    ]
    detail = ok(happened.get(f"/api/v1/alerts/{fired['alert']['fingerprint']}"))
    assert detail["alert"]["state"] == "resolved" and detail["history"] == lines[::-1]
    assert alerts(happened) == [], "what is over is listed only when asked for"
    assert [a["state"] for a in alerts(happened, state="all")] == ["resolved"]


def test_a_dry_run_says_what_the_worker_did(happened):
    dry = ok(happened.post("/api/v1/alert-rules/dry-run?span=2h", ERRORS))
    (episode,) = dry["episodes"]
    fired, _, resolved = told(happened)
    assert episode["labels"] == {"model": "a"} and episode["severity"] == "critical"
    assert (episode["start"], episode["end"]) == (fired["alert"]["starts_at"], resolved["alert"]["ends_at"])
    assert (episode["value"], episode["threshold"]) == (fired["alert"]["value"], 0.15)
    assert episode["notifications"] == events(happened)
    assert dry["notifications"] == {"fired": 1, "escalated": 1, "resolved": 1}
    chart = next(s for s in dry["series"] if s["labels"] == {"model": "a"})
    assert any(p["firing"] and p["value"] > 0.4 for p in chart["points"])
    assert ok(happened.post("/api/v1/alert-rules/dry-run", ERRORS))["evaluations"] == 14 * 24 * 60 + 1


def test_the_command_tries_a_rule_out_online_and_offline(happened, tmp_path):
    (tmp_path / "errors.json").write_text(json.dumps(ERRORS))
    arguments = ["alerts", "dry-run", tmp_path / "errors.json", "--span", "2h"]
    online = json.loads(run(*arguments, "--json", "--url", happened.url).stdout)
    offline = json.loads(run(*arguments, "--json", "--data", happened.data).stdout)
    assert online["episodes"] == offline["episodes"] and len(online["episodes"]) == 1
    text = run(*arguments, "--url", happened.url).stdout
    assert "1 alerts; told: 1 escalated, 1 fired, 1 resolved" in text and "model a" in text


def test_kill_9_neither_loses_nor_doubles_a_notification(happened, tmp_path):
    weir = serve(tmp_path)
    incident(weir, happened.since)
    create(weir, enabled=False)
    end = happened.since + 50 * MINUTE
    for minutes in (13, 14, 25, 31):
        replay(weir, resume(weir, happened.since), happened.since + minutes * MINUTE)
        weir.process.kill()
        weir.start()
    replay(weir, resume(weir, happened.since), end)
    same(weir, happened)
    assert weir.stop() == 0


def test_kill_9_amid_an_evaluation_of_the_past_loses_nothing(happened, tmp_path):
    weir = serve(tmp_path)
    incident(weir, happened.since)
    create(weir, enabled=False)
    begin, end = happened.since - 5 * DAY, happened.since + 50 * MINUTE
    asked = threading.Thread(target=attempt, args=(weir, begin, end))
    asked.start()
    eventually("it is under way", lambda: resume(weir, begin) > begin)
    weir.process.kill()
    asked.join()
    weir.start()
    if resume(weir, begin) <= end:
        replay(weir, resume(weir, begin), end)
    same(weir, happened)
    assert weir.stop() == 0


def same(weir, happened):
    """What was told is what was told without a kill."""
    assert [(n["id"], n["event"]) for n in told(weir)] == [(n["id"], n["event"]) for n in told(happened)]
    assert [(line["at"], line["state"]) for line in history(weir)] == [
        (line["at"], line["state"]) for line in history(happened)
    ]


def resume(weir, start):
    """The instant after the last one that a rule was evaluated at."""
    at = ok(weir.get("/api/v1/alert-rules/errors"))["evaluated_at"]
    return start if at is None else micros(at) + MINUTE


def micros(text):
    return int(datetime.fromisoformat(text).timestamp() * 1e6)


def attempt(weir, start, end):
    try:
        weir.post(f"/api/v1/alert-rules/errors/evaluate?from={start}&to={end}", None)
    except OSError:
        pass  # It was killed.


def test_the_worker_evaluates_by_itself(tmp_path):
    weir = serve(tmp_path)
    now = this_minute()
    load(weir, calls(now - 10 * MINUTE, now + MINUTE, failing=6))
    assert run("alerts", "--url", weir.url).returncode == 0
    create(weir)
    (alert,) = eventually("the rule fires", lambda: alerts(weir, state="firing"))
    assert alert["rule_id"] == "errors" and alert["severity"] == "critical"
    assert events(weir) == ["fired"]
    listed = run("alerts", "--url", weir.url, check=False)
    assert listed.returncode == 1 and "model a" in listed.stdout and alert["fingerprint"] in listed.stdout
    assert run("alerts", "--data", weir.data, check=False).returncode == 1
    assert run("alerts", "--project", "other", "--url", weir.url).returncode == 0
    assert weir.metric("weir_alerts_firing", severity="critical") == 1
    assert weir.metric("weir_alert_evaluations_total", result="done") >= 1
    assert weir.metric("weir_alert_evaluation_seconds_count") >= 1

    # Somebody takes care of it.
    path = f"/api/v1/alerts/{alert['fingerprint']}"
    acked = run("alerts", "ack", alert["fingerprint"], "--by", "ann", "--note", "on it", "--url", weir.url)
    assert "ann takes care" in acked.stdout
    ack = ok(weir.get(path))["alert"]["ack"]
    assert (ack["by"], ack["note"], ack["until"]) == ("ann", "on it", None)
    assert events(weir) == ["fired", "acknowledged"]
    assert "event" in history(weir)[-1] and history(weir)[-1]["by"] == "ann"

    # A mute keeps it on the list, and the exit code 0.
    mute = {"rule_id": "errors", "labels": {"model": "a"}, "ends_at": "2100-01-01T00:00:00Z"}
    refused = weir.post("/api/v1/alert-mutes", mute)
    assert refused.status == 400 and "366 days" in refused.json()["error"]["message"]
    mute["ends_at"] = str((now + HOUR) // 1_000_000)
    muted = ok(weir.post("/api/v1/alert-mutes", mute))
    assert ok(weir.get("/api/v1/alert-mutes"))["mutes"] == [muted]
    assert alerts(weir)[0]["muted"] and run("alerts", "--url", weir.url).returncode == 0
    unmuted = send(weir, "DELETE", f"/api/v1/alert-mutes/{muted['id']}")
    assert unmuted.status == 200 and not alerts(weir)[0]["muted"]

    # It survives kill -9, and ends with its rule.
    weir.process.kill()
    weir.start()
    assert [a["fingerprint"] for a in alerts(weir)] == [alert["fingerprint"]]
    assert send(weir, "DELETE", "/api/v1/alert-rules/errors").status == 200
    eventually("its alerts end", lambda: events(weir) == ["fired", "acknowledged", "resolved"])
    assert alerts(weir, state="all") == []
    assert weir.stop() == 0


def test_what_is_told_arrives_once(happened, tmp_path):
    receiver = Receiver()
    weir = Weir(tmp_path, f'[otlp]\ngrpc = "off"\n[[channels]]\nname = "hook"\nurl = "{receiver.url}/hook"\n')
    incident(weir, happened.since)
    create(weir, enabled=False, channels=["hook", "nobody"])
    replay(weir, happened.since, happened.since + 50 * MINUTE)
    eventually("all of it arrives", lambda: len(receiver.came) == 3)
    kinds = [came.json()["type"] for came in receiver.came]
    assert kinds == ["alert.fired", "alert.escalated", "alert.resolved"]
    assert [came.id for came in receiver.came] == [n["id"] for n in told(weir)]
    assert {n["channel"] for n in told(weir)} == {"hook"}, "nobody is told where there is no channel"
    assert weir.stop() == 0
    receiver.close()


def test_a_mute_window_of_the_rule_holds_back(happened, tmp_path):
    weir = serve(tmp_path)
    incident(weir, happened.since)
    always = [{"from": "00:00", "to": "12:00"}, {"from": "12:00", "to": "00:00"}]
    create(weir, enabled=False, mute=always)
    replay(weir, happened.since, happened.since + 50 * MINUTE)
    assert events(weir) == [] and [line["state"] for line in history(weir)] == ["firing", "resolved"]
    assert weir.stop() == 0


def test_rules_of_files_are_taken_and_refused_whole(tmp_path):
    folder = tmp_path / "alerts"
    folder.mkdir()
    (folder / "errors.json").write_text(json.dumps(ERRORS))
    weir = serve(tmp_path, f'[alerts]\ndir = "{folder}"\n')

    def ids():
        return [rule["id"] for rule in ok(weir.get("/api/v1/alert-rules"))["rules"]]

    assert ids() == ["errors"]
    assert ok(weir.get("/api/v1/alert-rules/errors"))["file"] == str(folder / "errors.json")
    fixed = send(weir, "PUT", "/api/v1/alert-rules/errors", ERRORS)
    assert fixed.status == 409 and str(folder) in fixed.json()["error"]["message"]
    (folder / "more.yaml").write_text("{name: More, metric: {measure: cost}, condition: {crit: 5}}")
    reload(weir)
    eventually("the new file is taken", lambda: ids() == ["errors", "more"])

    (folder / "bad.toml").write_text('name = "Bad"\nmetric = { measure = "ttf" }\ncondition = { crit = 1 }\n')
    reload(weir)
    eventually("the bad file is refused", lambda: "bad.toml: metric.measure: time to the first token" in weir.log())
    assert ids() == ["errors", "more"]
    for arguments in (["check-config", weir.config_path], ["alerts", "check", folder]):
        done = run(*arguments, check=False)
        assert done.returncode > 0 and "bad.toml: metric.measure" in done.stderr
    (folder / "bad.toml").unlink()
    assert "alert more" in run("check-config", weir.config_path).stdout
    assert "ok: 2 rules in 2 files" in run("alerts", "check", folder).stdout
    text = run("alerts", "rules", "--url", weir.url).stdout
    assert "errors.json" in text and "more" in text
    assert weir.stop() == 0


BUDGET = '[[budgets]]\nname = "Models"\namount = 100\nperiod = "month"\nper = ["model"]\nchannels = ["ops"]\n'


def test_a_budget_alerts_and_says_how_it_stands(tmp_path):
    weir = serve(tmp_path)
    now = this_minute()
    load(weir, calls(now - 15 * MINUTE, now - 10 * MINUTE, every=5_000_000))
    load(weir, calls(now - 15 * MINUTE, now - 10 * MINUTE, model="b", every=30_000_000))
    reload(weir, BUDGET)
    a, b = eventually("the budget is there", lambda: ok(weir.get("/api/v1/budgets"))["budgets"])
    assert (a["labels"], a["spent"], a["share"], a["crossed"]) == ({"model": "a"}, 60, 0.6, 0.5)
    assert (b["labels"], b["spent"], b["crossed"]) == ({"model": "b"}, 10, None)
    assert a["projected"] > 100 and a["from"] < a["exhausted_at"] < a["to"]
    (alert,) = eventually("the budget's alert fires", lambda: alerts(weir, state="firing"))
    assert alert["labels"] == {"budget": "Models", "model": "a", "threshold": "50%"}
    assert alert["severity"] == "warning" and "60% of 100 USD of the month" in alert["summary"]
    assert events(weir) == ["fired"]
    assert weir.stop() == 0


SLOS = (
    '[[slos]]\nname = "Answers"\nobjective = 0.99\nchannels = ["ops"]\n'
    '[[slos]]\nname = "Fast"\nobjective = 0.9\nlatency = "500ms"\n'
    '[[slos]]\nname = "Other"\nobjective = 0.99\nproject = "other"\n'
)


def test_objectives_burn(tmp_path):
    weir = serve(tmp_path)
    now = this_minute()
    load(weir, calls(now - 2 * HOUR, now + MINUTE, failing=4))
    reload(weir, SLOS)
    answers, fast, other = eventually("the objectives are there", lambda: ok(weir.get("/api/v1/slos"))["slos"])
    assert answers["firing"] and 0.55 < answers["good_share"] < 0.65 and answers["budget_left"] < -30
    assert [rate["firing"] for rate in answers["burn_rates"]] == [True, True, True, True]
    assert (fast["indicator"], fast["target"], fast["bad"]) == ("latency", 500, fast["total"])
    assert (other["total"], other["good_share"], other["budget_left"], other["firing"]) == (0, None, 1, False)
    names = eventually("the objective's alert fires", lambda: {a["rule"] for a in alerts(weir, state="firing")})
    assert "Objective Answers" in names
    burning = next(n for n in told(weir) if n["event"] == "fired")
    assert burning["alert"]["rule_id"] == "slo:answers" and burning["alert"]["severity"] == "critical"
    assert weir.stop() == 0


def test_an_open_anomaly_is_an_alert_with_the_whole_record(tmp_path):
    weir = serve(tmp_path)
    end = this_minute() // BUCKET * BUCKET
    failing = Incident("errors", end - HOUR, end)
    load(weir, Traffic("shop", [failing], per_bucket=20.0).calls(end - 9 * DAY, end))
    open_ = [a for a in anomalies(weir, state="firing") if a["metric"] == "error_ratio"]
    assert len(open_) == 1
    rule = {"id": "odd", "name": "Odd", "source": "anomaly", "channels": ["ops"], "anomaly": {"metrics": ["error_ratio"]}}
    ok(weir.post("/api/v1/alert-rules", rule))
    (alert,) = eventually("the anomaly's alert fires", lambda: alerts(weir, rule="odd"))
    assert alert["anomaly"] == open_[0] and alert["labels"]["anomaly"] == open_[0]["id"]
    assert told(weir)[0]["alert"]["anomaly"] == open_[0]
    assert "model small" in alert["summary"]
    assert weir.stop() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"group_by": ["modle"]}, "group_by[0]"),
        ({"condition": {"warn": 5, "crit": 1}}, "condition.crit"),
        ({"condition": {"warm": 5}}, "condition.warm"),
        ({"metric": {"measure": "ttf"}}, "metric.measure"),
        ({"metric": {"measure": "latency", "agg": "sum"}}, "metric.agg"),
        ({"window": "90s"}, "window"),
        ({"source": "budget", "metric": None, "group_by": [], "window": None, "budget": "none"}, "budget"),
        ({"name": 5}, "name"),
        ({"chanels": []}, "chanels"),
        ({"mute": [{"from": "25:00", "to": "01:00"}]}, "mute[0].from"),
        ({"id": "a/b"}, "id"),
    ],
)
def test_a_wrong_member_is_named_and_nothing_is_written(happened, change, field):
    before = ok(happened.get("/api/v1/alert-rules"))
    wrong = {**ERRORS, "id": "wrong", **change}
    for method, path in [("POST", ""), ("POST", "/dry-run"), ("PUT", "/errors")]:
        body = {**wrong, "id": change.get("id", "errors")} if method == "PUT" else wrong
        answer = send(happened, method, f"/api/v1/alert-rules{path}", body)
        assert answer.status == 400, answer.text
        error = answer.json()["error"]
        assert error["message"].startswith(field) and error["param"] == field, error
    assert ok(happened.get("/api/v1/alert-rules")) == before


def test_other_refusals(happened):
    assert happened.post("/api/v1/alert-rules", ERRORS).status == 409
    assert send(happened, "PUT", "/api/v1/alert-rules/errors?version=9", ERRORS).status == 409
    assert send(happened, "PUT", "/api/v1/alert-rules/none", {**ERRORS, "id": "none"}).status == 404
    assert send(happened, "DELETE", "/api/v1/alert-rules/none").status == 404
    assert happened.get("/api/v1/alerts/none").status == 404
    assert happened.post("/api/v1/alerts/none/ack", {}).status == 404
    for path, parameters, named in [
        ("alerts", {"state": "open"}, "state"),
        ("alerts", {"severity": "bad"}, "severity"),
        ("alerts", {"limit": 0}, "limit"),
        ("alerts/history", {"cursor": "x"}, "cursor"),
        ("alerts/history", {"cursor": "-1"}, "cursor"),
        ("alerts/history", {"cursor": "+7"}, "cursor"),
        ("alerts/history", {"cursor": "9" * 30}, "cursor"),
        ("alert-rules", {"x": 1}, "x"),
    ]:
        answer = happened.get(f"/api/v1/{path}", **parameters)
        assert answer.status == 400 and f'"{named}"' in answer.json()["error"]["message"]
    again = happened.post(f"/api/v1/alert-rules/errors/evaluate?from={happened.since}", None)
    assert again.status == 400 and "already evaluated" in again.json()["error"]["message"]
    late = happened.post("/api/v1/alert-rules/errors/evaluate?from=30d", None)
    assert late.status == 400 and "14d" in late.json()["error"]["message"]
    assert happened.post("/api/v1/alert-rules/dry-run?span=30d", ERRORS).status == 400
    for arguments in (
        ["--url", "http://127.0.0.1:9"],
        ["--url", happened.url, "--state", "open"],
        ["check", "/nowhere.toml"],
        ["dry-run", "/nowhere.toml", "--url", happened.url],
        ["ack", "none", "--url", happened.url],
    ):
        done = run("alerts", *arguments, check=False)
        assert done.returncode == 2 and done.stderr.strip(), arguments


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ('[[budgets]]\nname = "b"\namount = 0\n', "budgets[0]: amount"),
        ('[[budgets]]\nname = "b"\namount = 1\nper = ["team"]\n', "budgets[0]: per[0]"),
        ('[[slos]]\nname = "s"\nobjective = 99\n', "slos[0]: objective"),
        ('[alerts]\ndir = "/nowhere"\n', "/nowhere"),
        ('[alerts]\nurl = "weir"\n', "alerts.url"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, section, named):
    weir = serve(tmp_path, section, start=False)
    done = run("check-config", weir.config_path, check=False)
    assert done.returncode == 1 and named in done.stderr
    assert weir.spawn().wait() == 1 and named in weir.log()


def test_the_starter_rules_are_right(happened):
    folder = ROOT / "examples" / "alerts"
    assert run("alerts", "check", folder).stdout.startswith("ok: 9 rules")
    for path in sorted(folder.glob("*.*")):
        if path.suffix != ".md":
            run("alerts", "dry-run", path, "--span", "6h", "--url", happened.url)
