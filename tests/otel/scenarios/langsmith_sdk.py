"""LangSmith's SDK with LANGSMITH_OTEL_ENABLED: runs sent as OpenTelemetry spans."""

import os
import sys

from common import DOCUMENTS, QUESTION, WEATHER, WEATHER_QUESTION, run


def started():
    os.environ["LANGSMITH_TRACING"] = "true"
    os.environ["LANGSMITH_OTEL_ENABLED"] = "true"
    os.environ["LANGSMITH_OTEL_ONLY"] = "true"
    os.environ["LANGSMITH_API_KEY"] = "lsv2_pt_recorded"
    os.environ["LANGSMITH_PROJECT"] = "support"
    os.environ["LANGSMITH_ENDPOINT"] = os.environ["RECEIVER"]
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = os.environ["RECEIVER"] + "/otel"
    from langsmith import Client

    return Client()


def finish(client):
    from opentelemetry import trace

    client.flush()
    provider = getattr(client, "otel_exporter", None)
    provider = getattr(provider, "_tracer_provider", None) or trace.get_tracer_provider()
    for flush in ("force_flush", "shutdown"):
        if hasattr(provider, flush):
            getattr(provider, flush)()


def traceable():
    client = started()
    from langsmith import traceable

    @traceable(run_type="retriever", client=client)
    def search(query):
        return [
            {"page_content": text, "type": "Document", "metadata": {"source": f"guide/{i}.md", "score": 0.9 - i / 10}}
            for i, text in enumerate(DOCUMENTS)
        ]

    @traceable(run_type="tool", client=client)
    def get_weather(city):
        return "sunny"

    @traceable(run_type="chain", name="broken", client=client)
    def broken():
        raise ValueError("not JSON")

    @traceable(
        run_type="chain",
        name="shop",
        client=client,
        tags=["production", "geography"],
        metadata={"thread_id": "thread-9", "user_id": "user-42", "department": "support", "cache_hit": False},
    )
    def shop(question):
        search(question)
        get_weather("Paris")
        try:
            broken()
        except ValueError:
            pass
        return "In the journal."

    shop("Where are calls kept?")
    finish(client)


def wrap_openai():
    client = started()
    from langsmith import traceable
    from langsmith.wrappers import wrap_openai
    from openai import OpenAI

    api = OpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="sk-recorded", max_retries=0)
    api = wrap_openai(api, tracing_extra={"client": client})
    model = "gpt-4o-mini"

    @traceable(client=client)
    def calls():
        api.chat.completions.create(model=model, messages=QUESTION, temperature=0.2, max_tokens=64)
        api.chat.completions.create(model=model, messages=WEATHER_QUESTION, tools=[WEATHER])
        for _ in api.chat.completions.create(
            model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        ):
            pass
        try:
            api.chat.completions.create(model="error-429", messages=QUESTION)
        except Exception:
            pass

    calls()
    finish(client)


CASES = {"traceable": traceable, "wrap_openai": wrap_openai}

if __name__ == "__main__":
    run(CASES, sys.argv[1])
