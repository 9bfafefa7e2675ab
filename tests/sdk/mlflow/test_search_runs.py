"""The search for runs: its filters, orders and pages, over ten runs that all tests share."""

import math
import uuid

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag, ViewType

#: name, status, start and end, params, metrics, tags, datasets. The names are in the order in which they are made.
RUNS = [
    ("Alpha", "FINISHED", 1000, 1500, {"model": "gpt-4o", "lr": "0.1", "x.y": "dots"}, {"loss": 0.5, "acc": 0.9}, {"team": "IT"}, "d1"),
    ("alpha", "FAILED", 2000, 2500, {"model": "gpt-4o-mini", "lr": "0.2"}, {"loss": -1.5, "acc": 0.8}, {"team": "Sales"}, "d2"),
    ("beta", "RUNNING", 3000, None, {"model": "GPT-4O", "lr": "0.3"}, {"loss": 1e-9}, {"team": "sales"}, None),
    ("gamma", "KILLED", 4000, 4500, {"model": "claude", "odd key": "a b"}, {"loss": math.nan, "acc": 0.7}, {"a/b": "slash"}, "d1"),
    ("delta", "SCHEDULED", 5000, None, {"model": "50%_off"}, {"acc": math.nan}, {"odd key": "it's"}, None),
    ("épsilon", "FINISHED", 6000, 6500, {"model": "Ärger"}, {"loss": math.inf}, {"team": 'say "hi"'}, None),
    ("zeta", "FINISHED", 7000, 7500, {"model": ""}, {"loss": 0.5, "odd metric": 3}, {"team": "IT"}, "d2"),
    ("eta", "FINISHED", 8000, 8500, {"lr": "0.1"}, {"loss": 2, "a/b.c": 1}, {}, None),
    ("theta", "FINISHED", 8000, 8500, {}, {}, {"empty": ""}, None),
]


@pytest.fixture(scope="module")
def corpus(client):
    """(experiment, {name: run id}); the run `gone` is deleted."""
    experiment = client.create_experiment(f"search-{uuid.uuid4().hex[:8]}")
    ids = {}
    gone = ("gone", "FINISHED", 9000, 9500, {}, {"loss": 9}, {}, None)
    for name, status, start, end, params, metrics, tags, dataset in [*RUNS, gone]:
        run = client.create_run(experiment, start_time=start, run_name=name).info.run_id
        ids[name] = run
        client.log_batch(
            run,
            metrics=[Metric(k, float(v), 10, 1) for k, v in metrics.items()],
            params=[Param(k, v) for k, v in params.items()],
            tags=[RunTag(k, v) for k, v in tags.items()],
        )
        if dataset:
            given = mlflow.entities.DatasetInput(
                mlflow.entities.Dataset(dataset, f"{dataset}-digest", "local", "{}"),
                [mlflow.entities.InputTag("mlflow.data.context", "training" if dataset == "d1" else "eval")],
            )
            client.log_inputs(run, [given])
        if end:
            client.set_terminated(run, status, end)
        else:
            client.update_run(run, status)
    client.delete_run(ids["gone"])
    return experiment, ids


def names(client, corpus, filter="", **named):
    experiment, ids = corpus
    for name, id in ids.items():
        filter = filter.replace(f"<{name}>", id)
    return [r.info.run_name for r in client.search_runs([experiment], filter, **named)]


def by_id(corpus, names):
    return sorted(names, key=lambda name: corpus[1][name])


#: Without an order: latest first, ties by id. `eta` and `theta` started together.
FILTERS = {
    # Metrics: numbers, compared with the latest value.
    "metrics.loss = 0.5": "zeta Alpha",
    "metric.loss = 0.5": "zeta Alpha",
    "metrics.loss > 0.5": "eta épsilon",
    "metrics.loss >= 0.5": "eta zeta épsilon Alpha",
    "metrics.loss < 0": "alpha",
    "metrics.loss <= 1e-9": "beta alpha",
    "metrics.loss < 1.0E-8": "beta alpha",
    "metrics.loss != 0.5": "eta épsilon gamma beta alpha",
    "metrics.loss = -1.5": "alpha",
    "metrics.loss > -2": "eta zeta épsilon beta alpha Alpha",
    "metrics.`loss` = 2": "eta",
    'metrics."odd metric" = 3': "zeta",
    "metrics.`odd metric` >= 3.0": "zeta",
    "metrics.`a/b.c` = 1": "eta",
    "metrics.nothing > 0": "",
    "metrics.nothing != 0": "",
    "metrics.acc > 0.75 and metrics.loss > 0": "Alpha",
    # Params: text.
    "params.model = 'gpt-4o'": "Alpha",
    'params.model = "gpt-4o"': "Alpha",
    "param.model = 'gpt-4o'": "Alpha",
    "parameters.model = 'gpt-4o'": "Alpha",
    "parameter.model = 'gpt-4o'": "Alpha",
    "params.model != 'gpt-4o'": "zeta épsilon delta gamma beta alpha",
    "params.model LIKE 'gpt-4o%'": "alpha Alpha",
    "params.model ILIKE 'gpt-4o%'": "beta alpha Alpha",
    "params.model LIKE 'gpt-4_'": "Alpha",
    "params.model LIKE '%'": "zeta épsilon delta gamma beta alpha Alpha",
    "params.model LIKE 'gpt'": "",
    "params.model like 'gpt-4o%'": "alpha Alpha",
    "params.model = ''": "zeta",
    "params.model = '50%_off'": "delta",
    "params.model = 'Ärger'": "épsilon",
    "params.x.y = 'dots'": "Alpha",
    "params.`x.y` = 'dots'": "Alpha",
    "params.`odd key` = 'a b'": "gamma",
    'params."odd key" = "a b"': "gamma",
    "params.lr = '0.1' AND params.model = 'gpt-4o'": "Alpha",
    "params.lr IS NULL": "theta zeta épsilon delta gamma",
    "params.lr IS NOT NULL": "eta beta alpha Alpha",
    "params.Model = 'gpt-4o'": "",
    # Tags: text.
    "tags.team = 'IT'": "zeta Alpha",
    "tag.team = 'IT'": "zeta Alpha",
    "tags.team != 'IT'": "épsilon beta alpha",
    "tags.team ILIKE 'SALES'": "beta alpha",
    "tags.team LIKE 's%'": "épsilon beta",
    "tags.team = 'say \"hi\"'": "épsilon",
    'tags."odd key" = "it\'s"': "delta",
    "tags.`a/b` = 'slash'": "gamma",
    "tags.team IS NULL": "eta theta delta gamma",
    "tags.team IS NOT NULL": "zeta épsilon beta alpha Alpha",
    "tags.empty = ''": "theta",
    "tags.mlflow.runName = 'beta'": "beta",
    "tags.`mlflow.runName` LIKE '_eta'": "zeta beta",
    # Attributes.
    "run_name = 'Alpha'": "Alpha",
    "attributes.run_name = 'Alpha'": "Alpha",
    "attribute.run_name = 'Alpha'": "Alpha",
    "attr.run_name = 'Alpha'": "Alpha",
    "run.run_name = 'Alpha'": "Alpha",
    "`run name` = 'Alpha'": "Alpha",
    "attributes.`Run name` = 'Alpha'": "Alpha",
    "attributes.\"Run Name\" = 'Alpha'": "Alpha",
    "run_name ILIKE 'alpha'": "alpha Alpha",
    "run_name LIKE '%eta'": "eta theta zeta beta",
    "run_name != 'Alpha'": "eta theta zeta épsilon delta gamma beta alpha",
    "status = 'FINISHED'": "eta theta zeta épsilon Alpha",
    "status = 'RUNNING'": "beta",
    "attributes.status != 'FINISHED'": "delta gamma beta alpha",
    "status LIKE 'F%'": "eta theta zeta épsilon alpha Alpha",
    "run_id = '<beta>'": "beta",
    "run_id != '<beta>' and status = 'FAILED'": "alpha",
    "run_id IN ('<beta>', '<Alpha>')": "beta Alpha",
    "attributes.run_id IN ('<beta>')": "beta",
    "run_id NOT IN ('<beta>', '<Alpha>') and start_time < 5000": "gamma alpha",
    "run_id LIKE '%'": "eta theta zeta épsilon delta gamma beta alpha Alpha",
    "artifact_uri LIKE '%<gamma>%'": "gamma",
    "user_id = 'nobody'": "",
    "start_time = 3000": "beta",
    "start_time > 6000": "eta theta zeta",
    "start_time >= 6000": "eta theta zeta épsilon",
    "start_time != 3000 and start_time < 3500": "alpha Alpha",
    "attributes.start_time <= 2000": "alpha Alpha",
    "created = 3000": "beta",
    "attributes.Created < 2000": "Alpha",
    "end_time = 4500": "gamma",
    "end_time > 7000": "eta theta zeta",
    "end_time < 5000": "gamma alpha Alpha",
    # Datasets.
    "datasets.name = 'd1'": "gamma Alpha",
    "dataset.name = 'd1'": "gamma Alpha",
    "datasets.digest = 'd2-digest'": "zeta alpha",
    "datasets.context = 'training'": "gamma Alpha",
    "datasets.name LIKE 'd%'": "zeta gamma alpha Alpha",
    "datasets.name ILIKE 'D1'": "gamma Alpha",
    "datasets.name IN ('d1', 'd3')": "gamma Alpha",
    "datasets.name = 'd1' and datasets.context = 'training' and status = 'KILLED'": "gamma",
    # How it may be written.
    "  params.model='claude'  ": "gamma",
    "params.model = 'claude' and tags.`a/b` = 'slash'": "gamma",
    "params.model = 'claude' And metrics.acc > 0": "gamma",
    "params.lr = '0.1' AND metrics.loss > 0 AND tags.team = 'IT' AND status = 'FINISHED' AND start_time < 2000": "Alpha",
    "tags.team = 'IT' and tags.team != 'Sales'": "zeta Alpha",
    "metrics.loss > 0 and metrics.loss < 1": "zeta beta Alpha",
}


@pytest.mark.parametrize("filter", FILTERS)
def test_filters(client, corpus, filter):
    found = names(client, corpus, filter)
    expected = FILTERS[filter].split()
    if "eta" in expected and "theta" in expected:
        expected[:2] = by_id(corpus, ["eta", "theta"])
    assert found == expected


def test_no_filter(client, corpus):
    assert names(client, corpus) == [*by_id(corpus, ["eta", "theta"]), "zeta", "épsilon", "delta", "gamma", "beta", "alpha", "Alpha"]


REFUSED = {
    "or": "params.model = 'a' OR params.model = 'b'",
    "not": "NOT params.model = 'a'",
    "parentheses": "(params.model = 'a')",
    "second-statement": "params.model = 'a'; DROP TABLE runs",
    "bare": "params.model",
    "no-value": "params.model =",
    "equals-twice": "params.model == 'a'",
    "unquoted": "params.model = a",
    "number-for-param": "params.lr = 0.1",
    "number-for-tag": "tags.team = 3",
    "text-for-metric": "metrics.loss = '0.5'",
    "text-for-time": "start_time > 'x'",
    "like-of-metric": "metrics.loss LIKE '0%'",
    "greater-param": "params.model > 'a'",
    "greater-status": "status > 'A'",
    "in-for-param": "params.model IN ('a')",
    "in-for-status": "status IN ('FINISHED')",
    "in-unquoted": "run_id IN (1, 2)",
    "in-empty": "run_id IN ()",
    "in-time": "start_time IN (1)",
    "entity": "foo.bar = 'a'",
    "key": "attributes.foo = 'a'",
    "lifecycle": "attributes.lifecycle_stage = 'active'",
    "experiment": "experiment_id = '0'",
    "null-attribute": "run_name IS NULL",
    "null-metric": "metrics.loss IS NULL",
    "open-quote": "params.model = 'a",
    "reversed": "'a' = params.model",
    "only-a-string": "'a'",
    "dataset-key": "datasets.foo = 'a'",
    "dataset-number": "datasets.name = 3",
    "comma": "params.model = 'a', params.lr = 'b'",
    "rlike": "params.model RLIKE 'a'",
    "between": "metrics.loss BETWEEN 1 AND 2",
    "comment": "params.model = 'a' -- x\n OR 1 = 1",
}


@pytest.mark.parametrize("name", REFUSED)
def test_filters_that_are_refused(tracking, corpus, name):
    status, code, said = tracking.refused("POST", "runs/search", {"experiment_ids": [corpus[0]], "filter": REFUSED[name]})
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE") and said


@pytest.mark.parametrize(
    ("filter", "part"),
    [
        ("foo.bar = 'a'", "Invalid entity type 'foo'. Valid values are ["),
        ("attributes.foo = 'a'", "Invalid attribute key 'foo' specified. Valid keys are"),
        ("params.model = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"),
        ("metrics.loss = 'a'", "Expected numeric value type for metric. Found 'a'"),
        ("params.model > 'a'", "Invalid comparator '>' not one of"),
        ("params.model = 'a' OR params.lr = 'b'", "Invalid clause(s) in filter string: 'OR'"),
    ],
)
def test_what_is_said_of_a_filter(tracking, corpus, filter, part):
    assert part in tracking.refused("POST", "runs/search", {"experiment_ids": [corpus[0]], "filter": filter})[2]


#: Runs without the value come last in either direction, by the latest start and then the id; NaN between them. Behind `=`
#: stand the two that started together: the order is their ids'.
ORDERS = {
    "start_time": "Alpha alpha beta gamma delta épsilon zeta = eta theta",
    "start_time ASC": "Alpha alpha beta gamma delta épsilon zeta = eta theta",
    "start_time DESC": "= eta theta zeta épsilon delta gamma beta alpha Alpha",
    "attributes.start_time desc": "= eta theta zeta épsilon delta gamma beta alpha Alpha",
    "created DESC": "= eta theta zeta épsilon delta gamma beta alpha Alpha",
    "attributes.Created": "Alpha alpha beta gamma delta épsilon zeta = eta theta",
    "metrics.loss": "alpha beta zeta Alpha eta épsilon gamma theta delta",
    "metrics.loss ASC": "alpha beta zeta Alpha eta épsilon gamma theta delta",
    "metrics.loss DESC": "épsilon eta zeta Alpha beta alpha gamma theta delta",
    "metrics.`loss` DESC": "épsilon eta zeta Alpha beta alpha gamma theta delta",
    "metrics.acc": "gamma alpha Alpha delta = eta theta zeta épsilon beta",
    "metrics.acc DESC": "Alpha alpha gamma delta = eta theta zeta épsilon beta",
    "params.lr": "eta Alpha alpha beta theta zeta épsilon delta gamma",
    "params.model": "zeta delta beta gamma Alpha alpha épsilon = eta theta",
    "attributes.run_name": "Alpha alpha beta delta eta gamma theta zeta épsilon",
    "run_name DESC": "épsilon zeta theta gamma eta delta beta alpha Alpha",
    "tags.team": "zeta Alpha alpha beta épsilon = eta theta delta gamma",
    "tag.team DESC": "épsilon beta alpha zeta Alpha = eta theta delta gamma",
    "end_time": "Alpha alpha gamma épsilon zeta = eta theta delta beta",
    "end_time DESC": "= eta theta zeta épsilon gamma alpha Alpha delta beta",
    "params.`odd key`": "gamma = eta theta zeta épsilon delta beta alpha Alpha",
    'params."odd key" DESC': "gamma = eta theta zeta épsilon delta beta alpha Alpha",
    "metrics.nothing": "= eta theta zeta épsilon delta gamma beta alpha Alpha",
}


@pytest.mark.parametrize("order", ORDERS)
def test_orders(client, corpus, order):
    expected = ORDERS[order].split()
    if "=" in expected:
        at = expected.index("=")
        expected[at : at + 3] = by_id(corpus, expected[at + 1 : at + 3])
    assert names(client, corpus, order_by=[order]) == expected


def test_two_orders(client, corpus):
    found = names(client, corpus, order_by=["attributes.status ASC", "metrics.loss DESC"])
    assert found == ["alpha", "épsilon", "eta", "zeta", "Alpha", "theta", "gamma", "beta", "delta"]


@pytest.mark.parametrize(
    "order",
    ["foo", "foo.bar", "attributes.foo", "start_time UP", "start_time ASC DESC", "attributes.lifecycle_stage", "",
     "datasets.name"],
)
def test_orders_that_are_refused(tracking, corpus, order):
    assert tracking.refused("POST", "runs/search", {"experiment_ids": [corpus[0]], "order_by": [order]})[:2] == (
        400, "INVALID_PARAMETER_VALUE",
    )


@pytest.mark.parametrize(
    ("view", "expected"),
    [(ViewType.ACTIVE_ONLY, 9), (ViewType.DELETED_ONLY, 1), (ViewType.ALL, 10)],
    ids=["active", "deleted", "all"],
)
def test_views(client, corpus, view, expected):
    assert len(names(client, corpus, run_view_type=view)) == expected


@pytest.mark.parametrize("size", [1, 2, 4, 8, 9, 10])
def test_pages(client, corpus, size):
    found, token = [], None
    while True:
        page = client.search_runs([corpus[0]], order_by=["metrics.loss DESC"], max_results=size, page_token=token)
        assert len(page) <= size
        found += [r.info.run_name for r in page]
        token = page.token
        if not token:
            break
    assert found == "épsilon eta zeta Alpha beta alpha gamma theta delta".split()


def test_the_last_page_has_no_token(client, corpus):
    assert not client.search_runs([corpus[0]], max_results=9).token
    assert client.search_runs([corpus[0]], max_results=8).token


@pytest.mark.parametrize("token", ["garbage", "eyJvZmZzZXQiOiAieCJ9", "!!!", "AAAA", "eyJ4IjogMX0="])
def test_page_tokens_that_are_none(tracking, corpus, token):
    body = {"experiment_ids": [corpus[0]], "page_token": token}
    assert tracking.refused("POST", "runs/search", body)[:2] == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("count", [0, -1, 50001])
def test_counts_that_are_none(tracking, corpus, count):
    body = {"experiment_ids": [corpus[0]], "max_results": count}
    status, code, said = tracking.refused("POST", "runs/search", body)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE") and f"Invalid value {count} for parameter 'max_results'" in said


def test_a_count_as_text(tracking, corpus):
    assert len(tracking.ok("POST", "runs/search", {"experiment_ids": [corpus[0]], "max_results": "3"})["runs"]) == 3


def test_experiments_that_are_not_there(client, tracking, corpus):
    assert client.search_runs(["987654321"]) == []
    assert len(client.search_runs(["987654321", corpus[0]])) == 9
    assert tracking.ok("POST", "runs/search", {"experiment_ids": ["987654321"]}) == {}


def test_no_experiment_at_all(tracking):
    assert tracking.ok("POST", "runs/search", {}) == {}
    assert tracking.ok("POST", "runs/search", {"experiment_ids": []}) == {}


def test_an_experiment_id_that_is_no_number(tracking):
    assert tracking.refused("POST", "runs/search", {"experiment_ids": ["abc"]}) == (
        400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.",
    )


def test_everything_of_a_run_is_found(client, corpus):
    experiment, ids = corpus
    found = {r.info.run_id: r for r in client.search_runs([experiment])}
    for name in ("Alpha", "gamma", "theta"):
        one, other = found[ids[name]], client.get_run(ids[name])
        assert dict(one.info) == dict(other.info) and one.data.params == other.data.params and one.data.tags == other.data.tags
        assert {k: repr(v) for k, v in one.data.metrics.items()} == {k: repr(v) for k, v in other.data.metrics.items()}
        assert [i.dataset.name for i in one.inputs.dataset_inputs] == [i.dataset.name for i in other.inputs.dataset_inputs]


def test_the_table_of_the_fluent_client(corpus):
    experiment, ids = corpus
    table = mlflow.search_runs([experiment], order_by=["start_time ASC"])
    assert list(table["run_id"])[:3] == [ids["Alpha"], ids["alpha"], ids["beta"]]
    assert len(table) == 9 and table["params.model"][0] == "gpt-4o" and table["metrics.loss"][1] == -1.5
    assert table["params.model"].isna().sum() == 2 and [int(t.timestamp() * 1000) for t in table["start_time"]][:2] == [1000, 2000]
    assert set(table["status"]) == {"FINISHED", "FAILED", "RUNNING", "KILLED", "SCHEDULED"}


def test_runs_by_the_name_of_the_experiment(client, corpus):
    name = client.get_experiment(corpus[0]).name
    assert len(mlflow.search_runs(experiment_names=[name], filter_string="tags.team = 'IT'")) == 2
    assert len(mlflow.search_runs(search_all_experiments=True, filter_string=f"run_id = '{corpus[1]['beta']}'")) == 1


def test_runs_as_a_list(corpus):
    found = mlflow.search_runs([corpus[0]], "metrics.loss > 0", output_format="list", max_results=3)
    assert [r.info.run_name for r in found][1:] == ["zeta", "épsilon"]


def test_a_clause_without_and(client, corpus):
    assert names(client, corpus, "metrics.loss > 0 metrics.loss < 1") == ["zeta", "beta", "Alpha"]


def test_the_latest_value_is_searched(client, run, experiment):
    client.log_metric(run, "m", 5, 10, 1)
    client.log_metric(run, "m", 1, 10, 2)
    client.log_metric(run, "m", 9, 10, 0)
    found = lambda f: len(client.search_runs([experiment], f))  # noqa: E731
    assert (found("metrics.m = 1"), found("metrics.m = 5"), found("metrics.m > 1")) == (1, 0, 0)


def test_what_is_written_is_found_at_once(client, experiment):
    for n in range(20):
        run = client.create_run(experiment).info.run_id
        client.log_param(run, "n", n)
        assert [r.info.run_id for r in client.search_runs([experiment], f"params.n = '{n}'")] == [run]
        client.set_terminated(run)
        assert len(client.search_runs([experiment], "status = 'FINISHED'")) == n + 1
