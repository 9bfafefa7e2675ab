"""Chromium in front of the built program. Every page of a test is watched: what it logs as an error, and what it asks of
another host, fails the test."""

import os
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from rig import BIN, Weir
from traffic import last_day, write

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 844}
CONFIG = '[otlp]\ngrpc = "off"\n'
#: One that is spent and one that lasts.
TARGETS = """
[[budgets]]
name = "small"
amount = 0.01
period = "day"
[[budgets]]
name = "large"
amount = 100000
period = "month"
[[slos]]
name = "answers"
objective = 0.99
"""
SHADES = ["light", "dark"]
#: Milliseconds; a debug build beside others may take its time.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A server with a day of traffic."""
    server = Weir(tmp_path_factory.mktemp("filled"), CONFIG)
    write(server, last_day())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A server with the month of traffic that `weir demo-data` makes, and with what it has watched."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([BIN / "weir", "demo-data", "--data", folder / "data"], check=True, capture_output=True, timeout=300)
    server = Weir(folder, CONFIG + TARGETS)
    server.get("/api/v1/anomalies", timeout=120, wait="60s")
    yield server
    server.stop()


@pytest.fixture
def visit(browser):
    """Opens pages: `visit(weir, "/calls?q=x")`; `ignore` are parts of messages that are meant to come."""
    contexts, wrong = [], []

    def open(weir, path="/", size=WIDE, shade="light", ignore=(), base=None, **options):
        context = browser.new_context(viewport=size, color_scheme=shade, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        host = base or f"{weir.url}/"

        def note(text):
            if not any(part in text for part in ignore):
                wrong.append(text)

        page.on("console", lambda message: message.type == "error" and note(f"{message.text} {message.location.get('url', '')}"))
        page.on("pageerror", lambda error: note(f"defect: {error}"))
        page.on("request", lambda request: request.url.startswith((host, "data:", "blob:")) or note(f"asks {request.url}"))
        page.goto(f"{host}#{path}")
        return page

    yield open
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def accessible():
    """Asks axe; nothing serious may be found."""

    def check(page):
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        lines = [f"{v['id']}: {v['help']}: {n['html'][:200]} {n.get('failureSummary', '')}" for v in serious for n in v["nodes"][:3]]
        assert not serious, "\n".join(lines)

    return check


@pytest.fixture
def shot(request):
    """Keeps a picture where `WEIR_SHOTS` names a folder."""

    def take(page, name):
        folder = os.environ.get("WEIR_SHOTS")
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=False)

    return take
