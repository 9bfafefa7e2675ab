"""OTLP as exporters send it: every encoding, packing and transport comes to the same spans."""

import json
import socket
import subprocess
import sys

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult

import wire
from exporters import (
    GRPC,
    HOW,
    GrpcExporter,
    HttpExporter,
    all_there_is,
    calls,
    counted,
    grpc_address,
    made,
    send,
    trace_of,
)
from rig.process import environment


def test_every_transport_stores_the_same(serve):
    spans = made(all_there_is)
    found = {}
    for how in HOW:
        server = serve(GRPC)
        send(server, how, spans)
        found[how] = server.trace(trace_of(spans))
    root, failed, call = found["protobuf"]
    assert (root["name"], root["kind"], root["parent_id"], root["project"]) == (
        "POST /answer",
        "chain",
        None,
        "shop-assistant",
    )
    assert root["attributes"]["big"] == 9007199254740993 and root["attributes"]["flag"] is True
    assert root["attributes"]["text"] == 'Grüße 👋 "quoted" \n\u0001 end' and root["attributes"]["empty"] == ""
    assert root["attributes"]["nested"] == {"list": [1, "two", {"three": 3.0}], "nothing": None}
    assert (root["attributes"]["words"], root["attributes"]["numbers"]) == (["a", "b"], [1, 2])
    assert [event["name"] for event in root["details"]["events"]] == ["first byte"]
    assert root["details"]["links"][0]["attributes"] == {"why": "retry"}
    assert (failed["status"], failed["error"]) == ("error", "ValueError: no such table")
    assert failed["parent_id"] == call["parent_id"] == root["span_id"]
    assert (call["kind"], call["model"], call["tokens"]["total"], call["status"]) == (
        "llm",
        "gpt-4o-mini",
        36,
        "success",
    )
    for how in HOW:
        assert found[how] == found["protobuf"], how


def test_numbers_stay_what_they_were(serve):
    server = serve(GRPC)
    spans = made(all_there_is)
    send(server, "protobuf", spans)
    text = server.get(f"/api/v1/traces/{trace_of(spans)}", payload="true").text
    assert '"big":9007199254740993' in text and '"ratio":0.1' in text
    assert '"whole":1.0' in text, "a double is not written as an integer"


def test_json_of_other_exporters(server):
    """Integers as numbers, nulls, unknown members, snake_case, lower and upper case of ids, chunked without a length."""
    trace, id, parent = wire.new_trace(), wire.new_span(), wire.new_span()
    document = {
        "resource_spans": [
            {
                "resource": {"attributes": None, "droppedAttributesCount": 0},
                "scope_spans": [
                    {
                        "scope": None,
                        "future": {"a": [1]},
                        "spans": [
                            {
                                "trace_id": trace.upper(),
                                "span_id": id.upper(),
                                "parent_span_id": parent,
                                "name": "chat",
                                "kind": "SPAN_KIND_CLIENT",
                                "start_time_unix_nano": 1_790_000_000_000_000_123,
                                "endTimeUnixNano": "1790000001000000456",
                                "status": {"code": "STATUS_CODE_OK"},
                                "flags": 257,
                                "events": [],
                                "links": None,
                                "attributes": [
                                    {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o-mini"}},
                                    {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                                    {"key": "gen_ai.usage.input_tokens", "value": {"intValue": 24}},
                                    {"key": "gen_ai.usage.output_tokens", "value": {"int_value": "12"}},
                                    {"key": "nothing", "value": {}},
                                ],
                            }
                        ],
                    }
                ],
            }
        ]
    }
    body = json.dumps(document).encode()
    pieces = b"".join(
        b"%x\r\n%s\r\n" % (len(body[at : at + 100]), body[at : at + 100]) for at in range(0, len(body), 100)
    )
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as line:
        head = f"POST /v1/traces HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json; charset=utf-8\r\n"
        head += "transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        line.sendall(head.encode() + pieces + b"0\r\n\r\n")
        received = b""
        while more := line.recv(65536):
            received += more
    assert received.startswith(b"HTTP/1.1 200") and received.endswith(b"{}"), received
    (stored,) = server.trace(trace)
    assert (stored["span_id"], stored["parent_id"], stored["tokens"]["total"]) == (id, parent, 36)
    assert stored["timestamp"] == "2026-09-21T14:13:20.000000Z" and stored["latency_ms"] == 1000.0
    assert stored["attributes"]["nothing"] is None


@pytest.mark.parametrize(
    "path", ["/v1/traces", "/otel/v1/traces", "/api/public/otel/v1/traces", "/opik/api/v1/private/otel/v1/traces"]
)
@pytest.mark.parametrize("kind", [wire.PROTOBUF, wire.JSON])
def test_where_sdks_send_traces(server, path, kind):
    one = wire.llm()
    wire.taken(wire.post(server, wire.traces(one), path, kind))
    assert [span["span_id"] for span in server.trace(one["traceId"])] == [one["spanId"]]


@pytest.mark.parametrize("header", ["x-weir-project", "langsmith-project", "projectName"])
def test_a_header_names_the_project(serve, header):
    """Over both transports; it counts for the whole request, whatever the service is called."""
    server, spans = serve(GRPC), calls(2)
    HttpExporter(endpoint=f"{server.url}/v1/traces", headers={header: "checkout"}).export(spans[:1])
    metadata = ((header.lower(), "checkout"),)
    GrpcExporter(endpoint=grpc_address(server), insecure=True, headers=metadata).export(spans[1:])
    assert [call["project"] for call in server.calls()] == ["checkout", "checkout"]


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_an_empty_request_is_taken(server, path):
    assert wire.post(server, b"", path, wire.PROTOBUF).status == 200
    assert wire.post(server, b"{}", path).json() == {}


BOSS = "wk-boss-5f2b8c1d9e7a4036"
PROGRAM = """\
import os
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
with provider.get_tracer("program").start_as_current_span("work") as span:
    print(f"{span.get_span_context().trace_id:032x}")
provider.shutdown()
"""


def test_the_environment_alone_is_enough(serve, tmp_path):
    """As in any twelve-factor application: only OpenTelemetry's own variables name Weir, over HTTP and over gRPC."""
    key = "wk-env-7Hd2Kp9Xq4Tn6Vb8"
    server = serve(
        GRPC
        + f'[[keys]]\nname = "env"\nkey = "{key}"\nrole = "write"\n[[keys]]\nname = "boss"\nkey = "{BOSS}"\nrole = "admin"\n'
    )
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    for protocol, endpoint in (("http/protobuf", server.url), ("grpc", f"http://{grpc_address(server)}")):
        said = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{key}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_SERVICE_NAME": "from-the-environment",
        }
        ran = subprocess.run(
            [sys.executable, program], env=environment(said), capture_output=True, text=True, timeout=60, check=True
        )
        (stored,) = server.trace(ran.stdout.strip(), {"authorization": f"Bearer {BOSS}"})
        assert (stored["name"], stored["project"], stored["key"]) == ("work", "from-the-environment", "env"), ran.stderr


def test_metrics_and_other_logs_are_taken_and_not_kept(server):
    """Exporters of all three signals can point at Weir; nothing complains."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("shop")
    meter.create_histogram("gen_ai.client.token.usage").record(24, {"gen_ai.token.type": "input"})
    meter.create_counter("orders").add(1)
    exporter = OTLPMetricExporter(endpoint=f"{server.url}/v1/metrics", compression=Compression.Gzip)
    assert exporter.export(reader.get_metrics_data()) is MetricExportResult.SUCCESS
    record = {"timeUnixNano": "1790000000000000000", "severityNumber": 9, "body": {"stringValue": "started"}}
    answer = wire.post(server, wire.logs(record), "/v1/logs")
    assert (answer.status, answer.json()) == (200, {})
    assert wire.post(server, wire.logs(record), "/v1/logs", wire.PROTOBUF).status == 200
    assert counted(server)["count"] == 0
