"""A real MLflow server, a small stand-in that misbehaves, and Weir in front of the fake provider."""

import pytest

from server import Server
from standin import Standin


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("mlflow"))
    yield server
    server.kill()


@pytest.fixture
def standin():
    server = Standin()
    yield server
    server.stop()


@pytest.fixture
def providers(fake):
    """One provider of OpenAI's kind and one of Azure's, both of them the fake one."""
    key = "sk-upstream-K7QmZ2xTtB9vRw4LpYc8Hd3N"
    return f"""
[providers.up]
kind = "openai"
base_url = "{fake.url}/v1"
api_key = "{key}"

[providers.azure]
base_url = "{fake.url}"
api_key = "{key}"
api_version = "2024-06-01"
"""
