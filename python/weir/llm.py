"""A client of OpenAI-type providers that records its calls."""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
from typing import Any, AsyncIterator, Dict, Iterator, List, Mapping, NamedTuple, NoReturn, Optional, Sequence, Union

from . import _native
from ._context import scope, with_beside
from ._default import default_logger, logger_of
from ._spans import same_store
from ._store import Store
from ._values import error_text, to_json
from .logger import ObservabilityLogger, Path

#: The model of calls that name none.
MODEL = "gpt-4o-mini"

Message = Mapping[str, Any]

_log = logging.getLogger("weir")


class _Asked(NamedTuple):
    """A request: its body, what the column ``prompt`` shows of it, and the prompt if that is all there is to keep."""

    body: str
    prompt: str
    plain: Optional[str]


class _Labels(NamedTuple):
    """What a call is filed under."""

    request_id: Optional[str]
    prompt_name: Optional[str]
    prompt_version: Optional[str]
    department: Optional[str]
    user: Optional[str]
    session: Optional[str]
    workflow: Optional[str]
    metadata: Any
    timeout: Optional[float]


class _Waiting:
    """An ``asyncio`` future that another thread fulfils."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def done(self, value: Any) -> None:
        """Called from a thread of the library."""
        try:
            self._loop.call_soon_threadsafe(self._set, value)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            pass

    def _set(self, value: Any) -> None:
        if not self.future.done():
            self.future.set_result(value)


class LLMError(Exception):
    """A call that was not answered. It is recorded.

    :ivar message: what went wrong, in the provider's words where it said something.
    :ivar status: the HTTP status, if there was an answer.
    :ivar code: the provider's code.
    :ivar kind: ``api`` (the provider refused), ``connection``, ``timeout``, ``answer`` (of an unknown form) or ``settings``.
    :ivar request_id: the id under which the call is recorded.
    """

    def __init__(
        self, message: str, status: Optional[int] = None, code: Optional[str] = None, kind: str = "api", request_id: str = ""
    ) -> None:
        super().__init__(message, status, code, kind, request_id)
        self.message = message
        self.status = status
        self.code = code
        self.kind = kind
        self.request_id = request_id

    def __str__(self) -> str:
        return self.message if self.status is None else f"{self.message} (HTTP {self.status})"


class InstrumentedLLM:
    """Calls models and records every call: prompt, answer, tokens, cost, time, error.

    ``base_url`` and ``api_key`` are those of any OpenAI-type provider, by default ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``.
    Without either, the provider ``demo`` answers within the process, offline and labelled as such. Nothing is tried
    again. The GIL is not held while an answer is awaited.

    :param logger: an ``ObservabilityLogger``, whose ``log_llm_call`` is given every call, or the path of a file.
    :param db_path: the file, where no logger is given.
    :param model: the model of calls that name none.
    :param timeout: seconds that an answer, or the next piece of a streamed one, may take.
    :param provider: the provider's name in the record; by default it comes from the address.
    """

    def __init__(
        self,
        logger: Union[ObservabilityLogger, Path, None] = None,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        *,
        db_path: Optional[Path] = None,
        model: str = MODEL,
        timeout: float = 120.0,
        provider: Optional[str] = None,
    ) -> None:
        self.logger = logger_of(logger, db_path)
        self.model = model
        store: Store = getattr(self.logger, "_store", None) or default_logger()._store
        self._client = _native.Client(*store.target, base_url, api_key, timeout, provider)

    def call(
        self,
        prompt: Optional[str] = None,
        model: Optional[str] = None,
        prompt_version: Optional[str] = None,
        *,
        system: Optional[str] = None,
        messages: Optional[Sequence[Message]] = None,
        temperature: Optional[float] = None,
        max_tokens: Optional[int] = None,
        request_id: Optional[str] = None,
        prompt_name: Optional[str] = None,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
        metadata: Any = None,
        timeout: Optional[float] = None,
        **params: Any,
    ) -> Dict[str, Any]:
        """Asks a model. Returns ``content``, ``request_id``, ``model`` (that answered), ``usage``, ``cost`` (US dollars, ``None`` if
        the price is not known), ``latency_ms``, ``finish_reason`` and ``raw``, the provider's whole answer.

        ``prompt`` is the user's turn, after ``system``; or ``messages`` are sent as they are. Further keywords are members of the
        request (``tools``, ``response_format``, ``seed``, ...). Raises :class:`LLMError`.
        """
        labels = _Labels(request_id, prompt_name, prompt_version, department, user, session, workflow, metadata, timeout)
        asked = self._asked(prompt, model, system, messages, temperature, max_tokens, params)
        ongoing = self._client.start(asked.body, self._options(asked, labels))
        try:
            outcome = ongoing.wait()
        except BaseException:
            # An interrupt.
            self._log(labels, ongoing.cancel())
            raise
        return self._answered(labels, outcome)

    async def acall(
        self,
        prompt: Optional[str] = None,
        model: Optional[str] = None,
        prompt_version: Optional[str] = None,
        *,
        system: Optional[str] = None,
        messages: Optional[Sequence[Message]] = None,
        temperature: Optional[float] = None,
        max_tokens: Optional[int] = None,
        request_id: Optional[str] = None,
        prompt_name: Optional[str] = None,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
        metadata: Any = None,
        timeout: Optional[float] = None,
        **params: Any,
    ) -> Dict[str, Any]:
        """The same for ``asyncio``. A cancelled task gives the call up, and it is recorded as cancelled."""
        labels = _Labels(request_id, prompt_name, prompt_version, department, user, session, workflow, metadata, timeout)
        asked = self._asked(prompt, model, system, messages, temperature, max_tokens, params)
        waiting = _Waiting()
        ongoing = self._client.start(asked.body, self._options(asked, labels), waiting.done)
        try:
            await waiting.future
        except BaseException:
            self._log(labels, ongoing.cancel())
            raise
        return self._answered(labels, ongoing.wait())

    def stream(
        self,
        prompt: Optional[str] = None,
        model: Optional[str] = None,
        prompt_version: Optional[str] = None,
        *,
        system: Optional[str] = None,
        messages: Optional[Sequence[Message]] = None,
        temperature: Optional[float] = None,
        max_tokens: Optional[int] = None,
        request_id: Optional[str] = None,
        prompt_name: Optional[str] = None,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
        metadata: Any = None,
        timeout: Optional[float] = None,
        **params: Any,
    ) -> Iterator[str]:
        """Asks a model and yields its answer in pieces of text. The request is sent when the first piece is asked for, and
        recorded when the answer ends, breaks off, or nobody asks for more."""
        labels = _Labels(request_id, prompt_name, prompt_version, department, user, session, workflow, metadata, timeout)
        asked = self._asked(prompt, model, system, messages, temperature, max_tokens, params)
        return self._pieces(asked, labels)

    def astream(
        self,
        prompt: Optional[str] = None,
        model: Optional[str] = None,
        prompt_version: Optional[str] = None,
        *,
        system: Optional[str] = None,
        messages: Optional[Sequence[Message]] = None,
        temperature: Optional[float] = None,
        max_tokens: Optional[int] = None,
        request_id: Optional[str] = None,
        prompt_name: Optional[str] = None,
        department: Optional[str] = None,
        user: Optional[str] = None,
        session: Optional[str] = None,
        workflow: Optional[str] = None,
        metadata: Any = None,
        timeout: Optional[float] = None,
        **params: Any,
    ) -> AsyncIterator[str]:
        """The same as :meth:`stream` for ``asyncio``: ``async for piece in llm.astream(...)``."""
        labels = _Labels(request_id, prompt_name, prompt_version, department, user, session, workflow, metadata, timeout)
        asked = self._asked(prompt, model, system, messages, temperature, max_tokens, params)
        return self._apieces(asked, labels)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds connections and cannot be pickled or copied: make one in the other process")

    def _options(self, asked: _Asked, labels: _Labels) -> Dict[str, Any]:
        """Labels, with what the open span adds, and how the request is shown."""
        options = labels._asdict()
        options["metadata"] = None if labels.metadata is None else to_json(labels.metadata)
        options["prompt"], options["plain"] = asked.prompt, asked.plain
        outer = scope.get()
        if outer is not None and labels.request_id in (None, outer.request_id):
            options["request_id"] = outer.request_id
            options["parent_id"] = outer.span_id if same_store(outer.logger, self.logger) else None
            if labels.workflow is None:
                options["workflow"] = outer.workflow
        return options

    def _asked(
        self,
        prompt: Optional[str],
        model: Optional[str],
        system: Optional[str],
        messages: Optional[Sequence[Message]],
        temperature: Optional[float],
        max_tokens: Optional[int],
        params: Dict[str, Any],
    ) -> _Asked:
        if (prompt is None) == (messages is None):
            raise TypeError("give either prompt or messages")
        if params.get("stream"):
            raise TypeError("stream: use stream() or astream() for an answer in pieces")
        turns: List[Any] = [{"role": "system", "content": system}] if system is not None else []
        turns += messages if messages is not None else [{"role": "user", "content": prompt}]
        request: Dict[str, Any] = {"model": model if model is not None else self.model, "messages": turns}
        for name, value in (("temperature", temperature), ("max_tokens", max_tokens)):
            if value is not None:
                request[name] = value
        request.update(params)
        try:
            body = json.dumps(request, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(f"the request has no form in JSON: {error}") from None
        # What was asked is the prompt; around instructions and other members the record keeps the whole request.
        if prompt is not None and system is None and not params:
            return _Asked(body, prompt, prompt)
        return _Asked(body, to_json(turns), None)

    def _answered(self, labels: _Labels, outcome: _native.Outcome) -> Dict[str, Any]:
        columns = self._log(labels, outcome)
        if outcome.answer is None:
            self._raise(outcome, columns)
        raw = json.loads(outcome.answer)
        usage = {name: columns[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        said = raw.get("usage")
        return {
            "content": columns["response"] or "",
            "request_id": columns["request_id"],
            "model": raw.get("model") or columns["model"],
            "usage": {**usage, **(said if isinstance(said, dict) else {})},
            "cost": columns["cost"],
            "latency_ms": columns["latency_ms"],
            "finish_reason": outcome.finish_reason,
            "raw": raw,
        }

    @staticmethod
    def _raise(outcome: _native.Outcome, columns: Dict[str, Any]) -> NoReturn:
        message, status, code, kind = outcome.error or ("the call was given up", None, None, "connection")
        raise LLMError(message, status, code, kind, columns.get("request_id", "")) from None

    def _log(self, labels: _Labels, outcome: Optional[_native.Outcome]) -> Dict[str, Any]:
        """Gives the call to the logger, whose ``log_llm_call`` may be overridden, in the documented columns; the record that
        the library made stands beside them, and fills in what the columns leave out."""
        record = None if outcome is None else outcome.record
        if record is None:
            return {}
        columns = record.columns()
        columns["timestamp"] = datetime.datetime.fromtimestamp(columns["timestamp"] / 1_000_000, datetime.timezone.utc)
        columns["metadata"] = labels.metadata
        with with_beside("llm", {"record": record}):
            try:
                self.logger.log_llm_call(**columns)
            except Exception as failure:
                if getattr(self.logger, "strict", False):
                    raise
                _log.warning("a call was not recorded: %s", error_text(failure))
        return columns

    def _pieces(self, asked: _Asked, labels: _Labels) -> Iterator[str]:
        stream = self._client.stream(asked.body, self._options(asked, labels))
        try:
            while True:
                piece = stream.next()
                if piece is None:
                    break
                yield piece
        finally:
            outcome = stream.end()
            columns = self._log(labels, outcome)
        if outcome is not None and outcome.error is not None:
            self._raise(outcome, columns)

    async def _apieces(self, asked: _Asked, labels: _Labels) -> AsyncIterator[str]:
        stream = self._client.stream(asked.body, self._options(asked, labels))
        try:
            while True:
                waiting = _Waiting()
                stream.start_next(waiting.done)
                piece = await waiting.future
                if piece is None:
                    break
                yield piece
        finally:
            outcome = stream.end()
            columns = self._log(labels, outcome)
        if outcome is not None and outcome.error is not None:
            self._raise(outcome, columns)
