"""kill -9: every call whose answer a client saw complete is in the store after the restart, none twice."""

import json
import re
import sqlite3
import subprocess

import pytest

from rig import BIN, Fake, behave, eventually


@pytest.fixture
def alone(tmp_path):
    """A fake provider whose counters nobody else moves."""
    fake = Fake(tmp_path)
    yield fake
    fake.stop()


class Load:
    """2,000 calls; each connection gives up after three failures in a row."""

    def __init__(self, server, ids, *options):
        self.ids = ids
        command = [BIN / "weir-loadgen", "--url", f"{server.url}/v1/chat/completions", "--requests", 2000]
        command += ["--connections", 16, "--tries", 3, "--timeout", 10, "--ids", ids, *options]
        self.child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)

    def seen_complete(self):
        """Waits for its end; the ids of the answers that were read to their end."""
        out, _ = self.child.communicate(timeout=60)
        assert json.loads(out)["requests"] > 0
        return re.findall(r"^(\S+) complete$", self.ids.read_text(), re.M)


def recorded(server, at_least):
    """Every request id in the store, once the journal is empty."""

    def drained():
        return server.get("/health/ready").json()["journal_backlog_bytes"] == 0

    eventually("the journal is empty", drained, 30)
    calls = server.all_calls()
    assert len(calls) >= at_least, (len(calls), at_least)
    return [c["request_id"] for c in calls]


def check(server, seen):
    ids = recorded(server, len(seen))
    missing = set(seen) - set(ids)
    assert not missing, f"{len(missing)} of {len(seen)} answered calls are lost"
    assert len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} calls stand twice"
    total = server.get("/api/v1/stats").json()["total"]
    assert total["count"] == len(ids), "the rollups agree with the rows"
    check_file(server)


def check_file(server):
    with sqlite3.connect(f"file:{server.data}/telemetry.db?mode=ro", uri=True) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("options", [[], ["--stream"]], ids=["plain", "stream"])
@pytest.mark.parametrize("at", [150, 900, 1700])
def test_kill_in_the_middle_of_2000_calls(serve, alone, tmp_path, options, at):
    server = serve(f'[providers.up]\nkind = "openai"\nbase_url = "{alone.url}/v1"\n')
    load = Load(server, tmp_path / "ids", "--model", "up/gpt-4o!chunks=5", *options)
    eventually(f"{at} calls are under way", lambda: alone.stats()["requests"] >= at, 60, 0.001)
    server.process.kill()
    seen = load.seen_complete()
    assert 0 < len(seen) < 2000, "killed in the middle"
    server.start()
    check(server, seen)


def test_kill_again_while_the_journal_is_taken_over(serve, alone, tmp_path):
    server = serve(f'[providers.up]\nkind = "openai"\nbase_url = "{alone.url}/v1"\n')
    lock = sqlite3.connect(server.data / "telemetry.db", isolation_level=None)
    lock.execute("begin exclusive")
    load = Load(server, tmp_path / "ids", "--model", "up/gpt-4o")
    seen = load.seen_complete()
    assert len(seen) == 2000, "a locked database keeps nobody waiting"
    server.process.kill()
    lock.rollback()
    lock.close()
    for _ in range(4):
        server.start()
        server.process.kill()
    server.start()
    check(server, seen)


def test_a_call_is_in_the_journal_before_its_answer_ends(serve, alone, key):
    server = serve(f'[providers.up]\nkind = "openai"\nbase_url = "{alone.url}/v1"\n')
    for stream in (False, True):
        for n in range(15):
            id = f"{key}-{stream}-{n}"
            answer = server.chat(behave("up/gpt-4o", id, "chunks=3"), id=id, stream=stream)
            assert answer.status == 200
            server.process.kill()
            server.start()
            assert server.call(id)["status"] == "success"
    assert len(server.all_calls()) == 30


def test_half_a_record_at_the_journals_end_is_no_hindrance(serve, alone, key):
    server = serve(f'[providers.up]\nkind = "openai"\nbase_url = "{alone.url}/v1"\n')
    lock = sqlite3.connect(server.data / "telemetry.db", isolation_level=None)
    lock.execute("begin exclusive")
    for n in range(10):
        server.chat("up/gpt-4o", id=f"{key}-{n}")
    server.process.kill()
    lock.rollback()
    lock.close()
    newest = max((server.data / "journal").iterdir(), key=lambda f: f.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:-7])
    server.start()
    ids = recorded(server, 9)
    assert sorted(ids) == [f"{key}-{n}" for n in range(9)], "all but the torn one"
    assert server.chat("up/gpt-4o", id=f"{key}-new").status == 200
    server.call(f"{key}-new")
