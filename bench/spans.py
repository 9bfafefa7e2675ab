#!/usr/bin/env python3
"""Measures what storing spans costs that come over OpenTelemetry's protocol: one client, 2 KB + 1 KB spans in batches of
100, each batch durable when it is answered. With --with-phoenix Arize Phoenix takes the same batches in the same run.

Build first: cargo build --release -p weir
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import english
import otlp
from loads import settled
from process import Failed, Process, free_port, stop_all
from targets import KEY, Weir

ROOT = Path(__file__).resolve().parent.parent
PHOENIX = ROOT / ".cache/phoenix-venv"


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def load(process, port, bodies, spans, headers):
    """Rates and times of sending; the first tenth warms up and does not count."""
    warm = max(1, len(bodies) // 10)
    otlp.send(port, "/v1/traces", bodies[:warm], headers)
    cpu, begun = process.cpu(), time.perf_counter()
    took = otlp.send(port, "/v1/traces", bodies[warm:], headers)
    seconds, cpu = time.perf_counter() - begun, process.cpu() - cpu
    sent = (len(bodies) - warm) * spans
    return {"spans_per_s": sent / seconds, "per_cpu_s": sent / cpu if cpu else float("inf"), "p50_ms": quantile(took, 0.5) * 1e3,
            "p99_ms": quantile(took, 0.99) * 1e3, "max_ms": max(took) * 1e3, "memory_mb": process.memory("VmHWM")}


def weir_figures(options, temp, bodies):
    weir = Weir(options.bin, temp / "weir", 9)
    got = load(weir.process, weir.port, bodies, options.spans, {"authorization": f"Bearer {KEY}"})
    stored = weir.totals()["count"]
    if stored != len(bodies) * options.spans:
        raise Failed(f"{len(bodies) * options.spans} spans were answered with 200, {stored} are stored")
    settled(weir)
    weir.stop()
    return got | {"bytes": weir.sizes()["database"] / stored}


def phoenix_figures(options, temp, bodies):
    """Phoenix answers before it stores: the rate is until the last span can be read."""
    port, grpc = free_port(), free_port()
    env = {"PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(grpc), "PHOENIX_WORKING_DIR": str(temp / "phoenix"),
           "PHOENIX_HOST": "127.0.0.1", "PHOENIX_TELEMETRY_ENABLED": "false"}
    process = Process("Phoenix", [PHOENIX / "bin/phoenix", "serve"], temp / "phoenix.log", env, temp)
    process.wait_http(f"http://127.0.0.1:{port}/healthz", 180, pause=0.5)
    some = bodies[:options.phoenix_batches]

    def stored():
        query = json.dumps({"query": "{projects{edges{node{name recordCount}}}}"}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", query, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            edges = json.load(answer)["data"]["projects"]["edges"]
        return sum(edge["node"]["recordCount"] for edge in edges)

    before, cpu, begun = stored(), process.cpu(), time.perf_counter()
    otlp.send(port, "/v1/traces", some)
    wanted = before + len(some) * options.spans
    while stored() < wanted:
        if time.perf_counter() - begun > 300:
            raise Failed(f"Phoenix has {stored() - before} of {wanted - before} spans after 300 s")
        time.sleep(0.25)
    seconds, cpu = time.perf_counter() - begun, process.cpu() - cpu
    sent, memory = len(some) * options.spans, process.memory("VmHWM")
    process.stop()
    return {"spans_per_s": sent / seconds, "per_cpu_s": sent / cpu, "memory_mb": memory}


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--bin", type=lambda path: Path(path).resolve(), default=ROOT / "target/release")
    words.add_argument("--batches", type=int, default=1000)
    words.add_argument("--spans", type=int, default=100, help="spans in a batch")
    words.add_argument("--with-phoenix", action="store_true", help=f"Arize Phoenix too, from {PHOENIX.name} (bench/README.md)")
    words.add_argument("--phoenix-batches", type=int, default=20)
    options = words.parse_args()
    temp = Path(tempfile.mkdtemp(prefix="weir-spans-"))
    try:
        texts = otlp.Texts(english.write(temp / "english.txt"))
        # An hour ago, so that none starts in the future.
        now = time.time_ns() - 3_600_000_000_000
        bodies = [otlp.batch(texts, options.spans, now + n * 200_000_000) for n in range(options.batches)]
        results = {"Weir": weir_figures(options, temp, bodies)}
        if options.with_phoenix:
            results["Phoenix"] = phoenix_figures(options, temp, bodies)
        print("|  | stored spans/s | per CPU second | batch p50 / p99 / longest ms | highest memory MB | bytes a span |")
        print("|---|---|---|---|---|---|")
        for name, r in results.items():
            times = f"{r['p50_ms']:.1f} / {r['p99_ms']:.1f} / {r['max_ms']:.1f}" if "p50_ms" in r else ""
            size = f"{r['bytes']:,.0f}" if "bytes" in r else ""
            print(f"| {name} | {r['spans_per_s']:,.0f} | {r['per_cpu_s']:,.0f} | {times} | {r['memory_mb']:.0f} | {size} |")
    except Failed as failed:
        sys.exit(f"spans: {failed}")
    finally:
        stop_all()
        shutil.rmtree(temp, ignore_errors=True)


if __name__ == "__main__":
    main()
