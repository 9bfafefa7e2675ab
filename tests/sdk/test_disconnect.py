"""Clients that go away."""

import re
from pathlib import Path

import pytest

from rig import Fake, behave, eventually


def line(server, model, key, stream):
    body = {"model": model, "messages": [{"role": "user", "content": "hello there"}], "stream": stream}
    return server.line("/v1/chat/completions", body, {"x-request-id": key})


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_leaving_before_the_first_byte_cancels_the_upstream(weir, fake, key, stream):
    client = line(weir, behave("up/gpt-4o", key, "first=20000"), key, stream)
    fake.arrived(key)
    client.close()
    fake.left(key)
    call = weir.call(key)
    assert call["status"] == "cancelled" and call["http_status"] == 499


def test_leaving_in_a_plain_answer_cancels_the_upstream(weir, fake, key):
    client = line(weir, behave("up/gpt-4o", key, "stall"), key, False)
    fake.arrived(key)
    client.close()
    fake.left(key)
    assert weir.call(key)["status"] == "cancelled"


def test_leaving_a_stream_cancels_the_upstream_and_records_the_part(weir, fake, key):
    client = line(weir, behave("up/gpt-4o", key, "chunks=2000,delay=10"), key, True)
    client.read_until(b"w9")
    client.close()
    fake.left(key)
    assert fake.only(key)["chunks_sent"] < 1000
    call = weir.call(key)
    assert call["status"] == "cancelled" and call["token_source"] == "partial"
    assert 5 <= call["tokens"]["completion"] < 3000 and call["tokens"]["prompt"] > 0
    assert call["cost_usd"] > 0
    assert call["output"]["choices"][0]["message"]["content"].startswith("w0 w1 w2")


def test_leaving_a_silent_stream_cancels_the_upstream(weir, fake, key):
    client = line(weir, behave("up/gpt-4o", key, "chunks=6,after=2,stall"), key, True)
    client.read_until(b"w1")
    client.close()
    fake.left(key)
    assert weir.call(key)["status"] == "cancelled"


def test_leaving_an_anthropic_stream_cancels_a_translated_upstream(weir, fake, key):
    body = {
        "model": behave("up/gpt-4o", key, "chunks=2000,delay=10"),
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
    }
    client = weir.line("/v1/messages", body, {"x-request-id": key})
    client.read_until(b"w5")
    client.close()
    fake.left(key)
    call = weir.call(key)
    assert call["status"] == "cancelled" and call["tokens"]["completion"] > 0


def test_leaving_while_waiting_for_a_retry_ends_the_attempts(weir, fake, key):
    client = line(weir, behave("up/gpt-4o", key, "status=429,retry=5"), key, False)
    fake.arrived(key)
    client.close()
    assert weir.call(key)["status"] == "cancelled"
    assert len(fake.requests(key)) == 1


def test_leaving_a_fallback_chain_is_a_cancellation_too(serve, fake, key):
    server = serve(f"""
[providers.up]
kind = "openai"
base_url = "{fake.url}/v1"
[models.smart]
targets = [{{ model = "up/gpt-4o!key={key}a,status=401" }}]
fallbacks = ["up/gpt-4o-mini!key={key}b,first=20000"]
""")
    client = line(server, "smart", key, False)
    fake.arrived(f"{key}b")
    client.close()
    fake.left(f"{key}b")
    assert server.call(key)["status"] == "cancelled"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_drain_reads_the_answer_to_its_end(serve, up, fake, key, stream):
    server = serve('[gateway]\non_disconnect = "drain"\n' + up)
    words = "chunks=20,delay=30" if stream else "chunks=20,first=600"
    client = line(server, behave("up/gpt-4o", key, words), key, stream)
    if stream:
        client.read_until(b"w2")
    else:
        fake.arrived(key)
    client.close()
    done = eventually("the upstream has finished", lambda: fake.only(key)["finished"] and fake.only(key))
    assert done["disconnected"] is False
    call = server.call(key)
    assert call["token_source"] == "provider" and call["tokens"]["completion"] == 20


def test_cancelled_calls_are_counted_as_ended(serve, up, fake, key):
    server = serve(up)
    client = line(server, behave("up/gpt-4o", key, "first=20000"), key, False)
    fake.arrived(key)
    assert server.metric("llm_inflight_requests") == 1
    client.close()
    server.call(key)
    assert server.metric("llm_inflight_requests") == 0
    assert server.metric("llm_requests_total") == 1


def test_a_crowd_that_goes_away_leaves_nothing_behind(serve, tmp_path, key):
    crowd = Fake(tmp_path)
    try:
        server = serve(f'[providers.up]\nkind = "openai"\nbase_url = "{crowd.url}/v1"\n')
        streams = ["first=20000", "chunks=500,delay=20", "chunks=9,after=3,stall"]
        asks = [("stall", False) if n % 2 else (streams[n % 3], True) for n in range(50)]
        lines = [
            line(server, behave("up/gpt-4o", key, words), f"{key}-{n}", stream)
            for n, (words, stream) in enumerate(asks)
        ]
        crowd.arrived(key, 50)
        for client in lines:
            client.close()
        eventually("nothing is open upstream", lambda: crowd.stats()["open"] == 0, 5)
        eventually("all are recorded", lambda: len(server.all_calls()) == 50)
        assert {c["status"] for c in server.all_calls()} == {"cancelled"}
        assert server.metric("llm_inflight_requests") == 0
    finally:
        crowd.stop()


def test_a_client_that_does_not_read_holds_the_upstream_back(serve, up, fake, key):
    server = serve(up)
    client = line(server, behave("up/gpt-4o", key, "size=60000000,chunks=6000"), key, True)

    def resident():
        text = (Path("/proc") / str(server.process.pid) / "status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) // 1024

    before = resident()
    client.read_until(b"data:")
    last = [-1]

    def at_rest():
        sent = fake.only(key)["chunks_sent"]
        still, last[0] = sent == last[0], sent
        return still

    eventually("the stream stands still", at_rest, 15, 0.5)
    assert last[0] < 6000 and resident() - before < 60
    client.close()
    fake.left(key)
    assert server.call(key)["status"] == "cancelled"
