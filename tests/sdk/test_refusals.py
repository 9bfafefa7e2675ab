"""Requests that Weir refuses: the status, the form of the protocol, a message that says what to change."""

import socket

import pytest

from rig import behave

HELLO = [{"role": "user", "content": "hello there"}]


def openai_error(answer, status, code=None):
    assert answer.status == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    error = answer.json()["error"]
    assert set(error) >= {"message", "type", "param", "code"} and len(error["message"]) > 10
    assert code is None or error["code"] == code
    return error


BAD = [
    ("not-json", "{", "JSON"),
    ("empty", "", "body"),
    ("a-list", "[]", "object"),
    ("no-model", '{"messages": []}', '"model"'),
    ("model-null", '{"model": null, "messages": []}', '"model"'),
    ("model-number", '{"model": 5, "messages": []}', '"model"'),
    ("no-messages", '{"model": "up/gpt-4o"}', '"messages"'),
    ("messages-text", '{"model": "up/gpt-4o", "messages": "hello"}', '"messages"'),
    ("stream-text", '{"model": "up/gpt-4o", "messages": [], "stream": "yes"}', '"stream"'),
    ("model-twice", '{"model": "up/a", "model": "up/b", "messages": []}', '"model"'),
    ("not-utf8", b'{"model": "\xff\xfe"}', "UTF-8"),
]


@pytest.mark.parametrize(("body", "says"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_bad_body_is_a_400_that_says_what_is_wrong(weir, key, body, says):
    answer = weir.post("/v1/chat/completions", body, {"x-request-id": key})
    error = openai_error(answer, 400, "invalid_request")
    assert says in error["message"], error["message"]
    assert answer.headers["x-should-retry"] == "false" and answer.headers["x-request-id"] == key
    assert weir.call(key)["status"] == "error", "refused calls are recorded too"


def test_a_body_of_endless_brackets_does_no_harm(weir, key):
    deep = '{"model": "up/gpt-4o", "metadata": ' + "[" * 200_000 + "]" * 200_000 + ', "messages": []}'
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/responses", "/generate"):
        for body in (deep, deep.replace("up/gpt-4o", "claude/claude-sonnet-4-5"), "[" * 1_000_000):
            assert weir.post(path, body).status < 500
    assert weir.chat(behave("up/gpt-4o", key)).status == 200


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings"])
def test_other_doors_name_the_missing_member(weir, path):
    openai_error(weir.post(path, {"model": "up/gpt-4o"}), 400)


def test_the_messages_door_refuses_in_its_own_form(weir, key):
    answer = weir.post("/v1/messages", "{", {"x-request-id": key})
    assert answer.status == 400 and answer.headers["request-id"] == key
    body = answer.json()
    assert body["type"] == "error" and body["error"]["type"] == "invalid_request_error" and body["request_id"] == key


@pytest.mark.parametrize("path", ["/v1/nonsense", "/v2/chat/completions", "/v1/chat/completions/", "/nowhere"])
def test_an_unknown_path_is_a_404(weir, path):
    openai_error(weir.post(path, {}), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/v1/chat/completions"), ("get", "/generate"), ("post", "/v1/models"), ("post", "/health")],
)
def test_a_wrong_method_is_a_405(weir, method, path):
    answer = weir.get(path) if method == "get" else weir.post(path, {})
    openai_error(answer, 405, "method_not_allowed")
    assert answer.headers.get("allow")


def test_a_wrong_method_at_the_messages_door_has_its_form(weir):
    answer = weir.get("/v1/messages")
    assert answer.status == 405 and answer.json()["type"] == "error"


def test_a_body_over_the_limit_is_a_413(serve, up, key):
    server = serve('[gateway]\nmax_body = "64KiB"\n' + up)
    big = [{"role": "user", "content": "x" * 70_000}]
    answer = server.post("/v1/chat/completions", {"model": behave("up/gpt-4o", key), "messages": big})
    error = openai_error(answer, 413)
    assert "max_body" in error["message"]
    answer = server.post("/v1/messages", {"model": behave("up/gpt-4o", key), "max_tokens": 5, "messages": big})
    assert answer.status == 413 and answer.json()["error"]["type"] == "request_too_large"


def test_a_body_over_the_limit_without_an_announced_length_is_a_413(serve, up):
    server = serve('[gateway]\nmax_body = "64KiB"\n' + up)
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            for _ in range(30):
                line.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert line.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_body_at_the_default_limit_is_taken(weir, key):
    big = [{"role": "user", "content": "word " * 800_000}]
    answer = weir.post("/v1/chat/completions", {"model": behave("up/gpt-4o", key), "messages": big})
    assert answer.status == 200


def test_an_answer_over_the_limit_is_a_502(serve, up, key):
    server = serve('[gateway]\nmax_response = "64KiB"\n' + up)
    openai_error(server.chat(behave("up/gpt-4o", key, "size=200000")), 502)


def test_too_many_at_once_are_refused_with_retry_after(serve, up, fake, key):
    server = serve("[gateway]\nmax_concurrent = 1\n" + up)
    body = {"model": behave("up/gpt-4o", key, "first=20000"), "messages": HELLO}
    first = server.line("/v1/chat/completions", body)
    fake.arrived(key)
    answer = server.chat(behave("up/gpt-4o", key + "b"))
    openai_error(answer, 503)
    assert float(answer.headers["retry-after"]) > 0
    first.close()


def test_an_ambiguous_model_says_what_to_write(weir):
    error = openai_error(weir.chat("some-model-of-nobody"), 404, "model_not_found")
    assert "/some-model-of-nobody" in error["message"]


def test_garbage_on_the_wire_does_no_harm(weir, key):
    port = int(weir.url.rsplit(":", 1)[1])
    for garbage in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 1000, b"POST /v1/x HTTP/1.1\r\ncontent-length: -1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), 10) as line:
            line.sendall(garbage)
            line.shutdown(socket.SHUT_WR)
            try:
                line.recv(65536)
            except ConnectionResetError:
                pass
    assert weir.chat(behave("up/gpt-4o", key)).status == 200
