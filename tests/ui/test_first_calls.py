"""What the page of an empty server offers to paste is run as it stands, and is noticed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("CACHE") or ROOT / ".cache").resolve()
#: The button, and what runs its text.
CLIENTS = {
    "curl": ["bash", "-c"],
    "OpenAI": [sys.executable, "-c"],
    "MLflow": [CACHE / "mlflow318-venv" / "bin" / "python", "-c"],
    "OpenTelemetry": [CACHE / "otel-venv" / "bin" / "python", "-c"],
}
#: A page that shows nothing yet, what runs its text, and what shows then.
STEPS = {
    "workflows": ("curl", "region", "Graph of the workflow"),
    "prompts": ("curl", "grid", "Prompts"),
    "experiments": ("MLflow", "grid", "Experiments"),
    "models": ("MLflow", "grid", "Models"),
}
KEYED = '[[keys]]\nname = "dev"\nkey = "dev-key-of-the-test"\nrole = "admin"\n'


def run(client, text):
    assert shutil.which(CLIENTS[client][0]), f"{CLIENTS[client][0]} is missing: `make ui-test` makes it"
    quiet = {"MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "true", "OPENAI_API_KEY": "", "no_proxy": "127.0.0.1,localhost"}
    done = subprocess.run([*CLIENTS[client], text], capture_output=True, text=True, timeout=120, env={**os.environ, **quiet})
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


@pytest.mark.parametrize("client", CLIENTS)
def test_each_snippet_works_as_it_stands_and_is_noticed(serve, visit, shot, client):
    weir = serve('[otlp]\ngrpc = "off"\n')
    page = visit(weir, "/")
    page.get_by_role("button", name=client, exact=True).click()
    shown = page.locator("pre")
    expect(shown).to_contain_text(weir.url)
    run(client, shown.inner_text())
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    calls = weir.get("/api/v1/calls").json()["calls"]
    assert len(calls) == 1, calls
    shot(page, f"first-call-{client.lower()}")


@pytest.mark.parametrize("client", CLIENTS)
def test_with_a_key_only_that_is_to_be_put_in(serve, visit, client):
    weir = serve('[otlp]\ngrpc = "off"\n' + KEYED)
    page = visit(weir, "/", ignore=["401"])
    page.get_by_label("Key").fill("dev-key-of-the-test")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=client, exact=True).click()
    shown = page.locator("pre")
    expect(shown).to_contain_text("YOUR_KEY")
    run(client, shown.inner_text().replace("YOUR_KEY", "dev-key-of-the-test"))
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.mark.parametrize("page_name", STEPS)
@pytest.mark.parametrize("config", ["", KEYED], ids=["open", "keyed"])
def test_each_page_says_what_to_do_next_and_notices_it(serve, visit, shot, page_name, config):
    client, role, name = STEPS[page_name]
    weir = serve('[otlp]\ngrpc = "off"\n' + config)
    page = visit(weir, f"/{page_name}", ignore=["401"] if config else [])
    if config:
        page.get_by_label("Key").fill("dev-key-of-the-test")
        page.keyboard.press("Enter")
    shown = page.locator("pre")
    expect(shown).to_contain_text(weir.url)
    expect(page.get_by_text("Waiting for it")).to_be_visible()
    shot(page, f"empty-{page_name}")
    run(client, shown.inner_text().replace("YOUR_KEY", "dev-key-of-the-test"))
    expect(page.get_by_role(role, name=name)).to_be_visible()
    expect(page.get_by_text("Waiting for it")).to_have_count(0)


@pytest.mark.parametrize("page_name", ["calls", "costs", "anomalies"])
def test_pages_of_calls_wait_for_the_first_one(serve, visit, page_name):
    weir = serve('[otlp]\ngrpc = "off"\n')
    page = visit(weir, f"/{page_name}")
    expect(page.get_by_role("heading", name="Make a first call")).to_be_visible()
    run("curl", page.locator("pre").inner_text())
    expect(page.get_by_role("heading", name=page_name.title(), level=1)).to_be_visible()
