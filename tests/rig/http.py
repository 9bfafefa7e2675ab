"""HTTP as bytes, without a client library's opinions."""

import http.client
import json
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def events(self):
        """The stream's events: (name, data) each."""
        found = []
        for block in self.text.replace("\r\n", "\n").split("\n\n"):
            name, data = None, []
            for line in block.split("\n"):
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if field == "event":
                    name = value
                elif field == "data":
                    data.append(value)
            if data:
                found.append((name, "\n".join(data)))
        return found

    def chunks(self):
        """The JSON of a stream's events, without the end mark."""
        return [json.loads(data) for _, data in self.events() if data != "[DONE]"]


def encoded(body):
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def request(method, url, body=None, headers=None, timeout=30.0):
    """One request on a connection of its own, its answer read to the end."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        kind = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, path, encoded(body), {**kind, **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class Line:
    """A connection on which a request was sent and whose answer is read piece by piece, or left."""

    def __init__(self, method, url, body=None, headers=None, timeout=20.0):
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout)
        body = encoded(body) or b""
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {path} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
        lines += ["content-type: application/json"] if body else []
        lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.received = b""

    def read_until(self, piece: bytes):
        """Reads until a piece has come; returns everything so far."""
        while piece not in self.received:
            more = self.socket.recv(65536)
            if not more:
                raise AssertionError(f"the connection ended before {piece!r}: {self.received!r}")
            self.received += more
        return self.received

    def read_to_end(self):
        while more := self.socket.recv(65536):
            self.received += more
        return self.received

    def close(self):
        """Goes away, as a client does that was ended."""
        self.socket.close()
