"""What a program with MLflow's own client leaves behind: a run with parts, files, a registered model and a trace. Says what it
made as JSON in its last line; what the client prints stands before it."""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import mlflow  # noqa: E402
from mlflow.entities import AssessmentSource, SpanType  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

EXPERIMENT = "written by mlflow"
MODEL = "answer-model"


def train(step_size):
    mlflow.log_params({"step_size": step_size, "optimizer": "adamw"})
    for step in range(40):
        mlflow.log_metric("loss", 2.0 / (1 + step * step_size), step=step)
    mlflow.log_metric("accuracy", 0.8 + step_size / 10)


def leave_files():
    mlflow.log_text("The notes of this run.\nSecond line.", "notes.txt")
    mlflow.log_text("# Result\n\n- **better** than before\n- [docs](https://example.test/)", "result.md")
    mlflow.log_text("<h1>A page</h1><script>parent.document.title = 'escaped'</script>", "report.html")
    mlflow.log_dict({"layers": [1, 2, {"units": 64}]}, "config/network.json")
    mlflow.log_table({"question": ["why?", "how?"], "score": [0.25, 0.75]}, "answers.json")
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([1, 3, 2])
    mlflow.log_figure(figure, "curve.png")


@mlflow.trace(name="look_up", span_type=SpanType.RETRIEVER)
def look_up(question):
    return [{"page_content": f"About {question}", "metadata": {"doc_uri": "kb/1"}}]


@mlflow.trace(name="chat", span_type=SpanType.CHAT_MODEL)
def chat(messages):
    return {"choices": [{"message": {"role": "assistant", "content": "Use **backpropagation**."}}]}


@mlflow.trace(name="answer", span_type=SpanType.CHAIN)
def answer(question):
    found = look_up(question)
    return chat([{"role": "system", "content": found[0]["page_content"]}, {"role": "user", "content": question}])


def main(uri):
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name="sweep", description="Two sizes of step") as parent:
        mlflow.set_tag("team", "search")
        train(0.5)
        leave_files()
        with mlflow.start_run(run_name="small steps", nested=True) as child:
            train(0.1)
    client = MlflowClient()
    client.create_registered_model(MODEL, description="Answers questions")
    version = client.create_model_version(MODEL, f"runs:/{parent.info.run_id}/config", parent.info.run_id)
    client.set_registered_model_alias(MODEL, "champion", version.version)
    answer("How does it learn?")
    mlflow.flush_trace_async_logging()
    trace = mlflow.get_last_active_trace_id()
    mlflow.log_feedback(trace_id=trace, name="helpful", value=0.25, source=AssessmentSource(source_type="HUMAN", source_id="ann"))
    print(json.dumps({"experiment": experiment.experiment_id, "parent": parent.info.run_id, "child": child.info.run_id, "trace": trace}))


main(sys.argv[1])
