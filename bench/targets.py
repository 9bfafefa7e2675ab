"""What is measured: the provider itself, nginx, LiteLLM and Weir, each in front of the same fake provider."""

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

from process import Failed, Process, free_port

MODEL = "gpt-4o-mini"
KEY = "wk-bench-0123456789abcdef0123456789abcdef"
# What the provider is asked to do, by the name of the load.
BEHAVIOURS = {
    "plain": "",
    "kilobyte": "vary,size=1024",
    "stream": "chunks=50,flush",
    "burst": "chunks=50",
    "slow": "chunks=100,delay=20,stamp",
}


class Target:
    """One way to the provider."""

    def __init__(self, name, process, port):
        self.name, self.process, self.port = name, process, port

    def url(self):
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    def words(self, load):
        """How the load generator asks this target for a behaviour."""
        words = ["--model", MODEL]
        return words + (["--header", f"x-fake:{BEHAVIOURS[load]}"] if BEHAVIOURS[load] else [])

    def drained(self, seconds=0):
        """Waits until nothing is left to do; seconds that took."""
        return 0.0

    def stop(self):
        self.process.stop()


class Direct(Target):
    def __init__(self, bin_dir, temp, text):
        log = temp / "fake.log"
        port = free_port()
        command = [bin_dir / "weir-fake-provider", "--listen", f"127.0.0.1:{port}", "--quiet"]
        process = Process("fake provider", command + (["--text", text] if text else []), log)
        process.wait_http(f"http://127.0.0.1:{port}/__fake/stats", 5)
        super().__init__("direct", process, port)


class Nginx(Target):
    def __init__(self, temp, upstream):
        port = free_port()
        folder = temp / "nginx"
        folder.mkdir()
        config = folder / "nginx.conf"
        config.write_text(f"""
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{"user root;" if os.getuid() == 0 else ""}
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
""")
        process = Process("nginx", ["nginx", "-c", config, "-p", folder, "-e", folder / "error.log"], temp / "nginx.log")
        process.wait_http(f"http://127.0.0.1:{port}/__fake/stats", 5)
        super().__init__("nginx", process, port)


class LiteLLM(Target):
    def __init__(self, venv, temp, upstream):
        port = free_port()
        config = temp / "litellm.yaml"
        models = "".join(
            f"""  - model_name: {name}
    litellm_params:
      model: "openai/{MODEL}!{behaviour}"
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: upstream
"""
            for name, behaviour in BEHAVIOURS.items()
        )
        config.write_text(f"model_list:\n{models}general_settings:\n  master_key: sk-{KEY}\n")
        command = [venv / "bin/litellm", "--config", config, "--host", "127.0.0.1", "--port", port, "--num_workers", 1]
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_TELEMETRY": "False",
               "PATH": f"{venv}/bin:{os.environ['PATH']}"}
        process = Process("LiteLLM", command, temp / "litellm.log", env, temp)
        process.wait_http(f"http://127.0.0.1:{port}/health/liveliness", 120, pause=0.5)
        super().__init__("LiteLLM", process, port)

    def words(self, load):
        return ["--model", load, "--header", f"authorization:Bearer sk-{KEY}"]


class Weir(Target):
    """With authentication, full recording, cost and metrics on, as it is out of the box."""

    def __init__(self, bin_dir, folder, upstream, name="Weir", more=""):
        folder.mkdir(parents=True, exist_ok=True)
        self.bin_dir, self.folder, self.data = bin_dir, folder, folder / "data"
        self.config = folder / "weir.toml"
        providers = "".join(
            f"""
[providers.{load}]
kind = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key = "upstream"
headers = {{ "x-fake" = "{behaviour}" }}
"""
            for load, behaviour in BEHAVIOURS.items()
        )
        self.config.write_text(f'{providers}\n[[keys]]\nname = "bench"\nkey = "{KEY}"\nrole = "read"\n{more}')
        port = free_port()
        super().__init__(name, self.begin(port), port)
        self.process.wait_http(f"http://127.0.0.1:{port}/health/ready", 10, pause=0.002)

    def begin(self, port):
        command = [self.bin_dir / "weir", "serve", "--config", self.config, "--data", self.data,
                   "--listen", f"127.0.0.1:{port}"]
        return Process("weir", command, self.folder / "weir.log", {"RUST_LOG": "warn"}, self.folder)

    def words(self, load):
        return ["--model", f"{load}/{MODEL}", "--header", f"authorization:Bearer {KEY}"]

    def get(self, path):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"authorization": f"Bearer {KEY}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def get_json(self, path):
        return json.loads(self.get(path))

    def drained(self, seconds=120):
        begun = time.monotonic()
        while True:
            state = self.get_json("/health/ready")
            if state["calls_lost"] or state["problems"]:
                raise Failed(f"weir has lost calls or is not well: {state}")
            took = time.monotonic() - begun
            if state["journal_backlog_bytes"] == 0:
                return took
            if took > seconds:
                raise Failed(f"weir's journal is not drained after {seconds} s: {state}")
            time.sleep(0.02)

    def totals(self):
        """What Weir says that it has stored: calls, and whether they are priced."""
        return self.get_json("/api/v1/stats")["total"]

    def sizes(self):
        """Bytes of the database with its write-ahead log, and of the journal."""
        found = {"database": 0, "journal": 0}
        for path in self.data.rglob("*"):
            if path.is_file():
                found["journal" if path.suffix == ".journal" else "database"] += path.stat().st_size
        return found

    def start_times(self, times):
        """Milliseconds from exec to the first 200 of /health/ready, fresh data each time."""
        found = []
        for index in range(times):
            port = free_port()
            self.data = self.folder / f"start-{index}"
            begun = time.monotonic()
            process = self.begin(port)
            process.wait_http(f"http://127.0.0.1:{port}/health/ready", 10, pause=0.001)
            found.append((time.monotonic() - begun) * 1000)
            process.stop()
        return found


def install_litellm(venv, requirements):
    """LiteLLM in a virtual environment of its own; made once."""
    if (venv / "bin/litellm").exists():
        return
    print(f"installing LiteLLM into {venv}: some minutes", flush=True)
    subprocess.run(["python3", "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r", requirements], check=True,
                   timeout=1800)
