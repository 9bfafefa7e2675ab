"""An OTLP/HTTP server that keeps what it gets: protobuf and JSON, gzip or not, under any prefix."""

import base64
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SIGNALS = {
    "/v1/traces": ("resourceSpans", ExportTraceServiceRequest),
    "/v1/logs": ("resourceLogs", ExportLogsServiceRequest),
    "/v1/metrics": ("resourceMetrics", ExportMetricsServiceRequest),
}
IDS = {"traceId", "spanId", "parentSpanId"}


def hex_ids(value):
    """OTLP/JSON writes ids as hex where protobuf's own JSON has base64."""
    if isinstance(value, list):
        return [hex_ids(item) for item in value]
    if isinstance(value, dict):
        return {k: base64.b64decode(v).hex() if k in IDS else hex_ids(v) for k, v in value.items()}
    return value


class Receiver:
    def __init__(self):
        self.lock = threading.Lock()
        self.seen, self.requests = {}, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if self.headers.get("transfer-encoding", "").lower() == "chunked":
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                self.answer()

            def answer(self):
                kind = self.headers.get("content-type", "application/json")
                answer = b"{}" if "json" in kind else b""
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = answer

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, path, headers, body):
        size = len(body)
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        signal = next((s for s in SIGNALS if path.split("?")[0].endswith(s)), None)
        with self.lock:
            self.requests.append({"path": path, "headers": headers, "bytes": size})
            if signal is None:
                return
            member, message = SIGNALS[signal]
            if "json" in headers.get("content-type", ""):
                decoded = json.loads(body)
            else:
                decoded = hex_ids(MessageToDict(message.FromString(body), use_integers_for_enums=True))
            self.seen.setdefault(member, []).extend(decoded.get(member, []))

    def drain(self):
        with self.lock:
            taken = self.seen, self.requests
            self.seen, self.requests = {}, []
            return taken
