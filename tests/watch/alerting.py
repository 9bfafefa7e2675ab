"""Calls of the last hours whose failures are known, and what a server told of them."""

import json
import random
import signal
import sqlite3
import time

from traffic import MINUTE, load

from rig import Weir
from rig.http import request

#: Nobody listens at the channel: what is told waits in the outbox.
CONFIG = '[otlp]\ngrpc = "off"\n[[channels]]\nname = "ops"\nurl = "http://127.0.0.1:9/hook"\n'
#: A share of failures is a warning from 15 % and critical from 40 %.
ERRORS = {
    "id": "errors",
    "name": "Errors",
    "group_by": ["model"],
    "metric": {"measure": "error_ratio"},
    "condition": {"warn": 0.15, "crit": 0.4},
    "window": "5m",
    "runbook_url": "https://example.com/runbook",
    "channels": ["ops"],
}


def this_minute():
    return int(time.time() * 1e6) // MINUTE * MINUTE


def calls(start, end, failing=0, model="a", every=5_000_000, **fields):
    """A call every few seconds; so many in ten fail."""
    source = random.Random(f"{model} {start}")
    spans = []
    for n, at in enumerate(range(start, end, every)):
        spans.append(
            {
                "trace_id": f"{source.getrandbits(128) | 1 << 127:032x}",
                "span_id": f"{source.getrandbits(128) | 1 << 127:032x}",
                "kind": "llm",
                "name": "chat",
                "project": "shop",
                "provider": "acme",
                "model": model,
                "status": "error" if n % 10 < failing else "success",
                "start_us": at,
                "end_us": at + 900_000,
                "cost": 1_000_000_000,
                "tokens": {"prompt": 100, "completion": 20},
                **fields,
            }
        )
    return spans


def incident(weir, start):
    """Forty minutes: well, then two in ten fail, then six, then well again; the model b is well all the time."""
    spans = []
    for n, failing in enumerate([0, 2, 6, 0]):
        at = start + n * 10 * MINUTE
        spans += calls(at, at + 10 * MINUTE, failing)
    load(weir, spans + calls(start, start + 40 * MINUTE, model="b"))


def serve(folder, config="", **options):
    return Weir(folder, CONFIG + config, **options)


def send(weir, method, path, body=None):
    return request(method, weir.url + path, body)


def reload(weir, config=None):
    """Has the configuration read again, and its rules."""
    if config is not None:
        weir.config_path.write_text(CONFIG + config)
    weir.process.signal(signal.SIGHUP)


def ok(answer):
    assert answer.status == 200, answer.text
    return answer.json()


def create(weir, **members):
    return ok(weir.post("/api/v1/alert-rules", {**ERRORS, **members}))


def replay(weir, start, end, rule="errors"):
    """Has a rule evaluated at its instants of the past."""
    return ok(weir.post(f"/api/v1/alert-rules/{rule}/evaluate?from={start}&to={end}", None, timeout=120))


def alerts(weir, **parameters):
    return ok(weir.get("/api/v1/alerts", **parameters))["alerts"]


def history(weir, **parameters):
    """What became of alerts, in the order of time."""
    return ok(weir.get("/api/v1/alerts/history", limit=1000, **parameters))["history"][::-1]


def told(weir):
    """The notifications in the outbox, in the order of their putting."""
    with sqlite3.connect(f"file:{weir.data}/catalog.db?mode=ro", uri=True) as catalog:
        rows = catalog.execute("SELECT id, channel, body FROM notifications ORDER BY seq").fetchall()
    return [{**json.loads(body), "channel": channel} for _, channel, body in rows]


def events(weir):
    return [notification["event"] for notification in told(weir)]
