"""Settings: what is configured and in use, without a secret."""

import re

import pytest
from playwright.sync_api import expect

from conftest import NARROW, SHADES, WIDE

pytestmark = pytest.mark.timeout(300)

TABS = ["connect", "keys", "limits", "models", "prices", "kept", "storage", "health", "channels"]
SECRET = "literal-key-of-the-test"
BEARER = {"authorization": f"Bearer {SECRET}"}
CONFIG = f"""
[otlp]
grpc = "off"
[record]
retention = "30d"
payload = "redacted"
redact = {{ ORDER = "o-[0-9]+" }}
[providers.far]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key = "sk-provider-{SECRET}"
[[keys]]
name = "ops"
key = "{SECRET}"
role = "admin"
[[keys]]
name = "checkout"
sha256 = "{"ab" * 32}"
role = "call"
models = ["demo/*"]
department = "sales"
[[keys]]
name = "looker"
key = "reader-key-of-the-test"
role = "read"
[[limits]]
label = "department"
value = "*"
rpm = 100
budget_usd_per_day = 5.0
[[prices]]
provider = "openai"
model = "gpt-4o"
in = 2.0
out = 8.0
[[prices]]
model = "demo-priced"
in = 1.0
out = 1.0
"""


@pytest.fixture
def settings(serve):
    return serve(CONFIG)


def signed_in(visit, weir, path, key=SECRET, **options):
    page = visit(weir, path, ignore=["401", "403"], **options)
    page.get_by_label("Key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
    return page


@pytest.mark.parametrize("shade", SHADES)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_part_is_accessible_and_fits(settings, visit, accessible, shot, shade, size):
    page = signed_in(visit, settings, "/settings", shade=shade, size=size)
    for tab in TABS:
        page.evaluate("path => { location.hash = path }", f"/settings?tab={tab}")
        expect(page.get_by_role("tabpanel")).to_be_visible()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{tab} scrolls sideways"
        assert SECRET not in page.content() and "sk-provider" not in page.content()
        shot(page, f"settings-{tab}-{shade}-{size['width']}")


def test_keys_say_what_they_may_and_when_they_were_used(settings, visit):
    settings.chat("demo/echo", "a-call", BEARER)
    settings.call("a-call", BEARER)
    page = signed_in(visit, settings, "/settings?tab=keys")
    keys = page.get_by_role("table", name="Keys")
    ops = keys.get_by_role("row", name=re.compile("ops"))
    expect(ops).to_contain_text("readable in the file")
    page.reload()
    expect(keys.get_by_role("row", name=re.compile("checkout"))).to_contain_text("its SHA-256")
    expect(keys.get_by_role("row", name=re.compile("checkout"))).to_contain_text("not in 30 days")
    expect(ops.get_by_role("link", name=re.compile("^[1-9]"))).to_have_attribute("href", re.compile(r"calls\?.*key:ops"))


def test_a_reader_is_not_shown_the_keys(settings, visit):
    page = signed_in(visit, settings, "/settings?tab=keys", key="reader-key-of-the-test")
    expect(page.get_by_text("Keys are shown to an admin")).to_be_visible()
    page.get_by_role("tab", name="Limits").click()
    expect(page.get_by_role("table", name="Limits")).to_contain_text("each one without its own")


def test_prices_are_found_and_own_ones_are_told_apart(settings, visit):
    page = signed_in(visit, settings, "/settings?tab=prices")
    prices = page.get_by_role("grid", name="Prices")
    own = prices.get_by_role("row").nth(1)
    expect(own).to_contain_text("[[prices]]")
    page.get_by_label("Find a model").fill("openai gpt-4o")
    expect(page).to_have_url(re.compile("price="))
    expect(prices.get_by_role("row", name=re.compile(r"^gpt-4o openai"))).to_contain_text("$2.00")
    page.get_by_label("Find a model").fill("")
    page.get_by_role("button", name="Own 2").click()
    expect(prices.get_by_role("row")).to_have_count(3)
    page.get_by_role("button", name=re.compile("^All ")).click()
    page.get_by_role("columnheader", name="Output").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="Output")).to_have_attribute("aria-sort", "descending")


def test_retention_storage_and_providers_are_told(settings, visit):
    page = signed_in(visit, settings, "/settings?tab=kept")
    expect(page.get_by_text("kept for 30 days; figures of days stay")).to_be_visible()
    expect(page.get_by_text("ORDER", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Storage").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("calls, traces, scores and figures")).to_be_visible()
    page.get_by_role("tab", name="Providers").click()
    expect(page.get_by_role("heading", name="far")).to_be_visible()
    expect(page.get_by_text("http://127.0.0.1:9/v1")).to_be_visible()


def test_the_storage_of_a_month_is_measured(demo, visit, shot):
    page = visit(demo, "/settings?tab=storage")
    expect(page.get_by_role("table", name="Projects")).to_contain_text("support-assistant")
    expect(page.get_by_text("telemetry.db", exact=True)).to_be_visible()
    shot(page, "settings-storage-demo")


def test_a_broken_provider_shows(serve, visit):
    weir = serve(CONFIG.replace('[providers.far]', '[gateway]\nretries = 0\n[providers.far]'))
    for n in range(4):
        weir.post("/v1/chat/completions", {"model": "far/m", "messages": [{"role": "user", "content": str(n)}]}, BEARER)
    page = signed_in(visit, weir, "/settings?tab=models")
    expect(page.get_by_text("cools down")).to_be_visible()

