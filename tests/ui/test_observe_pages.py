"""Workflows, anomalies and costs, over a month of `weir demo-data`."""

import re

import pytest
from playwright.sync_api import expect

from conftest import NARROW, WIDE

# The month of traffic is made by the first test that needs it.
pytestmark = pytest.mark.timeout(300)


def test_a_way_of_a_workflow_leads_to_its_requests(demo, visit):
    page = visit(demo, "/workflows?from=-7d&workflow=support-assistant")
    way = page.get_by_role("button", name=re.compile("^classify → lookup: "))
    way.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("edge="))
    page.get_by_role("link", name="Requests that went classify → lookup").click()
    expect(page).to_have_url(re.compile(r"#/calls\?.*attr\.to_node:lookup"))
    page.go_back()
    expect(page.get_by_role("heading", name="support-assistant")).to_be_visible()
    expect(page.get_by_role("table", name="Tools").get_by_text("get_order")).to_be_visible()


def test_a_workflow_on_a_phone(demo, visit):
    page = visit(demo, "/workflows?from=-7d", size=NARROW)
    expect(page.get_by_role("table", name="Decisions")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_anomaly_says_why_and_learns(demo, visit, accessible, shot):
    page = visit(demo, "/anomalies?from=-30d")
    rows = page.get_by_role("grid", name="Anomalies").get_by_role("row")
    rows.filter(has_text="Error ratio").first.click()
    detail = page.get_by_role("dialog", name="Anomaly")
    expect(detail.get_by_text("provider: anthropic").or_(detail.get_by_text("model: claude-")).first).to_be_visible()
    expect(detail.get_by_role("figure", name="The metric over what is usual")).to_be_visible()
    expect(detail.get_by_text("usual at that time")).to_be_visible()
    expect(detail.get_by_role("link", name="All calls of that time")).to_have_attribute("href", re.compile(r"calls\?.*project:support-assistant"))
    accessible(page)
    shot(page, "anomaly")
    page.keyboard.press("e")
    expect(page.get_by_text("judged less strictly")).to_be_visible()
    expect(detail.get_by_role("button", name="Expected")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(detail).to_be_visible()
    page.reload()
    expect(detail).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_kind_of_anomaly_has_its_chart(demo, visit, shot, size):
    """The chart of each metric that the month has an anomaly of, with a band at each point that has calls."""
    found = demo.get("/api/v1/anomalies", since="400d", limit=200).json()["anomalies"]
    seen = {anomaly["metric"]: anomaly["id"] for anomaly in found}
    assert len(seen) > 1, seen
    for metric, id in seen.items():
        series = demo.get(f"/api/v1/anomalies/{id}/series").json()
        assert all(point["lower"] <= point["expected"] <= point["upper"] for point in series["points"]), series
        page = visit(demo, f"/anomalies?from=-90d&open={id}", size=size)
        detail = page.get_by_role("dialog", name="Anomaly")
        expect(detail.get_by_role("figure", name="The metric over what is usual")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), metric
        shot(page, f"anomaly-{metric}-{size['width']}")


def test_costs_are_grouped_and_saved_and_lead_to_calls(demo, visit):
    page = visit(demo, "/costs?from=-7d&q=project:support-assistant")
    table = page.get_by_role("grid", name="Costs")
    expect(table.get_by_role("row").nth(1)).to_contain_text("billing")
    page.get_by_label("Second group").select_option("none")
    expect(table.get_by_role("row")).to_have_count(4)
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    lines = saved.value.path().read_text().splitlines()
    assert lines[0].startswith("department,cost_usd,calls") and len(lines) == 4
    table.get_by_role("row", name=re.compile("billing")).click()
    expect(page).to_have_url(re.compile(r"#/calls\?.*department:billing"))
