"""The logger: what a program did, as rows of the three documented tables."""

from __future__ import annotations

import logging
import os
from types import TracebackType
from typing import Any, Dict, NoReturn, Optional, Set, Tuple, Type, TypeVar, Union

from . import _native
from ._context import beside, scope
from ._store import Store, open_store
from ._values import error_text, to_json, to_micros, to_text
from .metrics import register_with_prometheus

Path = Union[str, "os.PathLike[str]"]
Self = TypeVar("Self", bound="ObservabilityLogger")

_log = logging.getLogger("weir")
_MISSING: Any = object()


class ObservabilityLogger:
    """Records LLM calls, branch decisions and tool calls in a SQLite file, or in a Weir server.

    Logging costs its caller microseconds and never fails it: a value that cannot be recorded is left out, a record
    that cannot be kept is dropped; both are counted in :meth:`stats` and told once through ``logging``. With
    ``strict=True`` they raise ``TypeError`` or ``ValueError`` instead. What was logged is on disk after :meth:`flush`,
    and at the end of the program.

    Loggers of one file share one store. Within a step, a ``@track``ed function or another open span, what is logged
    without a request id belongs to that span's request.

    :param db_path: the file; made if it does not exist. ``observability.db`` in the working folder by default.
    :param url: a Weir server instead, with ``api_key`` if it asks for one.
    :param project: the project that records are filed under.
    :param strict: raise on what cannot be recorded.
    """

    def __init__(
        self,
        db_path: Optional[Path] = None,
        url: Optional[str] = None,
        api_key: Optional[str] = None,
        project: Optional[str] = None,
        *,
        strict: bool = False,
    ) -> None:
        if db_path is not None and url is not None:
            raise ValueError("db_path and url exclude each other: records go to a file or to a server")
        self.db_path = None if url is not None else os.fspath(db_path if db_path is not None else "observability.db")
        self.url = url
        self.project = project
        self.strict = strict
        self._invalid = 0
        self._lost = 0
        self._told: Set[Tuple[str, str]] = set()
        self._store: Store = open_store(self.db_path, url, api_key)
        register_with_prometheus()

    def log_llm_call(
        self,
        request_id: Optional[str] = None,
        prompt_version: Optional[str] = None,
        model: Optional[str] = None,
        prompt: Any = None,
        response: Any = None,
        prompt_tokens: Optional[int] = None,
        completion_tokens: Optional[int] = None,
        total_tokens: Optional[int] = None,
        latency_ms: Optional[float] = None,
        cost: Optional[float] = None,
        status: Optional[str] = None,
        error: Any = None,
        metadata: Any = None,
        timestamp: Any = None,
        *,
        provider: Optional[str] = None,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
        prompt_name: Optional[str] = None,
    ) -> str:
        """Records a call of a language model: a row of ``llm_calls``. Returns its request id, made if none is given.

        ``timestamp`` is the start: a ``datetime`` (a naive one is UTC), ISO 8601, or seconds since the epoch; past times
        are taken as they are; without it the call has just ended. ``cost`` is in US dollars; without it the call is
        priced by its model and tokens, if the price is known. ``status`` is ``success``, ``error``, ``cached``,
        ``rate_limited``, ``blocked`` or ``cancelled``; without it, ``error`` decides. ``prompt`` may be a text or messages;
        ``metadata`` is anything that has a form in JSON.
        """
        return self._record(
            "llm",
            timestamp,
            {
                "request_id": request_id,
                "prompt_version": prompt_version,
                "model": model,
                "input": _text(prompt),
                "output": _text(response),
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": total_tokens,
                "latency_ms": latency_ms,
                "cost": cost,
                "status": status,
                "error": error_text(error),
                "metadata": _json(metadata),
                "provider": provider,
                "department": department,
                "user": user,
                "session": session,
                "workflow": workflow,
                "prompt_name": prompt_name,
            },
        )

    def log_branch_decision(
        self,
        request_id: Optional[str] = None,
        from_node: str = _MISSING,
        to_node: str = _MISSING,
        condition: Any = None,
        condition_result: Any = None,
        context: Any = None,
        timestamp: Any = None,
        *,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
    ) -> str:
        """Records a decision of a workflow: a row of ``branch_decisions``. Returns its request id.

        ``condition_result`` and ``context`` are anything that has a form in JSON; ``timestamp`` as for :meth:`log_llm_call`.
        """
        if from_node is _MISSING or to_node is _MISSING:
            _missing("log_branch_decision", "from_node" if from_node is _MISSING else "to_node")
        return self._record(
            "branch",
            timestamp,
            {
                "request_id": request_id,
                "from_node": from_node,
                "to_node": to_node,
                "condition": _text(condition),
                "condition_result": _json(condition_result),
                "context": _json(context),
                "department": department,
                "user": user,
                "session": session,
                "workflow": workflow,
            },
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
        *,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
    ) -> str:
        """Records a call of a tool or function: a row of ``tool_calls``. Returns its request id.

        ``inputs`` and ``output`` are texts or anything that has a form in JSON; ``status`` and ``timestamp`` as for
        :meth:`log_llm_call`.
        """
        if tool_name is _MISSING:
            _missing("log_tool_call", "tool_name")
        return self._record(
            "tool",
            timestamp,
            {
                "request_id": request_id,
                "tool_name": tool_name,
                "input": _text(inputs),
                "output": _text(output),
                "latency_ms": latency_ms,
                "status": status,
                "error": error_text(error),
                "department": department,
                "user": user,
                "session": session,
                "workflow": workflow,
            },
        )

    def log_span(
        self,
        name: str,
        kind: str = "chain",
        *,
        request_id: Optional[str] = None,
        inputs: Any = None,
        output: Any = None,
        latency_ms: Optional[float] = None,
        status: Optional[str] = None,
        error: Any = None,
        metadata: Any = None,
        timestamp: Any = None,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
    ) -> str:
        """Records any other step: ``chain``, ``agent``, ``retriever``, ``embedding``, ``guardrail``, ``evaluator`` or ``other``."""
        return self._record(
            kind,
            timestamp,
            {
                "name": name,
                "tool_name": name,
                "request_id": request_id,
                "input": _text(inputs),
                "output": _text(output),
                "latency_ms": latency_ms,
                "status": status,
                "error": error_text(error),
                "metadata": _json(metadata),
                "department": department,
                "user": user,
                "session": session,
                "workflow": workflow,
            },
        )

    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until all that was logged is on disk, or with the server. Whether it was within ``timeout`` seconds."""
        return self._store.flush(timeout)

    def close(self) -> None:
        """Writes what was logged and closes the file. Logging again opens it again."""
        self._store.close()

    def stats(self) -> Dict[str, int]:
        """What became of the records of this process, by all loggers of the store: ``logged``, ``stored``, ``lost`` with
        reasons as ``lost_queue_full``, ``waiting_bytes``. And what this logger could not record: ``invalid_values`` were
        left out of their records, ``invalid_records`` were dropped whole."""
        return {**self._store.stats(), "invalid_values": self._invalid, "invalid_records": self._lost}

    def metrics_text(self) -> str:
        """The figures of what was logged in this process, as Prometheus text."""
        return _native.metrics_text()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.flush()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'url=' + repr(self.url) if self.url else 'db_path=' + repr(self.db_path)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds an open store and cannot be pickled or copied: "
            "make one with the same db_path in the other process"
        )

    def _record(self, kind: str, timestamp: Any, fields: Dict[str, Any]) -> str:
        fields["kind"] = kind
        if self.project is not None:
            fields["project"] = self.project
        extra = beside.get()
        if extra is not None and extra[0] == kind:
            beside.set(None)
            _apply(fields, extra[1])
        open_span = scope.get()
        if open_span is not None:
            request_id = fields["request_id"]
            if request_id is None or request_id == open_span.request_id:
                fields["request_id"] = open_span.request_id
                if "parent_id" not in fields and getattr(open_span.logger, "_store", None) is self._store:
                    fields["parent_id"] = open_span.span_id
                if fields["workflow"] is None:
                    fields["workflow"] = open_span.workflow
        try:
            if timestamp is not None:
                fields["at"] = self._time(kind, timestamp)
            return self._store.record(fields)
        except Exception as error:
            return self._without_what_is_wrong(kind, fields, error)

    def _time(self, kind: str, timestamp: Any) -> Optional[int]:
        try:
            return to_micros(timestamp)
        except Exception as error:
            self._complain(kind, "timestamp", f"{error}", type(error))
            return None

    def _without_what_is_wrong(self, kind: str, fields: Dict[str, Any], error: Exception) -> str:
        """Leaves out one wrong value after the other, until the record can be kept."""
        for _ in range(len(fields)):
            if not _names_a_field(error) or error.args[0] in _NEEDED:
                break
            field, problem = error.args
            value = fields.pop(field, None)
            if value is None:
                break
            self._complain(kind, field, problem, type(error))
            if field == "status":
                fields[field] = "success" if str(value).lower() in _WELL else "error"
            try:
                return self._store.record(fields)
            except Exception as next_error:
                error = next_error
        if _names_a_field(error):
            error = type(error)(f"{_shown(kind, error.args[0])}: {error.args[1]}")
        if self.strict:
            raise error
        self._lost += 1
        self._tell(kind, "", f"a record of kind {kind} was dropped: {error}")
        request_id = fields.get("request_id")
        return request_id if isinstance(request_id, str) else _native.new_request_id()

    def _complain(self, kind: str, field: str, problem: str, error: Type[Exception]) -> None:
        shown = _shown(kind, field)
        if self.strict:
            raise (TypeError if issubclass(error, TypeError) else ValueError)(f"{shown}: {problem}") from None
        self._invalid += 1
        self._tell(kind, shown, f"{shown}: {problem}; recorded without it")

    def _tell(self, kind: str, field: str, message: str) -> None:
        if (kind, field) not in self._told:
            self._told.add((kind, field))
            _log.warning("%s (this is told once, see stats())", message)


#: Words of others for what ended well; any other unknown status is an error.
_WELL = {"ok", "succeeded", "completed", "complete", "done", "200"}

#: Without these a record says nothing.
_NEEDED = {"tool_name", "from_node", "to_node", "name", "kind"}


def _names_a_field(error: Exception) -> bool:
    return isinstance(error, (TypeError, ValueError)) and len(error.args) == 2


def _shown(kind: str, field: str) -> str:
    """What a field of a record is called in the signatures above."""
    if field == "at":
        return "timestamp"
    if field in ("input", "output") and kind == "llm":
        return "prompt" if field == "input" else "response"
    return "inputs" if field == "input" else field


def _text(value: Any) -> Optional[str]:
    return value if value is None or type(value) is str else to_text(value)


def _json(value: Any) -> Optional[str]:
    return None if value is None else to_json(value)


def _apply(fields: Dict[str, Any], extra: Dict[str, Any]) -> None:
    """Adds what stands beside the columns; these have the last word."""
    for name, value in extra.items():
        if fields.get(name) is None:
            fields[name] = value


def _missing(method: str, name: str) -> NoReturn:
    raise TypeError(f"{method}() missing a required argument: '{name}'")
