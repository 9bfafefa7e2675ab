"""The server under test: Weir, or with MLFLOW_PEER=1 a real `mlflow server`. The same tests run against both.

One server for all workers of pytest-xdist: the process that starts them starts it too. MLFLOW_PEER may also be the address of
a real server that runs already.
"""

import os
import sys
import tempfile
import uuid
from pathlib import Path

#: What the exporter's tests know of a call's run, and how they start a real server.
sys.path.append(str(Path(__file__).parents[2] / "mlflow"))

#: The client's own: it reports no use, and says at once what went wrong instead of asking for a minute.
os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
    os.environ.pop(name, None)

import mlflow  # noqa: E402
import pytest  # noqa: E402
from mlflow import MlflowClient  # noqa: E402

from rig import Weir  # noqa: E402
from server import Server  # noqa: E402
from tracking import PEER, Tracking  # noqa: E402

STARTED = pytest.StashKey()


def start(config):
    """The server's address, folder and process. It is started once."""
    if PEER and PEER != "1":
        return PEER,
    if STARTED not in config.stash:
        folder = tempfile.TemporaryDirectory(prefix="weir-mlflow-")
        path = Path(folder.name)
        if PEER:
            server = Server(path, workers=1, env={"MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS": "true"})
        else:
            server = Weir(path)
        config.stash[STARTED] = server, folder
    server, _ = config.stash[STARTED]
    return server.url, server.folder, server.child.pid if PEER else server.process.pid


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["tracking"] = tuple(map(str, start(node.config)))


def pytest_unconfigure(config):
    if STARTED in config.stash:
        server, folder = config.stash[STARTED]
        server.kill() if PEER else server.process.kill()
        folder.cleanup()


@pytest.fixture(scope="session")
def tracking(request):
    """The server under test."""
    given = getattr(request.config, "workerinput", {}).get("tracking") or start(request.config)
    mlflow.set_tracking_uri(given[0])
    return Tracking(*given)


@pytest.fixture(scope="session")
def client(tracking):
    return MlflowClient(tracking.url)


@pytest.fixture(autouse=True)
def clean(tracking):
    """No run and no experiment of one test is active in the next."""
    mlflow.set_tracking_uri(tracking.url)
    yield
    while mlflow.active_run():
        mlflow.end_run()


def unique(request):
    return f"{request.node.name[:60].replace('/', '_').replace(':', '_')}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def fresh(request):
    """A name that nothing else has."""
    return unique(request)


@pytest.fixture
def experiment(client, fresh):
    """The id of an experiment of the test's own, which is the active one."""
    found = client.create_experiment(fresh)
    mlflow.set_experiment(experiment_id=found)
    return found


@pytest.fixture
def run(client, experiment):
    """The id of a run of the test's own."""
    return client.create_run(experiment).info.run_id
