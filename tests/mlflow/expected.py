"""What must stand on the run of a call, worked out from what `/api/v1/calls` says of it."""

import json
from datetime import datetime, timezone

import load

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
    }
    if load.version_of(number(call)):
        wanted |= {"prompt_name": "support", "prompt_version": load.version_of(number(call))}
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
        "prompt_version": as_param(load.version_of(number(call))),
        "mlflow.runName": start_of(call).astimezone(timezone.utc).strftime("chat-%Y%m%d-%H%M%S"),
        "weir.call_id": call["span_id"],
        "weir.request_id": call["request_id"],
        "weir.status": call["status"],
    }
    if call["status"] in ERRORS:
        wanted["weir.error"] = call["error"][:1000]
    return wanted


def number(call):
    """The number of a mixed call."""
    return int(call["request_id"].removeprefix("mixed-"))


def rendered(n):
    """The prompt of call number `n` as the model is to see it, worked out without Weir. The same where nothing renders."""
    version, message = load.version_of(n), load.said(n)
    system = load.SYSTEM if load.has_system(n) else None
    if version == "v1.0":
        message = f"Answer {load.DEPARTMENTS[n % 3]} in a {load.TONE} voice: {message}"
    if version == "v2.0":
        # The prompt's own instructions take the place of the caller's.
        system, message = f"You are {load.TONE}.", message.upper()
    return f"system: {system}\n\nuser: {message}" if system else message


def template(n):
    """The template of call number `n`, as it stands in its file without the header."""
    version = load.version_of(n)
    return load.PROMPTS[version].split("---\n")[-1].strip("\n") if version else "{{ user_message }}"


def artifacts(call):
    if call["status"] in ERRORS:
        response = call["error"]
    else:
        message = call["output"]["choices"][0]["message"]
        calls = message.get("tool_calls")
        response = "\n".join(filter(None, [
            message.get("content"), json.dumps(calls, separators=(",", ":"), ensure_ascii=False) if calls else None,
        ]))
    return {
        "prompt_template.jinja2": template(number(call)),
        "rendered_prompt.txt": rendered(number(call)),
        "user_message.txt": load.said(number(call)),
        "response.txt": response,
    }


def status(call):
    return "FAILED" if call["status"] in ERRORS else "FINISHED"
