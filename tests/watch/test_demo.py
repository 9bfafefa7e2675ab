"""`weir demo-data`: what a newcomer looks at, made by the built binary. The watch finds both of its incidents by itself."""

import json
import subprocess

import pytest

from rig import BIN

WEIR = str(BIN / "weir")

UNTIL = "2026-11-26T18:20:00Z"


def weir(*arguments, code=0):
    done = subprocess.run([WEIR, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "data"
    done = weir("demo-data", "--data", str(folder), "--until", UNTIL)
    assert "weir serve --data" in done.stdout
    return folder


def found(data):
    done = subprocess.run(
        [WEIR, "anomalies", "--data", str(data), "--since", "2026-10-27", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    return [a for a in json.loads(done.stdout)["anomalies"] if a["severity"] != "info"]


def test_both_incidents_are_found_with_their_cause_and_hardly_anything_beside_them_and_the_rollout(data):
    anomalies = found(data)
    causes = {(a["metric"], a["onset"][:10], a["causes"][0]["value"]) for a in anomalies}
    providers = {c for c in causes if c[1] == "2026-11-19"}
    assert any(metric == "error_ratio" for metric, _, _ in providers), causes
    assert all(value == "anthropic" or value.startswith("claude-") for _, _, value in providers), causes
    # From this day on all of support's calls have the second version, whose prompt is longer.
    rollout = {c for c in causes if c[1] == "2026-11-15"}
    assert rollout <= {("prompt_tokens_per_call", "2026-11-15", cause) for cause in ("support", "support-answer@v2")}
    prompts = {c for c in causes if c[1] == "2026-11-26" and c[2] == "refund-decision@v2"}
    assert any(metric == "completion_tokens_per_call" for metric, _, _ in prompts), causes
    # A hundredth of a false alarm a week and series is about one in a month of this project.
    beside = causes - providers - rollout - prompts
    assert len(beside) <= 2, beside


def test_the_second_version_of_the_prompt_is_cheaper_and_better(data):
    done = weir("ab", "support-answer", "--data", str(data), "--since", "2026-10-27", "--json")
    verdicts = {d["metric"]: d["verdict"] for d in json.loads(done.stdout)["differences"]}
    assert verdicts["cost_usd"] == "better", verdicts
    assert verdicts["scores.faithfulness"] == "better", verdicts


def test_the_last_day_is_full(data):
    done = weir(
        "stats", "--data", str(data), "--since", "2026-11-25T18:20:00Z", "--until", UNTIL,
        "--by", "project", "--bucket", "1h", "--json",
    )
    hours = json.loads(done.stdout)["groups"][0]["series"]
    assert len(hours) >= 24 and all(hour["count"] > 0 for hour in hours[1:-1])


def test_a_folder_with_something_in_it_is_left_alone(data):
    refused = weir("demo-data", "--data", str(data), code=1).stderr
    assert "is not empty" in refused and "--add" in refused
