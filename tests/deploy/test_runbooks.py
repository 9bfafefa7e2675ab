"""The runbooks: one for each alert, found from the index, and every command in them is one that exists."""

import functools
import json
import re
import sqlite3
import subprocess

import pytest

from rig import BIN, eventually
from rig.deployed import DEPLOY
from rig.process import ROOT, environment

RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(p for p in RUNBOOKS.glob("*.md") if p.name != "README.md")
TEXTS = [*PAGES, RUNBOOKS / "README.md", *sorted(DEPLOY.rglob("README.md"))]
#: Paths of others' protocols and of operation, which are in no description of Weir's own API.
SPOKEN = {"/v1", "/v1/models", "/v1/files", "/v1/batches", "/v1/batches/{id}", "/v1/batches/{id}/cancel"}
SPOKEN |= {"/v1/traces", "/health", "/health/live", "/health/ready", "/metrics"}
SECTIONS = ["What it means", "How to look", "Likely causes", "What to do", "Over when"]


def named(path):
    return path.relative_to(ROOT).as_posix()


@functools.cache
def help_of(*verb):
    argv = [BIN / "weir", *verb, "--help"]
    return subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=20).stdout


def verbs():
    return set(re.findall(r"^  ([a-z-]+) ", help_of().partition("Commands:")[2].partition("Options:")[0], re.M))


def pieces(text):
    """What is written as code: blocks line by line, and words between backticks."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.M | re.S)
    rest = re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", " ", block).splitlines()]
    return lines + re.findall(r"`([^`]+)`", rest)


def commands(text):
    """The words after `weir` of each command, without the remark behind it."""
    for piece in pieces(text):
        piece = re.sub(r"\s#.*", "", piece)
        found = re.match(r"(?:[A-Z_]+=\S+ )*weir (.+)", piece) or re.search(r" -- weir (.+)", piece)
        if found:
            yield found.group(1).split()


def test_every_alert_has_its_page(alerts):
    for alert in alerts:
        page = ROOT / alert["annotations"]["runbook_url"]
        assert page in PAGES, f"{alert['alert']}: {page}"
        assert page.read_text().startswith(f"# {alert['alert']}\n"), page


def test_the_index_names_every_page_and_the_severity_of_every_alert(alerts):
    index = (RUNBOOKS / "README.md").read_text()
    rows = re.findall(r"^\| \[([^\]]+)\]\(([\w-]+\.md)\) \| ([^|]+) \|", index, re.M)
    assert sorted(page for _, page, _ in rows) == [page.name for page in PAGES]
    for title, page, _ in rows:
        assert (RUNBOOKS / page).read_text().startswith(f"# {title}\n")
    severities = {}
    for alert in alerts:
        severities.setdefault(alert["alert"], set()).add(alert["labels"]["severity"])
    told = {title: set(said.split(", ")) for title, _, said in rows if title in severities}
    assert told == severities


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page_says_all_that_one_needs(page):
    parts = re.split(r"^## (.+)\n", page.read_text(), flags=re.M)
    assert parts[1::2] == SECTIONS
    assert all(part.strip() for part in parts[2::2])


@pytest.mark.parametrize("page", TEXTS, ids=named)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / link).resolve().is_file(), link


@pytest.mark.parametrize("page", TEXTS, ids=named)
def test_every_command_exists(page):
    known = verbs()
    assert {"serve", "calls", "check-config"} <= known
    for verb, *rest in commands(page.read_text()):
        if verb.startswith("-"):
            assert verb in help_of()
            continue
        assert verb in known, f"weir {verb}"
        path = [verb, rest[0]] if verb == "key" else [verb]
        text = help_of(*path)
        for flag in re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", " ".join(rest)):
            assert re.search(rf"(?<![\w-]){flag}(?![\w-])", text), f"weir {' '.join(path)} {flag}"
        for field in re.findall(r"--by (\S+)", " ".join(rest)):
            allowed = re.search(r"Group by any of ([a-z_, \n]+)", text).group(1)
            assert set(field.split(",")) <= set(re.findall(r"[a-z_]+", allowed)), f"--by {field}"


def test_commands_are_found():
    """Else the test above would say nothing."""
    block = "A=1 weir stats --by key   # weir tail\nkubectl exec x -- weir prune --yes"
    text = f"`weir calls --all` and\n```sh\n{block}\n```\n"
    assert list(commands(text)) == [["stats", "--by", "key"], ["prune", "--yes"], ["calls", "--all"]]


@pytest.mark.parametrize("page", TEXTS, ids=named)
def test_every_path_metric_and_setting_exists(page):
    text = page.read_text()
    api = set(json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]) | SPOKEN
    ours = r"(?:http://weir[\w.-]*:8080|(?<![\w/}-]))(/(?:api|v1|health|metrics)[\w/]*(?:\.json)?)"
    for path in re.findall(ours, text):
        assert any(re.fullmatch(re.sub(r"\{\w+\}", r"\\w+", known), path) for known in api), path
    metrics = (ROOT / "docs" / "metrics.md").read_text()
    for name in set(re.findall(r"(?<![\w:])((?:llm|weir)_[a-z_]+)(?![\w:])", text)):
        bare = re.sub(r"_(bucket|sum|count)$", "", name)
        known = f"`{bare}`" in metrics or name in ("llm_calls",)
        assert known, f"{name} is not in docs/metrics.md"
    configuration = (ROOT / "docs" / "configuration.md").read_text()
    for section, key in re.findall(r"`(server|gateway|record|cache|batches|prompts|mlflow)\.(?!(?:db|yaml)\b)([a-z_]+)", text):
        table = configuration.partition(f"## `[{section}]`")[2].partition("\n## ")[0]
        assert f"| `{key}` |" in table, f"{section}.{key}"


@pytest.mark.parametrize("page", TEXTS, ids=named)
def test_recordings_that_are_named_exist(page, rules):
    known = {rule["record"] for rule in rules if "record" in rule}
    for name in re.findall(r"(?<![\w/.])((?:model|weir|budget):llm_\w+:\w+)", page.read_text()):
        assert name in known, name


def test_the_sql_runs(serve):
    server = serve()
    server.chat("demo/echo", id="one")
    eventually("the call is recorded", lambda: server.get("/api/v1/calls/one").status == 200)
    blocks = [b for page in TEXTS for b in re.findall(r"^ *```sql\n(.*?)^ *```", page.read_text(), re.M | re.S)]
    statements = [s for block in blocks for s in block.split(";") if s.strip()]
    assert len(statements) >= 2
    with sqlite3.connect(f"file:{server.data}/telemetry.db?mode=ro", uri=True) as db:
        rows = [db.execute(statement).fetchall() for statement in statements]
    assert rows[0][0][:2] == ("success", 1)


# What the pages promise of a backup


@pytest.fixture
def two_lives(serve):
    """A server that was backed up after `a0`..`a4`, took `b0`..`b4`, and was killed."""
    server = serve()
    for name in "ab":
        for n in range(5):
            server.chat("demo/echo", id=f"{name}{n}")
        count = 5 * (1 + "ab".index(name))
        eventually(f"{count} calls are recorded", lambda: len(server.all_calls()) == count)
        if name == "a":
            backup = server.folder / "backup.db"
            subprocess.run(["sqlite3", server.data / "telemetry.db", f".backup {backup}"], check=True, timeout=20)
    server.process.kill()
    return server, backup


def put_back(server, backup):
    for file in server.data.glob("telemetry.db*"):
        file.unlink()
    backup.rename(server.data / "telemetry.db")


def test_a_newer_journal_beside_an_older_database_is_taken_once(two_lives):
    server, backup = two_lives
    put_back(server, backup)
    server.start()
    eventually("the journal is taken over", lambda: len(server.all_calls()) == 10)
    assert sorted(c["request_id"] for c in server.all_calls()) == [f"{name}{n}" for name in "ab" for n in range(5)]
    assert server.get("/api/v1/stats").json()["total"]["count"] == 10


def test_what_is_saved_from_a_damaged_database_is_served_again(two_lives):
    server, _ = two_lives
    saved = server.folder / "saved.db"
    page = (RUNBOOKS / "database-damaged.md").read_text()
    (block,) = [b for b in re.findall(r"^ *```sh\n(.*?)^ *```", page, re.M | re.S) if ".dump" in b]
    (server.folder / "copy").symlink_to(server.data)
    subprocess.run(["bash", "-euc", block], cwd=server.folder, check=True, timeout=20)
    put_back(server, saved)
    server.start()
    assert len(server.all_calls()) == 10
    assert server.chat("demo/echo", id="new").status == 200
    eventually("recording goes on", lambda: server.get("/api/v1/calls/new").status == 200)
