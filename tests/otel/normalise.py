"""What differs from one recording to the next, or tells about the machine, made the same: ids, times, paths, names, ports."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

START = 1767225600_000_000_000  # 2026-01-01T00:00:00Z
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# A run's time in LangSmith's dotted order, ISO times, and 64-bit nanoseconds written as text.
DOTTED = re.compile(r"\b(20\d{6}T\d{12})Z")
ISO = re.compile(r"\b(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)?")
PATH = re.compile(r"(?:/[\w.@+-]+)+/(site-packages|node_modules|python3\.\d+|scenarios)/")
FILE_URL = re.compile(r"file:(?=(node_modules|scenarios)/)")
DROPPED = re.compile(r"^(host\.|process\.|os\.)")
TIMES = {"startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano"}
LONG = 4000


def walk(value, visit):
    if isinstance(value, dict):
        for key, item in value.items():
            visit(value, key, item)
            walk(item, visit)
    elif isinstance(value, list):
        for item in value:
            walk(item, visit)


class Normaliser:
    """One case: traces, logs and metrics share the ids and the start."""

    def __init__(self, case, ports, names):
        self.case, self.ports, self.names = case, ports, names
        self.ids, self.uuids, self.first = {}, {}, None

    def learn(self, document):
        def visit(_, key, item):
            if key in {"traceId", "spanId", "parentSpanId"} and item and item not in self.ids:
                self.ids[item] = self.digest(f"{'trace' if len(item) == 32 else 'span'} {len(self.ids)}")[: len(item)]
            if key in TIMES and int(item):
                self.first = min(self.first or int(item), int(item))

        walk(document, visit)

    def digest(self, name):
        return hashlib.sha256(f"{self.case} {name}".encode()).hexdigest()

    def apply(self, document):
        shift = START - self.first

        def visit(owner, key, item):
            if key in TIMES and int(item):
                owner[key] = str(int(item) + shift)
            elif key == "attributes" and isinstance(item, list):
                owner[key] = [a for a in item if not DROPPED.match(a["key"])]
                for attribute in owner[key]:
                    if attribute["key"] == "server.port":
                        number = attribute["value"]["intValue"]
                        attribute["value"]["intValue"] = type(number)(self.ports[int(number)])

        walk(document, visit)
        return json.loads(self.text(json.dumps(document, ensure_ascii=False)))

    def text(self, text):
        text = FILE_URL.sub("", PATH.sub(r"\1/", text))
        for port, fixed in self.ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{fixed}")
        for found, fixed in self.names.items():
            text = text.replace(found, fixed)
        for found in sorted(self.ids, key=len, reverse=True):
            text = text.replace(found, self.ids[found])
        for found, fixed in list(self.ids.items()):  # a trace id written as a uuid
            if len(found) == 32:
                text = text.replace(dashed(found), dashed(fixed))
        known = {dashed(v) for v in self.ids.values() if len(v) == 32}

        def uuid(match):
            found = match.group()
            if found in known:
                return found
            if found not in self.uuids:
                made = dashed(self.digest(f"uuid {len(self.uuids)}")[:32])
                self.uuids[found] = made[:14] + found[14] + made[15:19] + found[19] + made[20:]
            return self.uuids[found]

        text = UUID.sub(uuid, text)
        text = DOTTED.sub(self.dotted, text)
        text = ISO.sub(self.iso, text)
        text = re.sub(r"\b\d{19}\b", self.nanos, text)
        text = re.sub(r"0x[0-9a-f]{8,16}", "0x7f0000000000", text)
        return text

    def moved(self, moment):
        start = datetime.fromtimestamp(self.first / 1e9, UTC)
        if abs(moment - start) > timedelta(days=1):
            return None
        return moment - start + datetime.fromtimestamp(START / 1e9, UTC)

    def iso(self, match):
        """Only times of the recording move; a date in a text stays."""
        fraction = (match.group(2) or "")[:7]
        moment = datetime.fromisoformat(match.group(1) + fraction + "+00:00")
        moved = self.moved(moment)
        if moved is None:
            return match.group()
        places = len(match.group(2) or ".") - 1
        return moved.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moved:%f}"[: places + 1] if places else "") + (match.group(3) or "")

    def dotted(self, match):
        moved = self.moved(datetime.strptime(match.group(1), "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC))
        return match.group() if moved is None else f"{moved:%Y%m%dT%H%M%S%f}Z"

    def nanos(self, match):
        found = int(match.group())
        near = abs(found - self.first) < 86400_000_000_000
        return str(found + START - self.first) if near else match.group()


def dashed(digits):
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
