"""The server under test, and raw HTTP where the client would not let a test say what it wants to say."""

import json
import os
import socket
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from rig import request
from rig.http import Answer

#: Empty: Weir. `1`, or the address of a running one: a real `mlflow server`.
PEER = os.environ.get("MLFLOW_PEER", "")

PREFIX = "/api/2.0/mlflow/"


class Tracking:
    def __init__(self, url, folder="", pid="0"):
        self.url, self.folder, self.pid = url, Path(folder), int(pid)

    def ask(self, method, path, body=None, /, headers=None, timeout=60.0, **query):
        """One request. `path` is below `/api/2.0/mlflow/` unless it begins with a slash."""
        url = self.url + (path if path.startswith("/") else PREFIX + path)
        if query:
            url += "?" + urlencode(query, doseq=True, quote_via=quote)
        return request(method, url, body, headers, timeout)

    def get(self, path, /, **query):
        return self.ask("GET", path, **query)

    def post(self, path, body=None, /, **query):
        return self.ask("POST", path, body, **query)

    def ok(self, method, path, body=None, /, **query):
        """The JSON of an answer that must be 200."""
        answer = self.ask(method, path, body, **query)
        assert answer.status == 200, (path, answer.status, answer.text[:800])
        return json.loads(answer.body or b"{}")

    def refused(self, method, path, body=None, /, **query):
        """(status, error code, message) of an answer that must be an error."""
        answer = self.ask(method, path, body, **query)
        assert 400 <= answer.status < 600, (path, answer.status, answer.text[:800])
        said = answer.json()
        assert answer.headers["content-type"].startswith("application/json")
        return answer.status, said["error_code"], said["message"]

    def resident(self):
        """The resident bytes of the server and of what it started."""
        found, pids = 0, [self.pid]
        while pids:
            pid = pids.pop()
            try:
                tasks = Path(f"/proc/{pid}/task")
                pids += [int(c) for task in tasks.iterdir() for c in (task / "children").read_text().split()]
                found += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            except OSError:
                pass  # It ended meanwhile.
        return found

    def bytes(self, method, target, body=b"", headers=()):
        """One request whose target goes onto the socket as it is: `target` is bytes, and no library has an opinion of it."""
        parts = urlsplit(self.url)
        lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: " + parts.netloc.encode(),
                 b"Connection: close", b"Content-Length: %d" % len(body), *headers]
        with socket.create_connection((parts.hostname, parts.port), 30) as connection:
            connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            received = b""
            while more := connection.recv(65536):
                received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, _, v in (f.partition(": ") for f in fields)}
        return Answer(int(first.split()[1]), headers, rest)
