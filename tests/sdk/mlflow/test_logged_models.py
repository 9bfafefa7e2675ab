"""Logged models."""

import re
import uuid

import mlflow
import pytest
from mlflow.entities import LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException

from differences import here


def test_everything_of_a_new_one(client, tracking, experiment, run):
    made = client.create_logged_model(experiment, name="m", source_run_id=run, tags={"a": "b"}, params={"p": "1"}, model_type="agent")
    assert re.fullmatch("m-[0-9a-f]{32}", made.model_id)
    assert (made.name, made.experiment_id, made.source_run_id, made.model_type) == ("m", experiment, run, "agent")
    assert (made.tags, made.params, made.status) == ({"a": "b"}, {"p": "1"}, LoggedModelStatus.PENDING)
    assert made.artifact_location == f"mlflow-artifacts:/{experiment}/models/{made.model_id}/artifacts"
    assert made.creation_timestamp == made.last_updated_timestamp > 1_700_000_000_000
    found = client.get_logged_model(made.model_id)
    assert found.to_dictionary() == made.to_dictionary()
    info = tracking.ok("GET", f"logged-models/{made.model_id}")["model"]["info"]
    assert info["status"] == "LOGGED_MODEL_PENDING" and type(info["creation_timestamp_ms"]) is int


def test_a_name_is_made_up(client, experiment):
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d+", client.create_logged_model(experiment).name)


@pytest.mark.parametrize("status", ["READY", "FAILED"])
def test_it_is_finalized(client, experiment, status):
    made = client.create_logged_model(experiment, name="m")
    done = client.finalize_logged_model(made.model_id, getattr(LoggedModelStatus, status))
    assert done.status == getattr(LoggedModelStatus, status) == client.get_logged_model(made.model_id).status
    assert done.last_updated_timestamp >= made.last_updated_timestamp


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b"])
def test_names_that_are_refused(tracking, experiment, name):
    status, code, _ = tracking.refused("POST", "logged-models", {"experiment_id": experiment, "name": name})
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")


def test_what_is_not_there(tracking):
    id = "m-" + "0" * 32
    for method, path, body in [("GET", f"logged-models/{id}", None), ("DELETE", f"logged-models/{id}", {}),
                               ("PATCH", f"logged-models/{id}", {"model_id": id, "status": "LOGGED_MODEL_READY"}),
                               ("PATCH", f"logged-models/{id}/tags", {"tags": [{"key": "a", "value": "b"}]})]:
        status, code, said = tracking.refused(method, path, body)
        assert (status, code) == (404, "RESOURCE_DOES_NOT_EXIST") and id in said, path


def test_an_experiment_that_is_not_there(tracking):
    body = {"experiment_id": "987654321", "name": "m"}
    assert tracking.refused("POST", "logged-models", body)[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_tags(client, tracking, experiment):
    id = client.create_logged_model(experiment, name="m", tags={"a": "1"}).model_id
    client.set_logged_model_tags(id, {"a": "2", "b": "3"})
    assert client.get_logged_model(id).tags == {"a": "2", "b": "3"}
    client.delete_logged_model_tag(id, "a")
    assert client.get_logged_model(id).tags == {"b": "3"}
    assert tracking.refused("DELETE", f"logged-models/{id}/tags/nothing")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_params(client, experiment):
    id = client.create_logged_model(experiment, name="m", params={"a": "1"}).model_id
    client.log_model_params(id, {"b": "2"})
    assert client.get_logged_model(id).params == {"a": "1", "b": "2"}


def test_delete(client, tracking, experiment):
    id = client.create_logged_model(experiment, name="m").model_id
    client.delete_logged_model(id)
    with pytest.raises(MlflowException):
        client.get_logged_model(id)
    assert client.search_logged_models([experiment]) == []
    assert tracking.ok("GET", f"logged-models/{id}", allow_deleted="true")["model"]["info"]["model_id"] == id


def test_the_files_of_one(client, tracking, experiment, tmp_path):
    id = client.create_logged_model(experiment, name="m").model_id
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("abc")
    client.log_model_artifacts(id, str(tmp_path))
    assert [f.path for f in client.list_logged_model_artifacts(id)] == ["sub"]
    assert [(f.path, f.file_size) for f in client.list_logged_model_artifacts(id, "sub")] == [("sub/a.txt", 3)]
    found = tracking.ok("GET", f"logged-models/{id}/artifacts/directories")
    assert found["files"] == [{"path": "sub", "is_dir": True}] and found["root_uri"].endswith(f"models/{id}/artifacts")
    found = tracking.ok("GET", f"logged-models/{id}/artifacts/directories", artifact_directory_path="sub")
    assert found["files"] == [{"path": "sub/a.txt", "is_dir": False, "file_size": 3}]


@pytest.fixture(scope="module")
def corpus(client):
    """Four models of one run: their metrics are of two datasets."""
    experiment = client.create_experiment(f"models-{uuid.uuid4().hex[:8]}")
    run = client.create_run(experiment).info.run_id
    ids = {}
    for name, kind, params, tags, values in [
        ("one", "agent", {"lr": "0.1"}, {"team": "IT"}, [("acc", 0.5, "d1"), ("acc", 0.9, "d2")]),
        ("two", "agent", {"lr": "0.2"}, {"team": "it"}, [("acc", 0.7, "d1")]),
        ("three", "tree", {"lr": "0.1"}, {}, [("loss", 3, None)]),
        ("four", "tree", {}, {"odd key": "x"}, []),
    ]:
        id = client.create_logged_model(experiment, name=name, source_run_id=run, params=params, tags=tags, model_type=kind).model_id
        ids[name] = id
        for step, (key, value, data) in enumerate(values):
            client.log_batch(run, metrics=[Metric(key, value, 5, step, model_id=id, dataset_name=data, dataset_digest=data and "1")])
    client.finalize_logged_model(ids["one"], LoggedModelStatus.READY)
    return experiment, run, ids


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (None, "four three two one"),
        ("name = 'one'", "one"),
        ("name != 'one'", "four three two"),
        ("name LIKE 't%'", "three two"),
        ("attributes.name ILIKE 'T%'", "three two"),
        ("name IN ('one', 'two')", "two one"),
        ("name NOT IN ('one', 'two')", "four three"),
        ("model_type = 'agent'", "two one"),
        ("model_id = '<one>'", "one"),
        ("source_run_id = '<run>'", "four three two one"),
        ("params.lr = '0.1'", "three one"),
        ("params.lr != '0.1'", "two"),
        ("tags.team = 'IT'", "one"),
        ("tags.team ILIKE 'IT'", "two one"),
        ("tags.`odd key` = 'x'", "four"),
        ("metrics.acc > 0.6", "two one"),
        ("metrics.acc = 0.9", "one"),
        ("metrics.loss >= 3", "three"),
        ("creation_timestamp > 0", "four three two one"),
        ("creation_time < 1000", ""),
        ("last_updated_timestamp >= 1000 AND model_type = 'tree'", "four three"),
    ],
)
def test_filters(client, corpus, filter, expected):
    experiment, run, ids = corpus
    if filter:
        filter = filter.replace("<run>", run).replace("<one>", ids["one"])
    assert [m.name for m in client.search_logged_models([experiment], filter)] == expected.split()


@pytest.mark.parametrize(
    ("datasets", "filter", "expected"),
    [
        ([{"dataset_name": "d1", "dataset_digest": "1"}], "metrics.acc > 0.6", "two"),
        ([{"dataset_name": "d2", "dataset_digest": "1"}], "metrics.acc > 0.6", "one"),
        ([{"dataset_name": "d1", "dataset_digest": "1"}], "metrics.acc > 0", "two one"),
        ([{"dataset_name": "d1", "dataset_digest": "2"}], "metrics.acc > 0", ""),
        ([{"dataset_name": name, "dataset_digest": "1"} for name in ("d1", "d2")], "metrics.acc > 0.6", "two one"),
    ],
)
def test_metrics_of_a_dataset(client, corpus, datasets, filter, expected):
    found = client.search_logged_models([corpus[0]], filter, datasets=datasets)
    assert [m.name for m in found] == expected.split()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([{"field_name": "creation_timestamp", "ascending": True}], "one two three four"),
        ([{"field_name": "creation_time", "ascending": False}], "four three two one"),
        ([{"field_name": "name"}], "four one three two"),
        ([{"field_name": "name", "ascending": False}], "two three one four"),
        ([{"field_name": "metrics.acc", "dataset_name": "d1"}], "one two four three"),
        ([{"field_name": "metrics.acc", "ascending": False, "dataset_name": "d1"}], "two one four three"),
        ([{"field_name": "metrics.acc", "ascending": False, "dataset_name": "d2", "dataset_digest": "1"}], "one four three two"),
    ],
    ids=lambda v: v if isinstance(v, str) else "-".join(str(x) for x in v[0].values()),
)
def test_orders(client, corpus, order, expected):
    assert [m.name for m in client.search_logged_models([corpus[0]], order_by=order)] == expected.split()


def test_pages(client, corpus):
    first = client.search_logged_models([corpus[0]], max_results=3)
    second = client.search_logged_models([corpus[0]], max_results=3, page_token=first.token)
    assert [m.name for m in [*first, *second]] == ["four", "three", "two", "one"] and not second.token


@pytest.mark.parametrize(
    "body",
    [{"filter": "name = 'a' OR name = 'b'"}, {"filter": "name"}, {"filter": "status > 'x'"}, {"filter": "bar.foo = 'x'"},
     {"order_by": [{"field_name": "foo"}]}],
)
def test_searches_that_are_refused(tracking, corpus, body):
    body = {"experiment_ids": [corpus[0]], **body}
    assert tracking.refused("POST", "logged-models/search", body)[:2] == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("filter", ["foo = 'x'", "metrics.a = 'x'"])
def test_searches_that_break_the_real_server(tracking, corpus, filter):
    body = {"experiment_ids": [corpus[0]], "filter": filter}
    assert tracking.post("logged-models/search", body).status == here("what cannot be read breaks the server")


def test_metrics_of_a_model(client, corpus):
    _, run, ids = corpus
    found = client.get_logged_model(ids["one"]).metrics
    assert sorted((m.key, m.value, m.dataset_name, m.run_id) for m in found) == [("acc", 0.5, "d1", run), ("acc", 0.9, "d2", run)]


def test_the_fluent_client(experiment):
    with mlflow.start_run() as run:
        model = mlflow.initialize_logged_model(name="fluent", params={"a": "1"}, tags={"b": "2"})
        mlflow.log_metric("acc", 0.5, model_id=model.model_id)
        mlflow.finalize_logged_model(model.model_id, "READY")
    found = mlflow.get_logged_model(model.model_id)
    assert (found.name, found.status, found.source_run_id) == ("fluent", LoggedModelStatus.READY, run.info.run_id)
    assert [m.value for m in found.metrics] == [0.5]
    listed = mlflow.search_logged_models(experiment_ids=[experiment], output_format="list")
    assert [m.model_id for m in listed] == [model.model_id]


def test_an_external_model(client, experiment):
    model = mlflow.create_external_model(name="outside", params={"k": "v"})
    found = client.get_logged_model(model.model_id)
    assert found.status == LoggedModelStatus.READY and found.tags["mlflow.model.isExternal"] == "true"
