"""The export of calls as runs to a real MLflow server on the same machine."""

import json
import time

from process import Failed, Process, free_port
from targets import Weir

#: Calls a second while the latency beside an export is measured: more than the server takes.
RATE = 100
#: Runs that are exported before the clock starts, and that it does not wait for.
EDGES = 20


class ExportingWeir(Weir):
    """Weir as it is out of the box, and an MLflow server to export to."""

    def __init__(self, bin_dir, folder, upstream, tracking_uri):
        self.tracking_uri = tracking_uri
        super().__init__(bin_dir, folder, upstream, "Weir with export")

    def begin(self, port):
        command = [self.bin_dir / "weir", "serve", "--config", self.config, "--data", self.data,
                   "--listen", f"127.0.0.1:{port}"]
        env = {"RUST_LOG": "warn", "MLFLOW_TRACKING_URI": self.tracking_uri, "MLFLOW_ENABLED": "true"}
        return Process("weir", command, self.folder / "weir.log", env, self.folder)

    def exported(self):
        (state,) = json.loads(self.get("/api/v1/status"))["exporters"]
        if state["failed"] or state["state"] != "ok":
            raise Failed(f"the export does not go well: {state}")
        return state["exported"]

    def wait_exported(self, count, seconds):
        """When so many runs were there; seconds since the epoch of the monotonic clock, and how many."""
        deadline = time.monotonic() + seconds
        while True:
            now, done = time.monotonic(), self.exported()
            if done >= count:
                return now, done
            if now > deadline:
                raise Failed(f"{done} of {count} runs exported in {seconds} s")
            time.sleep(0.05)


def start_mlflow(venv, folder):
    """A server with SQLite, a folder of artifacts and two workers. It gets the processor time that is left, as it would
    be on another machine."""
    folder.mkdir()
    port = free_port()
    command = ["nice", "-n", "19", venv / "bin/mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", 2,
               "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", folder / "artifacts"]
    env = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = Process("MLflow", command, folder / "mlflow.log", env, folder)
    process.wait_http(f"http://127.0.0.1:{port}/health", 120, pause=0.2)
    return process, f"http://127.0.0.1:{port}"


def export_figures(loads, bin_dir, venv, temp, upstream, calls):
    """What the export costs calls that are made meanwhile; then runs a second while nothing else is done, and Weir's CPU
    for each."""
    alone = Weir(bin_dir, temp / "no-export", upstream)
    without = loads.paced(alone, RATE)
    alone.stop()
    mlflow, uri = start_mlflow(venv, temp / "mlflow")
    weir = ExportingWeir(bin_dir, temp / "export", upstream, uri)
    beside = loads.paced(weir, RATE)
    if not (without and beside):
        raise Failed(f"{RATE} calls a second are not sustained")
    done = weir.totals()["count"]
    loads.run(weir, "plain", "--connections", 4, "--requests", calls, "--vary", seconds=60)
    weir.drained()
    begun, first = weir.wait_exported(done + EDGES, 600)
    cpu = weir.process.cpu()
    ended, last = weir.wait_exported(done + calls - EDGES, 600)
    runs = last - first
    got = {"export_rate": runs / (ended - begun), "export_cpu": (weir.process.cpu() - cpu) / runs * 1e3,
           "export_runs": calls, "export_p99": beside["latency_us"]["p99"] / 1000,
           "export_p50": beside["latency_us"]["p50"] / 1000, "no_export_p99": without["latency_us"]["p99"] / 1000,
           "no_export_p50": without["latency_us"]["p50"] / 1000}
    weir.wait_exported(done + calls, 60)
    weir.stop()
    mlflow.stop()
    return got
