"""Fixtures that every suite shares."""

import importlib.util
import uuid

import pytest

from rig import BIN, Fake, Weir

#: The tests of the tracking server need its client, which has an environment of its own.
_mlflow = importlib.util.find_spec("mlflow")
collect_ignore = [] if _mlflow and _mlflow.origin else ["sdk/mlflow"]

#: Keys that only Weir may know; no answer, log or file may hold them.
UPSTREAM_KEY = "sk-upstream-K7QmZ2xTtB9vRw4LpYc8Hd3N"
CLAUDE_KEY = "sk-ant-api03-Vb6Jr1QzXk8WmPt5Ls2Dn9Gf"
AZURE_KEY = "az0f4c1b7e9d2a6835e1c7b4d9f2a6c8"
MODAL_SECRET = "ws-Pq9Lx4Tn7Rb2Vd6Zk1Hm"


def providers(url):
    """Every kind of provider, all in front of the fake one."""
    return f"""
[providers.up]
kind = "openai"
base_url = "{url}/v1"
api_key = "{UPSTREAM_KEY}"

[providers.other]
kind = "openai"
base_url = "{url}/other/v1"
api_key = "{UPSTREAM_KEY}"

[providers.listed]
kind = "openai"
base_url = "{url}/listed/v1"
api_key = "{UPSTREAM_KEY}"
models = ["gpt-4o-mini", "meta-llama/Llama-3.1-8B-Instruct", "gpt-4o"]

[providers.keyless]
kind = "openai"
base_url = "{url}/keyless/v1"

[providers.claude]
kind = "anthropic"
base_url = "{url}"
api_key = "{CLAUDE_KEY}"

[providers.azure]
base_url = "{url}"
api_key = "{AZURE_KEY}"
api_version = "2024-06-01"

[providers.azure-v1]
kind = "azure"
base_url = "{url}"
api_key = "{AZURE_KEY}"
api_version = "none"

[providers.groq]
base_url = "{url}/openai/v1"
api_key = "gsk_{UPSTREAM_KEY}"

[providers.modal]
kind = "openai"
base_url = "{url}/modal/v1"
headers = {{ "Modal-Key" = "wk-modal", "Modal-Secret" = "env:MODAL_SECRET" }}

[providers.gemini]
base_url = "{url}/v1beta/openai"
api_key = "AIza-{UPSTREAM_KEY}"

[providers.vllm]
base_url = "{url}/vllm/v1"

[providers.tgi]
base_url = "{url}/tgi/v1"

[providers.ollama]
base_url = "{url}/ollama/v1"

[providers.nousage]
kind = "openai"
base_url = "{url}/nousage/v1"
stream_usage = false
drop = ["logit_bias"]
"""


@pytest.fixture(scope="session", autouse=True)
def built():
    missing = [name for name in ("weir", "weir-fake-provider", "weir-loadgen") if not (BIN / name).exists()]
    assert not missing, f"{missing} not in {BIN}: run `cargo build -p weir -p weir-testkit`"


@pytest.fixture(scope="session")
def fake(tmp_path_factory):
    fake = Fake(tmp_path_factory.mktemp("fake"))
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def weir(tmp_path_factory, fake):
    """The shared server, open, with every provider."""
    server = Weir(tmp_path_factory.mktemp("weir"), providers(fake.url), env={"MODAL_SECRET": MODAL_SECRET})
    yield server
    server.stop()


@pytest.fixture
def serve(tmp_path, fake):
    """Starts servers of the test's own: `serve(config, ...)`."""
    started = []

    def start(config="", **options):
        folder = tmp_path / f"weir{len(started)}"
        folder.mkdir()
        server = Weir(folder, config, **options)
        started.append(server)
        return server

    yield start
    for server in started:
        if server.process and server.process.running():
            server.process.kill()


@pytest.fixture
def up(fake):
    """The table of one provider `up` in front of the fake one."""
    return f'[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\napi_key = "{UPSTREAM_KEY}"\n'


@pytest.fixture
def key():
    """Names one request: to the fake provider, and as its request id."""
    return uuid.uuid4().hex[:16]
