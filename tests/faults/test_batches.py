"""kill -9 in the middle of a batch: each request is answered exactly once, and each answer has its record."""

import json
import signal

import pytest

from rig import Fake, eventually

CHAT = "/v1/chat/completions"
REQUESTS = 300
OVER = ("completed", "failed", "expired", "cancelled")


@pytest.fixture
def alone(tmp_path):
    """A fake provider whose counters nobody else moves."""
    fake = Fake(tmp_path)
    yield fake
    fake.stop()


def config(fake, batches=""):
    return f'[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n[batches]\n{batches}\n'


def start(server, count, model):
    def line(n):
        body = {"model": model, "messages": [{"role": "user", "content": f"question {n}"}]}
        return json.dumps({"custom_id": f"r{n}", "method": "POST", "url": CHAT, "body": body}) + "\n"

    client = server.openai()
    file = client.files.create(file=("in.jsonl", "".join(map(line, range(count))).encode()), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h").id


def ended(server, batch, seconds=60):
    def ask():
        found = server.openai().batches.retrieve(batch)
        return found if found.status in OVER else None

    return eventually("the batch has ended", ask, seconds, 0.1)


def answers(server, file):
    return [json.loads(line) for line in server.openai().files.content(file).text.splitlines()]


def answered(server, batch):
    return server.openai().batches.retrieve(batch).request_counts.completed


def check(server, alone, batch, kills):
    assert (batch.status, batch.error_file_id) == ("completed", None)
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (REQUESTS, REQUESTS, 0)
    lines = answers(server, batch.output_file_id)
    ids = [line["custom_id"] for line in lines]
    assert len(ids) == len(set(ids)) and set(ids) == {f"r{n}" for n in range(REQUESTS)}, "each exactly once"
    asked = alone.stats()["requests"]
    assert REQUESTS <= asked <= REQUESTS + kills * 16, "only what was under way is asked again"
    eventually(
        "the journal is empty", lambda: server.get("/health/ready").json()["journal_backlog_bytes"] == 0, 30
    )
    calls = {call["request_id"] for call in server.all_calls()}
    assert len(calls) >= REQUESTS
    missing = [line["custom_id"] for line in lines if line["response"]["request_id"] not in calls]
    assert not missing, f"{len(missing)} answers have no record"
    assert batch.usage.total_tokens == sum(line["response"]["body"]["usage"]["total_tokens"] for line in lines)
    files = sorted(f.name for f in (server.data / "files").iterdir())
    assert files == sorted([batch.input_file_id, batch.output_file_id]), "nothing is left over"


def test_killed_twice_in_the_middle(serve, alone):
    server = serve(config(alone))
    batch = start(server, REQUESTS, "up/gpt-4o!first=40")
    for at in (60, 180):
        eventually(f"{at} are answered", lambda: answered(server, batch) >= at, 60)
        server.process.kill()
        server.start()
    check(server, alone, ended(server, batch), 2)


def test_killed_again_and_again(serve, alone):
    server = serve(config(alone))
    batch = start(server, REQUESTS, "up/gpt-4o!first=10")
    kills = 0
    before = -1
    while kills < 12 and server.openai().batches.retrieve(batch).status not in OVER:
        # Something more was answered since the last death, so that this ends.
        eventually(
            "more is answered",
            lambda: answered(server, batch) > before or server.openai().batches.retrieve(batch).status in OVER,
            30,
            0.005,
        )
        before = answered(server, batch)
        server.process.kill()
        kills += 1
        server.start()
    check(server, alone, ended(server, batch), kills)


def test_a_torn_line_is_asked_again(serve, alone):
    server = serve(config(alone))
    batch = start(server, REQUESTS, "up/gpt-4o!first=40")
    eventually("some are answered", lambda: answered(server, batch) >= 40, 60)
    server.process.kill()
    part = next(f for f in (server.data / "files").glob("*.part") if f.stat().st_size)
    part.write_bytes(part.read_bytes()[:-25])
    server.start()
    check(server, alone, ended(server, batch), 1)


def test_a_stop_lets_what_is_under_way_end(serve, alone):
    server = serve(config(alone, "concurrency = 4"))
    batch = start(server, REQUESTS, "up/gpt-4o!first=60")
    eventually("some are answered", lambda: answered(server, batch) >= 12, 60)
    assert server.stop() == 0
    asked = alone.stats()["requests"]
    assert asked < REQUESTS
    server.start()
    check(server, alone, ended(server, batch), 0)
    assert alone.stats()["requests"] == REQUESTS, "nothing was asked twice"


def test_a_cancelled_batch_stays_cancelled_over_a_death(serve, alone):
    server = serve(config(alone, "concurrency = 2"))
    batch = start(server, 50, "up/gpt-4o!first=400")
    eventually("some are answered", lambda: answered(server, batch) >= 2, 60)
    assert server.openai().batches.cancel(batch).status == "cancelling"
    server.process.kill()
    asked = alone.stats()["requests"]
    server.start()
    done = ended(server, batch)
    assert done.status == "cancelled" and alone.stats()["requests"] == asked
    lines = answers(server, done.output_file_id) + answers(server, done.error_file_id)
    assert sorted(line["custom_id"] for line in lines) == sorted(f"r{n}" for n in range(50))


def test_a_full_disk_only_delays(serve, alone, disk):
    server = serve(config(alone), data=disk.folder / "data")
    batch = start(server, REQUESTS, "up/gpt-4o!first=20,size=2000")
    eventually("some are answered", lambda: answered(server, batch) >= 40, 60)
    disk.fill()
    server.process.wait_for("answers of a batch cannot be written", 30)
    disk.free()
    done = ended(server, batch)
    assert (done.status, done.request_counts.completed) == ("completed", REQUESTS)
    ids = [line["custom_id"] for line in answers(server, done.output_file_id)]
    assert len(ids) == len(set(ids)) == REQUESTS
    server.process.signal(signal.SIGTERM)
    assert server.process.wait() == 0
