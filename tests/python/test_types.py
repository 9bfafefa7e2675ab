"""The package is typed: a typed program that uses all of it passes `mypy --strict`."""

import subprocess
import sys
from pathlib import Path


def mypy(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "/dev/null", *arguments], capture_output=True, text=True, timeout=100
    )


def test_a_typed_program():
    done = mypy(Path(__file__).parent / "usage.py")
    assert done.returncode == 0, done.stdout


def test_mistakes_are_seen(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import weir\nweir.ObservabilityLogger(db_path=3)\nweir.track(lambda: 1)(2)\nweir.start_http_server('a')\n")
    done = mypy(wrong)
    assert done.stdout.count("error:") == 3, done.stdout
