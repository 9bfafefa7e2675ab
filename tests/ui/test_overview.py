"""Is it healthy, what does it cost, what changed."""

import re

import pytest
from playwright.sync_api import expect

from conftest import NARROW, SHADES, WIDE


def opened(visit, weir, path="/", **options):
    page = visit(weir, path, **options)
    expect(page.get_by_role("figure", name="Calls over time by status")).to_be_visible()
    expect(page.get_by_role("figure", name="Branches over time")).to_be_visible()
    return page


def test_key_figures_are_those_of_the_api(filled, visit):
    page = opened(visit, filled)
    total = filled.get("/api/v1/stats").json()["total"]
    figures = page.locator("main")
    expect(figures.get_by_text(f"{total['count']:,}", exact=True).first).to_be_visible()
    expect(figures.get_by_text("no calls last week").first).to_be_visible()
    expect(figures.get_by_text(re.compile(r"Cache hits · \$.* saved"))).to_be_visible()


def test_a_filter_and_a_group_are_in_the_address(filled, visit):
    page = opened(visit, filled)
    bar = page.get_by_role("combobox", name="Filter")
    bar.fill("department:su")
    page.get_by_role("option", name=re.compile("^support")).click()
    expect(page).to_have_url(re.compile(r"q=department:support"))
    page.get_by_label("Group cost").select_option("provider")
    expect(page).to_have_url(re.compile(r"by=provider"))
    expect(page.get_by_role("figure", name="Cost over time by provider")).to_be_visible()
    page.get_by_label("Group calls").select_option("department")
    page.get_by_label("Group tokens").select_option("key")
    page.reload()
    expect(page.get_by_role("figure", name="Calls over time by department")).to_be_visible()
    expect(page.get_by_role("figure", name="Tokens over time by key")).to_be_visible()
    page.reload()
    expect(bar).to_have_value("department:support")
    page.go_back()
    expect(bar).to_have_value("")


def test_figures_refuse_what_they_do_not_know(filled, visit):
    page = opened(visit, filled)
    bar = page.get_by_role("combobox", name="Filter")
    bar.fill("user:ann")
    bar.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("figures are filtered by model")


def test_a_click_on_a_chart_leads_to_the_calls_behind_it(filled, visit):
    page = opened(visit, filled)
    chart = page.get_by_role("figure", name="Calls over time by status").locator(".u-over")
    box = chart.bounding_box()
    # The foot of a bar somewhere in the middle.
    for share in (0.5, 0.52, 0.54, 0.56, 0.58):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] - 3)
        page.mouse.down()
        page.mouse.up()
        if "#/calls" in page.url:
            break
    expect(page).to_have_url(re.compile(r"#/calls\?.*from=.*to="))
    expect(page.get_by_role("grid", name="Calls").or_(page.get_by_text("Nothing in this range"))).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_click_on_the_branches_leads_to_the_decisions(filled, visit):
    page = opened(visit, filled)
    chart = page.get_by_role("figure", name="Branches over time").locator(".u-over")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] - 3)
    expect(page).to_have_url(re.compile(r"#/calls\?.*kind:branch.*attr.from_node:classify.*from="))
    page.go_back()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_drag_zooms_and_back_takes_it_back(filled, visit):
    page = opened(visit, filled)
    chart = page.get_by_role("figure", name="Latency percentiles over time").locator(".u-over")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 40, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=20\d\d-.*to=20\d\d-"))
    page.go_back()
    expect(page.get_by_role("button", name="Last 24 hours")).to_be_visible()


def test_ranges_are_relative_or_absolute(filled, visit):
    page = opened(visit, filled)
    page.get_by_role("button", name="Last 24 hours").click()
    page.get_by_role("button", name="Last 6 hours").click()
    expect(page).to_have_url(re.compile(r"from=-6h"))
    page.get_by_role("button", name="Last 6 hours").click()
    page.get_by_label("From", exact=True).fill("2026-01-01T10:00")
    page.get_by_label("To", exact=True).fill("2026-01-02T10:00")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("No calls in this range").first).to_be_visible()


def test_the_top_by_any_measure(filled, visit):
    page = opened(visit, filled)
    page.get_by_label("Measure").select_option("calls")
    groups = filled.get("/api/v1/stats", group_by="model").json()["groups"]
    first = next(group for group in groups if group["by"]["model"])
    link = page.get_by_role("link", name=f"Calls of {first['by']['model']}", exact=True)
    expect(page.get_by_role("listitem").filter(has=link)).to_contain_text(str(first["total"]["count"]))
    page.get_by_role("link", name="Calls of support", exact=True).click()
    expect(page).to_have_url(re.compile(r"#/calls\?.*department:support"))


@pytest.mark.parametrize("shade", SHADES)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_everybody_can_use_it(filled, visit, accessible, shot, shade, size):
    page = opened(visit, filled, size=size, shade=shade)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    shot(page, f"overview-{shade}-{size['width']}")


def test_the_first_call_is_noticed_as_it_comes(serve, visit, accessible):
    weir = serve('[otlp]\ngrpc = "off"\n')
    page = visit(weir, "/")
    expect(page.get_by_role("heading", name="Make a first call")).to_be_visible()
    expect(page.locator("pre")).to_contain_text(weir.url)
    accessible(page)
    weir.chat("demo/echo", "first-call")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
