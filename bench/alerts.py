"""What 200 alert rules cost: a server with calls of 26 hours, four kinds of rules with 20 series each.

python bench/alerts.py (WEIR_BIN_DIR names the folder of the binary)
"""

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "watch")]

from alerting import ERRORS, calls, create, ok, serve, this_minute  # noqa: E402
from traffic import HOUR, load  # noqa: E402

KINDS = [
    {"metric": {"measure": "error_ratio"}, "condition": {"warn": 0.15, "crit": 0.4}, "window": "5m"},
    {"metric": {"measure": "latency", "agg": "p95"}, "condition": {"crit": 5}, "window": "15m", "every": "1m"},
    {"metric": {"measure": "cost"}, "condition": {"type": "ratio_to_baseline", "factor": 3}, "window": "1h", "every": "1m"},
    {"metric": {"measure": "requests"}, "condition": {"op": "<", "crit": 1}, "window": "1d", "every": "1m"},
]
SECONDS = 120


def cpu(weir):
    fields = Path(f"/proc/{weir.process.pid}/stat").read_text().split()
    return (int(fields[13]) + int(fields[14])) / 100


def main():
    weir = serve(Path(tempfile.mkdtemp()))
    now = this_minute()
    for model in range(20):
        load(weir, calls(now - 26 * HOUR, now, failing=1, model=f"model-{model}", every=30_000_000))
    for n in range(200):
        create(weir, id=f"rule-{n}", channels=[], **KINDS[n % len(KINDS)])
    time.sleep(20)
    before, spent = weir.metric("weir_alert_evaluation_seconds_count"), cpu(weir)
    time.sleep(SECONDS)
    count, spent = weir.metric("weir_alert_evaluation_seconds_count") - before, cpu(weir) - spent
    print(f"{count:.0f} evaluations in {SECONDS} s: {spent:.2f} s of CPU, {1_000 * spent / count:.1f} ms each")
    for n in range(len(KINDS)):
        rule = ok(weir.get(f"/api/v1/alert-rules/rule-{n}"))
        print(rule["rule"]["metric"], rule["rule"]["window"], f"{rule['took_ms']:.1f} ms, {rule['series']} series")
    began = time.monotonic()
    run = ok(weir.post("/api/v1/alert-rules/dry-run", ERRORS, timeout=300))
    print(f"dry run: {run['evaluations']} evaluations in {time.monotonic() - began:.1f} s")
    weir.stop()


if __name__ == "__main__":
    main()
