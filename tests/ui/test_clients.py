"""What the real clients wrote: MLflow's tracking client, OpenTelemetry's SDK, OpenAI's (tests/ui/test_calls.py). Each runs in
an environment of its own, as the suites of tests/sdk/mlflow and tests/otel do."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from conftest import CONFIG, ROOT, SHADES
from rig import Weir

CLIENTS = Path(__file__).parent / "clients"
CACHE = Path(os.environ.get("CACHE", ROOT / ".cache"))
pytestmark = pytest.mark.timeout(300)


def written(script, environment, server):
    """Runs a client's program; what it printed, and what it says it made."""
    python = CACHE / environment / "bin" / "python"
    if not python.exists():
        pytest.fail(f"{python} is not there: `make {CACHE / environment}/.installed` makes it")
    done = subprocess.run([python, CLIENTS / script, server.url], capture_output=True, text=True, timeout=240, env={**os.environ, "MPLCONFIGDIR": "/tmp"})
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Weir(tmp_path_factory.mktemp("clients"), CONFIG)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mlflow(server):
    return written("write_mlflow.py", "mlflow318-venv", server)


@pytest.fixture(scope="module")
def otlp(server):
    return written("write_otlp.py", "otel-venv", server)


def test_the_link_that_mlflows_client_prints_opens_its_run(server, mlflow, visit):
    printed, made = mlflow
    links = re.findall(r"View run (\S.*) at: (\S+)", printed)
    assert [name for name, _ in links] == ["small steps", "sweep"]
    for (name, link), run in zip(links, (made["child"], made["parent"]), strict=True):
        assert link == f"{server.url}/#/experiments/{made['experiment']}/runs/{run}"
        page = visit(server, link.split("#")[1])
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    experiment = re.search(r"View experiment at: (\S+)", printed).group(1)
    page = visit(server, experiment.split("#")[1])
    expect(page.get_by_role("grid", name="Runs").get_by_role("row")).to_have_count(3)


def test_a_run_has_its_params_metrics_tags_and_parts(server, mlflow, visit, accessible, shot):
    _, made = mlflow
    page = visit(server, f"/experiments/{made['experiment']}/runs/{made['parent']}")
    main = page.locator("main")
    expect(main.get_by_text("adamw")).to_be_visible()
    expect(main.get_by_text("0.85", exact=True)).to_be_visible()
    expect(main.get_by_text("search", exact=True)).to_be_visible()
    expect(main.get_by_text("answer-model")).to_be_visible()
    accessible(page)
    shot(page, "client-run")
    page.get_by_role("tab", name=re.compile("^Charts")).click()
    expect(page.get_by_role("figure", name=re.compile("loss"))).to_be_visible()
    page.get_by_role("tab", name="Overview").click()
    page.get_by_role("list", name="Nested runs").get_by_text("small steps").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("small steps")
    page.get_by_role("link", name="sweep").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("sweep")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text("small steps")


def test_each_file_shows_as_what_it_is(server, mlflow, visit):
    _, made = mlflow
    at = f"/experiments/{made['experiment']}/runs/{made['parent']}?tab=files"
    page = visit(server, f"{at}&file=notes.txt", ignore=["Blocked script execution"])
    expect(page.locator("pre[aria-label='notes.txt']")).to_contain_text("Second line.")

    def open(name):
        page.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).or_(page.get_by_role("treeitem", name=re.compile(f"^{re.escape(name)}"))).first.click()

    open("answers.json")
    table = page.get_by_role("region", name="Rows of the file")
    expect(table.get_by_role("columnheader").first).to_have_text("question")
    expect(table.get_by_role("cell", name="0.75")).to_be_visible()
    open("curve.png")
    picture = page.get_by_role("img", name="curve.png")
    expect(picture).to_be_visible()
    page.wait_for_function("document.querySelector('img[alt=\"curve.png\"]').naturalWidth > 0")
    open("report.html")
    expect(page.frame_locator("iframe[title='report.html']").get_by_role("heading", name="A page")).to_be_visible()
    assert page.title() != "escaped"
    open("result.md")
    expect(page.get_by_role("link", name="docs")).to_have_attribute("rel", "noreferrer noopener")
    page.goto(page.url.replace("file=result.md", "file=config/network.json"))
    expect(page.get_by_role("group", name="config/network.json")).to_contain_text("layers")


def test_a_model_with_its_alias_leads_to_its_run(server, mlflow, visit):
    page = visit(server, "/models")
    page.get_by_role("grid", name="Models").get_by_text("answer-model").click()
    row = page.get_by_role("table", name="Versions").get_by_role("row").filter(has_text="v1")
    expect(row.get_by_text("@champion")).to_be_visible()
    row.get_by_role("link", name="sweep").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("sweep")


@pytest.mark.parametrize("shade", SHADES)
def test_a_trace_of_mlflow(server, mlflow, visit, accessible, shade):
    _, made = mlflow
    page = visit(server, f"/experiments/{made['experiment']}", shade=shade)
    page.get_by_role("link", name="Traces", exact=True).click()
    rows = page.get_by_role("grid", name="Calls").get_by_role("row")
    expect(rows).to_have_count(2)
    rows.nth(1).click()
    tree = page.get_by_role("dialog", name="Call").get_by_role("tree")
    for name in ("answer", "look_up", "chat"):
        expect(tree.get_by_role("treeitem", name=re.compile(name)).first).to_be_visible()
    tree.get_by_role("treeitem", name=re.compile("chat")).click()
    drawer = page.get_by_role("dialog", name="Call")
    expect(drawer.get_by_text("How does it learn?").last).to_be_visible()
    expect(drawer.get_by_role("region", name="Answer").locator("strong", has_text="backpropagation")).to_be_visible()
    accessible(page)


def test_traces_are_found_by_their_score(server, mlflow, visit):
    page = visit(server, "/calls?view=traces")
    bar = page.get_by_role("combobox", name="Filter")
    grid = page.get_by_role("grid", name="Calls")
    expect(grid.get_by_role("row").nth(1)).to_be_visible()
    bar.fill("score.helpful:<0.5")
    bar.press("Enter")
    expect(grid).to_have_attribute("aria-rowcount", "2")
    expect(grid.get_by_role("row").nth(1)).to_contain_text("answer")
    bar.fill("score.helpful:>=0.5")
    bar.press("Enter")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_a_trace_of_opentelemetry(server, otlp, visit, accessible):
    _, made = otlp
    page = visit(server, f"/traces/{made['trace']}")
    tree = page.get_by_role("tree")
    expect(tree.get_by_role("treeitem")).to_have_count(3)
    tree.get_by_role("treeitem", name=re.compile("get_weather")).click()
    detail = page.get_by_role("region", name="The chosen step")
    expect(detail.get_by_text("Bergen").first).to_be_visible()
    tree.get_by_role("treeitem", name=re.compile("chat")).click()
    expect(detail.get_by_text("What to wear in Bergen?").first).to_be_visible()
    expect(detail.get_by_text("A raincoat.").first).to_be_visible()
    expect(detail.get_by_text("gpt-4o-mini").first).to_be_visible()
    accessible(page)
