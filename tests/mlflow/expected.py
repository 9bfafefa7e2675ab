"""What must stand on the run of a call, worked out from what `/api/v1/calls` says of it."""

import json
from datetime import datetime, timezone

ERRORS = ("error", "rate_limited", "blocked", "cancelled")


def as_param(value):
    """As Python's client would log it."""
    return "None" if value is None else str(value)


def start_of(call):
    return datetime.fromisoformat(call["timestamp"].replace("Z", "+00:00"))


def start_us(call):
    start = start_of(call)
    return int(start.replace(microsecond=0).timestamp()) * 1_000_000 + start.microsecond


def is_hit(call):
    return call["cache"] in ("hit", "semantic")


def params(call):
    sent = call["attributes"]
    wanted = {
        "provider": as_param(call["provider"]),
        "model": as_param(call["model"]),
        "temperature": as_param(sent.get("temperature")),
        "max_tokens": as_param(sent.get("max_tokens")),
        "department": as_param(call["department"]),
        "cache_hit": str(is_hit(call)),
        "prompt_name": call["prompt"]["name"],
        "prompt_version": call["prompt"]["version"],
    }
    for name in ("api_base", "api_version"):
        if name in sent:
            wanted[name] = sent[name]
    return wanted


def metrics(call):
    tokens = call["tokens"] or {}
    # The API's own sums: the classes are told apart there.
    prompt = tokens.get("prompt", 0)
    completion = tokens.get("completion", 0)
    wanted = {
        "llm_latency_ms": call["attributes"].get("upstream_us", 0) / 1000,
        "total_response_time_ms": call["latency_ms"],
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if is_hit(call):
        wanted["response_time_ms"] = call["latency_ms"]
    if call["cost_usd"] is not None:
        wanted["cost_usd"] = call["cost_usd"]
    return wanted


def tags(call):
    wanted = {
        "environment": "production",
        "department": as_param(call["department"]),
        "prompt_version": call["prompt"]["version"],
        "mlflow.runName": start_of(call).astimezone(timezone.utc).strftime("chat-%Y%m%d-%H%M%S"),
        "weir.call_id": call["span_id"],
        "weir.request_id": call["request_id"],
        "weir.status": call["status"],
    }
    if call["status"] in ERRORS:
        wanted["weir.error"] = call["error"][:1000]
    return wanted


def artifacts(call):
    messages = call["input"]["messages"]
    texts = [m["content"] for m in messages if m["role"] == "user"]
    rendered = texts[0] if len(messages) == 1 else "\n\n".join(f"{m['role']}: {m['content']}" for m in messages)
    if call["status"] in ERRORS:
        response = call["error"]
    else:
        message = call["output"]["choices"][0]["message"]
        calls = message.get("tool_calls")
        response = "\n".join(filter(None, [
            message.get("content"), json.dumps(calls, separators=(",", ":"), ensure_ascii=False) if calls else None,
        ]))
    return {
        "prompt_template.jinja2": "{{ user_message }}",
        "rendered_prompt.txt": rendered,
        "user_message.txt": texts[-1],
        "response.txt": response,
    }


def status(call):
    return "FAILED" if call["status"] in ERRORS else "FINISHED"
