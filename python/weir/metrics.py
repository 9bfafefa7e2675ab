"""The figures of this process for Prometheus: a page of its own, and the default registry of ``prometheus_client``."""

from __future__ import annotations

import importlib.util
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator, Tuple

from ._native import metrics_text

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_lock = threading.Lock()
_registered = False


def start_http_server(port: int = 8000, addr: str = "127.0.0.1") -> Tuple[ThreadingHTTPServer, threading.Thread]:
    """Serves the figures of all loggers of this process at ``http://addr:port/metrics``, from a thread of its own.

    Returns the server and its thread; ``server.shutdown()`` ends it. Port 0 takes a free one: ``server.server_address``.
    """
    server = _Server((addr, port), _Page)
    thread = threading.Thread(target=server.serve_forever, name="weir-metrics", daemon=True)
    thread.start()
    return server, thread


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Page(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        if self.path.split("?")[0] not in ("/", "/metrics"):
            self.send_error(404, explain="the figures are at /metrics")
            return
        body = metrics_text().encode()
        self.send_response(200)
        self.send_header("Content-Type", _CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are not told."""


def register_with_prometheus() -> None:
    """Shows the figures in the default registry of ``prometheus_client``, where that package is installed; once."""
    global _registered
    if _registered:
        return
    with _lock:
        if _registered:
            return
        _registered = True
        try:
            if importlib.util.find_spec("prometheus_client") is None:
                return
            from prometheus_client import REGISTRY

            REGISTRY.register(_Collector())
        except Exception as error:
            logging.getLogger("weir").warning("the figures do not appear in prometheus_client's registry: %s", error)


class _Collector:
    """Reads the figures when the registry is asked for them.

    It claims no names, so that a metric of the program's own may have any; where both have the same, Weir's is shown with
    ``weir_`` before it.
    """

    def describe(self) -> Iterator[Any]:
        return iter(())

    def collect(self) -> Iterator[Any]:
        from prometheus_client import REGISTRY
        from prometheus_client.metrics_core import Metric
        from prometheus_client.parser import text_string_to_metric_families

        taken = getattr(REGISTRY, "_names_to_collectors", {})
        families = list(text_string_to_metric_families(metrics_text()))
        untyped = {family.name for family in families if family.type in ("unknown", "untyped")}
        for family in families:
            name, kind = family.name, family.type
            if kind == "counter" and name in untyped:
                # The same figures without a type have the counter's name: two types of one name are refused by readers.
                name, kind = f"{name}_total", "unknown"
            prefix = "weir_" if any(sample.name in taken for sample in family.samples) or family.name in taken else ""
            shown = Metric(prefix + name, family.documentation, kind)
            for sample in family.samples:
                shown.add_sample(prefix + sample.name, sample.labels, sample.value, sample.timestamp, sample.exemplar)
            yield shown
