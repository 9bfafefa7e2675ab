"""Processes of a benchmark: started, watched through /proc, and ended by their own ids."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
STARTED = []


class Failed(Exception):
    """The benchmark cannot go on."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A process in a session of its own; its log stands in the temporary folder."""

    def __init__(self, name, command, log, env=None, cwd=None):
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True,
            )
        STARTED.append(self)

    def tail(self):
        return Path(self.log).read_text(errors="replace")[-1500:]

    def check(self):
        if self.child.poll() is not None:
            raise Failed(f"{self.name} ended with status {self.child.returncode}:\n{self.tail()}")

    def wait_http(self, url, seconds, headers=None, pause=0.05):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError):
                request = urllib.request.Request(url, headers=headers or {})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    if answer.status == 200:
                        return
            time.sleep(pause)
        raise Failed(f"{self.name} does not answer at {url} within {seconds} s:\n{self.tail()}")

    def pids(self):
        """The process and those it started."""
        found, waiting = [], [self.child.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    waiting += map(int, (task / "children").read_text().split())
        return found

    def cpu(self):
        """Seconds of CPU, user and system, of the process tree."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def cpu_by_thread(self):
        """Seconds of CPU by thread name, from the scheduler's own count (nanoseconds)."""
        total = {}
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    with contextlib.suppress(OSError):
                        name = (task / "comm").read_text().strip()
                        spent = int((task / "schedstat").read_text().split()[0]) / 1e9
                        total[name] = total.get(name, 0) + spent
        return total

    def memory(self, which="VmRSS"):
        """MB (10^6 bytes) of the tree; VmHWM is the highest so far."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith(which + ":"):
                        total += int(line.split()[1]) * 1024
        return total / 1e6

    def stop(self, seconds=15):
        """SIGTERM, then, if it must be, SIGKILL: to these processes only."""
        if self.child.poll() is None:
            pids = self.pids()
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.child.wait(5)
        if self in STARTED:
            STARTED.remove(self)


def stop_all():
    for process in list(reversed(STARTED)):
        process.stop()


def machine_busy():
    """Seconds of CPU that the whole machine has spent so far."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS
