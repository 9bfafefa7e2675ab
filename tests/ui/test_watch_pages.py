"""Alerts with their rules, budgets, objectives and readiness, over `weir demo-data`."""

import re

import pytest
from playwright.sync_api import expect

from conftest import SHADES

# The month of traffic is made by the first test that needs it.
pytestmark = pytest.mark.timeout(300)


def test_a_rule_is_tried_made_and_deleted(demo, visit, shot):
    page = visit(demo, "/alerts?view=rules")
    page.get_by_role("button", name="Rule", exact=True).click()
    drawer = page.get_by_role("dialog", name="Rule")
    drawer.get_by_label("Name").fill("Errors by provider")
    drawer.get_by_role("checkbox", name="model").uncheck()
    drawer.get_by_role("checkbox", name="provider").check()
    drawer.get_by_label("Over (window)").fill("30m")
    drawer.get_by_role("button", name="Dry run").click()
    tried = drawer.get_by_role("region", name="Dry run")
    expect(tried).to_contain_text("it would have fired", timeout=60_000)
    expect(tried.get_by_role("list").get_by_text("anthropic").first).to_be_visible()
    shot(page, "alert-dry-run")
    drawer.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rule is made")).to_be_visible()
    row = page.get_by_role("grid", name="Rules").get_by_role("row", name=re.compile("Errors by provider"))
    expect(row).to_contain_text("error ratio > 5 %, critical from 20 % over 30m by provider")
    expect(page).to_have_url(re.compile("rule="))
    page.reload()
    expect(drawer.get_by_label("Name")).to_have_value("Errors by provider")
    drawer.get_by_role("button", name="JSON").click()
    expect(drawer.get_by_label("The rule as JSON")).to_have_value(re.compile('"error_ratio"'))
    drawer.get_by_role("button", name="Delete the rule").click()
    asked = page.get_by_role("alertdialog", name="Delete the rule “Errors by provider”?")
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(row).to_be_visible()
    drawer.get_by_role("button", name="Delete the rule").click()
    asked.get_by_role("button", name="Delete the rule").click()
    expect(row).to_have_count(0)


def test_what_was_changed_in_a_rule_is_not_left_by_mistake(demo, visit):
    page = visit(demo, "/alerts?view=rules&rule=new")
    drawer = page.get_by_role("dialog", name="Rule")
    drawer.get_by_label("Name", exact=True).fill("Half a rule")
    page.keyboard.press("Tab")
    drawer.get_by_role("button", name="Close").click()
    asked = page.get_by_role("alertdialog", name="Leave the new rule?")
    asked.get_by_role("button", name="Cancel").click()
    expect(drawer.get_by_label("Name", exact=True)).to_have_value("Half a rule")
    drawer.get_by_role("button", name="Close").click()
    asked.get_by_role("button", name="Leave it").click()
    expect(drawer).to_have_count(0)


def test_a_rule_that_is_wrong_says_where(demo, visit):
    page = visit(demo, "/alerts?view=rules&rule=new", ignore=["400"])
    drawer = page.get_by_role("dialog", name="Rule")
    drawer.get_by_label("Name").fill("Wrong")
    drawer.get_by_label("Over (window)").fill("10 parsecs")
    drawer.get_by_role("button", name="Save").click()
    expect(drawer.get_by_role("alert")).to_contain_text("window")


@pytest.mark.parametrize("shade", SHADES)
@pytest.mark.parametrize("source", ["scores", "anomalies", "a budget", "an objective"])
def test_a_rule_of_every_source_is_made_and_tried(demo, visit, accessible, shot, source, shade):
    page = visit(demo, "/alerts?view=rules&rule=new", shade=shade)
    drawer = page.get_by_role("dialog", name="Rule")
    name = f"About {source} {shade}"
    drawer.get_by_label("Name", exact=True).fill(name)
    drawer.get_by_role("button", name=source, exact=True).click()
    if source == "scores":
        drawer.get_by_label("Name of the score").fill("helpfulness")
        drawer.get_by_label("Comparison").select_option("<")
    elif source == "anomalies":
        drawer.get_by_role("checkbox", name="error ratio").check()
    elif source == "a budget":
        drawer.get_by_label("Budget", exact=True).select_option("small")
    else:
        drawer.get_by_label("Objective", exact=True).select_option("answers")
    accessible(page)
    drawer.get_by_role("button", name="Dry run").click()
    expect(drawer.get_by_role("region", name="Dry run")).to_contain_text("it would have fired", timeout=60_000)
    shot(page, f"rule-{source.split()[-1]}-{shade}")
    drawer.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rule is made")).to_be_visible()
    expect(drawer.get_by_role("region", name="History of the rule")).to_be_visible()
    drawer.get_by_role("button", name="Delete the rule").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete the rule").click()
    expect(page.get_by_role("grid", name="Rules").get_by_text(name)).to_have_count(0)


def test_alerts_are_muted_and_told_again(demo, visit, shot):
    page = visit(demo, "/alerts?view=mutes")
    page.get_by_role("button", name="Mute", exact=True).click()
    drawer = page.get_by_role("dialog", name="Mute")
    expect(drawer.get_by_role("button", name="Mute", exact=True)).to_be_disabled()
    drawer.get_by_label("Only with these labels").fill("model=gpt-4o, department=sales")
    drawer.get_by_role("button", name="1 day").click()
    drawer.get_by_label("Why").fill("The provider moves")
    drawer.get_by_role("button", name="Mute", exact=True).click()
    line = page.get_by_role("list", name="Mutes").get_by_role("listitem").filter(has_text="The provider moves")
    expect(line).to_contain_text("department: sales")
    expect(line).to_contain_text("in 23 h")
    expect(drawer).to_have_count(0)
    shot(page, "mutes")
    page.reload()
    line.get_by_role("button", name="End the mute of every rule, department=sales, model=gpt-4o").focus()
    page.keyboard.press("Enter")
    page.get_by_role("alertdialog").get_by_role("button", name="End the mute").click()
    expect(line).to_have_count(0)


def test_an_alert_leads_to_its_mute(demo, visit):
    page = visit(demo, "/alerts")
    row = page.get_by_role("grid", name="Alerts").get_by_role("row").filter(has_text="Budget small").first
    row.click(timeout=90_000)
    page.get_by_role("dialog", name="Alert").get_by_role("link", name="Mute").click()
    drawer = page.get_by_role("dialog", name="Mute")
    expect(drawer.get_by_label("Of rule")).not_to_have_value("")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_an_alert_is_opened_and_taken_care_of(demo, visit, shot):
    page = visit(demo, "/alerts")
    row = page.get_by_role("grid", name="Alerts").get_by_role("row").filter(has_text="Budget small").first
    expect(row).to_be_visible(timeout=90_000)
    row.click()
    detail = page.get_by_role("dialog", name="Alert")
    expect(detail).to_contain_text("has spent")
    shot(page, "alert")
    page.keyboard.press("a")
    expect(page.get_by_text("It is yours until it is over")).to_be_visible()
    expect(detail.get_by_role("button", name=re.compile("Taken by"))).to_be_disabled()
    detail.get_by_role("link", name="The rule").click()
    expect(page.get_by_role("dialog", name="Rule")).to_contain_text("change it there")


def test_budgets_say_whether_they_last(demo, visit):
    page = visit(demo, "/budgets")
    expect(page.get_by_role("region", name="Budget small").get_by_text("spent", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Budget large").get_by_text("lasts", exact=True)).to_be_visible()
    expect(page.get_by_role("table", name="Objectives").get_by_text("answers")).to_be_visible()


def test_readiness_says_what_to_do(demo, visit):
    page = visit(demo, "/readiness")
    checks = page.get_by_role("list", name="Checks").get_by_role("listitem")
    expect(checks.first).to_be_visible()
    expect(checks.filter(has_text="Every call traced").get_by_label("passes")).to_be_visible()
    expect(checks.filter(has_text="Retention").get_by_label("fails")).to_be_visible()
