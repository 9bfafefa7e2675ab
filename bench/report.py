"""The tables."""

import os
import platform
import time
from pathlib import Path


def number(value, digits=0):
    return "–" if value is None else f"{value:,.{digits}f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def machine():
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    return f"{len(names)} cores {names[0] if names else platform.machine()}, {memory:.0f} GB, Linux {platform.release()}"


def compared(results):
    """One line for each way to the provider."""
    head = ["", "calls/s, 1 connection", "32", "128", "p50 / p99 ms at 32", "CPU µs a call",
            "added p50 / p99 ms at 200/s", "at 1,000/s", "streams of 50 chunks/s", "CPU µs a stream",
            "first chunk, p50 / p99 ms, 200 streams", "memory MB, idle / highest"]
    rows = []
    for name, r in results.items():
        added = [
            "not sustained" if r.get(f"added_p50_{rate}") is None
            else f"{r[f'added_p50_{rate}']:+.2f} / {r[f'added_p99_{rate}']:+.2f}" for rate in (200, 1000)
        ] if name != "direct" else [
            "({} / {} in all)".format(number(r["p50_200"], 2), number(r["p99_200"], 2)),
            "({} / {} in all)".format(number(r["p50_1000"], 2), number(r["p99_1000"], 2)),
        ]
        first = "–" if r.get("ttfc_p99") is None else f"{r['ttfc_p50']:.2f} / {r['ttfc_p99']:.2f}"
        rows.append([
            name, number(r["rps_1"]), number(r["rps_32"]), number(r["rps_128"]),
            f"{number(r['p50_32'], 2)} / {number(r['p99_32'], 2)}", number(r["cpu"], 1), *added,
            number(r["streams"]), number(r["stream_cpu"]), first,
            f"{number(r['idle'])} / {number(r['highest'])}",
        ])
    return table(head, rows)


def targets(lines):
    """Weir against its own targets: figure, reached, target, whether."""
    rows = []
    for what, reached, target, met in lines:
        rows.append([what, reached, target, {True: "yes", False: "**no**", None: ""}[met]])
    return table(["figure", "reached", "target", "met"], rows)


def date():
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC"


def load_average():
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
