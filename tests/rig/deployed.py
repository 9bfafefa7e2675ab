"""What is deployed: every overlay as kubectl builds it, and the alert rules."""

import functools
import subprocess
import sys
from pathlib import Path

import yaml

from rig.process import ROOT

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "weir.rules.yml"
OVERLAYS = sorted(path.name for path in (DEPLOY / "kubernetes" / "overlays").iterdir())
#: Programs that Python packages brought stand beside the interpreter.
PROGRAMS = Path(sys.executable).parent
#: Any value will do for a key that only has to be there.
DUMMIES = {"APP_KEY": "wk-app-dummy", "METRICS_KEY": "wk-metrics-dummy", "ADMIN_KEY": "wk-admin-dummy"}


def tool(*argv):
    """Runs a program; returns its output, or fails with what it said."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, f"{argv[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


@functools.cache
def built_text(overlay):
    return tool(PROGRAMS / "kubectl", "kustomize", DEPLOY / "kubernetes" / "overlays" / overlay)


class Overlay:
    """One overlay's objects."""

    def __init__(self, name):
        self.name = name
        self.objects = list(yaml.safe_load_all(built_text(name)))

    def all(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    def one(self, kind, name="weir"):
        found = [o for o in self.all(kind) if o["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} {kind} named {name} in {self.name}"
        return found[0]

    @property
    def workload(self):
        found = self.all("Deployment") + self.all("StatefulSet")
        assert len(found) == 1, [o["kind"] for o in found]
        return found[0]

    @property
    def pod(self):
        return self.workload["spec"]["template"]["spec"]

    @property
    def container(self):
        assert len(self.pod["containers"]) == 1
        return self.pod["containers"][0]

    @property
    def weir_toml(self):
        return self.one("ConfigMap", "weir-config")["data"]["weir.toml"]
