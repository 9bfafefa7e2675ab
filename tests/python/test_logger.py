"""The three log methods, and what stands in the three documented tables after them."""

import datetime
import json
import pickle
import sqlite3
import uuid
from copy import copy

import pytest

import weir
from weir import ObservabilityLogger

PAST = datetime.datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc)


def test_a_call_has_every_column_as_it_was_given(logger, rows):
    request_id = logger.log_llm_call(
        request_id="req-1",
        timestamp=PAST,
        prompt_version="v2",
        model="gpt-4o-mini",
        prompt="How do I reset my password?",
        response="Choose “Forgot password”. 🙂",
        prompt_tokens=9,
        completion_tokens=11,
        total_tokens=20,
        latency_ms=412.5,
        cost=0.00125,
        status="success",
        error=None,
        metadata={"topic": "password", "tries": [1, 2]},
    )
    assert request_id == "req-1"
    (row,) = rows("llm_calls")
    assert json.loads(row.pop("metadata")) == {"topic": "password", "tries": [1, 2]}
    assert row == {
        "timestamp": "2025-03-01T12:00:00.123456Z",
        "request_id": "req-1",
        "prompt_version": "v2",
        "model": "gpt-4o-mini",
        "prompt": "How do I reset my password?",
        "response": "Choose “Forgot password”. 🙂",
        "prompt_tokens": 9,
        "completion_tokens": 11,
        "total_tokens": 20,
        "latency_ms": 412.5,
        "cost": 0.00125,
        "status": "success",
        "error": None,
    }


def test_a_decision_has_every_column_as_it_was_given(logger, rows):
    returned = logger.log_branch_decision(
        request_id="req-1",
        from_node="classify",
        to_node="search",
        condition="confidence > 0.8",
        condition_result=True,
        context={"confidence": 0.93, "big": 2**70},
        timestamp=PAST,
    )
    assert returned == "req-1"
    assert rows("branch_decisions") == [
        {
            "timestamp": "2025-03-01T12:00:00.123456Z",
            "request_id": "req-1",
            "from_node": "classify",
            "to_node": "search",
            "condition": "confidence > 0.8",
            "condition_result": 1,
            "context": '{"confidence":0.93,"big":1180591620717411303424}',
        }
    ]


def test_a_tool_call_has_every_column_as_it_was_given(logger, rows):
    returned = logger.log_tool_call(
        request_id="req-1",
        tool_name="search",
        inputs={"query": "pässword"},
        output=["KB-17", "KB-4"],
        latency_ms=18,
        status="error",
        error="only half of the shards answered",
        timestamp=PAST,
    )
    assert returned == "req-1"
    assert rows("tool_calls") == [
        {
            "timestamp": "2025-03-01T12:00:00.123456Z",
            "request_id": "req-1",
            "tool_name": "search",
            "inputs": '{"query":"pässword"}',
            "output": '["KB-17","KB-4"]',
            "latency_ms": 18.0,
            "status": "error",
            "error": "only half of the shards answered",
        }
    ]


def test_columns_have_the_types_that_sql_counts_with(logger, db):
    logger.log_llm_call(model="gpt-4o-mini", prompt_tokens=9, completion_tokens=1, latency_ms=5, cost=1)
    logger.log_branch_decision("r", "a", "b", "x > 1", 0.25, {"k": 1})
    logger.log_tool_call("r", "t", "in", 42, 7)
    logger.flush()
    connection = sqlite3.connect(db)

    def types(table, *columns):
        return connection.execute(f"SELECT {', '.join(f'typeof({c})' for c in columns)} FROM {table}").fetchone()

    assert types("llm_calls", "timestamp", "prompt_tokens", "total_tokens", "latency_ms", "cost") == (
        "text",
        "integer",
        "integer",
        "real",
        "real",
    )
    assert types("branch_decisions", "condition", "condition_result", "context") == ("text", "real", "text")
    assert types("tool_calls", "inputs", "output", "latency_ms") == ("text", "text", "real")
    assert connection.execute("SELECT total_tokens, cost FROM llm_calls").fetchone() == (10, 1.0)
    connection.close()


def test_positions_are_the_columns_order(logger, rows):
    logger.log_llm_call("req-1", "v1", "gpt-4o", "in", "out", 1, 2, 3, 4.0, 0.5, "cached")
    (row,) = rows("llm_calls")
    assert (row["prompt_version"], row["prompt"], row["response"], row["total_tokens"], row["status"]) == (
        "v1",
        "in",
        "out",
        3,
        "cached",
    )


def test_without_an_id_or_a_time_a_call_gets_both(logger, rows):
    before = datetime.datetime.now(datetime.timezone.utc)
    first, second = logger.log_llm_call(model="m", latency_ms=2000), logger.log_llm_call(model="m")
    assert first != second and len(first) == 32
    times = {row["request_id"]: datetime.datetime.fromisoformat(row["timestamp"][:-1] + "+00:00") for row in rows("llm_calls")}
    # A call that took two seconds began two seconds ago.
    assert before - times[first] > datetime.timedelta(seconds=1.9)
    assert abs(times[second] - before) < datetime.timedelta(seconds=5)


def test_a_call_is_priced_by_its_tokens_unless_its_cost_is_given(logger, rows):
    logger.log_llm_call("a", model="gpt-4o-mini", prompt_tokens=1_000_000, completion_tokens=0)
    logger.log_llm_call("b", model="gpt-4o-mini", prompt_tokens=1_000_000, cost=0)
    logger.log_llm_call("c", model="nobody-knows-this", prompt_tokens=1_000_000)
    cost = {row["request_id"]: row["cost"] for row in rows("llm_calls")}
    assert cost == {"a": 0.15, "b": 0.0, "c": None}


def test_an_error_says_how_a_call_ended(logger, rows):
    logger.log_llm_call("a", model="m", error=TimeoutError("no answer in 30 s"))
    logger.log_tool_call("b", "t", error="gone")
    logger.log_tool_call("c", "t")
    (call,) = rows("llm_calls")
    assert (call["status"], call["error"]) == ("error", "TimeoutError: no answer in 30 s")
    assert {row["request_id"]: row["status"] for row in rows("tool_calls")} == {"b": "error", "c": "success"}


def test_labels_are_there_to_group_by(logger, spans, db):
    logger.log_llm_call(
        model="m",
        provider="azure",
        department="it",
        user="u-1",
        session="s-1",
        workflow="support",
        prompt_name="greet",
    )
    logger.flush()
    connection = sqlite3.connect(db)
    names = "provider", "department", "prompt_name"
    found = connection.execute(
        "SELECT " + ", ".join(f"(SELECT value FROM names WHERE id = spans.{n})" for n in names) + ", user, session FROM spans"
    ).fetchone()
    connection.close()
    assert found == ("azure", "it", "greet", "u-1", "s-1")
    assert json.loads(spans()[0]["attributes"])["workflow"] == "support"


def test_messages_are_a_prompt_too(logger, rows):
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}]
    logger.log_llm_call(model="m", prompt=messages, response={"content": "Hello"})
    (row,) = rows("llm_calls")
    assert json.loads(row["prompt"]) == messages
    assert json.loads(row["response"]) == {"content": "Hello"}


def test_loggers_of_one_file_share_it(logger, rows, db):
    other = ObservabilityLogger(str(db))
    linked = db.parent / "link.db"
    linked.symlink_to(db)
    third = ObservabilityLogger(linked)
    for each in (logger, other, third):
        each.log_llm_call(model="m")
    assert len(rows("llm_calls")) == 3
    assert logger.stats()["stored"] == 3


def test_without_a_path_the_file_is_observability_db(tmp_path, rows):
    with ObservabilityLogger() as logger:
        logger.log_llm_call(model="m")
    assert len(rows("llm_calls", tmp_path / "observability.db")) == 1


def test_a_closed_logger_opens_again(logger, rows):
    logger.log_llm_call(model="m")
    logger.close()
    logger.close()
    logger.log_llm_call(model="m")
    assert len(rows("llm_calls")) == 2
    assert logger.stats()["stored"] == 2


def test_a_logger_that_nobody_holds_has_written_everything(db, rows):
    logger = ObservabilityLogger(db)
    logger.log_llm_call(model="m")
    del logger
    connection = sqlite3.connect(db)
    assert connection.execute("SELECT count(*) FROM llm_calls").fetchone() == (1,)
    connection.close()


def test_a_subclass_changes_what_is_recorded(db, rows):
    class CustomLogger(ObservabilityLogger):
        def __init__(self, db_path):
            super().__init__(db_path=db_path)
            self.seen = []

        def log_llm_call(self, **columns):
            self.seen.append(columns["prompt"])
            columns["prompt"] = columns["prompt"].upper()
            return super().log_llm_call(**columns)

    logger = CustomLogger(db)
    assert logger.log_llm_call(request_id="r", model="m", prompt="hello") == "r"
    assert logger.seen == ["hello"]
    assert rows("llm_calls")[0]["prompt"] == "HELLO"


def test_projects_keep_records_apart(db):
    ObservabilityLogger(db, project="checkout").log_llm_call(model="m")
    ObservabilityLogger(db).log_llm_call(model="m")
    ObservabilityLogger(db).flush()
    connection = sqlite3.connect(db)
    projects = connection.execute("SELECT (SELECT value FROM names WHERE id = spans.project) FROM spans").fetchall()
    connection.close()
    assert sorted(projects) == [("checkout",), ("default",)]


def test_secrets_are_not_kept(logger, rows):
    key = "sk-" + "proj-" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6"
    logger.log_llm_call(model="m", prompt=f"my key is {key}", metadata={"key": key})
    logger.log_tool_call("r", "t", {"authorization": f"Bearer {key}"})
    assert key not in json.dumps(rows("llm_calls") + rows("tool_calls"))


def test_any_step_can_be_recorded(logger, spans):
    assert logger.log_span("rerank", "retriever", request_id="r", inputs={"k": 3}, output=["a"], metadata={"n": 1}) == "r"
    assert logger.log_span("search", "tool", request_id="r")
    first, second = spans()
    assert (first["name"], first["input"], first["output"]) == ("rerank", '{"k":3}', '["a"]')
    assert (second["name"], second["kind"]) == ("search", 1)
    with pytest.raises(ValueError, match="kind"):
        logger.log_span("x", "nonsense")


@pytest.mark.parametrize("make", [ObservabilityLogger, weir.InstrumentedLLM, weir.WorkflowLogger, weir.AnomalyDetector])
def test_every_class_takes_db_path_and_says_why_it_cannot_be_pickled(make, db):
    made = make(db_path=db)
    assert db.exists()
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(made)
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        copy(made)


def test_ids_may_be_uuids(logger, rows):
    given = uuid.uuid4()
    assert logger.log_llm_call(request_id=given, model="m", user=42) == str(given)
    assert rows("llm_calls")[0]["request_id"] == str(given)
