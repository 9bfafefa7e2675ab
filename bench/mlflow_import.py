"""Measures `weir import mlflow` over a database that the real client filled: the first import, and one that finds everything
there already. Run by the Python of an environment that has `mlflow` (`make mlflow` installs one)."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

# A script of this folder has the name of the client.
sys.path.append(sys.path.pop(0))

from process import Process  # noqa: E402

METRICS, STEPS, PARAMS = 5, 20, 6


def fill(folder, runs):
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    artifacts = folder / "mlartifacts/bench"
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.create_experiment("bench", artifact_location=str(artifacts))
    for n in range(runs):
        run = client.create_run(experiment, run_name=f"run-{n}").info.run_id
        now = int(time.time() * 1000)
        points = [Metric(f"m{k}", n * k / 7, now + step, step) for k in range(METRICS) for step in range(STEPS)]
        client.log_batch(run, points, [Param(f"p{k}", str(n % (k + 2))) for k in range(PARAMS)], [RunTag("team", "x")])
        (artifacts / run / "artifacts").mkdir(parents=True)
        (artifacts / run / "artifacts/out.txt").write_text("x" * 1000 + str(n))
        client.set_terminated(run)


def measured(binary, folder, log):
    began = time.monotonic()
    command = [binary, "import", "mlflow", "--from", folder / "mlflow.db", "--artifacts", folder / "mlartifacts",
               "--data", folder / "data"]
    child = Process("import", command, log, cwd=folder).child
    peak = 0
    while True:
        status = Path(f"/proc/{child.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = max([peak] + [int(line.split()[1]) for line in lines if line.startswith("VmHWM")])
        if child.poll() is not None:
            break
        time.sleep(0.1)
    if child.returncode:
        raise SystemExit(log.read_text())
    return time.monotonic() - began, peak / 1024


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=5_000)
    options.add_argument("--binary", default="target/release/weir")
    options = options.parse_args()
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        began = time.monotonic()
        fill(folder, options.runs)
        points = options.runs * METRICS * STEPS
        print(f"{options.runs:,} runs, {points:,} points, {options.runs:,} artifacts; written by the client in "
              f"{time.monotonic() - began:.0f} s")
        for name in ("first", "again"):
            seconds, peak = measured(Path(options.binary).resolve(), folder, folder / f"{name}.log")
            print(f"{name}: {seconds:.1f} s, {options.runs / seconds:.0f} runs/s, {peak:.0f} MB at the highest")


main()
