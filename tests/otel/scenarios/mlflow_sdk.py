"""MLflow's tracing SDK with an OTLP endpoint: its own attributes, and the GenAI ones that it translates them to."""

import os
import sys

from common import DOCUMENTS, QUESTION, WEATHER, WEATHER_QUESTION, run


def shop(*, tagged):
    import mlflow
    from mlflow.entities import Document, SpanType

    @mlflow.trace(span_type=SpanType.RETRIEVER)
    def search(query):
        return [
            Document(page_content=text, metadata={"source": f"guide/{i}.md", "score": 0.9 - i / 10}, id=f"doc-{i}")
            for i, text in enumerate(DOCUMENTS)
        ]

    @mlflow.trace(span_type=SpanType.TOOL)
    def get_weather(city):
        return "sunny"

    @mlflow.trace(name="shop", span_type=SpanType.AGENT, attributes={"department": "support", "attempt": 1})
    def answer(question):
        mlflow.update_current_trace(
            metadata={"mlflow.trace.user": "user-42", "mlflow.trace.session": "session-7"},
            tags={"release": "1.4.0"} if tagged else None,
        )
        search(question)
        get_weather("Paris")
        with mlflow.start_span("broken", span_type=SpanType.PARSER) as span:
            span.set_inputs({"text": "{"})
            span.record_exception(ValueError("not JSON"))
        return "In the journal."

    answer("Where are calls kept?")
    mlflow.flush_trace_async_logging()


def autolog():
    import mlflow
    from openai import OpenAI

    mlflow.openai.autolog()
    api = OpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="sk-recorded", max_retries=0)
    model = "gpt-4o-mini"
    with mlflow.start_span("calls"):
        api.chat.completions.create(model=model, messages=QUESTION, temperature=0.2, max_tokens=64)
        api.chat.completions.create(model=model, messages=WEATHER_QUESTION, tools=[WEATHER])
        for _ in api.chat.completions.create(
            model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        ):
            pass
        api.embeddings.create(model="text-embedding-3-small", input=DOCUMENTS[:1])
        try:
            api.chat.completions.create(model="error-429", messages=QUESTION)
        except Exception:
            pass
    mlflow.flush_trace_async_logging()


def autolog_genai():
    os.environ["MLFLOW_ENABLE_OTEL_GENAI_SEMCONV"] = "true"
    autolog()


CASES = {
    "trace": lambda: shop(tagged=False),
    "trace_tagged": lambda: shop(tagged=True),  # its root is lost: the SDK fails to add the tag to a span that has ended
    "openai_autolog": autolog,
    "openai_autolog_genai": autolog_genai,
}

if __name__ == "__main__":
    del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]  # it would also send metrics, for which it asks its server
    os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
    run(CASES, sys.argv[1])
