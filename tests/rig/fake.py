"""The fake provider."""

from pathlib import Path

from rig.http import request
from rig.process import BIN, Process, eventually


class Fake:
    def __init__(self, folder: Path):
        self.process = Process([BIN / "weir-fake-provider"], folder / "fake.log")
        self.url = self.process.wait_for(r"listening on (http://[0-9.:]+)").group(1)

    def requests(self, key):
        """What came in for a key, oldest first."""
        return request("GET", f"{self.url}/__fake/requests?key={key}").json()

    def only(self, key):
        """The one request that came in for a key."""
        found = self.requests(key)
        assert len(found) == 1, f"{len(found)} requests"
        return found[0]

    def arrived(self, key, count=1):
        """Waits until so many requests of a key are there."""
        return eventually(f"{count} requests upstream", lambda: len(self.requests(key)) >= count and self.requests(key))

    def left(self, key):
        """Waits until the gateway has gone away from the key's only request."""
        return eventually(
            "the upstream call is cancelled", lambda: self.requests(key) and self.only(key)["disconnected"], 3
        )

    def stats(self):
        return request("GET", f"{self.url}/__fake/stats").json()

    def stop(self):
        self.process.stop()
