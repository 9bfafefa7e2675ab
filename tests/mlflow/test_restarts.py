"""Either side is killed in mid-load or mid-export: no user notices, and every call is there once."""

import threading

import pytest

from exporter import exported, exporter
from load import mixed, percentile
from rig import eventually

CALLS = 300


def complete(server, client, calls):
    """Every call once, ended, with its four texts."""
    runs = server.runs()
    ids = [r.data.tags["weir.call_id"] for r in runs]
    assert sorted(ids) == sorted(calls), f"{len(ids)} runs, {len(set(ids))} of them different, {len(calls)} calls"
    for run in runs:
        assert run.info.status in ("FINISHED", "FAILED") and run.info.end_time, run.info
        assert set(run.data.params) >= {"provider", "model", "temperature", "max_tokens", "department", "cache_hit"}
        assert len(run.data.metrics) >= 5
        assert len(client.list_artifacts(run.info.run_id)) == 4, run.info


@pytest.mark.timeout(900)
def test_kills_on_either_side(serve, providers, mlflow_server, capsys):
    # The same load without export, for comparison.
    alone = serve(providers)
    mixed(alone, range(20))
    without, wrong = mixed(alone, range(CALLS))
    assert wrong == []
    alone.stop()

    weir = serve(providers, env={"MLFLOW_TRACKING_URI": mlflow_server.url})
    mixed(weir, range(20))
    back = threading.Thread(target=mlflow_server.start)

    def meanwhile(done):
        if done == CALLS // 4:
            mlflow_server.kill()
        if done == CALLS // 2:
            back.start()

    latencies, wrong = mixed(weir, range(20, 20 + CALLS), meanwhile=meanwhile)
    back.join()
    assert wrong == [], "no user's request fails"
    with capsys.disabled():
        print(f"\np99 of {CALLS} calls: {percentile(without, 0.99):.1f} ms without export, "
              f"{percentile(latencies, 0.99):.1f} ms with export and the MLflow server killed; "
              f"p50 {percentile(without, 0.5):.1f} and {percentile(latencies, 0.5):.1f} ms")

    # Now Weir, in the middle of an export that is under way.
    before = eventually("the export goes on", lambda: exporter(weir)["exported"] > 40 and exporter(weir), 120)
    if before["lag_records"] < 30:
        mixed(weir, range(1000, 1060))
    weir.process.kill()
    weir.start()
    state = exported(weir, 1, 300)
    assert state["failed"] == 0
    calls = [c["span_id"] for c in weir.all_calls()]
    complete(mlflow_server, mlflow_server.client(), calls)


@pytest.mark.timeout(600)
def test_the_server_is_killed_while_it_is_written_to_again_and_again(serve, providers, mlflow_server):
    """Answers of creates are lost: they are found again, not repeated."""
    name = "killed-again-and-again"
    weir = serve(f'{providers}\n[mlflow]\ntracking_uri = "{mlflow_server.url}"\nexperiment = "{name}"\n')
    _, wrong = mixed(weir, range(120))
    for _ in range(2):
        done = exporter(weir)["exported"]
        eventually("more are exported", lambda: exporter(weir)["exported"] >= done + 10, 120)
        mlflow_server.kill()
        assert weir.chat("up/gpt-4o").status == 200
        mlflow_server.start()
    exported(weir, 122, 300)
    client = mlflow_server.client()
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id], run_view_type=3, max_results=1000)
    calls = [c["span_id"] for c in weir.all_calls()]
    assert wrong == [] and sorted(r.data.tags["weir.call_id"] for r in runs) == sorted(calls)
    assert all(r.info.end_time for r in runs)
