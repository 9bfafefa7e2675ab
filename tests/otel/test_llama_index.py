"""openinference-instrumentation-llama-index, unmodified. LlamaIndex wraps one call in several spans of the same kind: it counts
once all the same, also where it streams or fails."""

import asyncio
import json

import openai
import pytest
from llama_index.core import Document, PromptTemplate, Settings, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from pydantic import BaseModel

from application import COST, DOCUMENTS, EMBEDDER, MODEL, PROVIDER_KEY, TOKENS, instrumented, of_kind, only

QUESTION = [ChatMessage(role="user", content="Where are calls kept?")]
TEMPLATE = PromptTemplate("Where are {what} kept?")
WITH_USAGE = {"additional_kwargs": {"stream_options": {"include_usage": True}}}


@pytest.fixture(autouse=True)
def instrumentation(app):
    with instrumented(LlamaIndexInstrumentor(), tracer_provider=app.tracers):
        yield


def base(app, *words):
    headers = app.headers(*words)
    return {"api_base": f"{app.fake.url}/v1", "api_key": PROVIDER_KEY, "max_retries": 0, "default_headers": headers}


def llm(app, *words, **options):
    return OpenAI(model=MODEL, temperature=0, **base(app, *words), **options)


def index(app):
    """An index of the documents; making it is not part of what is looked at."""
    Settings.tokenizer = str.split  # the default one is downloaded
    Settings.llm = llm(app)
    Settings.embed_model = OpenAIEmbedding(model_name=EMBEDDER, **base(app))
    LlamaIndexInstrumentor().uninstrument()
    documents = [
        Document(text=t, id_=f"doc-{i}", metadata={"source": f"guide/{i}.md"}) for i, t in enumerate(DOCUMENTS)
    ]
    made = VectorStoreIndex.from_documents(documents)
    LlamaIndexInstrumentor().instrument(tracer_provider=app.tracers)
    return made


class City(BaseModel):
    """A city"""

    city: str


def get_weather(city: str, unit: str = "celsius", days: int = 1) -> str:
    """The weather of a city"""
    return f"sunny in {city}"


def get_time(timezone: str, note: str = "") -> str:
    """The time somewhere"""
    return "noon"


TOOLS = [FunctionTool.from_defaults(get_weather), FunctionTool.from_defaults(get_time)]


def drain(stream):
    for _ in stream:
        pass


async def adrain(stream):
    async for _ in await stream:
        pass


WAYS = {
    "complete": lambda m: m.complete("Where?"),
    "chat": lambda m: m.chat(QUESTION),
    "predict": lambda m: m.predict(TEMPLATE, what="calls"),
    "acomplete": lambda m: asyncio.run(m.acomplete("Where?")),
    "achat": lambda m: asyncio.run(m.achat(QUESTION)),
    "apredict": lambda m: asyncio.run(m.apredict(TEMPLATE, what="calls")),
    "stream_complete": lambda m: drain(m.stream_complete("Where?")),
    "stream_chat": lambda m: drain(m.stream_chat(QUESTION)),
    "stream": lambda m: drain(m.stream(TEMPLATE, what="calls")),
    "astream_complete": lambda m: asyncio.run(adrain(m.astream_complete("Where?"))),
    "astream_chat": lambda m: asyncio.run(adrain(m.astream_chat(QUESTION))),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_ask_is_one_call(app, way):
    WAYS[way](llm(app))
    (call,) = app.counted(1)
    assert (call["kind"], call["model"], call["provider"], call["status"]) == ("llm", MODEL, "openai", "success")
    assert call["input"] is not None and call["output"] is not None
    if "stream" not in way:
        assert call["tokens"] == TOKENS and app.total()["tokens"] == TOKENS
        assert call["cost_usd"] == pytest.approx(COST, abs=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_fail_is_one_failed_call(app, way):
    with pytest.raises(openai.APIStatusError):
        WAYS[way](llm(app, "status=429"))
    (call,) = app.counted(1)
    assert (call["kind"], call["model"], call["status"], call["error_type"]) == ("llm", MODEL, "error", "http_4xx")
    assert (call["tokens"], call["cost_usd"]) == (None, None)
    assert app.total()["errors"] == 1


def test_a_chat_is_in_the_right_fields(app):
    with using_attributes(
        session_id="session-7",
        user_id="user-42",
        metadata={"department": "support", "prompt_version": "v3"},
        tags=["production"],
    ):
        answer = llm(app).chat([ChatMessage(role="system", content="Answer in one sentence."), *QUESTION])
    (call,) = app.counted_once(1)
    assert (call["session"], call["user"], call["department"]) == ("session-7", "user-42", "support")
    assert (call["prompt"]["version"], call["tags"], call["operation"]) == ("v3", ["production"], "chat")
    assert (call["tokens"], call["token_source"], call["finish_reason"]) == (TOKENS, "provider", "stop")
    assert call["input"]["messages"] == json.loads(app.asked()[0]["body"])["messages"]
    assert call["output"]["choices"][0]["message"] == {"role": "assistant", "content": answer.message.content}


def test_a_stream_with_usage(app):
    drain(llm(app, "first=100", **WITH_USAGE).stream_chat(QUESTION))
    (call,) = app.counted_once(1)
    assert call["ttft_ms"] > 90, "its span may have ended by then"


def test_a_query(app):
    """A question to an index: one embedding and one chat are made, within fourteen spans."""
    shelf = index(app)
    before = len(app.asked())
    answer = shelf.as_query_engine(similarity_top_k=2).query("Where are calls kept?")
    asked = [request["path"].rsplit("/", 1)[1] for request in app.asked()[before:]]
    assert asked == ["embeddings", "completions"]
    embedding, chat = app.calls()
    total = app.total()
    assert (total["count"], total["tokens"]["prompt"], total["tokens"]["completion"]) == (2, 24, 12)
    assert (embedding["kind"], embedding["model"], chat["kind"], chat["model"]) == ("embedding", EMBEDDER, "llm", MODEL)
    assert (chat["tokens"], chat["cost_usd"]) == (TOKENS, pytest.approx(COST, abs=1e-12))
    assert chat["input"]["messages"] == json.loads(app.asked()[-1]["body"])["messages"]
    assert chat["output"]["choices"][0]["message"]["content"] == str(answer)
    spans = app.stored()
    assert len({span["trace_id"] for span in spans}) == 1
    found = only(spans, "retriever")
    assert found["input"] == "Where are calls kept?"
    documents = found["details"]["documents"]
    assert [(d["content"], d["score"]) for d in documents] == [
        (node.text, node.score) for node in answer.source_nodes
    ] and len(documents) == 2
    assert [d["metadata"] for d in documents] == [node.metadata for node in answer.source_nodes]
    mean = sum(node.score for node in answer.source_nodes) / 2
    assert found["attributes"]["relevance_score"] == pytest.approx(mean)
    path = app.server.get(f"/api/v1/traces/{chat['trace_id']}/path").json()
    assert (path["calls"], path["tokens"]["total"]) == (2, 36)


@pytest.mark.parametrize(
    "options", [{"response_mode": "refine", "similarity_top_k": 3}, {"streaming": True}], ids=["refine", "stream"]
)
def test_other_queries(app, options):
    shelf = index(app)
    before = len(app.asked())
    answer = shelf.as_query_engine(**options).query("Where are calls kept?")
    if "streaming" in options:
        drain(answer.response_gen)
    calls = len(app.asked()) - before
    assert len(app.calls()) == app.total()["count"] == calls == (2 if "streaming" in options else 4)


def test_building_an_index(app):
    Settings.tokenizer = str.split
    Settings.embed_model = OpenAIEmbedding(model_name=EMBEDDER, **base(app))
    VectorStoreIndex.from_documents([Document(text=text) for text in DOCUMENTS])
    (call,) = app.counted(1)
    assert (call["kind"], call["model"]) == ("embedding", EMBEDDER)
    embedder = Settings.embed_model
    embedder.get_text_embedding("a")
    embedder.get_query_embedding("b")
    asyncio.run(embedder.aget_text_embedding("c"))
    embedder.get_text_embedding_batch(["d", "e"])
    assert {call["kind"] for call in app.counted(5)} == {"embedding"}


def test_an_answer_with_a_structure(app):
    """The fake provider's tools do not fit the structure: the call succeeds, what is made of it fails."""
    for ask in (
        lambda m: m.structured_predict(City, TEMPLATE, what="calls"),
        lambda m: m.as_structured_llm(City).complete("x"),
    ):
        with pytest.raises(ValueError):
            ask(llm(app, "tools"))
    calls = app.counted_once(2)
    assert [(call["status"], call["finish_reason"]) for call in calls] == [("success", "tool_calls")] * 2


def tools_of(server):
    return {t["name"]: (t["calls"], t["errors"]) for t in server.get("/api/v1/workflows/-").json()["tools"]}


def test_tools_are_called_once_and_by_their_names(app):
    llm(app, "tools").predict_and_call(TOOLS, "What is the weather?", allow_parallel_tool_calls=True)
    (call,) = app.counted_once(1)
    assert call["finish_reason"] == "tool_calls"
    names = [c["function"]["name"] for c in call["output"]["choices"][0]["message"]["tool_calls"]]
    assert names == ["get_weather", "get_time"]
    assert tools_of(app.server) == {"get_weather": (1, 0), "get_time": (1, 0)}
    weather = [span for span in of_kind(app.stored(), "tool") if span["attributes"].get("tool_name") == "get_weather"]
    assert any("sunny in Zürich" in json.dumps(span["output"], ensure_ascii=False) for span in weather)


def test_an_agent(app):
    agent = FunctionAgent(tools=TOOLS, llm=llm(app, "tools"), system_prompt="Use the tools.")

    async def main():
        return await agent.run("What is the weather?", max_iterations=2)

    with pytest.raises(Exception, match="Max iterations"):
        asyncio.run(main())
    calls = app.counted(2)
    assert {call["finish_reason"] for call in calls} == {"tool_calls"}
    assert tools_of(app.server) == {"get_weather": (1, 0), "get_time": (1, 0)}


def test_with_the_instrumentation_of_openai_beside_it(app):
    """Both see the same call, one within the other. Not where LlamaIndex streams: its span ends before the request is made, and
    OpenAI's is then a trace of its own."""
    embedder = OpenAIEmbedding(model_name=EMBEDDER, **base(app))
    with instrumented(OpenAIInstrumentor(), tracer_provider=app.tracers):
        llm(app).complete("Where?")
        llm(app).predict(TEMPLATE, what="calls")
        asyncio.run(llm(app).achat(QUESTION))
        embedder.get_text_embedding("a")
        app.counted(4)
    total = app.total()["tokens"]
    assert (total["prompt"], total["completion"]) == (24 * 4, 36)
