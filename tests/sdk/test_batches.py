"""Files and batches with the unmodified OpenAI client: uploads, runs, results by custom_id, refusals, isolation."""

import json

import openai
import pytest

from conftest import CLAUDE_KEY, UPSTREAM_KEY
from rig import behave, eventually, request

CHAT = "/v1/chat/completions"
FAST = "[batches]\nretries = 0\n"


def config(url, *more):
    return f"""
[providers.up]
kind = "openai"
base_url = "{url}/v1"
api_key = "{UPSTREAM_KEY}"

[providers.claude]
kind = "anthropic"
base_url = "{url}"
api_key = "{CLAUDE_KEY}"
""" + "\n".join(more)


@pytest.fixture(scope="module")
def server(tmp_path_factory, fake):
    from rig import Weir

    server = Weir(tmp_path_factory.mktemp("batches"), config(fake.url, FAST))
    yield server
    server.stop()


@pytest.fixture
def client(server):
    return server.openai()


def line(custom_id, model, url=CHAT, **members):
    body = {"model": model, **(members or {"messages": [{"role": "user", "content": f"hello {custom_id}"}]})}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def jsonl(lines):
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def upload(client, lines, name="in.jsonl"):
    content = lines if isinstance(lines, bytes) else jsonl(lines)
    return client.files.create(file=(name, content), purpose="batch")


def start(client, lines, endpoint=CHAT, **options):
    file = upload(client, lines)
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **options)


def ended(client, batch, seconds=30):
    over = ("completed", "failed", "expired", "cancelled")

    def ask():
        found = client.batches.retrieve(batch.id)
        return found if found.status in over else None

    return eventually(f"{batch.id} has ended", ask, seconds)


def results(client, file_id):
    """custom_id → line; each stands once."""
    lines = [json.loads(text) for text in client.files.content(file_id).text.splitlines()]
    found = {line["custom_id"]: line for line in lines}
    assert len(found) == len(lines)
    return found


def run(client, lines, endpoint=CHAT, **options):
    return ended(client, start(client, lines, endpoint, **options))


# Files


def test_a_file_comes_back_as_it_went(client):
    content = bytes(range(256)) * 4000
    made = client.files.create(file=("näme 1.bin", content), purpose="user_data")
    assert made.id.startswith("file-") and made.object == "file" and made.status == "processed"
    assert (made.bytes, made.filename, made.purpose) == (len(content), "näme 1.bin", "user_data")
    assert made.expires_at - made.created_at == 30 * 24 * 3600
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read() == content
    deleted = client.files.delete(made.id)
    assert deleted.deleted and deleted.id == made.id
    for ask in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)


def test_files_are_listed_in_pages(serve, fake):
    client = serve(config(fake.url)).openai()
    made = [upload(client, b"{}\n", f"{n}.jsonl").id for n in range(5)]
    other = client.files.create(file=("x", b"x"), purpose="user_data").id
    assert [f.id for f in client.files.list(limit=2)] == [other, *reversed(made)]
    assert [f.id for f in client.files.list(limit=2, order="asc", purpose="batch")] == made
    page = client.files.list(limit=2, order="asc", after=made[1])
    assert [f.id for f in page.data] == made[2:4] and page.has_more
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.list(limit=0)
    assert refused.value.param == "limit"


def test_what_cannot_be_uploaded(client, server):
    for purpose in ("fine-tune", "assistants"):
        with pytest.raises(openai.BadRequestError) as refused:
            client.files.create(file=("x", b"x"), purpose=purpose)
        assert refused.value.param == "purpose" and "batch" in refused.value.message
    kept = client.files.create(
        file=("x", b"x"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert kept.expires_at - kept.created_at == 3600
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=("x", b"x"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 5})
    assert refused.value.param == "expires_after"
    form = {"content-type": "multipart/form-data; boundary=B"}
    answers = [
        server.post("/v1/files", b"{}"),
        server.post("/v1/files", b"--B\r\n", form),
        server.post("/v1/files", b'--B\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--B--\r\n', form),
        server.post("/v1/files", b'--B\r\ncontent-disposition: form-data; name="file"\r\n\r\nbatch\r\n--B--\r\n', form),
        server.post("/v1/files", b"--B\r\nx: " + b"y" * 3_000_000, form),
    ]
    assert [a.status for a in answers] == [400] * 5, [a.text for a in answers]
    assert all(a.json()["error"]["message"] for a in answers)
    assert not list((server.data / "files").glob("*.tmp"))


def test_bounds_on_size_and_room(serve, fake):
    bounds = '[batches]\nmax_file = "20KiB"\nmax_files_total = "40KiB"\n'
    server = serve(config(fake.url, bounds))
    client = server.openai()
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=("x", b"x" * 20_481), purpose="batch")
    assert refused.value.status_code == 413 and "max_file" in refused.value.message
    kept = [client.files.create(file=("x", b"x" * 20_000), purpose="batch") for _ in range(2)]
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=("x", b"x" * 2_000), purpose="batch")
    assert refused.value.status_code == 413 and "max_files_total" in refused.value.message
    client.files.delete(kept[0].id)
    client.files.create(file=("x", b"x" * 20_000), purpose="batch")
    assert len(list((server.data / "files").iterdir())) == 2


# Batches


def test_a_batch_from_its_making_to_its_results(client, server, fake, key):
    lines = [line(f"r-{n}", behave("up/gpt-4o", key)) for n in range(20)]
    lines[3]["body"]["metadata"] = {"department": "research", "tags": "mine"}
    file = upload(client, lines)
    batch = client.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata={"name": "nightly"}
    )
    assert batch.id.startswith("batch_") and batch.object == "batch" and batch.status == "validating"
    assert batch.expires_at - batch.created_at == 24 * 3600
    batch = ended(client, batch)
    assert batch.status == "completed" and batch.errors is None and batch.error_file_id is None
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (20, 20, 0)
    assert batch.metadata == {"name": "nightly"} and batch.model == behave("up/gpt-4o", key)
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    found = results(client, batch.output_file_id)
    assert set(found) == {f"r-{n}" for n in range(20)}
    total = 0
    for custom_id, result in found.items():
        assert result["id"].startswith("batch_req_") and result["error"] is None
        assert result["response"]["status_code"] == 200
        body = result["response"]["body"]
        assert body["object"] == "chat.completion" and body["choices"][0]["message"]["content"]
        total += body["usage"]["total_tokens"]
        call = server.call(result["response"]["request_id"])
        assert call["status"] == "success" and f"batch:{batch.id}" in call["tags"]
        assert call["attributes"]["batch"] == {"id": batch.id, "custom_id": custom_id}
    assert batch.usage.total_tokens == total > 0
    mine = server.call(found["r-3"]["response"]["request_id"])
    assert mine["department"] == "research" and mine["tags"] == ["mine", f"batch:{batch.id}"]
    sent = [json.loads(r["body"]) for r in fake.requests(key)]
    assert {s["messages"][0]["content"] for s in sent} == {f"hello r-{n}" for n in range(20)}
    output = client.files.retrieve(batch.output_file_id)
    assert output.purpose == "batch_output" and output.filename == f"{batch.id}_output.jsonl"
    assert output.bytes == len(client.files.content(output.id).read())


def test_failures_are_in_the_error_file(client, key):
    lines = [line("good", behave("up/gpt-4o", key)), line("bad", behave("up/gpt-4o", key + "b", "status=400"))]
    lines += [line("broken", behave("up/gpt-4o", key + "c", "status=500")), line("unknown", "nobody/gpt-4o")]
    lines += [line("shapeless", behave("up/gpt-4o", key), x=1)]
    batch = run(client, lines)
    assert batch.status == "completed" and batch.model is None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 4)
    assert set(results(client, batch.output_file_id)) == {"good"}
    failed = results(client, batch.error_file_id)
    codes = {id: f["response"]["status_code"] for id, f in failed.items()}
    assert codes == {"bad": 400, "broken": 500, "unknown": 404, "shapeless": 400}
    assert all(f["response"]["body"]["error"]["message"] and f["error"] is None for f in failed.values())
    assert failed["unknown"]["response"]["body"]["error"]["code"] == "model_not_found"


def test_what_may_pass_is_tried_again(serve, fake, key):
    client = serve(config(fake.url, "[gateway]\nretries = 0\n[batches]\nretries = 2\n")).openai()
    faults = ["status=503,retryms=10", "status=429,retryms=10", "reset"]
    lines = [line(f, behave("up/gpt-4o", f"{key}{n}", f, "times=1")) for n, f in enumerate(faults)]
    lines.append(line("never", behave("up/gpt-4o", f"{key}x", "status=503,retryms=10")))
    batch = run(client, lines)
    assert set(results(client, batch.output_file_id)) == set(faults)
    assert set(results(client, batch.error_file_id)) == {"never"}
    assert len(fake.requests(f"{key}x")) == 3


@pytest.mark.parametrize("endpoint", ["/v1/embeddings", "/v1/completions", "/v1/responses", "/v1/messages"])
def test_every_endpoint(client, endpoint, key):
    members = {
        "/v1/embeddings": {"input": ["one", "two"]},
        "/v1/completions": {"prompt": "one"},
        "/v1/responses": {"input": "one"},
        "/v1/messages": {"max_tokens": 20, "messages": [{"role": "user", "content": "one"}]},
    }[endpoint]
    model = behave("claude/claude-sonnet-4-5" if endpoint == "/v1/messages" else "up/gpt-4o", key)
    batch = run(client, [line(f"e{n}", model, endpoint, **members) for n in range(3)], endpoint)
    assert batch.status == "completed", batch
    found = results(client, batch.output_file_id)
    body = found["e0"]["response"]["body"]
    shape = {"/v1/embeddings": "data", "/v1/completions": "choices", "/v1/responses": "output", "/v1/messages": "content"}
    assert len(found) == 3 and body[shape[endpoint]]
    assert batch.usage.total_tokens > 0


def test_chat_requests_run_at_anthropic(client, fake, key):
    batch = run(client, [line("c", behave("claude/claude-sonnet-4-5", key))])
    body = results(client, batch.output_file_id)["c"]["response"]["body"]
    assert body["object"] == "chat.completion" and body["choices"][0]["message"]["content"]
    assert fake.only(key)["path"] == "/v1/messages"


def test_a_batch_is_cancelled(serve, fake, key):
    server = serve(config(fake.url, "[batches]\nconcurrency = 2\n"))
    client = server.openai()
    batch = start(client, [line(f"r{n}", behave("up/gpt-4o", key, "first=300")) for n in range(12)])
    fake.arrived(key, 3)
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.delete(batch.input_file_id)
    assert batch.id in refused.value.message
    cancelling = client.batches.cancel(batch.id)
    assert cancelling.status in ("cancelling", "cancelled") and cancelling.cancelling_at
    batch = ended(client, batch)
    assert batch.status == "cancelled" and batch.cancelled_at
    answered, left = results(client, batch.output_file_id), results(client, batch.error_file_id)
    assert set(answered) | set(left) == {f"r{n}" for n in range(12)} and not set(answered) & set(left)
    assert len(answered) == batch.request_counts.completed == len(fake.requests(key))
    assert batch.request_counts.failed == 0 and left
    assert all(r["response"] is None and r["error"]["code"] == "batch_cancelled" for r in left.values())
    assert client.batches.cancel(batch.id).status == "cancelled"
    done = run(client, [line("x", behave("up/gpt-4o", key + "x"))])
    with pytest.raises(openai.BadRequestError) as refused:
        client.batches.cancel(done.id)
    assert "completed" in refused.value.message
    assert client.files.delete(batch.input_file_id).deleted


def test_inputs_that_cannot_be_run(serve, fake, key):
    client = serve(config(fake.url, "[batches]\nmax_requests = 3\n")).openai()
    good = line("a", behave("up/gpt-4o", key))
    streamed = line("s", "up/gpt-4o", stream=True, messages=[])
    cases = {
        "empty_file": (b"", None, None),
        "invalid_json_line": (jsonl([good]) + b"{oops\n", 2, None),
        "missing_required_parameter": (jsonl([{k: v for k, v in good.items() if k != "custom_id"}]), 1, "custom_id"),
        "duplicate_custom_id": (jsonl([good, good]), 2, "custom_id"),
        "invalid_method": (jsonl([{**good, "method": "GET"}]), 1, "method"),
        "invalid_url": (jsonl([{**good, "url": "/v1/embeddings"}]), 1, "url"),
        "invalid_request": (jsonl([streamed]), 1, "body.stream"),
        "too_many_tasks": (jsonl([{**good, "custom_id": str(n)} for n in range(4)]), None, None),
    }
    for code, (content, number, param) in cases.items():
        batch = run(client, content)
        assert batch.status == "failed" and batch.failed_at and batch.output_file_id is None, code
        assert batch.errors.object == "list"
        problem = batch.errors.data[0]
        assert (problem.code, problem.line, problem.param) == (code, number, param)
        assert problem.message
    assert fake.requests(key) == [], "nothing was asked"


def test_requests_that_make_no_batch(client, key):
    file = upload(client, [line("a", "up/gpt-4o")]).id
    other = client.files.create(file=("x", b"x"), purpose="user_data").id
    good = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
    cases = [
        ({"input_file_id": other}, openai.BadRequestError, "input_file_id"),
        ({"input_file_id": "file-0"}, openai.NotFoundError, "input_file_id"),
        ({"input_file_id": "../../weir.toml"}, openai.NotFoundError, "input_file_id"),
        ({"endpoint": "/v1/images/generations"}, openai.BadRequestError, "endpoint"),
        ({"completion_window": "1h"}, openai.BadRequestError, "completion_window"),
        ({"metadata": {"k" * 65: "v"}}, openai.BadRequestError, "metadata"),
    ]
    for change, kind, param in cases:
        with pytest.raises(kind) as refused:
            client.batches.create(**{**good, **change})
        assert refused.value.param == param, change
    for ask in (client.batches.retrieve, client.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            ask("batch_0")


def test_batches_are_listed_in_pages(serve, fake, key):
    client = serve(config(fake.url)).openai()
    file = upload(client, [line("a", behave("up/gpt-4o", key))]).id
    made = [
        client.batches.create(input_file_id=file, endpoint=CHAT, completion_window="24h").id for _ in range(5)
    ]
    assert [b.id for b in client.batches.list(limit=2)] == made[::-1]
    page = client.batches.list(limit=2, after=made[3])
    assert [b.id for b in page.data] == [made[2], made[1]] and page.has_more
    with pytest.raises(openai.BadRequestError):
        client.batches.list(limit=101)


# Keys


KEYS = """
[[keys]]
name = "ann"
key = "wk-ann"
models = ["up/*"]

[[keys]]
name = "bob"
key = "wk-bob"

[[keys]]
name = "chief"
key = "wk-chief"
role = "admin"
"""


def test_a_key_sees_only_its_own(serve, fake, key):
    server = serve(config(fake.url, KEYS, FAST))
    ann, bob, chief = (server.openai(key=f"wk-{name}").copy() for name in ("ann", "bob", "chief"))
    batch = run(ann, [line("mine", behave("up/gpt-4o", key)), line("not", "claude/claude-sonnet-4-5")])
    assert results(ann, batch.error_file_id)["not"]["response"]["status_code"] == 403, "the key's models hold"
    call = server.call(results(ann, batch.output_file_id)["mine"]["response"]["request_id"], {"x-api-key": "wk-chief"})
    assert call["key"] == "ann"
    for file in (batch.input_file_id, batch.output_file_id):
        for ask in (bob.files.retrieve, bob.files.content, bob.files.delete):
            with pytest.raises(openai.NotFoundError):
                ask(file)
    with pytest.raises(openai.NotFoundError):
        bob.batches.create(input_file_id=batch.input_file_id, endpoint=CHAT, completion_window="24h")
    for ask in (bob.batches.retrieve, bob.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            ask(batch.id)
    assert list(bob.files.list()) == [] and list(bob.batches.list()) == []
    assert {f.id for f in chief.files.list()} == {batch.input_file_id, batch.output_file_id, batch.error_file_id}
    assert chief.batches.retrieve(batch.id).id == batch.id
    for path in ("/v1/files", "/v1/batches"):
        assert request("GET", server.url + path).status == 401


def test_the_keys_limits_are_waited_for(serve, fake, key):
    keys = '[[keys]]\nname = "slow"\nkey = "wk-slow"\nrpm = 120\n[[keys]]\nname = "c"\nkey = "wk-c"\nrole = "admin"\n'
    server = serve(config(fake.url, keys))
    client = server.openai(key="wk-slow")
    # The bucket holds 120 and gains 2 a second, so that the last ones must wait.
    batch = ended(client, start(client, [line(str(n), behave("up/gpt-4o", key)) for n in range(124)]), 60)
    assert (batch.status, batch.request_counts.completed) == ("completed", 124)
    assert len(fake.requests(key)) == 124
    refused = server.calls({"x-api-key": "wk-c"}, status="rate_limited", limit=500)
    assert 0 < len(refused) <= 40, "few are refused on the way"


def test_a_batch_whose_key_is_gone_fails(serve, fake, key):
    bob = '[[keys]]\nname = "bob"\nkey = "wk-bob"\n'
    ann = '[[keys]]\nname = "ann"\nkey = "wk-ann"\nrole = "admin"\n'
    server = serve(config(fake.url, ann, bob, "[batches]\nconcurrency = 1\n"))
    batch = start(server.openai(key="wk-bob"), [line(f"r{n}", behave("up/gpt-4o", key, "first=500")) for n in range(30)])
    fake.arrived(key, 2)
    server.config_path.write_text(config(fake.url, ann, "[batches]\nconcurrency = 1\n"))
    client = server.openai(key="wk-ann")
    batch = ended(client, batch)
    assert batch.status == "failed" and batch.errors.data[0].code == "key_not_found" and "bob" in batch.errors.data[0].message
    answered, left = results(client, batch.output_file_id), results(client, batch.error_file_id)
    assert len(answered) + len(left) == 30 and len(answered) == batch.request_counts.completed
    assert {r["error"]["code"] for r in left.values()} == {"batch_failed"}


def test_turned_off(serve, fake):
    server = serve(config(fake.url, "[batches]\nenabled = false\n"))
    answer = server.get("/v1/batches")
    assert answer.status == 404 and "batches.enabled" in answer.json()["error"]["message"]


def test_a_spent_budget_is_waited_for(serve, fake):
    keys = '[[keys]]\nname = "poor"\nkey = "wk-poor"\nrole = "admin"\nbudget_usd_per_day = 0.000001\n'
    server = serve(config(fake.url, keys))
    client = server.openai(key="wk-poor")
    batch = start(client, [line(f"r{n}", "up/gpt-4o") for n in range(5)])
    blocked = eventually(
        "a request is refused", lambda: server.calls({"x-api-key": "wk-poor"}, status="blocked", limit=50)
    )
    assert len(blocked) <= 8, "no more than were given out before the first refusal"
    waiting = client.batches.retrieve(batch.id)
    assert (waiting.status, waiting.request_counts.completed, waiting.request_counts.failed) == ("in_progress", 0, 0)
    assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
    assert ended(client, batch).status == "cancelled"


def test_one_request_that_the_budget_never_allows_holds_up_no_other(serve, fake, key):
    keys = '[[keys]]\nname = "poor"\nkey = "wk-poor"\nrole = "admin"\nbudget_usd_per_day = 2\n'
    client = serve(config(fake.url, keys)).openai(key="wk-poor")
    messages = [{"role": "user", "content": "hello"}]
    lines = [line("huge", "up/gpt-4o", max_tokens=1_000_000, messages=messages)]
    lines += [line(f"r{n}", "up/gpt-4o", max_tokens=10, messages=messages) for n in range(399)]
    batch = start(client, lines)
    eventually("all others are answered", lambda: client.batches.retrieve(batch.id).request_counts.completed == 399, 50)
    waiting = client.batches.retrieve(batch.id)
    assert (waiting.status, waiting.request_counts.failed) == ("in_progress", 0)
    client.batches.cancel(batch.id)
    batch = ended(client, batch)
    assert len(results(client, batch.output_file_id)) == 399
    assert set(results(client, batch.error_file_id)) == {"huge"}


def test_a_batch_waits_for_room(serve, fake, key):
    client = serve(config(fake.url, '[batches]\nmax_files_total = "100KiB"\nconcurrency = 2\n')).openai()
    other = client.files.create(file=("x", b"x" * 70_000), purpose="user_data").id
    batch = start(client, [line(f"r{n}", behave("up/gpt-4o", key)) for n in range(60)])

    def full():
        try:
            client.files.delete(client.files.create(file=("y", b"y"), purpose="user_data").id)
        except openai.APIStatusError as refused:
            return "max_files_total" in refused.message
        return False

    waiting = eventually("there is no room", lambda: full() and client.batches.retrieve(batch.id))
    assert waiting.status == "in_progress" and 0 < waiting.request_counts.completed < 60
    client.files.delete(other)
    assert ended(client, batch).request_counts.completed == 60
