"""Workflows: decisions and tool calls under a workflow's name, and steps that time and nest by themselves."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType
from typing import Any, NoReturn, Optional, Type, TypeVar, Union

from ._context import Scope, with_beside
from ._default import logger_of
from ._spans import OpenSpan
from .logger import _MISSING, ObservabilityLogger, Path

Open = TypeVar("Open", bound="_Open")


class WorkflowLogger:
    """Records what a workflow does: its decisions, its tool calls, its steps.

    ::

        workflow = WorkflowLogger(logger, "support")
        with workflow.step("classify", request_id="req-1") as step:
            with step.tool("search", inputs={"query": "password"}) as tool:
                tool.output = search("password")
            step.branch("answer", condition="hits > 0", condition_result=True)

    :param logger: an ``ObservabilityLogger``, or the path of a file.
    :param workflow: the name under which its steps are counted and read back.
    :param db_path: the file, where no logger is given.
    """

    def __init__(
        self,
        logger: Union[ObservabilityLogger, Path, None] = None,
        workflow: str = "default",
        *,
        db_path: Optional[Path] = None,
    ) -> None:
        self.logger = logger_of(logger, db_path)
        self.workflow = workflow

    def log_branch_decision(
        self,
        request_id: Optional[str] = None,
        from_node: str = _MISSING,
        to_node: str = _MISSING,
        condition: Any = None,
        condition_result: Any = None,
        context: Any = None,
        timestamp: Any = None,
    ) -> str:
        """Records a decision: see :meth:`ObservabilityLogger.log_branch_decision`. Returns its request id."""
        with with_beside("branch", {"workflow": self.workflow}):
            return self.logger.log_branch_decision(
                request_id=request_id,
                from_node=from_node,
                to_node=to_node,
                condition=condition,
                condition_result=condition_result,
                context=context,
                timestamp=timestamp,
            )

    def log_tool_call(
        self,
        request_id: Optional[str] = None,
        tool_name: str = _MISSING,
        inputs: Any = None,
        output: Any = None,
        latency_ms: Optional[float] = None,
        status: Optional[str] = None,
        error: Any = None,
        timestamp: Any = None,
    ) -> str:
        """Records a tool call: see :meth:`ObservabilityLogger.log_tool_call`. Returns its request id."""
        with with_beside("tool", {"workflow": self.workflow}):
            return self.logger.log_tool_call(
                request_id=request_id,
                tool_name=tool_name,
                inputs=inputs,
                output=output,
                latency_ms=latency_ms,
                status=status,
                error=error,
                timestamp=timestamp,
            )

    def step(self, name: str, request_id: Optional[str] = None, inputs: Any = None, kind: str = "chain") -> Step:
        """A step, for ``with``: from its start to its end it is what everything logged belongs to."""
        return Step(self, kind, name, request_id, inputs)

    def tool(self, name: str, request_id: Optional[str] = None, inputs: Any = None) -> Tool:
        """A tool call, for ``with``: timed, with its ``output`` set inside."""
        return Tool(self, "tool", name, request_id, inputs)

    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until all that was logged is on disk. Whether it was within ``timeout`` seconds."""
        return self.logger.flush(timeout)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds an open store and cannot be pickled or copied: make one in the other process")


class _Open:
    """What ``with`` opens. An exception ends it as an error, and goes on."""

    def __init__(self, workflow: WorkflowLogger, kind: str, name: str, request_id: Optional[str], inputs: Any) -> None:
        #: What it was given; may be set inside.
        self.inputs = inputs
        #: What it returned; may be set inside.
        self.output: Any = None
        #: Anything else to keep with it.
        self.metadata: Any = None
        #: How it ended, if not by whether there was an exception.
        self.status: Optional[str] = None
        self.name = name
        self._workflow = workflow
        self._kind = kind
        self._given_request_id = request_id
        self._span: Optional[OpenSpan] = None
        self._token: Optional[Token[Optional[Scope]]] = None

    @property
    def request_id(self) -> str:
        """The request that it belongs to: the one given, that of the step around it, or a new one."""
        return self._opened().scope.request_id

    def __enter__(self: Open) -> Open:
        self._span = OpenSpan(
            self._workflow.logger, self._kind, self.name, self._given_request_id, self._workflow.workflow
        )
        self._token = self._span.enter()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        span = self._opened()
        if self._token is not None:
            span.leave(self._token)
        span.end(self.inputs, self.output, error, self.status, self.metadata)

    def _opened(self) -> OpenSpan:
        if self._span is None:
            raise RuntimeError(f"{self.name!r} is not open: use it as `with ... as step:`")
        return self._span


class Step(_Open):
    """A step of a workflow."""

    def branch(self, to_node: str, condition: Any = None, condition_result: Any = None, context: Any = None) -> None:
        """Records the decision to go from this step to another node."""
        self._workflow.log_branch_decision(
            request_id=self.request_id,
            from_node=self.name,
            to_node=to_node,
            condition=condition,
            condition_result=condition_result,
            context=context,
        )

    def tool(self, name: str, inputs: Any = None) -> Tool:
        """A tool call of this step, for ``with``."""
        return Tool(self._workflow, "tool", name, self.request_id, inputs)

    def step(self, name: str, inputs: Any = None, kind: str = "chain") -> Step:
        """A step within this one, for ``with``."""
        return Step(self._workflow, kind, name, self.request_id, inputs)


class Tool(_Open):
    """A tool call."""
