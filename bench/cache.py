"""Hits of the cache beside plain calls: throughput, latency, CPU."""

import json

from loads import median
from process import Failed
from targets import MODEL, Weir

RATE = 1000
CONNECTIONS = 32
ON = "[cache]\nexact = true\n"
TEXT = "The river keeps its own time, and the mill takes what it needs of it and no more. " * 5


class Cached(Weir):
    """Weir with its cache on; the one body that every load sends is there before it is measured."""

    def __init__(self, bin_dir, folder, upstream):
        super().__init__(bin_dir, folder, upstream, "Weir, hits", ON)

    def figures(self):
        return self.get_json("/api/v1/status")["cache"]


def same_body(temp, target):
    """The words that make the load generator send the same body on every connection."""
    model = f"plain/{MODEL}" if isinstance(target, Weir) else MODEL
    path = temp / f"body-{model.replace('/', '-')}.json"
    path.write_text(json.dumps({"model": model, "messages": [{"role": "user", "content": TEXT}], "temperature": 0.7}))
    return ["--body", path]


def cache_figures(loads, bins, temp, upstream, nginx, plain, passes):
    """The same loads on the provider's proxies and on a Weir that has the answer, one after the other in each pass."""
    cached = Cached(bins, temp / "cached", upstream)
    targets = {"nginx": nginx, "plain": plain, "hit": cached}
    body = {name: same_body(temp, target) for name, target in targets.items()}
    for name, target in targets.items():
        loads.run(target, "plain", "--connections", 8, *body[name], seconds=0.5)
    raw = {}
    for _ in range(passes):
        for name, target in targets.items():
            got = loads.closed(target, "plain", CONNECTIONS, *body[name])
            figures = {"rps": got["rps"], "cpu": got["cpu"], "cpu_answer": got["cpu_answer"]}
            alone = loads.closed(target, "plain", 1, *body[name])["latency_us"]
            figures |= {"alone_p50": alone["p50"] / 1000, "alone_p99": alone["p99"] / 1000}
            paced = loads.paced(target, RATE, *body[name])
            if paced:
                figures |= {"p50": paced["latency_us"]["p50"] / 1000, "p99": paced["latency_us"]["p99"] / 1000}
            for figure, value in figures.items():
                raw.setdefault(f"cache_{name}_{figure}", []).append(value)
    seen, calls = cached.figures(), cached.totals()["count"]
    # The connections of the first load began at the same time, and one of them asked.
    if seen["misses"] != 1 or seen["hits"] != calls - 1:
        raise Failed(f"of {calls} calls {seen['hits']} were hits and {seen['misses']} misses")
    cached.stop()
    return {name: median(values) for name, values in raw.items()} | {"cache_hits": seen["hits"]}


def cache_rows(lone, number):
    """The rows of the table; nothing where it was not measured."""
    if "cache_hit_rps" not in lone:
        return []

    def beside(figures, digits):
        own, plain, nginx = (" / ".join(number(lone.get(f"cache_{which}_{f}"), digits) for f in figures)
                             for which in ("hit", "plain", "nginx"))
        return f"{own}; {plain}; {nginx}"

    hit = lone["cache_hit_alone_p50"]
    paced = lone.get("cache_hit_p50")
    return [
        (f"cache hits a second at {CONNECTIONS} connections; calls that are passed on by Weir; by nginx",
         beside(["rps"], 0), "", None),
        ("CPU µs a hit, to the stored row; a call passed on by Weir; by nginx", beside(["cpu"], 1), "", None),
        ("p50 / p99 ms of a hit, one connection; of a call passed on by Weir; by nginx",
         beside(["alone_p50", "alone_p99"], 2), "p50 ≤ 0.3", hit <= 0.3),
        (f"p50 / p99 ms of a hit at {RATE:,} calls/s; of a call passed on by Weir; by nginx",
         beside(["p50", "p99"], 2), "p50 ≤ 0.3", paced is not None and paced <= 0.3),
    ]
