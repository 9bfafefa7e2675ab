"""Calls, traces and steps: found, narrowed down, watched as they come, opened."""

import json
import re

import pytest
from playwright.sync_api import expect

from conftest import NARROW, SHADES, WIDE
from traffic import NEEDLE, large_trace, write


def opened(visit, weir, path="/calls", **options):
    page = visit(weir, path, **options)
    expect(page.get_by_role("grid", name="Calls").get_by_role("row").nth(3)).to_be_visible()
    return page


def bar(page):
    return page.get_by_role("combobox", name="Filter")


def rows(page):
    return page.get_by_role("grid", name="Calls").get_by_role("row")


def test_only_what_is_in_sight_is_in_the_page(filled, visit):
    page = opened(visit, filled)
    assert rows(page).count() < 60
    grid = page.get_by_role("grid", name="Calls")
    expect(grid).to_have_attribute("aria-rowcount", "201")
    for _ in range(6):
        grid.evaluate("e => e.scrollTo(0, e.scrollHeight)")
        page.wait_for_timeout(150)
    expect(page.get_by_text("The end of this range.")).to_be_visible()
    assert rows(page).count() < 60


def test_keys_and_observed_values_are_offered(filled, visit):
    page = opened(visit, filled)
    page.keyboard.press("/")
    bar(page).press_sequentially("mod")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(bar(page)).to_have_value("model:")
    option = page.get_by_role("option", name=re.compile("^gpt-4o-mini"))
    expect(option).to_have_text(re.compile(r"gpt-4o-mini\d"))
    option.click()
    expect(page).to_have_url(re.compile("q=model:gpt-4o-mini"))
    expect(rows(page).nth(1)).to_contain_text("gpt-4o-mini")


def test_names_of_scores_and_of_attributes_are_offered(filled, visit):
    call = filled.calls(status="success", limit=1)[0]
    assert filled.post("/api/v1/scores", {"call": call["span_id"], "name": "politeness", "value": 0.5, "source": "judge"}).status == 200
    page = opened(visit, filled)
    bar(page).fill("polit")
    page.get_by_role("option", name=re.compile("^score.politeness:")).click()
    expect(bar(page)).to_have_value("score.politeness:")
    page.get_by_role("option", name=re.compile("^>=0.5")).click()
    expect(page).to_have_url(re.compile("q=score.politeness:%3E%3D0.5"))
    expect(page.get_by_role("grid", name="Calls")).to_have_attribute("aria-rowcount", "2")
    bar(page).fill("attr.")
    page.get_by_role("option", name=re.compile("^attr.tier:")).click()
    page.get_by_role("option", name=re.compile("^gold")).click()
    expect(page).to_have_url(re.compile("q=attr.tier:gold"))


def test_words_are_looked_for_in_requests_and_answers(filled, visit):
    page = opened(visit, filled)
    bar(page).fill(f'"{NEEDLE}"')
    bar(page).press("Enter")
    expect(page.get_by_role("grid", name="Calls")).to_have_attribute("aria-rowcount", "2")
    bar(page).fill("xylophone")
    bar(page).press("Enter")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").last.click()
    expect(rows(page).nth(3)).to_be_visible()


def test_a_wrong_filter_says_what_to_write(filled, visit):
    page = opened(visit, filled)
    bar(page).fill("latency:fast")
    bar(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("write latency:>2s")


def test_facets_count_and_filter(filled, visit):
    page = opened(visit, filled)
    facets = page.get_by_role("group", name="Facets")
    failed = filled.get("/api/v1/stats", group_by="status").json()["groups"]
    wanted = next(g["total"]["count"] for g in failed if g["by"]["status"] == "error")
    line = facets.locator("label", has_text="error").first
    expect(line).to_contain_text(str(wanted))
    line.click()
    expect(page).to_have_url(re.compile("q=status:error"))
    expect(page.get_by_role("grid", name="Calls")).to_have_attribute("aria-rowcount", str(wanted + 1))
    # The alternatives still show.
    expect(facets.locator("label", has_text="success")).to_be_visible()


def test_values_are_left_out(filled, visit):
    page = opened(visit, filled)
    groups = {g["by"]["status"]: g["total"]["count"] for g in filled.get("/api/v1/stats", group_by="status").json()["groups"]}
    facets = page.get_by_role("group", name="Facets")
    facets.get_by_role("button", name="Leave out success").click()
    expect(page).to_have_url(re.compile("q=-status:success"))
    expect(page.get_by_role("grid", name="Calls")).to_have_attribute("aria-rowcount", str(groups["error"] + groups["cached"] + 1))
    bar(page).fill("-status:success -status:ca")
    page.get_by_role("option", name=re.compile("^cached")).click()
    expect(page.get_by_role("grid", name="Calls")).to_have_attribute("aria-rowcount", str(groups["error"] + 1))
    facets.get_by_role("button", name="Leave out success").click()
    expect(page).to_have_url(re.compile("q=-status:cached"))
    bar(page).fill(f'-status:error -"{NEEDLE}" -attr.tier:gold')
    bar(page).press("Enter")
    expect(rows(page).nth(2)).to_be_visible()
    expect(rows(page).filter(has_text="upstream_error")).to_have_count(0)


def test_calls_are_found_by_their_scores(filled, visit):
    scored = filled.calls(status="success", limit=3)
    for number, call in enumerate(scored):
        answer = filled.post("/api/v1/scores", {"call": call["span_id"], "name": "accuracy", "value": number / 2, "source": "judge"})
        assert answer.status == 200, answer.text
    page = opened(visit, filled)
    for text, found in [("score.accuracy:any", 3), ("score.accuracy:>=0.5", 2), ("score.accuracy:<0.5", 1), ("score.accuracy:>0 score.accuracy:<1", 1)]:
        bar(page).fill(text)
        bar(page).press("Enter")
        expect(page.get_by_role("grid", name="Calls")).to_have_attribute("aria-rowcount", str(found + 1))
    bar(page).fill("score.accuracy:good")
    bar(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("write score.accuracy:<0.5")


def test_the_live_tail_says_what_it_cannot(filled, visit):
    page = visit(filled, "/calls?live=on&q=score.accuracy:any", ignore=["400"])
    expect(page.get_by_role("alert")).to_contain_text("scores come after calls")


def test_columns_are_chosen_and_remembered(filled, visit):
    page = opened(visit, filled)
    expect(page.get_by_role("columnheader", name="Session")).to_have_count(0)
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Session").check()
    page.get_by_role("checkbox", name="Department").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    expect(page.get_by_role("columnheader", name="Session")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Department")).to_have_count(0)


def test_a_link_shows_the_columns_of_its_sender(filled, visit):
    sender = opened(visit, filled)
    sender.get_by_role("button", name="Columns").click()
    sender.get_by_role("checkbox", name="Session").check()
    sender.get_by_role("button", name="Session further left").click()
    expect(sender).to_have_url(re.compile("cols=.*session"))
    heads = sender.get_by_role("columnheader").all_inner_texts()
    receiver = opened(visit, filled)
    receiver.goto("about:blank")
    receiver.goto(sender.url)
    expect(receiver.get_by_role("columnheader")).to_have_text(heads)
    # Their own are as they were.
    receiver.goto(f"{filled.url}/#/calls")
    expect(receiver.get_by_role("columnheader", name="Session")).to_have_count(0)


def test_sorted_by_the_server(filled, visit):
    page = opened(visit, filled)
    page.get_by_role("columnheader", name="Latency").get_by_role("button").click()
    expect(page).to_have_url(re.compile("order=-latency"))
    slowest = filled.calls(order="-latency", limit=1, **{"from": "-24h"})[0]
    expect(rows(page).nth(1)).to_contain_text(slowest["model"])


def test_views_are_saved(filled, visit):
    page = opened(visit, filled, "/calls?q=model:gpt-4o")
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of the view").fill("The big one")
    page.get_by_role("button", name="Save the view").click()
    page.get_by_role("button", name=re.compile("^Failed calls")).click()
    expect(bar(page)).to_have_value("status:error")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name=re.compile("^The big one")).click()
    expect(bar(page)).to_have_value("model:gpt-4o")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Delete The big one").click()
    page.get_by_role("button", name="Undo").click()
    if not page.get_by_label("Name of the view").is_visible():
        page.get_by_role("button", name="Views").click()
    expect(page.get_by_role("button", name=re.compile("^The big one"))).to_be_visible()


def test_the_drawer_by_keyboard(filled, visit):
    page = opened(visit, filled)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Call")
    expect(drawer.get_by_role("tree")).to_be_visible()
    first = page.url
    page.keyboard.press("j")
    page.wait_for_function("before => location.href !== before", arg=first)
    expect(drawer.get_by_role("treeitem", name=re.compile("answer_question"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    # The row still has the focus: the list goes on where it was left.
    expect(page.locator(":focus")).to_have_attribute("aria-rowindex", "3")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_attribute("aria-rowindex", "4")
    page.go_back()
    expect(page).not_to_have_url(re.compile("open="))


def test_a_call_by_its_link(filled, visit):
    call = filled.calls(status="success", limit=1)[0]
    page = visit(filled, f"/calls?open={call['span_id']}")
    drawer = page.get_by_role("dialog", name="Call")
    expect(drawer.get_by_text("Where is my order 81233?").first).to_be_visible()
    expect(drawer.get_by_text(re.compile("It has shipped")).last).to_be_visible()
    drawer.get_by_role("tab", name="Facts").click()
    expect(drawer.get_by_text(call["request_id"])).to_be_visible()
    expect(page).to_have_url(re.compile("tab=facts"))
    drawer.get_by_role("tab", name="Raw JSON").click()
    expect(drawer.get_by_role("group", name="The record")).to_contain_text(call["trace_id"])
    drawer.get_by_role("treeitem", name=re.compile("search_kb")).click()
    drawer.get_by_role("tab", name="Input and output").click()
    expect(drawer.get_by_text("Refunds are paid within 14 days.").first).to_be_visible()


def test_tools_are_cards(filled, visit):
    tool = filled.calls(kind="tool", limit=1)[0]
    call = next(c for c in filled.calls(trace_id=tool["trace_id"], limit=10) if c["kind"] == "llm")
    page = visit(filled, f"/calls?open={call['span_id']}")
    drawer = page.get_by_role("dialog", name="Call")
    expect(drawer.get_by_role("group", name="Arguments of get_order")).to_contain_text("81233")


def test_a_call_is_copied_as_something_that_runs(filled, visit):
    call = filled.calls(status="success", limit=1)[0]
    page = visit(filled, f"/calls?open={call['span_id']}", permissions=["clipboard-read", "clipboard-write"])
    drawer = page.get_by_role("dialog", name="Call")
    for name, wanted in (("Copy as curl", f"curl {filled.url}/v1/chat/completions"), ("Copy as Python", "client.chat.completions.create(")):
        drawer.get_by_role("button", name="Copy as…").click()
        page.get_by_role("menuitem", name=name).click()
        expect(page.get_by_text("copied").last).to_be_visible()
        assert wanted in page.evaluate("navigator.clipboard.readText()")


def test_a_thumb_is_a_score(filled, visit):
    call = filled.calls(status="success", limit=1)[0]
    page = visit(filled, f"/calls?open={call['span_id']}&tab=scores")
    drawer = page.get_by_role("dialog", name="Call")
    drawer.get_by_role("button", name="Yes").click()
    expect(drawer.get_by_role("cell", name="thumb")).to_be_visible()
    scores = filled.get("/api/v1/scores", call=call["span_id"]).json()["scores"]
    assert [(s["value"], s["source"]) for s in scores if s["name"] == "thumb"] == [(1, "human")]


def test_traces_are_what_is_no_step_of_another(filled, visit):
    page = opened(visit, filled)
    page.get_by_role("button", name="Traces").click()
    expect(rows(page).nth(1)).to_contain_text("answer_question")
    expect(page).to_have_url(re.compile("view=traces"))


def test_calls_come_in_live(serve, visit):
    weir = serve('[otlp]\ngrpc = "off"\n')
    weir.chat("demo/echo", "before")
    weir.call("before")
    page = visit(weir, "/calls?live=on")
    expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    expect(rows(page).nth(1)).to_be_visible()
    weir.chat("demo/echo", "after")
    expect(page.get_by_role("grid", name="Calls")).to_have_attribute("aria-rowcount", "3")


def test_a_call_of_the_openai_client(filled, visit):
    client = filled.openai(id="by-the-sdk")
    stream = client.chat.completions.create(
        model="demo/echo", messages=[{"role": "system", "content": "Answer."}, {"role": "user", "content": "What is a weir?"}], stream=True
    )
    assert list(stream)
    filled.call("by-the-sdk")
    page = visit(filled, "/calls?open=by-the-sdk")
    drawer = page.get_by_role("dialog", name="Call")
    expect(drawer.get_by_text("What is a weir?").first).to_be_visible()
    expect(drawer.get_by_text("Assistant")).to_be_visible()
    expect(drawer.get_by_text("demo/echo").first).to_be_visible()


def test_a_trace_of_ten_thousand_steps(filled, visit):
    trace, spans = large_trace(10_000)
    write(filled, spans)
    page = visit(filled, f"/traces/{trace}")
    tree = page.get_by_role("tree")
    expect(tree.get_by_role("treeitem").first).to_contain_text("crew")
    expect(page.get_by_text("10.0k steps").or_(page.get_by_text("10k steps"))).to_be_visible()
    assert tree.get_by_role("treeitem").count() < 120
    tree.get_by_role("treeitem").nth(1).click()
    page.keyboard.press("ArrowLeft")
    expect(tree.get_by_role("treeitem").nth(1)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("span="))


def test_what_is_not_there_says_so(filled, visit):
    page = visit(filled, "/traces/00000000000000000000000000000001", ignore=["404"])
    expect(page.get_by_text("There is no such trace")).to_be_visible()


@pytest.mark.parametrize("shade", SHADES)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_everybody_can_use_it(filled, visit, accessible, shot, shade, size):
    page = opened(visit, filled, size=size, shade=shade)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    shot(page, f"calls-{shade}-{size['width']}")
    call = next(c for c in filled.calls(status="success", limit=200) if c.get("parent_id"))
    page.evaluate("id => { location.hash = `#/calls?open=${id}` }", call["span_id"])
    expect(page.get_by_role("dialog", name="Call").get_by_role("tree")).to_be_visible()
    accessible(page)
    shot(page, f"call-{shade}-{size['width']}")
    page.evaluate("id => { location.hash = `#/traces/${id}` }", call["trace_id"])
    expect(page.get_by_role("region", name="The chosen step")).to_be_visible()
    accessible(page)
    shot(page, f"trace-{shade}-{size['width']}")


def test_answers_are_shown_as_markdown_or_as_written(filled, visit):
    text = "Do this:\n\n1. **Open** the app\n2. Tap `Returns`\n\n| item | days |\n|---|---|\n| box | 14 |"
    body = {"model": "demo/echo", "messages": [{"role": "user", "content": text}]}
    assert filled.post("/v1/chat/completions", json.dumps(body), {"x-request-id": "markdown"}).status == 200
    filled.call("markdown")
    page = visit(filled, "/calls?open=markdown")
    drawer = page.get_by_role("dialog", name="Call")
    expect(drawer.locator("strong", has_text="Open").first).to_be_visible()
    expect(drawer.get_by_role("cell", name="14").first).to_be_visible()
    drawer.get_by_role("group", name="Show messages as").get_by_role("button", name="As written").click()
    expect(drawer.get_by_text("1. **Open** the app").first).to_be_visible()
    page.reload()
    expect(drawer.get_by_text("1. **Open** the app").first).to_be_visible()


def test_the_record_is_text_never_markup(filled, visit):
    body = {"model": "demo/echo", "messages": [{"role": "user", "content": "<img src=x onerror=alert(1)><script>alert(2)</script>"}]}
    answer = filled.post("/v1/chat/completions", json.dumps(body), {"x-request-id": "markup"})
    assert answer.status == 200
    filled.call("markup")
    page = visit(filled, "/calls?open=markup")
    expect(page.get_by_role("dialog", name="Call").get_by_text("<script>alert(2)</script>").first).to_be_visible()
