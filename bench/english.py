"""A text of ordinary English that is there wherever Weir is built: the documentation of the crates it is built from."""

import os
from pathlib import Path

MOST = 24 << 20


def paragraphs(source):
    """Paragraphs of doc comments without their examples, headings and lists of links."""
    words, fenced = [], False
    for line in source.splitlines():
        line = line.strip()
        text = line[3:].strip() if line.startswith(("///", "//!")) else None
        if text is not None and text.startswith("```"):
            fenced = not fenced
        elif text and not fenced and not text.startswith(("#", "[", "|", "<")):
            words.append(text)
            continue
        if text is None:
            fenced = False
        if words:
            yield " ".join(words)
            words = []


def write(path):
    """Every paragraph once, in the order of the crates' names."""
    seen, size = set(), 0
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    with open(path, "w") as out:
        for source in sorted(home.glob("registry/src/*/*/**/*.rs")):
            for text in paragraphs(source.read_text(errors="ignore")):
                if len(text) > 120 and text not in seen and size < MOST:
                    seen.add(text)
                    size += out.write(text + "\n\n")
    return path
