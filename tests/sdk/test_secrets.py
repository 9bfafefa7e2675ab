"""What must never be written down or handed out."""

import json

import pytest

from conftest import AZURE_KEY, CLAUDE_KEY, MODAL_SECRET, UPSTREAM_KEY, providers
from rig import behave, eventually
from rig.weir import run

CALLER = "wk-caller-0b7d4e91c6a25f38d1e7"
SECRETS = {
    "openai": "sk-proj-Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7Ie2",
    "anthropic": "sk-ant-api03-Qm7Zx2Wv9Kt4Rb6Ny1Lp8Hc3Jd5Fs0Ga",
    "aws": "AKIAQ7ZX2WV9KT4RB6NY",
    "github": "ghp_Zk3Qw9Xr7Tn2Vb8Lm4Pc6Hd1Jf5Gs0Ya3Uo7",
    "slack": "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOHcBrzygy",
    "assigned": "hunter2-Vb8Lm4Pc6Hd",
}
PERSONAL = {
    "mail": "jane.doe+x@example-mail.org",
    "phone": "+49 151 23456789",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ip": "203.0.113.77",
}


def everything(folder):
    """Every byte that a server wrote, its log included."""
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "weir.toml")


def prompt(values):
    return "; ".join(f"my password={v}" if name == "assigned" else f"here {v} is" for name, v in values.items())


def assert_absent(text, values, where):
    found = [name for name, value in values.items() if value in text]
    assert not found, f"{found} found in {where}"


@pytest.mark.parametrize("plain", [False, True], ids=["compressed", "plain-text"])
def test_secrets_in_prompts_do_not_reach_the_disk(serve, up, fake, key, plain):
    server = serve(f"[record]\nplain_text = {str(plain).lower()}\n" + up)
    text = prompt(SECRETS)
    server.chat(behave("up/gpt-4o", key), id=key, messages=[{"role": "user", "content": text}])
    server.chat(
        behave("up/gpt-4o", key), id=f"{key}-s", stream=True, messages=[{"role": "user", "content": text}]
    )
    assert json.loads(fake.requests(key)[0]["body"])["messages"][0]["content"] == text, "sent on as it is"
    for id in (key, f"{key}-s"):
        call = server.call(id)
        assert_absent(json.dumps(call), SECRETS, "the call")
        assert "here" in json.dumps(call["input"]) and "[" in call["input"]["messages"][0]["content"]
    server.stop()
    written = everything(server.folder).decode("latin-1")
    assert_absent(written, SECRETS, "files")
    for format in ("jsonl",):
        out = run("export", "--format", format, "--output", "-", "--with-payload", "--data", server.data).stdout
        assert_absent(out, SECRETS, "the export")


def test_secrets_in_labels_do_not_reach_the_disk(serve, up, key):
    server = serve(up)
    server.chat(
        behave("up/gpt-4o", key),
        id=key,
        metadata={"note": f"use {SECRETS['openai']}", "api_key": SECRETS["github"]},
        headers={"x-weir-tags": SECRETS["aws"]},
    )
    assert_absent(json.dumps(server.call(key)), SECRETS, "the call")
    server.stop()
    assert_absent(everything(server.folder).decode("latin-1"), SECRETS, "files")


def test_secrets_in_refused_requests_do_not_reach_the_disk(serve, up, key):
    server = serve("[record]\nplain_text = true\n" + up)
    server.post(
        "/v1/chat/completions",
        json.dumps({"messages": [{"role": "user", "content": prompt(SECRETS)}]}),
        {"x-request-id": key},
    )
    server.post("/v1/chat/completions", '{"x": "' + prompt(SECRETS), {"x-request-id": f"{key}b"})
    server.call(key)
    server.call(f"{key}b")
    server.stop()
    assert_absent(everything(server.folder).decode("latin-1"), SECRETS, "files")


def test_secrets_in_tool_arguments_and_parts_are_found(serve, up, key):
    server = serve("[record]\nplain_text = true\n" + up)
    arguments = json.dumps({"command": f"curl -H 'Authorization: Bearer {SECRETS['openai']}'"})
    messages = [
        {"role": "user", "content": [{"type": "text", "text": prompt(SECRETS)}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "sh", "arguments": arguments}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": f"token: {SECRETS['slack']}"},
    ]
    server.chat(behave("up/gpt-4o", key), id=key, messages=messages)
    call = server.call(key)
    assert json.loads(call["input"]["messages"][1]["tool_calls"][0]["function"]["arguments"]), "still JSON"
    server.stop()
    assert_absent(everything(server.folder).decode("latin-1"), SECRETS, "files")


def test_personal_data_is_redacted_where_that_is_configured(serve, up, key):
    server = serve('[record]\npayload = "redacted"\nplain_text = true\n[record.redact]\nTICKET = "T-[0-9]+"\n' + up)
    text = prompt({**PERSONAL, "ticket": "T-4711"})
    server.chat(
        behave("up/gpt-4o", key),
        id=key,
        messages=[{"role": "user", "content": text}],
        metadata={"contact": PERSONAL["mail"]},
    )
    stored = server.call(key)["input"]["messages"][0]["content"]
    assert "T-4711" not in stored and stored.count("here") == len(PERSONAL) + 1
    server.stop()
    assert_absent(everything(server.folder).decode("latin-1"), PERSONAL, "files")


def test_ordinary_prompts_are_not_touched(serve, up, key):
    server = serve('[record]\npayload = "redacted"\n' + up)
    text = "Version 1.2.3 of 2024-01-31, 1234567 rows, sha 9f86d081884c7d65, task-force sk-ip, 5 % of 12.50 EUR"
    server.chat(behave("up/gpt-4o", key), id=key, messages=[{"role": "user", "content": text}])
    assert server.call(key)["input"]["messages"][0]["content"] == text


def test_payload_none_keeps_no_text(serve, up, key):
    server = serve('[record]\npayload = "none"\n' + up)
    server.chat(behave("up/gpt-4o", key), id=key, messages=[{"role": "user", "content": "xylophone-quartz"}])
    call = server.call(key)
    assert call.get("input") is None and call.get("output") is None and call["tokens"]["completion"] == 34
    server.stop()
    written = everything(server.folder)
    assert b"xylophone-quartz" not in written and b"steady course" not in written


def test_payload_truncated_keeps_the_beginning(serve, up, key):
    server = serve('[record]\npayload = "truncated"\ntruncate_to = "300B"\n' + up)
    server.chat(
        behave("up/gpt-4o", key, "size=5000"), id=key, messages=[{"role": "user", "content": "begin " + "é" * 5000}]
    )
    call = server.call(key)
    text = json.dumps(call["input"], ensure_ascii=False)
    assert "begin" in text and len(text.encode()) < 600 and len(json.dumps(call["output"])) < 900


def test_keys_are_in_no_answer_log_or_file(serve, fake, key):
    server = serve(
        "[gateway]\nretries = 0\n[record]\nplain_text = true\n"
        + providers(fake.url)
        + f'[[keys]]\nname = "app"\nkey = "{CALLER}"\nrole = "admin"\n',
        env={"MODAL_SECRET": MODAL_SECRET, "RUST_LOG": "trace"},
    )
    mine = {"authorization": f"Bearer {CALLER}"}
    answers = []
    for provider in ("up", "claude", "azure", "groq", "modal", "gemini"):
        for words in ("chunks=2", "status=401", "status=500", "badjson", "html", "reset"):
            for stream in (False, True):
                answers.append(
                    server.chat(behave(f"{provider}/m", key, words), headers={**mine, "x-request-id": key}, stream=stream)
                )
    for path in ("/", "/v1/models", "/metrics", "/api/v1/calls?payload=true", "/api/v1/stats", "/api/v1/openapi.json", "/health/ready"):
        answers.append(server.get(path, mine))
    answers.append(server.post("/v1/chat/completions", "{", {"authorization": "Bearer wrong-key-5512"}))
    eventually("calls are recorded", lambda: len(server.calls(mine, request_id=key, limit=100)) >= 72)
    server.stop()
    forbidden = {
        "up": UPSTREAM_KEY,
        "claude": CLAUDE_KEY,
        "azure": AZURE_KEY,
        "modal": MODAL_SECRET,
        "caller": CALLER,
        "wrong": "wrong-key-5512",
    }
    for answer in answers:
        assert_absent(str(answer.headers) + answer.body.decode("latin-1"), forbidden, "an answer")
    assert_absent(everything(server.data).decode("latin-1"), forbidden, "the data folder")
    assert_absent(server.log(), forbidden, "the log, at its most talkative")


def test_check_config_prints_no_keys(tmp_path):
    file = tmp_path / "weir.toml"
    file.write_text(
        f'[providers.up]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "{UPSTREAM_KEY}"\n'
        f'[[keys]]\nname = "app"\nkey = "{CALLER}"\nrole = 5\n'
    )
    done = run("check-config", file, check=False)
    assert done.returncode != 0
    assert_absent(done.stdout + done.stderr, {"up": UPSTREAM_KEY, "caller": CALLER}, "its output")
