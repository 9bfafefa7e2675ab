"""Spans that OpenTelemetry's SDK made, and every way to send them."""

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

import wire
from receiver import hex_ids

#: A port of its own for gRPC.
GRPC = '[otlp]\ngrpc = "127.0.0.1:0"\n'
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 24,
    "gen_ai.usage.output_tokens": 12,
}
HOW = ["protobuf", "protobuf-gzip", "protobuf-deflate", "json", "json-gzip", "grpc", "grpc-gzip"]


def grpc_address(server):
    return server.process.wait_for(r"grpc=(127\.0\.0\.1:\d+)").group(1)


def made(make):
    """Spans that the SDK made, and that nothing has exported yet."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "shop-assistant"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    make(provider.get_tracer("shop.web", "0.1.0"))
    provider.shutdown()
    return kept.get_finished_spans()


def calls(count):
    def make(tracer):
        for n in range(count):
            with tracer.start_as_current_span(f"chat {n}", attributes=CALL):
                pass

    return made(make)


def all_there_is(tracer):
    """Every sort of value, an exception, an event, a link, kinds, a child."""
    remote = SpanContext(0x1234567890ABCDEF1234567890ABCDEF, 0x1234567890ABCDEF, True, TraceFlags(1))
    values = {
        "http.request.method": "POST",
        "big": 9007199254740993,
        "ratio": 0.1,
        "whole": 1.0,
        "flag": True,
        "empty": "",
        "words": ["a", "b"],
        "numbers": [1, 2],
        "text": 'Grüße 👋 "quoted" \n\u0001 end',
        "bytes": b"\x00\xff",
        "nested": {"list": [1, "two", {"three": 3.0}], "nothing": None},
    }
    with tracer.start_as_current_span(
        "POST /answer", kind=SpanKind.SERVER, attributes=values, links=[Link(remote, {"why": "retry"})]
    ) as span:
        span.add_event("first byte", {"offset_ms": 12})
        try:
            with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT):
                raise ValueError("no such table")
        except ValueError:
            pass
        with tracer.start_as_current_span("chat gpt-4o-mini", attributes=CALL, kind=SpanKind.CLIENT) as call:
            call.set_status(Status(StatusCode.OK))


def as_json(spans):
    """What the SDK made, as the JSON that the JavaScript exporter would send."""
    return hex_ids(MessageToDict(encode_spans(spans), use_integers_for_enums=True))


def trace_of(spans):
    return f"{spans[0].context.trace_id:032x}"


def send(server, how, spans):
    options = {"endpoint": f"{server.url}/v1/traces"}
    match how:
        case "protobuf":
            result = HttpExporter(**options).export(spans)
        case "protobuf-gzip":
            result = HttpExporter(**options, compression=Compression.Gzip).export(spans)
        case "protobuf-deflate":
            result = HttpExporter(**options, compression=Compression.Deflate).export(spans)
        case "json":
            result = wire.taken(wire.post(server, as_json(spans))) and SpanExportResult.SUCCESS
        case "json-gzip":
            result = wire.taken(wire.post(server, as_json(spans), packed=True)) and SpanExportResult.SUCCESS
        case "grpc":
            result = GrpcExporter(endpoint=grpc_address(server), insecure=True).export(spans)
        case "grpc-gzip":
            exporter = GrpcExporter(endpoint=grpc_address(server), insecure=True, compression=grpc.Compression.Gzip)
            result = exporter.export(spans)
    assert result is SpanExportResult.SUCCESS


def counted(server, headers=None):
    """What statistics say of all time."""
    answer = server.get("/api/v1/stats", headers, **{"from": "2020-01-01"})
    assert answer.status == 200, answer.text
    return answer.json()["total"]
