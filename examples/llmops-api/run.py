#!/usr/bin/env python3
"""Everything from nothing: an MLflow server, Weir, some dozens of calls, and what can be asked afterwards.

    pip install openai mlflow && ./run.py

No key and no network is needed; without mlflow all but its part is shown. Variables: WEIR (the program), WEIR_LISTEN
(127.0.0.1:8080), MLFLOW_PORT (5000), MLFLOW_TRACKING_URI (a server that you have, instead of one of its own), KEEP=1
(goes on serving until Ctrl-C, to look around). What is written lies in a temporary folder and is deleted at the end.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: How long a program may take to start, and an export to catch up.
PATIENCE = 120


def main():
    weir = program()
    if not importlib.util.find_spec("openai"):
        sys.exit("The calls are made with the openai client: pip install openai")
    with tempfile.TemporaryDirectory(prefix="llmops-api-") as folder:
        folder, started = Path(folder), []
        try:
            run(weir, folder, started)
        finally:
            for child in reversed(started):
                end(child)


def run(weir, folder, started):
    env = {**os.environ, "NO_COLOR": "1", "WEIR_KEY": ""}
    tracking = mlflow_server(folder, started)
    if tracking:
        env["MLFLOW_TRACKING_URI"] = tracking
    log = folder / "weir.log"
    argv = [weir, "serve", "--listen", os.environ.get("WEIR_LISTEN", "127.0.0.1:8080"), "--data", folder / "weir-data"]
    server = start(argv, log, started, env)
    # The port is in the log, also when the system chose it.
    wait("Weir", server, log, lambda: "weir is ready" in log.read_text())
    url = "http://" + log.read_text().split("weir is ready address=")[1].split()[0]
    heading(f"Weir is at {url}")

    def tell(*argv):
        print(f"\n$ weir {' '.join(argv)}", flush=True)
        subprocess.run([weir, *argv], env={**env, "WEIR_URL": url, "COLUMNS": "120"}, check=True)

    import calls

    since = int(time.time() * 1000)
    made = calls.make(url)
    heading(f"{made['calls']} calls: " + ", ".join(f"{made[k]} {k}" for k in made if k != "calls"))
    wait("the record", server, log, lambda: stats(url)["count"] >= made["calls"])
    if tracking:
        wait("the export", server, log, lambda: exported(url, made["calls"]))
    heading("What Weir knows of them")
    tell("calls", "--limit", "10")
    tell("stats", "--by", "department")
    tell("ab", "assistant")
    tell("status")
    if tracking:
        import runs

        heading(f"The same calls as runs in MLflow, {tracking}")
        runs.show(tracking, since, stats(url))
    if os.environ.get("KEEP"):
        heading(f"Serving on: {url}" + (f" and {tracking}" if tracking else "") + ". Ctrl-C ends it.")
        signal.pause()


def program():
    """The weir to run: the one that is named, that was built here, or that is installed."""
    if named := os.environ.get("WEIR"):
        return Path(named).resolve()
    built = [ROOT / "target" / kind / "weir" for kind in ("release", "debug")]
    found = next((b for b in built if b.exists()), None) or shutil.which("weir")
    return found or sys.exit("There is no weir: run `cargo build --release -p weir`, or set WEIR to the program")


def mlflow_server(folder, started):
    """The URI of an MLflow server: the one that is named, or a new one; None without mlflow."""
    if not importlib.util.find_spec("mlflow"):
        print("mlflow is not installed, so its part is left out: pip install mlflow")
        return None
    if named := os.environ.get("MLFLOW_TRACKING_URI"):
        return named
    port = os.environ.get("MLFLOW_PORT", "5000")
    url, log = f"http://127.0.0.1:{port}", folder / "mlflow.log"
    argv = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", folder / "artifacts",
    ]
    # The server starts helpers by name from its own environment's programs.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    env = {**os.environ, "PATH": path, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    server = start(argv, log, started, env, cwd=folder)
    wait("MLflow", server, log, lambda: get(f"{url}/health") is not None)
    heading(f"MLflow is at {url}")
    return url


# Programs


def start(argv, log, started, env, cwd=HERE):
    with log.open("ab") as out:
        # A session of its own, so that it ends with the workers that it starts, and not by this terminal's Ctrl-C.
        child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                                 cwd=cwd, start_new_session=True)
    started.append(child)
    return child


def wait(name, child, log, ready):
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if child.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{name} does not come:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def end(child):
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                pass


# Asking Weir


def get(url):
    """The body of an answer; None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()
    except OSError:
        return None


def stats(url):
    return json.loads(get(f"{url}/api/v1/stats"))["total"]


def exported(url, count):
    (exporter,) = json.loads(get(f"{url}/api/v1/status"))["exporters"]
    return exporter["exported"] >= count and exporter["lag_records"] == 0


def heading(text):
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    # As with Ctrl-C, what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        main()
    except KeyboardInterrupt:
        pass
