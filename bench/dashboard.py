"""How fast the dashboard is, in Chromium, over millions of stored calls: first paint, the overview complete, a trace of ten
thousand steps, frames while lists scroll.

    python bench/dashboard.py [--calls 5000000] [--data DIR] [--bin target/release] [--json FILE]

Needs Chromium, a `weir` with the dashboard and the environment of tests/ui (`make bench-dashboard` has them). The data is made by
`weir demo-data` and takes minutes: with `--data` it is kept and used again. Times are medians over `--rounds` visits, each in a
fresh browser profile, without a cache of files.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "ui"), str(ROOT / "bench")]

import report  # noqa: E402
from rig.process import Process  # noqa: E402
from rig.http import request  # noqa: E402
from traffic import large_trace  # noqa: E402

STEPS = 10_000
#: Milliseconds of a frame at 60 a second; browsers round, so that a frame counts as late a millisecond beyond.
FRAME = 1_000 / 60
SLACK = 1.0
#: How fast a list is scrolled, pixels a second, and how far.
SPEED = 3_000
FAR = 15_000
READY = r"weir is ready address=[^\s]*:(\d+)"
WIDE = {"width": 1280, "height": 800}

# Notes when the page has what was asked for: nothing loads any more, and the next frame shows it.
WATCH = """
window.whenDone = (complete) => new Promise((resolve) => {
  const look = () => {
    if (complete()) requestAnimationFrame(() => resolve(performance.now()));
    else requestAnimationFrame(look);
  };
  look();
});
window.idle = () => !document.querySelector('main [role=status][aria-label=Loading]') && !document.querySelector('main [aria-busy=true]');
"""
OVERVIEW = """() => whenDone(() => idle() && document.querySelectorAll('main figure canvas').length >= 5 && document.querySelectorAll('main li').length >= 10)"""
TRACE = """() => whenDone(() => document.querySelectorAll('[role=treeitem]').length > 10 && document.querySelector('section[aria-label="The chosen step"] [role=tablist]'))"""
LIST = """() => whenDone(() => idle() && document.querySelectorAll('[role=grid] [role=row]').length > 10)"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
SLOWEST = """() => performance.getEntriesByType('resource').filter((e) => e.name.includes('/api/'))
  .map((e) => [e.name.replace(location.origin, '').replace(/from=[^&]*&?|to=[^&]*&?/g, ''), Math.round(e.duration)]).sort((a, b) => b[1] - a[1]).slice(0, 4)"""
FRAMES = """() => { window.frames_ = []; let before; window.counting = true;
  const next = (at) => { if (before !== undefined) frames_.push(at - before); before = at; if (counting) requestAnimationFrame(next); };
  requestAnimationFrame(next); }"""


def arguments():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=5_000_000)
    options.add_argument("--data", type=Path, help="a folder to keep the data in, or to find it in")
    options.add_argument("--served", type=Path, help="a data folder that is there: nothing is written into it, the trace goes to a server of its own")
    options.add_argument("--bin", type=Path, default=ROOT / "target" / "release")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    options.add_argument("--json", type=Path)
    return options.parse_args()


def fill(weir, data, calls):
    """The data, made unless it is there: a mark beside it says that it was made whole."""
    mark = data / "made"
    if not mark.exists():
        began = time.monotonic()
        subprocess.run([weir, "demo-data", "--data", data / "weir", "--calls", str(calls)], check=True, stdout=subprocess.DEVNULL)
        mark.write_text(json.dumps({"calls": calls, "seconds": round(time.monotonic() - began)}))
    return json.loads(mark.read_text())


def serve(weir, home, data):
    home.mkdir(parents=True, exist_ok=True)
    config = home / "weir.toml"
    config.write_text('[otlp]\ngrpc = "off"\n')
    server = Process([weir, "serve", "--config", config, "--listen", "127.0.0.1:0", "--data", data], home / "weir.log", None, home)
    port = server.wait_for(READY).group(1)
    return server, f"http://127.0.0.1:{port}"


def settle(server):
    """Until the server has done what it does after a start: it used less than a tenth of a core for three seconds."""

    def spent():
        fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    began, quiet = time.monotonic(), 0
    while quiet < 3 and time.monotonic() - began < 600:
        before = spent()
        time.sleep(1)
        quiet = quiet + 1 if spent() - before < 0.1 else 0
    return time.monotonic() - began


class Visits:
    """Visits of one kind, each by a browser that was never there."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def open(self, path):
        context = self.browser.new_context(viewport=WIDE)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{self.url}/#{path}", wait_until="commit")
        return page

    def timed(self, path, done, rounds):
        paints, times, slowest = [], [], []
        for _ in range(rounds):
            page = self.open(path)
            times.append(page.evaluate(done))
            paints.append(page.evaluate(PAINT))
            slowest = page.evaluate(SLOWEST)
            page.context.close()
        return statistics.median(paints), statistics.median(times), slowest

    def from_list(self, trace, rounds):
        """A trace opened where the dashboard is there already."""
        times = []
        for _ in range(rounds):
            page = self.open("/calls")
            page.evaluate(LIST)
            began = page.evaluate("() => performance.now()")
            page.evaluate(f"() => {{ location.hash = '#/traces/{trace}' }}")
            times.append(page.evaluate(TRACE) - began)
            page.context.close()
        return statistics.median(times)

    def scrolled(self, path, done, inside):
        """Share of late frames while a list is scrolled with a steady gesture, and the longest."""
        page = self.open(path)
        page.evaluate(done)
        page.wait_for_timeout(1_000)
        box = page.locator(inside).first.bounding_box()
        cdp = page.context.new_cdp_session(page)
        page.evaluate(FRAMES)
        gesture = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "yDistance": -FAR, "speed": SPEED, "gestureSourceType": "mouse", "preventFling": True}
        cdp.send("Input.synthesizeScrollGesture", gesture)
        frames = page.evaluate("() => { counting = false; return frames_ }")
        moved = page.locator(inside).first.evaluate("e => e.scrollTop")
        page.context.close()
        assert moved > FAR / 4, f"{path} scrolled by {moved} pixels only"
        late = [frame for frame in frames if frame > FRAME + SLACK]
        return {"frames": len(frames), "late": len(late) / len(frames), "longest": max(frames)}


def measure(browser, url, trace_url, trace, rounds):
    visits, of_trace = Visits(browser, url), Visits(browser, trace_url)
    visits.timed("/", OVERVIEW, 1)  # What a disk must bring is in memory afterwards.
    found = {}
    for name, path in (("day", "/"), ("month", "/?from=-30d")):
        paint, complete, slowest = visits.timed(path, OVERVIEW, rounds)
        found[name] = {"paint": paint, "complete": complete, "slowest": slowest}
    paint, complete, slowest = of_trace.timed(f"/traces/{trace}", TRACE, rounds)
    found["trace"] = {"paint": paint, "complete": complete, "slowest": slowest, "from_list": of_trace.from_list(trace, rounds)}
    paint, complete, slowest = visits.timed("/calls", LIST, rounds)
    found["calls"] = {"paint": paint, "complete": complete, "slowest": slowest}
    found["scroll_calls"] = visits.scrolled("/calls?from=-7d", LIST, "[role=grid][aria-label=Calls]")
    found["scroll_trace"] = of_trace.scrolled(f"/traces/{trace}", TRACE, "[role=tree]")
    return found


def rows(found):
    paint, day, month, trace = found["day"]["paint"], found["day"]["complete"], found["month"]["complete"], found["trace"]
    ms = lambda value: f"{value:.0f} ms"  # noqa: E731
    frames = lambda of: f"{of['late']:.1%} of {of['frames']}, longest {of['longest']:.0f} ms"  # noqa: E731
    return [
        ("first contentful paint", ms(paint), "< 500 ms", paint < 500),
        ("overview complete, last 24 hours", ms(day), "< 1,000 ms", day < 1_000),
        ("overview complete, last 30 days", ms(month), "", None),
        ("list of calls, from nothing", ms(found["calls"]["complete"]), "", None),
        (f"trace of {STEPS:,} steps, from the list", ms(trace["from_list"]), "< 1,000 ms", trace["from_list"] < 1_000),
        (f"trace of {STEPS:,} steps, by its link", ms(trace["complete"]), "< 1,000 ms", trace["complete"] < 1_000),
        ("frames over 16.7 ms, scrolling the list", frames(found["scroll_calls"]), "", None),
        ("frames over 16.7 ms, scrolling the trace", frames(found["scroll_trace"]), "", None),
    ]


def main():
    options = arguments()
    weir = (options.bin / "weir").resolve()
    with tempfile.TemporaryDirectory() as temporary:
        home, servers = Path(temporary), []
        if options.served:
            made, data = {"calls": options.calls, "seconds": None}, options.served.resolve()
        else:
            kept = (options.data or home / "made").resolve()
            kept.mkdir(parents=True, exist_ok=True)
            made, data = fill(weir, kept, options.calls), kept / "weir"
        try:
            server, url = serve(weir, home / "large", data)
            servers.append(server)
            trace_url = url
            if options.served:
                other, trace_url = serve(weir, home / "other", home / "other" / "data")
                servers.append(other)
            trace, spans = large_trace(STEPS)
            for first in range(0, len(spans), 5_000):
                answer = request("POST", f"{trace_url}/api/v1/spans", {"spans": spans[first : first + 5_000]}, timeout=60)
                assert answer.status == 200, answer.text
            waited = settle(server)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
                found = measure(browser, url, trace_url, trace, options.rounds)
                browser.close()
        finally:
            for running in servers:
                running.stop(120)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    origin = "given" if made["seconds"] is None else f"made in {made['seconds']} s"
    print(f"{made['calls']:,} calls ({origin}), {report.machine()}, {report.date()}, load {report.load_average()}, settled after {waited:.0f} s\n")
    print(report.targets(rows(found)))
    for name in ("day", "month", "trace", "calls"):
        print(f"\nslowest answers, {name}:")
        for address, took in found[name]["slowest"]:
            print(f"  {took:5} ms  {address}")


if __name__ == "__main__":
    main()
