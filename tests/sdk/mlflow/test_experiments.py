"""Experiments: made, found, renamed, deleted, restored, tagged."""

import time

import mlflow
import pytest
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException, RestException

from differences import here

MISSING = "987654321"


def refusal(ask, *arguments, **named):
    """(error code, message) of a client's call that must fail."""
    with pytest.raises(MlflowException) as raised:
        ask(*arguments, **named)
    return raised.value.error_code, raised.value.message


def test_the_default_experiment_is_there(client):
    default = client.get_experiment("0")
    assert (default.name, default.experiment_id, default.lifecycle_stage) == ("Default", "0", "active")
    assert client.get_experiment_by_name("Default").experiment_id == "0"


def test_everything_of_a_new_one(client, fresh):
    before = int(time.time() * 1000)
    id = client.create_experiment(fresh, tags={"team": "water", "ä b": "π"})
    found = client.get_experiment(id)
    assert id.isdigit() and int(id) > 0
    assert (found.experiment_id, found.name, found.lifecycle_stage) == (id, fresh, "active")
    assert found.artifact_location == f"mlflow-artifacts:/{id}"
    assert found.tags == {"team": "water", "ä b": "π"}
    assert before - 1000 <= found.creation_time <= int(time.time() * 1000) + 1000
    assert found.last_update_time >= found.creation_time
    assert dict(client.get_experiment_by_name(fresh)) == dict(found)


def test_the_fields_of_the_answer(tracking, fresh):
    made = tracking.ok("POST", "experiments/create", {"name": fresh})
    assert set(made) == {"experiment_id"}
    found = tracking.ok("GET", "experiments/get", experiment_id=made["experiment_id"])["experiment"]
    assert {
        "experiment_id", "name", "artifact_location", "lifecycle_stage", "last_update_time", "creation_time",
    } <= set(found)
    assert type(found["creation_time"]) is int and type(found["experiment_id"]) is str


@pytest.mark.parametrize("suffix", ["ünïcødé 日本語", "with 'quote' \"double\"", "a/b:c%d;e", "🙂" * 20, "tab\there"])
def test_any_name_is_kept(client, fresh, suffix):
    name = f"{fresh} {suffix}"
    id = client.create_experiment(name)
    assert client.get_experiment(id).name == name
    assert client.get_experiment_by_name(name).experiment_id == id


def test_a_name_of_500_characters(client, fresh):
    name = fresh + "ä" * (500 - len(fresh))
    assert client.get_experiment(client.create_experiment(name)).name == name


def test_a_name_of_501_characters(tracking, fresh):
    status, code, said = tracking.refused("POST", "experiments/create", {"name": fresh + "x" * (501 - len(fresh))})
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert "exceeds the maximum length of 500 characters" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Missing value for required parameter 'name'. See the API docs for more information about request parameters."),
        ({"name": ""}, "Missing value for required parameter 'name'. See the API docs for more information about request parameters."),
        ({"name": 123}, "Invalid value 123 for parameter 'name' supplied:  Hint: Value was of type 'int'. "
                        "See the API docs for more information about request parameters."),
        ({"name": ["a"]}, "Invalid value [\"a\"] for parameter 'name' supplied:  Hint: Value was of type 'list'. "
                          "See the API docs for more information about request parameters."),
    ],
    ids=["missing", "empty", "number", "list"],
)
def test_a_name_that_is_none(tracking, body, said):
    assert tracking.refused("POST", "experiments/create", body) == (400, "INVALID_PARAMETER_VALUE", said)


def test_a_name_twice(client, fresh):
    client.create_experiment(fresh)
    code, said = refusal(client.create_experiment, fresh)
    assert code == "RESOURCE_ALREADY_EXISTS"
    assert said.startswith(f"RESOURCE_ALREADY_EXISTS: Experiment(name={fresh}) already exists.")


def test_the_name_of_a_deleted_one(client, fresh):
    client.delete_experiment(client.create_experiment(fresh))
    assert refusal(client.create_experiment, fresh)[0] == "RESOURCE_ALREADY_EXISTS"


def test_a_name_twice_is_400(tracking, fresh):
    tracking.ok("POST", "experiments/create", {"name": fresh})
    assert tracking.refused("POST", "experiments/create", {"name": fresh})[:2] == (400, "RESOURCE_ALREADY_EXISTS")


def test_what_does_not_exist(tracking, client):
    assert tracking.refused("GET", "experiments/get", experiment_id=MISSING) == (
        404, "RESOURCE_DOES_NOT_EXIST", f"No Experiment with id={MISSING} exists",
    )
    assert tracking.refused("GET", "experiments/get-by-name", experiment_name="no such") == (
        404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with name 'no such'",
    )
    assert client.get_experiment_by_name("no such") is None


def test_an_id_that_is_no_number(tracking):
    assert tracking.refused("GET", "experiments/get", experiment_id="abc") == (
        400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.",
    )


@pytest.mark.parametrize(
    ("method", "path", "missing"),
    [
        ("GET", "experiments/get", "experiment_id"),
        ("GET", "experiments/get-by-name", "experiment_name"),
        ("POST", "experiments/delete", "experiment_id"),
        ("POST", "experiments/restore", "experiment_id"),
        ("POST", "experiments/update", "experiment_id"),
        ("POST", "experiments/set-experiment-tag", "experiment_id"),
        ("POST", "experiments/delete-experiment-tag", "experiment_id"),
    ],
)
def test_a_required_field_is_named(tracking, method, path, missing):
    said = f"Missing value for required parameter '{missing}'. See the API docs for more information about request parameters."
    body = {} if method == "POST" else None
    assert tracking.refused(method, path, body) == (400, "INVALID_PARAMETER_VALUE", said)


def test_rename(client, fresh, experiment):
    before = client.get_experiment(experiment)
    client.rename_experiment(experiment, f"{fresh} renamed")
    found = client.get_experiment(experiment)
    assert found.name == f"{fresh} renamed" and found.last_update_time >= before.last_update_time
    assert client.get_experiment_by_name(fresh) is None


def test_rename_to_a_name_that_is_taken(client, fresh, experiment):
    other = client.create_experiment(f"{fresh} other")
    assert refusal(client.rename_experiment, other, fresh)[0] == here("rename to a name that is taken")
    assert client.get_experiment(other).name == f"{fresh} other"


def test_rename_of_a_deleted_one(tracking, client, fresh, experiment):
    client.delete_experiment(experiment)
    answer = tracking.post("experiments/update", {"experiment_id": experiment, "new_name": f"{fresh} renamed"})
    assert answer.status == here("rename a deleted experiment")
    assert client.get_experiment(experiment).name == fresh


def test_delete_and_restore(client, experiment):
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "active"


def test_its_runs_go_and_come_back_with_it(client, experiment, run):
    client.delete_experiment(experiment)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_run(run).info.lifecycle_stage == "active"


@pytest.mark.parametrize("path", ["experiments/delete", "experiments/restore"])
def test_in_the_wrong_state(tracking, client, experiment, path):
    if path == "experiments/delete":
        client.delete_experiment(experiment)
    assert tracking.refused("POST", path, {"experiment_id": experiment})[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    assert tracking.refused("POST", path, {"experiment_id": MISSING})[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_no_run_in_a_deleted_one(client, tracking, experiment):
    client.delete_experiment(experiment)
    status, code, said = tracking.refused("POST", "runs/create", {"experiment_id": experiment})
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert said.startswith(f"The experiment {experiment} must be in the 'active' state.")


def test_no_run_in_one_that_is_not_there(tracking):
    assert tracking.refused("POST", "runs/create", {"experiment_id": MISSING})[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


# Tags


def test_tags_are_set_replaced_and_deleted(client, experiment):
    client.set_experiment_tag(experiment, "mlflow.note.content", "# notes")
    client.set_experiment_tag(experiment, "owner", "one")
    client.set_experiment_tag(experiment, "owner", "two")
    client.set_experiment_tag(experiment, "empty", "")
    assert client.get_experiment(experiment).tags == {"mlflow.note.content": "# notes", "owner": "two", "empty": ""}
    client.delete_experiment_tag(experiment, "owner")
    assert client.get_experiment(experiment).tags == {"mlflow.note.content": "# notes", "empty": ""}


def test_a_tag_that_is_not_there_cannot_be_deleted(tracking, experiment):
    status, code, said = tracking.refused(
        "POST", "experiments/delete-experiment-tag", {"experiment_id": experiment, "key": "nothing"}
    )
    assert (status, code) == (404, "RESOURCE_DOES_NOT_EXIST") and "nothing" in said


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [("k" * 251, "v", "exceeds the maximum length of 250 characters"),
     ("k", "v" * 20001, "exceeds the maximum length of 20000 characters")],
    ids=["key", "value"],
)
def test_a_tag_that_is_too_long(tracking, experiment, key, value, part):
    status, code, said = tracking.refused(
        "POST", "experiments/set-experiment-tag", {"experiment_id": experiment, "key": key, "value": value}
    )
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE") and part in said


def test_the_longest_tag(client, experiment):
    client.set_experiment_tag(experiment, "k" * 250, "ä" * 20000)
    assert client.get_experiment(experiment).tags == {"k" * 250: "ä" * 20000}


def test_tags_of_a_deleted_one(tracking, client, experiment):
    client.delete_experiment(experiment)
    status, code, said = tracking.refused(
        "POST", "experiments/set-experiment-tag", {"experiment_id": experiment, "key": "a", "value": "b"}
    )
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert said.startswith(f"The experiment {experiment} must be in the 'active' state.")


# A place for artifacts


def test_a_place_of_its_own_is_kept_as_it_is(client, fresh):
    id = client.create_experiment(fresh, artifact_location="mlflow-artifacts:/elsewhere")
    assert client.get_experiment(id).artifact_location == "mlflow-artifacts:/elsewhere"
    run = client.create_run(id)
    assert run.info.artifact_uri == f"mlflow-artifacts:/elsewhere/{run.info.run_id}/artifacts"


@pytest.mark.parametrize(
    "place",
    ["mlflow-artifacts:/a#b", "http://h/a/../b", "https://h/a#b", "https://h/a?b=c"],
)
def test_a_place_that_is_refused(tracking, fresh, place):
    assert tracking.refused("POST", "experiments/create", {"name": fresh, "artifact_location": place})[:2] == (
        400, "INVALID_PARAMETER_VALUE",
    )
    assert tracking.get("experiments/get-by-name", experiment_name=fresh).status == 404


@pytest.mark.parametrize("place", ["mlflow-artifacts:/a/../../b", "mlflow-artifacts:/a?x=1"])
def test_a_place_that_only_weir_refuses(tracking, fresh, place):
    answer = tracking.post("experiments/create", {"name": fresh, "artifact_location": place})
    assert answer.status == here("a place that leaves its root")


# The list


@pytest.fixture(scope="module")
def listed(client):
    """Five experiments whose tag `corpus` is theirs alone; the last is deleted."""
    import uuid

    corpus = uuid.uuid4().hex[:8]
    made = []
    for n, name in enumerate(["Alpha", "alpha two", "BETA", "gamma_%", "omega"]):
        tags = {"corpus": corpus, "n": str(n)} | ({"odd key.x": "yes"} if n % 2 else {})
        made.append(client.create_experiment(f"{corpus} {name}", tags=tags))
    client.delete_experiment(made[-1])
    return corpus, made


def names(client, listed, filter="", **named):
    corpus, _ = listed
    clause = f"tags.corpus = '{corpus}'" + (f" AND {filter}" if filter else "")
    found = client.search_experiments(filter_string=clause.replace("$", corpus), **named)
    return [e.name.removeprefix(f"{corpus} ") for e in found]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("", ["gamma_%", "BETA", "alpha two", "Alpha"]),
        ("name = '$ BETA'", ["BETA"]),
        ("name != '$ BETA'", ["gamma_%", "alpha two", "Alpha"]),
        ("name LIKE '$ alpha%'", ["alpha two"]),
        ("name ILIKE '$ ALPHA%'", ["alpha two", "Alpha"]),
        ("name LIKE '$ _lpha'", ["Alpha"]),
        ("attribute.name = '$ BETA'", ["BETA"]),
        ("tags.n = '1'", ["alpha two"]),
        ("tag.n = '1'", ["alpha two"]),
        ("tags.n != '1'", ["gamma_%", "BETA", "Alpha"]),
        ("tags.n LIKE '%'", ["gamma_%", "BETA", "alpha two", "Alpha"]),
        ("tags.`odd key.x` = 'yes'", ["gamma_%", "alpha two"]),
        ('tags."odd key.x" = "yes"', ["gamma_%", "alpha two"]),
        ("tags.`odd key.x` != 'no'", ["gamma_%", "alpha two"]),
        ("tags.`odd key.x` IS NULL", ["BETA", "Alpha"]),
        ("tags.`odd key.x` IS NOT NULL", ["gamma_%", "alpha two"]),
        ("creation_time > 0", ["gamma_%", "BETA", "alpha two", "Alpha"]),
        ("creation_time < 1000", []),
        ("last_update_time >= 1 and creation_time <= 99999999999999", ["gamma_%", "BETA", "alpha two", "Alpha"]),
        ("tags.n = '1' AND name ILIKE '%TWO'", ["alpha two"]),
    ],
)
def test_filters(client, listed, filter, expected):
    assert names(client, listed, filter) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["name"], ["Alpha", "BETA", "alpha two", "gamma_%"]),
        (["name ASC"], ["Alpha", "BETA", "alpha two", "gamma_%"]),
        (["name desc"], ["gamma_%", "alpha two", "BETA", "Alpha"]),
        (["creation_time ASC"], ["Alpha", "alpha two", "BETA", "gamma_%"]),
        (["experiment_id DESC"], ["gamma_%", "BETA", "alpha two", "Alpha"]),
        (["attribute.name DESC"], ["gamma_%", "alpha two", "BETA", "Alpha"]),
    ],
)
def test_orders(client, listed, order, expected):
    assert names(client, listed, order_by=order) == expected


@pytest.mark.parametrize(
    ("view", "expected"),
    [(ViewType.ACTIVE_ONLY, 4), (ViewType.DELETED_ONLY, 1), (ViewType.ALL, 5)],
    ids=["active", "deleted", "all"],
)
def test_views(client, listed, view, expected):
    assert len(names(client, listed, view_type=view)) == expected


def test_ids_as_a_filter(client, listed):
    _, made = listed
    assert names(client, listed, f"experiment_id = '{made[1]}'") == ["alpha two"]
    assert names(client, listed, f"experiment_id IN ('{made[0]}', '{made[2]}')") == ["BETA", "Alpha"]
    assert names(client, listed, f"experiment_id NOT IN ('{made[0]}', '{made[2]}')") == ["gamma_%", "alpha two"]


def test_pages(client, listed):
    corpus, _ = listed
    found, token = [], None
    for size in (3, 3):
        page = client.search_experiments(filter_string=f"tags.corpus = '{corpus}'", max_results=size, page_token=token,
                                         view_type=ViewType.ALL)
        found.append(len(page))
        token = page.token
    assert found == [3, 2] and not token
    whole = client.search_experiments(filter_string=f"tags.corpus = '{corpus}'", max_results=5, view_type=ViewType.ALL)
    assert len(whole) == 5 and not whole.token


def test_the_fluent_client_reads_every_page(listed):
    corpus, _ = listed
    found = mlflow.search_experiments(filter_string=f"tags.corpus = '{corpus}'", max_results=2)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "Invalid value 0 for parameter 'max_results' supplied"),
        ({"max_results": 0}, "Invalid value 0 for parameter 'max_results' supplied"),
        ({"max_results": -1}, "-1"),
        ({"max_results": 50001}, "50001"),
        ({"max_results": 5, "page_token": "garbage!"}, ""),
        ({"max_results": 5, "filter": "name = 'a' OR name = 'b'"}, "Invalid"),
        ({"max_results": 5, "filter": "name"}, "Invalid"),
        ({"max_results": 5, "filter": "name == 'x'"}, "Invalid"),
        ({"max_results": 5, "filter": "nme = 'x'"}, "Invalid attribute key 'nme' specified."),
        ({"max_results": 5, "filter": "name > 'x'"}, "Invalid"),
        ({"max_results": 5, "filter": "name = 3"}, ""),
        ({"max_results": 5, "filter": "creation_time = 'x'"}, ""),
        ({"max_results": 5, "filter": "metrics.a = 3"}, ""),
        ({"max_results": 5, "order_by": ["nme"]}, ""),
        ({"max_results": 5, "order_by": ["name UP"]}, ""),
    ],
    ids=["absent", "zero", "negative", "too-many", "token", "or", "bare", "equals-twice", "unknown-key", "greater-text",
         "number-for-text", "text-for-number", "metrics", "order-key", "order-direction"],
)
def test_searches_that_are_refused(tracking, body, part):
    status, code, said = tracking.refused("POST", "experiments/search", body)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE") and part in said


def test_a_search_as_get(tracking, listed):
    corpus, _ = listed
    found = tracking.ok("GET", "experiments/search", max_results=10, filter=f"tags.corpus = '{corpus}'", view_type="ALL")
    assert len(found["experiments"]) == 5 and "next_page_token" not in found


def test_an_empty_search_is_an_empty_object(tracking):
    assert tracking.ok("POST", "experiments/search", {"max_results": 1, "filter": "name = 'no such thing'"}) == {}


def test_set_experiment_makes_it_once(fresh):
    made = mlflow.set_experiment(fresh)
    assert mlflow.set_experiment(fresh).experiment_id == made.experiment_id
    with mlflow.start_run() as run:
        assert run.info.experiment_id == made.experiment_id


def test_set_experiment_of_a_deleted_one(client, fresh):
    client.delete_experiment(client.create_experiment(fresh))
    with pytest.raises(MlflowException, match="deleted"):
        mlflow.set_experiment(fresh)


def test_the_error_is_a_rest_error(client):
    with pytest.raises(RestException) as raised:
        client.get_experiment(MISSING)
    assert raised.value.json["error_code"] == "RESOURCE_DOES_NOT_EXIST" and raised.value.get_http_status_code() == 404
