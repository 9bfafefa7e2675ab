#!/usr/bin/env python3
"""Measures Weir as a tracking server beside a real `mlflow server` with its default settings, in one run: runs written
by one and by eight clients over raw HTTP, a batch of 1,000 metrics, searches over 10,000 runs (and over --many), memory.

Build first: cargo build --release -p weir -p weir-testkit --bins
"""

import argparse
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

from process import Failed, Process, free_port, stop_all
from report import machine, number, table

ROOT = Path(__file__).resolve().parent.parent
SEARCHES = {
    "newest 10 with a params filter": {"filter": "params.model = 'gpt-4o'", "order_by": ["start_time DESC"], "max_results": 10},
    "newest 10 with a rare value": {"filter": "tags.request = 'req-17'", "order_by": ["start_time DESC"], "max_results": 10},
    "newest 100 with a params filter": {"filter": "params.model = 'gpt-4o'", "order_by": ["start_time DESC"], "max_results": 100},
    "3 filters, ordered by a metric, 100": {
        "filter": "params.model = 'gpt-4o' and metrics.latency_ms > 500 and tags.environment = 'production'",
        "order_by": ["metrics.score DESC"], "max_results": 100},
    "params LIKE, 100": {"filter": "params.department LIKE '%e%'", "max_results": 100},
    "1,000 rows without a filter": {"max_results": 1000},
}


class Server:
    """A tracking server and an experiment of its own for each load."""

    def __init__(self, name, process, port):
        self.name, self.process, self.port = name, process, port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def post(self, path, body):
        request = ("POST", f"/api/2.0/mlflow/{path}", json.dumps(body), {"content-type": "application/json"})
        try:
            self.connection.request(*request)
            answer = self.connection.getresponse()
        except (ConnectionError, http.client.HTTPException):
            # Servers close connections that rest for long.
            self.connection.close()
            self.connection.request(*request)
            answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Failed(f"{self.name}: {path} answered {answer.status}: {text[:300]}")
        return text

    def experiment(self, name):
        return json.loads(self.post("experiments/create", {"name": name}))["experiment_id"]

    def write(self, options, experiment, clients, runs, first=0, points=0, limit=600):
        command = [options.bin / "weir-trackload", "--url", f"http://127.0.0.1:{self.port}", "--clients", clients,
                   "--runs", runs, "--experiment", experiment, "--first", first, "--points", points, "--limit", limit]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=limit + 60)
        if done.returncode != 0:
            raise Failed(f"{self.name}: {done.stderr[-500:]}")
        return json.loads(done.stdout)

    def search(self, experiment, body, times):
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            self.post("runs/search", {"experiment_ids": [experiment], **body})
            took.append((time.perf_counter() - begun) * 1e3)
        return sorted(took)[len(took) // 2]


def weir(options, temp):
    port = free_port()
    command = [options.bin / "weir", "serve", "--data", temp / "weir", "--listen", f"127.0.0.1:{port}"]
    process = Process("weir", command, temp / "weir.log", {"RUST_LOG": "warn", "WEIR_OTLP__GRPC": "off"}, temp)
    process.wait_http(f"http://127.0.0.1:{port}/health/ready", 20)
    return Server("Weir", process, port)


def peer(options, temp):
    port, folder = free_port(), temp / "mlflow"
    folder.mkdir()
    command = [options.venv / "bin/mlflow", "server", "--host", "127.0.0.1", "--port", port,
               "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", folder / "artifacts"]
    env = {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": f"{options.venv}/bin:{os.environ['PATH']}"}
    process = Process("mlflow server", command, temp / "mlflow.log", env, folder)
    process.wait_http(f"http://127.0.0.1:{port}/health", 240, pause=0.5)
    return Server("mlflow server", process, port)


def copy_runs(source, experiment, folder, target):
    """Puts the same runs into MLflow's database: over its API that would take minutes."""
    db, token = sqlite3.connect(folder / "mlflow.db", timeout=60), None
    while True:
        page = json.loads(source.post("runs/search", {"experiment_ids": [experiment], "max_results": 1000,
                                                      **({"page_token": token} if token else {})}))
        for run in page["runs"]:
            info, data, uuid = run["info"], run["data"], run["info"]["run_id"]
            db.execute("INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,"
                       " end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
                       " VALUES (?, ?, 'UNKNOWN', '', '', ?, 'FINISHED', ?, ?, '', 'active', ?, ?)",
                       (uuid, info["run_name"], info["user_id"], info["start_time"], info.get("end_time"),
                        f"mlflow-artifacts:/{target}/{uuid}/artifacts", target))
            db.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
                           [(p["key"], p["value"], uuid) for p in data["params"]])
            db.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)",
                           [(t["key"], t["value"], uuid) for t in data["tags"]])
            for into in ("metrics", "latest_metrics"):
                db.executemany(f"INSERT INTO {into} (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, 0, ?)",
                               [(m["key"], m["value"], m["timestamp"], m.get("step", 0), uuid) for m in data["metrics"]])
        db.commit()
        token = page.get("next_page_token")
        if not token:
            return


def written(options, server, runs):
    """Rates and times of writing. A first few runs warm up."""
    one, eight, points = (server.experiment(name) for name in ("one", "eight", "points"))
    server.write(options, one, 8, max(8, runs // 20))
    return {"one": server.write(options, one, 1, runs), "eight": server.write(options, eight, 8, runs * 4),
            "points": server.write(options, points, 1, max(5, runs // 40), points=1000)}


def searched(server, experiment, times):
    return {name: server.search(experiment, body, times) for name, body in SEARCHES.items()}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", type=Path, default=ROOT / "target/release")
    options.add_argument("--venv", type=Path, default=ROOT / ".cache/mlflow-venv")
    options.add_argument("--runs", type=int, default=2_000, help="runs of one client on Weir; four times so many of eight")
    options.add_argument("--peer-runs", type=int, default=60, help="the same on the mlflow server; 0 leaves it out")
    options.add_argument("--stored", type=int, default=10_000, help="runs that are searched")
    options.add_argument("--many", type=int, default=0, help="search Weir over so many runs, too")
    options.add_argument("--json", action="store_true")
    options = options.parse_args()
    temp = Path(tempfile.mkdtemp(prefix="weir-bench-"))
    try:
        figures = measure(options, temp)
    finally:
        stop_all()
        shutil.rmtree(temp, ignore_errors=True)
    print(json.dumps(figures, indent=1) if options.json else show(figures))


def measure(options, temp):
    ours, figures = weir(options, temp), {}
    figures["Weir"] = written(options, ours, options.runs)
    stored = ours.experiment("stored")
    ours.write(options, stored, 8, options.stored)
    figures["Weir"] |= {"searches": searched(ours, stored, 21), "memory": ours.process.memory("VmHWM")}
    if options.peer_runs:
        theirs = peer(options, temp)
        figures["mlflow server"] = written(options, theirs, options.peer_runs)
        target = theirs.experiment("stored")
        copy_runs(ours, stored, temp / "mlflow", target)
        figures["mlflow server"] |= {"searches": searched(theirs, target, 7), "memory": theirs.process.memory("VmRSS")}
        theirs.process.stop()
    if options.many:
        many = ours.experiment("many")
        ours.write(options, many, 8, options.many, limit=3_000)
        figures["Weir, many"] = {"searches": searched(ours, many, 21), "memory": ours.process.memory("VmHWM"), "runs": options.many}
    return figures


def show(figures):
    ours, theirs, many = figures["Weir"], figures.get("mlflow server"), figures.get("Weir, many")
    rows = []

    def row(name, of, digits=1):
        rows.append([name] + [number(of(f), digits) if f else "–" for f in (theirs, ours)] +
                    ([number(of(many), digits) if many and name in SEARCHES else "–"] if many else []))

    for key, clients in (("one", "1 client"), ("eight", "8 clients")):
        row(f"runs/s, {clients}", lambda f, k=key: f[k]["per_s"])
        row(f"p50 ms of a run, {clients}", lambda f, k=key: f[k]["p50_ms"])
        row(f"p95 ms of a run, {clients}", lambda f, k=key: f[k]["p95_ms"])
    row("log_batch of 1,000 metrics, p50 ms", lambda f: f["points"]["p50_ms"])
    for name in SEARCHES:
        row(name, lambda f, n=name: f["searches"][n])
    rows.append(["memory, MB", *(number(f["memory"]) if f else "–" for f in (theirs, ours)), *([number(many["memory"])] if many else [])])
    head = ["ms unless said", "mlflow server", "Weir"] + ([f"Weir, {many['runs']:,} runs"] if many else [])
    return f"{machine()}, {time.strftime('%Y-%m-%d')}\n\n{table(head, rows)}"


if __name__ == "__main__":
    main()
