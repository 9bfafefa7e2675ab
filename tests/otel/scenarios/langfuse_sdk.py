"""Langfuse's SDK, which sends OpenTelemetry."""

import os
import sys

from common import DOCUMENTS, QUESTION, WEATHER, WEATHER_QUESTION, run


def started():
    from langfuse import Langfuse

    return Langfuse(
        public_key="pk-recorded",
        secret_key="sk-recorded",
        base_url=os.environ["RECEIVER"],
        environment="staging",
        release="1.4.0",
    )


def observe():
    from langfuse import observe, propagate_attributes

    langfuse = started()

    @observe(as_type="generation", name="answer")
    def answer(question):
        langfuse.update_current_generation(
            model="gpt-4o-mini",
            input=QUESTION,
            output={"role": "assistant", "content": "Paris is the capital of France."},
            model_parameters={"temperature": 0.2, "max_tokens": 64},
            usage_details={"input": 16, "output": 8, "input_cached_tokens": 8, "output_reasoning_tokens": 4, "total": 36},
            cost_details={"input": 0.0000036, "output": 0.0000072, "total": 0.0000108},
            metadata={"department": "support", "cache_hit": False},
        )
        return "Paris"

    @observe(name="geography")
    def geography(country):
        with propagate_attributes(
            user_id="user-42", session_id="session-7", tags=["production"], metadata={"prompt_version": "v3"}
        ):
            return answer(f"What is the capital of {country}?")

    geography("France")
    langfuse.flush()
    langfuse.shutdown()


def kinds():
    from datetime import UTC, datetime

    langfuse = started()
    with langfuse.start_as_current_observation(as_type="agent", name="shop", input={"question": "Where?"}) as agent:
        with langfuse.start_as_current_observation(as_type="retriever", name="search", input="calls") as search:
            search.update(output=[{"id": f"doc-{i}", "text": t, "score": 0.9 - i / 10} for i, t in enumerate(DOCUMENTS)])
        with langfuse.start_as_current_observation(as_type="tool", name="get_weather", input={"city": "Paris"}) as tool:
            tool.update(output="sunny")
        with langfuse.start_as_current_observation(
            as_type="embedding", name="embed", model="text-embedding-3-small", input=DOCUMENTS[:1]
        ) as embedding:
            embedding.update(usage_details={"input": 6, "total": 6})
        with langfuse.start_as_current_observation(as_type="guardrail", name="guard", input="text") as guard:
            guard.update(output=True, level="WARNING", status_message="close to the bound")
        with langfuse.start_as_current_observation(as_type="evaluator", name="judge", input="text") as judge:
            judge.update(output={"score": 1})
        with langfuse.start_as_current_observation(as_type="chain", name="format") as chain:
            chain.update(output="done", version="v2")
        generation = langfuse.start_observation(as_type="generation", name="stream", model="gpt-4o-mini", input="hi")
        generation.update(completion_start_time=datetime.now(UTC), output="hello", usage_details={"input": 2, "output": 1})
        generation.end()
        langfuse.create_event(name="clicked", input={"button": "buy"}, level="DEBUG")
        agent.update(output="In the journal.")
    langfuse.flush()
    langfuse.shutdown()


def openai_wrapper():
    from langfuse.openai import OpenAI

    langfuse = started()
    api = OpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="sk-recorded", max_retries=0)
    model = "gpt-4o-mini"
    api.chat.completions.create(model=model, messages=QUESTION, temperature=0.2, name="capital", metadata={"k": "v"})
    api.chat.completions.create(model=model, messages=WEATHER_QUESTION, tools=[WEATHER])
    for _ in api.chat.completions.create(
        model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    ):
        pass
    try:
        api.chat.completions.create(model="error-429", messages=QUESTION)
    except Exception:
        pass
    langfuse.flush()
    langfuse.shutdown()


CASES = {"observe": observe, "kinds": kinds, "openai_wrapper": openai_wrapper}

if __name__ == "__main__":
    run(CASES, sys.argv[1])
