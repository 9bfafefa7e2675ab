#!/usr/bin/env python3
"""What one logged call costs the Python program that makes it, in microseconds, with 2 KB of prompt and 1 KB of answer.

Run it with an interpreter that has the wheel: make python-wheel, then install .cache/wheels/weir-*.whl.
"""

import argparse
import random
import string
import tempfile
import time
from pathlib import Path

from weir import ObservabilityLogger


def texts(count, length, chance):
    letters = string.ascii_lowercase + " " * 6
    return ["".join(chance.choices(letters, k=length)) for _ in range(count)]


def measure(logger, calls, every, prompts, answers):
    """Microseconds of each call, one every so many seconds; 0 for one after the other."""
    took = []
    due = time.perf_counter()
    for n in range(calls):
        while every and time.perf_counter() < due:
            time.sleep(0)
        due += every
        prompt, answer = prompts[n % len(prompts)], answers[n % len(answers)]
        begun = time.perf_counter_ns()
        logger.log_llm_call(
            request_id=f"req-{n}",
            prompt_version="v1",
            model="gpt-4o-mini",
            prompt=prompt,
            response=answer,
            prompt_tokens=500,
            completion_tokens=250,
            latency_ms=812.5,
            status="success",
            metadata={"topic": "password", "attempt": 1},
        )
        took.append((time.perf_counter_ns() - begun) / 1_000)
    return sorted(took)


def quantile(took, share):
    return took[min(len(took) - 1, int(len(took) * share))]


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--calls", type=int, default=20_000)
    words.add_argument("--rate", type=float, default=1_000, help="calls a second of the second pass")
    given = words.parse_args()
    chance = random.Random(1)
    prompts, answers = texts(500, 2_048, chance), texts(500, 1_024, chance)
    with tempfile.TemporaryDirectory() as folder:
        logger = ObservabilityLogger(db_path=Path(folder) / "bench.db", strict=True)
        measure(logger, 2_000, 0, prompts, answers)
        logger.flush(60)
        paced = measure(logger, min(given.calls, int(given.rate * 5)), 1 / given.rate, prompts, answers)
        logger.flush(60)
        burst = measure(logger, given.calls, 0, prompts, answers)
        drained = time.perf_counter()
        logger.flush(120)
        drained = time.perf_counter() - drained
        stats = logger.stats()
    for name, took in ((f"at {given.rate:.0f} calls/s", paced), ("one after the other", burst)):
        mean = sum(took) / len(took)
        print(
            f"one logged call, {name}: {quantile(took, 0.5):.1f} µs p50, {quantile(took, 0.99):.1f} µs p99, {mean:.1f} µs mean "
            f"({len(took)} calls)"
        )
    print(f"stored {stats['stored']} of {stats['logged']}, lost {stats['lost']}; the last pass took {drained:.1f} s more to be stored")


if __name__ == "__main__":
    main()
