"""A database that cannot be written: calls go on, the journal grows, and afterwards everything lands once."""

import os
import sqlite3

import pytest

from rig import behave, eventually
from rig.weir import run


@pytest.fixture
def locked(serve, up):
    """A server whose database somebody else holds."""
    server = serve(up)
    lock = sqlite3.connect(server.data / "telemetry.db", isolation_level=None)
    lock.execute("begin exclusive")

    def release():
        lock.rollback()
        lock.close()

    return server, release


def test_a_locked_database_delays_the_record_and_nothing_else(locked, key):
    server, release = locked
    ids = [f"{key}-{n}" for n in range(150)]
    for n, id in enumerate(ids):
        answer = server.chat(behave("up/gpt-4o", key), id=id, stream=n % 3 == 0)
        assert answer.status == 200
    health = server.get("/health/ready").json()
    assert health["journal_backlog_bytes"] > 0 and health["calls_lost"] == 0
    assert server.metric("weir_journal_records") == 150 and server.metric("weir_journal_bytes") > 0
    first = min(server.metric("weir_ingest_lag_seconds"), 60)
    eventually("the oldest record ages", lambda: server.metric("weir_ingest_lag_seconds") > first > 0)
    assert server.calls() == [], "reading goes on meanwhile"
    assert server.metric("llm_requests_total") == 150
    eventually("health tells of it", lambda: server.get("/health/ready").json()["status"] == "degraded", 30, 0.2)
    assert server.metric("weir_healthy") == 0

    release()
    eventually("all are recorded", lambda: len(server.all_calls()) == 150, 30, 0.1)
    assert sorted(c["request_id"] for c in server.all_calls()) == sorted(ids)
    assert server.get("/api/v1/stats").json()["total"]["count"] == 150
    eventually("health is well", lambda: server.get("/health/ready").json()["status"] == "ready", 30, 0.1)
    assert server.metric("weir_journal_records") == 0 and server.metric("weir_spans_dropped_total") == 0
    assert server.metric("weir_ingest_lag_seconds") == 0


def test_stopping_with_a_locked_database_loses_nothing(locked, key):
    server, release = locked
    for n in range(30):
        server.chat(behave("up/gpt-4o", key), id=f"{key}-{n}")
    assert server.stop(40) == 0
    assert "journal" in server.log(), "it says where the records are"
    release()
    server.start()
    eventually("all are recorded", lambda: len(server.all_calls()) == 30, 30, 0.1)


def test_a_database_of_nonsense_is_refused_at_the_start(serve, up):
    server = serve(up)
    server.stop()
    for file in server.data.glob("telemetry.db*"):
        file.unlink()
    (server.data / "telemetry.db").write_bytes(os.urandom(8192))
    process = server.spawn()
    assert process.wait() != 0
    assert "telemetry.db" in process.log() and "panicked" not in process.log()


# One folder, one process


def test_a_second_process_on_a_folder_is_refused_clearly(serve, up, key):
    first = serve(up)
    second = serve(up, data=first.data, start=False)
    process = second.spawn()
    assert process.wait() != 0
    log = process.log()
    assert str(first.data) in log and str(first.process.pid) in log and "panicked" not in log
    assert first.chat(behave("up/gpt-4o", key), id=key).status == 200
    first.call(key)


def test_reading_beside_a_running_server_is_allowed(serve, up, key):
    server = serve(up)
    server.chat(behave("up/gpt-4o", key), id=key)
    server.call(key)
    assert key in run("calls", "--json", "--data", server.data).stdout


def test_the_lock_ends_with_the_process_however_it_ends(serve, up, key):
    server = serve(up)
    server.process.kill()
    server.start()
    assert server.chat(behave("up/gpt-4o", key)).status == 200
