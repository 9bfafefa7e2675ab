"""Who may send spans, and whose they are then."""

import base64

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.sdk.trace.export import SpanExportResult

import wire
from exporters import GRPC, calls, counted, grpc_address

APP, WRITER, READER = (f"wk-{name}-5f2b8c1d9e7a4036" for name in ("call", "write", "read"))
ADMIN = f'[[keys]]\nname = "boss"\nkey = "{READER}"\nrole = "admin"\n'
BOSS = {"authorization": f"Bearer {READER}"}


@pytest.fixture
def guarded(serve):
    return serve(
        GRPC
        + ADMIN
        + f'[[keys]]\nname = "app"\nkey = "{APP}"\nrole = "call"\n'
        + f'[[keys]]\nname = "collector"\nkey = "{WRITER}"\nrole = "write"\nproject = "checkout"\ndepartment = "shop"\n'
    )


@pytest.mark.parametrize("kind", [wire.PROTOBUF, wire.JSON])
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics", "/api/public/otel/v1/traces"])
def test_keys_are_asked_for(guarded, path, kind):
    body = wire.traces(wire.llm()) if path.endswith("traces") else (b"{}" if kind == wire.JSON else b"")
    for headers, status in (
        ({}, 401),
        ({"authorization": "Bearer wk-wrong"}, 401),
        ({"authorization": f"Bearer {APP}"}, 403),
        ({"authorization": f"Bearer {WRITER}"}, 200),
        ({"x-api-key": WRITER}, 200),
    ):
        answer = wire.post(guarded, body, path, kind, headers)
        assert answer.status == status, (headers, answer.body)
        assert answer.headers["content-type"] == kind, "an answer is in its request's encoding"
        if status != 200:
            assert "wk-" not in wire.refusal(answer)
    if path.endswith("traces"):
        assert counted(guarded, BOSS)["count"] == 1


def test_langfuse_sends_its_keys_as_basic_authentication(guarded):
    basic = base64.b64encode(f"pk-lf-anybody:{WRITER}".encode()).decode()
    answer = wire.post(
        guarded, wire.traces(wire.llm()), "/api/public/otel/v1/traces", headers={"authorization": f"Basic {basic}"}
    )
    wire.taken(answer)


def test_a_key_says_whose_spans_are_that_name_nobody(guarded):
    bare = wire.llm()
    named = wire.llm(given={"weir.department": "research", "weir.project": "lab"})
    headers = {"authorization": f"Bearer {WRITER}"}
    wire.taken(wire.post(guarded, wire.traces(bare, named, resource={}), headers=headers))
    (one,) = guarded.trace(bare["traceId"], BOSS)
    assert (one["key"], one["project"], one["department"]) == ("collector", "checkout", "shop")
    (one,) = guarded.trace(named["traceId"], BOSS)
    assert (one["key"], one["project"], one["department"]) == ("collector", "lab", "research")


def test_keys_over_grpc(guarded):
    spans = calls(1)
    for headers, code in (((), "UNAUTHENTICATED"), ((("authorization", f"Bearer {APP}"),), "PERMISSION_DENIED")):
        exporter = GrpcExporter(endpoint=grpc_address(guarded), insecure=True, headers=headers, timeout=5)
        assert exporter.export(spans) is SpanExportResult.FAILURE
        with pytest.raises(grpc.RpcError) as raised:
            exporter._client.Export(exporter._translate_data(spans), metadata=headers, timeout=5)
        assert raised.value.code().name == code and "wk-" not in raised.value.details()
    headers = (("authorization", f"Bearer {WRITER}"),)
    exporter = GrpcExporter(endpoint=grpc_address(guarded), insecure=True, headers=headers)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    assert counted(guarded, BOSS)["count"] == 1
