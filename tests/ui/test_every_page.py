"""What holds of every page, over `weir demo-data`: both themes, a wide and a narrow window, the keyboard, its address and the way
back. That nothing is logged as an error and nothing leaves the host is asked of every visit of every test (conftest.py)."""

import re

import pytest
from playwright.sync_api import expect

from conftest import NARROW, SHADES, WIDE

# The month of traffic is made by the first test that needs it.
pytestmark = pytest.mark.timeout(300)

PAGES = {
    "overview": "/?from=-7d",
    "calls": "/calls?from=-7d",
    "traces": "/calls?from=-7d&view=traces",
    "workflows": "/workflows?from=-7d",
    "prompts": "/prompts",
    "prompt": "/prompts/support-answer",
    "diff": "/prompts/support-answer?tab=diff",
    "better": "/prompts/support-answer?tab=better&from=-30d",
    "playground": "/playground?prompt=support-answer",
    "playground-free": "/playground",
    "experiments": "/experiments",
    "models": "/models",
    "model": "/models/ticket-classifier",
    "anomalies": "/anomalies?from=-30d",
    "alerts": "/alerts",
    "rules": "/alerts?view=rules",
    "rule": "/alerts?view=rules&rule=new",
    "mutes": "/alerts?view=mutes",
    "budgets": "/budgets",
    "readiness": "/readiness",
    "costs": "/costs?from=-7d",
    "server": "/settings",
}


def opened(visit, weir, path, **options):
    page = visit(weir, path, **options)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    return page


@pytest.mark.parametrize("shade", SHADES)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it(demo, visit, accessible, shot, name, size, shade):
    page = opened(visit, demo, PAGES[name], size=size, shade=shade)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    shot(page, f"page-{name}-{shade}-{size['width']}")


# Left and width of the heads, and of the cells of the first row below them.
EDGES = """grid => ['columnheader', 'gridcell'].map(role => [...grid.querySelectorAll(`[role=${role}]`)].map(e => e.getBoundingClientRect())
  .map(r => [Math.round(r.left), Math.round(r.width)]))"""


@pytest.mark.parametrize("width", [1280, 1024, 1700])
@pytest.mark.parametrize("name", ["calls", "prompts", "experiments", "models", "anomalies", "rules", "costs"])
def test_heads_stand_over_their_columns(demo, visit, name, width):
    page = opened(visit, demo, PAGES[name], size={"width": width, "height": 800})
    grid = page.get_by_role("grid").first
    expect(grid.get_by_role("row").nth(1)).to_be_visible()
    heads, cells = grid.evaluate(EDGES)
    assert heads == cells[: len(heads)]


@pytest.mark.parametrize("name", PAGES)
def test_it_is_used_by_keyboard_and_left_and_come_back_to(demo, visit, name):
    page = opened(visit, demo, PAGES[name])
    title, address = page.get_by_role("heading", level=1).inner_text(), page.url
    if name == "rule":  # The form is the first stop, and the keys are its own.
        page.get_by_role("dialog", name="Rule").get_by_role("button", name="Close").click()
        address = page.url
    else:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the content")).to_be_focused()
        page.keyboard.press("Enter")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile("#/settings"))
    if name != "server":
        page.go_back()
    expect(page).to_have_url(address)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
