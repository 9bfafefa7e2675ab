"""Restarts, kill -9, feedback: nothing is lost, doubled or forgotten."""

import json
import shutil

import pytest
from served import anomalies, start
from traffic import DAY, END, ERRORS, HOUR, START, TOKENS, Incident, Traffic, load

from rig.weir import run


@pytest.fixture
def copied(watched, tmp_path):
    """A server of the test's own over what is there, as if it had been killed."""
    anomalies(watched)
    shutil.copytree(watched.data, tmp_path / "data", ignore=shutil.ignore_patterns("*.pid", "*.lock"))
    weir = start(tmp_path)
    yield weir
    weir.stop()


def test_kill_9_before_anything_is_judged_loses_nothing(watched, tmp_path):
    expected = anomalies(watched, project="shop")
    weir = start(tmp_path)
    load(weir, Traffic("shop", [ERRORS, TOKENS]).calls(START, END))
    weir.process.kill()
    weir.start()
    assert anomalies(weir, project="shop") == expected
    weir.process.kill()
    weir.start()
    assert anomalies(weir, project="shop") == expected
    assert weir.stop() == 0


def test_what_comes_after_a_kill_is_judged_with_what_was_learned(copied):
    before = anomalies(copied, project="shop")
    copied.process.kill()
    copied.start()
    again = Incident("errors", END + 14 * HOUR, END + 17 * HOUR)
    load(copied, Traffic("shop", [again]).calls(END, END + DAY))
    after = anomalies(copied, project="shop")
    assert {a["id"] for a in before} <= {a["id"] for a in after}
    new = [a for a in after if a["id"] not in {b["id"] for b in before} and a["metric"] == "error_ratio"]
    assert len(new) == 1 and new[0]["causes"][0]["value"] == "small"
    assert len({a["id"] for a in after}) == len(after)


def test_feedback_is_kept(copied):
    told = next(a for a in anomalies(copied, project="shop") if a["metric"] == "error_ratio")
    answer = copied.post(f"/api/v1/anomalies/{told['id']}/feedback", {"feedback": "expected"})
    assert answer.status == 200 and answer.json() == {**told, "feedback": "expected"}
    copied.process.kill()
    copied.start()
    assert copied.get(f"/api/v1/anomalies/{told['id']}").json()["feedback"] == "expected"
    assert copied.post("/api/v1/anomalies/evaluate", None).status == 200
    assert copied.get(f"/api/v1/anomalies/{told['id']}").json()["feedback"] == "expected"
    said = run("anomalies", "feedback", told["id"], "new-normal", "--json", "--url", copied.url)
    assert json.loads(said.stdout)["feedback"] == "new_normal"
    copied.stop()
    run("anomalies", "feedback", told["id"], "expected", "--data", copied.data)
    listed = json.loads(run("anomalies", "--json", "--data", copied.data).stdout)["anomalies"]
    assert next(a for a in listed if a["id"] == told["id"])["feedback"] == "expected"


def test_an_incident_that_goes_on_is_an_exit_code(copied):
    assert run("anomalies", "--url", copied.url).returncode == 0
    going_on = Incident("errors", END + 14 * HOUR, END + 20 * HOUR)
    load(copied, Traffic("shop", [going_on]).calls(END, END + 16 * HOUR))
    done = run("anomalies", "--url", copied.url, "--state", "firing", check=False)
    assert done.returncode == 1 and "error_ratio" in done.stdout
    assert run("anomalies", "--data", copied.data, check=False).returncode == 1
    assert run("anomalies", "--url", copied.url, "--project", "quiet").returncode == 0


def test_files_that_no_server_judged_are_judged_by_the_command(watched, tmp_path):
    expected = anomalies(watched)
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("telemetry.db", "telemetry.db-wal"):
        if (watched.data / name).exists():
            shutil.copy(watched.data / name, folder / name)
    assert json.loads(run("anomalies", "--json", "--data", folder).stdout)["anomalies"] == expected
    assert not (folder / "catalog.db").exists()
    assert json.loads(run("anomalies", "--evaluate", "--json", "--data", watched.data).stdout)["anomalies"] == expected
