"""Mixed traffic through the unmodified openai client: rendered, streamed, cached, failing, batched."""

import json
import time

import openai

DEPARTMENTS = ("engineering", "sales", "support")
#: How long a batch of a few requests may take.
PATIENCE = 60


def make(url):
    """Makes the calls. How many there were, and how they ended."""
    # A client of Weir's sends any key where none are configured.
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    made = {"answered": 0, "streamed": 0, "from the cache": 0, "failed": 0, "in a batch": 0}
    for n in range(180):
        made[one(client, n)] += 1
    made["in a batch"] = batch(client, 6)
    return {"calls": sum(made.values()), **made}


def one(client, n):
    """Call number `n`, and how it ended."""
    department = DEPARTMENTS[n // 9 % 3]
    ask = {
        "model": "demo/echo",
        "messages": [{"role": "user", "content": f"Question {n}: what does a weir do?"}],
        # What a call is filed under, which prompt it gets, and with which values.
        "metadata": {
            "department": department, "user": f"user-{n}", "prompt": "assistant",
            "variables": json.dumps({"company": "Rhine Hydro"}),
        },
    }
    kind = ("plain", "streamed", "repeated", "plain", "named", "failing", "repeated", "cascade", "unset")[n % 9]
    if kind == "repeated":
        # Equal requests, so that all but the first come out of the cache; of each department, which the prompt names.
        ask["messages"] = [{"role": "user", "content": "When do you open?"}]
        ask["metadata"]["prompt_version"] = "production"
    if kind == "named":
        variables = json.dumps({"company": "Rhine Hydro", "tone": "brief"})
        ask["metadata"] |= {"prompt_version": ("v1.0", "v2.0")[n % 2], "variables": variables}
    if kind == "cascade":
        ask |= {"model": "careful", "metadata": {"department": department}}
    if kind == "failing":
        ask["model"] = "down/gpt-4o"
    if kind == "unset":
        # A template says which value is missing, before anything is sent.
        del ask["metadata"]["variables"]
    try:
        if kind == "streamed":
            for _ in client.chat.completions.create(**ask, stream=True):
                pass
            return "streamed"
        answer = client.chat.completions.with_raw_response.create(**ask)
        return "from the cache" if answer.headers["x-weir-cache"] == "hit" else "answered"
    except openai.APIStatusError:
        if kind not in ("failing", "unset"):
            raise
        return "failed"


def batch(client, count):
    """A file of requests that Weir works off by itself. How many were answered."""
    body = {"model": "demo/lorem", "metadata": {"department": "support", "tags": "nightly"}}
    lines = [
        {
            "custom_id": f"letter-{n}", "method": "POST", "url": "/v1/chat/completions",
            "body": {**body, "messages": [{"role": "user", "content": f"Summarise letter {n}."}]},
        }
        for n in range(count)
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    file = client.files.create(file=("letters.jsonl", text.encode()), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    deadline = time.monotonic() + PATIENCE
    while made.status not in ("completed", "failed", "expired", "cancelled"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the batch is still {made.status}")
        time.sleep(0.2)
        made = client.batches.retrieve(made.id)
    answers = client.files.content(made.output_file_id).text.splitlines()
    return sum(json.loads(line)["response"]["status_code"] == 200 for line in answers)
