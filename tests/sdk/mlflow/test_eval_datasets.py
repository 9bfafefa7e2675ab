"""Evaluation datasets, scorers and `mlflow.genai.evaluate`."""

import json

import mlflow
import pytest
from mlflow.entities import AssessmentSource, Feedback
from mlflow.exceptions import MlflowException
from mlflow.genai import datasets
from mlflow.genai.scorers import get_scorer, list_scorers, scorer

V3 = "/api/3.0/mlflow/"


@pytest.fixture
def dataset(fresh, experiment):
    return datasets.create_dataset(name=fresh, experiment_id=experiment, tags={"team": "IT"})


def rows(dataset):
    table = datasets.get_dataset(dataset_id=dataset.dataset_id).to_df()
    return {json.dumps(r["inputs"], sort_keys=True): r for _, r in table.iterrows()}


def test_everything_of_a_new_dataset(dataset, fresh, experiment):
    assert dataset.dataset_id.startswith("d-") and len(dataset.dataset_id) == 34
    found = datasets.get_dataset(dataset_id=dataset.dataset_id)
    assert (found.name, found.experiment_ids) == (fresh, [experiment]) and found.tags.items() >= {"team": "IT"}.items()
    assert found.created_time == found.last_update_time > 1_700_000_000_000


def test_a_name_twice(dataset, fresh, experiment):
    """Two datasets may have one name."""
    try:
        other = datasets.create_dataset(name=fresh, experiment_id=experiment)
    except MlflowException as refused:
        assert refused.error_code == "RESOURCE_ALREADY_EXISTS"
    else:
        assert other.dataset_id != dataset.dataset_id


def test_records(dataset):
    dataset.merge_records([
        {"inputs": {"q": "one"}, "expectations": {"a": "1"}},
        {"inputs": {"q": "zwei ü"}, "expectations": {"a": [2, None]}, "tags": {"t": "x"}},
    ])
    found = rows(dataset)
    assert set(found) == {'{"q": "one"}', json.dumps({"q": "zwei ü"})}
    assert found['{"q": "one"}']["expectations"] == {"a": "1"}
    other = found[json.dumps({"q": "zwei ü"})]
    assert other["expectations"] == {"a": [2, None]} and other["tags"]["t"] == "x"
    assert all(r["dataset_record_id"].startswith("dr-") for r in found.values())


def test_the_same_inputs_are_merged(dataset):
    dataset.merge_records([{"inputs": {"q": "one"}, "expectations": {"a": "1", "b": "2"}, "tags": {"t": "1"}}])
    before = rows(dataset)['{"q": "one"}']
    dataset.merge_records([{"inputs": {"q": "one"}, "expectations": {"b": "3", "c": "4"}, "tags": {"u": "2"}}])
    after = rows(dataset)['{"q": "one"}']
    assert len(rows(dataset)) == 1 and after["dataset_record_id"] == before["dataset_record_id"]
    assert after["expectations"] == {"a": "1", "b": "3", "c": "4"} and after["tags"].items() >= {"t": "1", "u": "2"}.items()


def test_counts_of_a_merge(tracking, dataset):
    path = f"{V3}datasets/{dataset.dataset_id}/records"
    records = [{"inputs": {"q": n}, "expectations": {"a": n}} for n in range(3)]
    assert tracking.ok("POST", path, {"records": json.dumps(records)}) == {"inserted_count": 3, "updated_count": 0}
    records[0]["expectations"] = {"a": "new"}
    more = [*records, {"inputs": {"q": 9}}]
    assert tracking.ok("POST", path, {"records": json.dumps(more)}) == {"inserted_count": 1, "updated_count": 3}


def test_pages_of_records(tracking, dataset):
    dataset.merge_records([{"inputs": {"q": n}} for n in range(25)])
    path = f"{V3}datasets/{dataset.dataset_id}/records"
    found, token, sizes = [], None, []
    while True:
        page = tracking.ok("GET", path, max_results=10, **({"page_token": token} if token else {}))
        records = json.loads(page["records"])
        found += [r["inputs"]["q"] for r in records]
        sizes.append(len(records))
        token = page.get("next_page_token")
        if not token:
            break
    assert sorted(found) == list(range(25)) and sizes == [10, 10, 5]
    assert len(rows(dataset)) == 25


def test_records_are_deleted(dataset):
    dataset.merge_records([{"inputs": {"q": n}} for n in range(3)])
    ids = [r["dataset_record_id"] for r in rows(dataset).values()]
    assert dataset.delete_records(ids[:2]) == 2
    assert [r["dataset_record_id"] for r in rows(dataset).values()] == ids[2:]


def test_records_of_traces(dataset, experiment):
    with mlflow.start_span("s") as span:
        span.set_inputs({"q": "of a trace"})
        span.set_outputs("answer")
    mlflow.log_expectation(trace_id=span.trace_id, name="right", value="yes", source=AssessmentSource("HUMAN", "a"))
    dataset.merge_records(mlflow.search_traces(locations=[experiment]))
    found = rows(dataset)['{"q": "of a trace"}']
    assert found["expectations"] == {"right": "yes"} and found["source_id"] == span.trace_id and found["source_type"] == "TRACE"


@pytest.mark.parametrize("records", ["no json", '"text"', "[1]"])
def test_records_that_are_refused(tracking, dataset, records):
    answer = tracking.post(f"{V3}datasets/{dataset.dataset_id}/records", {"records": records})
    assert answer.status >= 400


def test_tags(dataset):
    id = dataset.dataset_id
    datasets.set_dataset_tags(dataset_id=id, tags={"a": "1", "team": "Sales"})
    assert datasets.get_dataset(dataset_id=id).tags.items() >= {"a": "1", "team": "Sales"}.items()
    datasets.delete_dataset_tag(dataset_id=id, key="a")
    assert "a" not in datasets.get_dataset(dataset_id=id).tags


def test_experiments_of_a_dataset(client, tracking, dataset, experiment, fresh):
    other = client.create_experiment(f"{fresh} other")
    found = datasets.add_dataset_to_experiments(dataset_id=dataset.dataset_id, experiment_ids=[other])
    assert sorted(found.experiment_ids) == sorted([experiment, other])
    said = tracking.ok("GET", f"{V3}datasets/{dataset.dataset_id}/experiment-ids")
    assert sorted(said["experiment_ids"]) == sorted([experiment, other])
    found = datasets.remove_dataset_from_experiments(dataset_id=dataset.dataset_id, experiment_ids=[experiment])
    assert found.experiment_ids == [other]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [(None, "c b a"), ("name = '$-a'", "a"), ("name != '$-a'", "c b"), ("name LIKE '$-%'", "c b a"), ("name ILIKE '%-B'", "b"),
     ("tags.n = '1'", "b"), ("tags.n != '1'", "c a"), ("tags.n LIKE '%'", "c b a"), ("created_time > 0", "c b a"),
     ("last_update_time < 1000", ""), ("name = '$-a' AND tags.n = '0'", "a")],
)
def test_a_search(fresh, experiment, filter, expected):
    prefix = fresh[-8:]
    for n, name in enumerate("abc"):
        datasets.create_dataset(name=f"{prefix}-{name}", experiment_id=experiment, tags={"n": str(n)})
    found = datasets.search_datasets(experiment_ids=[experiment], filter_string=filter and filter.replace("$", prefix),
                                     order_by=["name DESC"])
    assert [d.name.removeprefix(f"{prefix}-") for d in found] == expected.split()


@pytest.mark.parametrize("filter", ["foo = 'x'", "name = 'a' OR name = 'b'", "name = 3", "created_time = 'x'"])
def test_searches_that_are_refused(tracking, experiment, filter):
    body = {"experiment_ids": [experiment], "filter_string": filter}
    assert tracking.refused("POST", f"{V3}datasets/search", body)[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_delete(tracking, dataset):
    datasets.delete_dataset(dataset_id=dataset.dataset_id)
    assert tracking.refused("GET", f"{V3}datasets/{dataset.dataset_id}")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(MlflowException):
        datasets.get_dataset(dataset_id=dataset.dataset_id)


def test_what_a_dataset_says_of_itself(dataset):
    dataset.merge_records([{"inputs": {"q": "one"}, "expectations": {"a": 1}}])
    found = datasets.get_dataset(dataset_id=dataset.dataset_id)
    assert json.loads(found.profile)["num_records"] == 1 and "q" in found.schema and found.digest


# Scorers


@scorer
def is_short(outputs):
    return len(outputs) < 10


@scorer
def agrees(outputs, expectations):
    return Feedback(value="yes" if outputs == expectations["answer"] else "no", rationale=f"it said {outputs}")


@scorer(name="letters")
def count(outputs):
    return len(outputs)


@pytest.fixture
def registered(experiment):
    return is_short.register(name="is_short", experiment_id=experiment)


def test_a_scorer_is_registered(registered, tracking, experiment):
    assert registered.name == "is_short"
    found = list_scorers(experiment_id=experiment)
    assert [s.name for s in found] == ["is_short"]
    said = tracking.ok("GET", f"{V3}scorers/list", experiment_id=experiment)["scorers"][0]
    assert (said["scorer_name"], said["scorer_version"], said["experiment_id"]) == ("is_short", 1, int(experiment))
    assert json.loads(said["serialized_scorer"])["name"] == "is_short" and said["creation_time"] > 0


def test_versions_of_a_scorer(registered, tracking, experiment):
    is_short.register(name="is_short", experiment_id=experiment)
    said = tracking.ok("GET", f"{V3}scorers/versions", experiment_id=experiment, name="is_short")["scorers"]
    assert [s["scorer_version"] for s in said] == [1, 2]
    assert tracking.ok("GET", f"{V3}scorers/list", experiment_id=experiment)["scorers"][0]["scorer_version"] == 2
    latest = tracking.ok("GET", f"{V3}scorers/get", experiment_id=experiment, name="is_short")["scorer"]
    first = tracking.ok("GET", f"{V3}scorers/get", experiment_id=experiment, name="is_short", version=1)["scorer"]
    assert (latest["scorer_version"], first["scorer_version"]) == (2, 1)


def test_a_scorer_is_got_and_used(registered, experiment):
    found = get_scorer(name="is_short", experiment_id=experiment)
    assert found.name == "is_short" and found(outputs="short") is True


def test_a_scorer_is_deleted(registered, tracking, experiment):
    is_short.register(name="is_short", experiment_id=experiment)
    tracking.ok("DELETE", f"{V3}scorers/delete", {"experiment_id": experiment, "name": "is_short", "version": 1})
    said = tracking.ok("GET", f"{V3}scorers/versions", experiment_id=experiment, name="is_short")["scorers"]
    assert [s["scorer_version"] for s in said] == [2]
    tracking.ok("DELETE", f"{V3}scorers/delete", {"experiment_id": experiment, "name": "is_short"})
    assert list_scorers(experiment_id=experiment) == []
    assert tracking.refused("GET", f"{V3}scorers/get", experiment_id=experiment, name="is_short")[:2] == (
        404, "RESOURCE_DOES_NOT_EXIST")


# Evaluation


def test_an_evaluation_from_end_to_end(client, experiment):
    data = [{"inputs": {"q": "a"}, "expectations": {"answer": "A"}}, {"inputs": {"q": "b"}, "expectations": {"answer": "no"}}]

    def predict(q):
        return q.upper()

    result = mlflow.genai.evaluate(data=data, predict_fn=predict, scorers=[is_short, agrees, count])
    run = client.get_run(result.run_id)
    assert run.info.experiment_id == experiment and run.info.status == "FINISHED"
    assert run.data.metrics["is_short/mean"] == 1.0 and run.data.metrics["letters/mean"] == 1.0
    assert run.data.metrics == result.metrics or run.data.metrics.items() >= result.metrics.items()
    traces = mlflow.search_traces(locations=[experiment], run_id=result.run_id, return_type="list")
    assert len(traces) == 2
    said = {}
    for trace in traces:
        said[trace.data.spans[0].inputs["q"]] = {a.name: a.value for a in trace.info.assessments}
        source = {a.name: a.source.source_type for a in trace.info.assessments if a.feedback}
        assert set(source.values()) == {"CODE"}
    assert said["a"] == {"is_short": True, "agrees": "yes", "letters": 1, "answer": "A"}
    assert said["b"] == {"is_short": True, "agrees": "no", "letters": 1, "answer": "no"}
    assert [i.dataset.name for i in run.inputs.dataset_inputs] != []


def test_an_evaluation_of_answers_that_are_there(experiment):
    data = [{"inputs": {"q": n}, "outputs": "x" * n} for n in (5, 15)]
    result = mlflow.genai.evaluate(data=data, scorers=[is_short])
    assert result.metrics["is_short/mean"] == 0.5
    assert len(mlflow.search_traces(locations=[experiment], run_id=result.run_id, return_type="list")) == 2


def test_an_evaluation_of_a_dataset(client, dataset, experiment):
    dataset.merge_records([{"inputs": {"q": "a"}, "expectations": {"answer": "a"}}, {"inputs": {"q": "b"}, "expectations": {"answer": "x"}}])
    result = mlflow.genai.evaluate(data=dataset, predict_fn=lambda q: q, scorers=[agrees, is_short])
    run = client.get_run(result.run_id)
    assert result.metrics["is_short/mean"] == 1.0 and [i.dataset.name for i in run.inputs.dataset_inputs] == [dataset.name]


def test_an_evaluation_of_traces(experiment):
    @mlflow.trace
    def answer(q):
        return q * 3

    for q in ("a", "bbbb"):
        answer(q)
    result = mlflow.genai.evaluate(data=mlflow.search_traces(locations=[experiment]), scorers=[is_short])
    assert result.metrics["is_short/mean"] == 0.5
    found = mlflow.search_traces(locations=[experiment], filter_string="feedback.is_short = 'true'", return_type="list")
    assert len(found) >= 1


def test_a_scorer_that_fails(experiment):
    @scorer
    def broken(outputs):
        raise ValueError("a weir broke")

    result = mlflow.genai.evaluate(data=[{"inputs": {"q": 1}, "outputs": "x"}], scorers=[broken])
    trace = mlflow.search_traces(locations=[experiment], run_id=result.run_id, return_type="list")[0]
    assert [a.error.error_message for a in trace.info.assessments] == ["a weir broke"]
