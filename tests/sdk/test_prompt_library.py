"""The prompts themselves: files that are reloaded live, the API, labels, roles, restarts, hostile templates, splits."""

import concurrent.futures
import json
import math
import os
import time
import uuid

import openai
import pytest

from rig import Weir, behave, eventually, request
from rig.prompts import ASK, asked, prompt_of, refusal, sent, write
from rig.weir import run

API = "/api/v1/prompts"


def start(serve, up, files, config=""):
    server = serve(config + up, start=False)
    write(server, files)
    return server.start()


def change(server, method, path, body=None, headers=None):
    return request(method, f"{server.url}{path}", body, headers)


def rendered(server, name, key=None, **body):
    answer = server.post(f"{API}/{name}/render", body, key)
    assert answer.status == 200, answer.text
    return answer.json()


def text_of(server, name, **body):
    answer = server.post(f"{API}/{name}/render", body)
    return answer.json()["text"] if answer.status == 200 else None


# The folder


def test_a_broken_file_is_logged_and_the_others_work(serve, up, fake, key):
    server = start(serve, up, {
        "good/v1.jinja2": "Good: {{ user_message }}",
        "bad/v1.jinja2": "---\nkind: text\n---\nfine\n{{ oops",
        "worse/v1.jinja2": "---\nmodle: x\n---\n",
        "labels/v1.jinja2": "---\nlabels: two words\n---\nx",
        "not a name/v1.jinja2": "x",
    })
    body, _ = asked(server, fake, key, prompt="good")
    assert body["messages"][0]["content"] == "Good: Where is my parcel?"
    log = server.log()
    for piece in ("bad@v1", "line 5", "modle", "did you mean", "two words", "not a name"):
        assert piece in log, (piece, log)
    assert [p["name"] for p in server.get(API).json()["prompts"]] == ["good"]


def test_files_are_taken_live(serve, up, fake, key):
    server = start(serve, up, {"ask/v1.jinja2": "One: {{ user_message }}"})
    _, first = asked(server, fake, key, prompt="ask")
    # A new version.
    write(server, {"ask/v2.jinja2": "Two: {{ user_message }}"})
    eventually("v2 is there", lambda: text_of(server, "ask", user_message="x") == "Two: x")
    # A version changed in place: it counts, is warned of, and its calls are told apart by the hash.
    write(server, {"ask/v1.jinja2": "Changed: {{ user_message }}"})
    eventually("v1 is changed", lambda: text_of(server, "ask", version="v1", user_message="x") == "Changed: x")
    body, second = asked(server, fake, key + "b", prompt="ask@v1")
    assert body["messages"][0]["content"] == "Changed: Where is my parcel?"
    assert prompt_of(first)["hash"] != prompt_of(second)["hash"]
    assert "WARN" in server.log() and "changed in place" in server.log()
    # A deleted one.
    (server.folder / "prompts/ask/v2.jinja2").unlink()
    eventually("v2 is gone", lambda: text_of(server, "ask", version="v2", user_message="x") is None)
    body, _ = asked(server, fake, key + "c", prompt="ask")
    assert body["messages"][0]["content"].startswith("Changed")
    # A first file of another prompt, and the last one of this.
    write(server, {"other/1.mustache": "{{x}}"})
    eventually("other is there", lambda: text_of(server, "other", variables={"x": "y"}) == "y")
    (server.folder / "prompts/ask/v1.jinja2").unlink()
    eventually("ask is gone", lambda: server.get(f"{API}/ask").status == 404)


def test_a_version_that_breaks_stays_as_it_was_until_it_is_mended(serve, up, fake, key):
    files = {
        "part/v1.jinja2": "---\nlabels: production\n---\nA part. ",
        "ask/v1.jinja2": "{% include 'part' %}{{ user_message }}",
    }
    server = start(serve, up, files)
    for n, broken in enumerate(("---\nlabels: production\n---\n{{ oops", "---\nlabels: production\n", "---\nmodle: x\n---\n")):
        # An editor saves half a file; a writer stops in the middle of its header.
        before = server.log().count("stays in use")
        write(server, {"part/v1.jinja2": broken})
        eventually("it is logged", lambda: server.log().count("stays in use") > before)
        body, _ = asked(server, fake, f"{key}{n}", prompt="ask")
        assert body["messages"][0]["content"] == "A part. Where is my parcel?"
        assert server.get(f"{API}/part").json()["labels"] == {"production": "v1"}
    write(server, {"part/v1.jinja2": "A better part. "})
    eventually("it is mended", lambda: text_of(server, "ask", user_message="x") == "A better part. x")


def test_a_file_that_is_being_written_is_not_taken_for_a_whole_one(serve, up, fake, key):
    server = start(serve, up, {"ask/v1.jinja2": "Old."})
    path = server.folder / "prompts/ask/v1.jinja2"
    texts, growing = set(), "New" + "er" * 40 + "."
    with path.open("w") as file:
        for letter in growing:
            file.write(letter)
            file.flush()
            os.fsync(file.fileno())
            texts.add(text_of(server, "ask"))
            # Slower than the looks come one after the other would be another file.
            time.sleep(0.03)
    eventually("the whole file is there", lambda: text_of(server, "ask") == growing)
    assert texts == {"Old."}


def test_a_configmap_is_mounted_with_links(serve, up):
    server = serve(up, start=False)
    folder = server.folder / "prompts"
    for stamp, text in (("..2025_01", "One"), ("..2025_02", "Two")):
        (folder / stamp / "ask").mkdir(parents=True)
        (folder / stamp / "ask" / "v1.jinja2").write_text(text)
    (folder / "..data").symlink_to("..2025_01")
    (folder / "ask").symlink_to("..data/ask")
    outside = server.folder / "secret"
    outside.mkdir()
    (outside / "v1.jinja2").write_text("outside")
    (folder / "stolen").symlink_to(outside)
    (folder / "own").mkdir()
    (folder / "own" / "v1.jinja2").symlink_to(outside / "v1.jinja2")
    server.start()
    assert text_of(server, "ask") == "One"
    assert [p["name"] for p in server.get(API).json()["prompts"]] == ["ask"]
    # What Kubernetes does on a change.
    (folder / "..data_tmp").symlink_to("..2025_02")
    (folder / "..data_tmp").rename(folder / "..data")
    eventually("the change is taken", lambda: text_of(server, "ask") == "Two")


def test_two_files_of_one_version_and_two_owners_of_a_label(serve, up):
    server = start(serve, up, {
        "ask/v1.jinja2": "---\nlabels: production\n---\njinja",
        "ask/v1.mustache": "mustache",
        "ask/v2.jinja2": "---\nlabels: production\n---\ntwo",
    })
    assert "v1.mustache" in server.log() and "stands in" in server.log()
    assert "label production too" in server.log()
    assert server.get(f"{API}/ask").json()["labels"] == {"production": "v2"}
    assert text_of(server, "ask", version="v1") == "jinja"


# The API


def test_versions_are_made_once(serve, up, fake, key):
    server = start(serve, up, {"filed/v1.jinja2": "F"})
    first = {"name": "greet", "version": "v1.0", "template": "Hi {{ who }}: {{ user_message }}", "labels": ["production"],
             "description": "greets", "message": "first", "defaults": {"temperature": 0.5}}
    made = server.post(API, first)
    assert made.status == 200, made.text
    made = made.json()
    assert made["variables"] == ["user_message", "who"] and made["labels"] == ["production"] and made["source"] == "api"
    again = server.post(API, first)
    assert again.status == 200 and again.json()["hash"] == made["hash"] and again.json()["created"] == made["created"]
    for change in ({"template": "Ho"}, {"defaults": {"temperature": 0.6}}):
        answer = server.post(API, {**first, **change})
        assert answer.status == 409 and "versions never change" in answer.text, answer.text
    assert server.post(API, {"name": "filed", "version": "v1", "template": "other"}).status == 409
    number = server.post(API, {"name": "greet", "template": "Two {{ user_message }}"}).json()
    assert number["version"] == "2"
    chat = {"name": "greet", "version": "v3", "format": "mustache",
            "messages": [{"role": "system", "content": "{{a}}"}, {"role": "messages"}]}
    assert server.post(API, chat).json()["variables"] == ["a"]
    # Read back.
    listed = server.get(API).json()["prompts"]
    assert [p["name"] for p in listed] == ["filed", "greet"]
    greet = server.get(f"{API}/greet").json()
    assert [v["version"] for v in greet["versions"]] == ["v1.0", "2", "v3"] and greet["default_version"] == "v1.0"
    assert greet["description"] == "greets"
    for wanted in ("v1.0", "production"):
        got = server.get(f"{API}/greet/versions/{wanted}").json()
        assert got["hash"] == made["hash"] and got["template"] == first["template"] and got["message"] == "first"
    assert server.get(f"{API}/greet/versions/latest").json()["version"] == "v3"
    diff = server.get(f"{API}/greet/diff", **{"from": "v1.0", "to": "2"}).json()
    assert not diff["equal"] and "-Hi {{ who }}: {{ user_message }}\n" in diff["diff"] and '-# defaults: {"temperature":0.5}' in diff["diff"]
    assert server.get(f"{API}/greet/diff", **{"from": "production", "to": "v1.0"}).json() == {"from": "v1.0", "to": "v1.0", "equal": True, "diff": ""}
    # And used.
    body, _ = asked(server, fake, key, prompt="greet", variables={"who": "Ann"})
    assert body["messages"][0]["content"] == "Hi Ann: Where is my parcel?" and body["temperature"] == 0.5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"template": "a\n{{ b"}, "line 2"),
        ({"template": "{% include 'nobody' %}"}, "nobody"),
        ({"name": "a/b"}, "name"),
        ({"version": "v 1"}, "version"),
        ({"version": "latest"}, "latest"),
        ({"labels": ["latest"]}, "latest"),
        ({"format": "fstring"}, "jinja2 or mustache"),
        ({"role": "assistant"}, "role"),
        ({"messages": [{"role": "user", "content": "x"}]}, "either"),
        ({"template": None, "messages": [{"role": "messages"}, {"role": "messages"}]}, "one place only"),
        ({"template": None, "messages": [{"role": "messages", "content": "x"}]}, "without content"),
        ({"template": None, "messages": [{"role": "user", "content": "x"}] * 65}, "at most 64 messages"),
        ({"template": None, "messages": [{"role": "tool", "content": "x"}]}, "role"),
        ({"defaults": {"temperature": 3}}, "temperature"),
        ({"defaults": {"max_tokens": 0}}, "max_tokens"),
        ({"templat": "x"}, "templat"),
        ({"template": "x" * ((1 << 20) + 1)}, "1048576"),
    ],
)
def test_what_is_wrong_with_a_version_is_told(api, change, told):
    body = {"name": "w", "version": "v1", "template": "x", **change}
    answer = api.post(API, {k: v for k, v in body.items() if v is not None})
    assert answer.status == 400 and told in answer.text, answer.text
    assert api.get(f"{API}/w").status == 404


@pytest.fixture(scope="module")
def api(tmp_path_factory, fake):
    config = f'[providers.up]\nkind = "openai"\nbase_url = "{fake.url}/v1"\n'
    server = Weir(tmp_path_factory.mktemp("api"), config)
    yield server
    server.stop()


def test_labels_move_and_the_next_request_sees_it(serve, up, fake, key):
    server = start(serve, up, {
        "ask/v1.jinja2": "---\nlabels: production\ndescription: d\n---\n\nOne {{ user_message }}\n{{ gone|default('') }}",
        "ask/v2.jinja2": "Two {{ user_message }}",
        "lines/v1.jinja2": "---\nrole: system\n---\n\n{{ gone }}",
        "uses/v1.jinja2": "Uses: {% include 'ask@canary' ignore missing %}",
    })
    says = lambda n, **metadata: asked(server, fake, f"{key}{n}", **metadata)[0]["messages"][0]["content"]
    assert says(0, prompt="ask") == "One Where is my parcel?\n"
    assert says(1, prompt="uses") == "Uses: "
    moved = change(server, "PUT", f"{API}/ask/labels/production", {"version": "v2"})
    assert moved.status == 200 and moved.json()["labels"] == {"production": "v2"}
    assert says(2, prompt="ask") == "Two Where is my parcel?"
    # A label of a file's version, which other prompts include.
    assert change(server, "PUT", f"{API}/ask/labels/canary", {"version": "production"}).status == 200
    assert says(3, prompt="ask", prompt_version="canary") == "Two Where is my parcel?"
    assert says(4, prompt="uses") == "Uses: Two Where is my parcel?", "compiled anew when a label moves"
    assert change(server, "PUT", f"{API}/ask/labels/canary", {"version": "v1"}).status == 200
    assert says(5, prompt="uses") == "Uses: One Where is my parcel?\n"
    # A label that is taken away: the file's own one shows again.
    assert change(server, "DELETE", f"{API}/ask/labels/production").json()["labels"] == {"canary": "v1", "production": "v1"}
    assert says(6, prompt="ask") == "One Where is my parcel?\n"
    assert change(server, "DELETE", f"{API}/ask/labels/canary").json()["labels"] == {"production": "v1"}
    assert refusal(server, f"{key}7", prompt="ask@canary").status_code == 404
    for path, body, status in (
        ("ask/labels/canary", {"version": "v9"}, 404), ("nobody/labels/canary", {"version": "v1"}, 404),
        ("ask/labels/latest", {"version": "v1"}, 400), ("ask/labels/v2", {"version": "v1"}, 400),
        ("ask/labels/a%20b", {"version": "v1"}, 400), ("ask/labels/canary", {"versoin": "v1"}, 400),
    ):
        assert change(server, "PUT", f"{API}/{path}", body).status == status, path
    assert change(server, "DELETE", f"{API}/ask/labels/canary").status == 404
    # A labelled version keeps the lines of its file, and never changes any more.
    assert change(server, "PUT", f"{API}/lines/labels/production", {"version": "v1"}).status == 200
    assert "line 5" in str(refusal(server, f"{key}8", prompt="lines"))
    write(server, {"lines/v1.jinja2": "changed"})
    eventually("it is logged", lambda: "versions never change" in server.log())
    assert "line" in str(refusal(server, f"{key}9", prompt="lines"))


def test_a_preview(serve, up, fake, key):
    server = start(serve, up, {"chat/v1.jinja2": "---\nkind: chat\n---\n{# system #}\nS {{ a }}\n{# messages #}\n{# user #}\n{{ user_message }} {{ prompt_version }}"})
    got = rendered(server, "chat", variables={"a": [1, {"b": None}]}, user_message="hey", version="v1")
    assert got["messages"] == [
        {"role": "system", "content": "S [1, {'b': None}]"}, {"role": "messages", "content": ""}, {"role": "user", "content": "hey v1"},
    ]
    answer = server.post(f"{API}/chat/render", {})
    assert answer.status == 400 and "line 5" in answer.text and '\\"a\\"' in answer.text, answer.text
    assert server.post(f"{API}/nobody/render", {}).status == 404
    assert server.calls() == []


KEYS = "".join(
    f'[[keys]]\nname = "{role}"\nkey = "wk-{role}-0123456789abcdef"\nrole = "{role}"\n{more}'
    for role, more in (("call", ""), ("read", ""), ("write", ""), ("admin", ""))
)


def test_roles(serve, up, fake, key):
    assign = '[[prompts.assign]]\nwhen = { keys = ["call"] }\nprompt = "ask"\n'
    server = start(serve, up, {"ask/v1.jinja2": "Asked: {{ user_message }}"}, KEYS + assign)
    of = lambda role: {"authorization": f"Bearer wk-{role}-0123456789abcdef"}
    statuses = lambda method, path, body=None: {
        role: change(server, method, path, body, of(role)).status for role in ("call", "write", "read", "admin")
    }
    reading = {"call": 403, "write": 403, "read": 200, "admin": 200}
    changing = {"call": 403, "write": 403, "read": 403, "admin": 200}
    assert statuses("GET", API) == reading and statuses("GET", f"{API}/ask") == reading
    assert statuses("POST", f"{API}/ask/render", {"user_message": "x"}) == reading
    assert statuses("POST", API, {"name": "new", "version": "v1", "template": "x"}) == changing
    assert statuses("PUT", f"{API}/ask/labels/production", {"version": "v1"}) == changing
    assert statuses("DELETE", f"{API}/ask/labels/production") == changing
    assert server.get(API).status == 401
    # The prompt that is assigned to a key.
    server.openai(key="wk-call-0123456789abcdef", id=key).chat.completions.create(model=behave("up/gpt-4o", key), messages=ASK)
    assert sent(fake, key)["messages"][0]["content"] == "Asked: Where is my parcel?"


def test_what_the_api_made_is_there_after_a_restart(serve, up, fake, key):
    server = serve(up)
    assert server.post(API, {"name": "ask", "version": "v1", "template": "One {{ user_message }}"}).status == 200
    assert server.post(API, {"name": "ask", "version": "v2", "template": "Two {{ user_message }}"}).status == 200
    assert change(server, "PUT", f"{API}/ask/labels/production", {"version": "v1"}).status == 200
    before = server.get(API).json()
    server.process.kill()
    server.start()
    assert server.get(API).json() == before
    body, _ = asked(server, fake, key, prompt="ask")
    assert body["messages"][0]["content"] == "One Where is my parcel?"


def test_an_assigned_prompt_that_is_not_there_is_no_silence(serve, up, fake, key):
    server = serve('[[prompts.assign]]\nprompt = "ask"\n' + up)
    error = refusal(server, key)
    assert error.status_code == 404 and '"ask"' in str(error) and fake.requests(key) == [], error


# Hostile templates

HOSTILE = {
    "loops": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "grows": "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
    "shares": "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
    "recurs": "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('a') }}",
    "long": "{% for i in range(100000) %}" + "x" * 1000 + "{% endfor %}",
    "itself": "{% include 'itself' %}",
}
#: Each message is within its bound, and all of them would be 60 times that.
MANY = [{"role": "user", "content": "{% for i in range(9000) %}{{ i }}{% endfor %}"}] * 64


def test_hostile_templates_end_with_an_error(api, fake, key):
    for name, template in HOSTILE.items():
        made = api.post(API, {"name": name, "version": "v1", "template": "first"})
        made = api.post(API, {"name": name, "version": "v2", "template": template})
        if made.status == 400:
            assert name in made.text, made.text
            continue
        assert made.status == 200, (name, made.text)
        preview = api.post(f"{API}/{name}/render", {})
        assert preview.status == 400 and f"{name}@v2" in preview.text, (name, preview.text)
        error = refusal(api, f"{key}-{name}", prompt=name)
        assert error.status_code == 400 and f"{name}@v2" in str(error), error
        assert fake.requests(f"{key}-{name}") == []
    assert api.post(API, {"name": "many", "messages": MANY}).status == 200
    error = refusal(api, f"{key}-many", prompt="many")
    assert error.status_code == 400 and "together do too much work" in str(error), error


def test_other_requests_are_answered_while_hostile_ones_are_rendered(api, key):
    assert api.post(API, {"name": "heavy", "template": HOSTILE["loops"]}).status == 200
    plain = lambda n: timed(api, behave("up/gpt-4o", f"{key}-{n}"), {})
    timed(api, behave("up/gpt-4o", key), {})

    def alone(count):
        times = sorted(plain(n)[0] for n in range(count))
        return times[len(times) // 2], times[int(len(times) * 0.99)]

    calm = alone(200)
    stop = time.monotonic() + 4
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        def attack(n):
            done = []
            while time.monotonic() < stop:
                done.append(timed(api, behave("up/gpt-4o", f"{key}-h"), {"prompt": "heavy"}))
            return done

        attacks = [pool.submit(attack, n) for n in range(20)]
        times = []
        while time.monotonic() < stop:
            times.append(plain(len(times)))
        hostile = [one for attack in attacks for one in attack.result()]
    assert all(status == 200 for _, status in times)
    assert hostile and all(status == 400 for _, status in hostile)
    took = sorted(t for t, _ in times)
    print(
        f"\nplain requests alone: p50 {calm[0]:.1f} ms, p99 {calm[1]:.1f} ms; beside 20 hostile callers: "
        f"{len(took)} answered, p50 {took[len(took) // 2]:.1f} ms, p99 {took[int(len(took) * 0.99)]:.1f} ms; "
        f"{len(hostile)} hostile ones refused, median {sorted(t for t, _ in hostile)[len(hostile) // 2]:.0f} ms"
    )


def timed(server, model, metadata):
    begun = time.perf_counter()
    status = server.chat(model, metadata=metadata).status
    return (time.perf_counter() - begun) * 1000, status


# A/B


def test_a_split_over_versions(serve, up, fake, key):
    split = '[prompts.split.ask]\nversions = { "v1" = 80, "canary" = 20 }\n'
    server = start(serve, up, {
        "ask/v1.jinja2": "---\nlabels: production\n---\nOne {{ user_message }}",
        "ask/v2.jinja2": "---\nlabels: canary\n---\nTwo {{ user_message }}",
    }, split)
    model = behave("up/gpt-4o", key)

    def call(n):
        # 500 users with a session each and two calls, 1000 calls of nobody.
        user = f"u-{n % 500}" if n < 1000 else None
        body = {"model": model, "messages": ASK, "metadata": {"prompt": "ask"}, **({"user": user} if user else {})}
        answer = server.post("/v1/chat/completions", body, {"x-request-id": f"{key}-{n}"})
        assert answer.status == 200, answer.text

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(2000)))
    server.call(f"{key}-1999")
    eventually("all are stored", lambda: len(server.all_calls(prompt="ask")) == 2000)
    calls = {c["request_id"]: c for c in server.all_calls(prompt="ask")}
    version = lambda n: calls[f"{key}-{n}"]["prompt"]["version"]
    assert {version(n) for n in range(2000)} == {"v1", "v2"}
    assert all(version(n) == version(n + 500) for n in range(500)), "a user stays with a version"
    # Five standard deviations: users count once.
    for share, count in (
        (sum(version(n) == "v1" for n in range(500)) / 500, 500),
        (sum(version(n) == "v1" for n in range(1000, 2000)) / 1000, 1000),
    ):
        assert abs(share - 0.8) < 5 * math.sqrt(0.8 * 0.2 / count), share
    # Which text was sent is what the record says.
    for n in (0, 1, 1500, 1501):
        text = server.call(f"{key}-{n}")["input"]["messages"][0]["content"]
        assert text.startswith("One" if version(n) == "v1" else "Two")
    # Who asks for a version gets it.
    assert asked(server, fake, key + "x", prompt="ask@v2")[1]["prompt"]["version"] == "v2"
    compared = json.loads(run("ab", "ask", "--json", "--url", server.url).stdout)
    counted = {v["version"]: v["calls"] for v in compared["versions"]}
    assert counted == {"v1": sum(version(n) == "v1" for n in range(2000)), "v2": sum(version(n) == "v2" for n in range(2000)) + 1}
    shown = run("ab", "ask", "--url", server.url).stdout
    assert "v1" in shown and "v2" in shown and str(counted["v1"]) in shown.replace(",", ""), shown


def test_a_split_by_session(serve, up, fake, key):
    split = '[prompts.split.ask]\nversions = { v1 = 50, v2 = 50 }\nsticky = "session"\n'
    server = start(serve, up, {"ask/v1.jinja2": "1", "ask/v2.jinja2": "2"}, split)
    seen = {}
    for session in range(12):
        for turn in range(3):
            id = f"{key}-{session}-{turn}"
            server.chat(behave("up/gpt-4o", id), id=id, metadata={"prompt": "ask", "session_id": f"s-{session}", "user": uuid.uuid4().hex})
            seen.setdefault(session, set()).add(sent(fake, id)["messages"][0]["content"])
    assert all(len(texts) == 1 for texts in seen.values()), seen
    assert set.union(*seen.values()) == {"1", "2"}


def test_a_split_to_a_version_that_is_not_there(serve, up, key):
    server = start(serve, up, {"ask/v1.jinja2": "1"}, "[prompts.split.ask]\nversions = { v9 = 1 }\n")
    error = refusal(server, key, prompt="ask")
    assert error.status_code == 404 and "v9" in str(error), error
    with pytest.raises(openai.NotFoundError):
        raise error
