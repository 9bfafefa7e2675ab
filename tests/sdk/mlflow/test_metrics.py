"""Metrics: values, histories, the latest."""

import json
import math

import mlflow
import pytest
from mlflow.entities import Metric

from differences import here

HUGE = 1.7976931348623157e308


@pytest.mark.parametrize(
    "value",
    [0.0, -0.0, 1.0, -1.5, 1e-300, 5e-324, 1.7e308, 0.1 + 0.2, 123456789012345678, 3.141592653589793, 1e21, -2**53],
    ids=repr,
)
def test_a_value_comes_back_exactly(client, run, value):
    client.log_metric(run, "m", value)
    found = client.get_run(run).data.metrics["m"]
    assert found == float(value)


def test_nan(client, tracking, run):
    client.log_metric(run, "m", float("nan"), timestamp=5, step=1)
    assert math.isnan(client.get_run(run).data.metrics["m"])
    assert math.isnan(client.get_metric_history(run, "m")[0].value)
    assert tracking.ok("GET", "runs/get", run_id=run)["run"]["data"]["metrics"][0]["value"] == "NaN"


@pytest.mark.parametrize(("given", "kept"), [(math.inf, HUGE), (-math.inf, -HUGE)], ids=["plus", "minus"])
def test_infinity_is_the_greatest_number(client, run, given, kept):
    client.log_metric(run, "m", given)
    assert client.get_run(run).data.metrics["m"] == kept
    assert client.get_metric_history(run, "m")[0].value == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [('"NaN"', math.nan), ('"Infinity"', HUGE), ('"-Infinity"', -HUGE), ('"1.5"', 1.5), ("3", 3.0), ("1e3", 1000.0)],
)
def test_values_as_they_are_written(tracking, client, run, text, kept):
    body = f'{{"run_id": "{run}", "key": "m", "value": {text}, "timestamp": 1}}'
    assert tracking.post("runs/log-metric", body).status == 200
    found = client.get_run(run).data.metrics["m"]
    assert found == kept or (math.isnan(found) and math.isnan(kept))


@pytest.mark.parametrize("text", ['"abc"', "null"])
def test_values_that_are_none(tracking, run, text):
    body = f'{{"run_id": "{run}", "key": "m", "value": {text}, "timestamp": 1}}'
    answer = tracking.post("runs/log-metric", body)
    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text


@pytest.mark.parametrize("text", ["[1]", '{"a": 1}'])
def test_values_of_another_kind(tracking, run, text):
    body = f'{{"run_id": "{run}", "key": "m", "value": {text}, "timestamp": 1}}'
    assert tracking.post("runs/log-metric", body).status == here("what cannot be read breaks the server")


def test_everything_of_a_metric(tracking, run):
    tracking.ok("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 2.5, "timestamp": 1700000000001, "step": -3})
    history = tracking.ok("GET", "metrics/get-history", run_id=run, metric_key="m")["metrics"]
    said = {k: history[0][k] for k in ("key", "value", "timestamp", "step")}
    assert said == {"key": "m", "value": 2.5, "timestamp": 1700000000001, "step": -3} and len(history) == 1


def test_a_step_is_zero_when_none_is_given(tracking, run):
    tracking.ok("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": 7})
    assert tracking.ok("GET", "runs/get", run_id=run)["run"]["data"]["metrics"][0]["step"] == 0


@pytest.mark.parametrize("step", [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_any_step(client, tracking, run, step):
    tracking.ok("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": 7, "step": step})
    assert client.get_metric_history(run, "m")[0].step == step


@pytest.mark.parametrize("timestamp", [-1, "x"])
def test_a_time_that_is_none(tracking, run, timestamp):
    body = {"run_id": run, "key": "m", "value": 1, "timestamp": timestamp}
    assert tracking.refused("POST", "runs/log-metric", body)[:2] == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("timestamp", [1.5, 2**63])
def test_a_time_that_is_no_whole_number(tracking, run, timestamp):
    body = {"run_id": run, "key": "m", "value": 1, "timestamp": timestamp}
    assert tracking.post("runs/log-metric", body).status == here("what cannot be read is overlooked")


def test_numbers_as_text(tracking, client, run):
    tracking.ok("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": "1700000000001", "step": "4"})
    found = client.get_metric_history(run, "m")[0]
    assert (found.timestamp, found.step) == (1700000000001, 4)


def history(client, run, key="m"):
    return [(m.value, m.timestamp, m.step) for m in client.get_metric_history(run, key)]


def test_a_history_in_order_of_time_step_and_value(client, run):
    for value, timestamp, step in [(3, 20, 1), (1, 10, 5), (2, 10, 4), (9, 10, 4), (0, 30, 0)]:
        client.log_metric(run, "m", value, timestamp, step)
    assert history(client, run) == [(2, 10, 4), (9, 10, 4), (1, 10, 5), (3, 20, 1), (0, 30, 0)]


def test_the_same_again_is_no_second(client, run):
    for _ in range(3):
        client.log_metric(run, "m", 1.0, 10, 1)
    client.log_metric(run, "m", float("nan"), 10, 1)
    client.log_metric(run, "m", float("nan"), 10, 1)
    client.log_metric(run, "m", 0.0, 10, 1)
    assert len(history(client, run)) == 3


@pytest.mark.parametrize(
    ("logged", "latest"),
    [
        ([(1, 10, 1), (2, 10, 2)], 2.0),
        ([(2, 10, 2), (1, 10, 1)], 2.0),
        ([(1, 10, 5), (2, 99, 1)], 1.0),
        ([(1, 10, 1), (2, 20, 1)], 2.0),
        ([(2, 20, 1), (1, 10, 1)], 2.0),
        ([(5, 10, 1), (3, 10, 1)], 5.0),
        ([(3, 10, 1), (5, 10, 1)], 5.0),
        ([(1, 10, -5), (2, 10, -7)], 1.0),
        ([(float("inf"), 10, 1), (3, 10, 1)], HUGE),
    ],
    ids=["step", "step-late", "step-before-time", "time", "time-late", "value", "value-late", "below-zero", "infinity"],
)
@pytest.mark.parametrize("way", ["one by one", "batch"])
def test_the_latest_is_the_greatest_step_time_value(client, run, logged, latest, way):
    if way == "batch":
        client.log_batch(run, metrics=[Metric("m", float(v), t, s) for v, t, s in logged])
    else:
        for value, timestamp, step in logged:
            client.log_metric(run, "m", value, timestamp, step)
    assert client.get_run(run).data.metrics["m"] == latest


def test_a_key_without_history(tracking, client, run):
    assert tracking.ok("GET", "metrics/get-history", run_id=run, metric_key="nothing") == {}
    assert client.get_metric_history(run, "nothing") == []


def test_pages_of_a_history(tracking, client, run):
    client.log_batch(run, metrics=[Metric("m", float(n), 1000 + n, n) for n in range(25)])
    found, token, sizes = [], None, []
    while True:
        page = tracking.ok("GET", "metrics/get-history", run_id=run, metric_key="m", max_results=10,
                           **({"page_token": token} if token else {}))
        found += [m["step"] for m in page["metrics"]]
        sizes.append(len(page["metrics"]))
        token = page.get("next_page_token")
        if not token:
            break
    assert found == list(range(25)) and sizes == [10, 10, 5]


@pytest.mark.parametrize("count", [0, -1])
def test_pages_of_none(tracking, run, count):
    assert tracking.refused("GET", "metrics/get-history", run_id=run, metric_key="m", max_results=count)[:2] == (
        400, "INVALID_PARAMETER_VALUE",
    )


def test_the_key_of_a_history_is_required(tracking, run):
    said = "Missing value for required parameter 'metric_key'. See the API docs for more information about request parameters."
    assert tracking.refused("GET", "metrics/get-history", run_id=run) == (400, "INVALID_PARAMETER_VALUE", said)


def test_a_long_history_in_one_answer(client, run):
    for start in range(0, 5000, 1000):
        client.log_batch(run, metrics=[Metric("m", n / 7, n, n) for n in range(start, start + 1000)])
    found = client.get_metric_history(run, "m")
    assert len(found) == 5000 and [m.step for m in found] == list(range(5000)) and found[4999].value == 4999 / 7


def test_histories_of_many_runs(tracking, client, experiment):
    runs = [client.create_run(experiment).info.run_id for _ in range(3)]
    for n, run in enumerate(runs):
        client.log_metric(run, "m", n, 10 + n, 1)
    found = tracking.ok("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", run_id=runs, metric_key="m", max_results=100)
    assert {(m["run_id"], m["value"]) for m in found["metrics"]} == {(run, float(n)) for n, run in enumerate(runs)}
    found = tracking.ok("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", run_ids=runs, metric_key="m",
                        max_results=100)
    assert {(m["run_id"], m["value"]) for m in found["metrics"]} == {(run, float(n)) for n, run in enumerate(runs)}


def test_an_interval_of_a_history(tracking, client, run):
    client.log_batch(run, metrics=[Metric("m", float(n), n, n) for n in range(100)])
    found = tracking.ok("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", run_ids=run, metric_key="m",
                        start_step=10, end_step=20, max_results=2500)
    assert [m["step"] for m in found["metrics"]] == list(range(10, 21))


# Batches


def batch(tracking, run, **lists):
    return tracking.post("runs/log-batch", {"run_id": run, **lists})


def kv(count, first=0):
    return [{"key": f"k{n}", "value": "v"} for n in range(first, first + count)]


def numbers(count):
    return [{"key": f"m{n}", "value": n, "timestamp": 1, "step": 0} for n in range(count)]


def test_a_batch_of_everything(tracking, client, run):
    assert batch(tracking, run, metrics=numbers(3), params=kv(2), tags=kv(2)).json() == {}
    data = client.get_run(run).data
    assert data.metrics == {"m0": 0.0, "m1": 1.0, "m2": 2.0} and data.params == {"k0": "v", "k1": "v"}
    assert data.tags["k0"] == data.tags["k1"] == "v"


def test_an_empty_batch(tracking, run):
    assert batch(tracking, run).status == 200
    assert batch(tracking, run, metrics=[], params=[], tags=[]).status == 200


def test_the_greatest_batch(tracking, client, run):
    assert batch(tracking, run, metrics=numbers(800), params=kv(100), tags=kv(100)).status == 200
    data = client.get_run(run).data
    assert (len(data.metrics), len(data.params)) == (800, 100)
    assert batch(tracking, run, metrics=numbers(1000)).status == 200


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ({"metrics": numbers(1001)}, "A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up"),
        ({"params": kv(101)}, "A batch logging request can contain at most 100 params. Got 101 params. Please split up"),
        ({"tags": kv(101)}, "A batch logging request can contain at most 100 tags. Got 101 tags. Please split up"),
        ({"metrics": numbers(901), "params": kv(100)},
         "A batch logging request can contain at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags."),
    ],
    ids=["metrics", "params", "tags", "together"],
)
def test_batches_that_are_too_great(tracking, client, run, lists, said):
    answer = batch(tracking, run, **lists)
    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert said in answer.json()["message"]
    data = client.get_run(run).data
    assert data.metrics == {} and data.params == {}


@pytest.mark.parametrize(
    ("lists", "missing"),
    [
        ({"metrics": [{"key": "a", "timestamp": 1, "step": 0}]}, "metrics[0].value"),
        ({"metrics": [{"value": 1, "timestamp": 1, "step": 0}]}, "metrics[0].key"),
        ({"metrics": [*numbers(2), {"key": "a", "value": 1, "step": 0}]}, "metrics[2].timestamp"),
        ({"params": [{"value": "v"}]}, "params[0].key"),
        ({"tags": [{"key": "ok", "value": "v"}, {"value": "v"}]}, "tags[1].key"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_missing_field_of_a_batch(tracking, client, run, lists, missing):
    answer = batch(tracking, run, params_="x", **lists)
    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer.json()["message"].startswith(f"Missing value for required parameter '{missing}'.")
    assert client.get_run(run).data.metrics == {}


def test_a_param_twice_in_a_batch(tracking, client, run):
    same = [{"key": "a", "value": "1"}, {"key": "a", "value": "1"}]
    answer = batch(tracking, run, params=same)
    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer.json()["message"].startswith("Duplicate parameter keys have been submitted")
    assert client.get_run(run).data.params == {}


def test_a_batch_with_a_changed_param_stores_nothing(tracking, client, run):
    client.log_param(run, "p", "v")
    answer = batch(tracking, run, metrics=numbers(2), params=[{"key": "q", "value": "1"}, {"key": "p", "value": "w"}],
                   tags=[{"key": "t", "value": "x"}])
    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer.json()["message"].startswith("Changing param values is not allowed. Params were already logged=")
    data = client.get_run(run).data
    assert data.params == {"p": "v"} and data.metrics == {} and "t" not in data.tags


def test_a_batch_with_a_wrong_key_stores_nothing(tracking, client, run):
    answer = batch(tracking, run, metrics=[*numbers(2), {"key": "a$b", "value": 1, "timestamp": 1, "step": 0}], params=kv(2))
    assert answer.status == 400 and "metrics[2]" in answer.json()["message"]
    data = client.get_run(run).data
    assert data.params == {} and data.metrics == {}


def test_the_same_batch_again(tracking, client, run):
    for _ in range(2):
        assert batch(tracking, run, metrics=numbers(3), params=kv(3), tags=kv(3)).status == 200
    assert len(client.get_metric_history(run, "m1")) == 1


def test_tags_of_a_batch_the_last_wins(tracking, client, run):
    batch(tracking, run, tags=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])
    assert client.get_run(run).data.tags["a"] == "2"


def test_a_batch_renames(tracking, client, run):
    batch(tracking, run, tags=[{"key": "mlflow.runName", "value": "by batch"}])
    assert client.get_run(run).info.run_name == "by batch"


def test_the_client_splits_what_is_too_great(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_params({f"p{n}": n for n in range(250)})
        mlflow.log_metrics({f"m{n}": n for n in range(1500)})
    data = client.get_run(run.info.run_id).data
    assert len(data.params) == 250 and len(data.metrics) == 1500


# Inputs and outputs


def dataset(name="d", digest="1", **more):
    return {"name": name, "digest": digest, "source_type": "local", "source": json.dumps({"uri": "x"}), **more}


def test_inputs(tracking, client, run):
    given = [{"dataset": dataset("train", "abc", schema="{}", profile='{"rows": 3}'),
              "tags": [{"key": "mlflow.data.context", "value": "training"}]},
             {"dataset": dataset("test", "def")}]
    tracking.ok("POST", "runs/log-inputs", {"run_id": run, "datasets": given})
    found = {i.dataset.name: i for i in client.get_run(run).inputs.dataset_inputs}
    assert set(found) == {"train", "test"}
    train = found["train"]
    assert (train.dataset.digest, train.dataset.source_type, train.dataset.schema, train.dataset.profile) == (
        "abc", "local", "{}", '{"rows": 3}',
    )
    assert {t.key: t.value for t in train.tags} == {"mlflow.data.context": "training"} and found["test"].tags == []


def test_the_same_input_again_is_one(tracking, client, run):
    for _ in range(2):
        tracking.ok("POST", "runs/log-inputs", {"run_id": run, "datasets": [{"dataset": dataset()}]})
    assert len(client.get_run(run).inputs.dataset_inputs) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"name": "n" * 501}, {"digest": "d" * 37}, {"source": "s" * 65536}, {"schema": "s" * 1048576}],
    ids=["name", "digest", "source", "schema"],
)
def test_inputs_that_are_refused(tracking, client, run, wrong):
    given = {"run_id": run, "datasets": [{"dataset": dataset(**wrong)}]}
    assert tracking.refused("POST", "runs/log-inputs", given)[:2] == (400, "INVALID_PARAMETER_VALUE")
    assert client.get_run(run).inputs.dataset_inputs == []


@pytest.mark.parametrize("tag", [{"key": "k" * 256, "value": "v"}, {"key": "k", "value": "v" * 501}], ids=["key", "value"])
def test_tags_of_inputs_that_are_refused(tracking, run, tag):
    given = {"run_id": run, "datasets": [{"dataset": dataset(), "tags": [tag]}]}
    assert tracking.refused("POST", "runs/log-inputs", given)[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_log_input_of_the_fluent_client(client, experiment):
    import pandas

    table = mlflow.data.from_pandas(pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}), name="small", targets="a")
    with mlflow.start_run() as run:
        mlflow.log_input(table, context="validation", tags={"v": "1"})
    found = client.get_run(run.info.run_id).inputs.dataset_inputs[0]
    assert (found.dataset.name, found.dataset.digest) == ("small", table.digest)
    assert {t.key: t.value for t in found.tags} == {"mlflow.data.context": "validation", "v": "1"}
    assert json.loads(found.dataset.profile)["num_rows"] == 2
    assert [r.info.run_id for r in client.search_runs([experiment], "datasets.name = 'small'")] == [run.info.run_id]


def test_datasets_of_an_experiment(tracking, experiment, run):
    tracking.ok("POST", "runs/log-inputs", {"run_id": run, "datasets": [
        {"dataset": dataset("train", "abc"), "tags": [{"key": "mlflow.data.context", "value": "training"}]}]})
    found = tracking.ok("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [experiment]})
    assert found["dataset_summaries"] == [
        {"experiment_id": experiment, "name": "train", "digest": "abc", "context": "training"}]


def test_models_that_go_in_and_come_out(client, tracking, experiment, run):
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    tracking.ok("POST", "runs/outputs", {"run_id": run, "models": [{"model_id": model.model_id, "step": 3}]})
    other = client.create_run(experiment).info.run_id
    tracking.ok("POST", "runs/log-inputs", {"run_id": other, "models": [{"model_id": model.model_id}]})
    assert [(o.model_id, o.step) for o in client.get_run(run).outputs.model_outputs] == [(model.model_id, 3)]
    assert [i.model_id for i in client.get_run(other).inputs.model_inputs] == [model.model_id]


def test_a_metric_of_a_model_and_a_dataset(client, experiment, run):
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    client.log_metric(run, "acc", 0.75, timestamp=5, step=2, model_id=model.model_id, dataset_name="d", dataset_digest="1")
    assert client.get_run(run).data.metrics == {"acc": 0.75}
    kept = client.get_logged_model(model.model_id).metrics
    assert [(m.key, m.value, m.step, m.run_id, m.dataset_name) for m in kept] == [("acc", 0.75, 2, run, "d")]
