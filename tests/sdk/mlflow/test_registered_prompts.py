"""Prompts of the registry, through `mlflow.genai`."""

import uuid

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from rig import eventually


@pytest.fixture
def name(fresh):
    return "".join(c if c.isalnum() else "-" for c in fresh)


def test_a_prompt_and_its_versions(name):
    first = mlflow.genai.register_prompt(name, "Hello {{ who }}", commit_message="first", tags={"author": "ann"})
    assert (first.name, first.version, first.template, first.commit_message) == (name, 1, "Hello {{ who }}", "first")
    assert first.tags == {"author": "ann"} and first.variables == {"who"}
    second = mlflow.genai.register_prompt(name, "Good day, {{who}}: {{ what }}", commit_message="second")
    assert second.version == 2 and second.variables == {"who", "what"}
    found = mlflow.genai.load_prompt(name, version=1)
    assert (found.template, found.version, found.commit_message, found.tags) == ("Hello {{ who }}", 1, "first", {"author": "ann"})
    assert found.format(who="you") == "Hello you"
    assert mlflow.genai.load_prompt(f"prompts:/{name}/2").template == second.template
    assert mlflow.genai.load_prompt(name).version == 2, "without a version: the latest"
    assert found.creation_timestamp <= second.creation_timestamp and found.uri == f"prompts:/{name}/1"


def test_a_prompt_of_messages(name):
    template = [{"role": "system", "content": "Be {{ style }}."}, {"role": "user", "content": "{{ question }}"}]
    mlflow.genai.register_prompt(name, template)
    found = mlflow.genai.load_prompt(name, version=1)
    assert found.template == template and not found.is_text_prompt
    assert found.format(style="kind", question="why?") == [
        {"role": "system", "content": "Be kind."}, {"role": "user", "content": "why?"}]


def test_a_prompt_with_a_format_of_its_answer(name):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    mlflow.genai.register_prompt(name, "x", response_format=schema)
    assert mlflow.genai.load_prompt(name, version=1).response_format == schema


def test_a_prompt_with_a_model(name):
    mlflow.genai.register_prompt(name, "x", model_config={"model_name": "gpt-4o", "temperature": 0.5})
    found = mlflow.genai.load_prompt(name, version=1).model_config
    assert (found["model_name"], found["temperature"]) == ("gpt-4o", 0.5)


@pytest.mark.parametrize("template", ["ünï 日本 🙂", "it's \"quoted\"", "a\nb\n\n", "{% if x %}{{ x }}{% endif %}", "long " * 1500, "<b>&</b>"],
                         ids=["unicode", "quotes", "lines", "jinja", "long", "html"])
def test_any_text(name, template):
    mlflow.genai.register_prompt(name, template)
    assert mlflow.genai.load_prompt(name, version=1).template == template


def test_aliases(name):
    for text in ("one", "two"):
        mlflow.genai.register_prompt(name, text)
    mlflow.genai.set_prompt_alias(name, "production", 1)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@production").template == "one"
    mlflow.genai.set_prompt_alias(name, "production", 2)
    found = mlflow.genai.load_prompt(f"prompts:/{name}@production")
    assert found.template == "two" and found.aliases == ["production"]
    mlflow.genai.delete_prompt_alias(name, "production")
    with pytest.raises(MlflowException):
        mlflow.genai.load_prompt(f"prompts:/{name}@production")
    assert mlflow.genai.load_prompt(f"prompts:/{name}@latest").template == "two"


def test_tags_of_a_prompt(name):
    mlflow.genai.register_prompt(name, "x")
    mlflow.genai.set_prompt_tag(name, "team", "IT")
    mlflow.genai.set_prompt_tag(name, "other", "1")
    assert mlflow.genai.get_prompt_tags(name).items() >= {"team": "IT", "other": "1"}.items()
    mlflow.genai.delete_prompt_tag(name, "other")
    tags = mlflow.genai.get_prompt_tags(name)
    assert tags["team"] == "IT" and "other" not in tags


def test_tags_of_a_version(name):
    mlflow.genai.register_prompt(name, "x", tags={"a": "1"})
    mlflow.genai.set_prompt_version_tag(name, 1, "b", "2")
    assert mlflow.genai.load_prompt(name, version=1, cache_ttl_seconds=0).tags == {"a": "1", "b": "2"}
    mlflow.genai.delete_prompt_version_tag(name, 1, "a")
    assert mlflow.genai.load_prompt(name, version=1, cache_ttl_seconds=0).tags == {"b": "2"}


def test_what_is_not_there(name):
    with pytest.raises(MlflowException):
        mlflow.genai.load_prompt(name, version=1)
    assert mlflow.genai.load_prompt(name, version=1, allow_missing=True) is None
    mlflow.genai.register_prompt(name, "x")
    with pytest.raises(MlflowException):
        mlflow.genai.load_prompt(name, version=7)


@pytest.mark.parametrize("wrong", ["", "a/b", "a:b"])
def test_names_that_are_refused(wrong):
    with pytest.raises(MlflowException):
        mlflow.genai.register_prompt(wrong, "x")


def test_a_search(client):
    prefix = f"find-{uuid.uuid4().hex[:8]}"
    for n in range(3):
        mlflow.genai.register_prompt(f"{prefix}-{n}", "x")
    mlflow.genai.set_prompt_tag(f"{prefix}-1", "team", "IT")
    client.create_registered_model(f"{prefix}-model")
    found = mlflow.genai.search_prompts(f"name LIKE '{prefix}%'")
    assert sorted(p.name for p in found) == [f"{prefix}-{n}" for n in range(3)], "models are no prompts"
    assert [p.name for p in mlflow.genai.search_prompts(f"name = '{prefix}-2'")] == [f"{prefix}-2"]
    assert [p.name for p in mlflow.genai.search_prompts(f"name LIKE '{prefix}%' AND tags.team = 'IT'")] == [f"{prefix}-1"]
    page = client.search_prompts(f"name LIKE '{prefix}%'", max_results=2)
    rest = client.search_prompts(f"name LIKE '{prefix}%'", max_results=2, page_token=page.token)
    assert len(page) == 2 and len(rest) == 1 and not rest.token


def test_prompts_are_no_models(client, name):
    mlflow.genai.register_prompt(name, "x")
    assert [m.name for m in client.search_registered_models(f"name = '{name}'")] == []
    with pytest.raises(MlflowException):
        client.get_registered_model(name) and client.delete_registered_model(name)


def test_versions_of_a_prompt(client, name):
    for text in ("one", "two", "three"):
        mlflow.genai.register_prompt(name, text)
    found = client.search_prompt_versions(name)
    versions = getattr(found, "prompt_versions", found)
    assert sorted(int(v.version) for v in versions) == [1, 2, 3]


def test_delete(client, name):
    mlflow.genai.register_prompt(name, "one")
    mlflow.genai.register_prompt(name, "two")
    client.delete_prompt_version(name, "1")
    with pytest.raises(MlflowException):
        mlflow.genai.load_prompt(name, version=1, cache_ttl_seconds=0)
    assert mlflow.genai.register_prompt(name, "three").version == 3
    for version in ("2", "3"):
        client.delete_prompt_version(name, version)
    client.delete_prompt(name)
    assert mlflow.genai.search_prompts(f"name = '{name}'") == []


def test_a_prompt_that_a_trace_used(client, experiment, name):
    mlflow.genai.register_prompt(name, "Hello {{ who }}")

    @mlflow.trace
    def say():
        return mlflow.genai.load_prompt(f"prompts:/{name}/1").format(who="you")

    assert say() == "Hello you"
    id = mlflow.get_last_active_trace_id()

    def used(version):
        clause = f"prompt = '{name}/{version}'"
        return [t.info.trace_id for t in mlflow.search_traces(locations=[experiment], filter_string=clause, return_type="list")]

    eventually("the client links them in the background", lambda: used(1) == [id])
    assert used(2) == []
