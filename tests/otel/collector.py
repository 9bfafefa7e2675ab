"""An OTLP/HTTP endpoint that keeps spans, told to misbehave."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


def value(any_value):
    """An attribute's value as Python's."""
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return attributes(any_value.kvlist_value.values)
    return getattr(any_value, kind) if kind else None


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


class Collector:
    """`fault(names)` is asked before each request, with the request ids of its spans (the names of those that have none):
    None for a good answer, a status to answer, or a response to answer instead."""

    def __init__(self):
        self.fault = lambda names: None
        self.lock = threading.Lock()
        self.spans, self.headers, self.requests = [], [], []
        self.retry_after = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["content-length"]))
        assert handler.headers["content-type"] == "application/x-protobuf"
        if handler.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        spans = [self.span(r, s, span) for r in request.resource_spans for s in r.scope_spans for span in s.spans]
        names = [span["attributes"].get("weir.request_id", span["name"]) for span in spans]
        fault = self.fault(names)
        with self.lock:
            self.requests.append((handler.path, names))
            self.headers.append(dict(handler.headers.items()))
            if not isinstance(fault, int):
                self.spans += spans
        if isinstance(fault, int):
            said = Status(code=3, message=f"told to answer {fault} to {handler.headers.get('authorization')}")
            status, answer = fault, said.SerializeToString()
        else:
            status, answer = 200, (fault or ExportTraceServiceResponse()).SerializeToString()
        try:
            handler.send_response(status)
            handler.send_header("content-type", "application/x-protobuf")
            handler.send_header("content-length", str(len(answer)))
            if isinstance(fault, int) and self.retry_after is not None:
                handler.send_header("retry-after", str(self.retry_after))
            handler.end_headers()
            handler.wfile.write(answer)
        except OSError:
            pass

    @staticmethod
    def span(resource, scope, span):
        return {
            "trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(), "parent_id": span.parent_span_id.hex(),
            "name": span.name, "kind": span.kind,
            "start_ns": span.start_time_unix_nano, "end_ns": span.end_time_unix_nano,
            "status": span.status.code, "message": span.status.message, "attributes": attributes(span.attributes),
            "events": [(e.name, e.time_unix_nano, attributes(e.attributes)) for e in span.events],
            "links": [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
            "resource": attributes(resource.resource.attributes), "scope": (scope.scope.name, scope.scope.version),
        }

    def taken(self):
        with self.lock:
            return list(self.spans)

    def of(self, request_id):
        """The spans of a request id."""
        return [span for span in self.taken() if span["attributes"].get("weir.request_id") == request_id]

    def ids(self):
        return [span["attributes"].get("weir.request_id") for span in self.taken()]
