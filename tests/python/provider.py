"""A provider that answers as OpenAI does: JSON, streams, refusals, cut streams; and remembers what it was asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
WORDS = ["Choose ", "“Forgot ", "password”", "."]


class Provider:
    """`behave` is how the next requests are answered: `answer`, `refuse`, `broken`, `cut`, `slow` or `limit`."""

    def __init__(self):
        self.behave = "answer"
        self.requests = []
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append({"path": self.path, "headers": dict(self.headers), "body": body})
                try:
                    outer.answer(self, body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler, body):
        if self.behave == "slow":
            self.release.wait(30)
        if self.behave == "refuse":
            return send(handler, 400, {"error": {"message": "max_tokens is too large", "type": "invalid_request_error"}})
        if self.behave == "limit":
            return send(handler, 429, {"error": {"message": "slow down", "type": "rate_limit_error"}})
        if self.behave == "broken":
            return send(handler, 200, "this is no JSON")
        if body.get("stream"):
            return stream(handler, body, cut=self.behave == "cut")
        message = {"role": "assistant", "content": "".join(WORDS)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        send(handler, 200, {"id": "chatcmpl-1", "object": "chat.completion", "model": f"{body['model']}-2026", "choices": [choice], "usage": USAGE})


def send(handler, status, body):
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(raw)))
    handler.send_header("x-request-id", "upstream-1")
    handler.end_headers()
    handler.wfile.write(raw)


def stream(handler, body, cut):
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()

    def event(data):
        text = f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
        handler.wfile.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
        handler.wfile.flush()

    def chunk(delta, finish=None, **more):
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return {"id": "chatcmpl-2", "object": "chat.completion.chunk", "model": f"{body['model']}-2026", "choices": choices, **more}

    for word in WORDS[:2] if cut else WORDS:
        event(chunk({"content": word}))
    if cut:
        handler.close_connection = True
        handler.connection.close()
        return
    event(chunk({}, "stop"))
    if body.get("stream_options", {}).get("include_usage"):
        event({**chunk({}), "choices": [], "usage": USAGE})
    event("[DONE]")
    handler.wfile.write(b"0\r\n\r\n")
