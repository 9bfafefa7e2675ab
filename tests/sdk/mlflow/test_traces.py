"""Traces of the third version: written by the unmodified client and by OpenTelemetry, read, tagged, linked, deleted."""

import gzip
import json
import os
import subprocess
import sys
import time
import uuid

import mlflow
import pytest
from mlflow.entities import SpanType
from mlflow.exceptions import MlflowException

from differences import here

MISSING = "tr-" + "0" * 32
V3 = "/api/3.0/mlflow/traces"


def place(experiment):
    return {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}


@pytest.fixture
def traced(experiment):
    """The id of a trace of three spans."""
    with mlflow.start_span("root", span_type=SpanType.CHAIN) as root:
        root.set_inputs({"q": "wörld", "n": [1, {"a": None}]})
        with mlflow.start_span("look", span_type=SpanType.RETRIEVER, attributes={"k": 3, "flag": True, "f": 0.5}) as look:
            look.set_outputs([{"page_content": "doc"}])
        with mlflow.start_span("ask", span_type=SpanType.LLM) as ask:
            ask.set_inputs({"messages": [{"role": "user", "content": "hi"}]})
            ask.add_event(mlflow.entities.SpanEvent("thought", attributes={"deep": "yes"}))
            ask.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15})
        root.set_outputs("done")
    return root.trace_id


def test_a_trace_comes_back(traced, experiment):
    trace = mlflow.get_trace(traced)
    info = trace.info
    assert (info.trace_id, info.experiment_id, info.state.value) == (traced, experiment, "OK")
    assert traced.startswith("tr-") and len(traced) == 35
    assert json.loads(info.request_preview) == {"q": "wörld", "n": [1, {"a": None}]} and info.response_preview in ("done", '"done"')
    assert info.tags["mlflow.traceName"] == "root" and info.execution_duration >= 0
    assert abs(info.request_time - time.time() * 1000) < 60_000
    spans = {s.name: s for s in trace.data.spans}
    assert set(spans) == {"root", "look", "ask"}
    assert spans["root"].inputs == {"q": "wörld", "n": [1, {"a": None}]} and spans["root"].outputs == "done"
    assert spans["root"].parent_id is None and spans["look"].parent_id == spans["ask"].parent_id == spans["root"].span_id
    assert [spans[n].span_type for n in ("root", "look", "ask")] == ["CHAIN", "RETRIEVER", "LLM"]
    assert (spans["look"].attributes["k"], spans["look"].attributes["flag"], spans["look"].attributes["f"]) == (3, True, 0.5)
    assert spans["look"].outputs == [{"page_content": "doc"}]
    assert [(e.name, dict(e.attributes)) for e in spans["ask"].events] == [("thought", {"deep": "yes"})]
    assert all(s.status.status_code.value == "OK" and s.end_time_ns >= s.start_time_ns for s in spans.values())
    assert spans["root"].start_time_ns <= spans["look"].start_time_ns <= spans["ask"].start_time_ns


def test_tokens_are_summed(traced):
    assert mlflow.get_trace(traced).info.token_usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}


def test_the_spans_are_kept_by_the_server(traced, tracking):
    info = tracking.ok("GET", f"{V3}/{traced}")["trace"]["trace_info"]
    assert info["tags"]["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    assert info["trace_metadata"]["mlflow.trace_schema.version"] == "3" and "mlflow.artifactLocation" in info["tags"]


def test_a_trace_as_json(traced, tracking, experiment):
    trace = tracking.ok("GET", f"{V3}/get", trace_id=traced)["trace"]
    info = trace["trace_info"]
    assert info["trace_location"] == {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    assert info["request_time"].endswith("Z") and info["execution_duration"].endswith("s") and info["state"] == "OK"
    span = next(s for s in trace["spans"] if s["name"] == "look")
    assert type(span["start_time_unix_nano"]) is int and span["status"]["code"] == "STATUS_CODE_OK"
    attributes = {a["key"]: a["value"] for a in span["attributes"]}
    assert "k" in attributes and "mlflow.spanType" in attributes and len(span["trace_id"]) == 24
    both = tracking.ok("GET", f"{V3}/batchGet", trace_ids=[traced, MISSING])["traces"]
    assert [t["trace_info"]["trace_id"] for t in both] == [traced] and len(both[0]["spans"]) == 3
    infos = tracking.ok("POST", f"{V3}/batchGetInfos", {"trace_ids": [traced]})["trace_infos"]
    assert [i["trace_id"] for i in infos] == [traced]


def test_what_is_not_there(tracking):
    for path, query in [(f"{V3}/{MISSING}", {}), (f"{V3}/get", {"trace_id": MISSING})]:
        status, code, said = tracking.refused("GET", path, **query)
        assert (status, code) == (404, "RESOURCE_DOES_NOT_EXIST") and MISSING in said
    assert tracking.ok("GET", f"{V3}/batchGet", trace_ids=MISSING) == {}
    assert mlflow.get_trace(MISSING) is None


def test_a_decorated_function(experiment):
    @mlflow.trace(name="outer", span_type=SpanType.AGENT, attributes={"a": "b"})
    def outer(x, y=2):
        return inner(x) + y

    @mlflow.trace
    def inner(x):
        return x * 10

    assert outer(3) == 32
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    spans = {s.name: s for s in trace.data.spans}
    assert spans["outer"].inputs == {"x": 3, "y": 2} and spans["outer"].outputs == 32
    assert spans["inner"].inputs == {"x": 3} and spans["inner"].outputs == 30 and spans["outer"].get_attribute("a") == "b"


def test_a_function_that_fails(experiment):
    @mlflow.trace
    def bad():
        raise ValueError("no such weir")

    with pytest.raises(ValueError):
        bad()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    assert trace.info.state.value == "ERROR" and trace.data.spans[0].status.status_code.value == "ERROR"
    event = trace.data.spans[0].events[0]
    assert event.name == "exception" and event.attributes["exception.message"] == "no such weir"


def test_generators_and_threads(experiment):
    @mlflow.trace(output_reducer=lambda chunks: "".join(chunks))
    def stream():
        yield from "abc"

    assert list(stream()) == ["a", "b", "c"]
    assert mlflow.get_trace(mlflow.get_last_active_trace_id()).data.spans[0].outputs == "abc"


def test_tags_and_metadata_of_the_current_trace(experiment):
    with mlflow.start_span("s") as span:
        mlflow.update_current_trace(tags={"team": "IT"}, metadata={"mlflow.trace.user": "ann", "own": "x"}, client_request_id="req-1",
                                    request_preview="in short", response_preview="out short")
    info = mlflow.get_trace(span.trace_id).info
    assert info.tags["team"] == "IT" and info.trace_metadata["mlflow.trace.user"] == "ann" and info.trace_metadata["own"] == "x"
    assert (info.client_request_id, info.request_preview, info.response_preview) == ("req-1", "in short", "out short")


def test_spans_without_a_context(experiment):
    root = mlflow.start_span_no_context("root", inputs={"a": 1}, tags={"t": "1"}, experiment_id=experiment)
    child = mlflow.start_span_no_context("child", parent_span=root)
    child.end(outputs={"b": 2})
    root.end(outputs="x")
    trace = mlflow.get_trace(root.trace_id)
    assert sorted(s.name for s in trace.data.spans) == ["child", "root"] and trace.info.tags["t"] == "1"


def test_a_trace_with_its_asynchronous_export(experiment):
    """The way that clients take by default."""
    code = ("import mlflow\nwith mlflow.start_span('late') as s:\n    pass\nprint(s.trace_id)\n")
    env = os.environ | {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(), "MLFLOW_EXPERIMENT_ID": experiment,
                        "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "true"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    id = done.stdout.split()[-1]
    assert [s.name for s in mlflow.get_trace(id).data.spans] == ["late"], done.stderr


def test_unicode_and_size(experiment):
    text = "日本 🙂 \u0000 \\ \" " * 20_000
    with mlflow.start_span("größe") as span:
        span.set_inputs({"t": text})
    trace = mlflow.get_trace(span.trace_id)
    assert trace.data.spans[0].name == "größe" and trace.data.spans[0].inputs == {"t": text}
    assert len(trace.info.request_preview) <= 1000


def test_many_spans(experiment):
    with mlflow.start_span("root") as root:
        for n in range(300):
            with mlflow.start_span(f"s{n:03}"):
                pass
    spans = mlflow.get_trace(root.trace_id).data.spans
    assert sorted(s.name for s in spans) == ["root", *(f"s{n:03}" for n in range(300))]


# Tags


def test_tags(client, tracking, traced):
    client.set_trace_tag(traced, "a", "1")
    client.set_trace_tag(traced, "a", "2")
    mlflow.set_trace_tag(traced, "b", "ü")
    assert {k: mlflow.get_trace(traced).info.tags[k] for k in ("a", "b")} == {"a": "2", "b": "ü"}
    client.delete_trace_tag(traced, "a")
    assert "a" not in mlflow.get_trace(traced).info.tags
    assert tracking.refused("DELETE", f"traces/{traced}/tags", {"key": "a"})[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    for version in ("2.0", "3.0"):
        tracking.ok("PATCH", f"/api/{version}/mlflow/traces/{traced}/tags", {"key": f"v{version}", "value": "x"})
        assert f"v{version}" in mlflow.get_trace(traced).info.tags


@pytest.mark.parametrize("key", ["mlflow.trace.spansLocation", "mlflow.trace.archiveLocation"])
def test_tags_that_are_the_servers(tracking, traced, key):
    assert tracking.refused("PATCH", f"traces/{traced}/tags", {"key": key, "value": "x"})[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_tags_of_a_trace_that_is_not_there(tracking):
    assert tracking.refused("PATCH", f"traces/{MISSING}/tags", {"key": "a", "value": "b"})[:2] == here("a tag of no trace")


# Runs


def test_a_trace_inside_a_run(experiment):
    with mlflow.start_run() as run, mlflow.start_span("s") as span:
        pass
    assert mlflow.get_trace(span.trace_id).info.trace_metadata["mlflow.sourceRun"] == run.info.run_id
    found = mlflow.search_traces(locations=[experiment], run_id=run.info.run_id, return_type="list")
    assert [t.info.trace_id for t in found] == [span.trace_id]


def test_a_trace_that_is_linked_to_a_run(client, tracking, experiment, run, traced):
    client.link_traces_to_run([traced], run)
    found = client.search_traces(locations=[experiment], filter_string=f"run_id = '{run}'")
    assert [t.info.trace_id for t in found] == [traced]
    assert tracking.refused("POST", "traces/link-to-run", {"trace_ids": [MISSING] * 101, "run_id": run})[:2] == (
        400, "INVALID_PARAMETER_VALUE")


# Deletion


def make(experiment, count):
    ids = []
    for n in range(count):
        with mlflow.start_span(f"t{n}") as span:
            pass
        ids.append(span.trace_id)
        time.sleep(0.003)  # Not to wait for anything: their order is by the millisecond.
    return ids


def left(client, experiment):
    return [t.info.trace_id for t in client.search_traces(locations=[experiment], order_by=["timestamp ASC"])]


def test_delete_by_id(client, experiment):
    ids = make(experiment, 3)
    assert client.delete_traces(experiment, trace_ids=[ids[0], MISSING]) == 1
    assert left(client, experiment) == ids[1:]
    assert mlflow.get_trace(ids[0]) is None


def test_delete_the_oldest(client, experiment):
    ids = make(experiment, 4)
    until = int(time.time() * 1000) + 1000
    assert client.delete_traces(experiment, max_timestamp_millis=until, max_traces=2) == 2
    assert left(client, experiment) == ids[2:]
    assert client.delete_traces(experiment, max_timestamp_millis=until) == 2
    assert left(client, experiment) == []
    assert client.delete_traces(experiment, max_timestamp_millis=until) == 0


@pytest.mark.parametrize(
    "body", [{}, {"max_timestamp_millis": 1, "request_ids": ["a"]}, {"request_ids": ["a"], "max_traces": 1},
             {"max_timestamp_millis": 1, "max_traces": 0}, {"max_timestamp_millis": 1, "max_traces": -1}],
)
def test_deletions_that_are_refused(tracking, experiment, body):
    status, code, _ = tracking.refused("POST", "traces/delete-traces", {"experiment_id": experiment, **body})
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")


def test_a_trace_of_another_experiment_is_not_deleted(client, experiment, fresh):
    ids = make(experiment, 1)
    other = client.create_experiment(f"{fresh} other")
    assert client.delete_traces(other, trace_ids=ids) == 0
    assert left(client, experiment) == ids


# Raw


def test_a_trace_without_spans(tracking, experiment):
    id = f"tr-{uuid.uuid4().hex}"
    info = {
        "trace_id": id, "trace_location": place(experiment), "request_time": "2026-01-02T03:04:05.678Z", "execution_duration": "0.411s",
        "state": "OK", "trace_metadata": {"m": "1"}, "tags": {"t": "2"}, "request_preview": "in", "response_preview": "out",
        "client_request_id": "c",
    }
    made = tracking.ok("POST", V3, {"trace": {"trace_info": info}})["trace"]["trace_info"]
    assert made["trace_id"] == id
    found = tracking.ok("GET", f"{V3}/{id}")["trace"]["trace_info"]
    for key in ("trace_id", "request_time", "execution_duration", "state", "request_preview", "response_preview", "client_request_id"):
        assert found[key] == info[key], key
    assert found["trace_metadata"]["m"] == "1" and found["tags"]["t"] == "2"


def otlp(span, resource=()):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add()
    for key, value in resource:
        spans.resource.attributes.add(key=key).value.string_value = value
    spans.scope_spans.add().spans.append(span)
    return request


def pure_span(trace_id, name="pure", **attributes):
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    now = time.time_ns()
    span = Span(trace_id=trace_id, span_id=os.urandom(8), name=name, kind=1, start_time_unix_nano=now, end_time_unix_nano=now + 411_000_000)
    for key, value in attributes.items():
        kind = {int: "int_value", float: "double_value", str: "string_value", bool: "bool_value"}[type(value)]
        setattr(span.attributes.add(key=key.replace("__", ".")).value, kind, value)
    span.status.code = 1
    return span


@pytest.mark.parametrize("encoding", ["protobuf", "gzip", "json"])
def test_spans_of_opentelemetry(tracking, experiment, encoding):
    """A program that knows nothing of MLflow."""
    from google.protobuf.json_format import MessageToDict

    id = os.urandom(16)
    sent = otlp(pure_span(id, gen_ai__operation__name="chat", gen_ai__usage__input_tokens=7, gen_ai__usage__output_tokens=5),
                [("service.name", "svc")])
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": experiment}
    body = sent.SerializeToString()
    if encoding == "gzip":
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    if encoding == "json":
        said = MessageToDict(sent)
        for span in said["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            span |= {"traceId": id.hex(), "spanId": os.urandom(8).hex()}
        body, headers["content-type"] = json.dumps(said), "application/json"
    answer = tracking.ask("POST", "/v1/traces", body, headers=headers)
    assert answer.status == 200, answer.text
    trace = mlflow.get_trace(f"tr-{id.hex()}")
    assert [s.name for s in trace.data.spans] == ["pure"] and trace.info.experiment_id == experiment
    assert trace.info.state.value == "OK" and trace.info.execution_duration == 411
    assert trace.info.token_usage["input_tokens"] == 7 and trace.info.token_usage["output_tokens"] == 5
    assert trace.data.spans[0].span_type == "CHAT_MODEL"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain", "x-mlflow-experiment-id": "0"}, b"x", 400),
        ({"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}, b"\xff\xff\xff", 400),
        ({"content-type": "application/json", "x-mlflow-experiment-id": "0"}, b"{bad", 400),
        ({"content-type": "application/x-protobuf", "content-encoding": "gzip", "x-mlflow-experiment-id": "0"}, b"no gzip", 400),
    ],
    ids=["content-type", "no-protobuf", "no-json", "no-gzip"],
)
def test_exports_that_are_refused(tracking, headers, body, status):
    assert tracking.ask("POST", "/v1/traces", body, headers=headers).status == status


def test_exports_that_say_no_experiment(tracking):
    body = otlp(pure_span(os.urandom(16))).SerializeToString()
    answer = tracking.ask("POST", "/v1/traces", body, headers={"content-type": "application/x-protobuf"})
    assert answer.status == here("spans of no experiment")


def test_exports_of_nothing(tracking):
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}
    assert tracking.ask("POST", "/v1/traces", b"", headers=headers).status == here("an export without spans")


def test_spans_that_come_one_after_another(tracking, experiment):
    id = os.urandom(16)
    root = pure_span(id, "root")
    child = pure_span(id, "child")
    child.parent_span_id = root.span_id
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": experiment}
    for span in (child, root):
        assert tracking.ask("POST", "/v1/traces", otlp(span).SerializeToString(), headers=headers).status == 200
    trace = mlflow.get_trace(f"tr-{id.hex()}")
    assert sorted(s.name for s in trace.data.spans) == ["child", "root"]
    assert trace.info.tags.get("mlflow.traceName", "root") == "root"


def test_the_client_says_that_it_is_not_there():
    with pytest.raises(MlflowException):
        mlflow.set_trace_tag(MISSING, "a", "b")
