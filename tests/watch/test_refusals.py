"""Bad input: a clear error that names the field, and nothing half-written."""

import pytest
from served import anomalies

from rig import Weir
from rig.weir import run


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"kind": "spikes"}, "kind"),
        ({"severity": "bad"}, "severity"),
        ({"state": "open"}, "state"),
        ({"since": "yesterday"}, "since"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"wait": "1h"}, "wait"),
        ({"projet": "shop"}, "projet"),
    ],
)
def test_a_wrong_parameter_is_named(watched, parameters, named):
    answer = watched.get("/api/v1/anomalies", **parameters)
    assert answer.status == 400 and f'"{named}"' in answer.json()["error"]["message"]


def test_wrong_feedback_changes_nothing(watched):
    told = anomalies(watched)[0]
    path = f"/api/v1/anomalies/{told['id']}/feedback"
    for body in ({"feedback": "fine"}, {"feedback": 1}, {"said": "expected"}, {}, "no json", []):
        answer = watched.post(path, body)
        assert answer.status == 400 and "feedback" in answer.json()["error"]["message"], body
    assert watched.get(f"/api/v1/anomalies/{told['id']}").json() == told
    assert watched.post("/api/v1/anomalies/none/feedback", {"feedback": "expected"}).status == 404
    assert watched.get("/api/v1/anomalies/none").status == 404


def test_the_command_answers_2_on_an_error(watched, tmp_path):
    for arguments in (
        ["--url", "http://127.0.0.1:9"],
        ["--data", tmp_path / "none"],
        ["--url", watched.url, "--severity", "bad"],
        ["--url", watched.url, "--rules", "--kind", "spike"],
        ["feedback", "none", "expected", "--url", watched.url],
        ["feedback", "none", "perhaps", "--url", watched.url],
    ):
        done = run("anomalies", *arguments, check=False)
        assert done.returncode == 2 and done.stderr.strip(), arguments


def test_feedback_is_not_given_beside_a_running_server(watched):
    done = run("anomalies", "feedback", "x", "expected", "--data", watched.data, check=False)
    assert done.returncode == 2 and "--url" in done.stderr


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('bucket = "90s"', "watch.bucket"),
        ('history = "1h"', "watch.history"),
        ("projects = 0", "watch.projects"),
        ("cost_ratio = 0.5", "watch.cost_ratio"),
        ("strictnes = 1", "strictness"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, line, named):
    weir = Weir(tmp_path, f"[watch]\n{line}\n", start=False)
    done = run("check-config", weir.config_path, check=False)
    assert done.returncode == 1 and named in done.stderr
    assert weir.spawn().wait() == 1 and named in weir.log()


def test_it_can_be_switched_off(tmp_path):
    weir = Weir(tmp_path, '[otlp]\ngrpc = "off"\n[watch]\nenabled = false\n')
    answer = weir.get("/api/v1/anomalies").json()
    assert answer["anomalies"] == [] and answer["watch"]["enabled"] is False
    assert "watch.enabled" in weir.post("/api/v1/anomalies/evaluate", None).json()["error"]["message"]
    assert weir.stop() == 0
