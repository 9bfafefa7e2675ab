"""A Weir of the test's own, and an instrumented application in front of it."""

import pytest

from application import Application

#: Dollars per million tokens, so that what a test expects does not depend on the built-in table.
PRICES = """
[[prices]]
model = "gpt-4o-mini"
in = 1.0
cached_in = 0.5
out = 4.0

[[prices]]
model = "text-embedding-3-small"
in = 0.1
out = 0.0
"""


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    """What a machine's environment says of OpenTelemetry or OpenAI is not what is tested."""
    import os

    for name in list(os.environ):
        if name.startswith(("OTEL_", "OPENAI_", "TRACELOOP_", "OPENINFERENCE_", "LANGSMITH_", "LANGCHAIN_")):
            monkeypatch.delenv(name)


@pytest.fixture
def server(serve):
    return serve('[otlp]\ngrpc = "off"\n' + PRICES)


@pytest.fixture
def app(server, fake, key):
    app = Application(server, fake, key)
    yield app
    app.close()
