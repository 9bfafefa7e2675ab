"""Mixed calls through the unmodified openai client."""

import time
from concurrent.futures import ThreadPoolExecutor

import openai

DEPARTMENTS = ("engineering", "sales", "support")
MODELS = ("up/gpt-4o", "up/gpt-4o-mini", "azure/gpt-4o-mini")


def one(client, n):
    """Call number `n`. Returns its latency in seconds and whether it ended as it should."""
    kind = ("plain", "streamed", "repeated", "plain", "failing", "streamed", "plain", "repeated", "bare", "tools")[n % 10]
    model = MODELS[n // 10 % len(MODELS)]
    content = "What does a weir do?" if kind == "repeated" else f"Question {n}: what does a weir do?"
    messages = [{"role": "user", "content": content}]
    if n % 4 == 0:
        messages.insert(0, {"role": "system", "content": "You answer in one sentence."})
    options = {"temperature": 0.5 + n % 3 / 4, "max_tokens": 64 + n % 5}
    if kind == "repeated":
        options = {"temperature": 0, "max_tokens": 64}
    if kind == "bare":
        options = {}
    if kind == "failing":
        model += "!status=400"
    if kind == "tools":
        model += "!tools"
        options["tools"] = [{"type": "function", "function": {"name": "level", "parameters": {"type": "object"}}}]
    metadata = {
        "department": DEPARTMENTS[n % 3], "prompt_name": "support", "prompt_version": ("v1.0", "v2.0")[n // 2 % 2],
    }
    begun = time.perf_counter()
    try:
        answer = client.chat.completions.create(
            model=model, messages=messages, stream=kind == "streamed", metadata=metadata,
            extra_headers={"x-request-id": f"mixed-{n}"}, **options,
        )
        if kind == "streamed":
            for _ in answer:
                pass
        well = kind != "failing"
    except openai.BadRequestError:
        well = kind == "failing"
    return time.perf_counter() - begun, well


def mixed(weir, numbers, threads=4, meanwhile=None):
    """The calls of these numbers. `meanwhile(done)` runs after each. Returns latencies, and the calls that went wrong."""
    client = weir.openai()
    latencies, wrong = [], []
    with ThreadPoolExecutor(threads) as pool:
        for n, (latency, well) in zip(numbers, pool.map(lambda n: one(client, n), numbers)):
            latencies.append(latency)
            if not well:
                wrong.append(n)
            if meanwhile:
                meanwhile(len(latencies))
    return latencies, wrong


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] * 1000
