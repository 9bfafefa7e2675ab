"""``@track``: a function's calls as spans."""

from __future__ import annotations

import functools
import inspect
import logging
from typing import Any, AsyncGenerator, Callable, Dict, Generator, List, Optional, TypeVar, Union, cast, overload

from ._context import scope
from ._default import default_logger
from ._spans import OpenSpan
from ._values import to_json
from .logger import ObservabilityLogger

_log = logging.getLogger("weir")

F = TypeVar("F", bound=Callable[..., Any])

#: What a function's call can be.
KINDS = ("chain", "tool", "agent", "retriever", "embedding", "guardrail", "evaluator", "llm", "other")

#: Pieces and characters of a generator that are kept as its output.
_MOST_PIECES = 10_000
_MOST_TEXT = 1_000_000


@overload
def track(function: F) -> F: ...
@overload
def track(
    *,
    name: Optional[str] = None,
    kind: str = "chain",
    capture_input: bool = True,
    capture_output: bool = True,
    logger: Optional[ObservabilityLogger] = None,
    workflow: Optional[str] = None,
) -> Callable[[F], F]: ...
def track(
    function: Optional[F] = None,
    *,
    name: Optional[str] = None,
    kind: str = "chain",
    capture_input: bool = True,
    capture_output: bool = True,
    logger: Optional[ObservabilityLogger] = None,
    workflow: Optional[str] = None,
) -> Union[F, Callable[[F], F]]:
    """Records every call of a function as a span: arguments, return value, time, error. Errors go on as they are.

    For functions, methods, coroutine functions, generators and asynchronous generators, with or without parentheses. What
    is logged during a call, by other tracked functions too, belongs to it. The outermost call begins a request of its own.

    :param name: instead of the function's own.
    :param kind: ``chain``, ``tool`` (a row of ``tool_calls``), ``agent``, ``retriever``, ``embedding``, ``guardrail``, ``evaluator``,
        ``llm`` or ``other``.
    :param capture_input: whether arguments are kept.
    :param capture_output: whether the return value, or what a generator gave, is kept.
    :param logger: where to; by default where the call around it goes, else :func:`set_default_logger`.
    :param workflow: the workflow that its spans are steps of.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r}: it is one of {', '.join(KINDS)}")
    how = _How(name, kind, capture_input, capture_output, logger, workflow)
    return cast("Union[F, Callable[[F], F]]", how.wrap(function) if function is not None else how.wrap)


class _How:
    """The settings of one ``@track``."""

    def __init__(
        self,
        name: Optional[str],
        kind: str,
        capture_input: bool,
        capture_output: bool,
        logger: Optional[ObservabilityLogger],
        workflow: Optional[str],
    ) -> None:
        self.name = name
        self.kind = kind
        self.capture_input = capture_input
        self.capture_output = capture_output
        self.logger = logger
        self.workflow = workflow
        self._told = False

    def wrap(self, function: Any) -> Any:
        """The function, recorded."""
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self.wrap(function.__func__))
        if not callable(function):
            raise TypeError(f"@track is for functions, not {type(function).__name__}")
        for is_kind, wrapped in (
            (inspect.isasyncgenfunction, self._async_generator),
            (inspect.iscoroutinefunction, self._coroutine),
            (inspect.isgeneratorfunction, self._generator),
        ):
            if is_kind(function):
                return wrapped(function)
        return self._function(function)

    def _function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        begin = self._begin(function)

        @functools.wraps(function)
        def tracked(*args: Any, **keywords: Any) -> Any:
            call = begin(args, keywords)
            token = call.span.enter()
            try:
                output = function(*args, **keywords)
            except BaseException as error:
                call.end(error=error)
                raise
            else:
                call.end(output)
                return output
            finally:
                call.span.leave(token)

        return tracked

    def _coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        begin = self._begin(function)

        @functools.wraps(function)
        async def tracked(*args: Any, **keywords: Any) -> Any:
            call = begin(args, keywords)
            token = call.span.enter()
            try:
                output = await function(*args, **keywords)
            except BaseException as error:
                call.end(error=error)
                raise
            else:
                call.end(output)
                return output
            finally:
                call.span.leave(token)

        return tracked

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        begin = self._begin(function)

        @functools.wraps(function)
        def tracked(*args: Any, **keywords: Any) -> Generator[Any, Any, Any]:
            call = begin(args, keywords)
            generator = function(*args, **keywords)
            step, sent = generator.send, None
            try:
                while True:
                    # The span is open only while the generator runs: between its pieces the caller's own context holds.
                    token = call.span.enter()
                    try:
                        piece = step(sent)
                    except StopIteration as stop:
                        call.end(returned=stop.value)
                        return stop.value
                    finally:
                        call.span.leave(token)
                    call.keep(piece)
                    try:
                        step, sent = generator.send, (yield piece)
                    except GeneratorExit:
                        token = call.span.enter()
                        try:
                            generator.close()
                        finally:
                            call.span.leave(token)
                        raise
                    except BaseException as error:
                        step, sent = generator.throw, error
            except BaseException as error:
                call.end(error=error)
                raise

        return tracked

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        begin = self._begin(function)

        @functools.wraps(function)
        async def tracked(*args: Any, **keywords: Any) -> AsyncGenerator[Any, Any]:
            call = begin(args, keywords)
            generator = function(*args, **keywords)
            step, sent = generator.asend, None
            try:
                while True:
                    token = call.span.enter()
                    try:
                        piece = await step(sent)
                    except StopAsyncIteration:
                        call.end()
                        return
                    finally:
                        call.span.leave(token)
                    call.keep(piece)
                    try:
                        step, sent = generator.asend, (yield piece)
                    except GeneratorExit:
                        token = call.span.enter()
                        try:
                            await generator.aclose()
                        finally:
                            call.span.leave(token)
                        raise
                    except BaseException as error:
                        step, sent = generator.athrow, error
            except BaseException as error:
                call.end(error=error)
                raise

        return tracked

    def _default(self) -> Optional[ObservabilityLogger]:
        try:
            return default_logger()
        except Exception as error:
            if not self._told:
                self._told = True
                _log.warning("@track records nothing, its store cannot be opened: %s", error)
            return None

    def _begin(self, function: Callable[..., Any]) -> Callable[[Any, Any], _Call]:
        name = self.name or getattr(function, "__qualname__", type(function).__name__).replace("<locals>.", "")
        try:
            signature: Optional[inspect.Signature] = inspect.signature(function)
        except (TypeError, ValueError):
            signature = None

        def begin(args: Any, keywords: Any) -> _Call:
            # As text at once: the function may change what it was given.
            inputs = to_json(_arguments(signature, args, keywords)) if self.capture_input else None
            outer = scope.get()
            logger = self.logger or (outer.logger if outer is not None else self._default())
            span = _NoSpan() if logger is None else OpenSpan(logger, self.kind, name, None, self.workflow)
            return _Call(span, inputs, self.capture_output)

        return begin


class _NoSpan:
    """Stands for a span where there is no store."""

    def enter(self) -> Any:
        return None

    def leave(self, token: Any) -> None:
        pass

    def end(self, *columns: Any) -> None:
        pass


class _Call:
    """One call of a tracked function."""

    def __init__(self, span: Union[OpenSpan, _NoSpan], inputs: Any, capture_output: bool) -> None:
        self.span = span
        self._inputs = inputs
        self._capture_output = capture_output
        self._pieces: List[Any] = []
        self._text = 0

    def keep(self, piece: Any) -> None:
        """Keeps what a generator gave, up to a bound."""
        if self._capture_output and len(self._pieces) < _MOST_PIECES and self._text < _MOST_TEXT:
            self._pieces.append(piece)
            self._text += len(piece) if isinstance(piece, (str, bytes)) else 0

    def end(self, output: Any = None, error: Optional[BaseException] = None, returned: Any = None) -> None:
        """Records the call."""
        if self._pieces:
            texts = all(isinstance(piece, str) for piece in self._pieces)
            output = "".join(self._pieces) if texts else self._pieces
        elif returned is not None:
            output = returned
        self.span.end(self._inputs, output if self._capture_output else None, error)


def _arguments(signature: Optional[inspect.Signature], args: Any, keywords: Any) -> Dict[str, Any]:
    """Arguments by name, without ``self`` and ``cls``."""
    if signature is None:
        return {"args": list(args), **keywords}
    try:
        named = dict(signature.bind(*args, **keywords).arguments)
    except TypeError:
        # The call itself will fail and say why.
        return {"args": list(args), **keywords}
    first = next(iter(signature.parameters), None)
    if first in ("self", "cls"):
        named.pop(first, None)
    return named
