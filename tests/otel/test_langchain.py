"""openinference-instrumentation-langchain, unmodified, with LangChain and LangGraph: steps, tools, documents, and every call once."""

import asyncio
import json

import openai
import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor

from application import COST, DOCUMENTS, MODEL, PROVIDER_KEY, TOKENS, instrumented, of_kind, only

FILED = {"session_id": "session-7", "user_id": "user-42", "department": "support", "prompt_version": "v3"}
PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Answer in one sentence."), ("human", "What is the capital of {country}?")]
)
MESSAGES = [
    {"role": "system", "content": "Answer in one sentence."},
    {"role": "user", "content": "What is the capital of France?"},
]


@pytest.fixture(autouse=True)
def instrumentation(app):
    with instrumented(LangChainInstrumentor(), tracer_provider=app.tracers):
        yield


def model(app, *words, **options):
    return ChatOpenAI(
        model=MODEL,
        base_url=f"{app.fake.url}/v1",
        api_key=PROVIDER_KEY,
        temperature=0,
        max_retries=0,
        default_headers=app.headers(*words),
        **options,
    )


@tool
def get_weather(city: str, unit: str = "celsius", days: int = 1) -> str:
    """The weather of a city"""
    return f"sunny in {city}"


@tool
def get_time(timezone: str, note: str = "") -> str:
    """The time somewhere"""
    raise ValueError(f"no clock in {timezone}")


class Shelf(BaseRetriever):
    """Three documents with scores of 0.9, 0.8 and 0.7."""

    def _get_relevant_documents(self, query, *, run_manager):
        return [
            Document(text, id=f"doc-{i}", metadata={"score": round(0.9 - i / 10, 1), "source": f"guide/{i}.md"})
            for i, text in enumerate(DOCUMENTS)
        ]


def test_a_chain_is_in_the_right_fields(app):
    chain = PROMPT | model(app) | StrOutputParser()
    answer = chain.invoke({"country": "France"}, {"run_name": "geography", "tags": ["production"], "metadata": FILED})
    (call,) = app.counted_once(1)
    spans = app.stored()
    assert [(span["kind"], span["name"]) for span in spans] == [
        ("chain", "geography"),
        ("chain", "ChatPromptTemplate"),
        ("llm", "ChatOpenAI"),
        ("chain", "StrOutputParser"),
    ]
    root = spans[0]
    assert {span["parent_id"] for span in spans[1:]} == {root["span_id"]}
    for span in spans:
        assert (span["session"], span["user"], span["department"]) == ("session-7", "user-42", "support"), span["name"]
        assert (span["prompt"]["version"], span["status"]) == ("v3", "success")
        assert span["attributes"]["metadata"]["user_id"] == "user-42"
    assert (call["model"], call["response_model"], call["provider"]) == (MODEL, MODEL, "openai")
    assert (call["tokens"], call["finish_reason"], call["attributes"]["temperature"]) == (TOKENS, "stop", 0)
    assert call["cost_usd"] == pytest.approx(COST, abs=1e-12)
    assert call["input"]["messages"] == MESSAGES == json.loads(app.asked()[0]["body"])["messages"]
    assert call["output"]["choices"][0]["message"] == {"role": "assistant", "content": answer}
    assert (root["input"], root["output"]) == ("France", answer), "as the instrumentation has them"
    assert (root["tokens"], root["cost_usd"], root["model"]) == (None, None, None)
    template = next(span for span in spans if span["name"] == "ChatPromptTemplate")
    # It sends the first message's template only.
    assert template["details"]["attributes"]["llm.prompt_template.template"] == "Answer in one sentence."


def test_calls_of_a_batch_and_of_asynchronous_chains(app):
    chain = PROMPT | model(app) | StrOutputParser()
    model(app).batch(["one", "two", "three"])
    model(app).generate([[HumanMessage("four")], [HumanMessage("five")]])

    async def main():
        await asyncio.gather(*(chain.ainvoke({"country": country}) for country in ("France", "Spain", "Italy")))

    asyncio.run(main())
    calls = app.counted_once(8)
    asked = [json.loads(request["body"])["messages"] for request in app.asked()]
    assert in_any_order(call["input"]["messages"] for call in calls) == in_any_order(asked)


def in_any_order(values):
    return sorted(json.dumps(value, sort_keys=True) for value in values)


def test_a_stream(app):
    text = "".join(chunk.text for chunk in model(app, "first=100", stream_usage=True).stream("Where?"))
    (call,) = app.counted_once(1)
    assert call["output"]["choices"][0]["message"]["content"] == text and len(text) > 50
    # It says neither that it streams nor when the first piece came.
    assert (call["finish_reason"], call["ttft_ms"]) == ("stop", None) and call["latency_ms"] > 90


def test_a_failure_is_the_calls_and_counts_once(app):
    with pytest.raises(openai.APIStatusError):
        (PROMPT | model(app, "status=429")).invoke({"country": "France"})
    spans = app.stored()
    assert {span["status"] for span in spans if span["name"] != "ChatPromptTemplate"} == {"error"}
    call = only(spans, "llm")
    assert (call["error_type"], call["model"], call["provider"], call["tokens"]) == ("http_4xx", MODEL, "openai", None)
    assert call["input"]["messages"] == MESSAGES and "429" in call["error"] and "Traceback" not in call["error"]
    total = app.total()
    assert (total["count"], total["errors"]) == (1, 1), "the chain's failure is its call's"


def test_a_fallback_is_two_calls(app):
    model(app, "status=500").with_fallbacks([model(app)]).invoke("Where?")
    failed, answered = app.counted(2)
    assert [(call["status"], call["error_type"]) for call in (failed, answered)] == [
        ("error", "http_5xx"),
        ("success", None),
    ]
    assert failed["parent_id"] == answered["parent_id"] is not None
    assert app.total()["tokens"] == TOKENS


def test_tools_of_a_loop(app):
    asking, answering = model(app, "tools").bind_tools([get_weather, get_time]), model(app)

    def loop(question):
        messages = [HumanMessage(question)]
        messages.append(asking.invoke(messages))
        for call in messages[-1].tool_calls:
            try:
                messages.append(get_weather.invoke(call) if call["name"] == "get_weather" else get_time.invoke(call))
            except ValueError as failure:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": str(failure)})
        return answering.invoke(messages).content

    RunnableLambda(loop).with_config(run_name="weather_loop").invoke("What is the weather in Zürich?")
    first, second = app.counted_once(2)
    bodies = [json.loads(request["body"]) for request in app.asked()]
    assert first["finish_reason"] == "tool_calls" and second["finish_reason"] == "stop"
    calls = first["output"]["choices"][0]["message"]["tool_calls"]
    assert [(call["id"], call["function"]["name"]) for call in calls] == [
        ("call_fake_0", "get_weather"),
        ("call_fake_1", "get_time"),
    ]
    assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Zürich", "unit": "celsius", "days": 3}
    assert [m["role"] for m in second["input"]["messages"]] == [m["role"] for m in bodies[1]["messages"]]
    assert second["input"]["messages"][2]["content"] == "sunny in Zürich"
    spans = app.stored()
    good, bad = of_kind(spans, "tool")
    assert (good["name"], good["attributes"]["tool_name"], good["status"]) == ("get_weather", "get_weather", "success")
    assert "Zürich" in json.dumps(good["input"], ensure_ascii=False) and "sunny in Zürich" in json.dumps(
        good["output"], ensure_ascii=False
    )
    assert (bad["attributes"]["tool_name"], bad["status"], bad["error_type"]) == ("get_time", "error", "other")
    assert "no clock in Europe/Zurich" in bad["error"]
    graph = app.server.get("/api/v1/workflows/-").json()
    assert {t["name"]: (t["calls"], t["errors"]) for t in graph["tools"]} == {"get_weather": (1, 0), "get_time": (1, 1)}


def test_an_agent_of_langgraph(app):
    """Its first step asks for tools, of which one fails; the thread is the session."""
    agent = create_agent(model(app, "tools"), [get_weather, get_time], name="weather_agent")
    with pytest.raises(ValueError, match="no clock"):
        agent.invoke(
            {"messages": [{"role": "user", "content": "What is the weather?"}]},
            {"configurable": {"thread_id": "thread-9"}},
        )
    (call,) = app.counted_once(1)
    spans = app.stored()
    root = only(spans, "agent")
    assert (root["name"], root["parent_id"], root["status"], root["tokens"]) == ("weather_agent", None, "error", None)
    assert {span["session"] for span in spans} == {"thread-9"}
    assert sorted((span["name"], span["status"]) for span in of_kind(spans, "tool")) == [
        ("get_time", "error"),
        ("get_weather", "success"),
    ]
    assert [call["id"] for call in app.server.calls(session="thread-9")] == [call["id"]]


def test_documents_of_a_retrieval(app):
    prompt = ChatPromptTemplate.from_template("Context: {context}\n\nQuestion: {question}")
    context = Shelf() | (lambda documents: "\n".join(d.page_content for d in documents))
    chain = {"context": context, "question": RunnablePassthrough()} | prompt | model(app) | StrOutputParser()
    chain.invoke("Where are calls kept?", {"run_name": "rag", "metadata": FILED})
    (call,) = app.counted_once(1)
    found = only(app.stored(), "retriever")
    assert (found["input"], found["status"], found["session"]) == ("Where are calls kept?", "success", "session-7")
    documents = found["details"]["documents"]
    assert [(d["content"], d["score"], d["metadata"]) for d in documents] == [
        (document.page_content, document.metadata["score"], document.metadata) for document in Shelf().invoke("")
    ]
    assert found["attributes"]["relevance_score"] == pytest.approx(0.8)
    assert all(text in call["input"]["messages"][0]["content"] for text in DOCUMENTS)
