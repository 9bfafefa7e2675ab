"""OTLP by hand: requests as JSON and as protobuf, and their answers."""

import base64
import gzip
import json
import secrets
import time

from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PROTOBUF, JSON = "application/x-protobuf", "application/json"
IDS = ("traceId", "spanId", "parentSpanId")
SECOND = 1_000_000_000


def new_trace():
    return secrets.token_hex(16)


def new_span():
    return secrets.token_hex(8)


def value(given):
    """A value as OTLP's JSON has it."""
    match given:
        case None:
            return {}
        case bool():
            return {"boolValue": given}
        case int():
            return {"intValue": str(given)}
        case float():
            return {"doubleValue": given}
        case str():
            return {"stringValue": given}
        case bytes():
            return {"bytesValue": base64.b64encode(given).decode()}
        case list():
            return {"arrayValue": {"values": [value(item) for item in given]}}
        case dict():
            return {"kvlistValue": {"values": attributes(given)}}
    raise TypeError(type(given))


def attributes(given):
    return [{"key": key, "value": value(item)} for key, item in given.items()]


def span(trace=None, id=None, parent=None, name="step", start=None, seconds=0.05, given=None, **members):
    """A span; `start` is in nanoseconds, without it just now."""
    start = time.time_ns() - SECOND if start is None else start
    made = {
        "traceId": trace or new_trace(),
        "spanId": id or new_span(),
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(seconds * SECOND)),
        "attributes": attributes(given or {}),
        **members,
    }
    return {**made, "parentSpanId": parent} if parent else made


def llm(trace=None, id=None, model="gpt-4o-mini", tokens=(24, 12), given=None, **members):
    """A call of a model in the words of OpenTelemetry's conventions."""
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
    }
    if tokens:
        said |= {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
    return span(trace, id, name=members.pop("name", f"chat {model}"), given={**said, **(given or {})}, **members)


def traces(*spans, resource=None):
    """A request."""
    resource = attributes({"service.name": "by-hand"} if resource is None else resource)
    scope = {"name": "by hand", "version": "1"}
    return {
        "resourceSpans": [
            {"resource": {"attributes": resource}, "scopeSpans": [{"scope": scope, "spans": list(spans)}]}
        ]
    }


def logs(*records, resource=None):
    resource = attributes({"service.name": "by-hand"} if resource is None else resource)
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": resource},
                "scopeLogs": [{"scope": {"name": "by hand"}, "logRecords": list(records)}],
            }
        ]
    }


def protobuf(document):
    """The same request as protobuf."""

    def ids(item):
        if isinstance(item, list):
            return [ids(one) for one in item]
        if isinstance(item, dict):
            return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in IDS else ids(v) for k, v in item.items()}
        return item

    message = ExportTraceServiceRequest() if "resourceSpans" in document else ExportLogsServiceRequest()
    return json_format.ParseDict(ids(document), message).SerializeToString()


def post(server, body, path="/v1/traces", kind=JSON, headers=None, packed=False, timeout=30.0):
    """Sends a document, or bytes as they are."""
    if isinstance(body, dict):
        body = json.dumps(body).encode() if kind == JSON else protobuf(body)
    headers = {"content-type": kind, **(headers or {})}
    if packed:
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    return server.post(path, body, headers, timeout)


def taken(answer):
    """An answer that says that everything was taken, in the encoding of its request."""
    assert answer.status == 200, (answer.status, answer.body)
    assert partial(answer) is None, answer.body
    return answer


def partial(answer):
    """Count and reason of what was rejected alone; `None` if nothing was."""
    assert answer.status == 200, (answer.status, answer.body)
    if answer.headers["content-type"] == JSON:
        told = answer.json().get("partialSuccess") or {}
        count, reason = int(told.get("rejectedSpans", 0)), told.get("errorMessage", "")
    else:
        assert answer.headers["content-type"] == PROTOBUF
        told = ExportTraceServiceResponse.FromString(answer.body).partial_success
        count, reason = told.rejected_spans, told.error_message
    return (count, reason) if count or reason else None


def refusal(answer):
    """The message of a refusal, which is a `google.rpc.Status` in the encoding of its request."""
    assert answer.status >= 400, (answer.status, answer.body)
    if answer.headers["content-type"] == JSON:
        told = answer.json()
        assert isinstance(told["message"], str) and told["message"], told
        return told["message"]
    assert answer.headers["content-type"] == PROTOBUF, answer.headers
    told = Status.FromString(answer.body)
    assert told.message
    return told.message
