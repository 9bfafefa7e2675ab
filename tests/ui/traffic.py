"""A support assistant's traffic of the last day, the same every time but for the hour it ends in: traces of a decision, a
retrieval, sometimes a tool, and a call."""

import json
import random
import time

MICROS = 1_000_000
HOUR = 3_600 * MICROS
MODELS = [("openai", "gpt-4o", 1_200), ("openai", "gpt-4o-mini", 600), ("groq", "llama-3.3-70b-versatile", 250)]
DEPARTMENTS = ["support", "sales", "research"]
BRANCHES = ["order_status", "refund", "smalltalk"]
#: Words of one call's answer only.
NEEDLE = "heliotrope kettle"


def hexadecimal(rnd, digits):
    return "".join(rnd.choice("0123456789abcdef") for _ in range(digits))


def request(rnd, start, number):
    """The spans of one request."""
    provider, model, usual = rnd.choice(MODELS)
    branch = rnd.choices(BRANCHES, [5, 3, 2])[0]
    latency = int(usual * 1_000 * rnd.lognormvariate(0, 0.4))
    status = rnd.choices(["success", "cached", "error"], [86, 10, 4])[0]
    root = hexadecimal(rnd, 16)
    shared = {
        "trace_id": hexadecimal(rnd, 32),
        "project": "support-assistant",
        "session": f"s-{number % 40}",
        "user": f"user-{number % 60}",
        "request_id": f"req-{number:05}",
        "department": rnd.choices(DEPARTMENTS, [5, 3, 2])[0],
    }
    end = start + 90_000 + latency

    def step(name, kind, begin, until, **more):
        return {**shared, "span_id": hexadecimal(rnd, 16), "parent_id": root, "name": name, "kind": kind, "start_us": start + begin, "end_us": start + until, "status": "success", **more}

    def attributes(**members):
        return {name: json.dumps(value) for name, value in {"workflow": "support", **members}.items()}

    question = "Where is my order 81233?"
    messages = [{"role": "system", "content": "You are the support assistant of Kettle & Co."}, {"role": "user", "content": question}]
    spans = [
        {**shared, "span_id": root, "name": "answer_question", "kind": "chain", "start_us": start, "end_us": end, "status": "error" if status == "error" else "success"},
        step("route", "branch", 1_000, 6_000, attributes=attributes(from_node="classify", to_node=branch, condition="intent", condition_result=branch)),
        step("search_kb", "retriever", 8_000, 52_000, input=question, output=json.dumps([{"id": "kb-12", "text": "Refunds are paid within 14 days.", "score": 0.82}])),
    ]
    if branch == "order_status":
        spans.append(step("get_order", "tool", 53_000, 85_000, attributes=attributes(tool_name="get_order"), input='{"order_id": "81233"}', output='{"status": "shipped"}'))
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": '{"order_id": "81233"}'}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"status": "shipped"}'},
        ]
    text = "It has shipped." if number else f"It has shipped with a {NEEDLE}."
    answer = {"id": "chatcmpl-1", "model": model, "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}
    call = step("chat", "llm", 90_000, 90_000 + latency, provider=provider, model=model, response_model=model, operation="chat", stream=True)
    call |= {
        "status": status,
        "prompt_name": "support-answer",
        "prompt_version": rnd.choice(["1", "2"]),
        "key": rnd.choice(["checkout-service", "helpdesk"]),
        "cache": "hit" if status == "cached" else "miss",
        "http_status": 502 if status == "error" else 200,
        "input": json.dumps({"model": model, "messages": messages, "temperature": 0.2}),
        "attributes": {"tier": json.dumps(rnd.choice(["gold", "silver"]))},
    }
    if status == "error":
        call |= {"error_type": "upstream_error", "error": "the provider answered 500: the server had an error"}
    else:
        call |= {"tokens": {"prompt": rnd.randint(300, 900), "completion": rnd.randint(40, 320)}, "output": json.dumps(answer), "finish_reason": "stop"}
    return [*spans, call]


def last_day(requests=600):
    rnd = random.Random(7)
    now = int(time.time() * MICROS)
    starts = sorted((now - int(rnd.random() * 24 * HOUR) - 120 * MICROS for _ in range(requests)), reverse=True)
    return [span for number, start in enumerate(starts) for span in request(rnd, start, number)]


def large_trace(spans):
    """One trace of so many spans: agents that call tools."""
    rnd = random.Random(11)
    start = int(time.time() * MICROS) - HOUR
    trace, root = hexadecimal(rnd, 32), hexadecimal(rnd, 16)
    found = [{"trace_id": trace, "span_id": root, "name": "crew", "kind": "agent", "project": "crew", "start_us": start, "end_us": start + spans * 10_000, "status": "success"}]
    parent = root
    for number in range(1, spans):
        span = hexadecimal(rnd, 16)
        begin = start + number * 9_000
        kind = "agent" if number % 50 == 1 else rnd.choice(["tool", "llm", "retriever"])
        found.append({"trace_id": trace, "span_id": span, "parent_id": root if kind == "agent" else parent, "name": f"step {number}", "kind": kind, "project": "crew", "start_us": begin, "end_us": begin + 8_000, "status": "success"})
        if kind == "agent":
            parent = span
    return trace, found


def write(weir, spans):
    for first in range(0, len(spans), 5_000):
        answer = weir.post("/api/v1/spans", {"spans": spans[first : first + 5_000]}, timeout=60)
        assert answer.status == 200, answer.text
