"""The process: start, reload, stop, many streams at once."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import threading
import time

import openai
import pytest

from rig import BIN, Fake, behave, eventually, request
from rig.weir import run

KEYS = '[[keys]]\nname = "app"\nkey = "wk-app-77d1c0b2a9e8f543"\n'
HELLO = [{"role": "user", "content": "hello there"}]


# Start


def test_it_is_ready_soon(serve):
    begun = time.monotonic()
    server = serve()
    assert time.monotonic() - begun < 5
    assert server.get("/health").text.strip() == "OK" and server.get("/health/ready").json()["status"] == "ready"


def test_beyond_loopback_without_keys_it_refuses_to_start(serve):
    server = serve(listen="0.0.0.0:0", start=False)
    process = server.spawn()
    assert process.wait() != 0
    assert "weir key new" in process.log() and "127.0.0.1" in process.log()


def test_beyond_loopback_with_keys_it_starts(serve):
    server = serve(KEYS, listen="0.0.0.0:0")
    assert server.get("/health").status == 200 and server.get("/v1/models").status == 401


def test_a_misspelt_key_is_refused_with_the_nearest(serve):
    server = serve("[gateway]\nretrys = 3\n", start=False)
    process = server.spawn()
    assert process.wait() != 0
    assert "gateway.retrys" in process.log() and '"retries"' in process.log()


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("[gateway\n", "line 1"),
        ('[gateway]\nmax_body = "5 tons"\n', "gateway.max_body"),
        ('[providers.x]\nkind = "opnai"\n', "openai"),
        ('[providers.x]\nkind = "openai"\nbase_url = "not a url"\n', "base_url"),
        ('[providers.x]\nkind = "openai"\nbase_url = "http://h/v1"\napi_key = "env:NOT_SET_ANYWHERE"\n', "NOT_SET_ANYWHERE"),
        ('[models.m]\ntargets = [{ model = "nobody/gpt" }]\n', "nobody"),
    ],
    ids=["toml", "size", "kind", "url", "variable", "target"],
)
def test_check_config_names_the_mistake(tmp_path, config, says):
    file = tmp_path / "weir.toml"
    file.write_text(config)
    done = run("check-config", file, check=False)
    assert done.returncode != 0 and says in done.stdout + done.stderr


def test_check_config_likes_a_good_file(tmp_path, up):
    file = tmp_path / "weir.toml"
    file.write_text(up)
    assert run("check-config", file).returncode == 0


def test_a_taken_port_is_said(serve):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        process = serve(listen=address, start=False).spawn()
        assert process.wait() != 0 and address in process.log()


# Live reload


def test_a_change_of_the_file_is_applied_while_running(serve, up, key):
    server = serve(up)
    assert server.chat("quick").status == 200, "the only open provider takes any name"
    server.config_path.write_text(up + f'[models.quick]\ntargets = [{{ model = "{behave("up/gpt-4o", key, "chunks=2")}" }}]\n')
    eventually("the new model answers", lambda: "w0 w1" in server.chat("quick").text)
    assert "the configuration was changed" in server.log()
    # The rig starts it with --listen and --data, which no change of the file concerns.
    assert "need a restart" not in server.log()


def test_a_change_that_needs_a_restart_is_told(serve, up):
    server = serve(up)
    server.config_path.write_text(up + "[server]\nmax_connections = 5\n")
    eventually("it is told", lambda: "changes of [server], [artifacts], [mlflow]" in server.log())


def test_keys_can_be_added_while_running(serve, up, key):
    server = serve(up)
    server.config_path.write_text(up + KEYS)
    eventually("a key is asked for", lambda: server.chat(behave("up/gpt-4o", key)).status == 401)


@pytest.mark.parametrize(
    "broken", ["[gateway\n", "[gateway]\nretrys = 1\n", '[models.m]\ntargets = [{ model = "nobody/x" }]\n'],
    ids=["toml", "unknown-key", "unknown-target"],
)
def test_a_broken_file_keeps_the_old_configuration(serve, up, key, broken):
    server = serve(up)
    server.config_path.write_text(broken)
    eventually("the refusal is in the log", lambda: "refused" in server.log())
    assert server.chat(behave("up/gpt-4o", key)).status == 200
    server.config_path.write_text(up + KEYS)
    eventually("a mended file is applied", lambda: server.chat(behave("up/gpt-4o", key)).status == 401)


def test_a_reload_leaves_streams_alone(serve, up, fake, key):
    server = serve(up)
    body = {"model": behave("up/gpt-4o", key, "chunks=15,delay=100"), "messages": HELLO, "stream": True}
    line = server.line("/v1/chat/completions", body, {"connection": "close"})
    line.read_until(b"w0")
    server.config_path.write_text(up.replace("providers.up", "providers.renamed"))
    server.process.signal(signal.SIGHUP)
    eventually("the reload is logged", lambda: "the configuration was changed" in server.log())
    assert b"[DONE]" in line.read_to_end()
    assert server.chat(behave("up/gpt-4o", key)).headers.get("x-weir-provider") != "up"


# Stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stream_is_finished_before_the_end(serve, up, key, number):
    server = serve(up)
    body = {"model": behave("up/gpt-4o", key, "chunks=12,delay=100"), "messages": HELLO, "stream": True}
    line = server.line("/v1/chat/completions", body, {"x-request-id": key})
    line.read_until(b"w0")
    server.process.signal(number)
    assert b"[DONE]" in line.read_to_end()
    assert server.process.wait() == 0 and "weir has stopped" in server.log()
    done = run("calls", key, "--json", "--data", server.data).stdout
    assert '"success"' in done and key in done


def test_no_new_call_is_taken_while_stopping(serve, up, key):
    server = serve(up)
    body = {"model": behave("up/gpt-4o", key, "chunks=15,delay=100"), "messages": HELLO, "stream": True}
    line = server.line("/v1/chat/completions", body)
    line.read_until(b"w0")
    server.process.signal(signal.SIGTERM)

    def refused():
        try:
            return server.get("/health/ready").status == 503
        except OSError:
            return True

    eventually("new calls are refused", refused, 1)
    line.read_to_end()


def test_a_stream_without_end_is_cut_at_the_bound(serve, up, key):
    server = serve('[server]\nshutdown_timeout = "500ms"\n' + up)
    body = {"model": behave("up/gpt-4o", key, "chunks=6,after=2,stall"), "messages": HELLO, "stream": True}
    line = server.line("/v1/chat/completions", body, {"x-request-id": key})
    line.read_until(b"w1")
    begun = time.monotonic()
    assert server.stop() == 0 and time.monotonic() - begun < 5
    line.close()
    done = run("calls", "--where", f"request_id={key}", "--json", "--data", server.data).stdout
    assert key in done, "also a call that was cut off is recorded"


def test_a_call_that_the_stop_cut_off_is_recorded_once_after_the_next_start(serve, up, key):
    server = serve('[server]\nshutdown_timeout = "500ms"\n' + up)
    body = {"model": behave("up/gpt-4o", key, "chunks=6,after=2,stall"), "messages": HELLO, "stream": True}
    line = server.line("/v1/chat/completions", body, {"x-request-id": key})
    line.read_until(b"w1")
    server.stop()
    line.close()
    server.start()
    assert server.call(key)["status"] in ("error", "cancelled")
    assert len(server.calls(request_id=key)) == 1


def test_an_idle_connection_does_not_delay_the_end(serve):
    server = serve()
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))):
        begun = time.monotonic()
        assert server.stop() == 0 and time.monotonic() - begun < 5


# Many at once


def test_200_streams_at_once(serve, tmp_path):
    fake = Fake(tmp_path)
    try:
        server = serve(f'[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n')

        async def one(client, n):
            stream = await client.chat.completions.create(
                model="up/gpt-4o!chunks=20,delay=100", messages=HELLO, stream=True, extra_headers={"x-request-id": f"s{n}"}
            )
            return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

        async def every():
            async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0, timeout=60) as client:
                return await asyncio.gather(*(one(client, n) for n in range(200)))

        texts = asyncio.run(every())
        assert texts == [" ".join(f"w{n}" for n in range(20))] * 200
        assert fake.stats()["peak_open"] == 200, "all were upstream at once"
        recorded = eventually("all are recorded", lambda: len(server.all_calls()) >= 200 and server.all_calls())
        assert sorted(c["request_id"] for c in recorded) == sorted(f"s{n}" for n in range(200))
        assert all(c["status"] == "success" and c["tokens"]["completion"] == 20 for c in recorded)
        assert server.metric("llm_inflight_requests") == 0
    finally:
        fake.stop()


def test_a_thousand_plain_calls_are_all_recorded_once(serve, up, tmp_path):
    server = serve(up)
    ids = tmp_path / "ids"
    command = [BIN / "weir-loadgen", "--url", f"{server.url}/v1/chat/completions", "--requests", "1000",
               "--connections", "16", "--model", "up/gpt-4o", "--ids", ids]
    subprocess.run([str(c) for c in command], check=True, capture_output=True, timeout=60)
    answered = re.findall(r"^(\S+) complete$", ids.read_text(), re.M)
    assert len(answered) == 1000
    eventually("all are recorded", lambda: server.get("/api/v1/stats").json()["total"]["count"] >= 1000)
    assert sorted(c["request_id"] for c in server.all_calls()) == sorted(answered)


def test_reads_during_writes_see_whole_calls(serve, up, key):
    server = serve(up)
    stop = threading.Event()
    seen = []

    def read():
        while not stop.is_set():
            seen.append(server.get("/api/v1/calls", limit=50).status)
            seen.append(request("GET", f"{server.url}/metrics").status)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(100):
            assert server.chat(behave("up/gpt-4o", key), id=f"{key}-{n}").status == 200
    finally:
        stop.set()
        reader.join()
    assert set(seen) == {200}


def test_the_log_can_be_json(serve, up, key):
    server = serve('[server]\nlog_format = "json"\n' + up, start=False)
    process = server.spawn()
    server.url = "http://127.0.0.1:" + process.wait_for(r'"address":"[^"]*:(\d+)"').group(1)
    server.chat(behave("up/gpt-4o", key, "status=401"), id=key)
    server.stop()
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert any(key in json.dumps(line) for line in lines)


def test_prices_are_overridden_by_configuration(serve, up, key):
    server = serve(up + '[[prices]]\nmodel = "house-model"\nin = 1.0\nout = 2.0\n')
    server.chat("up/house-model", id=key, headers={"x-fake": "usage=1000:500"})
    assert server.call(key)["cost_usd"] == pytest.approx(0.002)


def test_reload_changes_prices(serve, up, key):
    server = serve(up)
    server.config_path.write_text(up + '[[prices]]\nmodel = "gpt-4o"\nin = 100.0\nout = 100.0\n')
    eventually("the change is applied", lambda: "the configuration was changed" in server.log())
    server.chat("up/gpt-4o", id=key, headers={"x-fake": "usage=1000:500"})
    assert server.call(key)["cost_usd"] == pytest.approx(0.15)
