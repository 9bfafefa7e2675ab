"""Spans over OTLP/HTTP, as an exporter sends them: one client, batches one after the other, each answered before the
next leaves. The few message types are encoded here, so that the benchmark needs no packages."""

import http.client
import json
import os
import time


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def fixed64(number, value):
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def attribute(name, value):
    if isinstance(value, bool):
        any_value = varint(2 << 3) + varint(int(value))
    elif isinstance(value, int):
        any_value = varint(3 << 3) + varint(value)
    else:
        any_value = field(1, value.encode())
    return field(1, name.encode()) + field(2, any_value)


def span(texts, trace, at_ns):
    """A chat call of 2 KB in and 1 KB out in the words of OpenTelemetry's GenAI conventions."""
    prompt, answer = texts.take(2048), texts.take(1024)
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.response.id": f"chatcmpl-{os.urandom(8).hex()}",
        "gen_ai.usage.input_tokens": 480, "gen_ai.usage.output_tokens": 240, "gen_ai.conversation.id": "session-7",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": prompt}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "finish_reason": "stop",
                                               "parts": [{"type": "text", "content": answer}]}]),
    }
    body = field(1, trace) + field(2, os.urandom(8)) + field(5, b"chat gpt-4o-mini") + varint(6 << 3) + varint(3)
    body += fixed64(7, at_ns) + fixed64(8, at_ns + 812_345_678)
    return body + b"".join(field(9, attribute(*pair)) for pair in attributes.items())


def batch(texts, count, at_ns):
    resource = field(1, attribute("service.name", "bench")) + field(1, attribute("telemetry.sdk.language", "python"))
    scope = field(1, field(1, b"bench") + field(2, b"1.0"))
    # Ten spans to a trace.
    traces = [os.urandom(16) for _ in range(-(-count // 10))]
    spans = b"".join(field(2, span(texts, traces[n // 10], at_ns + n * 1_000_000)) for n in range(count))
    return field(1, field(1, resource) + field(2, scope + spans))


class Texts:
    """Pieces of a text, one after the other."""

    def __init__(self, path):
        self.text, self.at = path.read_text(), 0

    def take(self, size):
        if self.at + size > len(self.text):
            self.at = 0
        self.at += size
        return self.text[self.at - size:self.at]


def send(port, path, bodies, headers=None):
    """Sends every body; the seconds that each took. Anything but 200 ends it."""
    connection, took = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    for body in bodies:
        begun = time.perf_counter()
        connection.request("POST", path, body, {"content-type": "application/x-protobuf", **(headers or {})})
        answer = connection.getresponse()
        text = answer.read()
        took.append(time.perf_counter() - begun)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:300]}")
    connection.close()
    return took
