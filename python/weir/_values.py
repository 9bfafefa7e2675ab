"""Values of a Python program as what a record holds: text, JSON text, microseconds. Nothing here raises on account of
what a value is, but for times, which have to be one."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import math
from typing import Any, Mapping, Optional, Tuple

from . import _native

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
#: Levels of nesting, and bits of an integer: what is beyond is told by its repr.
_DEEPEST = 24
_LARGEST = 4_096
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=lambda value: _simple(value))


def to_text(value: Any) -> str:
    """A text as it is; anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return to_json(value)


def to_json(value: Any) -> str:
    """Any value as JSON. What has no form in JSON is there as its ``repr``; so are NaN and what contains itself."""
    try:
        return _ENCODER.encode(value)
    except Exception:
        # The encoder gives up at NaN, keys that are no text, circles and great depth: below they are taken apart.
        pass
    try:
        return json.dumps(_plain(value, ()), ensure_ascii=False, separators=(",", ":"))
    except Exception:
        return json.dumps(describe(value), ensure_ascii=False)


def to_micros(value: Any) -> int:
    """Microseconds since the epoch, of a ``datetime`` (a naive one is UTC), ISO 8601, or seconds since the epoch.

    Numbers too large to be seconds are taken as milli-, micro- or nanoseconds.
    """
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        since: datetime.timedelta = value - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    if isinstance(value, str):
        at = _native.parse_time(value)
        return to_micros(datetime.datetime.fromisoformat(value)) if at is None else at
    if isinstance(value, datetime.date):
        return int((value - _EPOCH.date()).days) * 86_400_000_000
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError(f"a datetime, ISO 8601 or seconds since the epoch, not {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"no time: {value!r}")
    size = abs(number)
    if size < 1e11:
        return round(number * 1_000_000)
    if size < 1e14:
        return round(number * 1_000)
    return int(value) if size < 1e17 else int(value) // 1_000


def error_text(error: Any) -> Optional[str]:
    """An exception with the name of its class; anything else as text."""
    if not isinstance(error, BaseException):
        return None if error is None else to_text(error)
    try:
        said = str(error)
    except Exception:
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def describe(value: Any) -> str:
    """``repr``, whatever the object's own does; at most 2,000 characters."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 2_000 else text[:2_000] + "…"


def _simple(value: Any) -> Any:
    """One level of a value that JSON does not know, as one that it may know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        try:
            return dump()
        except Exception:
            return describe(value)
    return describe(value)


def _plain(value: Any, above: Tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _LARGEST else describe(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if len(above) >= _DEEPEST or id(value) in above:
        return describe(value)
    above = (*above, id(value))
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else describe(key): _plain(item, above) for key, item in list(value.items())}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, above) for item in list(value)]
    simple = _simple(value)
    return simple if isinstance(simple, str) else _plain(simple, above)
