"""The other doors of OpenAI's API, and /generate."""

import base64
import json
import struct

import openai
import pytest

from rig import behave


def floats(text):
    raw = base64.b64decode(text)
    return struct.unpack(f"<{len(raw) // 4}f", raw)


def test_embeddings_as_floats(weir, key):
    answer = weir.openai(id=key).embeddings.create(
        model=behave("up/text-embedding-3-small", key), input="hello there", encoding_format="float"
    )
    assert len(answer.data[0].embedding) == 64
    call = weir.call(key)
    assert call["kind"] == "embedding" and call["operation"] == "embeddings" and call["status"] == "success"
    assert call["tokens"]["prompt"] == 2 and call["tokens"]["completion"] == 0
    assert call["cost_usd"] == pytest.approx(2 * 0.02e-6, abs=1e-9)


def test_embeddings_as_base64_are_decoded_by_the_client(weir, fake, key):
    answer = weir.openai().embeddings.create(model=behave("up/text-embedding-3-small", key), input=["a b", "a b c"])
    assert json.loads(fake.only(key)["body"])["encoding_format"] == "base64", "what the client asks for on its own"
    assert [d.index for d in answer.data] == [0, 1]
    assert all(sum(x * x for x in d.embedding) == pytest.approx(1, abs=1e-3) for d in answer.data)


def test_raw_base64_embeddings_are_left_alone(weir, key):
    model = behave("up/text-embedding-3-small", key)
    as_text = weir.post("/v1/embeddings", {"model": model, "input": "a b", "encoding_format": "base64"}).json()
    as_floats = weir.post("/v1/embeddings", {"model": model, "input": "a b", "encoding_format": "float"}).json()
    assert floats(as_text["data"][0]["embedding"]) == pytest.approx(as_floats["data"][0]["embedding"], abs=1e-6)


def test_embedding_dimensions_are_asked_for(weir, key):
    answer = weir.openai().embeddings.create(
        model=behave("up/text-embedding-3-small", key), input="x", dimensions=16, encoding_format="float"
    )
    assert len(answer.data[0].embedding) == 16


def test_embeddings_of_token_lists(weir, fake, key):
    weir.openai().embeddings.create(model=behave("up/text-embedding-3-small", key), input=[[1, 2, 3], [4]])
    assert json.loads(fake.only(key)["body"])["input"] == [[1, 2, 3], [4]]


def test_completions(weir, fake, key):
    answer = weir.openai(id=key).completions.create(
        model=behave("up/gpt-3.5-turbo-instruct", key, "chunks=3"), prompt="once upon"
    )
    assert answer.choices[0].text.split() == ["w0", "w1", "w2"]
    assert fake.only(key)["path"] == "/v1/completions"
    call = weir.call(key)
    assert call["operation"] == "text_completion" and call["tokens"]["completion"] == 3


def test_completions_stream_hides_usage(weir, key):
    chunks = list(
        weir.openai(id=key).completions.create(
            model=behave("up/gpt-3.5-turbo-instruct", key, "chunks=3"), prompt="once upon", stream=True
        )
    )
    assert "".join(c.choices[0].text for c in chunks).split() == ["w0", "w1", "w2"]
    call = weir.call(key)
    assert call["token_source"] == "provider" and call["output"]["choices"][0]["text"].split() == ["w0", "w1", "w2"]


def test_a_cut_completions_stream_is_an_error(weir, key):
    with pytest.raises(openai.APIError):
        list(
            weir.openai(id=key).completions.create(
                model=behave("up/gpt-3.5-turbo-instruct", key, "chunks=5,cut,after=2"), prompt="x", stream=True
            )
        )
    assert weir.call(key)["status"] == "error"


def test_responses_plain(weir, fake, key):
    answer = weir.openai(id=key).responses.create(
        model=behave("up/gpt-4o", key, "usage=100:20:40:5"), input="hello there", instructions="be brief"
    )
    assert answer.status == "completed" and answer.output_text
    assert fake.only(key)["path"] == "/v1/responses"
    call = weir.call(key)
    tokens = call["tokens"]
    assert (tokens["prompt"], tokens["cached"], tokens["completion"], tokens["reasoning"]) == (100, 40, 20, 5)
    assert call["cost_usd"] == pytest.approx(60 * 2.5e-6 + 40 * 1.25e-6 + 20 * 10e-6, abs=1e-9)
    assert call["status"] == "success" and call["operation"] == "responses"


def test_responses_stream(weir, key):
    stream = weir.openai(id=key).responses.create(
        model=behave("up/gpt-4o", key, "chunks=4"), input="hello there", stream=True
    )
    events = list(stream)
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert [e.sequence_number for e in events] == sorted(e.sequence_number for e in events)
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text.split() == ["w0", "w1", "w2", "w3"]
    call = weir.call(key)
    assert call["status"] == "success" and call["tokens"]["completion"] == 4 and call["token_source"] == "provider"
    assert "w0 w1 w2 w3" in json.dumps(call["output"])


def test_responses_tools(weir, key):
    answer = weir.openai().responses.create(
        model=behave("up/gpt-4o", key, "tools"),
        input="hello",
        tools=[{"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": False}],
    )
    assert len([item for item in answer.output if item.type == "function_call"]) == 2


def test_a_cut_responses_stream_is_an_error(weir, key):
    answer = weir.post(
        "/v1/responses",
        {"model": behave("up/gpt-4o", key, "chunks=6,cut,after=2"), "input": "x", "stream": True},
        {"x-request-id": key},
    )
    name, data = answer.events()[-1]
    assert name == "error" and json.loads(data)["type"] == "error" and json.loads(data)["message"]
    assert weir.call(key)["status"] == "error"


def test_an_incomplete_response_is_no_error(weir, key):
    answer = weir.openai(id=key).responses.create(model=behave("up/gpt-4o", key, "length"), input="x")
    assert answer.status == "incomplete"
    assert weir.call(key)["status"] == "success"


def test_the_models_are_listed_with_their_provider(weir):
    ids = [m.id for m in weir.openai().models.list()]
    assert "listed/gpt-4o-mini" in ids and "listed/meta-llama/Llama-3.1-8B-Instruct" in ids
    assert len(ids) == len(set(ids))


def test_one_model_is_found(weir):
    assert weir.openai().models.retrieve("listed/gpt-4o-mini").owned_by == "listed"


def test_a_model_with_slashes_is_found(weir):
    model = "listed/meta-llama/Llama-3.1-8B-Instruct"
    assert weir.get(f"/v1/models/{model}").json()["id"] == model
    assert weir.openai().models.retrieve(model).id == model


def test_a_model_with_slashes_is_called(weir, fake):
    answer = weir.openai().chat.completions.create(
        model="listed/meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": "x"}]
    )
    assert answer.model == "meta-llama/Llama-3.1-8B-Instruct"


def test_an_unknown_model_is_a_404_that_names_the_providers(weir):
    for ask in (
        lambda: weir.openai().models.retrieve("listed/nonsense"),
        lambda: weir.openai().chat.completions.create(model="listed/nonsense", messages=[]),
    ):
        with pytest.raises(openai.NotFoundError) as raised:
            ask()
        assert raised.value.code == "model_not_found" and "listed" in raised.value.body["message"]


def test_a_bare_name_goes_to_the_one_provider_that_lists_it(weir, key):
    raw = weir.openai(id=key).chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "x"}]
    )
    assert raw.headers["x-weir-provider"] == "listed"
    assert weir.call(key)["model"] == "gpt-4o-mini"


def test_generate(serve, up, fake, key):
    server = serve(f'[gateway]\ndefault_model = "{behave("up/gpt-4o", key, "chunks=3")}"\n' + up)
    answer = server.post("/generate", {"text": "hello"}, {"x-request-id": key})
    assert answer.status == 200 and set(answer.json()) == {"result", "latency_ms"}
    assert answer.json()["result"].split() == ["w0", "w1", "w2"] and answer.json()["latency_ms"] > 0
    assert json.loads(fake.only(key)["body"])["messages"] == [{"role": "user", "content": "hello"}]
    assert server.call(key)["status"] == "success"


def test_generate_without_text_says_so(weir):
    answer = weir.post("/generate", {"prompt": "hello"})
    assert answer.status == 400 and '"text"' in answer.json()["error"]["message"]


def test_a_newcomer_needs_no_provider_for_the_demo(serve, key):
    server = serve()
    first = server.chat("demo/echo", id=key).json()
    assert first["choices"][0]["message"]["content"]
    assert server.chat("demo/echo").json()["choices"][0]["message"] == first["choices"][0]["message"]
    assert server.call(key)["provider"] == "demo" and server.call(key)["cost_usd"] == 0
    stream = server.chat("demo/echo", stream=True)
    assert stream.events()[-1][1] == "[DONE]" and len(stream.chunks()) > 2
    assert server.post("/generate", {"text": "hello"}).json()["result"]
    for path in ("/", "/health", "/metrics"):
        assert server.get(path).status == 200
