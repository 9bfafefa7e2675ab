"""What instrumentations sent when it was recorded, also those that no test here drives: sent again to the built program, in both
encodings, in any order and twice, it comes to the calls that really were made."""

import json

import pytest

import wire
from exporters import counted
from rig import Weir
from rig.process import ROOT

GOLDEN = ROOT / "crates/weir-fronts/golden/otlp"
#: What the scenarios of each recording do: calls, failed ones, tokens of prompts and of answers as far as they are told.
#: A chat uses 24 and 12, an embedding 6 for each text.
MADE = {
    "genai/by_hand": (1, 0, 24, 12),
    "genai/successor_chat": (1, 0, 24, 12),
    "genai/successor_chat_events": (1, 0, 24, 12),
    "genai/successor_embeddings": (1, 0, 12, 0),
    "genai/successor_errors": (3, 3, 0, 0),
    "genai/successor_responses": (2, 0, 48, 24),
    "genai/successor_stream": (1, 0, 24, 12),
    "genai/successor_tools": (2, 0, 48, 24),
    "genai/v1_30_chat": (1, 0, 24, 12),
    "genai/v1_30_chat_without_content": (1, 0, 24, 12),
    "genai/v1_30_embeddings": (1, 0, 12, 0),
    "genai/v1_30_errors": (3, 3, 0, 0),
    "genai/v1_30_stream": (1, 0, 24, 12),
    "genai/v1_30_tools": (2, 0, 48, 24),
    "openinference/helpers": (0, 0, 0, 0),
    "openinference/langchain_chain": (1, 0, 24, 12),
    "openinference/langchain_error": (1, 1, 0, 0),
    "openinference/langchain_rag": (1, 0, 24, 12),
    "openinference/langchain_stream": (1, 0, 24, 12),
    "openinference/langchain_tools": (2, 0, 48, 24),
    "openinference/langgraph_agent": (2, 0, 48, 24),
    "openinference/llama_index_build": (1, 0, 0, 0),
    "openinference/llama_index_query": (2, 0, 24, 12),
    "openinference/llama_index_stream": (1, 0, 0, 0),
    "openinference/openai_chat": (1, 0, 24, 12),
    "openinference/openai_embeddings": (1, 0, 12, 0),
    "openinference/openai_errors": (3, 3, 0, 0),
    "openinference/openai_image": (1, 0, 24, 12),
    "openinference/openai_responses": (2, 0, 48, 24),
    "openinference/openai_stream": (1, 0, 24, 12),
    "openinference/openai_stream_without_usage": (1, 0, 0, 0),
    "openinference/openai_tools": (2, 0, 48, 24),
    "openllmetry/chat": (1, 0, 24, 12),
    "openllmetry/chat_events": (1, 0, 24, 12),
    "openllmetry/embeddings": (1, 0, 12, 0),
    "openllmetry/errors": (3, 3, 0, 0),
    "openllmetry/responses": (1, 0, 24, 12),
    "openllmetry/stream": (1, 0, 24, 12),
    "openllmetry/tools": (2, 0, 48, 24),
    "openllmetry/tools_events": (2, 0, 48, 24),
    "langfuse/kinds": (2, 0, 8, 1),
    "langfuse/observe": (1, 0, 24, 12),
    "langfuse/openai_wrapper": (4, 1, 72, 36),
    "langsmith/traceable": (0, 0, 0, 0),
    "langsmith/wrap_openai": (4, 1, 72, 36),
    "mlflow/openai_autolog": (5, 1, 78, 36),
    "mlflow/openai_autolog_genai": (5, 1, 72, 36),
    "mlflow/trace": (0, 0, 0, 0),
    "mlflow/trace_tagged": (0, 0, 0, 0),
    "vercel/v5_embed": (1, 0, 12, 0),
    "vercel/v5_error": (1, 1, 0, 0),
    "vercel/v5_stream": (1, 0, 24, 12),
    "vercel/v5_text": (1, 0, 24, 12),
    "vercel/v5_tools": (2, 0, 48, 24),
    "vercel/v7_embed": (1, 0, 12, 0),
    "vercel/v7_error": (1, 1, 0, 0),
    "vercel/v7_stream": (1, 0, 24, 12),
    "vercel/v7_text": (1, 0, 24, 12),
    "vercel/v7_tools": (2, 0, 48, 24),
    "vercel/v7legacy_embed": (1, 0, 12, 0),
    "vercel/v7legacy_error": (1, 1, 0, 0),
    "vercel/v7legacy_stream": (1, 0, 24, 12),
    "vercel/v7legacy_text": (1, 0, 24, 12),
    "vercel/v7legacy_tools": (2, 0, 48, 24),
    "weir/openinference_decision": (0, 0, 0, 0),
    "weir/plain": (0, 0, 0, 0),
    "weir/remote_parent": (1, 0, 0, 0),
    "weir/workflow": (1, 0, 24, 12),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two servers: one gets everything in the order in which it was sent, the other one span by span, backwards."""
    servers = [Weir(tmp_path_factory.mktemp("recordings"), '[otlp]\ngrpc = "off"\n') for _ in range(2)]
    yield servers
    for server in servers:
        server.stop()


def recorded(case, what="otlp"):
    path = GOLDEN / f"{case}.{what}.json"
    return json.loads(path.read_text()) if path.exists() else None


def one_by_one(document):
    """A request for each span, the last first."""
    for resource in reversed(document["resourceSpans"]):
        for scope in reversed(resource["scopeSpans"]):
            for span in reversed(scope["spans"]):
                yield {"resourceSpans": [{**resource, "scopeSpans": [{**scope, "spans": [span]}]}]}


def figures(server):
    total = counted(server)
    return total["count"], total["errors"], total["tokens"]["prompt"], total["tokens"]["completion"]


def test_every_recording_is_looked_at():
    found = {f"{p.parent.name}/{p.name.removesuffix('.otlp.json')}" for p in GOLDEN.glob("*/*.otlp.json")}
    assert found == set(MADE)


@pytest.mark.parametrize("case", MADE)
def test_a_recording_comes_to_the_calls_that_were_made(pair, case):
    spans, logs = recorded(case), recorded(case, "logs")
    traces = {span["traceId"] for r in spans["resourceSpans"] for s in r["scopeSpans"] for span in s["spans"]}
    forwards, backwards = pair
    before = [figures(server) for server in pair]
    wire.taken(wire.post(forwards, spans))
    if logs:
        wire.taken(wire.post(backwards, logs, "/v1/logs", wire.PROTOBUF))
        wire.taken(wire.post(forwards, logs, "/v1/logs"))
    for request in one_by_one(spans):
        wire.taken(wire.post(backwards, request, kind=wire.PROTOBUF))
    wire.taken(wire.post(forwards, spans, kind=wire.PROTOBUF))
    if logs:
        wire.taken(wire.post(backwards, logs, "/v1/logs"))
    for server, was in zip(pair, before, strict=True):
        assert tuple(now - then for now, then in zip(figures(server), was, strict=True)) == MADE[case]
    for trace in traces:
        assert by_id(forwards.trace(trace)) == by_id(backwards.trace(trace))


def by_id(spans):
    """Those that start in the same microsecond stand as they came."""
    return {span["span_id"]: span for span in spans}
