"""The gateway's calls are runs of Weir's own tracking server, exactly as the exporter writes them to a real one."""

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, ViewType
from mlflow.exceptions import MlflowException

import expected
from differences import only_weir
from load import mixed, write_prompts
from rig import Weir, eventually

pytestmark = only_weir("calls")

EXPERIMENT = "llmops-production-api"
CALLS = 40


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, fake):
    """A Weir that has answered forty mixed calls."""
    folder = tmp_path_factory.mktemp("gateway")
    providers = f"""
[providers.up]
kind = "openai"
base_url = "{fake.url}/v1"
api_key = "sk-upstream-K7QmZ2xTtB9vRw4LpYc8Hd3N"

[providers.azure]
base_url = "{fake.url}"
api_key = "az0f4c1b7e9d2a6835e1c7b4d9f2a6c8"
api_version = "2024-06-01"
"""
    weir = Weir(folder, providers + write_prompts(folder / "prompts") + "[cache]\nexact = true\n")
    _, wrong = mixed(weir, range(CALLS))
    assert wrong == []
    eventually("every call is recorded", lambda: len(weir.all_calls()) == CALLS)
    yield weir
    weir.stop()


@pytest.fixture
def client(gateway):
    mlflow.set_tracking_uri(gateway.url)
    return MlflowClient(gateway.url)


@pytest.fixture
def calls(gateway):
    """Every call with its payload, by its id."""
    found, cursor = {}, {}
    while True:
        page = gateway.get("/api/v1/calls", payload="true", limit=100, **cursor).json()
        found |= {c["span_id"]: c for c in page["calls"]}
        if not page["next"]:
            return found
        cursor = {"cursor": page["next"]}


def runs(client, filter="", **named):
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client.search_runs([experiment.experiment_id], filter, **named)


def test_one_run_per_call(client, calls):
    found = {r.data.tags["weir.call_id"]: r for r in runs(client)}
    assert set(found) == set(calls) and len(runs(client)) == CALLS


def test_each_as_it_is_exported(client, calls):
    for run in runs(client):
        call = calls[run.data.tags["weir.call_id"]]
        assert run.data.params == expected.params(call)
        metrics = dict(run.data.metrics)
        assert metrics.pop("latency_ms", call["latency_ms"]) == call["latency_ms"]
        assert metrics == expected.metrics(call), call["request_id"]
        assert run.data.tags == expected.tags(call)
        begun = expected.start_us(call)
        assert (run.info.status, run.info.lifecycle_stage) == (expected.status(call), "active")
        assert run.info.run_name == run.data.tags["mlflow.runName"]
        assert (run.info.start_time, run.info.end_time) == (begun // 1000, (begun + round(call["latency_ms"] * 1000)) // 1000)
        assert dict(client.get_run(run.info.run_id).info) == dict(run.info)
        assert client.get_run(run.info.run_id).data.params == run.data.params


def test_the_texts_of_a_call(client, calls):
    for run in runs(client, max_results=12):
        wanted = expected.artifacts(calls[run.data.tags["weir.call_id"]])
        assert sorted(f.path for f in client.list_artifacts(run.info.run_id)) == sorted(wanted)
        for name, text in wanted.items():
            assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{name}") == text
            assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/{name}") == text


def test_a_search_as_people_write_it(client, gateway):
    for n in range(3):
        gateway.chat("up/gpt-4o", id=f"it-{n}", metadata={"department": "IT"})
        gateway.call(f"it-{n}")
    table = mlflow.search_runs(
        experiment_names=[EXPERIMENT], filter_string="params.department = 'IT' and metrics.latency_ms > 0",
        order_by=["start_time DESC"],
    )
    assert list(table["tags.weir.request_id"]) == ["it-2", "it-1", "it-0"]
    for run in table["run_id"]:
        client.delete_run(run)


@pytest.mark.parametrize(
    "filter",
    ["params.department = 'engineering'", "tags.prompt_version = 'v1.0'", "params.cache_hit = 'True'", "status = 'FAILED'",
     "metrics.total_tokens > 0", "params.model LIKE '%mini%'", "metrics.cost_usd > 0 and params.department != 'sales'",
     "tags.`weir.status` = 'ok'", "params.prompt_name = 'support'", "params.nothing = 'x'", "tags.nothing IS NULL",
     "params.prompt_version IS NOT NULL"],
)
def test_searches(client, calls, filter):
    """What a search finds is what the calls say."""
    numbers = {
        "params.department = 'engineering'": lambda p, m, t, s: p["department"] == "engineering",
        "tags.prompt_version = 'v1.0'": lambda p, m, t, s: t["prompt_version"] == "v1.0",
        "params.cache_hit = 'True'": lambda p, m, t, s: p["cache_hit"] == "True",
        "status = 'FAILED'": lambda p, m, t, s: s == "FAILED",
        "metrics.total_tokens > 0": lambda p, m, t, s: m["total_tokens"] > 0,
        "params.model LIKE '%mini%'": lambda p, m, t, s: "mini" in p["model"],
        "metrics.cost_usd > 0 and params.department != 'sales'":
            lambda p, m, t, s: m.get("cost_usd", 0) > 0 and p["department"] != "sales",
        "tags.`weir.status` = 'ok'": lambda p, m, t, s: t["weir.status"] == "ok",
        "params.prompt_name = 'support'": lambda p, m, t, s: p.get("prompt_name") == "support",
        "params.nothing = 'x'": lambda p, m, t, s: False,
        "tags.nothing IS NULL": lambda p, m, t, s: True,
        "params.prompt_version IS NOT NULL": lambda p, m, t, s: "prompt_version" in p,
    }[filter]
    wanted = {
        id for id, c in calls.items()
        if c["request_id"].startswith("mixed-")
        and numbers(expected.params(c), expected.metrics(c), expected.tags(c), expected.status(c))
    }
    found = {r.data.tags["weir.call_id"] for r in runs(client, filter) if r.data.tags["weir.request_id"].startswith("mixed-")}
    assert found == wanted


def test_orders_and_pages(client):
    found, token = [], None
    while True:
        page = runs(client, order_by=["metrics.total_tokens DESC", "start_time ASC"], max_results=7, page_token=token)
        found += page
        token = page.token
        if not token:
            break
    keys = [(-r.data.metrics["total_tokens"], r.info.start_time, r.info.run_id) for r in found]
    assert keys == sorted(keys) and len({k[2] for k in keys}) == len(keys) == len(runs(client))


def test_tags_are_the_users(client):
    run = runs(client, max_results=1)[0].info.run_id
    client.set_tag(run, "reviewed", "yes")
    assert [r.info.run_id for r in runs(client, "tags.reviewed = 'yes'")] == [run]
    client.delete_tag(run, "reviewed")
    assert runs(client, "tags.reviewed = 'yes'") == []


def test_deleted_and_restored(client):
    run = runs(client, max_results=1)[0].info.run_id
    client.delete_run(run)
    assert run not in {r.info.run_id for r in runs(client)}
    assert run in {r.info.run_id for r in runs(client, run_view_type=ViewType.DELETED_ONLY)}
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    client.restore_run(run)
    assert run in {r.info.run_id for r in runs(client)}


@pytest.mark.parametrize("kind", ["metric", "param", "batch", "new param"])
def test_what_was_measured_cannot_be_changed(client, kind):
    run = runs(client, max_results=1)[0]
    id = run.info.run_id
    with pytest.raises(MlflowException) as raised:
        if kind == "metric":
            client.log_metric(id, "total_tokens", 1)
        if kind == "param":
            client.log_param(id, "model", "another")
        if kind == "new param":
            client.log_param(id, "own", "x")
        if kind == "batch":
            client.log_batch(id, metrics=[Metric("own", 1, 1, 1)], params=[Param("own", "1")])
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE" and raised.value.get_http_status_code() == 400
    again = client.get_run(id)
    assert again.data.params == run.data.params and again.data.metrics == run.data.metrics


def test_the_experiment_is_listed(client):
    found = [e.name for e in client.search_experiments(filter_string=f"name = '{EXPERIMENT}'")]
    assert found == [EXPERIMENT]


def test_histories_of_a_call(client):
    run = runs(client, max_results=1)[0]
    history = client.get_metric_history(run.info.run_id, "total_tokens")
    assert [m.value for m in history] == [run.data.metrics["total_tokens"]]
