"""What Prometheus reads of spans that came by OpenTelemetry."""

import json
import time

import pytest

import wire
from exporters import calls, send
from rig import eventually

HOUR = 3600 * wire.SECOND


def counted(server, name, value, **labels):
    eventually(f"{name}{labels} is {value}", lambda: server.metric(name, **labels) == pytest.approx(value), 5)


def retrieval(scores, **members):
    documents = [{"id": f"doc-{n}", "score": score} for n, score in enumerate(scores)]
    given = {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "guide"}
    return wire.span(
        name="retrieval guide", given={**given, "gen_ai.retrieval.documents": json.dumps(documents)}, **members
    )


def test_relevance_is_fed_by_retrievers(server):
    """The mean of a retrieval's documents, by collection, whoever instrumented it."""
    openinference = {"openinference.span.kind": "RETRIEVER", "input.value": "Where?"}
    for n, score in enumerate((0.5, 0.7)):
        openinference[f"retrieval.documents.{n}.document.score"] = score
    stated = {"weir.span.kind": "retriever", "weir.collection": "shelf", "weir.relevance_score": 0.25}
    without = {"openinference.span.kind": "RETRIEVER", "retrieval.documents.0.document.content": "no score"}
    chain = {"openinference.span.kind": "CHAIN", "retrieval.documents.0.document.score": 0.1}
    spans = [retrieval([0.9, 0.7]), retrieval([0.3])] + [
        wire.span(given=g) for g in (openinference, stated, without, chain)
    ]
    wire.taken(wire.post(server, wire.traces(*spans), kind=wire.PROTOBUF))
    counted(server, "retrieval_relevance_score_count", 4)
    counted(server, "retrieval_relevance_score_count", 2, collection="guide")
    counted(server, "retrieval_relevance_score_sum", 0.8 + 0.3, collection="guide")
    counted(server, "retrieval_relevance_score_sum", 0.25, collection="shelf")
    counted(server, "retrieval_relevance_score_sum", 0.8 + 0.3 + 0.6 + 0.25)
    counted(server, "retrieval_relevance_score_bucket", 1, collection="guide", le="0.3")
    # Sent again they are not new.
    wire.taken(wire.post(server, wire.traces(*spans)))
    wire.taken(wire.post(server, wire.traces(retrieval([1.0]))))
    counted(server, "retrieval_relevance_score_count", 5)
    # Months ago is not now.
    wire.taken(wire.post(server, wire.traces(retrieval([0.5], start=time.time_ns() - 24 * HOUR), retrieval([1.0]))))
    counted(server, "retrieval_relevance_score_count", 6)
    for one in (retrieval([]), retrieval([float(10**300)])):
        wire.taken(wire.post(server, wire.traces(one)))
    assert server.get("/metrics").status == 200


def test_calls_count_once_when_they_are_new(server):
    bad = {"code": 2, "message": "Error code: 429 - slow down"}
    hit = {"weir.cache_hit": True}
    new = [wire.llm(), wire.llm(), wire.llm(status=bad, tokens=None), wire.llm(given=hit), wire.llm(model="other")]
    old = [wire.llm(start=time.time_ns() - 2 * HOUR), wire.llm(start=time.time_ns() - 90 * 24 * HOUR)]
    parents = [wire.span(), wire.span(given={"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 24})]
    for _ in range(2):
        wire.taken(wire.post(server, wire.traces(*new, *old, *parents), kind=wire.PROTOBUF))
    send(server, "protobuf-gzip", calls(3))
    counted(server, "llm_requests_total", 8)
    counted(server, "llm_requests_total", 5, model="gpt-4o-mini", status="success")
    counted(server, "llm_requests_total", 1, model="gpt-4o-mini", status="error")
    counted(server, "llm_requests_total", 1, model="gpt-4o-mini", status="cached")
    counted(server, "llm_requests_total", 1, model="other", status="success")
    counted(server, "llm_errors_total", 1, error_type="http_4xx")
    counted(server, "llm_tokens_total", 24 * 7, type="prompt")
    counted(server, "llm_tokens_total", 12 * 7, type="completion")
    counted(server, "llm_cost_usd_total", 5 * (24 * 1.0 + 12 * 4.0) / 1e6, model="gpt-4o-mini", provider="openai")
    assert server.get("/api/v1/stats", **{"from": "2020-01-01"}).json()["total"]["count"] == 10


def test_how_long_a_call_took(server):
    slow = wire.llm(seconds=2.5, given={"gen_ai.response.time_to_first_chunk": 0.75, "gen_ai.request.stream": True})
    wire.taken(wire.post(server, wire.traces(slow)))
    counted(server, "llm_request_latency_seconds_sum", 2.5)
    counted(server, "llm_time_to_first_token_seconds_sum", 0.75)


def test_spans_are_counted_by_protocol(server):
    """Each once: what is sent again is not brought again."""
    spans = [wire.llm(), wire.span(), retrieval([0.5]), wire.llm(start=1_700_000_000 * wire.SECOND)]
    wire.taken(wire.post(server, wire.traces(*spans)))
    counted(server, "weir_spans_ingested_total", 4, protocol="otlp")
    send(server, "json", calls(2))
    counted(server, "weir_spans_ingested_total", 6, protocol="otlp")


def test_what_spans_say_cannot_make_endless_series(server):
    """Models and collections are words of whoever sends: Prometheus gets a bounded number of them."""
    spans = [wire.llm(model=f"model-{n}") for n in range(3000)] + [
        wire.span(given={"weir.span.kind": "retriever", "weir.collection": f"c{n}", "weir.relevance_score": 0.5})
        for n in range(3000)
    ]
    wire.taken(wire.post(server, wire.traces(*spans), kind=wire.PROTOBUF))
    counted(server, "llm_requests_total", 3000)
    counted(server, "retrieval_relevance_score_count", 3000)
    for name in ("llm_requests_total", "retrieval_relevance_score_count"):
        assert len([1 for n, _ in server.metrics() if n == name]) <= 2000, "as docs/metrics.md has it"
