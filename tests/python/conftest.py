"""Fixtures. `weir` is the installed wheel: the source tree is nowhere on the path."""

import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import weir
from provider import Provider

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("WEIR_BIN_DIR", ROOT / "target" / "debug"))


@pytest.fixture(scope="session", autouse=True)
def installed():
    assert ROOT / "python" not in Path(weir.__file__).parents, "tests run with the wheel, not with the source tree"


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch):
    """A folder of its own, no default logger, no keys from the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    yield
    weir.set_default_logger(None)


@pytest.fixture
def db(tmp_path):
    return tmp_path / "my.db"


@pytest.fixture
def logger(db):
    logger = weir.ObservabilityLogger(db_path=db, strict=True)
    yield logger
    logger.close()


@pytest.fixture
def rows(db):
    """Rows as people see them: `rows("llm_calls")`, read with the sqlite3 of Python alone, oldest first."""

    def read(table, path=db, where="1"):
        weir.ObservabilityLogger(db_path=path).flush()
        return query(path, f"SELECT * FROM {table} WHERE {where} ORDER BY timestamp")

    return read


def query(path, sql):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql)]
    finally:
        connection.close()


@pytest.fixture
def spans(db):
    """All spans with their place in the tree, oldest first; the ids in hex."""

    def read():
        weir.ObservabilityLogger(db_path=db).flush()
        return query(
            db,
            "SELECT hex(trace_id) AS trace_id, hex(span_id) AS span_id, hex(parent_id) AS parent_id, request_id, status, "
            "(SELECT value FROM names WHERE id = spans.name) AS name, kind, attributes, "
            "(SELECT input FROM payload_text AS p WHERE p.seq = spans.seq) AS input, "
            "(SELECT output FROM payload_text AS p WHERE p.seq = spans.seq) AS output, error FROM spans ORDER BY start_us, seq",
        )

    return read


@pytest.fixture
def told(caplog):
    """What the package said through `logging`."""
    caplog.set_level(logging.WARNING, "weir")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "weir"]


@pytest.fixture
def provider():
    """A provider that speaks OpenAI's protocol."""
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture
def script(tmp_path):
    """Runs a program of its own; returns the finished process."""

    def run(code, *arguments, check=True, env=None, **options):
        done = subprocess.run(
            [sys.executable, "-I", "-c", textwrap.dedent(code), *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=100,
            **options,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run
