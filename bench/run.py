#!/usr/bin/env python3
"""Measures Weir beside the provider itself, nginx and LiteLLM, in one run, and prints one page of Markdown.

Everything is on loopback and in a temporary folder. Build first: cargo build --release -p weir -p weir-testkit
"""

import argparse
import json
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import english
import report
from cache import cache_figures, cache_rows
from export import RATE, export_figures
from loads import Loads, bytes_per_call, median, soak
from process import Failed, machine_busy, stop_all
from targets import Direct, LiteLLM, Nginx, Weir, install_litellm

ROOT = Path(__file__).resolve().parent.parent
MLFLOW = ROOT / ".cache/mlflow-venv"
CONNECTIONS = (1, 32, 128)
RATES = (200, 1000)


def arguments():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--output", type=Path, help="file for the page")
    words.add_argument("--json", type=Path, help="file for every figure of every pass")
    words.add_argument("--bin", type=lambda path: Path(path).resolve(), default=ROOT / "target/release", help="folder of the programs")
    words.add_argument("--seconds", type=float, default=4, help="length of one load")
    words.add_argument("--passes", type=int, default=3, help="passes, of which the medians are told")
    words.add_argument("--sustained", type=float, default=20, help="seconds of the load that is to be stored as it comes")
    words.add_argument("--disk-calls", type=int, default=50_000, help="calls whose size on disk is measured")
    words.add_argument("--with-litellm", action="store_true", help="LiteLLM too; installs it into .cache/litellm")
    words.add_argument("--soak", type=int, default=0, metavar="CALLS", help="memory over so many calls, say 1000000")
    words.add_argument("--store", action="store_true", help="the store alone, and reading among 5 million calls")
    words.add_argument("--store-calls", type=int, default=5_000_000, help="calls for --store")
    words.add_argument("--export-calls", type=int, default=500, help="calls exported to a real MLflow server")
    words.add_argument("--export-only", action="store_true", help="nothing but that")
    words.add_argument("--cache-only", action="store_true", help="nothing but hits of the cache beside plain calls")
    words.add_argument("--temp", type=Path, help="where the temporary folder is made")
    return words.parse_args()


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def one_pass(loads, targets, raw):
    """Every load on every target, one after the other, so that a busy minute hits all alike."""
    for connections in CONNECTIONS:
        for target in targets:
            got = loads.closed(target, "plain", connections)
            figures = {f"rps_{connections}": got["rps"], f"p50_{connections}": got["latency_us"]["p50"] / 1000,
                       f"p99_{connections}": got["latency_us"]["p99"] / 1000, "highest": got["memory"]}
            if connections == 32:
                figures |= {"cpu": got["cpu"], "cpu_answer": got["cpu_answer"], "cpu_store": got["cpu_store"]}
            raw[target.name].append(figures)
    for rate in RATES:
        base = None
        for target in targets:
            got = None if target.name == "LiteLLM" and rate > 200 else loads.paced(target, rate)
            if got is None:
                continue
            p50, p99 = got["latency_us"]["p50"] / 1000, got["latency_us"]["p99"] / 1000
            figures = {f"p50_{rate}": p50, f"p99_{rate}": p99}
            if target.name == "direct":
                base = (p50, p99)
            elif base:
                figures |= {f"added_p50_{rate}": p50 - base[0], f"added_p99_{rate}": p99 - base[1]}
            raw[target.name].append(figures)
    for target in targets:
        got = loads.streams(target, "stream")
        raw[target.name].append({"streams": got["rps"], "stream_cpu": got["cpu"], "stream_answer": got["cpu_answer"]})
        got = loads.streams(target, "burst")
        raw[target.name].append({"burst": got["rps"], "burst_cpu": got["cpu"]})
    for target in targets:
        if target.name == "LiteLLM":
            continue
        got = loads.slow_streams(target)
        raw[target.name].append({
            "ttfc_p50": got["first_event_us"]["p50"] / 1000, "ttfc_p99": got["first_event_us"]["p99"] / 1000,
            "chunk_p50": got["chunk_us"]["p50"] / 1000, "chunk_p99": got["chunk_us"]["p99"] / 1000,
            "chunk_max": got["chunk_us"]["max"] / 1000,
        })
    weir = next(target for target in targets if target.name == "Weir")
    got = loads.closed(weir, "kilobyte", 32, "--vary", "--body-size", 2048)
    raw["Weir"].append({"kb_rps": got["rps"], "kb_cpu": got["cpu"], "kb_answer": got["cpu_answer"]})


def middle(figures):
    names = dict.fromkeys(name for part in figures for name in part)
    return {name: median([part[name] for part in figures if name in part]) for name in names}


def measure(options, temp):
    bins = options.bin
    for name in ("weir", "weir-fake-provider", "weir-loadgen"):
        if not (bins / name).exists():
            raise Failed(f"{bins / name} is missing: cargo build --release -p weir -p weir-testkit")
    if not shutil.which("nginx"):
        raise Failed("nginx is missing: apt-get install -y --no-install-recommends nginx-light")
    venv = ROOT / ".cache/litellm"
    if options.with_litellm:
        install_litellm(venv, ROOT / "bench/requirements-litellm.txt")
    loads = Loads(bins, options.seconds)
    text = english.write(temp / "english.txt")
    lone, raw = {}, {}

    say("start")
    direct = Direct(bins, temp, None)
    starts = Weir(bins, temp / "starts", direct.port)
    starts.stop()
    lone["ready"] = median(starts.start_times(10))
    weir = Weir(bins, temp / "weir", direct.port)
    targets = [direct, Nginx(temp, direct.port)]
    if options.with_litellm:
        targets.append(LiteLLM(venv, temp, direct.port))
    targets.append(weir)
    time.sleep(2)
    idle = {target.name: target.process.memory() for target in targets}
    raw = {target.name: [] for target in targets}
    for target in targets:
        loads.run(target, "plain", "--connections", 8, seconds=0.5)
    for index in range(options.passes):
        say(f"pass {index + 1} of {options.passes}")
        one_pass(loads, targets, raw)
    results = {name: middle(figures) for name, figures in raw.items()}
    for target in targets:
        results[target.name] |= {"idle": idle[target.name], "highest": target.process.memory("VmHWM")}
    say("hits of the cache")
    lone |= cache_figures(loads, bins, temp, direct.port, targets[1], weir, options.passes)
    for target in targets[1:-1]:
        target.stop()

    say("sustained load")
    before = weir.totals()["count"]
    got = loads.closed(weir, "plain", 128, seconds=options.sustained)
    lone |= {"sustained": got["stored_rate"], "sustained_rps": got["rps"], "drain": got["drain"],
             "lost": got["ok"] - (weir.totals()["count"] - before), "unpriced": weir.totals()["unpriced"]}
    results["Weir"]["highest"] = weir.process.memory("VmHWM")
    if options.soak:
        say(f"soak: {options.soak} calls")
        lone["soak"] = soak(loads, weir, options.soak)
    weir.stop()
    say("size on disk")
    lone["disk_words"] = bytes_per_call(loads, Weir(bins, temp / "disk-words", direct.port), options.disk_calls, [])
    if MLFLOW.exists() and options.export_calls:
        say("export to a real MLflow server")
        lone |= export_figures(loads, bins, MLFLOW, temp, direct.port, options.export_calls)
    direct.stop()
    direct = Direct(bins, temp, text)
    disk = Weir(bins, temp / "disk-text", direct.port)
    lone["disk_text"] = bytes_per_call(loads, disk, options.disk_calls, ["--text", text])
    direct.stop()
    lone["binary"] = (bins / "weir").stat().st_size / 1e6
    return results, lone, raw


def lines(results, lone):
    """Weir's figures beside the targets that it was given."""
    r, nginx, direct = results["Weir"], results["nginx"], results["direct"]
    n = report.number
    rows = [
        ("CPU per plain call to the stored row (400 B prompt, 164 B answer)", f"{n(r['cpu'], 1)} µs", "≤ 100", r["cpu"] <= 100),
        ("… of it before the answer is out", f"{n(r['cpu_answer'], 1)} µs", "≤ 40", r["cpu_answer"] <= 40),
        ("the same with 2 KB prompt, 1 KB answer, all different",
         f"{n(r['kb_cpu'], 1)}, before the answer {n(r['kb_answer'], 1)} µs", "", None),
        ("CPU per stream of 50 chunks, a write each", f"{n(r['stream_cpu'])} µs", "≤ 400", r["stream_cpu"] <= 400),
        ("… all 50 chunks in one write of the provider", f"{n(r['burst_cpu'])} µs", "≤ 400", r["burst_cpu"] <= 400),
    ]
    for rate in RATES:
        for which, most in (("p50", 0.2), ("p99", 1)):
            added = r.get(f"added_{which}_{rate}")
            rows.append((f"added {which} at {rate:,} calls/s", f"{n(added, 2)} ms", f"≤ {most}",
                         added is not None and added <= most))
    for connections in (32, 128):
        share = r[f"rps_{connections}"] / nginx[f"rps_{connections}"]
        rows.append((f"throughput at {connections} connections, share of nginx's", n(share, 2), "≥ 0.4", share >= 0.4))
        if "LiteLLM" in results:
            times = r[f"rps_{connections}"] / results["LiteLLM"][f"rps_{connections}"]
            rows.append((f"throughput at {connections} connections, times LiteLLM's", n(times), "≥ 100", times >= 100))
    added = r["ttfc_p99"] - direct["ttfc_p99"]
    rows += [
        ("sustained to the store (drained at the end included)",
         f"{n(lone['sustained'])} calls/s, drain {n(lone['drain'], 2)} s", "≥ 10,000", lone["sustained"] >= 10_000),
        ("calls lost; calls without a price", f"{lone['lost']}; {lone['unpriced']}", "0; 0",
         lone["lost"] == 0 and lone["unpriced"] == 0),
        ("200 streams at once: added time to first chunk, p99", f"{n(added, 2)} ms", "< 5", added < 5),
        ("… a chunk's way from provider to client, p50 / p99 / longest (chunks are 20 ms apart)",
         f"{n(r['chunk_p50'], 2)} / {n(r['chunk_p99'], 2)} / {n(r['chunk_max'], 1)} ms, direct "
         f"{n(direct['chunk_p50'], 2)} / {n(direct['chunk_p99'], 2)} / {n(direct['chunk_max'], 1)}", "none held back",
         r["chunk_p99"] < 20),
        ("memory, idle", f"{n(r['idle'], 1)} MB", "< 50", r["idle"] < 50),
        ("memory, highest of all loads", f"{n(r['highest'], 1)} MB", "< 150", r["highest"] < 150),
    ]
    if "soak" in lone:
        s = lone["soak"]
        flat = s["tenths"][-1] <= 1.1 * s["tenths"][4]
        rows.append((f"memory over {n(s['calls'])} calls in {n(s['seconds'])} s, after each tenth",
                     " ".join(n(tenth) for tenth in s["tenths"]) + f" MB, highest {n(s['highest'])}", "flat", flat))
    for which, text in (("disk_text", "English documentation"), ("disk_words", "random English words")):
        d = lone[which]
        rows.append((f"bytes of the database per call of 2 KB and 1 KB, {text}, {n(d['calls'])} calls; with its log "
                     "while running; besides, the journal's last segment", f"{n(d['stopped'])}; {n(d['running'])}; "
                     f"{n(d['journal_mb'])} MB", "≤ 1,500", d["stopped"] <= 1500))
    rows += cache_rows(lone, n) + export_rows(lone)
    rows += [
        ("binary", f"{n(lone['binary'], 1)} MB", "< 40", lone["binary"] < 40),
        ("start to ready, median of 10", f"{n(lone['ready'])} ms", "≤ 200", lone["ready"] <= 200),
    ]
    return rows


def export_rows(lone):
    if "export_rate" not in lone:
        return []
    n = report.number
    return [("export to a real MLflow server (SQLite, two workers, this machine), "
             f"{n(lone['export_runs'])} calls; Weir's CPU for each",
             f"{n(lone['export_rate'], 1)} runs/s; {n(lone['export_cpu'], 2)} ms", "", None),
            (f"p50 / p99 at {RATE} calls/s beside an export that lags; without export",
             f"{n(lone['export_p50'], 2)} / {n(lone['export_p99'], 2)}; {n(lone['no_export_p50'], 2)} / "
             f"{n(lone['no_export_p99'], 2)} ms", "unchanged", None)]


def export_only(options, temp):
    direct = Direct(options.bin, temp, None)
    lone = export_figures(Loads(options.bin, options.seconds), options.bin, MLFLOW, temp, direct.port, options.export_calls)
    return report.targets(export_rows(lone))


def cache_only(options, temp):
    direct = Direct(options.bin, temp, None)
    plain = Weir(options.bin, temp / "weir", direct.port)
    lone = cache_figures(Loads(options.bin, options.seconds), options.bin, temp, direct.port, Nginx(temp, direct.port),
                         plain, options.passes)
    return report.targets(cache_rows(lone, report.number))


def store(options, temp):
    say(f"the store alone, {options.store_calls} calls")
    command = ["cargo", "run", "--release", "-q", "-p", "weir-store", "--example", "store_bench", "--",
               "--calls", "200000", "--single", "5000", "--fill", str(options.store_calls), "--dir", str(temp)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=7200)
    if done.returncode:
        raise Failed("store_bench failed")
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    return "\n".join(rows[:1] + ["|---|---|---|"] + rows[1:])


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    temp = Path(tempfile.mkdtemp(prefix="weir-bench-", dir=options.temp))
    begun, busy, load = time.monotonic(), machine_busy(), report.load_average()
    try:
        if options.export_only or options.cache_only:
            page = (export_only if options.export_only else cache_only)(options, temp)
            print(f"Measured {report.date()}, programs of `{options.bin.name}`, on {report.machine()}, load average {load} "
                  f"at the start.\n\n{page}")
            return 0
        results, lone, raw = measure(options, temp)
        took = time.monotonic() - begun
        whole = machine_busy() - busy
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
        others = max(whole - own, 0) / took
        page = [
            f"Measured {report.date()} in {took:.0f} s, programs of `{options.bin.name}`, on {report.machine()}. Load "
            f"average {load} at the start, {report.load_average()} at the end; processes that are not the benchmark's "
            f"took {others:.2f} cores on average{': the machine was busy' if others > 0.2 else ''}. Medians of "
            f"{options.passes} interleaved passes of {options.seconds:g} s. Provider, load generator and gateway share "
            "the machine, so CPU per call is the steadiest figure. Weir runs with a key, full recording, cost and "
            "metrics; nginx with one worker, as a plain proxy; LiteLLM with one worker, a master key and no database.",
            "", report.compared(results), "", report.targets(lines(results, lone)),
        ]
        if options.store:
            page += ["", "The store alone, and reading:", "", store(options, temp)]
        page = "\n".join(page) + "\n"
        print(page)
        if options.output:
            options.output.write_text(page)
        if options.json:
            options.json.write_text(json.dumps({"medians": results, "single": lone, "passes": raw}, indent=1))
    except (Failed, KeyError) as error:
        print(f"bench: {error!r}" if isinstance(error, KeyError) else f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        stop_all()
        shutil.rmtree(temp, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
