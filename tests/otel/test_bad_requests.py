"""What cannot be taken is refused whole, or a span alone, with what was wrong and where; and there are bounds."""

import json
import re
import sqlite3
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

import wire
from exporters import GRPC, calls, counted, grpc_address, made, send

BROKEN = {
    "no JSON": (b"spans, please", ["JSON"]),
    "JSON that breaks off": (json.dumps(wire.traces(wire.llm())).encode()[:-30], ["JSON"]),
    "no object": (b"[]", ["resourceSpans"]),
    "a list where an object belongs": (b'{"resourceSpans": {}}', ["resourceSpans"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_json_that_cannot_be_read(server, name):
    body, words = BROKEN[name]
    answer = wire.post(server, body)
    message = wire.refusal(answer)
    assert answer.status == 400 and all(word in message for word in words), message


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("startTimeUnixNano", "yesterday"),
        ("startTimeUnixNano", -1),
        ("traceId", 12),
        ("name", {"stringValue": "x"}),
        ("attributes", {"a": 1}),
        ("attributes", [{"key": "a", "value": "plain"}]),
        ("events", [{"timeUnixNano": []}]),
        ("status", {"code": {}}),
        ("kind", [1]),
    ],
)
def test_a_member_that_cannot_be_read_is_named(server, member, wrong):
    """The whole request is refused, also the span beside it that is right."""
    good = wire.llm()
    answer = wire.post(server, wire.traces(good, {**wire.llm(), member: wrong}))
    message = wire.refusal(answer)
    named = {"events": "timeUnixNano", "status": "code"}.get(member, member)
    assert answer.status == 400 and named in message, message
    assert server.trace(good["traceId"]) == [], "nothing is half-written"


def test_protobuf_that_cannot_be_read(server):
    good = wire.llm()
    for body in (
        b"spans, please",
        wire.protobuf(wire.traces(good))[:-5],
        b"\xff" * 100,
        json.dumps(wire.traces(good)).encode(),
    ):
        answer = wire.post(server, body, kind=wire.PROTOBUF)
        assert answer.status == 400 and "protobuf" in wire.refusal(answer)
    assert counted(server)["count"] == 0 and server.trace(good["traceId"]) == []


@pytest.mark.parametrize("kind", [wire.PROTOBUF, wire.JSON])
@pytest.mark.parametrize(
    ("member", "wrong"),
    [("traceId", "0" * 32), ("spanId", "0" * 16), ("traceId", ""), ("spanId", "abcd"), ("traceId", "12" * 9)],
)
def test_a_span_without_proper_ids_is_rejected_alone(server, kind, member, wrong):
    good = wire.llm()
    answer = wire.post(server, wire.traces({**wire.llm(), member: wrong}, good), kind=kind)
    count, reason = wire.partial(answer)
    assert count == 1 and {"traceId": "trace_id", "spanId": "span_id"}[member] in reason and "spans[0]" in reason, reason
    assert len(server.trace(good["traceId"])) == 1 and counted(server)["count"] == 1


def test_other_encodings_and_packings_are_refused_by_name(server):
    body = json.dumps(wire.traces(wire.llm())).encode()
    for headers, word in (
        ({"content-type": "application/xml"}, "application/xml"),
        ({"content-type": "application/json", "content-encoding": "br"}, "br"),
    ):
        answer = server.post("/v1/traces", body, headers)
        assert answer.status == 415 and word in answer.text
    answer = server.post("/v1/traces", body, {"content-type": "application/json", "content-encoding": "gzip"})
    assert answer.status == 400 and "gzip" in wire.refusal(answer), "not packed at all"
    assert counted(server)["count"] == 0


@pytest.mark.parametrize("kind", [wire.PROTOBUF, wire.JSON])
def test_bodies_have_a_bound(serve, kind):
    server = serve('[otlp]\ngrpc = "off"\nmax_body = "1MiB"\n')
    small = wire.traces(wire.llm(given={"weir.input": "x" * 900_000}))
    wire.taken(wire.post(server, small, kind=kind))
    wire.taken(wire.post(server, small, kind=kind, packed=True))
    large = wire.traces(wire.llm(given={"weir.input": "x" * 1_200_000}))
    for packed in (False, True):
        answer = wire.post(server, large, kind=kind, packed=packed)
        message = wire.refusal(answer)
        assert answer.status == 413 and "otlp.max_body" in message, message
    assert counted(server)["count"] == 1


def resident(server):
    """The most memory that the process ever had, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def test_a_gzip_bomb_is_refused_without_unpacking_it(server):
    """1 GiB of zeros in 1 MB, several at a time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    assert len(bomb) < 2 << 20
    before = resident(server)
    for kind in (wire.PROTOBUF, wire.JSON):
        answer = wire.post(server, bomb, kind=kind, headers={"content-encoding": "gzip"})
        assert answer.status == 413 and "otlp.max_body" in wire.refusal(answer)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: wire.post(server, bomb, headers={"content-encoding": "gzip"}), range(16)))
    assert {answer.status for answer in answers} <= {413, 429, 503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status != 413)
    assert resident(server) - before < 400 << 20
    wire.taken(wire.post(server, wire.traces(wire.llm())))


def test_deep_and_wide_values_do_no_harm(server):
    deep = '{"stringValue":"x"}'
    for _ in range(5_000):
        deep = f'{{"arrayValue":{{"values":[{deep}]}}}}'
    document = json.dumps(wire.traces(wire.llm()))
    body = document.replace('"attributes": [', f'"attributes": [{{"key":"deep","value":{deep}}},', 1)
    answer = wire.post(server, body.encode())
    assert answer.status in (200, 400), answer.body
    wide = wire.llm(given={f"attribute.{n}": n for n in range(20_000)})
    many = wire.llm(events=[{"name": f"event {n}", "timeUnixNano": wide["startTimeUnixNano"]} for n in range(20_000)])
    for one in (wide, many):
        answer = wire.post(server, wire.traces(one))
        assert answer.status == 200
        (stored,) = server.trace(one["traceId"])
        assert stored["model"] == "gpt-4o-mini"
    index = wire.llm(
        given={"llm.input_messages.4000000000.message.role": "user", "llm.input_messages.1.message.content": "hi"}
    )
    wire.taken(wire.post(server, wire.traces(index)))


def test_too_much_over_grpc(serve):
    server = serve(GRPC + 'max_body = "1MiB"\n')
    large = made(lambda tracer: tracer.start_span("big", attributes={"text": "x" * 1_200_000}).end())
    for compression in (None, grpc.Compression.Gzip):
        exporter = GrpcExporter(endpoint=grpc_address(server), insecure=True, compression=compression)
        with pytest.raises(grpc.RpcError) as raised:
            exporter._client.Export(exporter._translate_data(large), timeout=5)
        # Not OUT_OF_RANGE or UNAVAILABLE: exporters send those again, and this would never be taken.
        assert raised.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
    small = calls(3)
    send(server, "grpc", small)
    assert counted(server)["count"] == 3


def test_bad_messages_over_grpc(serve):
    """A message that is none, and a span without an id beside one that is right."""
    server = serve(GRPC)
    export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    with grpc.insecure_channel(grpc_address(server)) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(export)(b"spans, please", timeout=5)
        assert raised.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL)
        good = wire.llm()
        answer = channel.unary_unary(export)(
            wire.protobuf(wire.traces({**wire.llm(), "traceId": "0" * 32}, good)), timeout=5
        )
        told = wire.ExportTraceServiceResponse.FromString(answer).partial_success
        assert told.rejected_spans == 1 and "trace_id" in told.error_message
    assert len(server.trace(good["traceId"])) == counted(server)["count"] == 1


def test_unknown_paths_and_methods(server):
    for path in ("/v1/trace", "/v1/traces/", "/otel/v1/metric", "/v1development/profiles"):
        assert wire.post(server, wire.traces(wire.llm()), path).status == 404
    assert server.get("/v1/traces").status == 405
    assert counted(server)["count"] == 0


def test_when_the_store_cannot_be_written_exporters_are_told_to_come_again(serve):
    """Another process holds the database, and a hundred clients go on sending: what waits is bounded, everybody is told in
    time to come again, nothing is answered that is not stored, and in the end each span is there once."""
    server = serve(GRPC)
    spans = calls(5)
    send(server, "protobuf", spans[:1])
    bodies = [
        wire.protobuf(wire.traces(*(wire.llm(given={"input.value": "x" * 20_000}) for _ in range(50))))
        for _ in range(120)
    ]
    holder = sqlite3.connect(server.data / "telemetry.db", isolation_level=None)
    holder.execute("begin exclusive")
    exporter = GrpcExporter(endpoint=grpc_address(server), insecure=True)
    with ThreadPoolExecutor(100) as pool:
        over_grpc = pool.submit(exporter._client.Export, exporter._translate_data(spans), timeout=20)
        answers = list(pool.map(lambda body: wire.post(server, body, kind=wire.PROTOBUF), bodies))
        assert over_grpc.exception().code() is grpc.StatusCode.UNAVAILABLE, "which exporters take as: again"
    for answer in answers:
        assert answer.status in (429, 503) and int(answer.headers["retry-after"]) > 0
        assert wire.refusal(answer)
    assert server.get("/health/ready").json()["status"] == "degraded"
    assert resident(server) < 800 << 20
    holder.rollback()
    send(server, "protobuf-gzip", spans)
    for body in bodies:
        wire.taken(wire.post(server, body, kind=wire.PROTOBUF))
    assert counted(server)["count"] == len(server.all_calls()) == 5 + 120 * 50
