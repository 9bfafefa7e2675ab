"""The four timeouts: connect, first byte, idle, total."""

import contextlib
import socket
import time

import openai
import pytest

from rig import behave

HELLO = [{"role": "user", "content": "hello there"}]


@pytest.fixture
def hasty(serve, up):
    """A server that waits for nothing long: `hasty("idle_timeout = '300ms'")`."""

    def start(*lines):
        return serve("\n".join(["[gateway]", "retries = 0", *lines, up]))

    return start


@pytest.fixture
def silent_port():
    """A port whose host answers no attempt to connect: its queue of connections is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_connect_timeout(serve, silent_port, key):
    server = serve(
        f'[gateway]\nretries = 0\n[providers.far]\nkind = "openai"\nbase_url = "http://127.0.0.1:{silent_port}/v1"\n'
        'connect_timeout = "300ms"\n'
    )
    begun = time.monotonic()
    answer = server.chat("far/gpt-4o", id=key)
    assert time.monotonic() - begun < 3
    assert answer.status == 504 and answer.json()["error"]["code"] == "upstream_timeout"
    assert "connect_timeout" in answer.json()["error"]["message"]
    assert server.call(key)["error_type"] == "timeout"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_first_byte_timeout(hasty, fake, key, stream):
    server = hasty('first_byte_timeout = "300ms"')
    with pytest.raises(openai.InternalServerError) as raised:
        server.openai(id=key).chat.completions.create(
            model=behave("up/gpt-4o", key, "first=8000"), messages=HELLO, stream=stream
        )
    error = raised.value
    assert error.status_code == 504 and error.code == "upstream_timeout"
    assert "first_byte_timeout" in error.body["message"]
    assert error.response.headers["x-should-retry"] == "false"
    fake.left(key)
    call = server.call(key)
    assert call["status"] == "error" and call["error_type"] == "timeout" and call["http_status"] == 504


def test_idle_timeout_of_a_stream(hasty, fake, key):
    server = hasty('idle_timeout = "300ms"')
    answer = server.chat(behave("up/gpt-4o", key, "chunks=6,after=2,stall"), id=key, stream=True)
    assert "w1" in answer.text
    error = answer.chunks()[-1]["error"]
    assert error["code"] == "upstream_timeout" and "idle_timeout" in error["message"]
    fake.left(key)
    call = server.call(key)
    assert call["error_type"] == "timeout" and call["status"] == "error"
    assert call["tokens"]["completion"] > 0 and call["token_source"] == "partial"


def test_idle_timeout_is_not_met_by_a_slow_steady_stream(hasty, key):
    server = hasty('idle_timeout = "400ms"')
    answer = server.chat(behave("up/gpt-4o", key, "chunks=8,delay=100"), stream=True)
    assert answer.events()[-1][1] == "[DONE]"


def test_total_timeout_of_a_stream(hasty, fake, key):
    server = hasty('total_timeout = "600ms"')
    answer = server.chat(behave("up/gpt-4o", key, "chunks=100,delay=50"), id=key, stream=True)
    assert "w2" in answer.text
    error = answer.chunks()[-1]["error"]
    assert error["code"] == "upstream_timeout" and "total_timeout" in error["message"]
    fake.left(key)
    assert server.call(key)["error_type"] == "timeout"


def test_total_timeout_bounds_all_attempts(serve, up, key):
    server = serve('[gateway]\nretries = 50\ntotal_timeout = "700ms"\n' + up)
    begun = time.monotonic()
    answer = server.chat(behave("up/gpt-4o", key, "status=500,first=100"), id=key)
    assert answer.status >= 500 and time.monotonic() - begun < 3
    assert server.call(key)["attempts"] > 1


def test_timeouts_of_a_provider_win(serve, fake, key):
    server = serve(f"""
[gateway]
retries = 0
first_byte_timeout = "100ms"
[providers.patient]
kind = "openai"
base_url = "{fake.url}/v1"
first_byte_timeout = "10s"
""")
    assert server.chat(behave("patient/gpt-4o", key, "first=500")).status == 200


def test_a_body_that_never_comes_is_given_up(serve, up):
    server = serve('[gateway]\nrequest_timeout = "500ms"\n' + up)
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        assert line.recv(65536).startswith(b"HTTP/1.1 408")


def test_headers_that_never_come_are_given_up(serve, up):
    server = serve('[gateway]\nrequest_timeout = "500ms"\n' + up)
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n")
        got = line.recv(65536)
    assert got == b"" or got.startswith(b"HTTP/1.1 408")
