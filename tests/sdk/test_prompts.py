"""Prompts in requests: what a template makes of a request, as the provider receives it and as the call is stored."""

import json

import anthropic
import openai
import pytest

from conftest import UPSTREAM_KEY, providers
from rig import Weir, behave
from rig.prompts import ASK, asked, prompt_of, refusal, sent, write

#: The prompts of the module's server.
FILES = {
    "ask/v1.0.jinja2": "Customer asks: {{ user_message }}\n",
    "ask/v2.0.jinja2": "---\nlabels: production\n---\nDear {{ department }}, answer in {{ language }}: {{ user_message }}\n",
    "ask/v10.0.jinja2": "---\nlabels: staging\n---\nTen: {{ user_message }} ({{ prompt_name }} {{ prompt_version }})\n",
    "house/1.jinja2": "---\nrole: system\n---\nYou work for {{ company.name }}{% if hints is defined %}; {{ hints|join(', ') }}{% endif %}.\n",
    "chat/v1.jinja2": "---\nkind: chat\nmodel: up/MODEL\ntemperature: 0.25\nmax_tokens: 77\ndescription: support\n---\n"
    "{# system #}\nBe kind to {{ user }}.\n\n{# user #}\nQ: {{ user_message }}\n",
    "talk/v1.jinja2": "---\nkind: chat\n---\n{# system #}\nYou are terse.\n{# messages #}\n{# user #}\nSum it up.\n",
    "mail/v1.mustache": "Hi {{name}}{{#items}}, {{.}}{{/items}}. {{user_message}}\n",
    "history/v1.jinja2": "{% for m in messages %}{{ m.role }}={{ m.content }};{% endfor %}",
    "lines/v1.jinja2": "---\nkind: chat\n---\n{# system #}\n\nYou are\n{{ persona }}.\n{# user #}\n{{ user_message }}\n",
    "whole/v1.jinja2": "{% include 'house' %} {% include 'ask@staging' %}",
    "README.md": "no prompt",
    "ask/notes.txt": "no prompt",
}

ASSIGN = """
[[prompts.assign]]
when = { routes = ["/v1/completions"] }
prompt = "ask"
version = "v1.0"
[[prompts.assign]]
when = { departments = ["support"] }
prompt = "ask"
"""


@pytest.fixture(scope="module")
def prompted(tmp_path_factory, fake):
    config = providers(fake.url).replace(UPSTREAM_KEY, "sk-up") + ASSIGN
    server = Weir(tmp_path_factory.mktemp("prompted"), config, start=False, env={"MODAL_SECRET": "m"})
    write(server, FILES)
    server.start()
    yield server
    server.stop()


# Who asks for which


@pytest.mark.parametrize(
    ("metadata", "headers", "version", "text"),
    [
        ({"prompt": "ask", "prompt_version": "v1.0"}, {}, "v1.0", "Customer asks: Where is my parcel?"),
        ({"prompt": "ask@v1.0"}, {}, "v1.0", "Customer asks: Where is my parcel?"),
        ({"prompt": "ask", "prompt_version": "staging"}, {}, "v10.0", "Ten: Where is my parcel? (ask v10.0)"),
        ({"prompt": "ask@latest"}, {}, "v10.0", "Ten: Where is my parcel? (ask v10.0)"),
        ({}, {"x-weir-prompt": "ask@v1.0"}, "v1.0", "Customer asks: Where is my parcel?"),
        ({}, {"x-weir-prompt": "ask", "x-weir-prompt-version": "staging"}, "v10.0", "Ten: Where is my parcel? (ask v10.0)"),
        ({"prompt": "mail"}, {"x-weir-prompt": "ask@v1.0"}, "v1.0", "Customer asks: Where is my parcel?"),
    ],
)
def test_a_request_asks_for_a_version(prompted, fake, key, metadata, headers, version, text):
    body, call = asked(prompted, fake, key, headers=headers, **metadata)
    assert body["messages"] == [{"role": "user", "content": text}]
    assert call["prompt"] == {"name": "ask", "version": version}


def test_the_label_production_is_the_default(prompted, fake, key):
    body, call = asked(
        prompted, fake, key, prompt="ask", department="it", variables=json.dumps({"language": "German"})
    )
    assert body["messages"][0]["content"] == "Dear it, answer in German: Where is my parcel?"
    assert call["prompt"]["version"] == "v2.0"


def test_configuration_assigns_one(prompted, fake, key):
    body, call = asked(prompted, fake, key, department="support", variables='{"language": "Dutch"}')
    assert body["messages"][0]["content"].startswith("Dear support, answer in Dutch")
    assert call["prompt"] == {"name": "ask", "version": "v2.0"}
    # The request's own choice wins over the assigned one.
    other = key + "b"
    body, _ = asked(prompted, fake, other, department="support", prompt="ask@v1.0")
    assert body["messages"][0]["content"].startswith("Customer asks")


def test_a_version_of_the_callers_own_prompt_is_none_of_the_assigned_one(prompted, fake, key):
    labels = {"prompt_name": "mine", "prompt_version": "2024-11", "variables": '{"language": "en"}'}
    body, call = asked(prompted, fake, key, department="support", **labels)
    assert body["messages"][0]["content"].startswith("Dear support") and call["prompt"]["version"] == "v2.0"


def test_without_any_the_body_passes_byte_for_byte(prompted, fake, key):
    text = f'{{ "messages":[{{"content":"caf\\u00e9","role":"user"}} ],\n"model":"up/{behave("gpt-4o", key)}","metadata":{{"x":"{{{{ y }}}}"}}}}'
    assert prompted.post("/v1/chat/completions", text, {"x-request-id": key}).status == 200
    assert fake.only(key)["body"] == text.replace("up/", "", 1)
    assert prompted.call(key)["prompt"] is None


def test_what_does_not_exist_is_named(prompted, key):
    error = refusal(prompted, key, prompt="asks")
    assert error.status_code == 404 and "asks" in str(error) and "history" in str(error), error
    error = refusal(prompted, key, prompt="ask@v7")
    assert error.status_code == 404 and "v10.0, v2.0, v1.0" in str(error) and "staging" in str(error), error


# What it is given


@pytest.mark.parametrize("as_text", [False, True])
def test_variables_are_an_object_or_its_json(prompted, fake, key, as_text):
    variables = {"company": {"name": "Acme Ärzte"}, "hints": ["no \"quotes\"", "7"]}
    given = json.dumps(variables) if as_text else variables
    body, call = asked(prompted, fake, key, prompt="house", variables=given)
    assert body["messages"] == [{"role": "system", "content": 'You work for Acme Ärzte; no "quotes", 7.'}, *ASK]
    prompt = prompt_of(call)
    assert prompt["variables"] == variables and prompt["user_message"] == "Where is my parcel?"
    version = prompted.get("/api/v1/prompts/house/versions/1").json()
    assert prompt["hash"] == version["hash"] and len(prompt["hash"]) == 64
    assert "variables" not in json.dumps(call["attributes"]["metadata"])
    # They have served their purpose, and providers refuse objects there.
    assert body["metadata"] == {"prompt": "house"}


def test_mustache(prompted, fake, key):
    body, _ = asked(prompted, fake, key, prompt="mail", variables={"name": "<Ann>", "items": ["a", "b"]})
    assert body["messages"][0]["content"] == "Hi <Ann>, a, b. Where is my parcel?"


def test_a_template_includes_others_by_name_and_label(prompted, fake, key):
    body, _ = asked(prompted, fake, key, prompt="whole", variables={"company": {"name": "Acme"}})
    assert body["messages"][0]["content"] == "You work for Acme. Ten: Where is my parcel? (whole v1)"


@pytest.mark.parametrize("variables", ["{", "[]", 7, '"x"', ["a"]])
def test_variables_that_are_none(prompted, fake, key, variables):
    error = refusal(prompted, key, prompt="ask@v1.0", variables=variables)
    assert error.status_code == 400 and error.param == "metadata.variables", error
    assert fake.requests(key) == []


def test_an_undefined_variable_is_named_with_template_and_line_of_the_file(prompted, fake, key):
    error = refusal(prompted, key, prompt="lines")
    assert error.status_code == 400, error
    assert '"persona"' in str(error) and '"lines@v1", line 7' in str(error), error
    assert fake.requests(key) == []
    call = prompted.call(key)
    assert call["status"] == "error" and call["prompt"] == {"name": "lines", "version": "v1"}
    assert "persona" in call["error"]


def test_an_undefined_variable_reaches_the_anthropic_client_in_its_form(prompted, key):
    with pytest.raises(anthropic.BadRequestError) as raised:
        prompted.anthropic(id=key).messages.create(
            model=behave("claude/claude-sonnet-4-5", key), max_tokens=9, messages=ASK,
            extra_headers={"x-weir-prompt": "house"},
        )
    assert "company" in str(raised.value) and "line 4" in str(raised.value), raised.value


# Where it goes


def test_a_chat_with_its_defaults(prompted, fake, key):
    client = prompted.openai(id=key)
    asking = {"prompt": "chat"}
    client.chat.completions.create(model=behave("up/gpt-4o", key), messages=ASK, user="Eve", metadata=asking)
    body = sent(fake, key)
    assert body["messages"] == [
        {"role": "system", "content": "Be kind to Eve."},
        {"role": "user", "content": "Q: Where is my parcel?"},
    ]
    assert body["temperature"] == 0.25 and body["max_tokens"] == 77
    call = prompted.call(key)
    assert call["prompt"] == {"name": "chat", "version": "v1"}
    assert float(str(call["attributes"]["temperature"])) == 0.25 and int(str(call["attributes"]["max_tokens"])) == 77


def test_what_the_request_says_wins_over_defaults(prompted, fake, key):
    prompted.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key), messages=ASK, user="Eve", temperature=1, max_completion_tokens=5,
        metadata={"prompt": "chat"},
    )
    body = sent(fake, key)
    assert body["temperature"] == 1 and body["max_completion_tokens"] == 5 and "max_tokens" not in body


@pytest.mark.parametrize("model", [None, "", "absent"])
def test_a_missing_model_comes_from_the_defaults(prompted, key, model):
    body = {"messages": ASK, "user": "Eve", "metadata": {"prompt": "chat"}}
    if model != "absent":
        body["model"] = model
    answer = prompted.post("/v1/chat/completions", body, {"x-request-id": key})
    assert answer.status == 200 and answer.json()["model"] == "MODEL", answer.text
    call = prompted.call(key)
    assert call["model"] == "up/MODEL" and call["provider"] == "up"


def test_the_model_may_be_left_empty_in_the_client(prompted, key):
    answer = prompted.openai(id=key).chat.completions.create(
        model="", messages=ASK, user="Eve", metadata={"prompt": "chat"}
    )
    assert answer.model == "MODEL"


TALK = [
    {"role": "system", "content": "S"},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "42"},
    {"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "what"},
        {"type": "text", "text": "is it?"},
    ]},
]


def test_history_tool_calls_and_images_stay(prompted, fake, key):
    body, call = asked(prompted, fake, key, messages=TALK, prompt="ask@v1.0")
    assert body["messages"][:4] == TALK[:4]
    assert body["messages"][4] == {"role": "user", "content": [
        {"type": "text", "text": "Customer asks: what\nis it?"}, TALK[4]["content"][0],
    ]}
    assert call["input"]["messages"] == body["messages"]


def test_a_chat_goes_around_the_conversation(prompted, fake, key):
    body, _ = asked(prompted, fake, key, messages=TALK, prompt="talk")
    assert body["messages"] == [
        {"role": "system", "content": "You are terse."}, *TALK[1:], {"role": "user", "content": "Sum it up."},
    ]


def test_a_template_reads_the_conversation(prompted, fake, key):
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    body, _ = asked(prompted, fake, key, messages=messages, prompt="history")
    assert body["messages"] == [*messages[:2], {"role": "user", "content": "user=a;assistant=b;user=c;"}]


def test_a_stream_is_rendered_too(prompted, fake, key):
    stream = prompted.openai(id=key).chat.completions.create(
        model=behave("up/gpt-4o", key), messages=ASK, metadata={"prompt": "ask@v1.0"}, stream=True
    )
    assert "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
    assert sent(fake, key)["messages"][0]["content"] == "Customer asks: Where is my parcel?"
    assert prompted.call(key)["prompt"]["version"] == "v1.0"


def test_the_anthropic_door(prompted, fake, key):
    prompted.anthropic(id=key).messages.create(
        model=behave("claude/claude-sonnet-4-5", key), max_tokens=50, system="Speak French.", messages=ASK,
        metadata={"user_id": "u-1", "prompt": "house", "variables": {"company": {"name": "Acme"}}},
    )
    body = sent(fake, key)
    assert body["system"] == "You work for Acme.\n\nSpeak French." and body["messages"] == ASK
    assert body["metadata"] == {"user_id": "u-1"}, "Anthropic refuses other members"
    assert prompted.call(key)["prompt"]["name"] == "house"


def test_a_chat_through_the_anthropic_door(prompted, fake, key):
    prompted.anthropic(id=key).messages.create(
        model=behave("claude/claude-sonnet-4-5", key), max_tokens=50, messages=ASK,
        metadata={"user_id": "Eve"}, extra_headers={"x-weir-prompt": "chat"},
    )
    body = sent(fake, key)
    assert body["system"] == "Be kind to Eve." and body["max_tokens"] == 50 and body["temperature"] == 0.25
    assert body["messages"] == [{"role": "user", "content": "Q: Where is my parcel?"}]


def test_it_is_rendered_before_it_is_translated(prompted, fake, key):
    prompted.openai(id=key).chat.completions.create(
        model=behave("claude/claude-sonnet-4-5", key), messages=ASK, user="Eve", metadata={"prompt": "chat"}
    )
    body = sent(fake, key)
    assert "Be kind to Eve." in json.dumps(body["system"]) and body["max_tokens"] == 77
    assert "Q: Where is my parcel?" in json.dumps(body["messages"])
    # The call is recorded in the client's protocol.
    assert prompted.call(key)["input"]["messages"][0] == {"role": "system", "content": "Be kind to Eve."}


def test_the_completions_door_by_route(prompted, fake, key):
    client = prompted.openai(id=key)
    client.completions.create(model=behave("up/gpt-4o", key), prompt="Hello")
    assert sent(fake, key)["prompt"] == "Customer asks: Hello"
    for wrong, extra in ((["a", "b"], {}), ("x", {"extra_headers": {"x-weir-prompt": "talk"}})):
        with pytest.raises(openai.BadRequestError) as raised:
            client.completions.create(model=behave("up/gpt-4o", key), prompt=wrong, **extra)
        assert "prompt" in str(raised.value)


def test_the_responses_door(prompted, fake, key):
    def respond(id, **members):
        prompted.openai(id=id).responses.create(model=behave("up/gpt-4o", id), **members)
        return sent(fake, id)

    body = respond(key, input="Hello", metadata={"prompt": "ask@v1.0"})
    assert body["input"] == "Customer asks: Hello"
    items = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
             {"role": "user", "content": [{"type": "input_text", "text": "c"}, {"type": "input_image", "image_url": "data:,"}]}]
    body = respond(key + "l", input=items, metadata={"prompt": "ask@v1.0"})
    assert body["input"][:2] == items[:2]
    assert body["input"][2]["content"] == [{"type": "input_text", "text": "Customer asks: c"}, items[2]["content"][1]]
    body = respond(key + "t", input="Hello", metadata={"prompt": "talk"})
    assert [m["content"] for m in body["input"]] == ["You are terse.", "Hello", "Sum it up."]
    body = respond(
        key + "s", input="Hello", instructions="Short.",
        metadata={"prompt": "house", "variables": '{"company": {"name": "Acme"}}'},
    )
    assert body["instructions"] == "You work for Acme.\n\nShort." and body["input"] == "Hello"
    body = respond(key + "m", input="Hello", user="Eve", metadata={"prompt": "chat"})
    assert body["max_output_tokens"] == 77


def test_embeddings_have_no_prompt(prompted, fake, key):
    with pytest.raises(openai.BadRequestError) as raised:
        prompted.openai(id=key).embeddings.create(
            model=behave("up/text-embedding-3-small", key), input="x", extra_headers={"x-weir-prompt": "ask@v1.0"}
        )
    assert "embeddings have no prompt" in str(raised.value) and fake.requests(key) == []
    # An assignment to the caller's department is not meant for them.
    prompted.openai(id=key).embeddings.create(
        model=behave("up/text-embedding-3-small", key), input="x", extra_headers={"x-weir-department": "support"}
    )
    assert sent(fake, key)["input"] == "x"


def test_a_body_of_5_mb(prompted, fake, key):
    big = [{"role": "user", "content": "long " * (1 << 20)}]
    body, _ = asked(prompted, fake, key, messages=big, prompt="house", variables='{"company": {"name": "Acme"}}')
    assert body["messages"][0]["content"] == "You work for Acme." and body["messages"][1] == big[0]
    error = refusal(prompted, key, messages=big, prompt="ask@v1.0")
    assert error.status_code == 400 and "longer than 4194304 bytes" in str(error) and "prompts.max_output" in str(error)


def test_metadata_is_kept_without_variables_and_nothing_of_them_where_payloads_are_not(serve, up, fake, key):
    server = serve('[record]\npayload = "none"\n' + up, start=False)
    write(server, {"ask/v1.jinja2": "Secretly: {{ what }} {{ user_message }}", "bad/v1.jinja2": "{{ gone }}{{ what }}"})
    server.start()
    secret = "plutonium-7731"
    body, call = asked(server, fake, key, prompt="ask", team="a", variables={"what": secret})
    assert secret in body["messages"][0]["content"]
    version = server.get("/api/v1/prompts/ask/versions/v1").json()
    assert secret not in json.dumps(call) and "Where is my parcel" not in json.dumps(call)
    assert version["hash"] in json.dumps(call["attributes"]) and '"team"' in json.dumps(call["attributes"]).replace("\\", "")
    # Nor where the rendering fails, or there is no such prompt.
    for n, name in enumerate(("bad", "nothing")):
        refusal(server, f"{key}-{n}", prompt=name, variables={"what": secret})
        assert secret not in json.dumps(server.call(f"{key}-{n}"))
