"""The part of MLflow's API that an exporter uses, kept in memory, told to misbehave."""

import json
import re
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Standin:
    """`fault(method, path, body)` is asked before each request: None for a good answer, a status to answer, or a number
    of seconds below 100 to wait before the good answer."""

    def __init__(self):
        self.fault = lambda method, path, body: None
        self.lock = threading.Lock()
        self.experiments, self.runs, self.seen = {}, {}, []
        self.retry_after = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                outer.answer(self)

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def answer(self, handler):
        raw = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        parts = urlsplit(handler.path)
        body = json.loads(raw) if raw and "json" in handler.headers.get("content-type", "") else raw.decode()
        with self.lock:
            self.seen.append((handler.command, parts.path, dict(handler.headers.items())))
        fault = self.fault(handler.command, parts.path, body)
        if fault and fault < 100:
            time.sleep(fault)
        if fault and fault >= 100:
            status, answer = fault, {
                "error_code": "TOLD_TO", "message": f"told to answer {fault} to {handler.headers.get('authorization')}",
            }
        else:
            with self.lock:
                status, answer = self.work(parts.path, body, parse_qs(parts.query))
        data = json.dumps(answer).encode()
        try:
            handler.send_response(status)
            handler.send_header("content-type", "application/json")
            handler.send_header("content-length", str(len(data)))
            if 300 <= status < 400:
                handler.send_header("location", f"{self.url}/elsewhere")
            if fault and self.retry_after is not None:
                handler.send_header("retry-after", str(self.retry_after))
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:
            pass

    def work(self, path, body, query):
        method = path.removeprefix("/api/2.0/mlflow/")
        if path.startswith("/api/2.0/mlflow-artifacts/artifacts/"):
            run, name = path.split("/")[-3], path.split("/")[-1]
            self.runs[run]["artifacts"][name] = body
            return 200, {}
        if method == "experiments/get-by-name":
            name = query["experiment_name"][0]
            if name not in self.experiments:
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"}
            stage = self.experiments[name].get("stage", "active")
            return 200, {"experiment": {"experiment_id": self.experiments[name]["id"], "lifecycle_stage": stage}}
        if method == "experiments/create":
            self.experiments[body["name"]] = {"id": str(len(self.experiments) + 1)}
            return 200, {"experiment_id": self.experiments[body["name"]]["id"]}
        if method == "runs/create":
            run = uuid.uuid4().hex
            self.runs[run] = {
                "tags": {t["key"]: t["value"] for t in body["tags"]}, "params": {}, "metrics": {}, "artifacts": {},
                "info": {
                    "run_id": run, "status": "RUNNING", "lifecycle_stage": "active", "start_time": body["start_time"],
                    "artifact_uri": f"mlflow-artifacts:/1/{run}/artifacts",
                },
            }
            return 200, {"run": {"info": self.runs[run]["info"]}}
        if method == "runs/search":
            call = re.search(r"`weir\.call_id` = '([0-9a-f-]+)'", body["filter"]).group(1)
            found = [r for r in self.runs.values() if r["tags"]["weir.call_id"] == call]
            return 200, {"runs": [{"info": r["info"]} for r in found]}
        run = self.runs.get(body["run_id"]) if isinstance(body, dict) and "run_id" in body else None
        if run is None:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}
        if method == "runs/log-batch":
            run["params"] |= {p["key"]: p["value"] for p in body["params"]}
            run["metrics"] |= {m["key"]: m["value"] for m in body["metrics"]}
        elif method == "runs/update":
            run["info"] |= {"status": body["status"], "end_time": body["end_time"]}
        elif method == "runs/delete":
            run["info"]["lifecycle_stage"] = "deleted"
        else:
            return 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": path}
        return 200, {}

    def active(self):
        with self.lock:
            return [r for r in self.runs.values() if r["info"]["lifecycle_stage"] == "active"]

    def calls(self):
        """The call ids of the runs that are whole."""
        return [r["tags"]["weir.call_id"] for r in self.active() if "end_time" in r["info"]]
