"""Keys that stand in spans, wherever in them, are readable nowhere afterwards: not by the API, not in a file, not in the log."""

import json
import sqlite3

import pytest

import wire
from exporters import GRPC, counted, made, send, trace_of
from rig.weir import run

SECRETS = {
    "openai": "sk-proj-Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7Ie2",
    "anthropic": "sk-ant-api03-Qm7Zx2Wv9Kt4Rb6Ny1Lp8Hc3Jd5Fs0Ga",
    "aws": "AKIAQ7ZX2WV9KT4RB6NY",
    "github": "ghp_Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7",
    "slack": "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOHcBrzygy",
}
TEXT = "; ".join(f"here {value} is" for value in SECRETS.values())


def everything(folder):
    """Every byte that a server wrote, its log included."""
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "weir.toml").decode(
        "latin-1"
    )


def assert_absent(text, where):
    found = [name for name, value in SECRETS.items() if value in text]
    assert not found, f"{found} found in {where}"


def everywhere(tracer):
    """Secrets in every place that a span has."""
    from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

    remote = SpanContext(0x1234567890ABCDEF1234567890ABCDEF, 0x1234567890ABCDEF, True, TraceFlags(1))
    values = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o-mini",
        "input.value": json.dumps({"messages": [{"role": "user", "content": TEXT}], "api_key": SECRETS["openai"]}),
        "input.mime_type": "application/json",
        "output.value": TEXT,
        "llm.input_messages.0.message.content": TEXT,
        "llm.invocation_parameters": json.dumps({"model": "gpt-4o-mini", "api_key": SECRETS["anthropic"]}),
        "metadata": json.dumps({"department": TEXT, "note": TEXT}),
        "session.id": SECRETS["github"],
        "user.id": SECRETS["aws"],
        "tag.tags": [SECRETS["slack"], "fine"],
        "free": TEXT,
        "list": ["fine", TEXT],
        "nested": {"a": {"b": [TEXT]}},
        "bytes": TEXT.encode(),
        "http.request.header.authorization": f"Bearer {SECRETS['openai']}",
        "embedding.embeddings.0.embedding.text": TEXT,
        "retrieval.documents.0.document.content": TEXT,
    }
    with tracer.start_as_current_span(
        f"ask {SECRETS['openai']}", attributes=values, links=[Link(remote, {"why": TEXT})]
    ) as span:
        span.add_event(f"event {SECRETS['openai']}", {"text": TEXT})
        span.record_exception(ValueError(TEXT))
        span.set_status(Status(StatusCode.ERROR, TEXT))
    with tracer.start_as_current_span("tool", attributes={"gen_ai.tool.name": "t", "gen_ai.tool.call.arguments": TEXT}):
        pass
    with tracer.start_as_current_span(
        "branch",
        attributes={
            "weir.span.kind": "branch",
            "weir.from_node": "a",
            "weir.to_node": "b",
            "weir.condition": TEXT,
            "weir.context": TEXT,
        },
    ):
        pass


@pytest.mark.parametrize("plain", [False, True], ids=["compressed", "plain-text"])
@pytest.mark.parametrize("how", ["protobuf-gzip", "json", "grpc"])
def test_secrets_in_spans_do_not_reach_the_disk(serve, plain, how):
    server = serve(GRPC + f"[record]\nplain_text = {str(plain).lower()}\n")
    spans = made(everywhere)
    send(server, how, spans)
    assert counted(server)["count"] == 1
    for span in spans:
        found = server.trace(trace_of([span]))
        assert len(found) == 1
        text = json.dumps(found, ensure_ascii=False)
        assert_absent(text, f"the span {found[0]['name'][:5]}")
        assert "[" in text
    (call,) = server.trace(trace_of(spans))
    assert "here" in call["output"] and call["model"] == "gpt-4o-mini", "only the secrets are gone"
    for path in ("/api/v1/calls", "/api/v1/workflows/-", "/metrics", "/api/v1/stats?group_by=department,project"):
        assert_absent(server.get(path).text, path)
    server.stop()
    assert_absent(everything(server.folder), "files")
    out = run("export", "--format", "jsonl", "--output", "-", "--with-payload", "--data", server.data).stdout
    assert_absent(out, "the export")


def test_secrets_in_resources_scopes_and_logs(serve):
    server = serve('[otlp]\ngrpc = "off"\n[record]\nplain_text = true\n')
    one = wire.llm(traceState=f"vendor={SECRETS['github']}")
    request = wire.traces(
        one, resource={"service.name": f"shop {SECRETS['openai']}", "token": SECRETS["slack"], "list": [TEXT]}
    )
    scope = request["resourceSpans"][0]["scopeSpans"][0]
    scope["scope"] = {
        "name": f"scope {SECRETS['aws']}",
        "version": SECRETS["github"],
        "attributes": wire.attributes({"public_key": TEXT}),
    }
    scope["schemaUrl"] = f"https://example.com/{SECRETS['github']}"
    wire.taken(wire.post(server, request))
    for event, body in (
        ("gen_ai.user.message", {"content": TEXT}),
        (
            "gen_ai.choice",
            {"index": 0, "finish_reason": SECRETS["openai"], "message": {"role": "assistant", "content": TEXT}},
        ),
    ):
        record = {
            "traceId": one["traceId"],
            "spanId": one["spanId"],
            "eventName": event,
            "observedTimeUnixNano": one["startTimeUnixNano"],
            "body": wire.value(body),
        }
        wire.taken(wire.post(server, wire.logs(record), "/v1/logs"))
    (stored,) = server.trace(one["traceId"])
    assert stored["input"] is not None and stored["output"] is not None
    assert_absent(json.dumps(stored), "the call")
    server.stop()
    assert_absent(everything(server.folder), "files")


LABELS = {
    "call": [
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.provider.name",
        "gen_ai.response.finish_reasons",
        "weir.cache",
        "weir.operation",
        "weir.deployment",
        "weir.upstream_request_id",
        "weir.request_id",
        "weir.prompt.name",
        "weir.prompt.version",
        "weir.project",
        "weir.department",
        "weir.error_type",
    ],
    "tool": ["weir.tool_name", "weir.workflow", "gen_ai.tool.call.id"],
    "branch": ["weir.from_node", "weir.to_node", "weir.workflow", "weir.condition_result"],
    "retriever": ["weir.collection", "gen_ai.retrieval.query.text"],
}


@pytest.mark.parametrize("kind", LABELS)
def test_secrets_in_labels_do_not_reach_the_disk(serve, kind):
    """Fields that are words of a closed set when all is well hold whatever a client says."""
    server = serve('[otlp]\ngrpc = "off"\n')
    secrets = list(SECRETS.values())
    given = {name: secrets[n % len(secrets)] for n, name in enumerate(LABELS[kind])}
    failed = {"code": 2, "message": "it broke"}
    made = (
        wire.llm(given=given, status=failed) if kind == "call" else wire.span(given={"weir.span.kind": kind, **given})
    )
    wire.taken(wire.post(server, wire.traces(made)))
    assert_absent(json.dumps(server.trace(made["traceId"])), "the span")
    for path in ("/api/v1/calls", "/api/v1/workflows", "/api/v1/workflows/-", "/metrics"):
        assert_absent(server.get(path).text, path)
    assert_absent(
        server.get("/api/v1/stats", group_by="model,provider,department,prompt_version,project").text, "statistics"
    )
    server.stop()
    assert_absent(everything(server.folder), "files")


def test_secrets_as_names_of_attributes(serve):
    server = serve('[otlp]\ngrpc = "off"\n')
    one = wire.llm(
        given={SECRETS["openai"]: 1, f"quota of {SECRETS['github']}": "low", "nested": {SECRETS["aws"]: True}}
    )
    wire.taken(wire.post(server, wire.traces(one)))
    assert_absent(json.dumps(server.trace(one["traceId"])), "the span")
    server.stop()
    assert_absent(everything(server.folder), "files")


def test_secrets_in_refused_requests_are_not_repeated(serve):
    server = serve('[server]\nlog = "debug"\n[otlp]\ngrpc = "off"\n')
    bad = {**wire.llm(), "startTimeUnixNano": SECRETS["openai"]}
    for body, kind in (
        (json.dumps(wire.traces(bad)).encode(), wire.JSON),
        (SECRETS["openai"].encode(), wire.JSON),
        (SECRETS["openai"].encode(), wire.PROTOBUF),
        (json.dumps(wire.traces({**wire.llm(), "traceId": SECRETS["openai"]})).encode(), wire.JSON),
    ):
        answer = wire.post(server, body, kind=kind)
        assert_absent(answer.body.decode("latin-1"), "the answer")
    server.post(
        "/v1/traces",
        b"{}",
        {"content-type": f"text/{SECRETS['openai']}", "authorization": f"Bearer {SECRETS['openai']}"},
    )
    server.stop()
    assert_absent(everything(server.folder), "files")


def test_without_payload_nothing_of_the_content_is_kept(serve):
    """`record.payload = "none"`: what a call took stays, what was said does not, in no form of it."""
    server = serve('[otlp]\ngrpc = "off"\n[record]\npayload = "none"\n')
    word = "Xylophon9"
    given = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o-mini",
        "input.value": f"say {word}",
        "output.value": word,
        "llm.input_messages.0.message.content": word,
        "llm.output_messages.0.message.content": word,
        "llm.token_count.prompt": 5,
        "llm.prompt_template.template": word,
        "llm.prompt_template.variables": json.dumps({"x": word}),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": word}]}]),
        "retrieval.documents.0.document.content": word,
        "traceloop.entity.input": word,
        "ai.prompt.messages": word,
        "mlflow.spanInputs": json.dumps(word),
        "gen_ai.system_instructions": word,
        "gen_ai.tool.call.arguments": word,
    }
    call = wire.span(
        given=given,
        events=[{"name": "gen_ai.choice", "timeUnixNano": "1", "attributes": wire.attributes({"content": word})}],
    )
    wire.taken(wire.post(server, wire.traces(call)))
    (stored,) = server.trace(call["traceId"])
    assert (stored["tokens"]["prompt"], stored["input"], stored["output"], stored["details"]) == (5, None, None, None)
    assert word not in json.dumps(stored)
    server.stop()
    with sqlite3.connect(f"file:{server.data}/telemetry.db?mode=ro", uri=True) as db:
        assert db.execute("select count(*) from llm_calls").fetchone() == (1,)
    assert word not in everything(server.folder)
