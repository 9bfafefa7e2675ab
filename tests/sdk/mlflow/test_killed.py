"""kill -9 while eight write: what was answered 200 is there, and no batch is there by half."""

import threading
import time

import mlflow
import pytest
import requests
from mlflow import MlflowClient

from differences import only_weir
from rig import eventually

pytestmark = only_weir("killed")

WRITERS = 8


class Writer(threading.Thread):
    """Writes until the server is gone; remembers what was answered and what was asked for last."""

    def __init__(self, url, experiment, number):
        super().__init__(daemon=True)
        self.url, self.experiment, self.number = url, experiment, number
        self.runs, self.batches, self.tags, self.files = [], {}, {}, {}
        self.asked = {}

    def post(self, path, body):
        answer = self.session.post(f"{self.url}/api/2.0/mlflow/{path}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run(self):
        self.session = requests.Session()
        try:
            step = 0
            while True:
                made = self.post("runs/create", {"experiment_id": self.experiment, "start_time": 1})
                id = made["run"]["info"]["run_id"]
                self.runs.append(id)
                for _ in range(5):
                    step += 1
                    name = f"b{step}"
                    self.asked[id, name] = True
                    self.post("runs/log-batch", {
                        "run_id": id,
                        "metrics": [{"key": f"{name}.m{n}", "value": n, "timestamp": step, "step": step} for n in range(20)],
                        "params": [{"key": f"{name}.p{n}", "value": str(n)} for n in range(20)],
                        "tags": [{"key": f"{name}.t{n}", "value": str(n)} for n in range(20)],
                    })
                    self.batches[id, name] = True
                    self.post("runs/set-tag", {"run_id": id, "key": "last", "value": name})
                    self.tags[id] = name
                place = f"/api/2.0/mlflow-artifacts/artifacts/{self.experiment}/{id}/artifacts/f"
                answer = self.session.put(self.url + place, data=id.encode() * 1000, timeout=20)
                assert answer.status_code == 200
                self.files[id] = place
        except requests.RequestException:
            pass  # The server was killed.


def count(data, name):
    return [sum(k.startswith(f"{name}.") for k in kind) for kind in (data.metrics, data.params, data.tags)]


@pytest.mark.timeout(300)
def test_kills_while_eight_write(serve):
    weir = serve()
    client = MlflowClient(weir.url)
    experiment = client.create_experiment("killed")
    writers = []
    for _ in range(3):
        now = [Writer(weir.url, experiment, n) for n in range(WRITERS)]
        for writer in now:
            writer.start()
        eventually("they are writing", lambda: sum(len(w.batches) for w in now) >= 60, 60)
        weir.process.kill()
        for writer in now:
            writer.join(30)
            assert not writer.is_alive()
        writers += now
        weir.start()
        for writer in writers:
            writer.url = weir.url
    client = MlflowClient(weir.url)
    found = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=500, page_token=token)
        found |= {r.info.run_id: r for r in page}
        token = page.token
        if not token:
            break
    lost = [id for w in writers for id in w.runs if id not in found]
    assert lost == []
    for writer in writers:
        for id, name in writer.asked:
            data = found[id].data
            whole = count(data, name)
            expected = [[20, 20, 20]] if (id, name) in writer.batches else [[20, 20, 20], [0, 0, 0]]
            assert whole in expected, (id, name, whole, "answered" if (id, name) in writer.batches else "not answered")
        for id, name in writer.tags.items():
            assert int(found[id].data.tags["last"][1:]) >= int(name[1:])
        for id, place in writer.files.items():
            assert weir.get(place).body == id.encode() * 1000
    assert sum(len(w.batches) for w in writers) >= 180


@pytest.mark.timeout(120)
def test_a_killed_upload_leaves_nothing(serve):
    """A file is there whole or not at all."""
    weir = serve()
    client = MlflowClient(weir.url)
    experiment = client.create_experiment("killed")
    run = client.create_run(experiment).info.run_id
    client.log_text(run, "before", "f")
    place = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/f"
    sent = threading.Event()

    def body():
        for n in range(10_000):
            yield b"x" * 65536
            if n == 100:
                sent.set()

    def upload():
        try:
            requests.put(weir.url + place, data=body(), timeout=60)
        except requests.RequestException:
            pass

    thread = threading.Thread(target=upload, daemon=True)
    thread.start()
    assert sent.wait(30)
    weir.process.kill()
    thread.join(30)
    weir.start()
    assert weir.get(place).body == b"before"
    client = MlflowClient(weir.url)
    assert [(f.path, f.file_size) for f in client.list_artifacts(run)] == [("f", 6)]


@pytest.mark.timeout(120)
def test_everything_outlives_a_kill(serve):
    """One of everything, answered, then killed at once."""
    weir = serve()
    mlflow.set_tracking_uri(weir.url)
    client = MlflowClient(weir.url)
    experiment = client.create_experiment("whole", tags={"a": "b"})
    mlflow.set_experiment(experiment_id=experiment)
    run = client.create_run(experiment).info.run_id
    client.log_param(run, "p", "v")
    client.log_metric(run, "m", 1.5, step=3)
    with mlflow.start_span("s") as span:
        span.set_outputs("kept")
    mlflow.log_feedback(trace_id=span.trace_id, name="good", value=True)
    client.create_registered_model("model")
    client.create_model_version("model", f"{client.get_run(run).info.artifact_uri}/m", run)
    client.set_registered_model_alias("model", "best", "1")
    mlflow.genai.register_prompt("greeting", "Hello {{ who }}")
    weir.process.kill()
    weir.start()
    mlflow.set_tracking_uri(weir.url)
    client = MlflowClient(weir.url)
    found = client.get_run(run)
    assert found.data.params == {"p": "v"} and found.data.metrics == {"m": 1.5}
    assert client.get_experiment(experiment).tags == {"a": "b"}
    trace = mlflow.get_trace(span.trace_id)
    assert trace.data.spans[0].outputs == "kept" and [a.name for a in trace.info.assessments] == ["good"]
    assert client.get_model_version_by_alias("model", "best").version == "1"
    assert mlflow.genai.load_prompt("greeting", version=1, cache_ttl_seconds=0).template == "Hello {{ who }}"


def test_a_stop_is_no_kill(serve):
    weir = serve()
    client = MlflowClient(weir.url)
    run = client.create_run("0").info.run_id
    began = time.monotonic()
    assert weir.stop() == 0 and time.monotonic() - began < 15
    weir.start()
    assert MlflowClient(weir.url).get_run(run).info.status == "RUNNING"
