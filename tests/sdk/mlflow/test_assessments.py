"""Feedback and expectations on traces."""

import mlflow
import pytest
from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback
from mlflow.exceptions import MlflowException

from differences import here

V3 = "/api/3.0/mlflow/traces"
HUMAN = AssessmentSource("HUMAN", "ann")


@pytest.fixture
def trace(experiment):
    with mlflow.start_span("s") as span:
        pass
    return span.trace_id


def kept(trace):
    return {a.assessment_id: a for a in mlflow.get_trace(trace).info.assessments}


def test_everything_of_feedback(trace):
    made = mlflow.log_feedback(trace_id=trace, name="score", value=0.75, source=HUMAN, rationale="because", metadata={"k": "v"})
    assert made.assessment_id.startswith("a-") and len(made.assessment_id) == 34
    found = mlflow.get_assessment(trace, made.assessment_id)
    assert (found.name, found.value, found.rationale, found.trace_id, found.valid) == ("score", 0.75, "because", trace, True)
    assert (found.source.source_type, found.source.source_id) == ("HUMAN", "ann")
    assert found.metadata.items() >= {"k": "v"}.items()
    assert found.create_time_ms == found.last_update_time_ms > 1_700_000_000_000
    assert list(kept(trace)) == [made.assessment_id]


@pytest.mark.parametrize(
    "value", [1, 0.1, True, False, "yes", "", "日本 🙂", None, [1, 2], ["a", "b"], {"a": 1.5, "b": "x"}, {"deep": {"er": [1, {"x": None}]}}],
    ids=repr,
)
def test_any_value(trace, value):
    id = mlflow.log_feedback(trace_id=trace, name="f", value=value, source=HUMAN).assessment_id if value is not None else None
    if id is None:
        # None stands only beside an error.
        error = AssessmentError("TIMEOUT", "too slow")
        id = mlflow.log_feedback(trace_id=trace, name="f", error=error, source=HUMAN).assessment_id
    found = mlflow.get_assessment(trace, id)
    assert found.value == value and type(found.value) in (type(value), float)


@pytest.mark.parametrize("value", [42, "text", True, ["a", "b"], {"a": [1, {"b": None}]}], ids=repr)
def test_any_expectation(trace, value):
    made = mlflow.log_expectation(trace_id=trace, name="e", value=value, source=HUMAN)
    found = mlflow.get_assessment(trace, made.assessment_id)
    assert isinstance(found, Expectation) and found.value == value and found.name == "e"


def test_an_error(trace):
    error = AssessmentError("TIMEOUT", "too slow", "at line 1")
    made = mlflow.log_feedback(trace_id=trace, name="judge", error=error, source=AssessmentSource("LLM_JUDGE", "gpt"))
    found = mlflow.get_assessment(trace, made.assessment_id)
    assert (found.error.error_code, found.error.error_message, found.error.stack_trace) == ("TIMEOUT", "too slow", "at line 1")
    assert found.source.source_type == "LLM_JUDGE"


@pytest.mark.parametrize("kind", ["HUMAN", "LLM_JUDGE", "CODE"])
def test_every_source(trace, kind):
    made = mlflow.log_feedback(trace_id=trace, name="f", value=1, source=AssessmentSource(kind, "x"))
    assert mlflow.get_assessment(trace, made.assessment_id).source.source_type == kind


def test_of_one_span(trace):
    span = mlflow.get_trace(trace).data.spans[0].span_id
    made = mlflow.log_feedback(trace_id=trace, name="f", value=1, source=HUMAN, span_id=span)
    assert mlflow.get_assessment(trace, made.assessment_id).span_id == span


def test_update(trace):
    made = mlflow.log_feedback(trace_id=trace, name="f", value=1, source=HUMAN, rationale="old", metadata={"a": "1"})
    mlflow.update_assessment(trace, made.assessment_id, Feedback(name="g", value=2, rationale="new", metadata={"b": "2"}))
    found = mlflow.get_assessment(trace, made.assessment_id)
    assert (found.name, found.value, found.rationale) == ("g", 2, "new")
    assert found.metadata.items() >= {"b": "2"}.items() and found.source.source_id == "ann"
    assert found.last_update_time_ms >= found.create_time_ms == made.create_time_ms and len(kept(trace)) == 1


def test_update_of_an_expectation(trace):
    made = mlflow.log_expectation(trace_id=trace, name="e", value="a", source=HUMAN)
    mlflow.update_assessment(trace, made.assessment_id, Expectation(name="e", value={"b": 1}))
    assert mlflow.get_assessment(trace, made.assessment_id).value == {"b": 1}


def test_override(client, experiment, trace):
    first = mlflow.log_feedback(trace_id=trace, name="f", value=False, source=AssessmentSource("LLM_JUDGE", "gpt"))
    second = mlflow.override_feedback(trace_id=trace, assessment_id=first.assessment_id, value=True, source=HUMAN, rationale="I know")
    assert second.overrides == first.assessment_id and second.valid
    assert mlflow.get_assessment(trace, first.assessment_id).valid is False
    assert mlflow.get_assessment(trace, second.assessment_id).overrides == first.assessment_id
    found = lambda value: len(client.search_traces(locations=[experiment], filter_string=f"feedback.f = '{value}'"))  # noqa: E731
    assert (found("true"), found("false")) == (1, 0), "what is overridden is not found"


def test_delete(tracking, trace):
    first = mlflow.log_feedback(trace_id=trace, name="f", value=1, source=HUMAN)
    second = mlflow.log_expectation(trace_id=trace, name="e", value=1, source=HUMAN)
    mlflow.delete_assessment(trace, first.assessment_id)
    assert list(kept(trace)) == [second.assessment_id]
    with pytest.raises(MlflowException):
        mlflow.get_assessment(trace, first.assessment_id)
    assert tracking.get(f"{V3}/{trace}/assessments/{first.assessment_id}").status == 404


def test_deleting_what_overrides_makes_the_first_valid_again(trace):
    first = mlflow.log_feedback(trace_id=trace, name="f", value=False, source=HUMAN)
    second = mlflow.override_feedback(trace_id=trace, assessment_id=first.assessment_id, value=True, source=HUMAN)
    mlflow.delete_assessment(trace, second.assessment_id)
    assert mlflow.get_assessment(trace, first.assessment_id).valid is True


def test_what_is_not_there(tracking, trace):
    missing = "tr-" + "0" * 32
    body = {"assessment": {"assessment_name": "f", "source": {"source_type": "HUMAN", "source_id": "a"}, "feedback": {"value": 1},
                           "create_time": "2026-01-02T03:04:05Z", "last_update_time": "2026-01-02T03:04:05Z", "trace_id": missing}}
    assert tracking.refused("POST", f"{V3}/{missing}/assessments", body)[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    assert tracking.refused("GET", f"{V3}/{trace}/assessments/a-{'0' * 32}")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    assert tracking.refused("GET", f"{V3}/{missing}/assessments/a-{'0' * 32}")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_as_json(tracking, trace):
    body = {"assessment": {"assessment_name": "f", "source": {"source_type": "HUMAN", "source_id": "a"},
                           "feedback": {"value": {"a": [1, "x", None]}}, "trace_id": trace, "rationale": "r", "metadata": {"m": "1"},
                           "create_time": "2026-01-02T03:04:05.006Z", "last_update_time": "2026-01-02T03:04:05.006Z"}}
    made = tracking.ok("POST", f"{V3}/{trace}/assessments", body)["assessment"]
    found = tracking.ok("GET", f"{V3}/{trace}/assessments/{made['assessment_id']}")["assessment"]
    for said in (made, found):
        assert said["assessment_name"] == "f" and said["feedback"]["value"] == {"a": [1, "x", None]} and said["trace_id"] == trace
        assert said["create_time"] == "2026-01-02T03:04:05.006Z" and said["source"] == {"source_type": "HUMAN", "source_id": "a"}
        assert said["rationale"] == "r" and said["metadata"] == {"m": "1"} and said["valid"] is True


def test_a_name_is_required(tracking, trace):
    body = {"assessment": {"source": {"source_type": "HUMAN", "source_id": "a"}, "feedback": {"value": 1}, "trace_id": trace}}
    assert tracking.post(f"{V3}/{trace}/assessments", body).status == here("what cannot be read is overlooked")


def test_many_on_one_trace(trace):
    for n in range(20):
        mlflow.log_feedback(trace_id=trace, name=f"f{n}", value=n, source=HUMAN)
    assert sorted(a.value for a in kept(trace).values()) == list(range(20))


def test_while_the_trace_is_made(experiment):
    with mlflow.start_span("s") as span:
        pass
    mlflow.log_feedback(trace_id=span.trace_id, name="quick", value=True, source=HUMAN)
    trace = mlflow.get_trace(span.trace_id)
    assert [a.name for a in trace.search_assessments("quick")] == ["quick"]
    assert trace.search_assessments(type="expectation") == []
