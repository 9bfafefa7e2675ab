#!/usr/bin/env python3
"""Scores `weir detect` on a folder in the form of the Numenta Anomaly Benchmark.

    python3 bench/nab.py [FOLDER] [--bin target/release/weir] [--threshold 0.5] [--files] [--keep DIR]

FOLDER (bench/data/nab unless given) holds data/<category>/<file>.csv, or .csv.gz, and labels/combined_windows.json. One setting
and one threshold for all files; without --threshold the one that is best in hindsight, as the benchmark's own table has it.
Standard library only. The score (Lavin and Ahmad 2015, and its reference implementation's rules):

- the first 15 % of a file, at most 750 rows, are not scored;
- in a window of w rows the best row over the threshold counts s(-(rows to the window's end, this one included) / w) / s(-1),
  with s(y) = 2 / (1 + e^5y) - 1;
- each row over it outside counts A_fp s(distance past the last window / (its rows - 1)), -1 from 3 on and before any window;
- a window without a row over the threshold counts -A_fn;
- 0 is a detector that says nothing, 100 one that says the first row of each window and nothing else.
"""

import argparse
import csv
import gzip
import json
import math
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROBATION, PROBATION_ROWS = 0.15, 750
#: Weights of a false alarm and of a missed window; a found one weighs 1.
PROFILES = {"standard": (0.11, 1.0), "low FP": (0.22, 1.0), "low FN": (0.11, 2.0)}


def sigmoid(y):
    return -1.0 if y > 3 else 2 / (1 + math.exp(5 * y)) - 1


def detect(program, path):
    """The rows of a file and what `weir detect` says of them."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        text = file.read()
    done = subprocess.run([program, "detect", "-"], input=text, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr.decode()}")
    return list(csv.DictReader(done.stdout.decode().splitlines()))


class Series:
    """A file's rows with what each is worth when it is over the threshold."""

    def __init__(self, name, rows, windows):
        self.name, self.scores = name, [float(row["anomaly_score"]) for row in rows]
        place = {row["timestamp"][:19]: at for at, row in reversed(list(enumerate(rows)))}
        self.windows = [(place[begin[:19]], place[end[:19]]) for begin, end in windows]
        self.first = int(min(PROBATION * len(rows), PROBATION_ROWS))

    def points(self):
        """(score, worth, window or None) of the rows that are scored."""
        for at in range(self.first, len(self.scores)):
            inside = next((w for w in self.windows if w[0] <= at <= w[1]), None)
            if inside:
                begin, end = inside
                yield self.scores[at], sigmoid(-(end - at + 1) / (end - begin + 1)) / sigmoid(-1), (self.name, begin)
                continue
            passed = [w for w in self.windows if w[1] < at]
            if passed:
                begin, end = max(passed, key=lambda w: w[1])
                yield self.scores[at], sigmoid((at - end) / max(end - begin, 1)), None
            else:
                yield self.scores[at], -1.0, None


def score(series, profile="standard", threshold=None):
    """0 to 100 and how it came about, at the threshold or the best one."""
    false_alarm, missed = PROFILES[profile]
    points = sorted((p for s in series for p in s.points()), key=lambda p: -p[0])
    best = {window: -missed for _, _, window in points if window}
    windows, found, alarms = sum(len(s.windows) for s in series), set(), 0
    raw = null = -missed * len(best)
    answer = (raw, math.inf if threshold is None else threshold, 0, 0)
    for at, (height, worth, window) in enumerate(points):
        if threshold is not None and height < threshold:
            break
        if window is None:
            raw += false_alarm * worth
            alarms += 1
        elif worth > best[window]:
            raw += worth - best[window]
            best[window] = worth
            found.add(window)
        last_of_height = at + 1 == len(points) or points[at + 1][0] < height
        if threshold is not None or (last_of_height and raw > answer[0]):
            answer = (raw, height if threshold is None else threshold, len(found), alarms)
    raw, threshold, found, alarms = answer
    value = 100 * (raw - null) / (windows - null) if windows > null else 0.0
    return {"score": round(value, 2), "threshold": threshold, "windows": windows, "found": found, "false alarms": alarms}


def run(program, folder):
    """All files of a folder, detected."""
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    paths = {}
    for path in sorted((folder / "data").glob("*/*.csv*")):
        paths[f"{path.parent.name}/{path.name.removesuffix('.gz')}"] = path
    if not paths:
        sys.exit(f"{folder}: no data/<category>/<file>.csv")
    with ThreadPoolExecutor(max_workers=2) as pool:
        rows = pool.map(lambda path: detect(program, path), paths.values())
        return [Series(name, found, labels.get(name, [])) for name, found in zip(paths, rows)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=HERE / "data" / "nab")
    parser.add_argument("--bin", default=str(HERE.parent / "target" / "release" / "weir"))
    parser.add_argument("--threshold", type=float)
    parser.add_argument("--files", action="store_true", help="also each file by itself, at the threshold for all")
    options = parser.parse_args()
    begun = time.monotonic()
    series = run(options.bin, options.folder)
    took = time.monotonic() - begun
    print(f"{len(series)} files, {sum(len(s.scores) for s in series):,} rows, {took:.1f} s\n")
    print("| files | profile | score | threshold | windows found | false alarms |\n|---|---|---|---|---|---|")

    def line(name, series, profile, threshold):
        got = score(series, profile, threshold)
        print(f"| {name} | {profile} | {got['score']:.1f} | {got['threshold']:.3f} | {got['found']} of {got['windows']} | {got['false alarms']} |")
        return got["threshold"]

    for profile in PROFILES:
        line("all", series, profile, options.threshold)
    best = options.threshold or score(series)["threshold"]
    categories = sorted({s.name.split("/")[0] for s in series})
    for category in categories:
        inside = [s for s in series if s.name.startswith(category + "/")]
        others = [s for s in series if not s.name.startswith(category + "/")]
        line(category, inside, "standard", options.threshold)
        if others and options.threshold is None:
            line(f"{category}, at the threshold that is best for the others", inside, "standard", score(others)["threshold"])
    if options.files:
        for one in series:
            line(one.name, [one], "standard", best)


if __name__ == "__main__":
    main()
