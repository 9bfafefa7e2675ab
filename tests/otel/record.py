"""Records what instrumentations send: each scenario in a process of its own, against a fake OpenAI and a receiver.

    python3 -m venv .cache/otel-venv && .cache/otel-venv/bin/pip install -r tests/requirements-otel.txt
    python3 -m venv .cache/otel-sdks-venv && .cache/otel-sdks-venv/bin/pip install -r tests/requirements-otel-sdks.txt
    (cd tests/otel/vercel && npm install --no-package-lock)
    .cache/otel-venv/bin/python tests/otel/record.py [dialect[/case] ...]

What comes is written to crates/weir-fronts/golden/otlp, read by the tests of the mapping. Differences of a repeated recording
are durations, and whatever a new version of an instrumentation does otherwise: read them.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from fake_openai import FakeOpenAI
from normalise import Normaliser
from receiver import Receiver

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("CACHE", ROOT / ".cache"))
GOLDEN = ROOT / "crates/weir-fronts/golden/otlp"
SUFFIX = {"resourceSpans": ".otlp.json", "resourceLogs": ".logs.json", "resourceMetrics": ".metrics.json"}
INSTRUMENTED, SDKS = CACHE / "otel-venv/bin/python", CACHE / "otel-sdks-venv/bin/python"
VERCEL = [f"{version}_{case}" for version in ("v5", "v7", "v7legacy") for case in ("text", "tools", "stream", "embed", "error")]
# dialect, scenarios' module, interpreter
PYTHON = [
    ("genai", "genai", INSTRUMENTED),
    ("genai", "genai_sdk", SDKS),
    ("openinference", "openinference_sdk", INSTRUMENTED),
    ("openllmetry", "openllmetry", INSTRUMENTED),
    ("weir", "weir", INSTRUMENTED),
    ("langfuse", "langfuse_sdk", SDKS),
    ("mlflow", "mlflow_sdk", SDKS),
    ("langsmith", "langsmith_sdk", SDKS),
]


def commands():
    """Every case and what runs it."""
    sys.path.insert(0, str(HERE / "scenarios"))
    for dialect, module, python in PYTHON:
        for case in importlib.import_module(module).CASES:
            yield dialect, case, [python, HERE / "scenarios" / f"{module}.py", case]
    for case in VERCEL:
        yield "vercel", case, ["node", HERE / "vercel" / "scenarios.mjs", case]


def environment(fake, receiver):
    keep = {k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ}
    base = f"http://127.0.0.1:{receiver.port}"
    return keep | {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{fake.port}/v1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": base,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{base}/v1/traces",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "RECEIVER": base,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def machine():
    """Names of this machine that may stand in what is sent."""
    import getpass
    import platform
    import socket

    names = {socket.gethostname(): "host.example", platform.platform(): "Linux", str(ROOT): "project", str(CACHE): "cache"}
    if getpass.getuser() != "root":
        names[getpass.getuser()] = "someone"
    return names


def record(dialect, case, command, fake, receiver):
    env = environment(fake, receiver)
    if dialect in ("langsmith", "langfuse"):  # these have endpoints of their own
        del env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    ran = subprocess.run([str(c) for c in command], env=env, capture_output=True, text=True, timeout=120, cwd="/tmp")
    seen, requests = receiver.drain()
    if ran.returncode or not seen:
        return f"exit {ran.returncode}, {sorted(seen)}, {[r['path'] for r in requests]}\n{ran.stdout[-500:]}{ran.stderr[-3000:]}"
    ports = {fake.port: 8080, receiver.port: 4318}
    normaliser = Normaliser(f"{dialect}/{case}", ports, machine())
    for items in seen.values():
        normaliser.learn(items)
    folder = GOLDEN / dialect
    folder.mkdir(parents=True, exist_ok=True)
    sizes = []
    for member, items in seen.items():
        text = json.dumps({member: normaliser.apply(items)}, ensure_ascii=False, indent=1) + "\n"
        (folder / f"{case}{SUFFIX[member]}").write_text(text)
        sizes.append(f"{member} {len(text)}")
    first = next((r for r in requests if "/v1/" in r["path"]), requests[0])
    heads = {k: v for k, v in first["headers"].items() if k not in ("host", "accept", "content-length", "connection")}
    with open(os.environ.get("RECORD_LOG", os.devnull), "a") as log:
        log.write(json.dumps({"case": f"{dialect}/{case}", "path": first["path"], "headers": heads, "n": len(requests)}) + "\n")
    return ", ".join(sizes)


def main(wanted):
    fake, receiver = FakeOpenAI(), Receiver()
    for dialect, case, command in commands():
        if not wanted or dialect in wanted or f"{dialect}/{case}" in wanted:
            print(f"{dialect}/{case}: {record(dialect, case, command, fake, receiver)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
