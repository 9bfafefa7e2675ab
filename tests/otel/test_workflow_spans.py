"""Decisions, tools and retrievals that came by OpenTelemetry, read back as workflows and as the path of a request."""

import json
import time

import pytest

import wire
from rig.weir import run

MINUTE = 60 * wire.SECOND
HOUR = 60 * MINUTE


def branch(start, end, workflow="support", prefix="weir.", **given):
    """A decision in Weir's own words."""
    said = {f"{prefix}workflow": workflow, f"{prefix}from_node": start, f"{prefix}to_node": end}
    return {"weir.span.kind": "branch", **said, **given}


def tool(name, workflow="support"):
    return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "weir.workflow": workflow}


@pytest.fixture
def traced(app):
    """What an application does at a request, by the SDK: decisions, a retrieval, tools of which one fails, a call."""
    from opentelemetry.trace import Status, StatusCode

    tracer = app.tracer("shop.workflow", "2.0.0")
    root = {
        "weir.span.kind": "agent",
        "weir.workflow": "support",
        "weir.request_id": "req-42",
        "session.id": "session-7",
    }
    with tracer.start_as_current_span("support", attributes=root):
        decision = branch(
            "classify", "retrieve", **{"weir.condition": "confidence > 0.8", "weir.condition_result": True}
        )
        with tracer.start_as_current_span(
            "classify -> retrieve", attributes={**decision, "weir.context": '{"confidence": 0.92}'}
        ):
            pass
        found = {
            "weir.span.kind": "retriever",
            "weir.workflow": "support",
            "weir.input": "Where are calls kept?",
            "weir.documents": ['{"id": "doc-0", "score": 0.9, "content": "In the journal."}'],
        }
        with tracer.start_as_current_span("search", attributes=found):
            pass
        with tracer.start_as_current_span(
            "execute_tool get_order", attributes={**tool("get_order"), "gen_ai.tool.call.result": "sent"}
        ):
            pass
        with tracer.start_as_current_span("execute_tool refund", attributes=tool("refund")) as span:
            span.set_status(Status(StatusCode.ERROR, "no such order"))
        with tracer.start_as_current_span("retrieve -> answer", attributes=branch("retrieve", "answer")):
            pass
        call = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.provider.name": "openai",
        }
        call |= {"gen_ai.usage.input_tokens": 24, "gen_ai.usage.output_tokens": 12}
        with tracer.start_as_current_span("chat", attributes=call):
            pass
    return app.stored()


def test_the_path_of_a_request(app, traced):
    """Only the outermost step knows the request; all steps of its trace belong to it."""
    path = app.server.get("/api/v1/requests/req-42/path").json()
    steps = path["steps"]
    assert [(step["kind"], step["depth"], step["status"]) for step in steps] == [
        ("agent", 0, "success"),
        ("branch", 1, "success"),
        ("retriever", 1, "success"),
        ("tool", 1, "success"),
        ("tool", 1, "error"),
        ("branch", 1, "success"),
        ("llm", 1, "success"),
    ]
    assert [step["branch"] for step in steps if step["branch"]] == [
        {"from": "classify", "to": "retrieve", "condition": "confidence > 0.8", "result": True},
        {"from": "retrieve", "to": "answer", "condition": None, "result": None},
    ]
    assert [step["tool"] for step in steps if step["tool"]] == ["get_order", "refund"]
    assert (steps[4]["error"], path["errors"], path["calls"], path["tokens"]["total"]) == ("no such order", 1, 1, 36)
    assert path["cost_usd"] == pytest.approx((24 * 1.0 + 12 * 4.0) / 1e6, abs=1e-12)
    assert {step["workflow"] for step in steps} == {"support", None} and path["trace_ids"] == [traced[0]["trace_id"]]
    decision = traced[1]
    assert decision["attributes"]["context"] in ({"confidence": 0.92}, '{"confidence": 0.92}')
    assert traced[3]["output"] == "sent" and traced[2]["details"]["documents"][0]["content"] == "In the journal."
    told = json.loads(run("workflow", "--request", "req-42", "--url", app.server.url, "--json").stdout)
    assert [step["span_id"] for step in told["steps"]] == [step["span_id"] for step in steps]


def test_the_graph_of_a_workflow(app, traced):
    graph = app.server.get("/api/v1/workflows/support").json()
    assert [(edge["from"], edge["to"], edge["count"], edge["share"]) for edge in graph["edges"]] == [
        ("classify", "retrieve", 1, 1.0),
        ("retrieve", "answer", 1, 1.0),
    ]
    assert [node["name"] for node in graph["nodes"]] == ["classify", "retrieve", "answer"]
    assert {t["name"]: (t["calls"], t["errors"]) for t in graph["tools"]} == {"get_order": (1, 0), "refund": (1, 1)}
    assert [(r["name"], r["calls"]) for r in graph["retrievers"]] == [("search", 1)]
    listed = app.server.get("/api/v1/workflows").json()["workflows"]
    assert [
        (w["name"], w["project"], w["decisions"], w["tool_calls"], w["tool_errors"], w["retrievals"]) for w in listed
    ] == [("support", "shop-assistant", 2, 2, 1, 1)]


def shares(graph):
    return {
        (e["from"], e["to"]): (e["count"], e["share"], e["before"]["count"], e["change"]["verdict"])
        for e in graph["edges"]
    }


def test_shares_of_branches_and_their_change(server):
    """Yesterday half of the questions went to a human, today a tenth; sent twice and in any order, it is the same."""
    now = time.time_ns()
    yesterday = [
        wire.span(start=now - 30 * HOUR + n * MINUTE, given=branch("triage", "human" if n % 2 else "bot"))
        for n in range(100)
    ]
    today = [
        wire.span(start=now - 6 * HOUR + n * MINUTE, given=branch("triage", "bot" if n % 10 else "human"))
        for n in range(200)
    ]
    failing = {"code": 2, "message": "down"}
    tools = [
        wire.span(
            start=now - 5 * HOUR,
            seconds=0.1 * (n % 4 + 1),
            given=tool("search"),
            **({"status": failing} if n % 4 == 0 else {}),
        )
        for n in range(40)
    ]
    for spans in (today, tools, yesterday, today[::-1], yesterday[:10]):
        wire.taken(wire.post(server, wire.traces(*spans), kind=wire.PROTOBUF))
    graph = server.get("/api/v1/workflows/support", **{"from": "-24h", "bucket": "1h"}).json()
    assert shares(graph) == {
        ("triage", "bot"): (180, 0.9, 50, "higher"),
        ("triage", "human"): (20, 0.1, 50, "lower"),
    }
    assert (graph["decisions"], graph["decisions_before"]) == (200, 100)
    (search,) = graph["tools"]
    assert (search["name"], search["calls"], search["errors"], search["error_rate"]) == ("search", 40, 10, 0.25)
    assert search["duration_ms"]["mean"] == pytest.approx(250, abs=0.01)
    assert search["duration_ms"]["p50"] == pytest.approx(200, rel=0.02) or search["duration_ms"][
        "p50"
    ] == pytest.approx(300, rel=0.02)
    told = json.loads(run("workflow", "support", "--url", server.url, "--json").stdout)
    assert shares(told) == shares(graph)
    server.stop()
    assert shares(json.loads(run("workflow", "support", "--data", server.data, "--json").stdout)) == shares(graph)


def test_a_decision_that_is_sent_again_counts_once(server):
    """Exporters send a batch again when they saw no answer; the figures of steps are sums, so this is where it would show."""
    spans = [
        wire.span(given=branch("a", "b")),
        wire.span(given=tool("search")),
        wire.span(given={"weir.span.kind": "retriever", "weir.workflow": "support"}, name="shelf"),
    ]
    for _ in range(5):
        wire.taken(wire.post(server, wire.traces(*spans)))
        wire.taken(wire.post(server, wire.traces(spans[0]), kind=wire.PROTOBUF))
    graph = server.get("/api/v1/workflows/support").json()
    assert (graph["decisions"], graph["tools"][0]["calls"], graph["retrievers"][0]["calls"]) == (1, 1, 1)


def test_decisions_in_other_words(server):
    """The names without a prefix; OpenInference's DECISION between nodes of a graph; nodes of LangGraph's form."""
    bare = {
        "weir.span.kind": "branch",
        "workflow": "bare",
        "from_node": "a",
        "to_node": "b",
        "condition": "x > 1",
        "condition_result": "false",
    }
    openinference = {
        "openinference.span.kind": "DECISION",
        "graph.node.parent_id": "classify",
        "graph.node.id": "retrieve",
        "metadata": json.dumps({"workflow": "graph", "department": "support"}),
        "input.value": '{"confidence": 0.92}',
        "input.mime_type": "application/json",
    }
    named = {"openinference.span.kind": "DECISION", "from_node": "x", "to_node": "y", "weir.workflow": "named"}
    spans = [wire.span(given=given) for given in (bare, openinference, named)]
    wire.taken(wire.post(server, wire.traces(*spans)))
    listed = {w["name"]: w["decisions"] for w in server.get("/api/v1/workflows").json()["workflows"]}
    assert listed == {"bare": 1, "graph": 1, "named": 1}
    for name, edge in (("bare", ("a", "b")), ("graph", ("classify", "retrieve")), ("named", ("x", "y"))):
        (found,) = server.get(f"/api/v1/workflows/{name}").json()["edges"]
        assert (found["from"], found["to"]) == edge
    (decision,) = server.trace(spans[1]["traceId"])
    assert (decision["kind"], decision["department"], decision["input"]) == ("branch", "support", {"confidence": 0.92})


def test_steps_three_months_old_are_in_their_week(server):
    """Back-filled decisions are read where they happened."""
    start = time.time_ns() - 92 * 24 * HOUR
    wire.taken(wire.post(server, wire.traces(*(wire.span(start=start, given=branch("a", "b")) for _ in range(3)))))
    assert server.get("/api/v1/workflows", **{"from": "-24h"}).json()["workflows"] == []
    graph = server.get("/api/v1/workflows/support", **{"from": "-100d", "to": "-90d", "bucket": "1d"}).json()
    assert [(edge["count"], sum(b["count"] for b in edge["series"])) for edge in graph["edges"]] == [(3, 3)]
