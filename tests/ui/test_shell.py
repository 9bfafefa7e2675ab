"""The frame of every page: files, policy, prefix, keys, theme, palette."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import expect

from conftest import NARROW, WIDE
from rig.http import request


class Waiting(ThreadingHTTPServer):
    """A page asks for more at once than the usual five that may wait."""

    request_queue_size = 128


def test_files_are_packed_and_kept_and_need_no_key(serve):
    weir = serve('[[keys]]\nname = "a"\nkey = "reader-key-1"\nrole = "read"\n')
    page = weir.get("/", {"accept-encoding": "br, gzip"})
    assert page.headers["content-encoding"] == "br" and page.headers["cache-control"] == "no-cache"
    plain = weir.get("/").text
    script = re.search(r'src="\./(dashboard/index-[\w-]+\.js)"', plain).group(1)
    kept = weir.get(f"/{script}", {"accept-encoding": "gzip"})
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-encoding"] == "gzip"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy


def test_the_api_is_where_it_was(filled):
    assert filled.get("/health").text == "OK"
    assert filled.get("/api/v1/calls").status == 200
    assert filled.get("/dashboard/none.js").status == 404


def test_it_works_under_a_prefix(filled, visit):
    """Behind a proxy that takes `/team/weir` off."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.startswith("/team/weir/"):
                return self.send_error(404)
            answer = request("GET", filled.url + self.path.removeprefix("/team/weir"))
            self.send_response(answer.status)
            for name in ("content-type", "content-security-policy", "cache-control"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_):
            pass

    server = Waiting(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = visit(filled, "/", base=f"http://127.0.0.1:{server.server_port}/team/weir/")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        expect(page.get_by_text("gpt-4o-mini").first).to_be_visible()
        page.wait_for_load_state("networkidle")
    finally:
        server.shutdown()


def test_a_key_is_asked_for_and_kept_in_the_tab(serve, visit):
    weir = serve('[[keys]]\nname = "a"\nkey = "reader-key-1"\nrole = "read"\n')
    page = visit(weir, "/", ignore=["401"])
    field = page.get_by_label("Key")
    field.fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("does not know this key")).to_be_visible()
    field.fill("reader-key-1")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Make a first call")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Make a first call")).to_be_visible()
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_label("Key")).to_be_visible()


def test_the_theme_is_there_before_the_first_paint(filled, visit):
    page = visit(filled, "/", shade="dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Theme: as the system").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.reload(wait_until="commit")
    page.wait_for_function("document.documentElement?.dataset.theme === 'light'")


def test_what_is_typed_while_the_palette_comes_is_kept(filled, visit):
    page = visit(filled, "/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.route("**/palette*", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.keyboard.press("Control+k")
    page.keyboard.type("gpt")
    expect(page.get_by_placeholder("A page, an id")).to_have_value("gpt")
    expect(page).not_to_have_url(re.compile("prompts"))


def test_the_palette_and_the_help(filled, visit):
    page = visit(filled, "/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_placeholder("A page, an id")).to_be_focused()
    page.keyboard.type("calls")
    expect(page.get_by_role("option", name="Calls", exact=False).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("#/calls"))


def test_links_of_mlflow_open_their_pages(filled, visit):
    page = visit(filled, "/experiments")
    expect(page.get_by_role("heading", name="Experiments")).to_be_visible()


def test_navigation_on_a_phone(filled, visit):
    page = visit(filled, "/", size=NARROW)
    page.get_by_role("button", name="Navigation").click()
    page.get_by_role("link", name="Calls").click()
    expect(page).to_have_url(re.compile("#/calls"))


def test_what_is_nowhere_says_so(filled, visit):
    page = visit(filled, "/nothing", size=WIDE)
    expect(page.get_by_role("heading", name="Overview")).to_have_count(0)
    expect(page.get_by_text("There is no such page")).to_be_visible()
