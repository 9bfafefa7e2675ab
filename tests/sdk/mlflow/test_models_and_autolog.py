"""Models that are logged and loaded again, and what the client logs by itself."""

import json

import mlflow
import openai
import pytest
from mlflow.models import infer_signature

from rig.weir import CALLER_KEY

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(180)]


class Adder(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[int], params=None) -> list[int]:
        return [n + 1 for n in model_input]


#: Given, so that the client does not load the model to find out.
REQUIREMENTS = ["mlflow"]


@pytest.fixture
def logged(experiment, fresh):
    """(run, model info): a model that adds one, registered under the test's name."""
    with mlflow.start_run() as run:
        info = mlflow.pyfunc.log_model(name="adder", python_model=Adder(), pip_requirements=REQUIREMENTS,
                                       registered_model_name=fresh)
    return run, info


def adds(uri):
    return mlflow.pyfunc.load_model(uri).predict([1, 41]) == [2, 42]


def test_a_model_by_every_address(client, logged, fresh):
    run, info = logged
    assert adds(info.model_uri) and info.model_uri == f"models:/{info.model_id}"
    assert adds(f"runs:/{run.info.run_id}/adder")
    assert adds(f"models:/{fresh}/1")
    assert adds(f"models:/{fresh}/latest")
    client.transition_model_version_stage(fresh, "1", "Production")
    assert adds(f"models:/{fresh}/Production")
    client.set_registered_model_alias(fresh, "champion", "1")
    assert adds(f"models:/{fresh}@champion")


def test_what_is_kept_of_a_model(client, logged, fresh, experiment):
    run, info = logged
    version = client.get_model_version(fresh, "1")
    assert (version.run_id, version.status) == (run.info.run_id, "READY")
    assert version.source in (f"models:/{info.model_id}", client.get_logged_model(info.model_id).artifact_location)
    model = client.get_logged_model(info.model_id)
    assert model.name == "adder" and str(model.status) == "READY" and model.source_run_id == run.info.run_id
    outputs = client.get_run(run.info.run_id).outputs.model_outputs
    assert [o.model_id for o in outputs] == [info.model_id]
    files = {f.path for f in client.list_logged_model_artifacts(info.model_id)}
    assert {"MLmodel", "python_model.pkl", "requirements.txt"} <= files
    registered = mlflow.search_logged_models(experiment_ids=[experiment], output_format="list")
    assert [m.model_id for m in registered] == [info.model_id]


def test_the_old_way_to_say_it(experiment):
    with mlflow.start_run() as run:
        mlflow.pyfunc.log_model("model", python_model=Adder(), pip_requirements=REQUIREMENTS)
    assert adds(f"runs:/{run.info.run_id}/model")


def test_a_second_version(client, logged, fresh):
    run, info = logged
    made = mlflow.register_model(f"runs:/{run.info.run_id}/adder", fresh, tags={"again": "yes"})
    assert made.version == 2 or made.version == "2"
    assert adds(f"models:/{fresh}/2") and client.get_model_version(fresh, "2").tags == {"again": "yes"}


def test_a_model_with_a_signature_an_example_and_files(experiment, tmp_path):
    (tmp_path / "words.json").write_text('{"hello": "world"}')

    class Words(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            self.words = json.load(open(context.artifacts["words"]))

        def predict(self, context, model_input, params=None):
            return [self.words[w] for w in model_input["word"]]

    import pandas

    example = pandas.DataFrame({"word": ["hello"]})
    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(
            name="words", python_model=Words(), artifacts={"words": str(tmp_path / "words.json")}, pip_requirements=REQUIREMENTS,
            signature=infer_signature(example, ["world"]), input_example=example,
        )
    loaded = mlflow.pyfunc.load_model(info.model_uri)
    assert loaded.predict(example) == ["world"] and loaded.metadata.get_input_schema().input_names() == ["word"]
    assert loaded.input_example["word"][0] == "hello"
    with pytest.raises(mlflow.exceptions.MlflowException):
        loaded.predict(pandas.DataFrame({"other": ["hello"]}))


def test_scikit_learn_logs_by_itself(client, experiment, fresh):
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog(log_input_examples=True, log_model_signatures=True, registered_model_name=fresh, silent=True)
    try:
        x, y = load_iris(return_X_y=True, as_frame=True)
        with mlflow.start_run() as run:
            model = LogisticRegression(max_iter=200, C=0.5).fit(x, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    found = client.get_run(run.info.run_id)
    assert found.data.params["C"] == "0.5" and found.data.params["max_iter"] == "200"
    assert found.data.metrics["training_accuracy_score"] == pytest.approx(model.score(x, y))
    assert found.data.tags["estimator_name"] == "LogisticRegression"
    assert [i.dataset.name for i in found.inputs.dataset_inputs] != []
    loaded = mlflow.sklearn.load_model(f"models:/{fresh}/1")
    assert list(loaded.predict(x)) == list(model.predict(x))
    info = mlflow.models.get_model_info(f"models:/{fresh}/1")
    assert len(info.signature.inputs.inputs) == 4 and info.saved_input_example_info
    files = {f.path for f in client.list_artifacts(run.info.run_id)}
    assert "training_confusion_matrix.png" in files and "estimator.html" in files


def test_openai_logs_by_itself(fake, experiment):
    mlflow.openai.autolog()
    try:
        client = openai.OpenAI(base_url=f"{fake.url}/v1", api_key=CALLER_KEY, max_retries=0)
        plain = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello"}], temperature=0.5)
        stream = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "again"}], stream=True)
        streamed = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
    finally:
        mlflow.openai.autolog(disable=True)
    traces = mlflow.search_traces(locations=[experiment], order_by=["timestamp ASC"], return_type="list")
    assert len(traces) == 2
    span = traces[0].data.spans[0]
    assert span.span_type == "CHAT_MODEL" and span.inputs["messages"] == [{"role": "user", "content": "hello"}]
    assert span.outputs["choices"][0]["message"]["content"] == plain.choices[0].message.content
    assert traces[0].info.token_usage["input_tokens"] == plain.usage.prompt_tokens
    assert traces[0].info.token_usage["output_tokens"] == plain.usage.completion_tokens
    assert streamed and streamed in json.dumps(traces[1].data.spans[0].outputs)


def test_openai_that_fails(fake, experiment):
    mlflow.openai.autolog()
    try:
        client = openai.OpenAI(base_url=f"{fake.url}/v1", api_key=CALLER_KEY, max_retries=0)
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="gpt-4o!status=400", messages=[{"role": "user", "content": "hello"}])
    finally:
        mlflow.openai.autolog(disable=True)
    traces = mlflow.search_traces(locations=[experiment], return_type="list")
    assert [t.info.state.value for t in traces] == ["ERROR"]
    assert traces[0].data.spans[0].events[0].name == "exception"


def test_langchain_logs_by_itself(experiment):
    from langchain_core.language_models.fake_chat_models import FakeListChatModel
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    mlflow.langchain.autolog()
    try:
        chain = ChatPromptTemplate.from_template("What is {x}?") | FakeListChatModel(responses=["a weir"]) | StrOutputParser()
        assert chain.invoke({"x": "this"}) == "a weir"
    finally:
        mlflow.langchain.autolog(disable=True)
    trace = mlflow.search_traces(locations=[experiment], return_type="list")[0]
    spans = {s.name: s for s in trace.data.spans}
    assert {"RunnableSequence", "ChatPromptTemplate", "FakeListChatModel", "StrOutputParser"} <= set(spans)
    assert spans["RunnableSequence"].inputs == {"x": "this"} and spans["RunnableSequence"].outputs == "a weir"
    assert spans["FakeListChatModel"].span_type == "CHAT_MODEL" and spans["FakeListChatModel"].parent_id
