"""Spans made by hand with nothing but OpenTelemetry's SDK: Weir's own attributes, a decision between two nodes, plain spans."""

import sys

from common import DOCUMENTS, run, tracing


def workflow():
    """A workflow of a program that knows Weir: what no convention has a name for is in weir.*, the rest is GenAI's."""
    provider = tracing(**{"deployment.environment.name": "staging"})
    tracer = provider.get_tracer("shop.workflow", "2.0.0")
    root = {
        "weir.span.kind": "agent",
        "weir.workflow": "guide",
        "weir.input": '{"question": "Where are calls kept?"}',
        "weir.output": '{"answer": "In the journal."}',
        "weir.tags": ["production", "guide"],
        "weir.metadata.department": "support",
        "weir.metadata.attempt": 2,
        "weir.metadata.cache_hit": False,
        "weir.metadata.ratio": 0.5,
        "weir.prompt.name": "guide-answer",
        "weir.prompt.version": 3,
        "session.id": "session-7",
        "user.id": "user-42",
    }
    with tracer.start_as_current_span("guide", attributes=root) as span:
        decision = {
            "weir.span.kind": "branch",
            "weir.workflow": "guide",
            "weir.from_node": "classify",
            "weir.to_node": "retrieve",
            "weir.condition": "question is about the guide",
        }
        with tracer.start_as_current_span("classify -> retrieve", attributes=decision):
            pass
        retrieval = {
            "weir.span.kind": "retriever",
            "weir.input": "Where are calls kept?",
            "weir.documents": [
                f'{{"id": "doc-{i}", "score": {0.9 - i / 10:.1f}, "content": "{t}"}}' for i, t in enumerate(DOCUMENTS)
            ],
        }
        with tracer.start_as_current_span("search", attributes=retrieval):
            pass
        llm = {
            "weir.span.kind": "llm",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.provider.name": "openai",
            "gen_ai.usage.input_tokens": 24,
            "gen_ai.usage.output_tokens": 12,
            "weir.cost_usd": 0.0000108,
            "weir.cache.status": "miss",
        }
        with tracer.start_as_current_span("answer", attributes=llm):
            pass
        span.add_event("first byte", {"offset_ms": 12})
    provider.shutdown()


def openinference_decision():
    """A step of a graph that its author marked with OpenInference's DECISION, without anything of Weir's."""
    provider = tracing()
    tracer = provider.get_tracer("shop.graph")
    with tracer.start_as_current_span("graph", attributes={"openinference.span.kind": "CHAIN", "graph.node.id": "root"}):
        for node, parent in (("classify", "root"), ("retrieve", "classify")):
            decision = {
                "openinference.span.kind": "DECISION",
                "graph.node.id": node,
                "graph.node.parent_id": parent,
                "input.value": '{"confidence": 0.92}',
                "input.mime_type": "application/json",
                "output.value": node,
            }
            with tracer.start_as_current_span(f"decide {node}", attributes=decision):
                pass
    provider.shutdown()


def plain():
    """A web request that knows nothing of models: every type of value, an exception, links, kinds of spans, no parent."""
    from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

    provider = tracing()
    tracer = provider.get_tracer("shop.web", "0.1.0")
    attributes = {
        "http.request.method": "POST",
        "url.path": "/answer",
        "http.response.status_code": 500,
        "big": 9007199254740993,
        "ratio": 0.1,
        "flag": True,
        "empty": "",
        "words": ["a", "b"],
        "numbers": [1, 2],
        "text": 'Grüße 👋 "quoted" \n\u0000 end',
        "bytes": b"\x00\xff",
        "nested": {"list": [1, "two", {"three": 3.0}], "nothing": None},
    }
    remote = SpanContext(0x1234567890ABCDEF1234567890ABCDEF, 0x1234567890ABCDEF, True, TraceFlags(1))
    with tracer.start_as_current_span(
        "POST /answer", kind=SpanKind.SERVER, attributes=attributes, links=[Link(remote, {"why": "retry"})]
    ):
        try:
            with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT):
                raise ValueError("no such table")
        except ValueError:
            pass
        with tracer.start_as_current_span("render", kind=SpanKind.INTERNAL) as span:
            span.set_status(Status(StatusCode.OK))
    provider.shutdown()


def remote_parent():
    """A span whose parent is in another process and never comes."""
    from opentelemetry import trace

    provider = tracing()
    context = trace.SpanContext(0xABCDEF1234567890ABCDEF1234567890, 0xABCDEF1234567890, True, trace.TraceFlags(1))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(context))
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.system": "openai"}
    provider.get_tracer("shop").start_span("chat gpt-4o-mini", context=parent, attributes=attributes).end()
    provider.shutdown()


CASES = {
    "workflow": workflow,
    "openinference_decision": openinference_decision,
    "plain": plain,
    "remote_parent": remote_parent,
}

if __name__ == "__main__":
    run(CASES, sys.argv[1])
