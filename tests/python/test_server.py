"""The same API with a Weir server in place of a file."""

import time

import pytest

from conftest import BIN
from server import KEY, Server
from weir import AnomalyDetector, InstrumentedLLM, ObservabilityLogger, WorkflowLogger


@pytest.fixture
def server(tmp_path):
    program = BIN / "weir"
    assert program.exists(), f"{program} is not there: run `cargo build -p weir`"
    server = Server(program, tmp_path).start()
    yield server
    server.stop()


@pytest.fixture
def remote(server):
    logger = ObservabilityLogger(url=server.url, api_key=KEY, strict=True)
    yield logger
    logger.close()


def test_what_is_logged_arrives_before_a_flush_returns(server, remote):
    request_id = remote.log_llm_call(
        model="gpt-4o-mini", prompt="Hi", response="Hello", prompt_tokens=9, completion_tokens=4, department="it", timestamp=1735689600
    )
    workflow = WorkflowLogger(remote, "support")
    with workflow.step("answer", request_id) as step:
        step.branch("review", "hits > 0", True)
        with step.tool("search", inputs={"q": 1}) as tool:
            tool.output = ["hit"]
    assert remote.flush()
    (call,) = server.calls()
    assert (call["request_id"], call["model"], call["department"]) == (request_id, "gpt-4o-mini", "it")
    assert (call["input"], call["output"]) == ("Hi", "Hello")
    trace = server.get(f"/api/v1/traces/{call['trace_id']}")["spans"]
    assert sorted(span["kind"] for span in trace) == ["branch", "chain", "llm", "tool"]
    assert remote.stats()["stored"] == 4


def test_while_the_server_is_away_records_wait(server, remote):
    server.stop()
    for n in range(20):
        remote.log_llm_call(f"r{n}", model="m")
    assert not remote.flush(0.2)
    server.start()
    assert remote.flush(30)
    assert [call["request_id"] for call in server.calls()] == [f"r{n}" for n in range(20)]


def test_a_wrong_key_loses_records_and_says_so(server, told):
    logger = ObservabilityLogger(url=server.url, api_key="wrong")
    logger.log_llm_call(model="m")
    logger.flush()
    assert logger.stats()["lost"] == 1
    assert "could not be stored" in told()[0] and "wrong" not in told()[0]


def test_a_call_through_the_gateway_is_recorded_once(server, remote):
    llm = InstrumentedLLM(remote, base_url=f"{server.url}/v1", api_key=KEY)
    with WorkflowLogger(remote, "support").step("answer", "req-1") as step:
        answer = llm.call("Hi", "demo/echo", "v1", department="it")
        assert "".join(llm.stream("Hi", "demo/echo")) == answer["content"]
    remote.flush()
    calls = server.wait_for_calls(2)
    assert {call["request_id"] for call in calls} == {"req-1"} == {step.request_id}
    assert {call["trace_id"] for call in calls} == {calls[0]["trace_id"]}
    assert [call["department"] for call in calls] == ["it", None] or [call["department"] for call in calls] == [None, "it"]
    assert remote.stats()["stored"] == 1
    assert 'llm_requests_total{model="demo/echo",status="success"}' in remote.metrics_text()


def test_anomalies_of_the_server(server, remote):
    for ago, tokens in ((5 * 3600, 100), (60, 900)):
        for _ in range(30):
            remote.log_llm_call(model="m", prompt_tokens=tokens, timestamp=time.time() - ago)
    remote.flush()
    assert [anomaly["rule"] for anomaly in AnomalyDetector(logger=remote).check_anomalies()] == ["tokens"]


def test_the_child_of_a_fork_has_connections_of_its_own(server, script):
    script(
        """
        import os, sys
        from weir import ObservabilityLogger
        logger = ObservabilityLogger(url=sys.argv[1], api_key=sys.argv[2])
        logger.log_llm_call("parent", model="m")
        pid = os.fork()
        logger.log_llm_call("child" if pid == 0 else "again", model="m")
        if pid == 0: os._exit(0 if logger.flush() else 1)
        assert os.waitpid(pid, 0)[1] == 0
        """,
        server.url,
        KEY,
    )
    assert sorted(call["request_id"] for call in server.calls()) == ["again", "child", "parent"]


def test_a_server_that_never_comes_holds_up_no_end(script):
    done = script(
        """
        from weir import ObservabilityLogger
        logger = ObservabilityLogger(url="http://127.0.0.1:1")
        logger.log_llm_call(model="m")
        """,
    )
    assert "up to 1 records could not be stored in time" in done.stderr
