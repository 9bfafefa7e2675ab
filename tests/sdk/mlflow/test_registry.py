"""The model registry: models, versions, stages, aliases, tags, searches."""

import uuid

import pytest
from mlflow.exceptions import MlflowException

from differences import here


@pytest.fixture
def model(client, fresh):
    client.create_registered_model(fresh)
    return fresh


@pytest.fixture
def version(client, model, run):
    """Makes versions of the model, whose source is the run's."""
    source = f"{client.get_run(run).info.artifact_uri}/m"
    return lambda **named: client.create_model_version(model, source, run, **named)


def test_everything_of_a_new_model(client, tracking, fresh):
    made = client.create_registered_model(fresh, tags={"a": "b"}, description="what it is")
    assert (made.name, made.description, made.tags, made.latest_versions, made.aliases) == (fresh, "what it is", {"a": "b"}, [], {})
    assert made.creation_timestamp == made.last_updated_timestamp > 1_700_000_000_000
    assert dict(client.get_registered_model(fresh)) == dict(made)
    said = tracking.ok("GET", "registered-models/get", name=fresh)["registered_model"]
    assert said["tags"] == [{"key": "a", "value": "b"}] and said["description"] == "what it is"


@pytest.mark.parametrize("suffix", ["with space", "ünï 日本", "a.b-c_d", "%20", "it's", "x" * 150, "?&=#", "[a](b)"])
def test_names_that_are_allowed(client, fresh, suffix):
    name = f"{fresh} {suffix}"
    client.create_registered_model(name)
    assert client.get_registered_model(name).name == name
    assert [m.name for m in client.search_registered_models(f'name LIKE "{fresh}%"')] == [name]


@pytest.mark.parametrize("name", ["a/b", "a:b", "models:/x", " ", "/"])
def test_names_that_are_not(tracking, name):
    status, code, said = tracking.refused("POST", "registered-models/create", {"name": name})
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    if name.strip():
        assert said == f"Invalid model name '{name}'. Names cannot contain '/' or ':'."


def test_a_name_twice(tracking, model):
    status, code, said = tracking.refused("POST", "registered-models/create", {"name": model})
    assert (status, code) == (400, "RESOURCE_ALREADY_EXISTS")
    assert said.startswith(f"Registered Model (name={model}) already exists.")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "registered-models/get", {"name": "no such model"}),
        ("POST", "registered-models/rename", {"name": "no such model", "new_name": "x"}),
        ("PATCH", "registered-models/update", {"name": "no such model", "description": "x"}),
        ("DELETE", "registered-models/delete", {"name": "no such model"}),
        ("POST", "registered-models/set-tag", {"name": "no such model", "key": "k", "value": "v"}),
        ("POST", "registered-models/get-latest-versions", {"name": "no such model"}),
        ("POST", "model-versions/create", {"name": "no such model", "source": "s3://bucket/key"}),
    ],
)
def test_a_model_that_is_not_there(tracking, method, path, body):
    answer = tracking.refused(method, path, **body) if method == "GET" else tracking.refused(method, path, body)
    assert answer == (404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=no such model not found")


@pytest.mark.parametrize(
    ("method", "path", "body", "missing"),
    [
        ("GET", "registered-models/get", {}, "name"),
        ("POST", "registered-models/rename", {"name": "x"}, "new_name"),
        ("PATCH", "registered-models/update", {"description": "x"}, "name"),
        ("DELETE", "registered-models/delete", {}, "name"),
        ("POST", "registered-models/set-tag", {"name": "x", "value": "v"}, "key"),
        ("POST", "registered-models/alias", {"name": "x", "alias": "a"}, "version"),
        ("POST", "registered-models/alias", {"name": "x", "version": "1"}, "alias"),
        ("GET", "registered-models/alias", {"name": "x"}, "alias"),
        ("POST", "model-versions/create", {"name": "x"}, "source"),
        ("GET", "model-versions/get", {"name": "x"}, "version"),
        ("DELETE", "model-versions/delete", {"version": "1"}, "name"),
        ("POST", "model-versions/transition-stage", {"name": "x", "version": "1"}, "stage"),
    ],
)
def test_a_required_field_is_named(tracking, method, path, body, missing):
    answer = tracking.refused(method, path, **body) if method == "GET" else tracking.refused(method, path, body)
    said = f"Missing value for required parameter '{missing}'. See the API docs for more information about request parameters."
    assert answer == (400, "INVALID_PARAMETER_VALUE", said)


def test_description_and_rename(client, model, version):
    version()
    client.set_registered_model_alias(model, "best", "1")
    client.update_registered_model(model, "new")
    assert client.get_registered_model(model).description == "new"
    client.rename_registered_model(model, f"{model} renamed")
    assert client.get_registered_model(f"{model} renamed").description == "new"
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(model)
    assert client.get_model_version(f"{model} renamed", "1").name == f"{model} renamed"
    assert client.get_model_version_by_alias(f"{model} renamed", "best").version == "1"
    client.create_registered_model(model)
    with pytest.raises(MlflowException) as raised:
        client.rename_registered_model(f"{model} renamed", model)
    assert raised.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_tags(client, model):
    client.set_registered_model_tag(model, "a", "1")
    client.set_registered_model_tag(model, "a", "2")
    client.set_registered_model_tag(model, "b", "")
    assert client.get_registered_model(model).tags == {"a": "2", "b": ""}
    client.delete_registered_model_tag(model, "a")
    client.delete_registered_model_tag(model, "nothing")
    assert client.get_registered_model(model).tags == {"b": ""}


@pytest.mark.parametrize("path", ["registered-models/set-tag", "model-versions/set-tag"])
@pytest.mark.parametrize(
    ("key", "value", "part"),
    [("k" * 251, "v", "'key' exceeds the maximum length of 250 characters"),
     ("k", "v" * 100_001, "'value' exceeds the maximum length of 100000 characters"),
     ("a$b", "v", "Names may only contain alphanumerics")],
    ids=["key", "value", "characters"],
)
def test_tags_that_are_refused(tracking, model, version, path, key, value, part):
    version()
    body = {"name": model, "version": "1", "key": key, "value": value}
    status, code, said = tracking.refused("POST", path, body)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE") and part in said


def test_delete(client, model, version):
    version()
    client.delete_registered_model(model)
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(model)
    assert client.search_model_versions(f"name = '{model}'") == []
    client.create_registered_model(model)
    assert client.get_registered_model(model).latest_versions == []


# Versions


def test_everything_of_a_version(client, model, version, run):
    made = version(tags={"a": "b"}, description="first", run_link="http://there")
    assert (made.name, made.version, made.current_stage, made.status) == (model, "1", "None", "READY")
    assert (made.run_id, made.description, made.tags, made.run_link) == (run, "first", {"a": "b"}, "http://there")
    assert made.source == f"{client.get_run(run).info.artifact_uri}/m" and made.aliases == []
    found = client.get_model_version(model, "1")
    assert dict(found) == dict(made)
    assert client.get_model_version_download_uri(model, "1") == made.source
    assert [v.version for v in client.get_registered_model(model).latest_versions] == ["1"]


def test_numbers_are_never_used_again(client, model, version):
    assert [version().version for _ in range(3)] == ["1", "2", "3"]
    client.delete_model_version(model, "3")
    client.delete_model_version(model, "1")
    assert version().version == "4"
    assert sorted(v.version for v in client.search_model_versions(f"name = '{model}'")) == ["2", "4"]


def test_a_version_that_is_not_there(tracking, model):
    said = f"Model Version (name={model}, version=9) not found"
    assert tracking.refused("GET", "model-versions/get", name=model, version="9") == (404, "RESOURCE_DOES_NOT_EXIST", said)
    body = {"name": model, "version": "9"}
    assert tracking.refused("DELETE", "model-versions/delete", body) == (404, "RESOURCE_DOES_NOT_EXIST", said)
    more = {"stage": "Staging", "archive_existing_versions": False}
    assert tracking.refused("POST", "model-versions/transition-stage", body | more) == (404, "RESOURCE_DOES_NOT_EXIST", said)
    assert tracking.refused("POST", "model-versions/set-tag", body | {"key": "a", "value": "b"})[:2] == (
        404, "RESOURCE_DOES_NOT_EXIST")


def test_a_version_that_is_no_number(tracking, model):
    status, code, said = tracking.refused("GET", "model-versions/get", name=model, version="x")
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE") and "integer" in said


def test_a_deleted_version_stays_away(tracking, client, model, version):
    version()
    client.delete_model_version(model, "1")
    assert tracking.get("model-versions/get", name=model, version="1").status == 404
    assert client.get_registered_model(model).latest_versions == []


def test_description_and_tags_of_a_version(client, model, version):
    version()
    client.update_model_version(model, "1", "new")
    client.set_model_version_tag(model, "1", "a", "1")
    client.set_model_version_tag(model, "1", "a", "2")
    client.set_model_version_tag(model, "1", "b", "3")
    client.delete_model_version_tag(model, "1", "b")
    client.delete_model_version_tag(model, "1", "nothing")
    found = client.get_model_version(model, "1")
    assert (found.description, found.tags) == ("new", {"a": "2"})


@pytest.mark.parametrize("source", ["s3://bucket/key", "gs://bucket/a/b", "wasbs://c@a.blob.core.windows.net/p"])
def test_sources_elsewhere(client, model, source):
    assert client.create_model_version(model, source).source == source


@pytest.mark.parametrize(
    "source",
    ["https://host/path", "http://127.0.0.1/x", "file:///etc", "/etc", "dummy", "./x", "mlflow-artifacts:/0/somebody/artifacts/m",
     "mlflow-artifacts://host/0/a", "s3://bucket/a/../../b"],
)
def test_sources_that_are_refused(tracking, client, model, source):
    assert tracking.refused("POST", "model-versions/create", {"name": model, "source": source})[:2] == (
        400, "INVALID_PARAMETER_VALUE")
    assert client.search_model_versions(f"name = '{model}'") == []


def test_a_source_that_breaks_the_real_server(tracking, model):
    body = {"name": model, "source": "file://host/etc"}
    assert tracking.post("model-versions/create", body).status == here("what cannot be read breaks the server")


# Stages


def stages(client, model):
    return {v.version: v.current_stage for v in client.search_model_versions(f"name = '{model}'")}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("given", "kept"), [("Production", "Production"), ("production", "Production"), ("STAGING", "Staging"), ("archived", "Archived"), ("None", "None")],
)
def test_stages(client, model, version, given, kept):
    version()
    assert client.transition_model_version_stage(model, "1", given).current_stage == kept
    assert client.get_model_version(model, "1").current_stage == kept


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_stage_archives_the_ones_before(client, model, version):
    for _ in range(3):
        version()
    client.transition_model_version_stage(model, "1", "Production")
    client.transition_model_version_stage(model, "2", "Production")
    assert stages(client, model) == {"1": "Production", "2": "Production", "3": "None"}
    client.transition_model_version_stage(model, "3", "Production", archive_existing_versions=True)
    assert stages(client, model) == {"1": "Archived", "2": "Archived", "3": "Production"}


def test_stages_that_are_refused(tracking, model, version):
    version()
    body = {"name": model, "version": "1", "stage": "Foo", "archive_existing_versions": False}
    assert tracking.refused("POST", "model-versions/transition-stage", body) == (
        400, "INVALID_PARAMETER_VALUE",
        "Invalid Model Version stage: Foo. Value must be one of None, Staging, Production, Archived.",
    )
    body |= {"stage": "None", "archive_existing_versions": True}
    assert tracking.refused("POST", "model-versions/transition-stage", body)[:2] == here("archiving for no active stage")
    assert tracking.refused("POST", "registered-models/get-latest-versions", {"name": model, "stages": ["Foo"]})[:2] == (
        400, "INVALID_PARAMETER_VALUE")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_latest_of_each_stage(client, model, version):
    for stage in ("Production", "Production", "Staging", "None", "None"):
        client.transition_model_version_stage(model, version().version, stage)
    found = lambda *s: sorted((v.current_stage, v.version) for v in client.get_latest_versions(model, list(s) or None))  # noqa: E731
    assert found() == [("None", "5"), ("Production", "2"), ("Staging", "3")]
    assert found("Production") == [("Production", "2")] and found("Archived") == []
    latest = client.get_registered_model(model).latest_versions
    assert sorted((v.current_stage, v.version) for v in latest) == found()


# Aliases


def test_aliases(client, model, version):
    for _ in range(2):
        version()
    client.set_registered_model_alias(model, "champion", "1")
    client.set_registered_model_alias(model, "challenger", "2")
    client.set_registered_model_alias(model, "also-best_1", "1")
    assert client.get_registered_model(model).aliases == {"champion": "1", "challenger": "2", "also-best_1": "1"}
    assert sorted(client.get_model_version(model, "1").aliases) == ["also-best_1", "champion"]
    client.set_registered_model_alias(model, "champion", "2")
    assert client.get_model_version_by_alias(model, "champion").version == "2"
    assert client.get_model_version(model, "1").aliases == ["also-best_1"]
    client.delete_registered_model_alias(model, "champion")
    client.delete_registered_model_alias(model, "champion")
    assert client.get_registered_model(model).aliases == {"challenger": "2", "also-best_1": "1"}


def test_an_alias_goes_with_its_version(client, model, version):
    version()
    client.set_registered_model_alias(model, "champion", "1")
    client.delete_model_version(model, "1")
    assert client.get_registered_model(model).aliases == {}


ALIASES = {
    "latest": "'latest' alias name (case insensitive) is reserved.",
    "LATEST": "'latest' alias name (case insensitive) is reserved.",
    "v1": "Version alias name 'v1' is reserved.",
    "V22": "Version alias name 'V22' is reserved.",
    "a b": "Invalid alias name: 'a b'. Names may only contain alphanumerics, underscores (_), and dashes (-).",
    "a/b": "Invalid alias name: 'a/b'. Names may only contain alphanumerics, underscores (_), and dashes (-).",
    "a.b": "Invalid alias name: 'a.b'. Names may only contain alphanumerics, underscores (_), and dashes (-).",
    "x" * 256: "'Registered model alias name' exceeds the maximum length of 255 characters",
    "": "Missing value for required parameter 'alias'. See the API docs for more information about request parameters.",
}


@pytest.mark.parametrize("alias", ALIASES, ids=lambda a: a[:10])
def test_aliases_that_are_refused(tracking, model, version, alias):
    version()
    body = {"name": model, "alias": alias, "version": "1"}
    assert tracking.refused("POST", "registered-models/alias", body) == (400, "INVALID_PARAMETER_VALUE", ALIASES[alias])


def test_aliases_of_what_is_not_there(tracking, model):
    assert tracking.refused("GET", "registered-models/alias", name=model, alias="no") == (
        400, "INVALID_PARAMETER_VALUE", "Registered model alias no not found.",
    )
    assert tracking.refused("POST", "registered-models/alias", {"name": model, "alias": "a", "version": "7"}) == (
        404, "RESOURCE_DOES_NOT_EXIST", f"Model Version (name={model}, version=7) not found",
    )


# Searches


@pytest.fixture(scope="module")
def corpus(client):
    """(prefix, run): models `a`, `B`, `c_x` with tags; `a` has three versions, `B` one."""
    prefix = uuid.uuid4().hex[:8]
    experiment = client.create_experiment(f"registry-{prefix}")
    runs = [client.create_run(experiment).info.run_id for _ in range(2)]
    for n, name in enumerate(["a", "B", "c_x"]):
        client.create_registered_model(f"{prefix} {name}", tags={"n": str(n), "odd key": "it's"} if n else {"n": "0"})
    for n in range(3):
        source = f"mlflow-artifacts:/{experiment}/{runs[n % 2]}/artifacts/m{n}"
        client.create_model_version(f"{prefix} a", source, runs[n % 2], tags={"stage": "dev" if n else "prod"})
    client.create_model_version(f"{prefix} B", f"mlflow-artifacts:/{experiment}/{runs[0]}/artifacts/m", runs[0])
    return prefix, runs


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("name LIKE '$%'", "B a c_x"),
        ("name = '$ a'", "a"),
        ("name != '$ a' AND name LIKE '$%'", "B c_x"),
        ("name ILIKE '$ b'", "B"),
        ("name LIKE '$ b'", ""),
        ("name LIKE '$ c__'", "c_x"),
        ("name IN ('$ a', '$ B')", "B a"),
        ("name NOT IN ('$ a') AND name LIKE '$%'", "B c_x"),
        ("attribute.name = '$ a'", "a"),
        ("tags.n = '1' AND name LIKE '$%'", "B"),
        ("tag.n = '1' AND name LIKE '$%'", "B"),
        ("tags.n != '1' AND name LIKE '$%'", "a c_x"),
        ("tags.n LIKE '%' AND name LIKE '$%'", "B a c_x"),
        ("tags.`odd key` = \"it's\" AND name LIKE '$%'", "B c_x"),
        ("tags.n ILIKE '2' AND tags.`odd key` LIKE 'it%' AND name LIKE '$%'", "c_x"),
    ],
)
def test_filters_of_models(client, corpus, filter, expected):
    prefix, _ = corpus
    found = client.search_registered_models(filter.replace("$", prefix))
    assert [m.name.removeprefix(f"{prefix} ") for m in found] == expected.split()


@pytest.mark.parametrize(
    ("order", "expected"),
    [(["name"], "B a c_x"), (["name DESC"], "c_x a B"), (["timestamp"], "c_x a B"), (["last_updated_timestamp DESC"], "B a c_x")],
)
def test_orders_of_models(client, corpus, order, expected):
    prefix, _ = corpus
    found = client.search_registered_models(f"name LIKE '{prefix}%'", order_by=order)
    assert [m.name.removeprefix(f"{prefix} ") for m in found] == expected.split()


def test_pages_of_models(client, corpus):
    prefix, _ = corpus
    first = client.search_registered_models(f"name LIKE '{prefix}%'", max_results=2)
    second = client.search_registered_models(f"name LIKE '{prefix}%'", max_results=2, page_token=first.token)
    assert [m.name.removeprefix(f"{prefix} ") for m in [*first, *second]] == ["B", "a", "c_x"] and not second.token


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("name = '$ a'", "3 2 1"),
        ("name LIKE '$ a'", "3 2 1"),
        ("name ILIKE '$ A'", "3 2 1"),
        ("name = '$ a' AND run_id = '<0>'", "3 1"),
        ("name = '$ a' AND run_id IN ('<1>')", "2"),
        ("name = '$ a' AND run_id NOT IN ('<1>')", "3 1"),
        ("name = '$ a' AND source_path LIKE '%/m1'", "2"),
        ("name = '$ a' AND version_number > 1", "3 2"),
        ("name = '$ a' AND version_number >= 3", "3"),
        ("name = '$ a' AND version_number = 2", "2"),
        ("name = '$ a' AND version_number != 2", "3 1"),
        ("name = '$ a' AND version_number < 2", "1"),
        ("name = '$ a' AND tags.stage = 'dev'", "3 2"),
        ("name = '$ a' AND tags.stage != 'dev'", "1"),
        ("name = '$ a' AND tags.stage LIKE 'p%'", "1"),
        ("name = '$ none'", ""),
    ],
)
def test_filters_of_versions(client, corpus, filter, expected):
    prefix, runs = corpus
    filter = filter.replace("$", prefix).replace("<0>", runs[0]).replace("<1>", runs[1])
    assert [v.version for v in client.search_model_versions(filter)] == expected.split()


@pytest.mark.parametrize(
    ("order", "expected"),
    [(["version_number ASC"], "1 2 3"), (["version_number DESC"], "3 2 1"), (["creation_timestamp"], "1 2 3"),
     (["last_updated_timestamp DESC"], "3 2 1"), (["name", "version_number"], "1 2 3")],
)
def test_orders_of_versions(client, corpus, order, expected):
    prefix, _ = corpus
    assert [v.version for v in client.search_model_versions(f"name = '{prefix} a'", order_by=order)] == expected.split()


def test_pages_of_versions(client, corpus):
    prefix, _ = corpus
    first = client.search_model_versions(f"name = '{prefix} a'", max_results=2)
    second = client.search_model_versions(f"name = '{prefix} a'", max_results=2, page_token=first.token)
    assert [v.version for v in [*first, *second]] == ["3", "2", "1"] and not second.token


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("registered-models/search", {"filter": "name = 'a' OR name = 'b'"}),
        ("registered-models/search", {"filter": "name = 3"}),
        ("registered-models/search", {"filter": "description = 'x'"}),
        ("registered-models/search", {"filter": "name > 'x'"}),
        ("registered-models/search", {"order_by": "creation_timestamp"}),
        ("registered-models/search", {"order_by": "name SIDEWAYS"}),
        ("registered-models/search", {"max_results": 1001}),
        ("registered-models/search", {"max_results": "x"}),
        ("model-versions/search", {"filter": "name = 'a' OR name = 'b'"}),
        ("model-versions/search", {"filter": "version_number = 'x'"}),
        ("model-versions/search", {"filter": "stage = 'x'"}),
        ("model-versions/search", {"order_by": "foo"}),
        ("model-versions/search", {"max_results": 200_001}),
        ("model-versions/search", {"max_results": 0}),
    ],
)
def test_searches_that_are_refused(tracking, path, query):
    assert tracking.refused("GET", path, **query)[:2] == (400, "INVALID_PARAMETER_VALUE")
