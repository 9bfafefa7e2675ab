"""Artifacts of a Weir whose store is a bucket, with the unmodified client: through Weir, and in parts that go straight to
the bucket. The bucket is moto's, from an environment of its own, since its clients are not MLflow's."""

import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}

import pytest  # noqa: E402
import requests  # noqa: E402
from mlflow import MlflowClient  # noqa: E402

from rig import Weir  # noqa: E402
from rig.process import BIN  # noqa: E402

MOTO = Path(os.environ.get("WEIR_MOTO") or Path(__file__).parents[2] / ".cache/s3-venv/bin/moto_server")
MIB = 1 << 20
CONFIG = """
[artifacts]
store = "s3://weir-test/a/b"
endpoint = "{endpoint}"
region = "us-east-1"
access_key = "env:STORE_KEY"
secret_key = "env:STORE_SECRET"
allow_http = true

[otlp]
grpc = "off"
"""


def request(url, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def bucket():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    moto = subprocess.Popen([MOTO, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                request(f"{url}/weir-test", "PUT")
                break
            except OSError:
                assert moto.poll() is None and time.monotonic() < deadline, "moto does not start"
                time.sleep(0.1)
        yield url
    finally:
        moto.terminate()
        moto.wait()


@pytest.fixture(scope="module")
def weir(bucket, tmp_path_factory):
    env = {"STORE_KEY": "key", "STORE_SECRET": "do-not-print-this"}
    weir = Weir(tmp_path_factory.mktemp("weir"), CONFIG.format(endpoint=bucket), env=env)
    yield weir
    weir.stop()
    assert "do-not-print-this" not in weir.log()


@pytest.fixture
def run(weir):
    client = MlflowClient(weir.url)
    return client, client.create_run("0").info.run_id


def keys(bucket):
    """What the bucket holds."""
    listed = request(f"{bucket}/weir-test?list-type=2")
    return sorted(part.split("</Key>")[0] for part in listed.split("<Key>")[1:])


def file_of(folder, name, size):
    path = folder / name
    path.write_bytes(os.urandom(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 8 * MIB, 8 * MIB + 1, 20 * MIB + 7])
def test_a_file_goes_through_and_comes_back(bucket, run, tmp_path, monkeypatch, size):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "false")
    client, id = run
    path, sum = file_of(tmp_path, "a.bin", size)
    before = keys(bucket)
    client.log_artifact(id, str(path), "d")
    assert [(f.path, f.file_size) for f in client.list_artifacts(id, "d")] == [("d/a.bin", size)]
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "false")
    assert digest(client.download_artifacts(id, "d/a.bin", str(tmp_path))) == sum
    assert len(keys(bucket)) == len(before) + 1
    answer = requests.delete(f"{client.tracking_uri}/api/2.0/mlflow-artifacts/artifacts/0/{id}/artifacts/d")
    assert answer.status_code == 200 and keys(bucket) == before, "its bytes are gone"


def test_the_same_content_twice_is_one_object(bucket, run, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "false")
    client, id = run
    path, _ = file_of(tmp_path, "a.bin", 9 * MIB)
    before = keys(bucket)
    client.log_artifact(id, str(path), "1")
    client.log_artifact(id, str(path), "2")
    deadline = time.monotonic() + 10
    while len(keys(bucket)) != len(before) + 1:
        assert time.monotonic() < deadline, "the second object stays"
        time.sleep(0.05)
    assert digest(client.download_artifacts(id, "2/a.bin", str(tmp_path))) == digest(path)


def test_parts_go_straight_to_the_bucket(bucket, weir, run, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(5 * MIB))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * MIB))
    info = requests.get(f"{weir.url}/api/3.0/mlflow/server-info").json()
    assert info["multipart_uploads_enabled"] and info["multipart_downloads_enabled"]
    client, id = run
    path, sum = file_of(tmp_path, "large.bin", 17 * MIB + 3)
    client.log_artifact(id, str(path), "d")
    assert [(f.path, f.file_size) for f in client.list_artifacts(id, "d")] == [("d/large.bin", 17 * MIB + 3)]
    assert digest(client.download_artifacts(id, "d/large.bin", str(tmp_path))) == sum
    url = f"{weir.url}/api/2.0/mlflow-artifacts/presigned/0/{id}/artifacts/d/large.bin"
    signed = requests.get(url).json()
    assert signed["file_size"] == 17 * MIB + 3 and "do-not-print-this" not in signed["url"]
    part = requests.get(signed["url"], headers={"Range": "bytes=5-9"})
    assert part.status_code == 206 and part.content == path.read_bytes()[5:10]


def test_an_upload_in_parts_can_be_taken_back(bucket, weir, run):
    client, id = run
    files = f"{weir.url}/api/2.0/mlflow-artifacts"
    begun = requests.post(f"{files}/mpu/create/0/{id}/artifacts", json={"path": "/x/y.bin", "num_parts": 2}).json()
    assert [c["part_number"] for c in begun["credentials"]] == [1, 2]
    ended = {"path": "/x/y.bin", "upload_id": begun["upload_id"]}
    other = requests.post(f"{files}/mpu/abort/0/{id}/artifacts", json={**ended, "path": "z.bin"})
    assert other.status_code == 404, "an upload is of one file"
    gap = {**ended, "parts": [{"part_number": 2, "etag": "x"}]}
    assert requests.post(f"{files}/mpu/complete/0/{id}/artifacts", json=gap).status_code == 400
    assert requests.post(f"{files}/mpu/abort/0/{id}/artifacts", json=ended).status_code == 200
    assert requests.post(f"{files}/mpu/abort/0/{id}/artifacts", json=ended).status_code == 404
    assert client.list_artifacts(id) == []
    for wrong in (0, 10_001, -1):
        body = {"path": "y", "num_parts": wrong}
        assert requests.post(f"{files}/mpu/create/0/{id}/artifacts", json=body).status_code == 400


def test_gc_frees_the_bucket(bucket, weir, run, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "false")
    client, id = run
    before = keys(bucket)
    for name, size in (("a", 10), ("b", 9 * MIB)):
        client.log_artifact(id, str(file_of(tmp_path, name, size)[0]))
    client.delete_run(id)
    assert len(keys(bucket)) == len(before) + 2
    done = subprocess.run([BIN / "weir", "gc", "--url", weir.url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"2 files; 2 contents of {9 * MIB + 10} bytes went." in done.stdout, done.stdout
    assert keys(bucket) == before


def test_import_moves_into_the_bucket(bucket, tmp_path):
    there = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    run = there.create_run(there.create_experiment("moved", artifact_location="mlflow-artifacts:/9")).info.run_id
    files = tmp_path / "artifacts"
    folder = files / "9" / run / "artifacts"
    folder.mkdir(parents=True)
    small, large = b"small " + os.urandom(9), os.urandom(11 * MIB)
    (folder / "small.txt").write_bytes(small)
    (folder / "large.bin").write_bytes(large)
    config, data = tmp_path / "weir.toml", tmp_path / "data"
    config.write_text(CONFIG.format(endpoint=bucket).replace("/a/b", "/moved"))
    env = {"STORE_KEY": "key", "STORE_SECRET": "do-not-print-this"}
    command = [BIN / "weir", "import", "mlflow", "--from", tmp_path / "mlflow.db", "--artifacts", files, "--data", data, "-c", config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | env)
    assert done.returncode == 0 and "do-not-print-this" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert len([name for name in keys(bucket) if name.startswith("moved/")]) == 2
    weir = Weir(tmp_path, config.read_text(), data=data, env=env)
    try:
        here = MlflowClient(weir.url)
        assert {entry.path: entry.file_size for entry in here.list_artifacts(run)} == {"small.txt": len(small), "large.bin": len(large)}
        for name, content in (("small.txt", small), ("large.bin", large)):
            assert Path(here.download_artifacts(run, name, str(tmp_path))).read_bytes() == content
    finally:
        weir.stop()
