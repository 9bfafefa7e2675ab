"""The configuration of each overlay in the real program: checked, refused without its keys, changed while it runs."""

import os
import subprocess

import pytest

from rig import BIN, Weir, eventually
from rig.deployed import DEPLOY, DUMMIES
from rig.process import environment

FILES = sorted((DEPLOY / "kubernetes").rglob("weir.toml"), key=str)


def weir(*argv, env=None, cwd=None):
    return subprocess.run(
        [BIN / "weir", *map(str, argv)], env=environment(env), cwd=cwd, capture_output=True, text=True, timeout=20
    )


def bearer(name):
    return {"authorization": f"Bearer {DUMMIES[name]}"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.parent.name)
def test_the_configuration_is_accepted(file):
    done = weir("check-config", file, env={**DUMMIES, "OPENAI_API_KEY": "sk-dummy"})
    assert done.returncode == 0, done.stderr
    assert "listens on 0.0.0.0:8080" in done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.parent.name)
def test_a_key_without_its_secret_is_refused(file):
    done = weir("check-config", file, env={**DUMMIES, "METRICS_KEY": ""})
    assert done.returncode != 0 and "METRICS_KEY" in done.stderr


@pytest.fixture
def mounted(overlay, tmp_path, fake):
    """A server as in the pod: the file is where the kubelet puts it, two links away. Its provider is the fake one."""
    env = {**DUMMIES, "OPENAI_API_KEY": "sk-dummy", "OPENAI_BASE_URL": f"{fake.url}/v1"}
    env["WEIR_SERVER__LOG_FORMAT"] = "text"  # as the rig reads it
    server = Weir(tmp_path, env=env, start=False)
    server.config_path.unlink()
    versions = []

    def put(text):
        folder = tmp_path / f"..version_{len(versions)}"
        folder.mkdir()
        (folder / "weir.toml").write_text(text)
        versions.append(folder)
        link = tmp_path / "..data_tmp"
        link.symlink_to(folder.name)
        os.rename(link, tmp_path / "..data")

    server.put = put
    put(overlay.weir_toml)
    server.config_path.symlink_to("..data/weir.toml")
    try:
        yield server.start()
    finally:
        server.stop()


def test_a_pod_with_it_is_probed_scraped_and_called(overlay, mounted):
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = overlay.container[probe]["httpGet"]["path"]
        assert mounted.get(path).status == 200, "probes have no key"
    assert mounted.get("/metrics").status == 401
    assert mounted.get("/metrics", bearer("METRICS_KEY")).status == 200
    for monitor in overlay.all("ServiceMonitor"):
        assert monitor["spec"]["endpoints"][0]["path"] == "/metrics"
    assert mounted.get("/metrics", bearer("APP_KEY")).status == 403
    assert mounted.get("/v1/models", bearer("APP_KEY")).status == 200
    assert mounted.chat("openai/gpt-4o", headers=bearer("APP_KEY")).status == 200
    models = [m["id"] for m in mounted.get("/v1/models", bearer("APP_KEY")).json()["data"]]
    assert ("demo/echo" in models) == (overlay.name == "dev"), "the demo is for trying"
    assert mounted.chat("openai/gpt-4o", headers={"authorization": "Bearer nobody"}).status == 401


def test_a_changed_configmap_is_applied_or_refused_whole(overlay, mounted):
    assert mounted.get("/metrics", bearer("METRICS_KEY")).status == 200
    mounted.put(overlay.weir_toml.replace('role = "read"', 'role = "call"'))
    eventually("the change is applied", lambda: mounted.get("/metrics", bearer("METRICS_KEY")).status == 403, 20, 0.1)
    mounted.put(overlay.weir_toml + "\n[gatewai]\n")
    eventually("the mistake is refused", lambda: "the old one stays" in mounted.log(), 20, 0.1)
    assert "gatewai" in mounted.log() and mounted.get("/v1/models", bearer("APP_KEY")).status == 200
    assert mounted.get("/metrics", bearer("METRICS_KEY")).status == 403, "the last good one stays"
