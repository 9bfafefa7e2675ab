"""One call that several spans tell, each within the other: it counts once, whoever tells it and in whatever order they come."""

import json
import time

import httpx
import pytest
from openai import OpenAI
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import propagate

import wire
from application import MODEL, QUESTION, instrumented
from conftest import PRICES
from rig import eventually


@pytest.fixture
def server(serve, up):
    """One that takes spans and makes calls."""
    return serve(up + '[otlp]\ngrpc = "off"\n' + PRICES)


def send(server, *spans):
    wire.taken(wire.post(server, wire.traces(*spans)))


def by_span(server, trace, count):
    return eventually(f"{count} spans are stored",
                      lambda: len(found := server.trace(trace)) == count and {s["span_id"]: s for s in found})


def total(server):
    return server.get("/api/v1/stats").json()["total"]


def tools(*names):
    return [{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name} for name in names]


def test_a_call_through_the_gateway_is_the_gateways_where_its_client_is_instrumented(app, server):
    """The client's instrumentation tells the call, the HTTP library's passes its trace on, the gateway tells it too."""

    def pass_on(request):
        with app.tracer("http").start_as_current_span("POST"):
            propagate.inject(request.headers)

    client = OpenAI(base_url=f"{server.url}/v1", api_key="anything", max_retries=0,
                    http_client=httpx.Client(event_hooks={"request": [pass_on]}))
    with instrumented(OpenAIInstrumentor(), tracer_provider=app.tracers):
        answer = client.chat.completions.create(model=f"up/{MODEL}", messages=QUESTION,
                                                extra_headers={"x-request-id": "through"})
    client.close()
    call = server.call("through")
    app.flush()
    _, outer = sorted(app.spans(), key=lambda span: span.name != "POST")
    spans = by_span(server, call["trace_id"], 3)
    wrapper = spans[f"{outer.context.span_id:016x}"]
    assert (wrapper["kind"], wrapper["attributes"]["wraps"], wrapper["name"]) == ("chain", "llm", "ChatCompletion")
    assert wrapper["model"] and wrapper["tokens"]["total"] == answer.usage.total_tokens, "what it says itself stays"
    assert [listed["id"] for listed in server.calls()] == [call["id"]]
    figures = total(server)
    assert (figures["count"], figures["tokens"]["total"]) == (1, answer.usage.total_tokens)
    assert figures["cost_usd"] == pytest.approx(call["cost_usd"], abs=1e-12)
    assert server.metric("llm_requests_total") == 1
    path = server.get(f"/api/v1/traces/{call['trace_id']}/path").json()
    assert (path["calls"], path["tokens"]["total"]) == (1, answer.usage.total_tokens)


@pytest.mark.parametrize("first", ["client", "gateway"])
def test_it_counts_once_whoever_tells_it_first(server, first):
    trace, outer, http = wire.new_trace(), wire.new_span(), wire.new_span()
    told = [wire.llm(trace, outer), wire.span(trace, http, outer, "POST")]
    if first == "client":
        send(server, *told)
        assert total(server)["count"] == 1
    answer = server.chat(f"up/{MODEL}", id="told", headers={"traceparent": f"00-{trace}-{http}-01"})
    assert answer.status == 200 and server.call("told")["parent_id"] == http
    for _ in range(2 if first == "gateway" else 1):
        send(server, *told)
    eventually("it counts once", lambda: total(server)["count"] == 1)
    spans = by_span(server, trace, 3)
    assert (spans[outer]["kind"], spans[outer]["attributes"]["wraps"]) == ("chain", "llm")
    assert total(server)["tokens"]["total"] == answer.json()["usage"]["total_tokens"]


@pytest.mark.parametrize("order", [1, -1], ids=["outermost first", "innermost first"])
@pytest.mark.parametrize("at_once", [True, False], ids=["one request", "one by one"])
def test_what_wraps_is_told_by_the_tree_alone(server, order, at_once):
    """An agent with three layers of one call, and a tool that two layers tell, which uses another one."""
    trace = wire.new_trace()
    agent, predict, step, chat, raw, outer, inner, other = ids = [wire.new_span() for _ in range(8)]
    search, again, read = tools("search", "search", "read")
    spans = [
        wire.span(trace, agent, None, "agent", given={"gen_ai.operation.name": "invoke_agent"}),
        wire.llm(trace, predict, parent=agent, tokens=None),
        wire.span(trace, step, predict, "format"),
        wire.llm(trace, chat, parent=step),
        wire.llm(trace, raw, parent=chat),
        wire.span(trace, outer, agent, "run", given=search),
        wire.span(trace, inner, outer, "call", given=again),
        wire.span(trace, other, inner, "read", given=read),
    ][::order]
    for _ in range(2):
        for part in [spans] if at_once else [[span] for span in spans]:
            send(server, *part)
    stored = by_span(server, trace, len(ids))
    kinds = [(stored[id]["kind"], stored[id]["attributes"].get("wraps")) for id in ids]
    assert kinds == [("agent", None), ("chain", "llm"), ("chain", None), ("chain", "llm"), ("llm", None),
                     ("chain", "tool"), ("tool", None), ("tool", None)]
    figures = total(server)
    assert (figures["count"], figures["tokens"]["total"]) == (1, 36)
    counted = {t["name"]: t["calls"] for t in server.get("/api/v1/workflows/-").json()["tools"]}
    assert counted == {"search": 1, "read": 1}


def test_spans_in_weirs_own_form_are_looked_at_alike(server):
    trace, outer, inner = wire.new_trace(), wire.new_span(), wire.new_span()

    def put(**span):
        answer = server.post("/api/v1/spans", json.dumps({"spans": [{"trace_id": trace, **span}]}).encode(),
                             {"content-type": "application/json"})
        assert answer.status == 200, answer.text

    now = time.time_ns() // 1_000
    put(write="create", span_id=outer, kind="llm", name="outer", start_us=now - 100)
    put(write="create", span_id=inner, parent_id=outer, kind="llm", name="inner", start_us=now - 90, end_us=now)
    put(write="update", span_id=outer, kind="llm", status="success", end_us=now)
    stored = by_span(server, trace, 2)
    assert (stored[outer]["kind"], stored[inner]["kind"]) == ("chain", "llm")
    assert stored[outer]["status"] == "success" and total(server)["count"] == 1
