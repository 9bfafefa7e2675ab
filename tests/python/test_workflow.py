"""Workflows: their columns, steps that time and nest, and overrides that are met on the way."""

import asyncio
import json
import threading
import time

import pytest

from weir import ObservabilityLogger, WorkflowLogger

#: The stored number of a decision.
BRANCH = 2


@pytest.fixture
def workflow(logger):
    return WorkflowLogger(logger, "support")


def test_columns_go_as_keywords(workflow, rows, spans):
    workflow.log_branch_decision(
        request_id="r", from_node="a", to_node="b", condition="c", condition_result=False, context=[1], timestamp="2025-01-01T00:00:00Z"
    )
    workflow.log_tool_call(
        request_id="r", tool_name="t", inputs="in", output={"o": 1}, latency_ms=3, status="cached", error="e", timestamp=1735689601
    )
    assert rows("branch_decisions") == [
        {
            "timestamp": "2025-01-01T00:00:00.000000Z",
            "request_id": "r",
            "from_node": "a",
            "to_node": "b",
            "condition": "c",
            "condition_result": 0,
            "context": "[1]",
        }
    ]
    assert rows("tool_calls") == [
        {
            "timestamp": "2025-01-01T00:00:01.000000Z",
            "request_id": "r",
            "tool_name": "t",
            "inputs": "in",
            "output": '{"o":1}',
            "latency_ms": 3.0,
            "status": "cached",
            "error": "e",
        }
    ]
    assert [json.loads(span["attributes"])["workflow"] for span in spans()] == ["support", "support"]


def test_steps_nest_and_everything_belongs_to_the_request(workflow, spans):
    with workflow.step("answer", "req-1", inputs="a question") as step:
        with step.tool("search", inputs={"q": 1}) as tool:
            workflow.logger.log_llm_call(model="m")
            tool.output = ["hit"]
        step.branch("review", "hits > 0", True, {"hits": 1})
        with step.step("draft"):
            workflow.log_tool_call(tool_name="spell")
        step.output = "an answer"
    found = {span["name"] or "llm": span for span in spans() if span["kind"] != BRANCH}
    above = {name: next((n for n, s in found.items() if s["span_id"] == span["parent_id"]), None) for name, span in found.items()}
    names = {"answer", "search", "llm", "draft", "spell"}
    assert names <= set(found)
    assert above["answer"] is None
    assert (above["search"], above["draft"], above["llm"], above["spell"]) == ("answer", "answer", "search", "draft")
    assert {span["request_id"] for span in found.values()} == {"req-1"}
    assert len({span["trace_id"] for span in found.values()}) == 1
    assert (found["answer"]["input"], found["answer"]["output"]) == ("a question", "an answer")
    assert all(json.loads(span["attributes"])["workflow"] == "support" for span in found.values())


def test_a_decision_of_a_step_leaves_from_it(workflow, rows):
    with workflow.step("classify") as step:
        step.branch("search")
    (row,) = rows("branch_decisions")
    assert (row["from_node"], row["to_node"], row["request_id"]) == ("classify", "search", step.request_id)


def test_steps_and_tools_take_the_time_between(workflow, rows):
    with workflow.tool("slow", "r") as tool:
        time.sleep(0.05)
        tool.output = 1
    (row,) = rows("tool_calls")
    assert 50 <= row["latency_ms"] < 5_000
    assert row["status"] == "success"


def test_an_exception_ends_it_as_an_error_and_goes_on(workflow, rows, spans):
    with pytest.raises(ConnectionError, match="gone"):
        with workflow.step("s", "r") as step:
            with step.tool("t"):
                raise ConnectionError("gone")
    (row,) = rows("tool_calls")
    assert (row["status"], row["error"]) == ("error", "ConnectionError: gone")
    assert {span["error"] for span in spans()} == {"ConnectionError: gone"}


def test_a_status_can_be_said(workflow, rows):
    with workflow.tool("t", "r") as tool:
        tool.status = "cached"
    assert rows("tool_calls")[0]["status"] == "cached"


def test_tasks_and_threads_have_steps_of_their_own(workflow, spans):
    async def one(n):
        with workflow.step(f"step-{n}", f"req-{n}"):
            await asyncio.sleep(0)
            workflow.log_tool_call(tool_name=f"tool-{n}")

    async def both():
        await asyncio.gather(*(one(n) for n in range(5)))

    asyncio.run(both())
    with workflow.step("outer", "req-outer"):
        thread = threading.Thread(target=lambda: workflow.log_tool_call("req-thread", "in-thread"))
        thread.start()
        thread.join()
    found = {span["name"]: span for span in spans() if span["kind"] != BRANCH}
    for n in range(5):
        assert found[f"tool-{n}"]["parent_id"] == found[f"step-{n}"]["span_id"]
        assert found[f"tool-{n}"]["request_id"] == f"req-{n}"
    assert found["in-thread"]["parent_id"] == ""


def test_another_request_within_a_step_is_no_part_of_it(workflow, spans):
    with workflow.step("s", "req-1"):
        workflow.log_tool_call("req-2", "t")
    found = {span["name"]: span for span in spans() if span["kind"] != BRANCH}
    assert found["t"]["parent_id"] == "" and found["t"]["trace_id"] != found["s"]["trace_id"]


def test_an_override_with_nothing_but_the_documented_columns_is_enough(db, rows, spans):
    class CustomLogger(ObservabilityLogger):
        def log_branch_decision(self, request_id, from_node, to_node, condition, condition_result, context, timestamp):
            return super().log_branch_decision(
                request_id, from_node, to_node.upper(), condition, condition_result, context, timestamp
            )

        def log_tool_call(self, request_id, tool_name, inputs, output, latency_ms, status, error, timestamp):
            super().log_span("before", request_id=request_id)
            return super().log_tool_call(request_id, tool_name, inputs, "hidden", latency_ms, status, error, timestamp)

    workflow = WorkflowLogger(CustomLogger(db, strict=True), "support")
    with workflow.step("classify", "r") as step:
        step.branch("search")
        with step.tool("t") as tool:
            tool.output = "secret"
    assert rows("branch_decisions")[0]["to_node"] == "SEARCH"
    assert rows("tool_calls")[0]["output"] == "hidden"
    found = {span["name"]: span for span in spans() if span["kind"] != BRANCH}
    assert found["t"]["parent_id"] == found["classify"]["span_id"]
    assert all(json.loads(span["attributes"] or "{}").get("workflow") == "support" for span in found.values())


def test_an_override_that_fails_does_not_fail_the_step(db, told):
    class Broken(ObservabilityLogger):
        def log_tool_call(self, **columns):
            raise RuntimeError("a mistake in the override")

    with WorkflowLogger(Broken(db)).tool("t"):
        pass
    assert "a mistake in the override" in told()[0]


def test_what_is_not_open_says_so(workflow):
    with pytest.raises(RuntimeError, match="with"):
        _ = workflow.step("s").request_id
