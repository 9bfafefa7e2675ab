"""The part of OpenAI's API that the scenarios call, with the same answer every time."""

import base64
import hashlib
import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CREATED = 1767225600
CHAT_USAGE = {
    "prompt_tokens": 24,
    "completion_tokens": 12,
    "total_tokens": 36,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 4,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
RESPONSES_USAGE = {
    "input_tokens": 24,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens": 12,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 36,
}
ERRORS = {
    "error-401": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "error-429": (429, "rate_limit_error", "rate_limit_exceeded", "Rate limit reached for requests."),
    "error-500": (500, "server_error", None, "The server had an error while processing your request."),
}


def text_of(content):
    """A message's text; parts that are not text have none."""
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return content or ""


def answer_for(messages):
    """The last message decides, so that a chain's steps get different answers."""
    last = text_of(messages[-1].get("content"))
    if messages[-1]["role"] == "tool":
        return f"It is {last} in Paris."
    if "Context" in last or "context" in last:
        return "Weir keeps calls in a journal."
    return "Paris is the capital of France."


def vector(text):
    """Eight numbers that a text always gets, of length one."""
    raw = [byte / 255 - 0.5 for byte in hashlib.sha256(text.encode()).digest()[:8]]
    norm = sum(x * x for x in raw) ** 0.5
    return [struct.unpack("<f", struct.pack("<f", x / norm))[0] for x in raw]


def chat(body):
    wants_tool = body.get("tools") and body["messages"][-1]["role"] != "tool"
    if wants_tool:
        function = body["tools"][0]["function"]["name"]
        call = {"id": "call_weather_1", "type": "function", "function": {"name": function, "arguments": '{"city":"Paris"}'}}
        message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    else:
        message, reason = {"role": "assistant", "content": answer_for(body["messages"])}, "stop"
    return {
        "id": "chatcmpl-recorded1",
        "object": "chat.completion",
        "created": CREATED,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_recorded",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": CHAT_USAGE,
    }


def chunks(body):
    """The same answer in pieces, usage last if it was asked for."""
    whole = chat(body)
    head = {**{k: whole[k] for k in ("id", "created", "model", "system_fingerprint")}, "object": "chat.completion.chunk"}
    asked = (body.get("stream_options") or {}).get("include_usage")

    def chunk(choices, usage=None):
        return {**head, "choices": choices, **({"usage": usage} if asked else {})}

    message = whole["choices"][0]["message"]
    deltas = [{"role": "assistant", "content": ""}]
    if message["content"]:
        deltas += [{"content": word} for word in message["content"].replace(" ", " \0").split("\0")]
    for call in message.get("tool_calls", []):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        start = {"index": 0, "id": call["id"], "type": "function", "function": {"name": name, "arguments": ""}}
        deltas += [{"tool_calls": [start]}]
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in (arguments[:8], arguments[8:])
        ]
    yield from (chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas)
    yield chunk([{"index": 0, "delta": {}, "finish_reason": whole["choices"][0]["finish_reason"]}])
    if asked:
        yield chunk([], CHAT_USAGE)


def embeddings(body):
    inputs = [body["input"]] if isinstance(body["input"], str) else body["input"]

    def encoded(text):
        numbers = vector(str(text))
        if body.get("encoding_format") == "base64":
            return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        return numbers

    return {
        "object": "list",
        "data": [{"object": "embedding", "index": i, "embedding": encoded(text)} for i, text in enumerate(inputs)],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 6 * len(inputs), "total_tokens": 6 * len(inputs)},
    }


def responses(body):
    text = {"type": "output_text", "text": "Paris is the capital of France.", "annotations": [], "logprobs": []}
    message = {"id": "msg_recorded1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    output = [message]
    if body.get("tools"):
        name = body["tools"][0].get("name", "get_weather")
        output = [
            {
                "id": "fc_recorded1",
                "type": "function_call",
                "status": "completed",
                "call_id": "call_weather_1",
                "name": name,
                "arguments": '{"city":"Paris"}',
            }
        ]
    return {
        "id": "resp_recorded1",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": {},
        "model": "gpt-4o-mini-2024-07-18",
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": RESPONSES_USAGE,
        "user": None,
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body.get("model") in ERRORS:
            status, kind, code, message = ERRORS[body["model"]]
            self.reply(status, {"error": {"message": message, "type": kind, "param": None, "code": code}})
        elif self.path == "/v1/chat/completions" and body.get("stream"):
            events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks(body)) + "data: [DONE]\n\n"
            self.send(200, "text/event-stream", events.encode())
        elif self.path in ROUTES:
            self.reply(200, ROUTES[self.path](body))
        else:
            self.reply(404, {"error": {"message": f"no {self.path}", "type": "invalid_request_error"}})

    def reply(self, status, answer):
        self.send(status, "application/json", json.dumps(answer).encode())

    def send(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-request-id", "req_recorded1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ROUTES = {"/v1/chat/completions": chat, "/v1/embeddings": embeddings, "/v1/responses": responses}


class FakeOpenAI:
    def __init__(self):
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
