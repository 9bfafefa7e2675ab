"""The Dockerfile, as far as that goes without building it: linted, read, its promises tried with the built program."""

import json
import re
import shutil
import subprocess
import tomllib

import pytest

from rig import BIN, eventually, request
from rig.deployed import DEPLOY, DUMMIES, PROGRAMS, Overlay, tool
from rig.process import ROOT, Process, environment

DOCKERFILE = DEPLOY / "Dockerfile"
#: Shared libraries that distroless/cc-debian12 has.
IN_THE_IMAGE = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libdl.so.2", "libpthread.so.0", "librt.so.1"}


def instructions():
    """(instruction, rest) each, continued lines joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


@pytest.fixture
def stages():
    """The instructions of each stage."""
    found = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


@pytest.fixture
def last(stages):
    return stages[-1]


def only(stage, name):
    (rest,) = [rest for instruction, rest in stage if instruction == name]
    return rest


def test_the_linter_has_nothing_to_say():
    assert tool(PROGRAMS / "hadolint", "--no-color", "--failure-threshold", "style", DOCKERFILE) == ""


def test_stages(stages):
    assert len(stages) == 3, "two that build, one that runs"
    dashboard, build, run = (only(stage, "FROM") for stage in stages)
    assert dashboard == "node:20-bookworm-slim AS dashboard"
    rust = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    assert build == f"rust:{rust}-bookworm AS build", "the compiler that Cargo.toml asks for"
    assert run == "gcr.io/distroless/cc-debian12:nonroot", "bookworm is Debian 12: the same C library"
    assert "--locked" in only(stages[1], "RUN"), "the dependencies that were tested"
    assert "--features dashboard" in only(stages[1], "RUN")
    assert any("npm ci" in rest for name, rest in stages[0] if name == "RUN"), "and those of the dashboard"


def test_no_shell_and_not_root(last):
    assert not [rest for name, rest in last if name in ("RUN", "SHELL", "ADD")], "there is no shell to run it"
    user, group = map(int, only(last, "USER").split(":"))
    assert user > 0 and group > 0
    for name in ("ENTRYPOINT", "CMD", "VOLUME"):
        assert isinstance(json.loads(only(last, name)), list), f"{name} without a shell"
    assert only(last, "EXPOSE") == "8080"


def test_the_volume_belongs_to_the_user(last):
    (data,) = json.loads(only(last, "VOLUME"))
    assert f"--chown={only(last, 'USER')} /out{data} {data}" in [r.split(" ", 1)[1] for n, r in last if n == "COPY"]


def test_the_image_and_the_pod_are_of_one_user(last, overlay):
    user, group = map(int, only(last, "USER").split(":"))
    assert (user, group) == (overlay.pod["securityContext"]["runAsUser"], overlay.pod["securityContext"]["runAsGroup"])


def test_the_program_needs_only_what_the_last_stage_has():
    """The program of the tests: another build of the same crates."""
    needed = set(re.findall(r"^\s*(\S+) =>", tool("ldd", BIN / "weir"), re.M))
    assert needed - {"linux-vdso.so.1"} <= IN_THE_IMAGE


def test_the_context_holds_what_is_copied_and_nothing_else():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*" and all(line.startswith("!") for line in lines[1:])
    allowed = {line[1:] for line in lines[1:]}
    copied = set()
    for name, rest in instructions():
        if name == "COPY" and "--from" not in rest:
            copied |= set(rest.split()[:-1])
    assert copied == allowed


def test_the_crates_need_nothing_from_outside_the_context():
    for source in (ROOT / "crates").rglob("*.rs"):
        if "tests" in source.parts or source.stem.endswith("tests"):
            continue
        for path in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', source.read_text()):
            included = (source.parent / path).resolve()
            assert included.is_relative_to(ROOT / "crates") and included.exists(), f"{source}: {path}"


def test_without_keys_the_container_refuses_to_start(last, tmp_path):
    """With the image's own command, the folder but for where it may write."""
    command = json.loads(only(last, "CMD"))
    assert command == ["serve", "--listen", "0.0.0.0:8080", "--data", "/data"]
    command[-1] = str(tmp_path / "data")
    done = subprocess.run(
        [BIN / "weir", *command], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=20
    )
    assert done.returncode != 0 and "no keys are configured" in done.stderr


# The last stage by hand


@pytest.fixture
def root(tmp_path, last):
    """A root of files that holds what the last stage copies and the libraries of its base, and nothing else."""
    root = tmp_path / "root"
    for name in re.findall(r"(/\S+) \(0x", tool("ldd", BIN / "weir")):
        target = root / name[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)
    (entry,) = json.loads(only(last, "ENTRYPOINT"))
    for folder in (entry.rpartition("/")[0], "data", "etc/weir"):
        (root / folder.strip("/")).mkdir(parents=True, exist_ok=True)
    shutil.copy(BIN / "weir", root / entry[1:])
    return root


def test_it_runs_as_nobody_on_a_root_that_is_read_only(root, last, tmp_path):
    """As the pod is allowed to: its user, no new privileges, no shell, and only /data to write to."""
    user = only(last, "USER")
    data = tmp_path / "data"
    data.mkdir()
    shutil.chown(data, *map(int, user.split(":")))
    (root / "etc/weir/weir.toml").write_text(Overlay("dev").weir_toml)
    script = f"""
        mount --bind {root} {root} && mount --bind {data} {root}/data && mount -o remount,bind,ro {root}
        exec setpriv --no-new-privs chroot --userspec={user} {root} "$@"
    """
    command = [*json.loads(only(last, "ENTRYPOINT")), "serve", "--config", "/etc/weir/weir.toml"]
    command += ["--listen", "127.0.0.1:0"]
    env = {**DUMMIES, "WEIR_SERVER__LOG_FORMAT": "text"}
    argv = ["unshare", "--mount", "--propagation", "private", "bash", "-euc", script, "bash", *command]
    process = Process(argv, tmp_path / "log", env)
    try:
        port = process.wait_for(r"weir is ready address=[^\s]*:(\d+)").group(1)
        url = f"http://127.0.0.1:{port}"
        bearer = {"authorization": f"Bearer {DUMMIES['APP_KEY']}"}
        body = {"model": "demo/echo", "messages": [{"role": "user", "content": "hi"}]}
        assert request("POST", f"{url}/v1/chat/completions", body, bearer).status == 200
        reader = {"authorization": f"Bearer {DUMMIES['METRICS_KEY']}"}
        eventually("it is recorded", lambda: request("GET", f"{url}/api/v1/calls", None, reader).json()["calls"])
        status = open(f"/proc/{process.pid}/status").read()
        assert re.search(rf"^Uid:\t{user.split(':')[0]}\t", status, re.M)
        assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^CapEff:\t0+$", status, re.M)
        assert process.stop() == 0
    finally:
        process.kill()
    assert (data / "telemetry.db").exists() and {f.name for f in root.iterdir()} >= {"usr", "data", "etc"}
