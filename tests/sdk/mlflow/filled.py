"""A tracking server with some of everything in it, put there by the unmodified client."""

import math
from types import SimpleNamespace

import mlflow
import pandas
from mlflow import MlflowClient
from mlflow.entities import AssessmentSource, Metric
from mlflow.genai.datasets import create_dataset
from sklearn.linear_model import LinearRegression

REQUIREMENTS = ["mlflow"]


class Adder(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[int]):
        return [n + 1 for n in model_input]


def fill(url):
    """The ids of what is there afterwards."""
    mlflow.set_tracking_uri(url)
    client = MlflowClient(url)
    made = SimpleNamespace(url=url)
    client.delete_experiment(client.create_experiment("gone"))
    made.experiment = client.create_experiment("trial", tags={"team": "x"})
    mlflow.set_experiment(experiment_id=made.experiment)
    with mlflow.start_run(run_name="first") as run:
        made.run = run.info.run_id
        mlflow.log_params({"lr": "0.1", "empty": ""})
        mlflow.log_metric("loss", math.nan, step=0)
        mlflow.log_metric("loss", math.inf, step=1)
        client.log_batch(made.run, [Metric("acc", step / 100, 1_700_000_000_000 + step, step) for step in range(100)])
        mlflow.set_tag("note", "ä")
        mlflow.log_text("hello", "notes.txt")
        mlflow.log_text("deep", "a/b/c d/ü%20.txt")
        mlflow.log_text("", "empty.bin")
        mlflow.log_input(mlflow.data.from_pandas(pandas.DataFrame({"a": [1]}), name="df"), context="train")
        with mlflow.start_run(nested=True) as child:
            made.child = child.info.run_id
            mlflow.log_metric("only", 1.5)
            adder = mlflow.pyfunc.log_model(name="adder", python_model=Adder(), pip_requirements=REQUIREMENTS,
                                            registered_model_name="m", params={"k": "v"})
            made.model = adder.model_id
            mlflow.log_metric("quality", 0.75, step=3, model_id=made.model)
        line = mlflow.sklearn.log_model(LinearRegression().fit([[0], [1]], [0, 2]), name="line",
                                        pip_requirements=REQUIREMENTS, registered_model_name="line")
        made.line = line.model_id
    made.deleted = client.create_run(made.experiment).info.run_id
    client.delete_run(made.deleted)
    for number in range(2):
        client.create_model_version("m", "s3://bucket/x", tags={"i": str(number)})
    client.delete_model_version("m", "2")
    client.set_registered_model_alias("m", "champion", "1")
    client.set_registered_model_tag("m", "a", "b")
    client.transition_model_version_stage("line", "1", "Production")
    mlflow.genai.register_prompt("greeting", "Hello {{ who }}", commit_message="first", tags={"author": "ann"})
    mlflow.genai.register_prompt("greeting", [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{ q }}"}])
    mlflow.genai.set_prompt_alias("greeting", "live", 1)
    made.dataset = create_dataset(name="qa", experiment_id=[made.experiment], tags={"k": "v"})
    made.dataset.merge_records([{"inputs": {"q": "a"}, "expectations": {"r": 1.0}}, {"inputs": {"q": "b"}, "outputs": "x"}])
    made.dataset = made.dataset.dataset_id
    made.traces = [traced(n) for n in range(5)]
    made.leaky = leaky()
    human = AssessmentSource(source_type="HUMAN", source_id="ann")
    first = mlflow.log_feedback(trace_id=made.traces[0], name="good", value=True, rationale="so", source=human, metadata={"m": "1"})
    mlflow.override_feedback(trace_id=made.traces[0], assessment_id=first.assessment_id, value=False)
    mlflow.log_feedback(trace_id=made.traces[1], name="score", value={"a": [1, 0.5]})
    mlflow.log_expectation(trace_id=made.traces[1], name="answer", value={"is": "42"}, source=human)
    client.link_traces_to_run(made.traces[:2], made.run)
    client.set_trace_tag(made.traces[2], "seen", "yes")
    return made


# Nothing of it is a key of anybody's.
SECRET = "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3


def leaky():
    with mlflow.start_span(name="leaky", span_type="CHAIN") as root:
        root.set_inputs({"q": f"my key is {SECRET}, keep it", "password": "hunter2hunter2"})
        root.set_outputs({"a": "ok"})
    mlflow.flush_trace_async_logging()
    return root.trace_id


def traced(n):
    with mlflow.start_span(name=f"question {n}", span_type="CHAIN") as root:
        root.set_inputs({"q": n, "f": 0.1, "list": [1, "two", None]})
        mlflow.update_current_trace(tags={"n": str(n)}, session_id="s1", metadata={"meta": "data"})
        with mlflow.start_span(name="call", span_type="CHAT_MODEL") as span:
            span.set_inputs([{"role": "user", "content": "hi"}])
            span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
            span.set_outputs("there")
        if n == 3:
            root.add_event(mlflow.entities.SpanEvent(name="odd", attributes={"k": 1}))
            root.set_status("ERROR")
        root.set_outputs({"a": "ö"})
    mlflow.flush_trace_async_logging()
    return root.trace_id
