"""The pictures of docs/images: every page of the dashboard over a month of `weir demo-data`, as WebP. `make ui-images` runs it;
names after the folder choose pictures.

    python tests/ui/pictures.py docs/images [overview trace ...]
"""

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

# After this folder, whose conftest is meant.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright  # noqa: E402

from conftest import CHROMIUM, CONFIG, PATIENCE, WIDE  # noqa: E402
from rig import BIN, Weir  # noqa: E402

QUALITY = 0.82
#: What a shop of that size may set itself: one that lasts, one that will not, one that is spent.
TARGETS = """
[[budgets]]
name = "assistant"
amount = 40
period = "month"
[[budgets]]
name = "support"
amount = 9
period = "month"
filters = { department = "support" }
[[budgets]]
name = "sales"
amount = 3
period = "month"
filters = { department = "sales" }
[[slos]]
name = "answers"
objective = 0.99
[[slos]]
name = "quick answers"
objective = 0.95
latency = "4s"
"""
IDLE = """() => !document.querySelector('main [role=status][aria-label=Loading]') && !document.querySelector('main [aria-busy=true]')"""
# Chromium itself packs a picture as WebP.
PACK = """async ([png, quality]) => {
  const picture = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d').drawImage(picture, 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({type: 'image/webp', quality})).arrayBuffer());
  let text = ''; for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text); }"""


def opened(server):
    """A call of a trace that has a tool and an answer."""
    for tool in server.calls(kind="tool", status="success", limit=50):
        for step in server.calls(trace_id=tool["trace_id"], limit=50):
            if step["kind"] == "llm" and step["status"] == "success" and step["name"] != "triage":
                return step
    raise LookupError("no trace has a tool and an answer")


def first(page, grid, text=None):
    rows = page.get_by_role("grid", name=grid).get_by_role("row")
    (rows.filter(has_text=text).first if text else rows.nth(1)).click()


def runs(page):
    page.get_by_role("grid", name="Experiments").get_by_text("answer-quality", exact=True).click()


def compared(page):
    runs(page)
    for name in ("v1-gpt-4.1", "v2-gpt-4.1", "v2-gpt-4o-mini"):
        page.get_by_role("checkbox", name=f"Compare {name}", exact=True).check()
    page.get_by_role("button", name="Compare").first.click()


def curves(page):
    page.get_by_role("grid", name="Experiments").get_by_role("row").filter(has_text="classifier").first.click()
    first(page, "Runs")
    page.get_by_role("tab", name="Charts").click()


def answered(page):
    page.get_by_role("textbox", name="context").fill("City 3: 21 kg\nTour 5: 24 kg, longer range")
    page.get_by_role("textbox", name="User").fill("Which is lighter?")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("link", name="Trace").nth(1).wait_for()


def dry_run(page):
    page.get_by_role("button", name="Dry run").click()
    page.get_by_role("region", name="Dry run").wait_for()
    page.wait_for_timeout(1_500)


def palette(page):
    page.keyboard.press("Control+k")
    page.keyboard.type("gpt")


#: Name, address, what is done there. `{call}` and `{trace}` are those of a call with a tool before it.
PICTURES = [
    ("overview", "/?from=-7d", None),
    ("calls", "/calls?from=-7d", None),
    ("call", "/calls?from=-7d&open={call}", None),
    ("trace", "/traces/{trace}", None),
    ("workflows", "/workflows?from=-7d&workflow=support-assistant", None),
    ("runs", "/experiments", runs),
    ("compare", "/experiments", compared),
    ("run", "/experiments", curves),
    ("models", "/models/ticket-classifier", None),
    ("prompts", "/prompts/support-answer", None),
    ("diff", "/prompts/support-answer?tab=diff", None),
    ("better", "/prompts/support-answer?tab=better&from=-30d", None),
    ("playground", "/playground?prompt=product-advice&columns=v1~demo/echo,v1~demo/lorem", answered),
    ("anomalies", "/anomalies?from=-30d", None),
    ("anomaly", "/anomalies?from=-30d", lambda page: first(page, "Anomalies")),
    ("alerts", "/alerts?view=rules", None),
    ("rule", "/alerts?view=rules&rule=new", dry_run),
    ("budgets", "/budgets", None),
    ("readiness", "/readiness", None),
    ("costs", "/costs?from=-30d", None),
    ("settings", "/settings", None),
    ("palette", "/?from=-7d", palette),
]
#: What the README shows in the reader's theme.
BOTH = {"overview"}


def settled(page):
    page.wait_for_timeout(400)
    page.wait_for_function(IDLE, timeout=60_000)
    page.wait_for_timeout(400)


def take(browser, server, folder, names):
    call = opened(server)
    packer = browser.new_page()
    for name, path, act in PICTURES:
        if names and name not in names:
            continue
        for shade in ("light", "dark") if name in BOTH else ("light",):
            context = browser.new_context(viewport=WIDE, color_scheme=shade, reduced_motion="reduce")
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(f"{server.url}/#{path.format(call=call['span_id'], trace=call['trace_id'])}")
            settled(page)
            if act:
                act(page)
                settled(page)
            png = base64.b64encode(page.screenshot()).decode()
            file = folder / f"{name}{'-dark' if shade == 'dark' else ''}.webp"
            file.write_bytes(base64.b64decode(packer.evaluate(PACK, [png, QUALITY])))
            print(f"{file} {file.stat().st_size / 1000:.0f} kB")
            context.close()


def main(folder, *names):
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        subprocess.run([BIN / "weir", "demo-data", "--data", home / "data"], check=True, capture_output=True, timeout=300)
        server = Weir(home, CONFIG + TARGETS)
        try:
            while not server.get("/api/v1/anomalies", timeout=120, wait="60s").json()["watch"]["complete"]:
                print("the month is still being judged")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
                take(browser, server, Path(folder), names)
                browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
