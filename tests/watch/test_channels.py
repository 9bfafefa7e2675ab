"""Channels: what is told arrives, signed, in order, at least once, and nothing that is secret is seen."""

import json
import socket
import sqlite3
import subprocess
import time
from datetime import UTC, datetime

import pytest
import yaml
from alerting import create, incident, replay, this_minute
from receivers import Mailbox, Receiver, signature
from traffic import HOUR, MINUTE

from rig import Weir, eventually, request
from rig.process import Process
from rig.weir import run

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PASSWORD = "correct-horse-battery-staple-9"
ROUTING_KEY = "R0123456789ABCDEF0123456789ABCDEF"
SLACK_PATH = "services/T00000000/B00000000/XXXXsecretXXXXsecretXXXX"
#: The secret before, while receivers change over.
OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENV = {"HOOK_SECRET": SECRET, "OLD_HOOK_SECRET": OLD_SECRET, "MAIL_PASSWORD": PASSWORD, "PD_KEY": ROUTING_KEY}


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def serve_channels(tmp_path):
    """Starts a server with channels; at the end no secret may stand in its log, answers or files."""
    servers = []

    def start(channels, env=None):
        folder = tmp_path / f"weir{len(servers)}"
        folder.mkdir()
        config = '[otlp]\ngrpc = "off"\n' + channels
        servers.append(Weir(folder, config, env={**ENV, **(env or {})}))
        return servers[-1]

    yield start
    for weir in servers:
        seen = ""
        if weir.process.running():
            for channel in weir.get("/api/v1/channels").json()["channels"]:
                seen += json.dumps(channel)
                seen += weir.get(f"/api/v1/channels/{channel['name']}/notifications").text
            seen += weir.get("/metrics").text
            assert weir.stop() == 0
        seen += weir.log()
        kept = b"".join(file.read_bytes() for file in weir.data.glob("catalog.db*"))
        for secret in (SECRET, SECRET.removeprefix("whsec_"), PASSWORD, ROUTING_KEY, SLACK_PATH.split("/")[-1]):
            assert secret not in seen and secret.encode() not in kept


def hook(url, name="ops", more=""):
    return f'[[channels]]\nname = "{name}"\nurl = "{url}/hook"\nsecret = "env:HOOK_SECRET"\n{more}\n'


def queue(weir, name="ops"):
    answer = weir.post(f"/api/v1/channels/{name}/test?queued=true", None)
    assert answer.status == 200, answer.text
    return answer.json()["id"]


def channel(weir, name="ops"):
    return next(c for c in weir.get("/api/v1/channels").json()["channels"] if c["name"] == name)


def notification(weir, id, name="ops", state=None):
    """The notification of an id, once it is in a state."""

    def look():
        found = weir.get(f"/api/v1/channels/{name}/notifications").json()["notifications"]
        found = [n for n in found if n["id"] == id and state in (None, n["state"])]
        return found[0] if found else None

    return eventually(f"{id} is {state}", look, 30)


# Webhooks


def test_a_test_is_sent_signed_and_what_the_receiver_said_is_told(serve_channels, receiver):
    weir = serve_channels(hook(receiver.url))
    assert channel(weir)["last_test"] is None and channel(weir)["signed"] is True
    answer = weir.post("/api/v1/channels/ops/test", None).json()
    assert answer["ok"] is True and answer["said"] == "answers 200: ok" and answer["queued"] is False
    (came,) = receiver.came
    assert came.path == "/hook" and came.headers["content-type"] == "application/json"
    assert came.headers["webhook-signature"] == signature(SECRET, came)
    assert abs(int(came.headers["webhook-timestamp"]) - time.time()) < 60
    body = came.json()
    assert body["type"] == "alert.test" and body["id"] == came.id == answer["id"]
    assert body["data"]["summary"] == "Weir can reach the channel ops" and body["data"]["anomaly"] is None
    assert json.loads(answer["sent"][0]) == body
    test = channel(weir)["last_test"]
    assert test["ok"] is True and test["current"] is True and test["said"] == "answers 200: ok"

    receiver.answers = [(403, {}, b"no such token: " + SECRET.encode())]
    answer = weir.post("/api/v1/channels/ops/test", None).json()
    assert answer["ok"] is False and answer["said"].startswith("answers 403: no such token: ")
    assert channel(weir)["last_test"]["ok"] is False
    assert len(receiver.came) == 2, "a test is tried once"


def test_while_a_secret_is_changed_both_sign(serve_channels, receiver):
    weir = serve_channels(hook(receiver.url, more='old_secret = "env:OLD_HOOK_SECRET"'))
    assert weir.post("/api/v1/channels/ops/test", None).json()["ok"]
    (came,) = receiver.came
    assert came.headers["webhook-signature"].split(" ") == [signature(SECRET, came), signature(OLD_SECRET, came)]


def test_a_failing_receiver_gets_it_later_under_the_same_id(serve_channels, receiver):
    receiver.answers = [(500, {}, b"broken"), (503,)]
    weir = serve_channels(hook(receiver.url))
    id = queue(weir)
    came = receiver.wait(3)
    told = notification(weir, id, state="delivered")
    assert told["attempts"] == 3 and [c.id for c in came] == [id] * 3
    assert [c.json() for c in came[1:]] == [came[0].json()] * 2
    assert all(c.headers["webhook-signature"] == signature(SECRET, c) for c in came)
    gaps = [b.at - a.at for a, b in zip(came, came[1:])]
    assert gaps[0] >= 0.5 and gaps[1] >= 1.0, "pauses grow"
    assert weir.metric("weir_notifications_total", channel="ops", outcome="failed") == 2
    assert weir.metric("weir_notifications_total", channel="ops", outcome="delivered") == 1
    assert weir.metric("weir_notifications_waiting", channel="ops") == 0
    assert channel(weir)["error"] is None and channel(weir)["last_delivered"]


def test_what_a_receiver_asks_for_is_obeyed(serve_channels, receiver):
    receiver.answers = [(429, {"retry-after": "4"}, b"slow down")]
    weir = serve_channels(hook(receiver.url))
    first, second = queue(weir), queue(weir)
    waiting = notification(weir, first, state="waiting")
    came = receiver.wait(3)
    assert came[1].at - came[0].at >= 4, waiting
    assert [c.id for c in came] == [first, first, second], "an alert is told in order"


def test_a_slow_receiver_is_not_waited_for(serve_channels, receiver):
    receiver.answers = [(200, {}, b"late", 5)]
    weir = serve_channels(hook(receiver.url, more='timeout = "1s"'))
    id = queue(weir)
    assert [c.id for c in receiver.wait(2)] == [id, id]
    notification(weir, id, state="delivered")
    assert "no answer within 1s" in weir.log()


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_what_cannot_succeed_is_given_up_with_its_reason(serve_channels, receiver, status):
    receiver.answers = [(status, {"location": f"{receiver.url}/other"}, b"because of that")]
    weir = serve_channels(hook(receiver.url))
    told = notification(weir, queue(weir), state="given_up")
    assert told["attempts"] == 1 and f"answers {status}: " in told["error"]
    assert ("it redirects" if status == 302 else "because of that") in told["error"]
    assert channel(weir)["given_up"] == 1 and channel(weir)["error"] == told["error"]
    assert weir.metric("weir_notifications_total", channel="ops", outcome="given_up") == 1
    next_one = queue(weir)
    assert notification(weir, next_one, state="delivered") and [c.path for c in receiver.came] == ["/hook"] * 2


def test_it_is_given_up_in_the_end(serve_channels, receiver):
    receiver.answers = [(500,)] * 50
    weir = serve_channels(hook(receiver.url, more='give_up_after = "2s"'))
    told = notification(weir, queue(weir), state="given_up")
    assert told["error"] == "tried for too long; last: answers 500: ok"


def test_a_channel_that_is_down_does_not_hold_up_another(serve_channels, receiver):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{held.getsockname()[1]}"
        weir = serve_channels(hook(nobody, "down") + hook(receiver.url))
        queue(weir, "down")
        id = queue(weir)
        notification(weir, id, state="delivered")
        eventually("the failure is seen", lambda: channel(weir, "down")["error"])
        assert "cannot be reached" in channel(weir, "down")["error"] and channel(weir, "down")["waiting"] == 1
        assert weir.metric("weir_notifications_waiting", channel="down") == 1


def test_kill_9_loses_nothing(serve_channels, receiver):
    receiver.answers = [(503,)] * 2
    weir = serve_channels(hook(receiver.url))
    ids = [queue(weir) for _ in range(3)]
    receiver.wait(1)
    weir.process.kill()
    before = len(receiver.came)
    receiver.answers = []
    weir.start()
    for id in ids:
        notification(weir, id, state="delivered")
    after = [c.id for c in receiver.came[before:]]
    assert after == ids and receiver.came[0].id == ids[0], "each once more, in order"


def test_kill_9_between_the_answer_and_its_note_sends_it_again_under_its_id(serve_channels, receiver):
    receiver.answers = [(200, {}, b"ok", 3)]
    weir = serve_channels(hook(receiver.url))
    id = queue(weir)
    receiver.wait(1)
    weir.process.kill()
    weir.start()
    notification(weir, id, state="delivered")
    assert [c.id for c in receiver.came] == [id, id]


def test_the_configuration_is_read_again(serve_channels, receiver):
    weir = serve_channels(hook(receiver.url))
    assert weir.post("/api/v1/channels/ops/test", None).json()["ok"] is True
    text = weir.config_path.read_text()
    weir.config_path.write_text(text.replace("/hook", "/other") + hook(receiver.url, "more"))
    eventually("the new channel is there", lambda: len(weir.get("/api/v1/channels").json()["channels"]) == 2)
    assert channel(weir)["to"].endswith("/other")
    assert channel(weir)["last_test"]["current"] is False, "what was changed is untested"
    weir.config_path.write_text(text.replace("env:HOOK_SECRET", "env:NO_SUCH"))
    weir.process.wait_for("channels.ops.secret: the environment variable NO_SUCH is not set")
    assert weir.post("/api/v1/channels/more/test", None).json()["ok"] is True, "the old one stays"


# The other kinds


def test_slack_gets_blocks(serve_channels, receiver):
    weir = serve_channels(
        '[[channels]]\nname = "chat"\nkind = "slack"\nurl = "env:SLACK_URL"\n',
        {"SLACK_URL": f"{receiver.url}/{SLACK_PATH}"},
    )
    assert channel(weir, "chat")["to"] == f"{receiver.url}/…"
    assert weir.post("/api/v1/channels/chat/test", None).json()["ok"] is True
    (came,) = receiver.came
    body = came.json()
    assert came.path == f"/{SLACK_PATH}" and set(body) == {"text", "blocks"}
    assert body["text"] == "TEST: Weir can reach the channel chat"
    assert [block["type"] for block in body["blocks"]] == ["header", "section", "section"]
    assert body["blocks"][0]["text"]["type"] == "plain_text"
    receiver.answers = [(404, {}, f"no_service /{SLACK_PATH}".encode())]
    told = notification(weir, queue(weir, "chat"), "chat", "given_up")
    assert told["error"] == "answers 404: no_service /***"


def test_pagerduty_gets_an_incident_and_its_end(serve_channels, receiver):
    pager = '[[channels]]\nname = "pager"\nkind = "pagerduty"\nrouting_key = "env:PD_KEY"\n'
    weir = serve_channels(f'{pager}url = "{receiver.url}/v2/enqueue"\n')
    receiver.answers = [(202, {}, b'{"status":"success","dedup_key":"x"}')] * 2
    answer = weir.post("/api/v1/channels/pager/test", None).json()
    assert answer["ok"] is True and answer["said"].startswith("answers 202: ")
    assert ROUTING_KEY not in json.dumps(answer)
    trigger, resolve = (came.json() for came in receiver.came)
    assert trigger["event_action"] == "trigger" and resolve["event_action"] == "resolve"
    assert trigger["dedup_key"] == resolve["dedup_key"] == "weir-test-pager"
    assert trigger["routing_key"] == resolve["routing_key"] == ROUTING_KEY
    payload = trigger["payload"]
    assert payload["severity"] == "info" and payload["source"] == "weir" and payload["custom_details"]["Rule"]
    assert len(payload["summary"]) <= 1024 and datetime.fromisoformat(payload["timestamp"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    key, pem = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "basicConstraints=critical,CA:FALSE"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", pem]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return str(pem), str(key)


def mail(port, scheme="smtp", more=""):
    return f"""[[channels]]
name = "mail"
kind = "email"
url = "{scheme}://localhost:{port}"
from = "Weir <weir@example.com>"
to = ["ops@example.com", "Night Watch <night@example.com>"]
{more}
"""


AUTH = 'user = "weir"\npassword = "env:MAIL_PASSWORD"'


@pytest.mark.parametrize("way", ["starttls", "tls", "plain"])
def test_a_mail_server_gets_mail(serve_channels, certificate, way):
    box = Mailbox("weir", PASSWORD, None if way == "plain" else certificate, wrapped=way == "tls")
    try:
        more = AUTH + ("\nstarttls = false" if way == "plain" else "")
        config = mail(box.port, "smtps" if way == "tls" else "smtp", more)
        weir = serve_channels(config, {"SSL_CERT_FILE": certificate[0]})
        answer = weir.post("/api/v1/channels/mail/test", None).json()
        assert answer["ok"] is True and "kept as 4711" in answer["said"], answer
        ((envelope, message, encrypted),) = box.mails
        assert encrypted is (way != "plain")
        assert envelope.mail_from == "weir@example.com"
        assert envelope.rcpt_tos == ["ops@example.com", "night@example.com"]
        assert message["subject"] == "[weir] TEST: Weir can reach the channel mail"
        assert message["message-id"] == f"<{answer['id']}@weir>" and message["auto-submitted"] == "auto-generated"
        assert "Nothing is wrong" in message.get_content()

        box.refuse = ["451 later please"]
        id = queue(weir, "mail")
        assert notification(weir, id, "mail", "delivered")["attempts"] == 2
        assert box.mails[-1][1]["message-id"] == f"<{id}@weir>"
        box.refuse = ["554 no such mailbox"]
        told = notification(weir, queue(weir, "mail"), "mail", "given_up")
        assert told["attempts"] == 1 and "554" in told["error"] and "no such mailbox" in told["error"]
    finally:
        box.close()


def test_a_wrong_password_and_an_unknown_certificate_are_told(serve_channels, certificate):
    box = Mailbox("weir", "another", certificate)
    try:
        weir = serve_channels(mail(box.port, more=AUTH))
        answer = weir.post("/api/v1/channels/mail/test", None).json()
        assert answer["ok"] is False and "certificate" in answer["said"].lower(), answer
        other = serve_channels(mail(box.port, more=AUTH), {"SSL_CERT_FILE": certificate[0]})
        answer = other.post("/api/v1/channels/mail/test", None).json()
        assert answer["ok"] is False and "535" in answer["said"], answer
        assert box.mails == []
    finally:
        box.close()


def test_nothing_is_said_to_a_mail_server_without_tls(serve_channels):
    box = Mailbox()
    try:
        weir = serve_channels(mail(box.port))
        assert weir.post("/api/v1/channels/mail/test", None).json()["ok"] is False
        assert box.mails == []
    finally:
        box.close()


@pytest.fixture
def alertmanager(tmp_path):
    """Debian's own; for it an alert is over after two minutes without news, if the sender does not say when."""
    route = {"receiver": "none", "group_by": ["alertname"]}
    config = {"global": {"resolve_timeout": "2m"}, "route": route, "receivers": [{"name": "none"}]}
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    argv = ["prometheus-alertmanager", f"--config.file={tmp_path}/alertmanager.yml", "--cluster.listen-address="]
    argv += [f"--storage.path={tmp_path}/am", f"--web.listen-address=127.0.0.1:{port}"]
    process = Process(argv, tmp_path / "alertmanager.log")
    process.wait_for(rf"127\.0\.0\.1:{port}")
    yield f"http://127.0.0.1:{port}"
    process.stop()


def shown(alertmanager):
    return request("GET", f"{alertmanager}/api/v2/alerts").json()


def test_alertmanager_shows_the_alert(serve_channels, alertmanager):
    weir = serve_channels(f'[[channels]]\nname = "am"\nkind = "alertmanager"\nurl = "{alertmanager}"\n')
    assert weir.post("/api/v1/channels/am/test", None).json() | {"sent": 0, "id": 0, "took_ms": 0} == {
        "channel": "am", "id": 0, "queued": False, "ok": True, "said": "answers 200", "took_ms": 0, "sent": 0
    }
    (alert,) = eventually("Alertmanager shows it", lambda: shown(alertmanager))
    assert alert["labels"] == {
        "alertname": "Test of a channel", "channel": "am", "project": "weir", "severity": "info"
    }
    assert alert["annotations"]["summary"] == "Weir can reach the channel am"
    assert alert["status"]["state"] == "active"
    ends = datetime.fromisoformat(alert["endsAt"])
    assert 60 < (ends - datetime.now(UTC)).total_seconds() <= 301


def put(weir, *told, channel):
    """Puts alerts into the outbox of a server that is stopped, as rules do: (event, severity) each."""
    weir.stop()
    now = int(time.time() * 1e6)
    with sqlite3.connect(weir.data / "catalog.db") as db:
        for n, (event, severity) in enumerate(told):
            alert = {
                "fingerprint": "f1", "rule_id": "slow", "rule": "Slow answers", "project": "shop",
                "severity": severity, "state": "firing", "labels": {"model": "small"}, "summary": "p95 is 9 s",
                "description": "", "value": 9.0, "threshold": 5.0, "unit": "seconds", "runbook_url": None,
                "starts_at": datetime.fromtimestamp(now / 1e6, UTC).isoformat(), "ends_at": None, "url": "",
                "anomaly": None,
            }
            if event == "resolved":
                alert["ends_at"] = alert["starts_at"]
            id = f"f1-{now}-{n}"
            body = json.dumps({"id": id, "event": event, "alert": alert})
            db.execute(
                "INSERT INTO notifications (id, channel, alert, body, created_us, state, attempts, next_try_us)"
                " VALUES (?, ?, 'f1', ?, ?, 0, 0, ?)",
                (id, channel, body, now, now),
            )
    weir.start()


def test_what_goes_on_is_told_to_alertmanager_again_until_it_ends(serve_channels, alertmanager):
    weir = serve_channels(
        f'[[channels]]\nname = "am"\nkind = "alertmanager"\nurl = "{alertmanager}"\nrepeat = "1s"\n'
    )
    put(weir, ("fired", "warning"), channel="am")
    began = time.monotonic()
    (first,) = eventually("Alertmanager shows it", lambda: shown(alertmanager))
    assert first["labels"] == {
        "alertname": "Slow answers", "model": "small", "project": "shop", "severity": "warning"
    }
    assert first["annotations"]["value"] == "9 s (threshold 5 s)"
    later = eventually(
        "it is told again", lambda: [a for a in shown(alertmanager) if a["endsAt"] > first["endsAt"]], 20
    )
    assert later[0]["fingerprint"] == first["fingerprint"] and later[0]["startsAt"] == first["startsAt"]
    weir.process.kill()
    weir.start()
    # Five repetitions without news would have ended it; so would the kill, if it were forgotten.
    eventually("time goes by", lambda: time.monotonic() > began + 9, 20)
    assert [a["fingerprint"] for a in shown(alertmanager)] == [first["fingerprint"]]
    put(weir, ("escalated", "critical"), channel="am")
    worse = eventually(
        "only the worse one is shown",
        lambda: [a["labels"]["severity"] for a in shown(alertmanager)] == ["critical"] and shown(alertmanager),
    )
    assert len(worse) == 1
    put(weir, ("resolved", "critical"), channel="am")
    eventually("it is over", lambda: shown(alertmanager) == [])
    assert weir.get("/api/v1/channels").json()["channels"][0]["waiting"] == 0


def test_a_channel_hears_of_its_severities_and_of_the_end_of_what_it_heard_of(serve_channels, receiver):
    weir = serve_channels(hook(receiver.url, more='severities = ["critical"]'))
    put(weir, ("fired", "warning"), ("escalated", "critical"), ("resolved", "warning"), channel="ops")
    came = receiver.wait(2)
    eventually("nothing waits", lambda: channel(weir)["waiting"] == 0)
    assert [c.json()["type"] for c in came] == ["alert.escalated", "alert.resolved"]
    assert came[0].json()["data"]["labels"] == {"model": "small"}
    put(weir, ("fired", "info"), ("resolved", "info"), channel="ops")
    eventually("nothing waits", lambda: channel(weir)["waiting"] == 0)
    assert len(receiver.came) == 2
    listed = weir.get("/api/v1/channels/ops/notifications").json()["notifications"]
    assert [n["notification"]["event"] for n in listed] == ["resolved", "escalated"]


def test_what_waits_for_a_channel_that_is_gone_is_given_up(serve_channels, receiver):
    weir = serve_channels(hook(receiver.url))
    put(weir, ("fired", "warning"), channel="gone")
    eventually("it is given up", lambda: "their channel is gone" in weir.log())
    assert weir.metric("weir_notifications_total", channel="gone", outcome="given_up") == 1


def test_a_rule_that_fires_arrives_with_the_whole_alert(serve_channels, receiver):
    weir = serve_channels(hook(receiver.url))
    since = this_minute() - HOUR
    incident(weir, since)
    create(weir, enabled=False)
    replay(weir, since, since + 50 * MINUTE)
    came = receiver.wait(3)
    eventually("nothing waits", lambda: channel(weir)["waiting"] == 0)
    assert [c.json()["type"] for c in came] == ["alert.fired", "alert.escalated", "alert.resolved"]
    assert all(c.headers["webhook-signature"] == signature(SECRET, c) for c in came)
    fired = came[0].json()["data"]
    assert fired["rule"] == "Errors" and fired["labels"] == {"model": "a"} and fired["severity"] == "warning"
    assert fired["runbook_url"] == "https://example.com/runbook" and fired["value"] >= fired["threshold"] == 0.15


# Mistakes, and the command


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('name = "ops"\nurl = "http://127.0.0.1:9"\nsecret = "literal-literal-literal"', "channels.ops.secret"),
        ('name = "ops"\nkind = "slack"\nurl = "https://hooks.slack.com/x"', "channels.ops.url"),
        ('name = "ops"\nkind = "teams"\nurl = "https://example.com"', "channels[0].kind"),
        ('name = "ops"', "channels.ops.url"),
        ('name = "ops"\nurl = "http://127.0.0.1:9"\nurll = "x"', "urll"),
        ('name = "ops"\nurl = "http://example.com"\nheaders = { x-key = "env:PD_KEY" }', "channels.ops.url"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_started(tmp_path, text, named):
    weir = Weir(tmp_path, f"[[channels]]\n{text}\n", start=False, env=ENV)
    done = run("check-config", weir.config_path, env=ENV, check=False)
    assert done.returncode == 1 and named in done.stderr and "literal-literal" not in done.stderr, done.stderr
    assert weir.spawn().wait() == 1 and named in weir.log()


def test_the_command_lists_and_tries(serve_channels, receiver):
    weir = serve_channels(hook(receiver.url, more='severities = ["critical", "warning"]'))
    assert "never" in run("channels", "--url", weir.url).stdout
    done = run("channels", "test", "ops", "--url", weir.url)
    assert done.stdout.startswith("ops: taken: it answers 200: ok")
    listed = run("channels", "--url", weir.url).stdout
    assert "webhook" in listed and "critical, warning" in listed and "taken" in listed
    receiver.answers = [(404, {}, b"not here")]
    done = run("channels", "test", "ops", "--url", weir.url, check=False)
    assert done.returncode == 1 and done.stdout == "ops: not taken: it answers 404: not here\n"
    done = run("channels", "test", "ops", "--queued", "--json", "--url", weir.url)
    notification(weir, json.loads(done.stdout)["id"], state="delivered")
    done = run("channels", "test", "none", "--url", weir.url, check=False)
    assert done.returncode == 2 and "there are ops" in done.stderr
    assert json.loads(run("channels", "--json", "--url", weir.url).stdout)["channels"][0]["name"] == "ops"


def test_check_config_tells_the_channels(tmp_path, receiver):
    path = tmp_path / "weir.toml"
    path.write_text(hook(receiver.url, more='severities = ["critical"]'))
    told = run("check-config", path, env=ENV).stdout
    assert f"channel ops (webhook) {receiver.url}/hook, signed, only critical\n" in told


def test_a_key_of_role_read_sees_and_does_not_try(tmp_path, receiver):
    keys = "".join(f'[[keys]]\nname = "{r}"\nkey = "env:KEY_{r.upper()}"\nrole = "{r}"\n' for r in ("read", "admin"))
    env = {**ENV, "KEY_READ": "wk-read-0123456789abcdef", "KEY_ADMIN": "wk-admin-0123456789abcdef"}
    weir = Weir(tmp_path, '[otlp]\ngrpc = "off"\n' + keys + hook(receiver.url), env=env)
    try:

        def headers(role):
            return {"authorization": f"Bearer {env['KEY_' + role]}"}

        assert weir.get("/api/v1/channels", headers("READ")).status == 200
        assert weir.get("/api/v1/channels").status == 401
        assert weir.post("/api/v1/channels/ops/test", None, headers("READ")).status == 403
        assert weir.post("/api/v1/channels/ops/test", None, headers("ADMIN")).json()["ok"] is True
    finally:
        weir.stop()
