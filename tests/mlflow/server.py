"""A real MLflow server of the test's own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from rig import eventually, request
from rig.process import environment

EXPERIMENT = "llmops-production-api"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`mlflow server` with SQLite and a folder, on one port for all of its lives."""

    def __init__(self, folder: Path, workers=2, proxied=True, env=None):
        self.folder, self.workers, self.port, self.proxied = folder, workers, free_port(), proxied
        self.env = env or {}
        self.url = f"http://127.0.0.1:{self.port}"
        self.child = None
        self.start()

    def start(self):
        folder = self.folder / "artifacts"
        argv = [
            Path(sys.executable).parent / "mlflow", "server", "--host", "127.0.0.1", "--port", self.port,
            "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--workers", self.workers,
            *(["--artifacts-destination", folder] if self.proxied else
              ["--no-serve-artifacts", "--default-artifact-root", folder]),
        ]
        env = environment({
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **self.env,
        })
        # A session of its own, so that it can be ended with the workers that it starts.
        with (self.folder / "mlflow.log").open("ab") as log:
            self.child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=env, start_new_session=True, cwd=self.folder)
        eventually("the MLflow server answers", self.answers, 120, 0.2)
        return self

    def answers(self):
        assert self.child.poll() is None, (self.folder / "mlflow.log").read_text()[-4000:]
        try:
            return request("GET", f"{self.url}/health", timeout=5).status == 200
        except OSError:
            return False

    def kill(self):
        """Ends it and its workers at once."""
        if self.child and self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait(20)

    def client(self):
        mlflow.set_tracking_uri(self.url)
        return MlflowClient(self.url)

    def runs(self):
        """Every run of the experiment, deleted ones too."""
        client = self.client()
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return []
        found, token = [], None
        while True:
            page = client.search_runs([experiment.experiment_id], run_view_type=3, max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found
