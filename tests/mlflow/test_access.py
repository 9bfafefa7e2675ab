"""Credentials, and the switch."""

import base64
import json

from exporter import exported
from rig import eventually
from rig.weir import run

PASSWORD = "pw-T7rX2mQz9LkV"
TOKEN = "tok-W4nB8sYc1JhG"


def everything_said(weir):
    """All places where a credential could show."""
    return "\n".join([
        weir.log(), weir.get("/api/v1/status").text, weir.get("/metrics").text, weir.get("/health/ready").text,
        run("status", "--url", weir.url).stdout, run("status", "--data", weir.data).stdout,
    ])


def headers(standin):
    return {h.get("Authorization", h.get("authorization")) for _, _, h in standin.seen}


def test_basic_authentication(serve, providers, standin):
    basic = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    host = standin.url.removeprefix("http://")
    ways = [
        {"MLFLOW_TRACKING_URI": standin.url, "MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": PASSWORD},
        {"MLFLOW_TRACKING_URI": f"http://ann:{PASSWORD}@{host}"},
    ]
    for env in ways:
        standin.seen.clear()
        weir = serve(providers, env=env)
        weir.chat("up/gpt-4o")
        exported(weir, 1)
        assert headers(standin) == {basic}
        # Also while it fails, and though the server repeats what it was sent.
        standin.fault = lambda *_: 403
        weir.chat("up/gpt-4o")
        eventually("it is noticed", lambda: "retrying" in run("status", "--url", weir.url).stdout)
        said = everything_said(weir)
        assert PASSWORD not in said and basic.removeprefix("Basic ") not in said and standin.url in said
        standin.fault = lambda *_: None
        exported(weir, 2)
        weir.stop()


def test_a_token_from_the_file(serve, providers, standin):
    config = providers + f'[mlflow]\ntracking_uri = "{standin.url}"\ntoken = "env:MY_TOKEN"\n'
    weir = serve(config, env={"MY_TOKEN": TOKEN})
    weir.chat("up/gpt-4o")
    exported(weir, 1)
    assert headers(standin) == {f"Bearer {TOKEN}"}
    assert TOKEN not in everything_said(weir)


def test_the_switch_turns_it_off(serve, providers, standin):
    weir = serve(providers + f'[mlflow]\ntracking_uri = "{standin.url}"\n', env={"MLFLOW_ENABLED": "false"})
    weir.chat("up/gpt-4o", id="one")
    weir.call("one")
    state = weir.get("/api/v1/status").json()["exporters"]
    assert [(e["target"], e["state"], e["lag_records"]) for e in state] == [("mlflow", "off", 0)]
    assert json.loads(run("status", "--data", weir.data, "--json").stdout)["exporters"] == [], "nothing is queued"
    weir.stop()
    assert standin.seen == []


def test_a_file_is_no_server(serve, providers):
    weir = serve(providers, env={"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"})
    assert weir.chat("up/gpt-4o").status == 200
    assert weir.log().count("MLFLOW_TRACKING_URI is ignored") == 1
    assert weir.get("/api/v1/status").json()["exporters"] == []


def test_the_status_needs_a_key_where_there_are_keys(serve, providers):
    keys = '[[keys]]\nname = "caller"\nkey = "wk-caller"\n[[keys]]\nname = "reader"\nkey = "wk-reader"\nrole = "read"\n'
    weir = serve(providers + keys)
    ask = lambda key: weir.get("/api/v1/status", {"authorization": f"Bearer {key}"}).status  # noqa: E731
    assert (weir.get("/api/v1/status").status, ask("wk-caller"), ask("wk-reader")) == (401, 403, 200)
