"""Mixed calls through the unmodified openai client."""

import time
from concurrent.futures import ThreadPoolExecutor

import openai

DEPARTMENTS = ("engineering", "sales", "support")
VERSIONS = ("v1.0", "v2.0")
TONE = "friendly"
SYSTEM = "You answer in one sentence."
#: The prompt `support`, by version: its file.
PROMPTS = {
    "v1.0": "Answer {{ department }} in a {{ tone }} voice: {{ user_message }}\n",
    "v2.0": "---\nkind: chat\n---\n{# system #}\nYou are {{ tone }}.\n{# user #}\n{{ user_message | upper }}\n",
}
MODELS = ("up/gpt-4o", "up/gpt-4o-mini", "azure/gpt-4o-mini")


def write_prompts(folder):
    """Writes the prompt's files; returns the configuration that names their folder."""
    (folder / "support").mkdir(parents=True)
    for version, text in PROMPTS.items():
        (folder / "support" / f"{version}.jinja2").write_text(text)
    return f'[prompts]\ndir = "{folder}"\n'


def kind_of(n):
    kinds = ("plain", "streamed", "repeated", "plain", "failing", "streamed", "plain", "repeated", "bare", "tools")
    return kinds[n % 10]


def said(n):
    """What the user says in call number `n`."""
    return "What does a weir do?" if kind_of(n) == "repeated" else f"Question {n}: what does a weir do?"


def version_of(n):
    """The version of the prompt that call number `n` asks for; a bare call asks for none."""
    return None if kind_of(n) == "bare" else VERSIONS[n // 2 % 2]


def has_system(n):
    return n % 4 == 0


def one(client, n):
    """Call number `n`. Returns its latency in seconds and whether it ended as it should."""
    kind = kind_of(n)
    model = MODELS[n // 10 % len(MODELS)]
    messages = [{"role": "user", "content": said(n)}]
    if has_system(n):
        messages.insert(0, {"role": "system", "content": SYSTEM})
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
    metadata = {"department": DEPARTMENTS[n % 3]}
    if version_of(n):
        metadata |= {"prompt": "support", "prompt_version": version_of(n), "variables": {"tone": TONE}}
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
