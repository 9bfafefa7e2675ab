"""What each provider wants to be sent."""

import json

import pytest

from conftest import AZURE_KEY, MODAL_SECRET, UPSTREAM_KEY
from rig import behave

HELLO = [{"role": "user", "content": "hello there"}]


def ask(weir, model, key, **members):
    return weir.openai(id=key).chat.completions.create(model=model, messages=HELLO, **members)


def test_azure_puts_the_deployment_in_the_path_and_the_key_in_its_header(weir, fake, key):
    ask(weir, behave("azure/gpt-4o", key, "azure"), key)
    sent = fake.only(key)
    assert sent["path"].startswith("/openai/deployments/gpt-4o") and sent["path"].endswith("/chat/completions")
    assert sent["query"] == "api-version=2024-06-01"
    assert sent["headers"]["api-key"] == AZURE_KEY and "authorization" not in sent["headers"]
    assert weir.call(key)["cost_usd"] > 0


def test_azures_v1_surface_takes_the_model_from_the_body(weir, fake, key):
    ask(weir, behave("azure-v1/gpt-4o", key), key)
    sent = fake.only(key)
    assert sent["path"] == "/openai/v1/chat/completions" and "api-version" not in sent["query"]
    assert json.loads(sent["body"])["model"] == behave("gpt-4o", key)


def test_azures_filter_results_are_kept(weir, key):
    answer = weir.chat(behave("azure/gpt-4o", key, "azure"))
    assert "prompt_filter_results" in answer.json()


def test_azure_embeddings(weir, fake, key):
    weir.openai().embeddings.create(model=behave("azure/text-embedding-3-small", key), input="x")
    assert fake.only(key)["path"].endswith("/embeddings")


def test_groq_is_not_sent_what_it_refuses(weir, fake, key):
    ask(weir, behave("groq/llama-3.3-70b-versatile", key, "groq"), key, logprobs=True, seed=3)
    sent = fake.only(key)
    assert sent["path"] == "/openai/v1/chat/completions"
    assert sent["headers"]["authorization"] == f"Bearer gsk_{UPSTREAM_KEY}"
    assert "logprobs" not in json.loads(sent["body"]) and json.loads(sent["body"])["seed"] == 3


def test_groqs_usage_in_the_last_chunk_is_read(weir, key):
    list(ask(weir, behave("groq/llama-3.3-70b-versatile", key, "groq,usage=11:22"), key, stream=True))
    call = weir.call(key)
    assert (call["tokens"]["prompt"], call["tokens"]["completion"]) == (11, 22)
    assert call["token_source"] == "provider" and call["cost_usd"] > 0


def test_modals_key_and_secret_headers(weir, fake, key):
    ask(weir, behave("modal/my-model", key), key)
    headers = fake.only(key)["headers"]
    assert headers["modal-key"] == "wk-modal" and headers["modal-secret"] == MODAL_SECRET


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("gemini", "/v1beta/openai/chat/completions"),
        ("vllm", "/vllm/v1/chat/completions"),
        ("tgi", "/tgi/v1/chat/completions"),
        ("ollama", "/ollama/v1/chat/completions"),
    ],
)
def test_openai_compatible_kinds(weir, fake, key, provider, path):
    for stream in (False, True):
        answer = weir.chat(behave(f"{provider}/some-model", key, "chunks=2"), id=key, stream=stream)
        assert answer.status == 200 and "w1" in answer.text
    assert {r["path"] for r in fake.requests(key)} == {path}
    assert weir.call(key)["provider"] == provider


def test_providers_appear_from_the_variables_that_people_have(serve, fake, key):
    server = serve(env={"OPENAI_API_KEY": "sk-from-env", "OPENAI_BASE_URL": f"{fake.url}/v1"})
    assert server.chat(behave("openai/gpt-4o", key)).status == 200
    assert fake.only(key)["headers"]["authorization"] == "Bearer sk-from-env"


def test_azure_from_its_variables(serve, fake, key):
    server = serve(
        env={
            "AZURE_OPENAI_API_KEY": "az-env",
            "AZURE_OPENAI_ENDPOINT": fake.url,
            "AZURE_OPENAI_API_VERSION": "2024-02-01",
        }
    )
    assert server.chat(behave("azure/gpt-4o", key)).status == 200
    sent = fake.only(key)
    assert sent["query"] == "api-version=2024-02-01" and sent["headers"]["api-key"] == "az-env"


def test_settings_from_the_environment_win(serve, fake, key):
    server = serve(
        '[providers.local]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n',
        env={"WEIR_PROVIDERS__LOCAL__BASE_URL": f"{fake.url}/v1"},
    )
    assert server.chat(behave("local/gpt-4o", key)).status == 200
