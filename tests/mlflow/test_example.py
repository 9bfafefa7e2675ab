"""examples/llmops-api runs from nothing, whole, and says what it should."""

import re
import subprocess
import sys

import pytest

from rig import BIN
from rig.process import ROOT, environment
from server import free_port

EXAMPLE = ROOT / "examples" / "llmops-api"


@pytest.mark.timeout(400)
def test_the_example_runs_whole(tmp_path):
    env = environment({
        "WEIR": str(BIN / "weir"), "WEIR_LISTEN": "127.0.0.1:0", "MLFLOW_PORT": str(free_port()),
        "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1",
    })
    done = subprocess.run([sys.executable, EXAMPLE / "run.py"], env=env, capture_output=True, text=True, timeout=380)
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing stays behind"

    made = re.search(r"== (\d+) calls: (.+)", said)
    kinds = {name: int(count) for count, name in re.findall(r"(\d+) ([a-z ]+)", made.group(2))}
    count = int(made.group(1))
    assert count == sum(kinds.values()) == 186 and str(count) in (EXAMPLE / "README.md").read_text()
    assert kinds["failed"] == 40 and kinds["in a batch"] == 6 and kinds["streamed"] == 20
    # Of 40 equal questions those of each department but the first: the prompt names the department.
    assert kinds["from the cache"] == 37

    total = row(said, "total")
    assert total[:3] == [str(count), "40", "37"], "calls, errors and hits in `weir stats`"
    departments = [int(row(said, name)[0]) for name in ("engineering", "sales", "support")]
    assert sum(departments) == count and min(departments) >= 40
    assert re.search(r"^v1\.0 (\(baseline\) )? *\d+", said, re.M) and re.search(r"^v2\.0 +error_rate", said, re.M), "`weir ab`"
    assert re.search(r"^v\d\.0 +completion_tokens .+ better$", said, re.M), "each version has enough for a verdict"
    assert re.search(rf"^mlflow +ok +0 +{count} +0 ", said, re.M), "`weir status`: all are exported, none waits"

    latest = said.partition("The latest 10:\n")[2].partition("\n\n")[0].splitlines()
    assert len(latest) == 11 and all("chat-20" in line for line in latest[1:])
    assert f"Runs of engineering: {departments[0]}\n" in said
    versions = [int(n) for n in re.findall(r"Runs with the prompt's version v\d\.0: (\d+)", said)]
    assert len(versions) == 2 and min(versions) >= 40
    assert float(re.search(r"Cost: ([\d.]+) USD", said).group(1)) > 0
    assert f"Cache hit rate: {37 / count:.1%}" in said and f"Failed: 40 of {count}" in said
    assert "All of it equals what Weir says." in said


def row(said, name):
    """The cells of a line of `weir stats`, without the share behind a count."""
    line = re.search(rf"^{name} +(\d.*)$", said, re.M).group(1)
    return re.sub(r"\(\d+%\)", "", line).split()
