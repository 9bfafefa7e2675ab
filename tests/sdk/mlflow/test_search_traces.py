"""The search for traces: its filters, orders and pages, over eight traces that all tests share."""

import time
import uuid

import mlflow
import pytest
from mlflow.entities import AssessmentSource, SpanType


@pytest.fixture(scope="module")
def corpus(client):
    """(experiment, {name: trace id}, run): in the order in which they are made."""
    experiment = client.create_experiment(f"traces-{uuid.uuid4().hex[:8]}")
    mlflow.set_experiment(experiment_id=experiment)
    ids = {}

    def traced(name, *, fail=False, tags=None, metadata=None, request=None, child=None):
        try:
            with mlflow.start_span(name, span_type=SpanType.CHAIN) as span:
                ids[name] = span.trace_id
                span.set_inputs({"q": f"question of {name}"})
                mlflow.update_current_trace(tags=tags or {}, metadata=metadata or {}, client_request_id=request)
                if child:
                    with mlflow.start_span(child[0], span_type=child[1], attributes=child[2]):
                        pass
                if fail:
                    raise KeyError(name)
        except KeyError:
            pass
        time.sleep(0.003)  # Not to wait for anything: their order is by the millisecond.

    traced("Alpha", tags={"team": "IT"}, metadata={"user": "ann"}, request="req-1", child=("fetch", SpanType.TOOL, {"size": "big"}))
    traced("alpha", tags={"team": "Sales"}, metadata={"user": "bob"}, request="req-2", child=("fetch", SpanType.LLM, {"size": "small"}))
    traced("beta", fail=True, tags={"team": "sales"}, child=("parse", SpanType.TOOL, {}))
    traced("gamma", tags={"odd key": "it's", "team": "IT"})
    with mlflow.start_run() as run:
        traced("delta", metadata={"user": "ann", "odd.key": "x"})
    traced("épsilon")
    traced("zeta")
    traced("eta")
    source = AssessmentSource("HUMAN", "ann")
    mlflow.log_feedback(trace_id=ids["Alpha"], name="score", value=0.8, source=source)
    mlflow.log_feedback(trace_id=ids["alpha"], name="score", value=0.3, source=source)
    mlflow.log_feedback(trace_id=ids["beta"], name="good", value=True, source=source)
    mlflow.log_feedback(trace_id=ids["gamma"], name="good", value=False, source=source)
    mlflow.log_feedback(trace_id=ids["delta"], name="verdict", value="yes", source=source)
    mlflow.log_expectation(trace_id=ids["zeta"], name="answer", value="42", source=source)
    return experiment, ids, run.info.run_id


def names(client, corpus, filter=None, **named):
    experiment, ids, run = corpus
    if filter:
        filter = filter.replace("<run>", run)
        for name, id in ids.items():
            filter = filter.replace(f"<{name}>", id)
    found = client.search_traces(locations=[experiment], filter_string=filter, include_spans=False, **named)
    by_id = {id: name for name, id in ids.items()}
    return [by_id[t.info.trace_id] for t in found]


ALL = "eta zeta épsilon delta gamma beta alpha Alpha"
FILTERS = {
    "": ALL,
    "status = 'ERROR'": "beta",
    "status = 'OK'": "eta zeta épsilon delta gamma alpha Alpha",
    "trace.status = 'ERROR'": "beta",
    "attributes.status != 'OK'": "beta",
    "status IN ('ERROR', 'IN_PROGRESS')": "beta",
    "status NOT IN ('OK')": "beta",
    "request_id = '<beta>'": "beta",
    "trace.request_id = '<beta>'": "beta",
    "request_id IN ('<beta>', '<eta>')": "eta beta",
    "client_request_id = 'req-1'": "Alpha",
    "trace.client_request_id LIKE 'req%'": "alpha Alpha",
    "client_request_id ILIKE 'REQ-2'": "alpha",
    "client_request_id RLIKE '^req-[12]$'": "alpha Alpha",
    "timestamp_ms > 0": ALL,
    "timestamp > 0": ALL,
    "trace.timestamp_ms < 1000": "",
    "timestamp_ms >= 1000 AND status = 'ERROR'": "beta",
    "execution_time_ms >= 0": ALL,
    "execution_time < 600000": ALL,
    "execution_time_ms > 600000": "",
    "end_time_ms > 0": ALL,
    "name = 'Alpha'": "Alpha",
    "trace.name = 'Alpha'": "Alpha",
    "name != 'Alpha'": "eta zeta épsilon delta gamma beta alpha",
    "name LIKE '%eta'": "eta zeta beta",
    "name ILIKE 'ALPHA'": "alpha Alpha",
    "name RLIKE '^.eta$'": "zeta beta",
    "tags.team = 'IT'": "gamma Alpha",
    "tag.team = 'IT'": "gamma Alpha",
    "tags.team != 'IT'": "beta alpha",
    "tags.team ILIKE 'SALES'": "beta alpha",
    "tags.team LIKE 'S%'": "alpha",
    "tags.team RLIKE '^[Ss]ales$'": "beta alpha",
    "tags.team IS NULL": "eta zeta épsilon delta",
    "tags.team IS NOT NULL": "gamma beta alpha Alpha",
    "tags.`odd key` = \"it's\"": "gamma",
    "tags.`mlflow.traceName` = 'eta'": "eta",
    "metadata.user = 'ann'": "delta Alpha",
    "request_metadata.user = 'ann'": "delta Alpha",
    "metadata.user != 'ann'": "alpha",
    "metadata.user LIKE 'a%'": "delta Alpha",
    "metadata.`odd.key` = 'x'": "delta",
    "metadata.user IS NOT NULL": "delta alpha Alpha",
    "run_id = '<run>'": "delta",
    "span.name = 'fetch'": "alpha Alpha",
    "span.name != 'fetch' AND span.type = 'TOOL'": "beta",
    "span.name LIKE 'f%'": "alpha Alpha",
    "span.name IN ('parse', 'eta')": "eta beta",
    "span.type = 'TOOL'": "beta Alpha",
    "span.type ILIKE 'tool'": "beta Alpha",
    "span.status = 'ERROR'": "beta",
    "span.name = 'fetch' AND span.type = 'TOOL'": "Alpha",
    "span.name = 'fetch' AND span.type = 'CHAIN'": "",
    "span.attributes.size LIKE '%big%'": "Alpha",
    "span.content LIKE '%question of gamma%'": "gamma",
    "span.content ILIKE '%QUESTION OF GAMMA%'": "gamma",
    "trace.text LIKE '%question of zeta%'": "zeta",
    "trace.text ILIKE '%QUESTION OF ZETA%'": "zeta",
    "feedback.score = '0.8'": "Alpha",
    "feedback.score > 0.5": "Alpha",
    "feedback.score >= 0.3": "alpha Alpha",
    "feedback.score < 0.5": "alpha",
    "feedback.score != '0.8'": "alpha",
    "feedback.good = 'true'": "beta",
    "feedback.good = 'false'": "gamma",
    "feedback.verdict = 'yes'": "delta",
    "feedback.verdict LIKE '%yes%'": "delta",
    "feedback.verdict ILIKE '%YES%'": "delta",
    "feedback.verdict RLIKE 'y.s'": "delta",
    "feedback.score IS NOT NULL": "alpha Alpha",
    "feedback.score IS NULL AND tags.team IS NOT NULL": "gamma beta",
    "expectation.answer = '42'": "zeta",
    "expectation.answer IS NOT NULL": "zeta",
    "tags.team = 'IT' AND metadata.user = 'ann'": "Alpha",
    "tags.team = 'IT' and status = 'OK' and span.type = 'TOOL'": "Alpha",
}


@pytest.mark.parametrize("filter", FILTERS)
def test_filters(client, corpus, filter):
    assert names(client, corpus, filter or None) == FILTERS[filter].split()


@pytest.mark.parametrize(
    "filter",
    ["foo = 'x'", "status = 'OK' OR status = 'ERROR'", "status", "status == 'OK'", "status = OK", "foo.bar = 'x'", "(status = 'OK')",
     "timestamp_ms LIKE '1'", "name IN ('a')", "span.foo = 'x'", "tags.team > 'x'", "tags.team = 3", "status = 3",
     "NOT status = 'OK'", "status = 'OK';", "execution_time_ms IS NULL"],
)
def test_filters_that_are_refused(tracking, corpus, filter):
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": corpus[0]}}
    body = {"locations": [location], "filter": filter}
    assert tracking.refused("POST", "/api/3.0/mlflow/traces/search", body)[:2] == (400, "INVALID_PARAMETER_VALUE")


ORDERS = {
    "timestamp ASC": "Alpha alpha beta gamma delta épsilon zeta eta",
    "timestamp_ms DESC": ALL,
    "timestamp DESC": ALL,
    "name ASC": "Alpha alpha beta delta eta gamma zeta épsilon",
    "name DESC": "épsilon zeta gamma eta delta beta alpha Alpha",
    "tags.team ASC": "gamma Alpha alpha beta eta zeta épsilon delta",
    "tag.team DESC": "beta alpha gamma Alpha eta zeta épsilon delta",
    "metadata.user ASC": "delta Alpha alpha eta zeta épsilon gamma beta",
    "status ASC": "beta eta zeta épsilon delta gamma alpha Alpha",
}


@pytest.mark.parametrize("order", ORDERS)
def test_orders(client, corpus, order):
    assert names(client, corpus, order_by=[order]) == ORDERS[order].split()


@pytest.mark.parametrize("order", ["foo", "timestamp UP", "foo.bar", "span.name"])
def test_orders_that_are_refused(tracking, corpus, order):
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": corpus[0]}}
    body = {"locations": [location], "order_by": [order]}
    assert tracking.refused("POST", "/api/3.0/mlflow/traces/search", body)[:2] == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("size", [1, 3, 7, 8])
def test_pages(client, corpus, size):
    found, token = [], None
    while True:
        page = client.search_traces(locations=[corpus[0]], max_results=size, page_token=token, include_spans=False)
        assert len(page) <= size
        found += [t.info.tags["mlflow.traceName"] for t in page]
        token = page.token
        if not token:
            break
    assert found == ALL.split()


@pytest.mark.parametrize("count", [0, -1, 501])
def test_counts_that_are_none(tracking, corpus, count):
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": corpus[0]}}
    body = {"locations": [location], "max_results": count}
    assert tracking.refused("POST", "/api/3.0/mlflow/traces/search", body)[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_the_table_of_the_fluent_client(corpus):
    table = mlflow.search_traces(locations=[corpus[0]], filter_string="tags.team = 'IT'", order_by=["timestamp ASC"])
    assert list(table["trace_id"]) == [corpus[1]["Alpha"], corpus[1]["gamma"]]
    assert list(table["state"]) == ["OK", "OK"] and [len(s) for s in table["spans"]] == [2, 1]


def test_spans_come_with_them(client, corpus):
    found = client.search_traces(locations=[corpus[0]], filter_string="name = 'beta'")[0]
    assert sorted(s.name for s in found.data.spans) == ["beta", "parse"]


def test_assessments_come_with_them(client, corpus):
    found = client.search_traces(locations=[corpus[0]], filter_string="name = 'Alpha'")[0]
    assert [(a.name, a.value) for a in found.info.assessments] == [("score", 0.8)]


def test_places_that_are_not_there(client, corpus):
    assert client.search_traces(locations=["987654321"]) == []
    assert len(client.search_traces(locations=["987654321", corpus[0]], include_spans=False)) == 8
