"""Programs under test: started, watched through their log, ended by their process id."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("WEIR_BIN_DIR", ROOT / "target" / "debug"))


def eventually(what, ask, seconds=10.0, every=0.02):
    """Asks until the answer is true, and returns it; fails naming `what` when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last answer: {answer!r}")
        time.sleep(every)


def environment(extra=None):
    """The environment of a machine on which nobody has set up any provider."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "NO_COLOR": "1", **(extra or {})}


class Process:
    """One program; its output goes to a file."""

    def __init__(self, argv, log: Path, env=None, cwd=None):
        self.log_path = log
        self.log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self.child = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment(env),
                cwd=cwd,
            )

    @property
    def pid(self):
        return self.child.pid

    def log(self):
        """What it has written since it started."""
        return self.log_path.read_bytes()[self.log_start :].decode(errors="replace")

    def wait_for(self, pattern, seconds=20.0):
        """The first match of a pattern in the log."""

        def look():
            found = re.search(pattern, self.log())
            if found is None and self.child.poll() is not None:
                raise AssertionError(f"ended with {self.child.returncode} before {pattern!r}:\n{self.log()}")
            return found

        return eventually(f"{pattern!r} in the log", look, seconds)

    def running(self):
        return self.child.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds=20.0):
        return self.child.wait(seconds)

    def stop(self, seconds=20.0):
        """Asks it to end; returns its exit code."""
        if self.running():
            self.signal(signal.SIGTERM)
            try:
                self.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"did not stop within {seconds} s:\n{self.log()}") from None
        return self.child.returncode

    def kill(self):
        if self.running():
            self.signal(signal.SIGKILL)
        return self.wait()
