"""OpenInference: its instrumentations of openai, LangChain and LlamaIndex."""

import os
import sys

from common import DOCUMENTS, QUESTION, WEATHER, WEATHER_QUESTION, client, run, tracing

MODEL = "gpt-4o-mini"


def openai_instrumented():
    from openinference.instrumentation.openai import OpenAIInstrumentor

    provider = tracing(**{"openinference.project.name": "support"})
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    return provider


def openai_chat():
    from openinference.instrumentation import using_attributes

    provider = openai_instrumented()
    with using_attributes(
        session_id="session-7",
        user_id="user-42",
        metadata={"department": "support", "prompt_version": "v3", "cache_hit": False, "attempt": 1},
        tags=["production", "geography"],
        prompt_template="What is the capital of {country}?",
        prompt_template_version="v3",
        prompt_template_variables={"country": "France"},
    ):
        client().chat.completions.create(model=MODEL, messages=QUESTION, temperature=0.2, max_tokens=64, seed=7)
    provider.shutdown()


def openai_tools():
    provider = openai_instrumented()
    messages = list(WEATHER_QUESTION)
    api = client()
    first = api.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": "call_weather_1", "content": "sunny"})
    api.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    provider.shutdown()


def openai_image():
    provider = openai_instrumented()
    content = [
        {"type": "text", "text": "What is on the picture?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/tower.png"}},
    ]
    client().chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    provider.shutdown()


def openai_stream():
    provider = openai_instrumented()
    stream = client().chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    for _ in stream:
        pass
    provider.shutdown()


def openai_stream_without_usage():
    provider = openai_instrumented()
    for _ in client().chat.completions.create(model=MODEL, messages=QUESTION, stream=True):
        pass
    provider.shutdown()


def openai_errors():
    import openai

    provider = openai_instrumented()
    for model in ("error-401", "error-429", "error-500"):
        try:
            client().chat.completions.create(model=model, messages=QUESTION)
        except openai.APIStatusError:
            pass
    provider.shutdown()


def openai_embeddings():
    provider = openai_instrumented()
    client().embeddings.create(model="text-embedding-3-small", input=DOCUMENTS[:2])
    provider.shutdown()


def openai_responses():
    provider = openai_instrumented()
    client().responses.create(model=MODEL, instructions="Answer in one sentence.", input="What is the capital of France?")
    tool = {"type": "function", **WEATHER["function"]}
    client().responses.create(model=MODEL, input=WEATHER_QUESTION, tools=[tool])
    provider.shutdown()


def langchain_instrumented():
    from openinference.instrumentation.langchain import LangChainInstrumentor

    provider = tracing()
    LangChainInstrumentor().instrument(tracer_provider=provider)
    return provider


def chat_model(**more):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        model=MODEL, base_url=os.environ["OPENAI_BASE_URL"], api_key="sk-recorded", temperature=0, max_retries=0, **more
    )


def langchain_chain():
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    provider = langchain_instrumented()
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Answer in one sentence."), ("human", "What is the capital of {country}?")]
    )
    chain = prompt | chat_model() | StrOutputParser()
    config = {
        "run_name": "geography",
        "tags": ["production"],
        "metadata": {"session_id": "session-7", "user_id": "user-42", "department": "support", "prompt_version": "v3"},
    }
    chain.invoke({"country": "France"}, config)
    provider.shutdown()


def langchain_stream():
    provider = langchain_instrumented()
    for _ in chat_model(stream_usage=True).stream("What is the capital of France?"):
        pass
    provider.shutdown()


def langchain_error():
    import openai
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_openai import ChatOpenAI

    provider = langchain_instrumented()
    model = ChatOpenAI(
        model="error-429", base_url=os.environ["OPENAI_BASE_URL"], api_key="sk-recorded", max_retries=0
    )
    chain = ChatPromptTemplate.from_template("What is the capital of {country}?") | model
    try:
        chain.invoke({"country": "France"})
    except openai.APIStatusError:
        pass
    provider.shutdown()


def weather_tool():
    from langchain_core.tools import tool

    @tool
    def get_weather(city: str) -> str:
        """The weather of a city"""
        return "sunny"

    return get_weather


def langchain_tools():
    """A loop by hand: the model asks for a tool, the tool runs, the model answers."""
    from langchain_core.messages import HumanMessage
    from langchain_core.runnables import RunnableLambda

    provider = langchain_instrumented()
    tool = weather_tool()
    model = chat_model().bind_tools([tool])

    def loop(question):
        messages = [HumanMessage(question)]
        messages.append(model.invoke(messages))
        messages += [tool.invoke(call) for call in messages[-1].tool_calls]
        return model.invoke(messages).content

    RunnableLambda(loop).with_config(run_name="weather_loop").invoke("What is the weather in Paris?")
    provider.shutdown()


def langgraph_agent():
    from langchain.agents import create_agent

    provider = langchain_instrumented()
    agent = create_agent(chat_model(), [weather_tool()], name="weather_agent")
    agent.invoke({"messages": WEATHER_QUESTION}, {"configurable": {"thread_id": "thread-9"}})
    provider.shutdown()


def langchain_rag():
    from langchain_core.documents import Document
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import RunnablePassthrough

    class ShelfRetriever(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [
                Document(text, id=f"doc-{i}", metadata={"score": 0.9 - i / 10, "source": f"guide/{i}.md"})
                for i, text in enumerate(DOCUMENTS)
            ]

    provider = langchain_instrumented()
    prompt = ChatPromptTemplate.from_template("Context: {context}\n\nQuestion: {question}")
    context = ShelfRetriever() | (lambda documents: "\n".join(d.page_content for d in documents))
    chain = {"context": context, "question": RunnablePassthrough()} | prompt | chat_model() | StrOutputParser()
    chain.invoke("Where are calls kept?", {"run_name": "rag"})
    provider.shutdown()


def llama_index_parts():
    from llama_index.core import Settings
    from llama_index.embeddings.openai import OpenAIEmbedding
    from llama_index.llms.openai import OpenAI
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    provider = tracing()
    base = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": "sk-recorded", "max_retries": 0}
    Settings.tokenizer = str.split  # the default one is downloaded
    Settings.llm = OpenAI(model=MODEL, temperature=0, **base)
    Settings.embed_model = OpenAIEmbedding(model="text-embedding-3-small", **base)
    return provider, lambda: LlamaIndexInstrumentor().instrument(tracer_provider=provider)


def llama_index_query():
    from llama_index.core import Document, VectorStoreIndex

    provider, instrument = llama_index_parts()
    documents = [Document(text=t, id_=f"doc-{i}", metadata={"source": f"guide/{i}.md"}) for i, t in enumerate(DOCUMENTS)]
    index = VectorStoreIndex.from_documents(documents)
    instrument()
    index.as_query_engine(similarity_top_k=2).query("Where are calls kept?")
    provider.shutdown()


def llama_index_build():
    from llama_index.core import Document, VectorStoreIndex

    provider, instrument = llama_index_parts()
    instrument()
    VectorStoreIndex.from_documents([Document(text=t, id_=f"doc-{i}") for i, t in enumerate(DOCUMENTS)])
    provider.shutdown()


def llama_index_stream():
    from llama_index.core import Settings
    from llama_index.core.llms import ChatMessage

    provider, instrument = llama_index_parts()
    instrument()
    for _ in Settings.llm.stream_chat([ChatMessage(role="user", content="What is the capital of France?")]):
        pass
    provider.shutdown()


def helpers():
    """Spans by the tracer of OpenInference itself, with the kinds that no instrumentation above sends."""
    from openinference.instrumentation import TracerProvider
    from openinference.semconv.trace import DocumentAttributes, RerankerAttributes, SpanAttributes
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "shop-assistant"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("shop")

    @tracer.agent(name="planner")
    def planner(question: str) -> str:
        with tracer.start_as_current_span("rerank", openinference_span_kind="reranker") as span:
            span.set_attribute(RerankerAttributes.RERANKER_QUERY, question)
            span.set_attribute(RerankerAttributes.RERANKER_MODEL_NAME, "rerank-small")
            span.set_attribute(RerankerAttributes.RERANKER_TOP_K, 1)
            forms = (RerankerAttributes.RERANKER_INPUT_DOCUMENTS, 2), (RerankerAttributes.RERANKER_OUTPUT_DOCUMENTS, 1)
            for form, count in forms:
                for i in range(count):
                    span.set_attribute(f"{form}.{i}.{DocumentAttributes.DOCUMENT_ID}", f"doc-{i}")
                    span.set_attribute(f"{form}.{i}.{DocumentAttributes.DOCUMENT_CONTENT}", DOCUMENTS[i])
                    span.set_attribute(f"{form}.{i}.{DocumentAttributes.DOCUMENT_SCORE}", 0.75 - i / 4)
        with tracer.start_as_current_span("guard", openinference_span_kind="guardrail") as span:
            span.set_input(question)
            span.set_output("allowed")
        with tracer.start_as_current_span("judge", openinference_span_kind="evaluator") as span:
            span.set_input({"answer": "sunny"})
            span.set_output({"score": 1.0, "label": "correct"})
        return look_up("Paris")

    @tracer.tool(name="look_up", description="Looks a city up")
    def look_up(city: str) -> str:
        return "sunny"

    @tracer.chain
    def root(question: str) -> dict:
        return {"answer": planner(question)}

    with tracer.start_as_current_span("session", attributes={SpanAttributes.SESSION_ID: "session-7"}):
        root("What is the weather in Paris?")
    provider.shutdown()


CASES = {
    "openai_chat": openai_chat,
    "openai_tools": openai_tools,
    "openai_image": openai_image,
    "openai_stream": openai_stream,
    "openai_stream_without_usage": openai_stream_without_usage,
    "openai_errors": openai_errors,
    "openai_embeddings": openai_embeddings,
    "openai_responses": openai_responses,
    "langchain_chain": langchain_chain,
    "langchain_stream": langchain_stream,
    "langchain_error": langchain_error,
    "langchain_tools": langchain_tools,
    "langgraph_agent": langgraph_agent,
    "langchain_rag": langchain_rag,
    "llama_index_query": llama_index_query,
    "llama_index_build": llama_index_build,
    "llama_index_stream": llama_index_stream,
    "helpers": helpers,
}

if __name__ == "__main__":
    run(CASES, sys.argv[1])
