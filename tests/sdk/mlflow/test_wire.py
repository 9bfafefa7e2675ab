"""The conventions of the wire, which no client would let a test break."""

import gzip
import json

import pytest

from differences import here

MISSING_NAME = "Missing value for required parameter 'name'. See the API docs for more information about request parameters."


def test_health_and_version(tracking):
    health, version = tracking.get("/health"), tracking.get("/version")
    assert (health.status, health.text) == (200, "OK")
    assert version.status == 200 and tuple(map(int, version.text.split(".")[:2])) >= (3, 17)


def test_what_the_server_says_of_itself(tracking):
    said = tracking.ok("GET", "/api/3.0/mlflow/server-info")
    assert said["workspaces_enabled"] is False and said["trace_archival_enabled"] is False
    assert said["multipart_uploads_enabled"] is False and said["multipart_downloads_enabled"] is False
    assert said["store_type"] == "SqlStore"


@pytest.mark.parametrize("path", ["/api/2.0/mlflow/nope", "/api/2.0/mlflow", "/api/3.0/mlflow/nope/deep", "/ajax-api/2.0/mlflow/nope"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_paths_that_are_none(tracking, method, path):
    assert tracking.ask(method, path, {} if method == "POST" else None).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "experiments/create"), ("PUT", "experiments/create"), ("DELETE", "runs/search"), ("POST", "runs/get"),
     ("GET", "registered-models/create"), ("POST", "registered-models/get")],
)
def test_methods_that_are_none(tracking, method, path):
    assert tracking.ask(method, path, {} if method == "POST" else None).status in (404, 405)


# Both mounts


@pytest.mark.parametrize("mount", ["/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"])
def test_both_mounts(tracking, fresh, mount):
    made = tracking.ok("POST", f"{mount}experiments/create", {"name": fresh})["experiment_id"]
    run = tracking.ok("POST", f"{mount}runs/create", {"experiment_id": made})["run"]["info"]["run_id"]
    assert tracking.ok("GET", f"{mount}runs/get", run_id=run)["run"]["info"]["experiment_id"] == made
    assert len(tracking.ok("POST", f"{mount}runs/search", {"experiment_ids": [made]})["runs"]) == 1
    assert tracking.ok("GET", f"{mount}experiments/get-by-name", experiment_name=fresh)["experiment"]["name"] == fresh
    tracking.ok("POST", f"{mount}registered-models/create", {"name": fresh})
    assert tracking.ok("GET", f"{mount}registered-models/get", name=fresh)["registered_model"]["name"] == fresh
    place = f"{mount.replace('/mlflow/', '/mlflow-artifacts/artifacts/')}{made}/{run}/artifacts/a"
    assert tracking.ask("PUT", place, b"x").status == 200 and tracking.get(place).body == b"x"


def test_both_mounts_of_the_third_version(tracking, experiment):
    for mount in ("/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/"):
        locations = [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}]
        assert tracking.ok("POST", f"{mount}traces/search", {"locations": locations}) == {}


# Bodies


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"],
)
def test_content_types(tracking, fresh, kind):
    answer = tracking.ask("POST", "experiments/create", json.dumps({"name": fresh}), headers={"content-type": kind})
    assert answer.status == 200 and answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/xml"])
def test_content_types_that_are_refused(tracking, fresh, kind):
    answer = tracking.ask("POST", "experiments/create", json.dumps({"name": fresh}), headers={"content-type": kind})
    assert answer.status == 400
    assert answer.json()["message"] == "Bad Request. Content-Type must be one of ['application/json']."
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_no_content_type(tracking):
    body = b'{"name": "x"}'
    answer = tracking.bytes("POST", b"/api/2.0/mlflow/experiments/create", body)
    assert answer.status == 400 and b"Content-Type" in answer.body


@pytest.mark.parametrize("body", ["", "null", "{}"])
def test_an_empty_body_is_an_empty_object(tracking, body):
    assert tracking.refused("POST", "experiments/create", body) == (400, "INVALID_PARAMETER_VALUE", MISSING_NAME)


def test_a_body_in_a_body(tracking, fresh):
    made = tracking.ok("POST", "experiments/create", json.dumps(json.dumps({"name": fresh})))["experiment_id"]
    assert tracking.ok("GET", "experiments/get", experiment_id=made)["experiment"]["name"] == fresh


@pytest.mark.parametrize("body", ["[1]", "3", '"abc"', "true", "1e999"], ids=["list", "number", "text", "bool", "great"])
def test_a_body_that_is_no_object(tracking, body):
    assert tracking.post("experiments/create", body).status == here("what cannot be read breaks the server")


@pytest.mark.parametrize("body", ["{bad json", '{"name": "x"', '{"name": "x",}', "\x00", '{"name": "\x01"}'])
def test_a_body_that_is_no_json(tracking, body):
    assert tracking.post("experiments/create", body).status == 400


def test_a_body_nested_too_deep(tracking):
    answer = tracking.post("experiments/create", '{"name":' + "[" * 100_000 + "]" * 100_000 + "}")
    assert answer.status in (here("what cannot be read breaks the server"), 400)
    assert tracking.get("/health").status == 200


def test_fields_that_nobody_knows(tracking, fresh):
    assert "experiment_id" in tracking.ok("POST", "experiments/create", {"name": fresh, "what": {"is": ["this"]}})


def test_names_with_humps(tracking, experiment, run):
    assert len(tracking.ok("POST", "runs/search", {"experimentIds": [experiment], "maxResults": 5})["runs"]) == 1
    tracking.ok("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": 1, "modelId": ""})


def test_a_name_in_both_spellings(tracking, experiment):
    assert tracking.refused("POST", "runs/search", {"experiment_ids": [experiment], "experimentIds": [experiment]}) == (
        400, "INVALID_PARAMETER_VALUE",
        "Request specifies both 'experiment_ids' and 'experimentIds'; provide only one of them.",
    )


def test_answers_have_no_humps(tracking, experiment, run):
    text = tracking.get("runs/get", run_id=run).text
    assert '"run_id"' in text and '"artifact_uri"' in text and "runId" not in text and "artifactUri" not in text


def test_numbers_are_numbers(tracking, client, run):
    client.log_metric(run, "m", 1.0, timestamp=1700000000123, step=2**53 + 1)
    text = tracking.get("runs/get", run_id=run).text
    assert '"1700000000123"' not in text and "1700000000123" in text and str(2**53 + 1) in text


@pytest.mark.parametrize("given", ["ALL", 3, "ACTIVE_ONLY", 1, "DELETED_ONLY", 2])
def test_a_choice_by_name_or_number(tracking, client, experiment, run, given):
    gone = client.create_run(experiment).info.run_id
    client.delete_run(gone)
    found = tracking.ok("POST", "runs/search", {"experiment_ids": [experiment], "run_view_type": given}).get("runs", [])
    expected = {"ALL": {run, gone}, 3: {run, gone}, "ACTIVE_ONLY": {run}, 1: {run}, "DELETED_ONLY": {gone}, 2: {gone}}[given]
    assert {r["info"]["run_id"] for r in found} == expected


@pytest.mark.parametrize("given", ["SOME", 77])
def test_a_choice_that_is_none(tracking, experiment, given):
    answer = tracking.post("runs/search", {"experiment_ids": [experiment], "run_view_type": given})
    assert answer.status == here("what cannot be read is overlooked")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("runs/search", {"experiment_ids": "0"}, "Invalid value \"0\" for parameter 'experiment_ids' supplied:  Hint: Value was of type 'str'."),
        ("runs/create", {"experiment_id": 318}, "Invalid value 318 for parameter 'experiment_id' supplied:  Hint: Value was of type 'int'."),
        ("runs/log-batch", {"run_id": "0", "metrics": {"a": 1}},
         "Invalid value {\"a\":1} for parameter 'metrics' supplied:  Hint: Value was of type 'dict'."),
        ("runs/set-tag", {"run_id": "0", "key": 1, "value": "v"},
         "Invalid value 1 for parameter 'key' supplied:  Hint: Value was of type 'int'."),
        ("runs/set-tag", {"run_id": "0", "key": "k", "value": 3},
         "Invalid value 3 for parameter 'value' supplied:  Hint: Value was of type 'int'."),
        ("runs/log-metric", {"run_id": "0", "key": "k", "value": 1, "timestamp": "x"},
         "Invalid value \"x\" for parameter 'timestamp' supplied:  Hint: Value was of type 'str'."),
        ("experiments/search", {"max_results": "many"},
         "Invalid value \"many\" for parameter 'max_results' supplied:  Hint: Value was of type 'str'."),
        ("registered-models/create", {"name": {"a": None}},
         "Invalid value {\"a\":null} for parameter 'name' supplied:  Hint: Value was of type 'dict'."),
        ("registered-models/create", {"name": True}, "Invalid value true for parameter 'name' supplied:  Hint: Value was of type 'bool'."),
        ("registered-models/create", {"name": 1.5}, "Invalid value 1.5 for parameter 'name' supplied:  Hint: Value was of type 'float'."),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(tracking, path, body, said):
    said += " See the API docs for more information about request parameters."
    assert tracking.refused("POST", path, body) == (400, "INVALID_PARAMETER_VALUE", said)


@pytest.mark.parametrize("value", [3, True, ["a"]])
def test_a_value_of_the_wrong_kind_inside_a_list(tracking, run, value):
    answer = tracking.post("runs/log-batch", {"run_id": run, "params": [{"key": "p", "value": value}]})
    assert answer.status == here("what cannot be read is overlooked")


def test_null_is_absent(tracking, fresh):
    made = tracking.ok("POST", "experiments/create", {"name": fresh, "artifact_location": None, "tags": None})
    assert tracking.ok("GET", "experiments/get", experiment_id=made["experiment_id"])["experiment"].get("tags", []) == []


def test_empty_lists_are_left_out(tracking, run):
    said = tracking.ok("GET", "runs/get", run_id=run)["run"]
    assert "metrics" not in said["data"] and "params" not in said["data"] and "end_time" not in said["info"]


def test_writes_answer_an_empty_object(tracking, run):
    assert tracking.ok("POST", "runs/set-tag", {"run_id": run, "key": "a", "value": "b"}) == {}
    assert tracking.ok("POST", "runs/log-batch", {"run_id": run}) == {}
    assert tracking.ok("POST", "runs/delete", {"run_id": run}) == {}


# Queries


def test_a_flag_of_a_query(tracking, client, experiment):
    model = client.create_logged_model(experiment, name="m").model_id
    client.delete_logged_model(model)
    assert tracking.get(f"logged-models/{model}").status == 404
    for flag in ("true", "True", "TRUE"):
        assert tracking.get(f"logged-models/{model}", allow_deleted=flag).status == 200
    assert tracking.get(f"logged-models/{model}", allow_deleted="false").status == 404


def test_a_list_in_a_query(tracking, client, fresh, run):
    source = client.get_run(run).info.artifact_uri + "/m"
    tracking.ok("POST", "registered-models/create", {"name": fresh})
    for n in range(3):
        tracking.ok("POST", "model-versions/create", {"name": fresh, "source": source, "run_id": run})
    stages = {"1": "Staging", "2": "Production"}
    for version, stage in stages.items():
        tracking.ok("POST", "model-versions/transition-stage",
                    {"name": fresh, "version": version, "stage": stage, "archive_existing_versions": False})
    found = tracking.ok("GET", "registered-models/get-latest-versions", name=fresh, stages=["Staging", "Production"])
    assert {v["version"]: v["current_stage"] for v in found["model_versions"]} == stages


def test_text_of_a_query_is_decoded_once(tracking, client, fresh):
    name = f"{fresh} a+b%20c&d=é"
    made = client.create_experiment(name)
    assert tracking.ok("GET", "experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"] == made


# Errors


def test_an_error_is_json_of_three_parts(tracking):
    answer = tracking.get("experiments/get", experiment_id="987654321")
    said = answer.json()
    assert answer.status == 404 and set(said) >= {"error_code", "message"}
    assert said["error_code"] == "RESOURCE_DOES_NOT_EXIST" and type(said["message"]) is str


@pytest.mark.parametrize("path", ["experiments/search", "registered-models/search", "model-versions/search"])
@pytest.mark.parametrize("token", ["garbage", "!!!!", "eyJvZmZzZXQiOiAieCJ9", "%00"])
def test_page_tokens_that_are_none(tracking, path, token):
    assert tracking.refused("GET", path, max_results=5, page_token=token)[:2] == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/3.0/mlflow/traces/search", {"locations": [
            {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}]}),
        ("/api/3.0/mlflow/datasets/search", {"experiment_ids": ["0"]}),
    ],
)
def test_page_tokens_that_are_none_in_a_body(tracking, path, body):
    assert tracking.refused("POST", path, body | {"page_token": "garbage"})[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_a_page_token_that_breaks_the_real_server(tracking):
    body = {"experiment_ids": ["0"], "page_token": "garbage"}
    assert tracking.post("logged-models/search", body).status == here("what cannot be read breaks the server")


def test_an_error_leaves_the_connection_usable(tracking):
    import requests

    with requests.Session() as session:
        for _ in range(3):
            assert session.get(f"{tracking.url}/api/2.0/mlflow/experiments/get", params={"experiment_id": "abc"}).status_code == 400
            assert session.get(f"{tracking.url}/health").text == "OK"


def test_headers_of_the_client_do_not_matter(tracking):
    headers = {"user-agent": "mlflow-python-client/3.18.0", "x-mlflow-client-version": "3.18.0",
               "authorization": "Bearer something", "accept-encoding": "gzip"}
    answer = tracking.ask("GET", "experiments/get", headers=headers, experiment_id="0")
    body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
    assert answer.status == 200 and json.loads(body)["experiment"]["name"] == "Default"


def test_text_outside_ascii_comes_back(tracking, fresh):
    name = f"{fresh} 日本 \u2028 🙂 \x7f"
    made = tracking.ok("POST", "experiments/create", {"name": name})["experiment_id"]
    assert tracking.ok("GET", "experiments/get", experiment_id=made)["experiment"]["name"] == name


def test_the_version(tracking):
    assert tracking.get("/version").text == here("version")
