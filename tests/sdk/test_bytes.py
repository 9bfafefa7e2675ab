"""What needs no change passes byte for byte, in both directions."""

import json
import re

import pytest

from rig import behave, request

ODD = (
    '{{ "zeta" : 9007199254740993,\n\t"messages":[ {{"content":"caf\\u00e9 \\ud83d\\ude00 \\/","role":"user","x-tra":'
    '[1e400,-0.0,1.10]}} ],"model":"{model}","alpha":{{"b":0.1000,"a":[ ]}} ,"n":1 , "seed":123456789012345678901234567890,'
    '"metadata":{{"team":"t"}},"empty":null}}'
)


def normal(body: bytes):
    """An answer without what changes from request to request."""
    body = re.sub(rb'"(chatcmpl|cmpl|req|msg|resp)[-_][^"]*"', b'"ID"', body)
    return re.sub(rb'"created(_at)?":\d+', b'"created":0', body)


def test_request_bytes_are_kept_but_for_the_model(weir, fake, key):
    sent = ODD.format(model=behave("up/gpt-4o", key))
    assert weir.post("/v1/chat/completions", sent).status == 200
    assert fake.only(key)["body"] == ODD.format(model=behave("gpt-4o", key))


def test_request_bytes_are_kept_whole_where_the_name_needs_no_change(serve, up, fake, key):
    server = serve(up)
    sent = ODD.format(model=behave("gpt-4o", key))
    assert server.post("/v1/chat/completions", sent).status == 200
    assert fake.only(key)["body"] == sent


def test_a_streams_request_gains_only_the_wish_for_usage(weir, fake, key):
    sent = ODD.format(model=behave("up/gpt-4o", key))[:-1] + ', "stream" : true}'
    assert weir.post("/v1/chat/completions", sent).status == 200
    got = fake.only(key)["body"]
    expected = ODD.format(model=behave("gpt-4o", key))[:-1] + ', "stream" : true'
    assert got.startswith(expected)
    assert got[len(expected):].replace(" ", "") == ',"stream_options":{"include_usage":true}}'


def test_given_stream_options_are_kept(weir, fake, key):
    weir.chat(
        behave("up/gpt-4o", key), stream=True, stream_options={"include_obfuscation": False, "include_usage": True}
    )
    assert json.loads(fake.only(key)["body"])["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_stream_options_gain_usage_and_lose_nothing(weir, fake, key):
    weir.chat(behave("up/gpt-4o", key), stream=True, stream_options={"include_obfuscation": False})
    assert json.loads(fake.only(key)["body"])["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_answer_bytes_are_kept(weir, fake, key):
    ask = {"messages": [{"role": "user", "content": "x"}]}
    direct = request(
        "POST", f"{fake.url}/v1/chat/completions", {"model": behave("gpt-4o", key, "bigint"), **ask}
    )
    through = weir.post("/v1/chat/completions", {"model": behave("up/gpt-4o", key, "bigint"), **ask})
    assert b"9007199254740993" in through.body
    assert normal(through.body) == normal(direct.body)


def test_stream_bytes_are_kept(weir, fake, key):
    ask = {"messages": [{"role": "user", "content": "x"}], "stream": True}
    words = "bigint,chunks=5,reasoning"
    direct = request("POST", f"{fake.url}/v1/chat/completions", {"model": behave("gpt-4o", key, words), **ask})
    through = weir.post("/v1/chat/completions", {"model": behave("up/gpt-4o", key, words), **ask})
    assert through.body.count(b"9007199254740993") >= 5
    assert normal(through.body) == normal(direct.body)


def test_stream_bytes_with_usage_are_kept(weir, fake, key):
    ask = {
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    words = "bigint,chunks=5,tools"
    direct = request("POST", f"{fake.url}/v1/chat/completions", {"model": behave("gpt-4o", key, words), **ask})
    through = weir.post("/v1/chat/completions", {"model": behave("up/gpt-4o", key, words), **ask})
    assert normal(through.body) == normal(direct.body)


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/v1/completions", {"prompt": "x"}),
        ("/v1/embeddings", {"input": "x"}),
        ("/v1/responses", {"input": "x"}),
    ],
    ids=["completions", "embeddings", "responses"],
)
def test_other_answers_bytes_are_kept(weir, fake, key, path, ask):
    words = "bigint" if "embeddings" not in path else "dims=8"
    direct = request("POST", fake.url + path, {"model": behave("gpt-4o", key, words), **ask})
    through = weir.post(path, {"model": behave("up/gpt-4o", key, words), **ask})
    assert direct.status == through.status == 200, (direct.text, through.text)
    assert normal(through.body) == normal(direct.body)


def test_messages_bytes_are_kept_over_an_anthropic_upstream(weir, fake, key):
    body = (
        '{{"max_tokens" : 64,  "zz":9007199254740993, "messages":[{{"role":"user","content":"\\u0041"}}],"model":"{}"}}'
    )
    answer = weir.post("/v1/messages", body.format(behave("claude/claude-sonnet-4-5", key)))
    assert answer.status == 200
    assert fake.only(key)["body"] == body.format(behave("claude-sonnet-4-5", key))


def test_the_record_keeps_big_integers(weir, key):
    weir.post("/v1/chat/completions", ODD.format(model=behave("up/gpt-4o", key, "bigint")), {"x-request-id": key})
    weir.call(key)
    raw = weir.get(f"/api/v1/calls/{key}").text
    assert raw.count("9007199254740993") >= 2 and "123456789012345678901234567890" in raw


def test_headers_of_the_caller_reach_the_upstream_and_credentials_do_not(weir, fake, key):
    headers = {
        "openai-organization": "org-1",
        "x-stainless-lang": "python",
        "cookie": "session=1",
        "authorization": "Bearer the-callers-own",
        "x-weir-department": "it",
    }
    weir.chat(behave("up/gpt-4o", key), headers=headers)
    sent = fake.only(key)["headers"]
    assert sent["openai-organization"] == "org-1" and sent["x-stainless-lang"] == "python"
    assert "cookie" not in sent and "x-weir-department" not in sent
    assert "the-callers-own" not in json.dumps(sent)


def test_the_callers_key_is_passed_on_where_no_other_is_configured(weir, fake, key):
    weir.openai(key="sk-the-callers").chat.completions.create(
        model=behave("keyless/gpt-4o", key), messages=[{"role": "user", "content": "x"}]
    )
    assert fake.only(key)["headers"]["authorization"] == "Bearer sk-the-callers"
