"""What stands at the other end of channels: a server that behaves as it is told, and a mail server."""

import base64
import email
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from rig import eventually


@dataclass
class Came:
    """A request that came."""

    at: float
    path: str
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def id(self):
        return self.headers["webhook-id"]


class Receiver:
    """An HTTP server. `answers` (status, headers, body, seconds of waiting) are given one after the other, then 200."""

    def __init__(self, port=0):
        self.came, self.answers, self.lock = [], [], threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with receiver.lock:
                    receiver.came.append(Came(time.monotonic(), self.path, headers, body))
                    answer = receiver.answers.pop(0) if receiver.answers else ()
                status, more, text, wait = (*answer, *(200, {}, b"ok", 0)[len(answer) :])
                time.sleep(wait)
                try:
                    self.send_response(status)
                    for name, value in {"content-length": str(len(text)), **more}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # the sender did not wait

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count=1, seconds=20.0):
        """The requests, once there are so many."""
        eventually(f"{count} requests come", lambda: len(self.came) >= count, seconds)
        return self.came

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature(secret, came):
    """What the signature must be, by the standard's own words."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = b".".join([came.headers["webhook-id"].encode(), came.headers["webhook-timestamp"].encode(), came.body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Mailbox:
    """A real SMTP server. `refuse` is what it answers to the next mails instead of taking them."""

    def __init__(self, user=None, password=None, tls=None, wrapped=False):
        self.mails, self.refuse, self.wrapped = [], [], wrapped

        def allowed(_server, _session, _envelope, _mechanism, data):
            right = (data.login.decode(), data.password.decode()) == (user, password)
            return AuthResult(success=right, handled=False)

        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        options = {"authenticator": allowed, "auth_required": True} if user else {}
        if user and not tls:
            options["auth_require_tls"] = False
        if tls and not wrapped:
            options.update(tls_context=context, require_starttls=True)
        if wrapped:
            options["auth_require_tls"] = False

        class Started(Controller):
            def factory(self):
                return SMTP(self.handler, hostname="test", **options)

        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]
        self.controller = Started(
            self, hostname="127.0.0.1", port=self.port, ssl_context=context if wrapped else None
        )
        self.controller.start()

    async def handle_DATA(self, _server, session, envelope):
        if self.refuse:
            return self.refuse.pop(0)
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope, message, self.wrapped or session.ssl is not None))
        return "250 kept as 4711"

    def close(self):
        self.controller.stop()
