"""Runs, their tags and their params."""

import json
import re
import time

import mlflow
import pytest
from mlflow.entities import RunTag, ViewType
from mlflow.exceptions import MlflowException

from differences import here

MISSING = "0123456789abcdef0123456789abcdef"
KEY_SAID = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
)


def test_everything_of_a_new_run(tracking, client, experiment):
    made = tracking.ok("POST", "runs/create", {
        "experiment_id": experiment, "user_id": "ann", "run_name": "first", "start_time": 1700000000123,
        "tags": [{"key": "a", "value": "b"}],
    })["run"]
    info = made["info"]
    id = info["run_id"]
    assert re.fullmatch("[0-9a-f]{32}", id) and info["run_uuid"] == id
    assert info == {
        "run_id": id, "run_uuid": id, "run_name": "first", "experiment_id": experiment, "user_id": "ann",
        "status": "RUNNING", "start_time": 1700000000123, "lifecycle_stage": "active",
        "artifact_uri": f"mlflow-artifacts:/{experiment}/{id}/artifacts",
    }
    assert sorted(t["key"] for t in made["data"]["tags"]) == ["a", "mlflow.runName"]
    run = client.get_run(id)
    assert run.data.tags == {"a": "b", "mlflow.runName": "first"}
    assert run.data.params == {} and run.data.metrics == {} and run.info.end_time is None


@pytest.mark.parametrize("spelling", ["run_id", "run_uuid"])
def test_a_run_is_asked_for_by_either_name(tracking, run, spelling):
    assert tracking.ok("GET", "runs/get", **{spelling: run})["run"]["info"]["run_id"] == run
    assert tracking.ok("POST", "runs/update", {spelling: run, "status": "FINISHED"})["run_info"]["status"] == "FINISHED"


def test_a_name_is_made_up(client, experiment):
    run = client.create_run(experiment)
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d+", run.info.run_name), run.info.run_name
    assert run.data.tags["mlflow.runName"] == run.info.run_name


def test_the_name_is_the_tag(client, experiment):
    run = client.create_run(experiment, tags={"mlflow.runName": "by tag"})
    assert run.info.run_name == "by tag"
    same = client.create_run(experiment, run_name="both", tags={"mlflow.runName": "both"})
    assert same.info.run_name == "both"


def test_two_names_that_differ(tracking, experiment):
    status, code, said = tracking.refused("POST", "runs/create", {
        "experiment_id": experiment, "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}],
    })
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert "'a'" in said and "'b'" in said


def test_what_does_not_exist(tracking):
    assert tracking.refused("GET", "runs/get", run_id=MISSING) == (
        404, "RESOURCE_DOES_NOT_EXIST", f"Run with id={MISSING} not found",
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("runs/update", {"status": "FINISHED"}),
        ("runs/delete", {}),
        ("runs/restore", {}),
        ("runs/log-metric", {"key": "k", "value": 1.0, "timestamp": 1}),
        ("runs/log-parameter", {"key": "k", "value": "v"}),
        ("runs/set-tag", {"key": "k", "value": "v"}),
        ("runs/delete-tag", {"key": "k"}),
        ("runs/log-batch", {"params": [{"key": "a", "value": "b"}]}),
        ("runs/log-inputs", {"datasets": [
            {"dataset": {"name": "a", "digest": "b", "source_type": "c", "source": "d"}}]}),
    ],
)
def test_writing_to_a_run_that_is_not_there(tracking, path, body):
    status, code, said = tracking.refused("POST", path, {"run_id": MISSING, **body})
    assert (status, code) == (404, "RESOURCE_DOES_NOT_EXIST") and MISSING in said


def test_update(client, run):
    client.set_terminated(run, "FAILED", end_time=1700000001234)
    found = client.get_run(run).info
    assert (found.status, found.end_time) == ("FAILED", 1700000001234)
    client.update_run(run, status="RUNNING")
    found = client.get_run(run).info
    assert (found.status, found.end_time) == ("RUNNING", 1700000001234), "what is not said stays"


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"])
def test_every_status(tracking, run, status):
    said = tracking.ok("POST", "runs/update", {"run_id": run, "status": status})["run_info"]
    assert said["status"] == status and said["run_id"] == run


def test_a_status_by_its_number(tracking, run):
    assert tracking.ok("POST", "runs/update", {"run_id": run, "status": 5})["run_info"]["status"] == "KILLED"


def test_a_status_that_is_none(tracking, run):
    answer = tracking.post("runs/update", {"run_id": run, "status": "DONE"})
    assert answer.status == here("what cannot be read is overlooked")
    assert tracking.ok("GET", "runs/get", run_id=run)["run"]["info"]["status"] == "RUNNING"


def test_rename(client, run):
    client.update_run(run, name="renamed")
    found = client.get_run(run)
    assert (found.info.run_name, found.data.tags["mlflow.runName"]) == ("renamed", "renamed")
    client.set_tag(run, "mlflow.runName", "by tag")
    assert client.get_run(run).info.run_name == "by tag"


def test_delete_and_restore(client, experiment, run):
    client.delete_run(run)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert [r.info.run_id for r in client.search_runs([experiment])] == []
    assert [r.info.run_id for r in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)] == [run]
    client.restore_run(run)
    assert client.get_run(run).info.lifecycle_stage == "active"
    assert [r.info.run_id for r in client.search_runs([experiment])] == [run]


def test_deleted_and_restored_twice(tracking, client, run):
    for path, stage in (("runs/delete", "deleted"), ("runs/restore", "active")):
        for _ in range(2):
            assert tracking.ok("POST", path, {"run_id": run}) == {}
            assert client.get_run(run).info.lifecycle_stage == stage


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("runs/update", {"status": "FINISHED"}),
        ("runs/log-metric", {"key": "k", "value": 1.0, "timestamp": 1}),
        ("runs/log-parameter", {"key": "k", "value": "v"}),
        ("runs/set-tag", {"key": "k", "value": "v"}),
        ("runs/delete-tag", {"key": "mlflow.runName"}),
        ("runs/log-batch", {"params": [{"key": "a", "value": "b"}]}),
    ],
)
def test_writing_to_a_deleted_run(tracking, client, run, path, body):
    client.delete_run(run)
    said = f"The run {run} must be in the 'active' state. Current state is deleted."
    assert tracking.refused("POST", path, {"run_id": run, **body}) == (400, "INVALID_PARAMETER_VALUE", said)


@pytest.mark.parametrize(
    ("path", "body", "missing"),
    [
        ("runs/delete", {}, "run_id"),
        ("runs/restore", {}, "run_id"),
        ("runs/set-tag", {"run_id": MISSING, "value": "v"}, "key"),
        ("runs/set-tag", {"key": "k", "value": "v"}, "run_id"),
        ("runs/log-parameter", {"run_id": MISSING, "value": "v"}, "key"),
        ("runs/log-parameter", {"key": "k", "value": "v"}, "run_id"),
        ("runs/log-metric", {"run_id": MISSING, "value": 1, "timestamp": 1}, "key"),
        ("runs/log-metric", {"run_id": MISSING, "key": "k", "timestamp": 1}, "value"),
        ("runs/log-metric", {"run_id": MISSING, "key": "k", "value": 1}, "timestamp"),
        ("runs/log-batch", {}, "run_id"),
        ("runs/delete-tag", {"run_id": MISSING}, "key"),
    ],
)
def test_a_required_field_is_named(tracking, path, body, missing):
    said = f"Missing value for required parameter '{missing}'. See the API docs for more information about request parameters."
    assert tracking.refused("POST", path, body) == (400, "INVALID_PARAMETER_VALUE", said)


# Tags


def test_tags_are_set_replaced_and_deleted(client, run):
    client.set_tag(run, "k", "one")
    client.set_tag(run, "k", "two")
    client.set_tag(run, "number", 7)
    client.set_tag(run, "empty", "")
    tags = client.get_run(run).data.tags
    del tags["mlflow.runName"]
    assert tags == {"k": "two", "number": "7", "empty": ""}
    client.delete_tag(run, "k")
    assert "k" not in client.get_run(run).data.tags


def test_a_tag_that_is_not_there(tracking, run):
    assert tracking.refused("POST", "runs/delete-tag", {"run_id": run, "key": "K"}) == (
        404, "RESOURCE_DOES_NOT_EXIST", f"No tag with name: K in run with id {run}",
    )


KEYS = ["a", "a.b-c_d e:f/g", "0", "ключ", "日本", "a" * 250, "épée", "x/y/z"]
WRONG_KEYS = {
    "dollar": "a$b", "percent": "50%", "comma": "a,b", "star": "*", "newline": "a\nb", "emoji": "🙂", "backslash": "a\\b",
    "quote": "it's", "brackets": "a[0]",
}
UNCLEAN_KEYS = {
    "rooted": "/a", "up": "../a", "up-inside": "a/../b", "double-slash": "a//b", "trailing-slash": "a/", "dot": ".",
    "dot-slash": "./a", "dots": "..",
}


@pytest.mark.parametrize("key", KEYS, ids=lambda k: k if len(k) < 20 else "long")
@pytest.mark.parametrize("kind", ["tag", "param", "metric"])
def test_keys_that_are_allowed(client, run, kind, key):
    ask = {"tag": client.set_tag, "param": client.log_param, "metric": client.log_metric}[kind]
    ask(run, key, 3)
    data = client.get_run(run).data
    assert {"tag": data.tags, "param": data.params, "metric": data.metrics}[kind][key] == (3.0 if kind == "metric" else "3")


def written(tracking, run, kind, key):
    path = {"tag": "runs/set-tag", "param": "runs/log-parameter", "metric": "runs/log-metric"}[kind]
    value = {"value": 1.0, "timestamp": 1} if kind == "metric" else {"value": "v"}
    return tracking.refused("POST", path, {"run_id": run, "key": key, **value})


@pytest.mark.parametrize("name", WRONG_KEYS)
@pytest.mark.parametrize("kind", ["tag", "param", "metric"])
def test_keys_that_are_not(tracking, run, kind, name):
    key = WRONG_KEYS[name]
    status, code, said = written(tracking, run, kind, key)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    parameter = "name" if kind == "metric" else "key"
    shown = json.dumps(key, ensure_ascii=here("JSON in a message"))
    assert said == f"Invalid value {shown} for parameter '{parameter}' supplied: {KEY_SAID}"


@pytest.mark.parametrize("name", UNCLEAN_KEYS)
@pytest.mark.parametrize("kind", ["tag", "param", "metric"])
def test_keys_that_are_no_clean_path(tracking, run, kind, name):
    status, code, said = written(tracking, run, kind, UNCLEAN_KEYS[name])
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert "Names may be treated as files in certain cases, and must not resolve to other names when treated as such." in said


@pytest.mark.parametrize("kind", ["tag", "param", "metric"])
def test_a_key_of_251_characters(tracking, run, kind):
    status, code, said = written(tracking, run, kind, "k" * 251)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE") and "exceeds the maximum length of 250 characters" in said


def test_long_values_are_cut(client, run):
    client.set_tag(run, "long", "ä" * 8001)
    client.log_param(run, "long", "ä" * 6001)
    data = client.get_run(run).data
    assert data.tags["long"] == "ä" * 8000 and data.params["long"] == "ä" * 6000


# Params


@pytest.mark.parametrize(
    ("given", "kept"),
    [(1, "1"), (1.5, "1.5"), (True, "True"), (None, "None"), ([1, "a"], "[1, 'a']"), ("", ""), (" x ", " x "), ("a\nb", "a\nb"),
     ("日本 🙂", "日本 🙂"), ({"a": 1}, "{'a': 1}"), ("NULL", "NULL"), ("it's", "it's")],
    ids=str,
)
def test_a_param_is_text(client, run, given, kept):
    client.log_param(run, "p", given)
    assert client.get_run(run).data.params == {"p": kept}


def test_a_param_cannot_change(tracking, client, run):
    client.log_param(run, "p", "v")
    client.log_param(run, "p", "v")
    said = (f"Changing param values is not allowed. Param with key='p' was already logged with value='v' for run ID='{run}'. "
            "Attempted logging new value 'w'.")
    assert tracking.refused("POST", "runs/log-parameter", {"run_id": run, "key": "p", "value": "w"}) == (
        400, "INVALID_PARAMETER_VALUE", said,
    )
    assert client.get_run(run).data.params == {"p": "v"}


def test_a_param_that_was_cut_is_the_same_again(client, run):
    client.log_param(run, "p", "x" * 7000)
    client.log_param(run, "p", "x" * 6500)
    assert client.get_run(run).data.params == {"p": "x" * 6000}


# The fluent client


def test_a_run_of_the_fluent_client(client, experiment):
    before = int(time.time() * 1000)
    with mlflow.start_run(run_name="fluent", description="what it is", tags={"a": "1"}) as run:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"depth": 3, "kind": "tree"})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"acc": 0.9, "f1": 0.8}, step=2)
        mlflow.set_tag("b", "2")
        mlflow.set_tags({"c": "3", "d": "4"})
    found = client.get_run(run.info.run_id)
    assert found.data.params == {"lr": "0.1", "depth": "3", "kind": "tree"}
    assert found.data.metrics == {"loss": 0.5, "acc": 0.9, "f1": 0.8}
    mine = {k: v for k, v in found.data.tags.items() if not k.startswith("mlflow.")}
    assert mine == {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert found.data.tags["mlflow.note.content"] == "what it is" and found.data.tags["mlflow.runName"] == "fluent"
    assert found.info.status == "FINISHED" and before <= found.info.start_time <= found.info.end_time


def test_a_run_that_fails(client, experiment):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_a_run_is_gone_on_with(client, experiment):
    with mlflow.start_run() as first:
        mlflow.log_param("a", 1)
    with mlflow.start_run(run_id=first.info.run_id):
        assert client.get_run(first.info.run_id).info.status == "RUNNING"
        mlflow.log_param("b", 2)
    found = client.get_run(first.info.run_id)
    assert found.data.params == {"a": "1", "b": "2"} and found.info.status == "FINISHED"


def test_nested_runs(client, experiment):
    with mlflow.start_run(run_name="parent") as parent:
        for n in range(3):
            with mlflow.start_run(run_name=f"child {n}", nested=True) as child:
                mlflow.log_metric("n", n)
                with mlflow.start_run(nested=True) as grandchild:
                    pass
    assert client.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    assert client.get_parent_run(grandchild.info.run_id).info.run_id == child.info.run_id
    assert client.get_parent_run(parent.info.run_id) is None
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.n"])
    assert [r.info.run_name for r in found] == ["child 0", "child 1", "child 2"]


def test_the_active_run_and_the_last(experiment):
    with mlflow.start_run() as run:
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert mlflow.last_active_run().info.run_id == run.info.run_id


def test_asynchronous_logging(client, experiment):
    with mlflow.start_run() as run:
        for step in range(50):
            mlflow.log_metric("m", step, step=step, synchronous=False)
        mlflow.log_param("p", "v", synchronous=False)
        mlflow.set_tag("t", "v", synchronous=False)
        mlflow.flush_async_logging()
    assert [m.value for m in client.get_metric_history(run.info.run_id, "m")] == [float(n) for n in range(50)]
    found = client.get_run(run.info.run_id).data
    assert found.params == {"p": "v"} and found.tags["t"] == "v"


def test_the_client_says_where(client, experiment, run):
    with pytest.raises(MlflowException, match="not found"):
        client.get_run(MISSING)
    client.log_batch(run, tags=[RunTag("x", "y")])
    assert client.get_run(run).data.tags["x"] == "y"
