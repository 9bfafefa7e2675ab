"""Where in a request the program is: which span is open, and what stands beside the columns of the next record.

Both are context variables, so that threads and tasks do not see each other's.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Dict, Iterator, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    from .logger import ObservabilityLogger


class Scope(NamedTuple):
    """An open span: what is recorded meanwhile becomes its child, and belongs to its request."""

    logger: ObservabilityLogger
    request_id: str
    span_id: str
    workflow: Optional[str]


#: The innermost open span.
scope: ContextVar[Optional[Scope]] = ContextVar("weir_scope", default=None)

#: What the next record of a kind gets beside its columns: ids, and what only the client of a provider knows. It does
#: not go through the keywords of ``log_llm_call`` and ``log_tool_call``, because an override may take no others than
#: the documented ones.
beside: ContextVar[Optional[Tuple[str, Dict[str, Any]]]] = ContextVar("weir_beside", default=None)


@contextmanager
def with_beside(kind: str, extra: Dict[str, Any]) -> Iterator[None]:
    """Puts ``extra`` beside the columns of the next record of a kind, should there be one."""
    token = beside.set((kind, extra))
    try:
        yield
    finally:
        beside.reset(token)
