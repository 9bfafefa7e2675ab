"""A typed program, for `mypy --strict`: what it says of types holds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from weir import AnomalyDetector, InstrumentedLLM, LLMError, ObservabilityLogger, WorkflowLogger, start_http_server, track


class CustomLogger(ObservabilityLogger):
    def log_llm_call(self, *args: Any, **columns: Any) -> str:
        return super().log_llm_call(*args, **columns)


class CustomDetector(AnomalyDetector):
    def check_anomalies(self) -> list[dict[str, Any]]:
        return [*super().check_anomalies(), {"rule": "mine"}]


@track
def plain(x: int) -> str:
    return str(x)


@track(name="n", kind="tool", capture_input=False)
async def coroutine(x: int) -> str:
    return plain(x)


async def main() -> None:
    with CustomLogger(db_path="my.db") as logger:
        request_id: str = logger.log_llm_call(model="m", timestamp=datetime.now(timezone.utc), cost=0.1)
        logger.log_branch_decision(request_id, "a", "b", condition_result=True)
        llm = InstrumentedLLM(logger)
        try:
            content: str = llm.call(prompt="p", model="m", prompt_version="v1", seed=7)["content"]
        except LLMError as error:
            status: int | None = error.status
            print(status)
        print(content, [piece.upper() for piece in llm.stream("p")], [piece async for piece in llm.astream("p")])
        workflow = WorkflowLogger(logger, "w")
        with workflow.step("s") as step, step.tool("t", inputs={"a": 1}) as tool:
            tool.output = await coroutine(1)
            step.branch("next")
        detector = CustomDetector("my.db", window=timedelta(hours=1))
        detector.alert(detector.check_anomalies())
        server, thread = start_http_server(8000)
        server.shutdown()
        thread.join()
        counts: dict[str, int] = logger.stats()
        print(counts, logger.flush(1.0))
