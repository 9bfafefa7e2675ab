"""Spans while they are open: what is logged meanwhile becomes their child. They are recorded when they end."""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from contextvars import Token
from typing import TYPE_CHECKING, Any, Dict, Optional

from . import _native
from ._context import Scope, scope, with_beside
from ._values import error_text, to_json

if TYPE_CHECKING:
    from .logger import ObservabilityLogger

_log = logging.getLogger("weir")


class OpenSpan:
    """A span with a start. ``enter`` makes it the innermost one, ``leave`` undoes that; both may come many times, as a
    generator runs piece by piece. ``end`` records it, once."""

    __slots__ = ("logger", "kind", "name", "scope", "_parent", "_started", "_clock", "_ended")

    def __init__(
        self, logger: ObservabilityLogger, kind: str, name: str, request_id: Optional[str], workflow: Optional[str]
    ) -> None:
        outer = scope.get()
        if outer is not None and request_id is not None and request_id != outer.request_id:
            outer = None
        if request_id is None:
            request_id = outer.request_id if outer is not None else _native.new_request_id()
        if workflow is None and outer is not None:
            workflow = outer.workflow
        self.logger = logger
        self.kind = kind
        self.name = name
        self.scope = Scope(logger, request_id, _native.new_span_id(), workflow)
        self._parent = outer.span_id if outer is not None and same_store(outer.logger, logger) else None
        self._started = datetime.datetime.now(datetime.timezone.utc)
        self._clock = time.perf_counter()
        self._ended = False

    def enter(self) -> Token[Optional[Scope]]:
        return scope.set(self.scope)

    @staticmethod
    def leave(token: Token[Optional[Scope]]) -> None:
        try:
            scope.reset(token)
        except ValueError:
            # Closed from another context, as by the garbage collector: that one was never entered.
            pass

    def end(
        self,
        inputs: Any = None,
        output: Any = None,
        error: Optional[BaseException] = None,
        status: Optional[str] = None,
        metadata: Any = None,
    ) -> None:
        """Records the span as a tool call, a call of a model or a plain step, through the logger's own methods."""
        if self._ended:
            return
        self._ended = True
        columns: Dict[str, Any] = {
            "request_id": self.scope.request_id,
            "latency_ms": (time.perf_counter() - self._clock) * 1_000,
            "status": status if status is not None else _status(error),
            "error": error_text(error),
            "timestamp": self._started,
        }
        extra: Dict[str, Any] = {
            "span_id": self.scope.span_id,
            "parent_id": self._parent,
            "workflow": self.scope.workflow,
            "name": self.name,
        }
        try:
            with with_beside(self.kind, extra):
                if self.kind == "tool":
                    extra["metadata"] = None if metadata is None else to_json(metadata)
                    self.logger.log_tool_call(tool_name=self.name, inputs=inputs, output=output, **columns)
                elif self.kind == "llm":
                    self.logger.log_llm_call(prompt=inputs, response=output, metadata=metadata, **columns)
                else:
                    self.logger.log_span(self.name, self.kind, inputs=inputs, output=output, metadata=metadata, **columns)
        except Exception as failure:
            # As the override of a log method may fail; that is not the concern of the code that is recorded.
            if getattr(self.logger, "strict", False):
                raise
            _log.warning("%s %r was not recorded: %s", self.kind, self.name, error_text(failure))


def same_store(one: Any, other: Any) -> bool:
    """Whether what two loggers record can be parts of each other."""
    store = getattr(one, "_store", None)
    return store is not None and store is getattr(other, "_store", None)


def _status(error: Optional[BaseException]) -> str:
    if error is None:
        return "success"
    return "cancelled" if isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt)) else "error"
