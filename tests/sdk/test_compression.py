"""Prompts made shorter before they are sent: what the provider receives, what stays, what it saves."""

import concurrent.futures
import json

import pytest

from rig import behave

LOSSLESS = "[[compress]]\nmin_tokens = 50\n"
#: Prose without repeats: every sentence stands once.
TOPICS = ["the sluice", "the mill", "the ladder for fish", "the gauge", "the bank", "the bridge", "the ferry", "the lock"]
PROSE = [
    f"In year {1900 + n} the keeper wrote about {TOPICS[n % 8]} that its height was {n * 7 % 90} inches and its cost {n * 13 % 70} pounds."
    for n in range(60)
]
DOCUMENT = "\n\n".join(" ".join(PROSE[n : n + 6]) for n in range(0, 60, 6))
CHUNK = (
    "The weir was built of stone in the summer of the great drought, when the river could be crossed on foot, and has "
    "held the water for the mill since then; the gauge beside it is read twice a day, at dawn and at dusk, by the keeper."
)
CODE = "```python\ndef flow(a,  b):\n\n\n    return   a *  b\n```"
TOOLS = [{"type": "function", "function": {"name": "gauge", "description": "Reads   a gauge.", "parameters": {"type": "object", "properties": {"id": {"type": "string", "description": f"  {CHUNK}  "}}}}}]
RESULT = {"gauges": [{"id": n, "place": TOPICS[n % 8], "levels": [n, n + 1, n + 2]} for n in range(20)]}


def sent(server, fake, key, messages, raw=None, words=(), **members):
    """Sends a chat; returns what the provider received, and the record."""
    body = {"model": behave("up/gpt-4o", key, *words), "messages": messages, **members}
    answer = server.post("/v1/chat/completions", raw or body, {"x-request-id": key})
    assert answer.status == 200, answer.text
    return json.loads(fake.only(key)["body"]), server.call(key)


def user(text):
    return {"role": "user", "content": text}


def test_json_of_tools_is_written_without_spaces(serve, up, fake, key):
    server = serve(up + LOSSLESS)
    calls = [{"id": "c1", "type": "function", "function": {"name": "gauge", "arguments": '{"id":  "7"}'}}]
    result = {"role": "tool", "tool_call_id": "c1", "content": json.dumps(RESULT, indent=2)}
    messages = [user("Read the gauges."), {"role": "assistant", "content": None, "tool_calls": calls}, result]
    body, call = sent(server, fake, key, messages, tools=TOOLS)
    received = body["messages"]
    assert received[2]["content"] == json.dumps(RESULT, separators=(",", ":"))
    assert received[:2] == messages[:2] and body["tools"] == TOOLS
    report = call["attributes"]["compression"]
    assert report["tokens_after"] < report["tokens_before"] * 0.6
    assert {"message": 2, "what": "json"}.items() <= report["removed"][0].items()
    assert call["input"]["messages"] == received, "what went to the model is what is recorded"


def test_a_chunk_that_stands_again_becomes_a_mark(serve, up, fake, key):
    server = serve(up + LOSSLESS)
    found = user(f"First:\n\n{CHUNK}\n\nSecond:\n\n{PROSE[0]} {PROSE[1]} {PROSE[2]}\n\nThird:\n\n{CHUNK}")
    messages = [found, {"role": "assistant", "content": "Noted."}, user("What was built?")]
    body, call = sent(server, fake, key, messages)
    text = body["messages"][0]["content"]
    assert text.count(CHUNK) == 1 and "Third:" in text and PROSE[1] in text
    removed = [r for r in call["attributes"]["compression"]["removed"] if r["what"] == "repeated"]
    assert len(removed) == 1 and CHUNK.startswith(removed[0]["text"].strip()[:60]) and removed[0]["message"] == 0


def test_the_recorded_prompt_tokens_fall(serve, up, fake, key):
    plain, short = serve(up), serve(up + LOSSLESS)
    messages = [user("\n\n".join([CHUNK] * 4)), {"role": "assistant", "content": "Noted."}, user("What was built?")]
    _, before = sent(plain, fake, f"{key}a", messages)
    _, after = sent(short, fake, f"{key}b", messages)
    assert before["attributes"].get("compression") is None
    assert after["tokens"]["prompt"] < before["tokens"]["prompt"] * 0.45
    assert after["cost_usd"] < before["cost_usd"] and after["tokens"]["completion"] == before["tokens"]["completion"]


def test_sentences_go_until_a_target_is_met(serve, up, fake, key):
    server = serve(up + "[[compress]]\ntarget_tokens = 600\n")
    question = "What did the keeper write about the gauge?"
    rules = {"role": "system", "content": f"Answer from the diary. {PROSE[0]} {PROSE[1]}"}
    messages = [rules, user(DOCUMENT), {"role": "assistant", "content": "I have read it."}, user(question)]
    body, call = sent(server, fake, key, messages)
    report = call["attributes"]["compression"]
    assert report["tokens_before"] > 1200 and report["tokens_after"] <= 600
    assert body["messages"][3] == messages[3] and body["messages"][0] == rules, "the question and the rules stay"
    text = body["messages"][1]["content"]
    assert "[…]" in text
    kept = [sentence for sentence in PROSE if sentence in text]
    gone = [sentence for sentence in PROSE if sentence not in text]
    assert len(kept) > 10 and len(gone) > 10, "whole sentences"
    share = sum("gauge" in s for s in kept) / len(kept)
    assert share > sum("gauge" in s for s in gone) / len(gone), "what the question is about stays rather"
    removed = [r for r in report["removed"] if r["what"] == "extracted"]
    assert removed and all(r["text"] for r in removed)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_share_of_the_tokens(serve, up, fake, key, share):
    server = serve(up + f"[[compress]]\ntarget_ratio = {share}\n")
    _, call = sent(server, fake, key, [user(DOCUMENT), {"role": "assistant", "content": "Noted."}, user("And the mill?")])
    report = call["attributes"]["compression"]
    assert report["tokens_after"] <= report["tokens_before"] * share + 1


def test_code_schemas_and_the_last_turn_stay_as_they_are(serve, up, fake, key):
    server = serve(up + "[[compress]]\ntarget_ratio = 0.3\n")
    pretty = json.dumps(RESULT, indent=4)
    last = user(f"Why   is this   slow?\n\n\n\n{CHUNK}\n\n{CHUNK}\n\n{pretty}\n\n{CODE}")
    calls = [{"id": "c1", "type": "function", "function": {"name": "gauge", "arguments": '{"id":   "7"}'}}]
    messages = [
        user(f"{DOCUMENT}\n\n{CODE}\n\n{DOCUMENT}"),
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": DOCUMENT},
        {"role": "assistant", "content": f"So:\n\n{CODE}"},
        last,
    ]
    body, call = sent(server, fake, key, messages, tools=TOOLS, response_format={"type": "text"})
    received = body["messages"]
    assert received[4] == last and body["tools"] == TOOLS and received[1] == messages[1]
    assert CODE in received[0]["content"] and CODE in received[3]["content"]
    assert len(received[0]["content"]) < len(messages[0]["content"]) * 0.7
    assert call["attributes"]["compression"]["tokens_after"] < call["attributes"]["compression"]["tokens_before"]


def test_the_last_turn_where_that_is_told(serve, up, fake, key):
    server = serve(up + "[[compress]]\nmin_tokens = 50\ninclude_last_user = true\n")
    body, _ = sent(server, fake, key, [user(f"{CHUNK}\n\n{CHUNK}\n\nWhat was built?")])
    assert body["messages"][0]["content"].count(CHUNK) == 1


@pytest.mark.parametrize("rule", [LOSSLESS, "[[compress]]\ntarget_tokens = 5\n", '[[compress]]\n[compress.when]\ndepartments = ["it"]\n'])
def test_what_cannot_be_compressed_passes_byte_for_byte(serve, up, fake, key, rule):
    server = serve(up + rule)
    model = behave("up/gpt-4o", key)
    text = r"One  two.\u00e9\n\n  {\n \"a\":  1 }" * (1 if "tokens = 5" in rule else 40)
    raw = '{ "messages" :[ {"role":"user", "content":"%s"}],\n "model": "%s","seed":9007199254740993, "top_p":1.0 }' % (text, model)
    answer = server.post("/v1/chat/completions", raw, {"x-request-id": key})
    assert answer.status == 200, answer.text
    assert fake.only(key)["body"] == raw.replace("up/gpt-4o", "gpt-4o")
    assert "compression" not in server.call(key)["attributes"] or not rule


def test_the_first_rule_that_matches_counts(serve, up, fake, key):
    off = '[[compress]]\nlossless = false\nwhen = { metadata = { compress = "no" } }\n'
    server = serve(up + off + LOSSLESS)
    messages = [user(json.dumps(RESULT, indent=2)), {"role": "assistant", "content": "Noted."}, user("And?")]
    body, call = sent(server, fake, f"{key}a", messages, metadata={"compress": "no"})
    assert body["messages"] == messages and "compression" not in call["attributes"]
    body, _ = sent(server, fake, f"{key}b", messages)
    assert body["messages"] != messages


def test_the_size_of_a_rendered_prompt_is_what_rules_see(serve, up, fake, key):
    server = serve(up + "[[compress]]\nmin_tokens = 50\nwhen = { prompt_tokens_from = 300 }\n", start=False)
    folder = server.folder / "prompts" / "diary"
    folder.mkdir(parents=True)
    (folder / "v1.jinja2").write_text("---\nrole: system\n---\n" + "\n\n".join([CHUNK] * 8))
    server.start()
    body, call = sent(server, fake, key, [user("And?")], metadata={"prompt": "diary"})
    assert body["messages"][0]["content"].count(CHUNK) == 1 and call["prompt"]["name"] == "diary"
    assert call["attributes"]["compression"]["tokens_before"] > 300


def test_other_doors(serve, up, fake, key):
    claude = f'[providers.claude]\nkind = "anthropic"\nbase_url = "{fake.url}"\napi_key = "sk-ant-x"\n'
    server = serve(up + claude + LOSSLESS)
    pretty = json.dumps(RESULT, indent=2)
    small = json.dumps(RESULT, separators=(",", ":"))
    messages = [user(pretty), {"role": "assistant", "content": "Noted."}, user("And?")]
    model = behave("claude/claude-sonnet-4-5", f"{key}m")
    server.anthropic(id=f"{key}m").messages.create(model=model, max_tokens=9, messages=messages, system=f"{CHUNK}\n\n{CHUNK}")
    body = json.loads(fake.only(f"{key}m")["body"])
    assert body["messages"][0]["content"] == small and body["system"].count(CHUNK) == 1
    assert server.call(f"{key}m")["attributes"]["compression"]["tokens_after"] > 0
    server.openai(id=f"{key}r").responses.create(model=behave("up/gpt-4o", f"{key}r"), input=messages)
    assert json.loads(fake.only(f"{key}r")["body"])["input"][0]["content"] == small
    stream = server.openai(id=f"{key}s").chat.completions.create(model=behave("up/gpt-4o", f"{key}s"), messages=messages, stream=True)
    assert [c for c in stream] and json.loads(fake.only(f"{key}s")["body"])["messages"][0]["content"] == small


def test_big_prompts_hold_up_no_others(serve, up, key, capsys):
    server = serve(up + "[[compress]]\ntarget_ratio = 0.5\n")
    big = "\n\n".join(f"Entry {n}: {sentence}" for n in range(1_000_000 // 120 // 60 + 1) for sentence in PROSE)[: 1 << 20]
    messages = [user(big), {"role": "assistant", "content": "Noted."}, user("And?")]
    ended, small = [], []

    def long_one(n):
        assert server.chat(behave("up/gpt-4o", key), id=f"{key}{n}", messages=messages).status == 200
        ended.append(n)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(long_one, n) for n in range(2)]
        while not ended and len(small) < 5000:
            assert server.chat("up/gpt-4o").status == 200
            small.append(len(ended))
        for one in running:
            one.result()
    report = server.call(f"{key}0")["attributes"]["compression"]
    assert report["tokens_after"] <= report["tokens_before"] * 0.5 + 1
    before = small.count(0)
    with capsys.disabled():
        print(f"\n{before} small calls were answered before the first of two prompts of 1 MiB was compressed")
    assert before >= 20
