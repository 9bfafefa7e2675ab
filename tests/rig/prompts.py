"""Prompts under test: their files, and requests that ask for one."""

import json

import openai
import pytest

from rig.weir import behave

ASK = [{"role": "user", "content": "Where is my parcel?"}]


def write(server, files):
    for name, text in files.items():
        path = server.folder / "prompts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def sent(fake, key):
    """The body that the provider received."""
    return json.loads(fake.only(key)["body"])


def asked(server, fake, key, messages=ASK, headers=None, model="up/gpt-4o", **metadata):
    """What becomes of a chat request of the openai client; returns the body as it arrived, and the record."""
    client = server.openai(id=key)
    client.chat.completions.create(
        model=behave(model, key), messages=messages, metadata=metadata, extra_headers=headers or {}
    )
    return sent(fake, key), server.call(key)


def refusal(server, key, messages=ASK, headers=None, **metadata):
    with pytest.raises(openai.APIStatusError) as raised:
        server.openai(id=key).chat.completions.create(
            model=behave("up/gpt-4o", key), messages=messages, metadata=metadata, extra_headers=headers or {}
        )
    return raised.value


def prompt_of(call):
    """What a record keeps of its prompt: hash, variables, the user's message."""
    return call["attributes"]["prompt"]
