"""A refund desk: several steps, decisions, tools that fail and are tried again, and people who review.

    python examples/advanced_workflow.py [FILE]

Runs without a key against the provider `demo`. It first writes a day of earlier calls, so that the detector has something to
compare with; then works off some claims, one of them with a prompt that has grown too long.
"""

import asyncio
import datetime
import random
import sqlite3
import sys
import uuid

import weir
from weir import AnomalyDetector, InstrumentedLLM, LLMError, ObservabilityLogger, WorkflowLogger, track

ORDERS = {
    "A-100": {"total": 12.5, "days": 3},
    "A-101": {"total": 240.0, "days": 9},
    "A-102": {"total": 19.9, "days": 45},
    "A-103": {"total": 75.0, "days": 1},
}
CLAIMS = [
    ("A-100", "The lamp arrived broken."),
    ("A-101", "I never ordered this."),
    ("A-102", "It stopped working after six weeks."),
    ("A-103", "Wrong size, please refund."),
    ("A-999", "Where is my money?"),
]


class ShopLogger(ObservabilityLogger):
    """Keeps addresses out of the record, and counts what it was given."""

    seen = 0

    def log_llm_call(self, **columns):
        self.seen += 1
        if isinstance(columns.get("prompt"), str):
            columns["prompt"] = columns["prompt"].replace("jane@example.com", "<email>")
        return super().log_llm_call(**columns)


class ShopDetector(AnomalyDetector):
    """Also looks at how often people had to review."""

    def check_anomalies(self):
        anomalies = super().check_anomalies()
        connection = sqlite3.connect(self.logger.db_path)
        total, reviewed = connection.execute(
            "SELECT count(*), sum(to_node = 'human_review') FROM branch_decisions WHERE from_node = 'decide'"
        ).fetchone()
        connection.close()
        if total and reviewed / total > 0.3:
            share = reviewed / total
            anomalies.append({"rule": "review_rate", "message": f"{share:.0%} of claims were reviewed by people", "value": share})
        return anomalies


class RefundDesk:
    def __init__(self, db_path):
        self.logger = ShopLogger(db_path=db_path)
        self.llm = InstrumentedLLM(self.logger)
        self.workflow = WorkflowLogger(self.logger, "refunds")
        self.random = random.Random(7)

    def process(self, order_id, text):
        """One claim, from the mail to the decision."""
        request_id = f"claim-{uuid.uuid4().hex[:10]}"
        with self.workflow.step("refund", request_id, inputs={"order": order_id, "text": text}, kind="agent") as claim:
            order = self.look_up(claim, order_id)
            if order is None:
                claim.branch("reject", "the order exists", False)
                claim.output = "rejected: no such order"
                return claim.output
            claim.branch("decide", "the order exists", True, {"total": order["total"]})
            claim.output = self.decide(claim, order, text)
            return claim.output

    def look_up(self, claim, order_id):
        """Asks the order system, which is not always there: three attempts."""
        for attempt in range(1, 4):
            try:
                with claim.tool("order_system", inputs={"order": order_id, "attempt": attempt}) as tool:
                    if self.random.random() < 0.4:
                        raise ConnectionError("the order system did not answer")
                    tool.output = ORDERS.get(order_id)
                    return tool.output
            except ConnectionError:
                self.workflow.log_branch_decision(
                    from_node="look_up",
                    to_node="look_up" if attempt < 3 else "give_up",
                    condition="attempts left",
                    condition_result=attempt < 3,
                    context={"attempt": attempt},
                )
        return None

    def decide(self, claim, order, text):
        with claim.step("decide") as step:
            risk = assess(order, text)
            answer = self.llm.call(
                system="You decide on refunds. Say yes or no, and why.",
                prompt=f"From jane@example.com: {text}",
                model="demo/echo",
                prompt_name="refund_decision",
                prompt_version="v2",
                department="service",
                metadata={"risk": risk},
            )
            if risk < 0.5:
                step.branch("pay", "risk < 0.5", True, {"risk": risk})
                with step.tool("payment", inputs={"amount": order["total"]}) as tool:
                    tool.output = {"paid": order["total"]}
                return f"paid {order['total']}"
            step.branch("human_review", "risk < 0.5", False, {"risk": risk})
        return self.review(claim, order, answer["content"])

    def review(self, claim, order, proposal):
        """A person looks at it; here, one who agrees to what is below 100."""
        with claim.step("human_review", inputs=proposal) as step:
            agreed = order["total"] < 100
            step.output = {"reviewer": "sam", "agreed": agreed}
            step.branch("pay" if agreed else "reject", "the reviewer agrees", agreed, {"reviewer": "sam"})
            return f"paid {order['total']} after review" if agreed else "rejected after review"


@track(kind="guardrail")
def assess(order, text):
    """How risky a refund is, from 0 to 1."""
    return min(1.0, order["total"] / 300 + order["days"] / 60 + (0.3 if "never" in text else 0.0))


@track(kind="agent", workflow="refunds")
async def daily_report(llm, claims):
    """A tracked coroutine: two calls at the same time, both parts of one request."""
    answers = await asyncio.gather(
        llm.acall(prompt=f"Summarise {len(claims)} claims in one line.", model="demo/echo", prompt_version="v1"),
        llm.acall(prompt="Which claim should a person look at again?", model="demo/echo", prompt_version="v1"),
    )
    return [answer["content"] for answer in answers]


@track
def newsletter(llm):
    """A tracked generator: pieces as they come."""
    yield from llm.stream(prompt="Tell our customers about refunds in one sentence.", model="demo/echo")


def yesterday(logger):
    """Two hundred calls of the day before, with their own times."""
    chance = random.Random(1)
    now = datetime.datetime.now(datetime.timezone.utc)
    for _ in range(200):
        at = now - datetime.timedelta(minutes=chance.uniform(70, 24 * 60))
        prompt_tokens, completion_tokens = chance.randint(180, 260), chance.randint(40, 80)
        logger.log_llm_call(
            timestamp=at,
            model="gpt-4o-mini",
            prompt="an earlier claim",
            response="yes",
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            latency_ms=chance.gauss(800, 90),
            prompt_version="v1",
            department="service",
        )


def grown_prompt(logger):
    """Someone pasted the manual into the prompt an hour ago: four times the tokens."""
    chance = random.Random(2)
    for _ in range(30):
        logger.log_llm_call(
            model="gpt-4o-mini",
            prompt="a claim, and the whole manual",
            response="yes",
            prompt_tokens=chance.randint(800, 1000),
            completion_tokens=chance.randint(40, 80),
            latency_ms=chance.gauss(1900, 200),
            prompt_version="v2",
            department="service",
        )


def main(path):
    desk = RefundDesk(path)
    weir.set_default_logger(desk.logger)
    yesterday(desk.logger)
    for order_id, text in CLAIMS:
        print(f"{order_id}: {desk.process(order_id, text)}")
    print("report:", *asyncio.run(daily_report(desk.llm, CLAIMS)), sep="\n  ")
    print("newsletter:", "".join(newsletter(desk.llm)))
    try:
        InstrumentedLLM(desk.logger, base_url="http://127.0.0.1:1/v1").call(prompt="Is anybody there?", model="gpt-4o-mini")
    except LLMError as error:
        print("a call that failed, recorded like the others:", error)
    grown_prompt(desk.logger)
    desk.logger.flush()

    detector = ShopDetector(db_path=path, on_alert=lambda anomaly: print("alert:", anomaly["message"]))
    detector.alert(detector.check_anomalies())

    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    print(f"\n{path}, {desk.logger.seen} calls logged:")
    for table in ("llm_calls", "branch_decisions", "tool_calls"):
        print(f"  {table}: {connection.execute(f'SELECT count(*) FROM {table}').fetchone()[0]} rows")
    print("  the path of one claim:")
    request_id = connection.execute("SELECT max(request_id) FROM branch_decisions WHERE to_node = 'human_review'").fetchone()[0]
    for row in connection.execute(
        "SELECT timestamp, from_node || ' -> ' || to_node FROM branch_decisions WHERE request_id = :id "
        "UNION ALL SELECT timestamp, 'tool ' || tool_name || ': ' || status FROM tool_calls WHERE request_id = :id "
        "UNION ALL SELECT timestamp, 'llm ' || model || ': ' || status FROM llm_calls WHERE request_id = :id ORDER BY 1",
        {"id": request_id},
    ):
        print("   ", *row)
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "observability.db")
