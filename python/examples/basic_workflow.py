"""A support assistant that leaves a record of what it does: its calls, its decisions, its tools.

    python examples/basic_workflow.py [FILE]

Runs without a key against the provider `demo`; with OPENAI_API_KEY set, against OpenAI. Look at the file with `sqlite3`.
"""

import os
import sqlite3
import sys
import uuid

from weir import AnomalyDetector, InstrumentedLLM, ObservabilityLogger, WorkflowLogger

MODEL = "gpt-4o-mini" if os.environ.get("OPENAI_API_KEY") else "demo/echo"

ARTICLES = {
    "password": ["KB-17 Resetting a password", "KB-4 Locked accounts"],
    "invoice": ["KB-31 Downloading an invoice"],
    "delivery": ["KB-52 Where is my parcel?"],
}


class ObservabilityWorkflow:
    """Classifies a question, searches for articles, answers or hands over to a person."""

    def __init__(self, db_path="observability.db"):
        self.logger = ObservabilityLogger(db_path=db_path)
        self.llm = InstrumentedLLM(self.logger)
        self.workflow = WorkflowLogger(self.logger, "support")

    def process_request(self, text):
        """Answers one question. Returns the request id, the route that was taken and the answer."""
        request_id = f"req-{uuid.uuid4().hex[:12]}"
        with self.workflow.step("classify", request_id, inputs=text) as step:
            topic = next((topic for topic in ARTICLES if topic in text.lower()), None)
            step.output = topic
            known = topic is not None
            step.branch("search" if known else "hand_over", "topic is known", known, {"topic": topic})
        if not known:
            return {"request_id": request_id, "route": "hand_over", "answer": "A colleague will write to you."}

        with self.workflow.step("search", request_id) as step:
            with step.tool("search_articles", inputs={"topic": topic}) as tool:
                tool.output = ARTICLES[topic]
            step.branch("answer", "articles were found", True, {"articles": len(ARTICLES[topic])})

        with self.workflow.step("answer", request_id) as step:
            answer = self.llm.call(
                system="Answer in one sentence, from the articles: " + "; ".join(ARTICLES[topic]),
                prompt=text,
                model=MODEL,
                prompt_version="v1",
                metadata={"topic": topic},
            )
            step.output = answer["content"]
        return {"request_id": request_id, "route": "answer", "answer": answer["content"]}


def summary(db_path):
    """What the three tables hold."""
    connection = sqlite3.connect(f"file:{db_path}?mode=ro", uri=True)
    print(f"\n{db_path}:")
    for title, query in (
        ("calls", "SELECT model, status, count(*), sum(total_tokens), round(avg(latency_ms), 2) FROM llm_calls GROUP BY 1, 2"),
        ("decisions", "SELECT from_node, to_node, count(*) FROM branch_decisions GROUP BY 1, 2 ORDER BY 1, 3 DESC"),
        ("tools", "SELECT tool_name, status, count(*) FROM tool_calls GROUP BY 1, 2"),
    ):
        print(f"  {title}")
        for row in connection.execute(query):
            print("   ", *row)
    connection.close()


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else "observability.db"
    assistant = ObservabilityWorkflow(path)
    for question in (
        "How do I reset my password?",
        "Where do I find my last invoice?",
        "My delivery is late. Where is it?",
        "Can I bring my dog to the office?",
    ):
        done = assistant.process_request(question)
        print(f"{question}\n  {done['route']}: {done['answer']}")

    detector = AnomalyDetector(db_path=path)
    detector.alert(detector.check_anomalies())
    assistant.logger.flush()
    summary(path)
