"""Artifacts: written, listed, read and deleted through the client and as raw HTTP."""

import hashlib
import http.client
import os
import threading
from urllib.parse import quote, unquote, urlsplit

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from differences import here

ROOT = "/api/2.0/mlflow-artifacts/artifacts"


def root(experiment, run):
    return f"{ROOT}/{experiment}/{run}/artifacts"


def paths(client, run, path=None):
    return [(f.path, f.is_dir, f.file_size) for f in sorted(client.list_artifacts(run, path), key=lambda f: f.path)]


def test_a_text_and_where_it_is(client, tracking, experiment, run):
    client.log_text(run, "hello wörld", "notes/a.txt")
    assert paths(client, run) == [("notes", True, None)]
    assert paths(client, run, "notes") == [("notes/a.txt", False, 12)]
    assert mlflow.artifacts.load_text(f"runs:/{run}/notes/a.txt") == "hello wörld"
    uri = client.get_run(run).info.artifact_uri
    assert uri == f"mlflow-artifacts:/{experiment}/{run}/artifacts"
    assert mlflow.artifacts.load_text(f"{uri}/notes/a.txt") == "hello wörld"
    assert tracking.get(f"{root(experiment, run)}/notes/a.txt").body == "hello wörld".encode()


def test_what_the_client_can_log(client, run):
    import matplotlib.figure
    import numpy
    import pandas

    client.log_dict(run, {"a": [1, None, "ü"]}, "d.json")
    client.log_dict(run, {"a": 1}, "d.yaml")
    client.log_image(run, numpy.zeros((4, 4, 3), dtype=numpy.uint8), "i.png")
    client.log_figure(run, matplotlib.figure.Figure(), "f.png")
    client.log_table(run, pandas.DataFrame({"a": [1, 2]}), "t.json")
    client.log_table(run, pandas.DataFrame({"a": [3]}), "t.json")
    assert [p for p, _, _ in paths(client, run)] == ["d.json", "d.yaml", "f.png", "i.png", "t.json"]
    assert mlflow.artifacts.load_dict(f"runs:/{run}/d.json") == {"a": [1, None, "ü"]}
    assert mlflow.artifacts.load_image(f"runs:/{run}/i.png").size == (4, 4)
    assert list(mlflow.load_table("t.json", [run])["a"]) == [1, 2, 3]


def test_a_file_and_a_folder(client, run, tmp_path):
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    files = {"one.bin": bytes(range(256)), "sub/two.txt": b"two", "sub/deep/three": b"", "ünï cødé.md": b"# \xc3\xbc"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    client.log_artifacts(run, str(tmp_path), "tree")
    client.log_artifact(run, str(tmp_path / "one.bin"))
    back = client.download_artifacts(run, "tree", str(tmp_path / "sub"))
    for name, content in files.items():
        assert open(f"{back}/{name}", "rb").read() == content
    assert paths(client, run) == [("one.bin", False, 256), ("tree", True, None)]
    assert paths(client, run, "tree/sub") == [("tree/sub/deep", True, None), ("tree/sub/two.txt", False, 3)]
    everything = mlflow.artifacts.download_artifacts(run_id=run, dst_path=str(tmp_path / "all"))
    assert sorted(os.listdir(everything)) == ["one.bin", "tree"]


NAMES = [
    "plain.txt", "with space.txt", "ünï.txt", "日本語/ファイル.txt", "🙂.txt", "a%20b", "100%", "a+b", "a&b=c", "a;b", "a'b",
    "a?b", "...", "..a", "a..b", ".hidden", "-dash", "~tilde", "a:b", "[x](y){z}", "@at!", "a" * 200, "MLmodel", "nul", "x,y",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda n: n[:20])
def test_odd_names(client, tracking, experiment, run, name):
    """A name is what it decodes to, once; it is listed and read under that name."""
    content = name.encode() * 3
    url = f"{root(experiment, run)}/odd/{quote(name)}"
    answer = tracking.ask("PUT", url, content, {"content-type": "application/octet-stream"})
    assert answer.status == (here("a name of dots alone") if name == "..." else 200), answer.text
    if answer.status == 400:
        return
    got = tracking.get(url)
    assert (got.status, got.body) == (200, content)
    listed = [p.removeprefix("odd/") for p, _, _ in paths(client, run, "odd")]
    # The client decodes what is listed once more.
    assert listed == [unquote(name).split("/")[0]]
    assert tracking.ask("DELETE", url).status == 200
    assert tracking.get(url).status == 404


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.txt", "text/plain"), ("a.json", "text/plain"), ("a.py", "text/plain"), ("a.png", "image/png"), ("MLmodel", "text/plain"),
     ("a.unknown", "application/octet-stream"), ("a", "application/octet-stream"), ("a.yaml", "text/plain")],
)
def test_how_it_is_served(client, tracking, experiment, run, name, kind):
    client.log_text(run, "x", name)
    got = tracking.get(f"{root(experiment, run)}/{name}")
    assert got.headers["content-type"].partition(";")[0] == kind
    assert got.headers["x-content-type-options"] == "nosniff" and got.headers["content-length"] == "1"
    assert got.headers["content-disposition"].startswith("attachment") and name in got.headers["content-disposition"]


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xhtml", "a.js"])
def test_what_a_browser_could_run_is_an_attachment(client, tracking, experiment, run, name):
    client.log_text(run, "<script>alert(1)</script>", name)
    for got in (tracking.get(f"{root(experiment, run)}/{name}"), tracking.get("/get-artifact", run_id=run, path=name)):
        assert got.status == 200 and got.headers["content-disposition"].startswith("attachment")
        assert got.headers["x-content-type-options"] == "nosniff"


def test_a_name_outside_ascii_is_offered_to_browsers(client, tracking, experiment, run):
    client.log_text(run, "x", "é.txt")
    assert "filename*=UTF-8''%C3%A9.txt" in tracking.get("/get-artifact", run_id=run, path="é.txt").headers["content-disposition"]


def test_a_part_of_a_file(client, tracking, experiment, run):
    client.log_text(run, "0123456789", "a.txt")
    answer = tracking.ask("GET", f"{root(experiment, run)}/a.txt", headers={"range": "bytes=2-4"})
    assert answer.status in (200, 206) and answer.body == (b"234" if answer.status == 206 else b"0123456789")


def test_an_empty_file(client, run):
    client.log_text(run, "", "empty")
    assert [(path, folder, size or 0) for path, folder, size in paths(client, run)] == [("empty", False, 0)]
    assert mlflow.artifacts.load_text(f"runs:/{run}/empty") == ""


def test_a_file_is_replaced(client, run):
    client.log_text(run, "a long first text", "a")
    client.log_text(run, "short", "a")
    assert mlflow.artifacts.load_text(f"runs:/{run}/a") == "short" and paths(client, run) == [("a", False, 5)]


def test_a_missing_file(tracking, client, experiment, run):
    status, code, said = tracking.refused("GET", f"{root(experiment, run)}/nothing")
    assert (status, code) == (404, "RESOURCE_DOES_NOT_EXIST") and said.startswith("No such artifact")
    assert tracking.refused("GET", "/get-artifact", run_id=run, path="nothing")[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    assert paths(client, run) == [] and paths(client, run, "nothing") == []
    with pytest.raises(MlflowException):
        mlflow.artifacts.load_text(f"runs:/{run}/nothing")


def test_a_folder_is_no_file(tracking, client, experiment, run):
    client.log_text(run, "x", "d/a")
    assert tracking.get(f"{root(experiment, run)}/d").status in (400, 404)


def test_a_file_is_no_folder(tracking, client, experiment, run):
    client.log_text(run, "x", "a")
    assert tracking.ask("PUT", f"{root(experiment, run)}/a/b", b"y").status == here("a file where a folder should be")
    client.log_text(run, "x", "d/a")
    assert tracking.ask("PUT", f"{root(experiment, run)}/d", b"y").status == here("a file where a folder should be")
    assert mlflow.artifacts.load_text(f"runs:/{run}/a") == "x" and mlflow.artifacts.load_text(f"runs:/{run}/d/a") == "x"


def test_lists_as_json(tracking, client, experiment, run):
    client.log_text(run, "abc", "d/e/f.txt")
    place = f"{experiment}/{run}/artifacts"
    assert tracking.ok("GET", ROOT, path=f"{place}/d/e") == {"files": [{"path": "f.txt", "is_dir": False, "file_size": 3}]}
    assert tracking.ok("GET", ROOT, path=f"{place}/d") == {"files": [{"path": "e", "is_dir": True}]}
    assert tracking.ok("GET", ROOT, path=f"{place}/d/e/f.txt") == {}
    assert tracking.ok("GET", ROOT, path=f"{place}/none") == {}
    uri = f"mlflow-artifacts:/{place}"
    assert tracking.ok("GET", "artifacts/list", run_id=run, path="d/e") == {
        "root_uri": uri, "files": [{"path": "d/e/f.txt", "is_dir": False, "file_size": 3}]}
    assert tracking.ok("GET", "artifacts/list", run_id=run) == {"root_uri": uri, "files": [{"path": "d", "is_dir": True}]}
    assert tracking.ok("GET", "artifacts/list", run_uuid=run, path="none") == {"root_uri": uri}
    assert tracking.ok("GET", "artifacts/list", run_id=run, path="d/e/f.txt") == {"root_uri": uri}


def test_the_list_of_a_run_that_is_not_there(tracking):
    assert tracking.refused("GET", "artifacts/list", run_id="0" * 32)[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_delete(tracking, client, experiment, run):
    for name in ("a", "d/b", "d/e/c"):
        client.log_text(run, "x", name)
    place = root(experiment, run)
    assert tracking.ask("DELETE", f"{place}/a").status == 200 and tracking.get(f"{place}/a").status == 404
    assert tracking.ask("DELETE", f"{place}/d").status == 200 and tracking.get(f"{place}/d/e/c").status == 404
    assert tracking.ask("DELETE", f"{place}/d").status == 200, "again is no mistake"
    assert paths(client, run) == []


def test_delete_through_the_repository_of_the_client(client, run):
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    client.log_text(run, "x", "d/a")
    repository = get_artifact_repository(client.get_run(run).info.artifact_uri)
    repository.delete_artifacts("d/a")
    assert paths(client, run, "d") == []


@pytest.mark.parametrize("kind", ["create", "complete", "abort"])
def test_parts_are_for_object_storage(tracking, experiment, run, kind):
    body = {"path": "x", "num_parts": 2, "upload_id": "1", "parts": []}
    status, code, said = tracking.refused("POST", f"/api/2.0/mlflow-artifacts/mpu/{kind}/{experiment}/{run}/artifacts/x", body)
    assert (status, code) == (501, "NOT_IMPLEMENTED")
    assert said == "Multipart upload is not supported for the current artifact repository"


def test_presigned_addresses_are_for_object_storage(tracking, experiment, run):
    path = f"/api/2.0/mlflow-artifacts/presigned/{experiment}/{run}/artifacts/x"
    assert tracking.refused("GET", path)[:2] == (501, "NOT_IMPLEMENTED")


def test_upload_of_the_browser(tracking, client, run):
    path = "/ajax-api/2.0/mlflow/upload-artifact"
    assert tracking.ask("POST", path, b"abc", run_uuid=run, path="up/a.bin").status == 200
    assert tracking.get("/get-artifact", run_uuid=run, path="up/a.bin").body == b"abc"
    assert tracking.ask("POST", path, b"abc", path="up/a.bin").status == 400
    assert tracking.ask("POST", path, b"abc", run_uuid=run).status == 400
    assert tracking.ask("POST", path, b"x" * (10 * 1024 * 1024 + 1), run_uuid=run, path="big").status in (400, 413)
    assert paths(client, run) == [("up", True, None)]


def test_without_a_length(tracking, client, experiment, run):
    """Chunked, as the client sends what it streams."""
    parts = urlsplit(tracking.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("PUT", f"{root(experiment, run)}/chunked", iter([b"ab", b"cd", b"x" * 100_000]), encode_chunked=True,
                       headers={"transfer-encoding": "chunked"})
    assert connection.getresponse().status == 200
    connection.close()
    assert paths(client, run) == [("chunked", False, 100_004)]


def test_many_files_in_one_folder(tracking, client, experiment, run):
    for n in range(120):
        assert tracking.ask("PUT", f"{root(experiment, run)}/many/{n:03}", b"x").status == 200
    assert [p for p, _, _ in paths(client, run, "many")] == [f"many/{n:03}" for n in range(120)]


def test_artifacts_outlive_the_deletion_of_a_run(client, run):
    client.log_text(run, "x", "a")
    client.delete_run(run)
    client.restore_run(run)
    assert mlflow.artifacts.load_text(f"runs:/{run}/a") == "x"


def test_the_fluent_client(experiment):
    with mlflow.start_run() as run:
        mlflow.log_text("t", "a.txt")
        mlflow.log_dict({"k": 1}, "b.json")
        assert mlflow.get_artifact_uri("a.txt") == f"mlflow-artifacts:/{experiment}/{run.info.run_id}/artifacts/a.txt"
    assert [f.path for f in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)] == ["a.txt", "b.json"]


@pytest.mark.timeout(240)
def test_200_mb_are_streamed(tracking, client, experiment, run, tmp_path):
    """Up and down as a stream: the server holds neither. Its memory is watched while it works."""
    size = 200 * 1024 * 1024
    path = tmp_path / "large.bin"
    block = os.urandom(1 << 20)
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for n in range(200):
            piece = n.to_bytes(4, "big") + block[4:]
            digest.update(piece)
            out.write(piece)
    before = tracking.resident()
    most = [before]
    done = threading.Event()

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], tracking.resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        client.log_artifact(run, str(path))
        assert paths(client, run) == [("large.bin", False, size)]
        back = mlflow.artifacts.download_artifacts(run_id=run, artifact_path="large.bin", dst_path=str(tmp_path / "back"))
    finally:
        done.set()
        watcher.join()
    with open(back, "rb") as read:
        assert hashlib.file_digest(read, "sha256").digest() == digest.digest()
    tracking.ask("DELETE", f"{root(experiment, run)}/large.bin")
    grown = most[0] - before
    assert grown < here("memory of 200 MB"), f"{grown >> 20} MiB more while 200 MiB went in and out"
