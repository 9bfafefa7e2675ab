"""Weir's spans in another system: an OTLP endpoint that parses them with OpenTelemetry's own messages, and another Weir."""

import json

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector import Collector
from rig import eventually
from rig.weir import behave, run


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture
def weir(serve, up, collector):
    """One that exports to the collector."""
    return serve(up + f'[otlp.export]\nendpoint = "{collector.url}"\nheaders = {{ authorization = "env:OTLP_AUTH" }}\n',
                 env={"OTLP_AUTH": "Bearer otlp-secret-token"})


def exporter(weir, target="otlp"):
    """What Weir says of an export."""
    found = [e for e in weir.get("/api/v1/status").json()["exporters"] if e["target"] == target]
    assert len(found) == 1, found
    return found[0]


def exported(weir, count, seconds=60):
    """Waits until so many spans are exported and none is left."""

    def ask():
        state = exporter(weir)
        return state if state["exported"] + state["failed"] >= count and state["lag_records"] == 0 else None

    return eventually(f"{count} spans are exported", ask, seconds, 0.1)


def send(weir, count, first=0):
    for n in range(first, first + count):
        assert weir.chat("up/gpt-4o", id=f"call-{n}").status == 200


def ids(count, first=0):
    return [f"call-{n}" for n in range(first, first + count)]


def one(collector, request_id):
    return eventually(f"{request_id} is there", lambda: collector.of(request_id))[0]


def test_a_call_is_a_span_in_the_conventions_words(weir, collector):
    labels = {"department": "support", "user": "ann", "session": "s-1", "tier": 3}
    answer = weir.chat("up/gpt-4o", id="plain", temperature=0.5, max_tokens=64, metadata=labels)
    assert answer.status == 200
    span, call = one(collector, "plain"), weir.call("plain")
    said = span["attributes"]
    assert (span["name"], span["kind"], span["status"]) == ("chat gpt-4o", 3, 1)
    assert span["trace_id"] == call["trace_id"] and said["weir.span_id"] == call["span_id"]
    assert span["resource"] == {"service.name": "default"} and span["scope"][0] == "weir"
    assert said["gen_ai.operation.name"] == "chat" and said["gen_ai.provider.name"] == "openai"
    assert said["gen_ai.request.model"] == "gpt-4o" and said["weir.model"] == "up/gpt-4o"
    assert said["gen_ai.request.temperature"] == 0.5 and said["gen_ai.request.max_tokens"] == 64
    assert said["gen_ai.response.model"] == call["response_model"]
    assert said["gen_ai.response.finish_reasons"] == [call["finish_reason"]]
    assert said["gen_ai.usage.input_tokens"] > 0 and said["gen_ai.usage.output_tokens"] > 0
    assert said["weir.cost_usd"] == pytest.approx(call["cost_usd"])
    assert (said["user.id"], said["session.id"], said["weir.department"]) == ("ann", "s-1", "support")
    assert said["gen_ai.conversation.id"] == "s-1" and json.loads(said["metadata"])["tier"] == 3
    assert json.loads(said["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "hello there"}]}
    ]
    output = json.loads(said["gen_ai.output.messages"])
    text = answer.json()["choices"][0]["message"]["content"]
    assert output == [{"role": "assistant", "parts": [{"type": "text", "content": text}], "finish_reason": "stop"}]
    assert collector.headers[0]["authorization"] == "Bearer otlp-secret-token"
    assert collector.requests[0][0] == "/v1/traces"
    assert "otlp-secret-token" not in weir.log() and "otlp-secret-token" not in run("status", "--url", weir.url).stdout


def test_streams_failures_embeddings_and_steps_of_a_trace(weir, collector):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    line = weir.chat("up/gpt-4o", id="streamed", stream=True, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert line.status == 200
    streamed = one(collector, "streamed")
    assert (streamed["trace_id"], streamed["parent_id"]) == (trace, "00f067aa0ba902b7")
    assert streamed["attributes"]["gen_ai.request.stream"] is True
    assert streamed["attributes"]["gen_ai.response.time_to_first_chunk"] > 0
    assert json.loads(streamed["attributes"]["gen_ai.output.messages"])[0]["parts"][0]["content"]

    assert weir.chat(behave("up/gpt-4o", "failed", "status=400"), id="failed").status == 400
    failed, call = one(collector, "failed"), weir.call("failed")
    assert (failed["status"], failed["attributes"]["error.type"]) == (2, call["error_type"])
    assert failed["message"] == call["error"] and failed["attributes"]["http.response.status_code"] == 400

    body = {"model": "up/text-embedding-3-small", "input": ["one", "two"]}
    assert weir.post("/v1/embeddings", body, {"x-request-id": "embedded"}).status == 200
    embedded = one(collector, "embedded")["attributes"]
    assert embedded["gen_ai.operation.name"] == "embeddings" and embedded["gen_ai.usage.input_tokens"] > 0
    assert json.loads(embedded["input.value"])["input"] == ["one", "two"]


@pytest.mark.parametrize(("fault", "reason"), [
    (401, "auth"), (404, "not_found"), (429, "rate_limited"), (500, "server_error"), (503, "server_error"),
])
def test_an_endpoint_that_cannot_be_used_delays_nobody_and_is_caught_up_with(weir, collector, fault, reason):
    collector.fault = lambda names: fault
    send(weir, 10)
    state = eventually("it is noticed", lambda: exporter(weir)["state"] == "retrying" and exporter(weir))
    assert f"answers {fault}: told to answer {fault}" in state["last_error"] and state["exported"] == 0
    assert "otlp-secret-token" not in state["last_error"], "the endpoint repeats it"
    eventually("the lag is seen", lambda: weir.metric("weir_export_lag_records", target="otlp") == 10)
    assert weir.metric("weir_export_failures_total", target="otlp", reason=reason) >= 1
    shown = run("status", "--url", weir.url).stdout
    assert "retrying" in shown and "otlp" in shown and collector.url in shown
    assert json.loads(run("status", "--data", weir.data, "--json").stdout)["exporters"][0]["lag_records"] == 10
    assert weir.get("/health/ready").json()["status"] == "ready"
    send(weir, 5, 10)
    collector.fault = lambda names: None
    state = exported(weir, 15)
    assert (state["exported"], state["failed"], state["state"]) == (15, 0, "ok")
    assert sorted(collector.ids()) == sorted(ids(15)), "each once"
    assert weir.metric("weir_exported_total", target="otlp") == 15
    assert "the target cannot be used" in weir.log() and weir.log().count("the target takes calls again") == 1


def test_a_span_that_is_refused_is_skipped_told_and_takes_no_others_with_it(weir, collector):
    held = [503]
    collector.fault = lambda names: held[0] or (400 if "call-3" in names else None)
    send(weir, 20)
    eventually("they wait", lambda: exporter(weir)["lag_records"] == 20)
    held[0] = None
    state = exported(weir, 20)
    assert (state["exported"], state["failed"]) == (19, 1)
    assert sorted(collector.ids()) == sorted(i for i in ids(20) if i != "call-3")
    assert max(len(names) for _, names in collector.requests) > 5, "they went together"
    assert "request=\"call-3\"" in weir.log().replace("request=call-3", "request=\"call-3\"")


def test_what_the_endpoint_does_not_keep_is_counted(weir, collector):
    answers = [ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="no room for it"))]
    collector.fault = lambda names: answers.pop() if answers else None
    send(weir, 1)
    state = exported(weir, 1)
    assert (state["exported"], state["failed"]) == (0, 1) and "no room for it" in state["last_error"]
    assert weir.metric("weir_export_failures_total", target="otlp", reason="rejected") == 1
    send(weir, 1, 1)
    assert exported(weir, 2)["exported"] == 1 and len(collector.requests) == 2, "not sent again"


def test_after_a_kill_nothing_is_missing(weir, collector):
    """At least once: what was sent and not noted is sent again."""
    collector.fault = lambda names: 503
    send(weir, 30)
    eventually("it is noticed", lambda: exporter(weir)["state"] == "retrying")
    collector.fault = lambda names: None
    eventually("some are there", lambda: collector.taken())
    weir.process.kill()
    weir.start()
    eventually("all are there", lambda: set(collector.ids()) == set(ids(30)), 30)
    exported(weir, 0)
    twice = {span["span_id"] for span in collector.taken()}
    assert len(twice) == 30, "the same span has the same id"


def test_exporters_have_cursors_of_their_own(serve, up, collector):
    """MLflow cannot be reached; OTLP goes on. Then the other way round."""
    weir = serve(up + '[mlflow]\ntracking_uri = "http://127.0.0.1:9"\n'
                 f'[otlp.export]\nendpoint = "{collector.url}"\ncalls_only = true\n')
    send(weir, 10)
    exported(weir, 10)
    assert sorted(collector.ids()) == sorted(ids(10))
    eventually("MLflow is behind", lambda: exporter(weir, "mlflow")["lag_records"] == 10)
    assert exporter(weir, "mlflow")["state"] == "retrying"
    # Without MLflow its cursor holds up nothing; what OTLP has had is not sent again.
    weir.stop()
    weir.config_path.write_text(up + f'[otlp.export]\nendpoint = "{collector.url}"\ncalls_only = true\n')
    weir.start()
    send(weir, 1, 10)
    exported(weir, 1)
    assert sorted(collector.ids()) == sorted(ids(11))


def program(*urls):
    """A program with OpenTelemetry's SDK that sends its spans to each of these."""
    provider = TracerProvider(resource=Resource({"service.name": "shop", "service.version": "1.2"}))
    for url in urls:
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    return provider.get_tracer("my.instrumentation", "0.1", attributes={"of": "scope"})


def agent(tracer):
    """A turn of an agent: a call of a model in OpenInference's words, a decision of a workflow, a tool that fails."""
    with tracer.start_as_current_span("turn", attributes={"openinference.span.kind": "AGENT", "session.id": "s-9"}) as turn:
        other = trace.Link(turn.get_span_context(), {"why": "test"})
        with tracer.start_as_current_span("ask", kind=trace.SpanKind.CLIENT, links=[other], attributes={
            "openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 12,
            "llm.token_count.completion": 5, "llm.invocation_parameters": '{"temperature": 0.2}',
            "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "where is my order?",
            "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "on its way",
            "input.value": '{"messages":[{"role":"user"}]}', "my.flag": True, "my.numbers": [1, 2], "my.share": 0.25,
        }) as ask:
            ask.add_event("First Token Stream Event", {"n": 1})
        with tracer.start_as_current_span("route", attributes={
            "weir.span.kind": "branch", "weir.from_node": "triage", "weir.to_node": "refund", "weir.workflow": "support",
        }):
            pass
        try:
            with tracer.start_as_current_span("look up", attributes={
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "orders",
                "gen_ai.tool.call.arguments": '{"id": 7}',
            }):
                raise ValueError("no such order")
        except ValueError:
            pass


def test_spans_of_others_leave_as_they_came(weir, collector):
    direct = Collector()
    agent(program(weir.url, direct.url))
    eventually("all are there", lambda: len(collector.taken()) == len(direct.taken()) == 4, 20)
    by_id = lambda spans: {span["span_id"]: span for span in spans}  # noqa: E731
    assert by_id(collector.taken()) == by_id(direct.taken())
    direct.stop()


def test_another_weir_has_what_the_first_one_has(serve, up):
    second = serve()
    first = serve(up + f'[otlp.export]\nendpoint = "{second.url}"\n')
    labels = {"department": "support", "user": "ann", "session": "s-1", "tier": 3}
    assert first.chat("up/gpt-4o", id="plain", temperature=0.5, metadata=labels).status == 200
    assert first.chat("up/gpt-4o", id="streamed", stream=True).status == 200
    assert first.chat(behave("up/gpt-4o", "failed", "status=500"), id="failed").status >= 400
    body = {"model": "up/text-embedding-3-small", "input": "one"}
    assert first.post("/v1/embeddings", body, {"x-request-id": "embedded"}).status == 200
    agent(program(first.url))
    exported(first, 8)
    eventually("the calls are there", lambda: len(second.all_calls()) == len(first.all_calls()) == 5)
    made = lambda weir: {call["span_id"]: call for call in weir.all_calls()}  # noqa: E731
    there, here = made(second), made(first)
    assert there.keys() == here.keys(), "an id that OpenTelemetry has no room for comes back whole"
    for id, call in here.items():
        # Named, as OpenTelemetry's spans are; its attributes hold the conventions' words besides.
        differs = {name for name in call if call[name] != there[id].get(name)} - {"name", "attributes"}
        assert not differs, {name: (call[name], there[id].get(name)) for name in differs}
    messages = second.call("plain")["input"]
    assert messages == [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}]
    assert second.get("/api/v1/stats").json()["total"] == first.get("/api/v1/stats").json()["total"]


def test_settings_that_cannot_be_used_are_refused(tmp_path, serve, collector):
    def check(text, **env):
        (tmp_path / "weir.toml").write_text(text)
        return run("check-config", tmp_path / "weir.toml", env=env, check=False)

    on = check(f'[otlp.export]\nendpoint = "{collector.url}"\n')
    assert f"otlp: every span to {collector.url}" in on.stdout, on.stdout + on.stderr
    assert "otlp: every call to" in check(f'[otlp.export]\nendpoint = "{collector.url}"\ncalls_only = true\n').stdout
    assert "otlp: switched off" in check(f'[otlp.export]\nendpoint = "{collector.url}"\nenabled = false\n').stdout
    assert "otlp: nothing is exported" in check("", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).stdout
    itself = check('[server]\nlisten = "127.0.0.1:8123"\n[otlp.export]\nendpoint = "http://localhost:8123"\n')
    assert itself.returncode != 0 and "is where this Weir listens" in itself.stderr
    wrong = check('[otlp.export]\nendpoint = "collector:4318"\n')
    assert wrong.returncode != 0 and "otlp.export.endpoint" in wrong.stderr

    off = serve(f'[otlp.export]\nendpoint = "{collector.url}"\nenabled = false\n')
    assert exporter(off)["state"] == "off"
