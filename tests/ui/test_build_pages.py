"""Experiments, models, prompts and the playground, over `weir demo-data`."""

import re

import pytest
from playwright.sync_api import expect

# The month of traffic is made by the first test that needs it.
pytestmark = pytest.mark.timeout(300)

COMPARED = ["v2-gpt-4.1", "v2-gpt-4o-mini"]


def runs_of(page, experiment):
    page.get_by_role("grid", name="Experiments").get_by_text(experiment, exact=True).click()
    return page.get_by_role("grid", name="Runs")


def test_runs_are_filtered_in_mlflows_syntax_and_compared(demo, visit, accessible, shot):
    page = visit(demo, "/experiments")
    runs = runs_of(page, "answer-quality")
    expect(runs.get_by_role("row")).to_have_count(9)
    field = page.get_by_label("Filter runs")
    field.fill("params.prompt_version = 'v2'")
    field.press("Enter")
    expect(runs.get_by_role("row")).to_have_count(5)
    runs.get_by_role("button", name="faithfulness").click()
    expect(page).to_have_url(re.compile("order="))
    for name in COMPARED:
        page.get_by_label(f"Compare {name}", exact=True).check()
    page.get_by_role("button", name="Compare 2").click()
    expect(page.get_by_role("list", name="Compared runs").get_by_role("listitem")).to_have_count(2)
    for tab, shown in [("Parallel", "2 runs over"), ("Scatter", "against"), ("Differences", "")]:
        page.get_by_role("tab", name=tab).click()
        if shown:
            expect(page.get_by_role("img", name=re.compile(shown))).to_be_visible()
    page.get_by_role("button", name="Only what differs").click()
    expect(page.get_by_role("rowheader", name="model", exact=True)).to_be_visible()
    expect(page.get_by_role("rowheader", name="judge", exact=True)).to_have_count(0)
    accessible(page)
    shot(page, "compare")
    page.reload()
    expect(page.get_by_role("rowheader", name="model", exact=True)).to_be_visible()


def test_a_wrong_filter_says_what_is_wrong(demo, visit):
    page = visit(demo, "/experiments", ignore=["400"])
    runs_of(page, "answer-quality")
    page.get_by_label("Filter runs").fill("metrics.x >> 1")
    page.get_by_label("Filter runs").press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


def test_curves_and_files_of_a_run_and_what_became_of_it(demo, visit, accessible, shot):
    page = visit(demo, "/models/ticket-classifier")
    versions = page.get_by_role("table", name="Versions")
    expect(versions.get_by_role("row")).to_have_count(5)
    versions.get_by_role("row").nth(1).get_by_role("link").click()
    expect(page.get_by_role("link", name="ticket-classifier v4")).to_be_visible()
    page.get_by_role("tab", name=re.compile("Charts")).click()
    expect(page.get_by_role("figure", name="val_loss over step")).to_be_visible()
    page.get_by_role("button", name="time", exact=True).click()
    expect(page.get_by_role("figure", name="val_loss over time")).to_be_visible()
    shot(page, "run-charts")
    page.get_by_role("tab", name="Files").click()
    page.get_by_role("button", name="predictions.csv").click()
    expect(page.get_by_role("columnheader", name="confidence")).to_be_visible()
    page.get_by_role("button", name="report.html").click()
    frame = page.get_by_title("report.html")
    expect(frame).to_have_attribute("sandbox", "")
    expect(frame.content_frame.get_by_role("heading", name="Held-out tickets")).to_be_visible()
    page.get_by_role("button", name="plots").click()
    page.get_by_role("button", name="loss.svg").click()
    expect(page.get_by_role("img", name="plots/loss.svg")).to_be_visible()
    accessible(page)
    page.go_back()
    expect(frame).to_be_visible()


def test_an_alias_is_moved(demo, visit):
    page = visit(demo, "/models/ticket-classifier")
    page.get_by_label("Put an alias on version 2").click()
    page.get_by_role("textbox", name="Alias").fill("fallback")
    page.get_by_role("button", name="Put", exact=True).click()
    row = page.get_by_role("table", name="Versions").get_by_role("row").filter(has_text="v2")
    expect(row.get_by_text("@fallback")).to_be_visible()
    row.get_by_label("Take fallback away").click()
    expect(row.get_by_text("@fallback")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row.get_by_text("@fallback")).to_be_visible()


def test_versions_of_a_prompt_differ_and_one_is_better(demo, visit):
    page = visit(demo, "/prompts")
    page.get_by_role("grid", name="Prompts").get_by_text("support-answer").click()
    page.get_by_role("tab", name="Difference").click()
    expect(page.get_by_role("region", name="Difference")).to_contain_text("the answer first")
    page.goto(page.url.replace("tab=diff", "tab=better&from=-30d"))
    row = page.get_by_role("table", name="Differences of v2").get_by_role("row").filter(has_text="prompt tokens")
    expect(row.get_by_text("better")).to_be_visible()


def test_the_playground_answers_side_by_side_and_saves_a_version(demo, visit, accessible, shot):
    page = visit(demo, "/playground?prompt=product-advice&columns=v1~demo/echo,v1~demo/lorem")
    page.get_by_role("textbox", name="context").fill("City 3: 21 kg")
    page.get_by_role("textbox", name="User").fill("Which is lighter?")
    page.get_by_role("button", name="Run").click()
    first = page.get_by_role("region", name="v1 demo/echo")
    expect(first.get_by_text("You said: Which is lighter?")).to_be_visible()
    expect(first.get_by_text("tokens")).to_be_visible()
    expect(first.get_by_role("link", name="Trace")).to_be_visible()
    expect(page.get_by_role("region", name="v1 demo/lorem").get_by_text("cost")).to_be_visible()
    first.get_by_text("Rendered prompt").click()
    expect(first.get_by_text("City 3: 21 kg")).to_be_visible()
    accessible(page)
    shot(page, "playground")
    page.get_by_role("button", name="Edit as a new version").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("system").fill("Be brief.\n\nModels:\n{{ context }}")
    dialog.get_by_label("What changed").fill("shorter")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as")).to_be_visible()
    assert "Be brief." in demo.get("/api/v1/prompts/product-advice").text


def test_a_recorded_call_is_tried_again_with_what_was_sent(demo, visit, accessible):
    call = next(c for c in demo.calls(status="success", limit=200) if c.get("parent_id") and c["name"] != "triage")
    sent = demo.get(f"/api/v1/calls/{call['span_id']}").json()["input"]
    page = visit(demo, f"/calls?open={call['span_id']}")
    page.get_by_role("dialog", name="Call").get_by_role("link", name="Open in playground").click()
    turns = page.get_by_role("list", name="Turns").get_by_role("listitem")
    expect(turns).to_have_count(len(sent["messages"]))
    expect(page.get_by_role("textbox", name="Turn 1")).to_have_value(sent["messages"][0]["content"])
    expect(page.get_by_label("Model")).to_have_value(re.compile(re.escape(call["model"])))
    accessible(page)
    page.get_by_role("textbox", name=f"Turn {len(sent['messages'])}").fill("Say it again.")
    page.get_by_label("Model").fill("demo/echo")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("You said: Say it again.")).to_be_visible()
    expect(page.get_by_role("link", name="Trace")).to_be_visible()
    page.get_by_role("textbox", name="What else is sent").fill("{")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text("what else is sent is no JSON")


def test_a_link_has_what_is_typed_where_one_asks_for_it(demo, visit):
    page = visit(demo, "/playground", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("textbox", name="Turn 2").fill("Is 3 < 4 & 5?")
    expect(page).not_to_have_url(re.compile("typed="))
    page.get_by_role("button", name="Copy a link with what is typed").click()
    expect(page.get_by_text("copied")).to_be_visible()
    address = page.evaluate("navigator.clipboard.readText()")
    page.goto("about:blank")
    page.goto(address)
    expect(page.get_by_role("textbox", name="Turn 2")).to_have_value("Is 3 < 4 & 5?")


def test_addresses_that_mlflows_client_prints(demo, visit):
    page = visit(demo, "/models/ticket-classifier/versions/3")
    expect(page.get_by_role("table", name="Versions")).to_be_visible()
