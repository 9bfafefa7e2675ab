"""Every call is a run, exactly as it is recorded: read back with the unmodified mlflow client."""

import math
from concurrent.futures import ThreadPoolExecutor

import mlflow
import pytest
from mlflow import MlflowClient

import expected
from exporter import exported
from load import mixed, write_prompts
from server import EXPERIMENT

CALLS = 500


@pytest.mark.timeout(1200)
def test_500_mixed_calls_as_runs(tmp_path, serve, providers, mlflow_server):
    sections = write_prompts(tmp_path / "prompts") + "[cache]\nexact = true\n"
    weir = serve(providers + sections, env={"MLFLOW_TRACKING_URI": mlflow_server.url})
    _, wrong = mixed(weir, range(CALLS))
    assert wrong == []
    state = exported(weir, CALLS, 400)
    assert (state["exported"], state["failed"], state["state"]) == (CALLS, 0, "ok")

    calls = {c["span_id"]: c for c in with_payload(weir)}
    assert len(calls) == CALLS == len({expected.number(c) for c in calls.values()})
    client = mlflow_server.client()
    runs = {r.data.tags["weir.call_id"]: r for r in mlflow_server.runs()}
    assert len(mlflow_server.runs()) == CALLS and set(runs) == set(calls), "each call once"
    for id, call in calls.items():
        same(runs[id], call)
    # Texts are read one by one; every one of every run.
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda id: same_texts(client, runs[id], calls[id]), calls))
    queries(weir, calls)
    assert sum(map(expected.is_hit, calls.values())) > 30, "repeated calls hit the cache"


def with_payload(weir):
    found, cursor = [], {}
    while True:
        page = weir.get("/api/v1/calls", payload="true", limit=100, **cursor).json()
        found += page["calls"]
        if not page["next"]:
            return found
        cursor = {"cursor": page["next"]}


def same(run, call):
    info = run.info
    assert run.data.params == expected.params(call)
    metrics = expected.metrics(call)
    assert run.data.metrics == metrics, call["request_id"]
    assert run.data.tags == expected.tags(call)
    begun = expected.start_us(call)
    assert (info.status, info.lifecycle_stage) == (expected.status(call), "active")
    assert info.run_name == run.data.tags["mlflow.runName"]
    assert (info.start_time, info.end_time) == (begun // 1000, (begun + round(call["latency_ms"] * 1000)) // 1000)


def same_texts(client: MlflowClient, run, call):
    wanted = expected.artifacts(call)
    assert sorted(a.path for a in client.list_artifacts(run.info.run_id)) == sorted(wanted)
    for name, text in wanted.items():
        assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{name}") == text, (call["request_id"], name)


def queries(weir, calls):
    """What people ask, in MLflow and of Weir."""

    def stats(*by):
        return weir.get("/api/v1/stats", **({"group_by": ",".join(by)} if by else {})).json()

    def grouped(by):
        return {g["by"][by]: g["total"] for g in stats(by)["groups"]}

    total = stats()["total"]
    names = [EXPERIMENT]
    latest = mlflow.search_runs(experiment_names=names, order_by=["start_time DESC"], max_results=10)
    starts = sorted((expected.start_us(c) // 1000 for c in calls.values()), reverse=True)[:10]
    assert [int(t.timestamp() * 1000) for t in latest["start_time"]] == starts

    engineering = mlflow.search_runs(experiment_names=names, filter_string="params.department = 'engineering'")
    assert len(engineering) == grouped("department")["engineering"]["count"] > 100
    first = mlflow.search_runs(experiment_names=names, filter_string="tags.prompt_version = 'v1.0'")
    assert len(first) == grouped("prompt_version")["support@v1.0"]["count"] > 100

    table = mlflow.search_runs(experiment_names=names)
    assert len(table) == total["count"] == CALLS
    means = table.groupby("params.model")["metrics.total_response_time_ms"].mean()
    models = grouped("model")
    assert set(means.index) == set(models)
    for model, mean in means.items():
        # The API's mean is rounded to the microsecond.
        assert math.isclose(mean, models[model]["latency_ms"]["avg"], abs_tol=0.0006), model
    sums = {name: table[f"metrics.{name}_tokens"].sum() for name in ("prompt", "completion", "total")}
    assert sums == {name: total["tokens"][name] for name in sums} and sums["total"] > 0
    assert math.isclose(table["metrics.cost_usd"].sum(), total["cost_usd"], abs_tol=1e-9) and total["cost_usd"] > 0
    assert table["metrics.cost_usd"].isna().sum() == total["unpriced"]
    rate = (table["params.cache_hit"] == "True").mean()
    assert math.isclose(rate, total["cache_hits"] / total["count"])
    failed = (table["status"] == "FAILED").sum()
    assert failed == sum(c["status"] in expected.ERRORS for c in calls.values()) == total["errors"] >= CALLS / 10
    per_second = table["metrics.completion_tokens"] / (table["metrics.llm_latency_ms"] + 1)
    assert not per_second.isna().any(), "sums and quotients need no guard"
