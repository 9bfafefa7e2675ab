"""An application as its author writes it: OpenTelemetry's SDK, clients of OpenAI. What it sent and what Weir has of it."""

import sys
from contextlib import contextmanager

import wrapt
from openai import AsyncOpenAI, OpenAI
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rig import eventually

#: What every chat of the fake provider uses: of 24 tokens of the prompt 8 were cached, of 12 of the answer 4 were thought.
USAGE = "usage=24:12:8:4"
TOKENS = {
    "prompt": 24,
    "completion": 12,
    "total": 36,
    "cached": 8,
    "cache_write": 0,
    "reasoning": 4,
    "audio_in": 0,
    "audio_out": 0,
}
#: What that costs by the test's own prices: 16 at 1, 8 at 0.5 and 12 at 4 dollars per million.
COST = (16 * 1.0 + 8 * 0.5 + 12 * 4.0) / 1e6
#: The key of the fake provider. It stands in no span; were it to, it must not be found.
PROVIDER_KEY = "sk-proj-Rf7Kp2Zx9Wq4Tn6Vb8Lm1Hc3Jd5Gs0Ya"
#: Batches leave when a test says so.
NEVER = 3_600_000

MODEL = "gpt-4o-mini"
EMBEDDER = "text-embedding-3-small"
QUESTION = [
    {"role": "system", "content": "Answer in one sentence."},
    {"role": "user", "content": 'What is the capital of "France"? Grüße 👋\n'},
]
WEATHER_QUESTION = [{"role": "user", "content": "What is the weather in Zürich?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
DOCUMENTS = [
    "The journal keeps finished calls until they are stored.",
    "A budget refuses calls when it is spent.",
    "Routing picks a healthy deployment.",
]


class Application:
    """`tracers`, `loggers` and `meters` are for instrumentations; all that they hold leaves when it is flushed."""

    def __init__(self, server, fake, key, headers=None, **resource):
        self.server, self.fake, self.key = server, fake, key
        resource = Resource.create({"service.name": "shop-assistant", **resource})
        options = {"headers": headers or {}, "compression": Compression.Gzip}
        self.sent = InMemorySpanExporter()
        self.tracers = TracerProvider(resource=resource)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.sent))
        spans = OTLPSpanExporter(endpoint=f"{server.url}/v1/traces", **options)
        self.tracers.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=NEVER))
        self.loggers = LoggerProvider(resource=resource)
        logs = OTLPLogExporter(endpoint=f"{server.url}/v1/logs", **options)
        self.loggers.add_log_record_processor(BatchLogRecordProcessor(logs, schedule_delay_millis=NEVER))
        metrics = OTLPMetricExporter(endpoint=f"{server.url}/v1/metrics", **options)
        self.meters = MeterProvider(
            [PeriodicExportingMetricReader(metrics, export_interval_millis=NEVER)], resource=resource
        )
        self.clients = []

    def tracer(self, name="shop", version="1.4.0"):
        return self.tracers.get_tracer(name, version)

    # The provider

    def headers(self, *words):
        return {"x-fake": ",".join([f"key={self.key}", USAGE, *words])}

    def openai(self, *words, kind=OpenAI, **options):
        """A client of the fake provider, which is told how to behave."""
        given = {"base_url": f"{self.fake.url}/v1", "max_retries": 0, "timeout": 20, **options}
        client = kind(api_key=PROVIDER_KEY, default_headers=self.headers(*words), **given)
        self.clients.append(client)
        return client

    def async_openai(self, *words, **options):
        return self.openai(*words, kind=AsyncOpenAI, **options)

    def asked(self):
        """The calls that really were made, oldest first."""
        return self.fake.requests(self.key)

    # What was sent, and what Weir has

    def flush(self):
        assert self.tracers.force_flush()
        self.loggers.force_flush()

    def spans(self):
        """The finished spans as the SDK has them, by start."""
        return sorted(self.sent.get_finished_spans(), key=lambda span: span.start_time)

    def stored(self):
        """Everything of the traces that were sent, as Weir gives it back, by start. Waits until all is there."""
        self.flush()
        sent = self.spans()
        traces = dict.fromkeys(f"{span.context.trace_id:032x}" for span in sent)

        def read():
            found = [span for trace in traces for span in self.server.trace(trace)]
            return len(found) >= len(sent) and found

        found = eventually(f"{len(sent)} spans are stored", read)
        assert len(found) == len(sent), [(span["kind"], span["name"]) for span in found]
        return sorted(found, key=lambda span: span["timestamp"])

    def calls(self):
        """The calls of models, with payload, oldest first; what the API says of all and of each is the same."""
        self.stored()
        listed = self.server.calls(payload="true", limit=100, order="time")
        for call in listed:
            assert self.server.get(f"/api/v1/calls/{call['id']}").json() == call
        return listed

    def call(self):
        """The only call."""
        found = self.calls()
        assert len(found) == 1, [(call["name"], call["tokens"]) for call in found]
        return found[0]

    def text_of(self, call):
        """A call's JSON as it is sent: what is given back to the letter must be looked for here."""
        return self.server.get(f"/api/v1/calls/{call['id']}").text

    def total(self, **parameters):
        answer = self.server.get("/api/v1/stats", **parameters)
        assert answer.status == 200, answer.text
        return answer.json()["total"]

    def counted(self, calls):
        """As many calls were really made, and as many count, whatever is known of their tokens."""
        listed = self.calls()
        assert len(self.asked()) == calls, [request["path"] for request in self.asked()]
        assert (self.total()["count"], len(listed)) == (calls, calls), [
            (c["kind"], c["name"], c["tokens"]) for c in listed
        ]
        eventually(f"{calls} in llm_requests_total", lambda: self.server.metric("llm_requests_total") == calls)
        return listed

    def counted_once(self, calls, tokens=None):
        """Every call that was really made counts once: in statistics, in the list, in Prometheus."""
        listed = self.counted(calls)
        wanted = tokens or {name: count * calls for name, count in TOKENS.items()}
        assert self.total()["tokens"] == wanted
        assert self.server.metric("llm_tokens_total", type="prompt") == wanted["prompt"]
        assert self.server.metric("llm_tokens_total", type="completion") == wanted["completion"]
        return listed

    def close(self):
        for provider in (self.tracers, self.loggers, self.meters):
            provider.shutdown()
        for client in self.clients:
            if isinstance(client, OpenAI):
                client.close()


@contextmanager
def instrumented(instrumentor, **settings):
    """An instrumentation while it is needed."""
    instrumentor.instrument(**settings)
    try:
        yield instrumentor
    finally:
        instrumentor.uninstrument()
        unwrap()


def unwrap():
    """OpenLLMetry's instrumentation leaves its wrappers where they are."""
    modules = [module for name, module in sys.modules.items() if name.startswith("openai.resources")]
    for kind in {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}:
        for name, held in list(vars(kind).items()):
            while isinstance(held, wrapt.ObjectProxy):
                held = held.__wrapped__
                setattr(kind, name, held)


def of_kind(spans, kind):
    return [span for span in spans if span["kind"] == kind]


def only(spans, kind):
    found = of_kind(spans, kind)
    assert len(found) == 1, [(span["kind"], span["name"]) for span in spans]
    return found[0]
