"""A Weir of the test's own: configuration, process, clients, records."""

import re
import subprocess
from pathlib import Path
from urllib.parse import quote, urlencode

import anthropic
import openai

from rig.http import Line, request
from rig.process import BIN, Process, environment, eventually

#: The key that SDKs send where Weir asks for none.
CALLER_KEY = "caller-key-that-nobody-checks"


def behave(name, key, *words):
    """A model's name that tells the fake provider how to behave: `up/gpt-4o` and `chunks=3` make `up/gpt-4o!...`."""
    return f"{name}!{','.join([f'key={key}', *words])}"


class Weir:
    """A running server. `listen` and `data` default to a free port of loopback and a folder beside the configuration."""

    def __init__(self, folder: Path, config="", listen="127.0.0.1:0", data=None, env=None, start=True):
        self.folder = folder
        self.config_path = folder / "weir.toml"
        self.config_path.write_text(config)
        self.data = data or folder / "data"
        self.listen = listen
        self.env = env
        self.process = None
        self.clients = {}
        if start:
            self.start()

    def spawn(self):
        """Starts the process and does not wait."""
        argv = [BIN / "weir", "serve", "--config", self.config_path, "--listen", self.listen, "--data", self.data]
        self.process = Process(argv, self.folder / "weir.log", self.env, self.folder)
        return self.process

    def start(self):
        ready = self.spawn().wait_for(r"weir is ready address=[^\s]*:(\d+)")
        self.url = f"http://127.0.0.1:{ready.group(1)}"
        return self

    def stop(self, seconds=20.0):
        return self.process.stop(seconds) if self.process else None

    def log(self):
        return (self.folder / "weir.log").read_text(errors="replace")

    # Talking to it

    def get(self, path, headers=None, timeout=30.0, **parameters):
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        return request("GET", f"{self.url}{path}{query}", headers=headers, timeout=timeout)

    def post(self, path, body, headers=None, timeout=30.0):
        return request("POST", self.url + path, body, headers, timeout)

    def chat(self, model, id=None, headers=None, **members):
        """A chat request as raw HTTP."""
        body = {"model": model, "messages": [{"role": "user", "content": "hello there"}], **members}
        given = {"x-request-id": id} if id else {}
        return self.post("/v1/chat/completions", body, {**given, **(headers or {})})

    def line(self, path, body, headers=None):
        return Line("POST", self.url + path, body, headers)

    def openai(self, key=CALLER_KEY, id=None, **options):
        return self.client(openai.OpenAI, f"{self.url}/v1", key, id, options)

    def anthropic(self, key=CALLER_KEY, id=None, **options):
        return self.client(anthropic.Anthropic, self.url, key, id, options)

    def client(self, kind, base_url, key, id, options):
        """An SDK's client that tries once; all of one kind share their connections, as making a pool takes long."""
        if (kind, base_url) not in self.clients:
            self.clients[kind, base_url] = kind(base_url=base_url, api_key=key, max_retries=0, timeout=30)
        headers = {"x-request-id": id} if id else {}
        return self.clients[kind, base_url].with_options(api_key=key, default_headers=headers, **options)

    # What it recorded

    def call(self, id, headers=None):
        """The record of a request id, with payload; waits until it is there."""

        def ask():
            answer = self.get(f"/api/v1/calls/{quote(id, safe='')}", headers)
            return answer.json() if answer.status == 200 else None

        return eventually(f"the call {id} is recorded", ask)

    def calls(self, headers=None, **parameters):
        answer = self.get("/api/v1/calls", headers, **parameters)
        assert answer.status == 200, answer.text
        return answer.json()["calls"]

    def all_calls(self, **parameters):
        """Every page."""
        found, cursor = [], {}
        while True:
            page = self.get("/api/v1/calls", None, limit=500, **parameters, **cursor).json()
            found += page["calls"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}

    def trace(self, id, headers=None):
        """Every span of a trace, with payload; none where the trace is not known."""
        found, cursor = [], {}
        while True:
            answer = self.get(f"/api/v1/traces/{id}", headers, payload="true", **cursor)
            if answer.status == 404:
                return []
            assert answer.status == 200, answer.text
            page = answer.json()
            found += page["spans"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}

    def metrics(self, headers=None):
        """The metrics page: {(name, frozenset of labels): value}."""
        found = {}
        for line in self.get("/metrics", headers).text.splitlines():
            match = re.match(r"([a-zA-Z_:]\w*)(?:\{(.*)\})? ([^ ]+)$", line)
            if match:
                labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or "")
                found[match.group(1), frozenset(labels)] = float(match.group(3))
        return found

    def metric(self, name, headers=None, **labels):
        """The sum of a metric's series that carry the labels."""
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.metrics(headers).items() if n == name and wanted <= have)


def run(*arguments, env=None, cwd=None, input=None, check=True):
    """The command line: runs `weir` to its end."""
    done = subprocess.run(
        [str(BIN / "weir"), *map(str, arguments)],
        env=environment(env),
        cwd=cwd,
        input=input,
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert not check or done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
