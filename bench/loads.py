"""The loads, and what each of them yields."""

import json
import statistics
import subprocess
import time

from process import Failed


class Loads:
    """Runs the load generator against targets; one heavy load at a time."""

    def __init__(self, bin_dir, seconds):
        self.program, self.seconds = bin_dir / "weir-loadgen", seconds

    def run(self, target, load, *words, seconds=None, errors=False):
        seconds = self.seconds if seconds is None else seconds
        own = target.words(load)
        if "--body" in words:
            # A body names its model itself.
            at = own.index("--model")
            own = own[:at] + own[at + 2:]
        command = [self.program, "--url", target.url(), *own, "--duration", seconds, *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds + 120)
        if done.returncode:
            raise Failed(f"the load generator failed: {done.stderr}")
        report = json.loads(done.stdout)
        target.process.check()
        if not report["ok"] or (report["errors"] and not errors):
            raise Failed(f"{target.name}, {load}: the answers are not all good: {report}\n{target.process.tail()}")
        return report

    def closed(self, target, load, connections, *words, seconds=None):
        """A closed loop with the CPU that it cost: until answered by thread, and in all until drained."""
        target.drained()
        threads, whole = target.process.cpu_by_thread(), target.process.cpu()
        begun = time.monotonic()
        report = self.run(target, load, "--connections", connections, *words, seconds=seconds)
        took = time.monotonic() - begun
        drain = target.drained()
        after = target.process.cpu_by_thread()
        calls = report["ok"] + report["errors"]
        spent = {name: (cpu - threads.get(name, 0)) / calls * 1e6 for name, cpu in after.items()}
        store = sum(cpu for name, cpu in spent.items() if name.startswith(("ingest-", "store-", "journal-")))
        report["cpu"] = (target.process.cpu() - whole) / calls * 1e6
        report["cpu_store"] = store
        report["cpu_answer"] = max(report["cpu"] - store, 0)
        report["stored_rate"] = report["ok"] / (took + drain)
        report["drain"] = drain
        report["memory"] = target.process.memory("VmHWM")
        return report

    def streams(self, target, load, connections=32):
        return self.closed(target, load, connections, "--stream")

    def paced(self, target, rate, *words):
        """An open loop; None when the target cannot keep up."""
        report = self.run(target, "plain", "--rate", rate, "--connections", 64, "--warmup", 0.5, *words, errors=True,
                          seconds=self.seconds + 0.5)
        target.drained()
        return report if report["rps"] > 0.9 * rate and not report["errors"] else None

    def slow_streams(self, target):
        """About 200 streams at once, of 100 chunks 20 ms apart; chunks carry the time of their sending."""
        seconds = max(self.seconds, 3) + 2
        report = self.run(target, "slow", "--stream", "--stamps", "--rate", 100, "--spacing", "uniform",
                          "--connections", 400, "--warmup", 2, seconds=seconds)
        target.drained()
        if report["chunks"] != 100 * report["ok"]:
            raise Failed(f"{target.name}: {report['chunks']} chunks of {report['ok']} streams of 100 came")
        return report


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def settled(weir, seconds=60):
    """Waits until background work has stopped changing the database's size."""
    deadline = time.monotonic() + seconds
    size, since = weir.sizes(), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < 4:
        time.sleep(0.5)
        now = weir.sizes()
        if now != size:
            size, since = now, time.monotonic()


def bytes_per_call(loads, weir, calls, words):
    """Stores `calls` calls of 2 KB and 1 KB; bytes of the database for each, and what the drained journal keeps."""
    report = loads.run(weir, "kilobyte", "--vary", "--body-size", 2048, "--connections", 32, "--requests", calls,
                       *words, seconds=600)
    weir.drained()
    stored = weir.totals()["count"]
    if stored != report["ok"]:
        raise Failed(f"{report['ok']} calls were answered, {stored} are stored")
    settled(weir)
    running = weir.sizes()
    weir.stop()
    stopped = weir.sizes()
    return {"calls": stored, "running": running["database"] / stored, "stopped": stopped["database"] / stored,
            "journal_mb": stopped["journal"] / 1e6}


def soak(loads, weir, calls):
    """Resident memory over many calls: at tenths of the way, and the highest."""
    command = [loads.program, "--url", weir.url(), *weir.words("plain"), "--duration", 3600, "--requests", calls,
               "--connections", 32]
    before = weir.totals()["count"]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True) as load:
        samples, begun = [], time.monotonic()
        while load.poll() is None:
            samples.append(weir.process.memory())
            time.sleep(0.5)
        took = time.monotonic() - begun
        report = json.loads(load.stdout.read())
    weir.drained()
    stored = weir.totals()["count"] - before
    if report["errors"] or stored != report["ok"]:
        raise Failed(f"soak: {stored} calls stored of {report}")
    tenths = [samples[min(len(samples) - 1, len(samples) * tenth // 10)] for tenth in range(1, 10)] + samples[-1:]
    return {"calls": report["ok"], "seconds": took, "tenths": tenths, "highest": max(samples)}
