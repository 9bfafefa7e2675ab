"""`weir import mlflow`: what the real client wrote into a database of MLflow's is the same behind Weir."""

import math
import subprocess

import mlflow
import pandas
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.genai.datasets import create_dataset, get_dataset
from rig import Weir
from rig.process import BIN
from tracking import PEER

pytestmark = pytest.mark.skipif(bool(PEER), reason="it is about Weir's own command")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The address of a database, and the ids of what is in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('source')}/mlflow.db"
    mlflow.set_tracking_uri(url)
    client = MlflowClient(url)
    client.delete_experiment(client.create_experiment("gone"))
    experiment = client.create_experiment("trial", tags={"team": "x"})
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_params({"lr": "0.1", "empty": ""})
        mlflow.log_metric("loss", math.nan, step=0)
        mlflow.log_metric("loss", math.inf, step=1)
        for step in range(100):
            mlflow.log_metric("acc", step / 100, step=step)
        mlflow.set_tag("note", "ä")
        mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"a": [1]}), name="df"), context="train")
    bin = client.create_run(experiment).info.run_id
    client.delete_run(bin)
    client.create_registered_model("m", tags={"a": "b"}, description="d")
    for number in range(3):
        client.create_model_version("m", "s3://bucket/x", tags={"i": str(number)})
    client.delete_model_version("m", "2")
    client.set_registered_model_alias("m", "champion", "3")
    dataset = create_dataset(name="qa", experiment_id=[experiment], tags={"k": "v"})
    dataset.merge_records([{"inputs": {"q": "a"}, "expectations": {"r": 1.0}}, {"inputs": {"q": "b"}, "outputs": "x"}])
    return url, experiment, run.info.run_id, bin, dataset.dataset_id


def move(url, data):
    return subprocess.run([BIN / "weir", "import", "mlflow", "--from", url, "--data", data], capture_output=True, text=True, timeout=60)


def test_everything_arrives_and_a_second_time_changes_nothing(source, tmp_path, tracking):
    url, experiment, run, bin, dataset = source
    data = tmp_path / "data"
    first, second = move(url, data), move(url, data)
    assert first.returncode == 0, first.stdout + first.stderr
    assert (second.returncode, second.stdout) == (0, first.stdout)
    weir = Weir(tmp_path, data=data)
    try:
        there, here = MlflowClient(url), MlflowClient(weir.url)
        assert here.get_experiment_by_name("gone").lifecycle_stage == "deleted"
        assert here.get_experiment(experiment).name == "trial"
        for id in (run, bin):
            a, b = there.get_run(id), here.get_run(id)
            assert (a.data.params, a.data.tags, a.info.run_name, a.info.status) == (b.data.params, b.data.tags, b.info.run_name, b.info.status)
            assert (a.info.start_time, a.info.end_time, a.info.lifecycle_stage) == (b.info.start_time, b.info.end_time, b.info.lifecycle_stage)
            assert [d.dataset.digest for d in a.inputs.dataset_inputs] == [d.dataset.digest for d in b.inputs.dataset_inputs]
        for key in ("loss", "acc"):
            points = [[(m.step, m.timestamp, repr(m.value)) for m in c.get_metric_history(run, key)] for c in (there, here)]
            assert points[0] == points[1] and points[0]
        assert len(here.search_runs([experiment], run_view_type=ViewType.ALL)) == 2
        versions = [sorted((int(v.version), v.tags["i"], v.source) for v in c.search_model_versions("name = 'm'")) for c in (there, here)]
        assert versions[0] == versions[1] and len(versions[0]) == 2
        assert here.get_model_version_by_alias("m", "champion").version in (3, "3")
        # The number that was deleted is not given again.
        assert int(here.create_model_version("m", "s3://bucket/y").version) == 4
        records = []
        for address in (url, weir.url):
            mlflow.set_tracking_uri(address)
            records.append(get_dataset(dataset_id=dataset).to_df().to_json())
        assert records[0] == records[1]
    finally:
        weir.stop()


def test_what_differs_is_said(source, tmp_path, tracking):
    url, experiment, run, _, _ = source
    data = tmp_path / "data"
    assert move(url, data).returncode == 0
    weir = Weir(tmp_path, data=data)
    try:
        MlflowClient(weir.url).set_tag(run, "new", "here alone")
    finally:
        weir.stop()
    done = move(url, data)
    assert done.returncode == 1 and run in done.stdout


@pytest.mark.parametrize("url", ["postgresql://a/b", "/nowhere/mlflow.db"])
def test_what_cannot_be_read(url, tmp_path):
    done = move(url, tmp_path / "data")
    assert done.returncode == 1 and done.stderr
    assert not (tmp_path / "data").exists()
