"""Many runs, and many who write at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import mlflow
import pytest
import requests

COUNT = 2500


@pytest.mark.timeout(600)
def test_2500_runs_in_pages(tracking, client, fresh):
    """Every run once, whatever the size of the page."""
    experiment = client.create_experiment(fresh)

    def make(numbers):
        with requests.Session() as session:
            for n in numbers:
                body = {"experiment_id": experiment, "start_time": 1_000_000 + n // 10, "run_name": f"run {n}",
                        "tags": [{"key": "n", "value": str(n)}]}
                assert session.post(f"{tracking.url}/api/2.0/mlflow/runs/create", json=body, timeout=60).status_code == 200

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, [range(start, COUNT, 4) for start in range(4)]))
    everything = [str(n) for n in range(COUNT)]
    for size in (1000, 333):
        found, token, pages = [], None, 0
        while True:
            page = client.search_runs([experiment], max_results=size, page_token=token, order_by=["start_time DESC"])
            found += page
            pages += 1
            token = page.token
            if not token:
                break
        assert pages == -(-COUNT // size)
        assert sorted((r.data.tags["n"] for r in found), key=int) == everything
        starts = [r.info.start_time for r in found]
        assert starts == sorted(starts, reverse=True)
        # Ten each started together: within them the order is by id, and no page's edge loses or repeats one.
        assert [(-r.info.start_time, r.info.run_id) for r in found] == sorted((-r.info.start_time, r.info.run_id) for r in found)
    table = mlflow.search_runs([experiment], max_results=100_000)
    assert len(table) == COUNT and table["run_id"].nunique() == COUNT
    assert len(mlflow.search_runs([experiment], "tags.n LIKE '24__'", max_results=100_000)) == 100


WRITER = """
import sys, mlflow
from mlflow.entities import Metric, Param, RunTag
url, run, me = sys.argv[1:]
client = mlflow.MlflowClient(url)
for step in range(20):
    client.log_metric(run, "shared", float(me) * 1000 + step, step=step, timestamp=step)
    client.log_batch(run, metrics=[Metric(f"m{me}", step, step, step), Metric("all", step, step, step)],
                     params=[Param(f"p{me}.{step}", str(step))], tags=[RunTag(f"t{me}", str(step)), RunTag("last", me)])
client.log_text(run, f"of {me}", f"files/{me}.txt")
client.log_param(run, "same", "for all")
"""


@pytest.mark.timeout(240)
def test_eight_processes_write_to_one_run(tracking, client, run):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tracking.url, run, str(n)], stderr=subprocess.PIPE, text=True)
               for n in range(8)]
    for writer in writers:
        _, said = writer.communicate(timeout=200)
        assert writer.returncode == 0, said[-2000:]
    found = client.get_run(run).data
    assert len(found.params) == 8 * 20 + 1 and found.params["same"] == "for all"
    assert len(client.get_metric_history(run, "shared")) == 160
    assert found.metrics["shared"] == 7 * 1000 + 19, "the greatest step, then the greatest value"
    assert len(client.get_metric_history(run, "all")) == 20, "the same values of eight are there once"
    for n in range(8):
        assert [m.value for m in client.get_metric_history(run, f"m{n}")] == list(range(20))
        assert found.tags[f"t{n}"] == "19"
    assert found.tags["last"] in "01234567"
    assert sorted(f.path for f in client.list_artifacts(run, "files")) == [f"files/{n}.txt" for n in range(8)]


def together(count, ask):
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def test_one_name_for_eight(tracking, fresh):
    """An experiment and a model are made by one of eight who try."""
    for path, body in (("experiments/create", {"name": fresh}), ("registered-models/create", {"name": fresh})):
        answers = together(8, lambda _: tracking.post(path, body))
        assert sorted(a.status for a in answers) == [200] + [400] * 7
        assert {a.json()["error_code"] for a in answers if a.status == 400} == {"RESOURCE_ALREADY_EXISTS"}


def test_one_param_for_eight(tracking, client, run):
    """Whoever comes first; the others are told so."""
    answers = together(8, lambda n: tracking.post("runs/log-parameter", {"run_id": run, "key": "p", "value": str(n)}))
    assert sorted(a.status for a in answers) == [200] + [400] * 7
    assert client.get_run(run).data.params["p"] == str([a.status for a in answers].index(200))


def test_numbers_of_versions_for_eight(tracking, client, fresh, run):
    client.create_registered_model(fresh)
    source = f"{client.get_run(run).info.artifact_uri}/m"
    answers = together(8, lambda _: tracking.post("model-versions/create", {"name": fresh, "source": source, "run_id": run}))
    assert [a.status for a in answers] == [200] * 8
    assert sorted(int(a.json()["model_version"]["version"]) for a in answers) == list(range(1, 9))


def test_one_file_for_eight(tracking, experiment, run):
    """The last to write wins whole; nobody sees a mixture."""
    path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/same"
    together(8, lambda n: tracking.ask("PUT", path, bytes([65 + n]) * 300_000))
    body = tracking.get(path).body
    assert len(body) == 300_000 and len(set(body)) == 1


def test_spans_of_eight_threads(experiment):
    @mlflow.trace
    def work(n):
        return n * n

    assert together(8, work) == [n * n for n in range(8)]
    found = mlflow.search_traces(locations=[experiment], return_type="list")
    assert sorted(t.data.spans[0].outputs for t in found) == [n * n for n in range(8)]
