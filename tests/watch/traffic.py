"""Two weeks of synthetic calls of the past, with incidents whose truth is known, written through the real API."""

import random
from dataclasses import dataclass, field

MINUTE = 60_000_000
BUCKET = 5 * MINUTE
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: Monday, 2 March 2026, 00:00 UTC.
START = 1_772_409_600_000_000
END = START + 14 * DAY
#: Most spans of one request.
AT_ONCE = 10_000


@dataclass
class Incident:
    """What goes wrong, and when."""

    name: str
    start: int
    end: int

    def holds(self, at):
        return self.start <= at < self.end


#: The small model fails, on the second Thursday from 14:00 to 17:00.
ERRORS = Incident("errors", START + 10 * DAY + 14 * HOUR, START + 10 * DAY + 17 * HOUR)
#: A version of a prompt is three times as long, on the second Saturday from 10:00 to 16:00.
TOKENS = Incident("tokens", START + 12 * DAY + 10 * HOUR, START + 12 * DAY + 16 * HOUR)


@dataclass
class Traffic:
    """A project's calls: more by day than by night."""

    project: str
    incidents: list = field(default_factory=list)
    per_bucket: float = 8.0
    seed: int = 1

    def calls(self, start, end):
        source = random.Random(f"{self.project} {self.seed} {start}")
        spans = []
        for bucket in range(start, end, BUCKET):
            hour = bucket % DAY / HOUR
            busy = self.per_bucket * (1.5 if 8 <= hour < 20 else 0.6)
            for _ in range(int(busy) + (source.random() < busy % 1)):
                spans.append(self.call(source, bucket + source.randrange(BUCKET)))
        return spans

    def call(self, source, at):
        going_on = {incident.name for incident in self.incidents if incident.holds(at)}
        model = "small" if source.random() < 0.5 else "large"
        version = "v2" if source.random() < 0.4 else "v1"
        prompt = source.lognormvariate(6.0, 0.3)
        if "tokens" in going_on and version == "v2":
            prompt *= 3
        failed = source.random() < (0.6 if "errors" in going_on and model == "small" else 0.01)
        return {
            "trace_id": f"{source.getrandbits(128) | 1 << 127:032x}",
            "span_id": f"{source.getrandbits(128) | 1 << 127:032x}",
            "kind": "llm",
            "name": "chat",
            "project": self.project,
            "provider": "acme",
            "model": model,
            "prompt_name": "greet",
            "prompt_version": version,
            "department": source.choice(["sales", "support"]),
            "status": "error" if failed else "success",
            "start_us": at,
            "end_us": at + int(source.lognormvariate(13.2, 0.3)),
            "cost": int(prompt * 1000),
            "tokens": {"prompt": int(prompt), "completion": int(source.lognormvariate(4.5, 0.3))},
        }


def load(weir, spans):
    """Writes spans in the order of time; each answer comes after the commit."""
    spans = sorted(spans, key=lambda span: span["start_us"])
    for first in range(0, len(spans), AT_ONCE):
        answer = weir.post("/api/v1/spans", {"spans": spans[first : first + AT_ONCE]}, timeout=120)
        assert answer.status == 200, answer.text
