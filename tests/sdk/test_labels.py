"""What a call is filed under, and the id that follows it everywhere."""

import re

import pytest

from rig import behave, eventually

HELLO = [{"role": "user", "content": "hello there"}]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def test_the_callers_request_id_comes_back_and_is_recorded(weir, key):
    raw = weir.openai(id=key).chat.completions.with_raw_response.create(model=behave("up/gpt-4o", key), messages=HELLO)
    assert raw.headers["x-request-id"] == key == raw.parse()._request_id
    assert weir.call(key)["request_id"] == key


def test_a_request_id_is_made_where_none_is_given(weir, key):
    first, second = weir.chat(behave("up/gpt-4o", key)), weir.chat(behave("up/gpt-4o", key))
    id = first.headers["x-request-id"]
    assert id and id != second.headers["x-request-id"]
    assert weir.call(id)["request_id"] == id


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/listed/gpt-4o", "/health", "/metrics", "/api/v1/calls", "/nowhere"])
def test_every_answer_carries_the_request_id(weir, key, path):
    assert weir.get(path, {"x-request-id": key}).headers.get("x-request-id") == key


@pytest.mark.parametrize("path", ["/generate", "/v1/messages/count_tokens", "/v1/messages", "/v1/chat/completions"])
def test_refusals_carry_the_request_id(weir, key, path):
    answer = weir.post(path, "{", {"x-request-id": key})
    assert answer.status == 400 and answer.headers.get("x-request-id") == key


def test_the_request_id_is_in_the_log_of_a_failure(weir, key):
    weir.chat(behave("up/gpt-4o", key, "status=401"), id=key)
    eventually("the log names the request", lambda: key in weir.log(), 3)


def test_an_odd_request_id_does_no_harm(weir, key):
    for odd in ("x" * 5000, "a'; DROP TABLE spans; --", "<script>", "%00/../../etc"):
        answer = weir.chat(behave("up/gpt-4o", key), id=odd)
        assert answer.status == 200 and answer.headers["x-request-id"]


def test_two_calls_with_one_request_id_are_both_recorded(weir, key):
    for _ in range(2):
        weir.chat(behave("up/gpt-4o", key), id=key)
    eventually("both calls are recorded", lambda: len(weir.calls(request_id=key)) == 2)


def test_metadata_labels_the_call(weir, key):
    weir.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key),
        messages=HELLO,
        user="user-7",
        metadata={
            "department": "sales",
            "session_id": "thread-9",
            "tags": "a, b",
            "prompt_name": "greet",
            "prompt_version": "v3",
            "project": f"project-{key}",
            "ticket": "T-100",
        },
    )
    call = weir.call(key)
    assert call["department"] == "sales" and call["user"] == "user-7" and call["session"] == "thread-9"
    assert call["tags"] == ["a", "b"] and call["project"] == f"project-{key}"
    assert call["prompt"] == {"name": "greet", "version": "v3"}
    assert "T-100" in str(call["attributes"])
    for filters in ({"project": f"project-{key}"}, {"project": f"project-{key}", "tag": "a", "department": "sales"}):
        assert [c["request_id"] for c in weir.calls(**filters)] == [key]


def test_headers_label_the_call_and_win(weir, fake, key):
    weir.chat(
        behave("up/gpt-4o", key),
        id=key,
        metadata={"department": "from-body"},
        headers={
            "x-weir-department": "from-header",
            "x-weir-project": f"project-{key}",
            "x-weir-user": "user-8",
            "x-weir-session": "s-1",
            "x-weir-tags": "x,y",
            "x-weir-prompt": "greet",
            "x-weir-prompt-version": "v4",
        },
    )
    call = weir.call(key)
    assert call["department"] == "from-header" and call["project"] == f"project-{key}" and call["user"] == "user-8"
    assert call["session"] == "s-1" and call["tags"] == ["x", "y"] and call["prompt"]["version"] == "v4"
    assert not [name for name in fake.only(key)["headers"] if name.startswith("x-weir-")]


def test_traceparent_places_the_call_in_its_trace(weir, fake, key):
    weir.chat(behave("up/gpt-4o", key), id=key, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    call = weir.call(key)
    assert call["trace_id"] == TRACE and call["parent_id"].replace("-", "").endswith(PARENT)
    assert "traceparent" not in fake.only(key)["headers"]
    assert key in [c["request_id"] for c in weir.calls(trace_id=TRACE)]


@pytest.mark.parametrize("value", ["00-0-0-01", "nonsense", f"00-{'0' * 32}-{PARENT}-01"])
def test_a_wrong_traceparent_is_ignored(weir, key, value):
    assert weir.chat(behave("up/gpt-4o", key), id=key, headers={"traceparent": value}).status == 200
    assert re.fullmatch(r"[0-9a-f]{32}", weir.call(key)["trace_id"])


def test_traceparent_is_forwarded_where_that_is_configured(serve, up, fake, key):
    server = serve("[gateway]\nforward_traceparent = true\n" + up)
    server.chat(behave("up/gpt-4o", key), headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    assert fake.only(key)["headers"]["traceparent"].split("-")[1] == TRACE


def test_anthropics_metadata_names_the_user(weir, key):
    weir.anthropic(id=key).messages.create(
        model=behave("claude/claude-sonnet-4-5", key), max_tokens=9, messages=HELLO, metadata={"user_id": "user-9"}
    )
    assert weir.call(key)["user"] == "user-9"


def test_labels_in_headers_may_be_utf8(weir, key):
    weir.chat(behave("up/gpt-4o", key), id=key, headers={"x-weir-department": "Büro 世界".encode()})
    assert weir.call(key)["department"] == "Büro 世界"
