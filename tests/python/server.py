"""A Weir server of the test's own."""

import json
import os
import re
import subprocess
import time
import urllib.request

KEY = "wk-write-0123456789"
CONFIG = f"""
[[keys]]
name = "program"
key = "{KEY}"
role = "admin"
"""


class Server:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        (folder / "weir.toml").write_text(CONFIG)
        self.listen = "127.0.0.1:0"
        self.process = None

    def start(self):
        log = self.folder / "weir.log"
        begun = log.stat().st_size if log.exists() else 0
        argv = [self.program, "serve", "--config", self.folder / "weir.toml", "--listen", self.listen, "--data", self.folder / "data"]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with log.open("ab") as out:
            self.process = subprocess.Popen(argv, stdout=out, stderr=out, cwd=self.folder, env={**kept, "NO_COLOR": "1"})
        deadline = time.monotonic() + 20
        while True:
            said = log.read_text(errors="replace")[begun:]
            ready = re.search(r"weir is ready address=[^\s]*:(\d+)", said)
            if ready:
                break
            assert self.process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.02)
        self.listen = f"127.0.0.1:{ready.group(1)}"
        self.url = f"http://{self.listen}"
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {KEY}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def wait_for_calls(self, count):
        """The gateway's calls are stored a moment after they are answered."""
        deadline = time.monotonic() + 10
        while True:
            found = self.get("/api/v1/calls?limit=500")["calls"]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def calls(self):
        """What it has recorded, oldest first, with payload."""
        ids = [call["request_id"] for call in self.get("/api/v1/calls?limit=500")["calls"]]
        return [self.get(f"/api/v1/calls/{request_id}") for request_id in reversed(ids)]
