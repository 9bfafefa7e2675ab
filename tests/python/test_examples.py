"""The examples run without a key and leave a database worth looking at."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT, query

EXAMPLES = ROOT / "python" / "examples"


def run(name, db):
    env = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    done = subprocess.run([sys.executable, EXAMPLES / name, db], capture_output=True, text=True, timeout=100, env=env, cwd=db.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_basic_workflow(db):
    said = run("basic_workflow.py", db)
    assert "How do I reset my password?\n  answer: [demo]" in said
    calls = query(db, "SELECT * FROM llm_calls")
    assert len(calls) == 3 and all(call["total_tokens"] > 0 and call["prompt_version"] == "v1" for call in calls)
    routes = query(db, "SELECT to_node, count(*) AS n FROM branch_decisions GROUP BY 1 ORDER BY 1")
    assert routes == [{"to_node": "answer", "n": 3}, {"to_node": "hand_over", "n": 1}, {"to_node": "search", "n": 3}]
    assert len(query(db, "SELECT * FROM tool_calls WHERE output LIKE '%KB-%'")) == 3


def test_its_class_answers_one_question(db, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from basic_workflow import ObservabilityWorkflow

    done = ObservabilityWorkflow(db_path=db).process_request("How do I reset my password?")
    assert done["route"] == "answer" and "password" in done["answer"]


def test_advanced_workflow(db):
    said = run("advanced_workflow.py", db)
    assert "alert: " in said and "tokens per call" in said and "claims were reviewed by people" in said
    statuses = {row["status"]: row["n"] for row in query(db, "SELECT status, count(*) AS n FROM llm_calls GROUP BY 1")}
    assert statuses["error"] == 1 and statuses["success"] > 230
    tools = query(db, "SELECT tool_name, status, count(*) AS n FROM tool_calls GROUP BY 1, 2")
    assert {(row["tool_name"], row["status"]) for row in tools} >= {("order_system", "error"), ("order_system", "success"), ("payment", "success")}
    assert query(db, "SELECT count(*) AS n FROM branch_decisions WHERE to_node = 'human_review'")[0]["n"] > 0
    assert not query(db, "SELECT * FROM llm_calls WHERE prompt LIKE '%jane@example.com%'")
    # A day of the past is there under its own times.
    assert query(db, "SELECT count(DISTINCT substr(timestamp, 1, 13)) AS hours FROM llm_calls")[0]["hours"] > 15


@pytest.mark.parametrize("name", ["basic_workflow.py", "advanced_workflow.py"])
def test_an_example_can_be_run_again(db, name):
    run(name, db)
    run(name, db)
