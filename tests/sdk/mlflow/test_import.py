"""`weir import mlflow`: what the real client wrote to a real server is the same behind Weir, by its database and by its address."""

import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.genai.datasets import get_dataset
from rig import Weir
from rig.process import BIN
from server import Server

from filled import SECRET, fill
from tracking import PEER

pytestmark = [
    pytest.mark.skipif(bool(PEER), reason="it is about Weir's own command"),
    # One server of MLflow's is enough.
    pytest.mark.xdist_group("import"),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("source"), workers=1)
    made = fill(server.url)
    made.folder = server.folder
    made.db = server.folder / "mlflow.db"
    yield made
    server.kill()


def argv(data, start, *more):
    return [BIN / "weir", "import", "mlflow", "--from", start, "--data", data, *more]


def move(data, start, *more, **env):
    return subprocess.run(argv(data, start, *more), capture_output=True, text=True, timeout=300, cwd=data.parent)


def from_db(made, data):
    return move(data, made.db, "--artifacts", made.folder / "artifacts")


def from_url(made, data):
    return move(data, made.url)


def table(done):
    """By kind: there, here, new, different."""
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    found = {}
    for row in rows:
        numbers = [n for n, word in enumerate(row) if word.isdigit()][:4]
        if len(numbers) == 4 and numbers[3] - numbers[0] == 3:
            found[" ".join(row[: numbers[0]])] = tuple(int(row[n]) for n in numbers)
    return found


@contextmanager
def served(folder, data):
    weir = Weir(folder, data=data)
    try:
        yield weir
    finally:
        weir.stop()


@pytest.fixture(scope="module", params=[from_db, from_url], ids=["db", "url"])
def moved(request, source, tmp_path_factory):
    """The source, and a Weir that has what it had."""
    folder = tmp_path_factory.mktemp("target")
    done = request.param(source, folder / "data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "", "without a terminal there is no progress"
    found = table(done)
    assert found["runs"][:2] == (3, 3) and found["traces"][:2] == (6, 6) and found["logged models"][:2] == (2, 2), done.stdout
    assert "1 hold labels such as [SECRET]" in done.stdout and SECRET not in done.stdout
    assert found["artifacts"][2] > 10 and all(row[3] == 0 for row in found.values()), done.stdout
    again = request.param(source, folder / "data")
    assert again.returncode == 0 and all(row[2] == 0 for row in table(again).values()), again.stdout
    with served(folder, folder / "data") as weir:
        yield source, MlflowClient(source.url), MlflowClient(weir.url), weir


def both(moved, read):
    """What is read there must be here, too."""
    source, there, here, weir = moved
    answers = []
    for client, url in ((there, source.url), (here, weir.url)):
        mlflow.set_tracking_uri(url)
        answers.append(read(client))
    assert answers[0] == answers[1]
    assert answers[0]
    return answers[0]


def test_experiments_and_runs(moved):
    source = moved[0]
    both(moved, lambda c: c.get_experiment_by_name("gone").lifecycle_stage)
    both(moved, lambda c: (c.get_experiment(source.experiment).name, c.get_experiment(source.experiment).tags))
    for id in (source.run, source.child, source.deleted):
        both(moved, lambda c: (c.get_run(id).data.params, c.get_run(id).data.tags, repr(sorted(c.get_run(id).data.metrics.items()))))
        both(moved, lambda c: [getattr(c.get_run(id).info, n) for n in ("run_name", "status", "start_time", "end_time", "lifecycle_stage", "user_id")])
    both(moved, lambda c: [(d.dataset.digest, [t.value for t in d.tags]) for d in c.get_run(source.run).inputs.dataset_inputs])
    both(moved, lambda c: sorted(o.model_id for o in c.get_run(source.run).outputs.model_outputs))
    for key in ("loss", "acc"):
        both(moved, lambda c: [(m.step, m.timestamp, repr(m.value)) for m in c.get_metric_history(source.run, key)])
    both(moved, lambda c: sorted(r.info.run_id for r in c.search_runs([source.experiment], run_view_type=ViewType.ALL)))


def test_artifacts(moved, tmp_path):
    source = moved[0]

    def files(client):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        client.download_artifacts(source.run, "", folder)
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    assert files(moved[1]).keys() >= {"notes.txt", "empty.bin"}
    both(moved, files)


def test_logged_models(moved):
    source = moved[0]
    for id in (source.model, source.line):
        both(moved, lambda c: (lambda m: (m.name, m.params, m.status, m.source_run_id, m.model_type, m.creation_timestamp,
                                          # Of a model MLflow shows NaN as 0.
                                          [(x.key, x.value, x.step, x.run_id) for x in m.metrics or [] if x.key != "loss"]))(c.get_logged_model(id)))
    assert both(moved, lambda c: mlflow.pyfunc.load_model("models:/m@champion").predict([1])) == [2]
    assert both(moved, lambda c: float(mlflow.pyfunc.load_model("models:/line/Production").predict([[2]])[0])) == pytest.approx(4)


def test_the_registry(moved):
    both(moved, lambda c: sorted((int(v.version), v.source, v.current_stage, str(v.tags), v.run_id) for v in c.search_model_versions("name = 'm'")))
    both(moved, lambda c: (str(c.get_registered_model("m").tags), {k: int(v) for k, v in c.get_registered_model("m").aliases.items()}))
    # A number that was deleted is not given again.
    assert int(moved[2].create_model_version("m", "s3://bucket/y").version) == 4


def test_prompts(moved):
    for uri in ("prompts:/greeting/1", "prompts:/greeting/2", "prompts:/greeting@live"):
        both(moved, lambda c: (lambda p: (p.template, p.version, p.commit_message, p.tags))(mlflow.genai.load_prompt(uri)))
    both(moved, lambda c: [p.name for p in mlflow.genai.search_prompts()])
    import json
    import urllib.request
    weir = moved[3]
    prompt = json.load(urllib.request.urlopen(f"{weir.url}/api/v1/prompts/greeting"))
    assert "live" in json.dumps(prompt), "it is one of Weir's own"
    render = urllib.request.Request(f"{weir.url}/api/v1/prompts/greeting/render", json.dumps({"version": "1", "variables": {"who": "you"}}).encode(),
                                    {"content-type": "application/json"})
    assert "Hello you" in urllib.request.urlopen(render).read().decode()


def test_traces_and_assessments(moved):
    source = moved[0]

    def whole(client, id):
        trace = client.get_trace(id)
        info = trace.info
        spans = [(s.span_id, s.parent_id, s.name, s.span_type, s.inputs, s.outputs, s.start_time_ns, s.end_time_ns,
                  s.status.status_code.value, [(e.name, e.attributes) for e in s.events]) for s in trace.data.spans]
        tags = {k: v for k, v in info.tags.items() if k != "mlflow.artifactLocation"}
        return (info.request_time, info.execution_duration, info.state, info.request_preview, info.response_preview, tags,
                info.trace_metadata, spans)

    def judged(client, id):
        of = client.get_trace(id).info.assessments
        return sorted((a.name, str(a.value), a.valid, a.source.source_type, str(a.rationale), str(a.metadata or {}), a.overrides or "",
                       a.assessment_id, a.create_time_ms) for a in of)

    for id in source.traces:
        both(moved, lambda c: whole(c, id))
    for id in source.traces[:2]:
        both(moved, lambda c: judged(c, id))
    both(moved, lambda c: sorted(t.info.trace_id for t in c.search_traces(locations=[source.experiment], filter_string=f"run_id = '{source.run}'")))


def test_secrets_stay_behind(moved):
    source, _, here, weir = moved
    mlflow.set_tracking_uri(weir.url)
    inputs = here.get_trace(source.leaky).data.spans[0].inputs
    assert inputs["q"].startswith("my key is [") and inputs["q"].endswith(", keep it") and "hunter2" not in str(inputs)
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in weir.data.rglob("*") if path.is_file())


def test_datasets(moved):
    both(moved, lambda c: get_dataset(dataset_id=moved[0].dataset).to_df().to_json())


@pytest.mark.parametrize("by", [from_db, from_url], ids=["db", "url"])
def test_what_differs_is_said(source, tmp_path, by):
    data = tmp_path / "data"
    assert by(source, data).returncode == 0
    with served(tmp_path, data) as weir:
        MlflowClient(weir.url).set_tag(source.run, "new", "here alone")
    done = by(source, data)
    assert done.returncode == 1 and source.run in done.stdout and table(done)["runs"][3] == 1


def test_one_that_was_killed_goes_on(source, tmp_path):
    data, database = tmp_path / "data", tmp_path / "big.db"
    shutil.copy(source.db, database)
    with sqlite3.connect(database) as db:
        for n in range(400):
            id = f"{n:032x}"
            db.execute("INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id)"
                       " VALUES (?, 'n', 'FINISHED', ?, ?, 'active', '', ?)", (id, n, n, source.experiment))
            db.execute("INSERT INTO params VALUES ('p', ?, ?)", (str(n), id))
            db.executemany("INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES ('m', ?, ?, ?, 0, ?)",
                           [(s / 7, s, s, id) for s in range(20)])
    child = subprocess.Popen(argv(data, database, "--artifacts", source.folder / "artifacts"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    store, until = data / "catalog.db", time.monotonic() + 60

    def runs():
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM runs").fetchone()[0]

    while time.monotonic() < until:
        try:
            if runs() > 50:
                break
        except sqlite3.Error:
            pass
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    before = runs()
    assert before > 50
    done = move(data, database, "--artifacts", source.folder / "artifacts")
    assert done.returncode == 0, done.stdout + done.stderr
    there, here, new, different = table(done)["runs"]
    assert (there, here, different) == (403, 403, 0) and new == 403 - before


def test_verify_reads_again_what_has_the_same_size(source, tmp_path):
    data = tmp_path / "data"
    assert from_url(source, data).returncode == 0
    changed = max((path for path in (source.folder / "artifacts").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    before = changed.read_bytes()
    try:
        changed.write_bytes(bytes([before[0] ^ 1]) + before[1:])
        trusting = from_url(source, data)
        assert trusting.returncode == 0 and table(trusting)["artifacts"][2] == 0, "sizes are all that it compares"
        assert "--verify reads them again" in trusting.stdout
        assert table(move(data, source.url, "--verify"))["artifacts"][2] == 1
        assert table(move(data, source.url, "--verify"))["artifacts"][2] == 0
    finally:
        changed.write_bytes(before)


@contextmanager
def breaking(port):
    """A server in front of another: each file breaks off half-way once, and each page is refused once as busy."""
    seen, broken = set(), []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            first = (self.command, self.path, body) not in seen
            seen.add((self.command, self.path, body))
            behind = HTTPConnection("127.0.0.1", port, timeout=60)
            behind.request(self.command, self.path, body, {"content-type": self.headers.get("content-type") or "text/plain"})
            answer = behind.getresponse()
            status, content = answer.status, answer.read()
            behind.close()
            file = "/mlflow-artifacts/artifacts/" in self.path
            if first:
                broken.append(self.path)
                status = status if file else 503
            self.send_response(status)
            self.send_header("content-type", answer.headers.get("content-type") or "text/plain")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if first and file else content)
            self.close_connection = True

        do_GET = do_POST = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", broken
    server.shutdown()


def test_what_breaks_off_is_asked_for_again(source, tmp_path):
    with breaking(int(source.url.rsplit(":")[-1])) as (url, broken):
        done = move(tmp_path / "data", url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert any("/mlflow-artifacts/artifacts/" in path for path in broken) and any("runs/search" in path for path in broken)
    assert from_url(source, tmp_path / "data").returncode == 0
    again = move(tmp_path / "data", source.url, "--verify")
    assert again.returncode == 0 and all(row[2:] == (0, 0) for row in table(again).values()), again.stdout


@contextmanager
def answering(status, body, headers=()):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            for header in headers:
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def refused(tmp_path, start, *more):
    done = move(tmp_path / "data", start, *more)
    assert done.returncode == 1 and done.stderr and "panicked" not in done.stderr
    assert not (tmp_path / "data").exists(), "nothing is made where nothing can be read"
    return done.stderr


def test_what_cannot_be_read(source, tmp_path):
    assert "postgresql is not read" in refused(tmp_path, "postgresql://a/b")
    assert "No such file" in refused(tmp_path, "/nowhere/mlflow.db")
    text = tmp_path / "text.db"
    text.write_text("no database " * 1_000)
    assert "is no SQLite database" in refused(tmp_path, text)
    half = tmp_path / "half.db"
    half.write_bytes(source.db.read_bytes()[: source.db.stat().st_size // 2])
    assert "only half of it was copied" in refused(tmp_path, half)
    old = tmp_path / "old.db"
    shutil.copy(source.db, old)
    with sqlite3.connect(old) as db:
        db.execute("UPDATE alembic_version SET version_num = 'acf3f17fdcc7'")
    assert "mlflow db upgrade" in refused(tmp_path, old)
    assert "is no folder" in refused(tmp_path, source.db, "--artifacts", tmp_path / "none")
    assert "cannot be reached" in refused(tmp_path, "http://127.0.0.1:9")
    with answering(200, b"<html>a page</html>") as url:
        assert "no MLflow tracking server" in refused(tmp_path, url)
    with answering(200, b"2.9.1") as url:
        assert "mlflow db upgrade" in refused(tmp_path, url)
    with answering(401, b"{}") as url:
        assert "MLFLOW_TRACKING_USERNAME" in refused(tmp_path, url)
