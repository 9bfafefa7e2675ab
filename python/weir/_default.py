"""The logger of whoever is given none."""

from __future__ import annotations

import os
import threading
from typing import Optional, Union

from .logger import ObservabilityLogger, Path

_lock = threading.Lock()
_default: Optional[ObservabilityLogger] = None


def default_logger() -> ObservabilityLogger:
    """The logger set with :func:`set_default_logger`, or one of ``observability.db``."""
    global _default
    with _lock:
        if _default is None:
            _default = ObservabilityLogger()
        return _default


def set_default_logger(logger: Optional[ObservabilityLogger]) -> None:
    """Sets the logger of ``@track`` and of every object that is made without one; ``None`` for ``observability.db``."""
    global _default
    with _lock:
        _default = logger


def logger_of(logger: Union[ObservabilityLogger, Path, None], db_path: Optional[Path]) -> ObservabilityLogger:
    """The logger that was meant: the one given, one of the file given, or the default."""
    if logger is not None and db_path is not None:
        raise ValueError("logger and db_path exclude each other: a logger has its own db_path")
    if logger is None:
        return default_logger() if db_path is None else ObservabilityLogger(db_path)
    if isinstance(logger, (str, os.PathLike)):
        return ObservabilityLogger(logger)
    if not hasattr(logger, "log_llm_call"):
        raise TypeError(f"logger: an ObservabilityLogger or the path of a file, not {type(logger).__name__}")
    return logger
