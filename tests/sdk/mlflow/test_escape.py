"""Nobody gets out of the folder of the artifacts: bytes on the socket as an attacker would send them.

A canary lies beside the data folder, another in it but outside the artifacts. Nothing may be read, written, listed or deleted.
"""

import os
import uuid
from pathlib import Path
from urllib.parse import quote

import pytest

from differences import here, only_weir

#: Whether every way out must be answered with 4xx.
STRICT = here("ways out are refused")

SECRET = b"CANARY-7f3a1c-do-not-read"


@pytest.fixture(scope="module")
def places(client, tracking):
    """(experiment, run, the canary's name). It lies beside the data folder, in it, and in the folder of temporary files; with it a
    second, which no test names, so that only a list can tell of it."""
    if not tracking.folder.is_absolute():
        pytest.fail("the server's folder must be known: MLFLOW_PEER=1, or Weir")
    experiment = client.create_experiment(f"escape-{uuid.uuid4().hex[:8]}")
    run = client.create_run(experiment).info.run_id
    client.log_text(run, "inside", "in.txt")
    canary = f"canary-{uuid.uuid4().hex[:8]}.txt"
    for folder in guarded(tracking):
        folder.mkdir(exist_ok=True)
        (folder / canary).write_bytes(SECRET)
        (folder / unnamed(canary)).write_bytes(SECRET)
    yield experiment, run, canary
    for folder in guarded(tracking):
        (folder / canary).unlink()
        (folder / unnamed(canary)).unlink()


def unnamed(canary):
    return canary.replace(".txt", "-2.txt")


def guarded(tracking):
    return [tracking.folder, tracking.folder / "data", Path("/tmp")]


def snapshot(tracking):
    """Every file outside what the server keeps: name, size, content."""
    found = {}
    for folder in (tracking.folder, Path("/etc/weir-escape"), Path("/tmp/weir-escape")):
        if folder.exists():
            for path in folder.iterdir():
                # The canaries of another worker come and go.
                changing = path.name.startswith("canary-") or path.suffix in (".db", ".log", ".db-wal", ".db-shm", ".db-journal")
                if path.is_file() and not changing:
                    found[str(path)] = path.read_bytes()
    return found


#: Ways up. `{n}` is the canary's name; each is put behind every prefix below.
UPS = {
    "dots": b"../../../../{n}",
    "dots-5": b"../../../../../{n}",
    "escaped-dots": b"%2e%2e/%2e%2e/%2e%2e/%2e%2e/{n}",
    "escaped-slash": b"..%2f..%2f..%2f..%2f{n}",
    "escaped-both": b"%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f{n}",
    "upper-escapes": b"%2E%2E%2F%2E%2E%2F%2E%2E%2F%2E%2E%2F{n}",
    "escaped-twice": b"%252e%252e%252f%252e%252e%252f%252e%252e%252f%252e%252e%252f{n}",
    "escaped-thrice": b"%25252e%25252e%25252f%25252e%25252e%25252f{n}",
    "half-escaped": b".%2e/%2e./.%2e/%2e./{n}",
    "backslash": b"..\\..\\..\\..\\{n}",
    "escaped-backslash": b"..%5c..%5c..%5c..%5c{n}",
    "backslash-twice": b"..%255c..%255c..%255c..%255c{n}",
    "mixed": b"..%5c../..%2f..%5c{n}",
    "overlong-slash": b"..%c0%af..%c0%af..%c0%af..%c0%af{n}",
    "overlong-dots": b"%c0%ae%c0%ae/%c0%ae%c0%ae/%c0%ae%c0%ae/{n}",
    "overlong-3": b"%e0%80%ae%e0%80%ae/%e0%80%ae%e0%80%ae/{n}",
    "raw-overlong": b"\xc0\xae\xc0\xae/\xc0\xae\xc0\xae/\xc0\xae\xc0\xae/{n}",
    "wide-dots": b"%ef%bc%8e%ef%bc%8e/%ef%bc%8e%ef%bc%8e/%ef%bc%8e%ef%bc%8e/{n}",
    "wide-slash": b"..%ef%bc%8f..%ef%bc%8f..%ef%bc%8f..%ef%bc%8f{n}",
    "percent-u": b"%u002e%u002e%u002f%u002e%u002e%u002f{n}",
    "absolute": b"/tmp/{n}",
    "absolute-escaped": b"%2ftmp%2f{n}",
    "absolute-twice": b"%252ftmp%252f{n}",
    "double-slash": b"//tmp/{n}",
    "drive": b"C:/tmp/{n}",
    "drive-backslash": b"C:%5ctmp%5c{n}",
    "unc": b"%5c%5clocalhost%5ctmp%5c{n}",
    "file": b"file:///tmp/{n}",
    "file-escaped": b"file:%2f%2f%2ftmp%2f{n}",
    "inside-first": b"in.txt/../../../../../{n}",
    "dot-dot-slash": b"....//....//....//....//{n}",
    "semicolon": b"..;/..;/..;/..;/{n}",
    "nul-after": b"../../../../{n}%00.txt",
    "nul-before": b"%00/../../../../{n}",
    "nul-dots": b"..%00/..%00/..%00/{n}",
    "newline": b"..%0a/..%0d/..%09/{n}",
    "query": b"..%3f/../../../../{n}",
    "fragment": b"..%23/../../../../{n}",
    "trailing-dots": b"../../../../{n}..",
    "tilde": b"~/../../../../tmp/{n}",
    "proc": b"../../../../../../../../../../proc/self/environ",
    "passwd": b"../../../../../../../../../../etc/passwd",
    "long": b"a/" * 400 + b"../" * 405 + b"{n}",
}
METHODS = ("GET", "PUT", "DELETE")


def fill(up, canary):
    return up.replace(b"{n}", canary.encode())


def unharmed(tracking, answer, before, canary):
    """The one thing that every vector must leave: nothing."""
    assert SECRET not in answer.body and b"root:x:0" not in answer.body and b"PATH=" not in answer.body
    assert unnamed(canary).encode() not in answer.body, "a folder outside is listed"
    for folder in guarded(tracking):
        assert (folder / canary).read_bytes() == SECRET, "the canary was touched"
    assert snapshot(tracking) == before, "a file appeared or changed outside"


def judged(answer, method):
    """Weir refuses, and it is no failure of its own. The real server often takes the name for an odd one, inside its folder."""
    if STRICT:
        assert 400 <= answer.status < 500, (answer.status, answer.body[:200])


@pytest.mark.parametrize("up", UPS)
@pytest.mark.parametrize("method", METHODS)
def test_the_proxy_of_artifacts(tracking, places, method, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    target = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/".encode() + fill(UPS[up], canary)
    answer = tracking.bytes(method, target, b"EVIL" if method == "PUT" else b"")
    unharmed(tracking, answer, before, canary)
    # A delete of what is not there is no mistake, and an odd name that stays inside is a name.
    if not (up in ODD_NAMES or (method == "DELETE" and answer.status == 200)):
        judged(answer, method)
    assert not STRICT or answer.status < 500, answer.body[:200]


#: Of these some readings stay inside: what matters is that nothing outside is met. Weir may keep them as names.
ODD_NAMES = {"percent-u", "wide-dots", "wide-slash", "dot-dot-slash", "semicolon", "double-slash", "drive", "tilde", "newline", "query",
             "fragment", "trailing-dots", "file", "file-escaped"}


@pytest.mark.parametrize("up", ["dots", "escaped-both", "escaped-twice", "absolute", "nul-after", "overlong-slash", "backslash"])
def test_from_the_root_of_the_proxy(tracking, places, up):
    _, _, canary = places
    before = snapshot(tracking)
    for mount in (b"/api/2.0", b"/ajax-api/2.0"):
        for method in METHODS:
            answer = tracking.bytes(method, mount + b"/mlflow-artifacts/artifacts/" + fill(UPS[up], canary), b"EVIL" if method == "PUT" else b"")
            unharmed(tracking, answer, before, canary)
            assert not STRICT or answer.status < 500


@pytest.mark.parametrize("up", UPS)
def test_lists(tracking, places, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    # Listing folders rather than files: the last part is the canary's folder.
    way = UPS[up].replace(b"/{n}", b"").replace(b"%2f{n}", b"").replace(b"{n}", b"")
    for target in (
        b"/api/2.0/mlflow-artifacts/artifacts?path=" + f"{experiment}/{run}/artifacts/".encode() + way,
        b"/api/2.0/mlflow-artifacts/artifacts?path=" + way,
        f"/api/2.0/mlflow/artifacts/list?run_id={run}&path=".encode() + way,
        f"/ajax-api/2.0/mlflow/artifacts/list?run_id={run}&path=".encode() + way,
    ):
        answer = tracking.bytes("GET", target)
        unharmed(tracking, answer, before, canary)
        assert not STRICT or answer.status < 500, answer.body[:200]


@pytest.mark.parametrize("up", UPS)
def test_get_artifact(tracking, places, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    for target in (f"/get-artifact?run_id={run}&path=", f"/get-artifact?run_uuid={run}&path="):
        answer = tracking.bytes("GET", target.encode() + fill(UPS[up], canary))
        unharmed(tracking, answer, before, canary)
        judged(answer, "GET")


@pytest.mark.parametrize("up", UPS)
def test_upload_artifact(tracking, places, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    target = f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=".encode() + fill(UPS[up], canary)
    answer = tracking.bytes("POST", target, b"EVIL")
    unharmed(tracking, answer, before, canary)
    if up not in ODD_NAMES:
        judged(answer, "POST")
    assert not STRICT or answer.status < 500


@pytest.mark.parametrize("up", ["dots", "escaped-both", "escaped-twice", "absolute", "backslash", "nul-after", "file"])
@pytest.mark.parametrize("kind", ["create", "complete", "abort"])
def test_uploads_in_parts(tracking, places, kind, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    for prefix in (f"{experiment}/{run}/artifacts/", ""):
        target = f"/api/2.0/mlflow-artifacts/mpu/{kind}/{prefix}".encode() + fill(UPS[up], canary)
        body = b'{"path": "../../../../x", "num_parts": 1, "upload_id": "1", "parts": []}'
        answer = tracking.bytes("POST", target, body, [b"Content-Type: application/json"])
        unharmed(tracking, answer, before, canary)
        assert not STRICT or answer.status in (*range(400, 500), 501)


@pytest.mark.parametrize("up", ["dots", "escaped-both", "absolute"])
def test_presigned_addresses(tracking, places, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    answer = tracking.bytes("GET", f"/api/2.0/mlflow-artifacts/presigned/{experiment}/{run}/artifacts/".encode() + fill(UPS[up], canary))
    unharmed(tracking, answer, before, canary)
    assert not STRICT or answer.status in (*range(400, 500), 501)


# Roots that are given


LOCATIONS = {
    "file": "file://{d}", "file-1": "file:{d}", "absolute": "{d}", "relative": "../../..", "dots": "mlflow-artifacts:/../../../..",
    "escaped": "mlflow-artifacts:/%2e%2e/%2e%2e/%2e%2e", "escaped-twice": "mlflow-artifacts:/%252e%252e/%252e%252e",
    "inside-out": "mlflow-artifacts:/x/../../../../..", "absolute-in": "mlflow-artifacts://{d}", "nul": "mlflow-artifacts:/a\0/../../..",
    "backslash": "mlflow-artifacts:/..\\..\\..", "dbfs": "dbfs:/../../..", "odd-scheme": "weir:../../../", "sqlite": "sqlite:///{d}/x.db",
}


@pytest.mark.parametrize("name", LOCATIONS)
def test_the_root_of_an_experiment(tracking, places, fresh, name):
    """It is refused when it is given, or kept as text and never opened."""
    _, _, canary = places
    before = snapshot(tracking)
    location = LOCATIONS[name].replace("{d}", str(tracking.folder))
    made = tracking.post("experiments/create", {"name": fresh, "artifact_location": location})
    unharmed(tracking, made, before, canary)
    assert not STRICT or made.status < 500, made.text
    if made.status != 200:
        return
    run = tracking.ok("POST", "runs/create", {"experiment_id": made.json()["experiment_id"]})["run"]["info"]["run_id"]
    asked = [tracking.get("artifacts/list", run_id=run), tracking.get("artifacts/list", run_id=run, path=canary)]
    for path in (canary, f"../{canary}", f"../../{canary}", f"../../../{canary}"):
        asked.append(tracking.get("/get-artifact", run_id=run, path=path))
    if STRICT:  # The real server may write where its owner said that it may.
        asked.append(tracking.ask("POST", "/ajax-api/2.0/mlflow/upload-artifact", b"EVIL", run_uuid=run, path="evil.txt"))
    for answer in asked:
        unharmed(tracking, answer, before, canary)
        assert not STRICT or answer.status < 500, answer.text


SOURCES = {
    "file": "file://{d}", "file-1": "file:{d}", "absolute": "{d}", "relative": "../..", "dots": "{u}/../../../..", "escaped": "{u}/%2e%2e/%2e%2e/%2e%2e",
    "escaped-twice": "{u}/%252e%252e/%252e%252e/%252e%252e", "slash": "{u}/..%2f..%2f..", "backslash": "{u}/..\\..\\..",
    "inside-out": "{u}/a/../../../../..", "other-run": "mlflow-artifacts:/0/other/artifacts", "root": "mlflow-artifacts:/",
    "host": "mlflow-artifacts://elsewhere/x", "models": "models:/../x/1", "runs": "runs:/../../x", "nul": "{u}/\0", "file-host": "file://localhost{d}",
    "upper": "FILE://{d}", "space": " file://{d}", "odd-scheme": "weir:{d}",
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_source_of_a_version(tracking, client, places, fresh, name):
    experiment, run, canary = places
    before = snapshot(tracking)
    source = SOURCES[name].replace("{d}", str(tracking.folder)).replace("{u}", client.get_run(run).info.artifact_uri)
    client.create_registered_model(fresh)
    for body in ({"name": fresh, "source": source, "run_id": run}, {"name": fresh, "source": source}):
        made = tracking.post("model-versions/create", body)
        unharmed(tracking, made, before, canary)
        assert not STRICT or made.status < 500, made.text
        if made.status != 200:
            continue
        version = made.json()["model_version"]["version"]
        for path in (canary, "passwd", "in.txt/../x", f"../{canary}"):
            answer = tracking.get("/model-versions/get-artifact", name=fresh, version=version, path=path)
            unharmed(tracking, answer, before, canary)
            assert not STRICT or 400 <= answer.status < 500, answer.text


@pytest.mark.parametrize("up", UPS)
def test_get_artifact_of_a_version(tracking, client, places, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    name = "escape-version"
    if tracking.get("registered-models/get", name=name).status == 404:
        tracking.post("registered-models/create", {"name": name})
    source = f"{client.get_run(run).info.artifact_uri}"
    version = tracking.ok("POST", "model-versions/create", {"name": name, "source": source, "run_id": run})["model_version"]["version"]
    target = f"/model-versions/get-artifact?name={name}&version={version}&path=".encode() + fill(UPS[up], canary)
    answer = tracking.bytes("GET", target)
    unharmed(tracking, answer, before, canary)
    # An odd name that an upload of this file's left inside the run is a name.
    if up not in ODD_NAMES:
        judged(answer, "GET")


@pytest.mark.parametrize("up", ["dots", "escaped-both", "escaped-twice", "absolute", "backslash", "nul-after", "overlong-slash", "file"])
def test_folders_of_a_logged_model(tracking, client, places, up):
    experiment, run, canary = places
    before = snapshot(tracking)
    id = client.create_logged_model(experiment, name="m").model_id
    for target in (
        f"/api/2.0/mlflow/logged-models/{id}/artifacts/directories?artifact_directory_path=".encode() + fill(UPS[up], canary),
        f"/ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files?artifact_file_path=".encode() + fill(UPS[up], canary),
        f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/models/{id}/artifacts/".encode() + fill(UPS[up], canary),
    ):
        answer = tracking.bytes("GET", target)
        unharmed(tracking, answer, before, canary)
        assert not STRICT or answer.status < 500, answer.body[:200]


@pytest.mark.parametrize("id", ["../../..", "%2e%2e%2f%2e%2e", "..%252f..", "a/../../b", "\\..\\..", "tr-../../x", "x\0y", "." * 40])
def test_ids_that_are_paths(tracking, places, id):
    """Runs, traces and models are told by their ids, never by a path."""
    _, _, canary = places
    before = snapshot(tracking)
    quoted = quote(id, safe="%/").encode()
    for method, target in (
        ("GET", b"/get-artifact?path=" + canary.encode() + b"&run_id=" + quote(id, safe="").encode()),
        ("GET", b"/api/2.0/mlflow/artifacts/list?run_id=" + quote(id, safe="").encode()),
        ("GET", b"/api/2.0/mlflow/logged-models/" + quoted + b"/artifacts/directories"),
        ("GET", b"/ajax-api/2.0/mlflow/get-trace-artifact?request_id=" + quote(id, safe="").encode()),
        ("POST", b"/ajax-api/2.0/mlflow/upload-artifact?path=x&run_uuid=" + quote(id, safe="").encode()),
    ):
        answer = tracking.bytes(method, target, b"EVIL" if method == "POST" else b"")
        unharmed(tracking, answer, before, canary)
        assert not STRICT or 400 <= answer.status < 500, (target, answer.status, answer.body[:200])


@only_weir("symbolic links")
def test_symbolic_links_are_not_followed(tracking, places):
    experiment, run, canary = places
    inside = [p for p in (tracking.folder / "data").rglob("*") if p.is_dir()]
    for folder in inside:
        link = folder / "link"
        if not link.exists():
            os.symlink(tracking.folder, link)
    try:
        before = snapshot(tracking)
        place = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/link"
        for method, path in (("GET", f"{place}/{canary}"), ("GET", place), ("DELETE", f"{place}/{canary}"), ("DELETE", place)):
            answer = tracking.ask(method, path)
            unharmed(tracking, answer, before, canary)
            assert answer.status < 500
        unharmed(tracking, tracking.get("artifacts/list", run_id=run, path="link"), before, canary)
    finally:
        for folder in inside:
            if (folder / "link").is_symlink():
                (folder / "link").unlink()


def test_what_is_inside_is_still_there(tracking, places):
    _, run, _ = places
    assert tracking.get("/get-artifact", run_id=run, path="in.txt").body == b"inside"
