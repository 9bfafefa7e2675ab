"""Open stores: one per file or server in a process, shared by every object that names it; closed with the last of them, and at
the end of the process. Also what a fork asks for.

Neither SQLite nor threads outlive a fork. So files are closed before one, with all that was recorded written, and
opened again by the first record after it, in the parent and in the child alike; a child lets go of connections to a
server and makes its own.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from typing import Any, Dict, NamedTuple, Optional

from . import _native

#: Seconds that closing waits for a file, and for a server, at the end of the process; the library waits five more.
_FILE, _SERVER = 10.0, 2.0
#: Seconds that a server may hold up a fork.
_PAUSE = 0.5

_log = logging.getLogger("weir")


class Target(NamedTuple):
    """Where records go: a file, or a server with a key."""

    db_path: Optional[str]
    url: Optional[str]
    api_key: Optional[str]


class Store:
    """One target's recorder."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._recorder: Optional[_native.Recorder] = None
        self._before: Dict[str, int] = {}
        self._told = 0

    def record(self, fields: Dict[str, Any]) -> str:
        """Hands a record over and returns its request id."""
        try:
            return self._opened().record(fields)
        except _native.Closed:
            with _state.lock:
                return self.open().record(fields)

    def flush(self, seconds: float) -> bool:
        """Waits until what was recorded is stored; whether it was in time."""
        recorder = self._recorder
        try:
            done = recorder is None or recorder.flush(seconds)
        except _native.Closed:
            done = True
        self._tell()
        return done

    def stats(self) -> Dict[str, int]:
        """What became of the records of this process."""
        recorder = self._recorder
        total = dict(self._before)
        if recorder is not None:
            _add(total, recorder.stats())
        return total

    def close(self) -> bool:
        """Stores what was recorded and closes; whether all was stored in time. The next record opens it again."""
        seconds = _FILE if self.is_file() else _SERVER
        with _state.lock:
            recorder = self._recorder
            if recorder is None:
                return True
            done = recorder.flush(seconds)
            self._tell()
            stats = recorder.stats()
            if not recorder.close(seconds):
                return False
            self._recorder = None
            _add(self._before, {**stats, "waiting_bytes": 0})
            waited = stats["logged"] - stats["stored"] - stats["lost"]
            if not done and waited > 0:
                _log.warning("up to %d records could not be stored in time", waited)
            return done

    def is_file(self) -> bool:
        return self.target.url is None

    def check_anomalies(self, settings: Dict[str, Any]) -> str:
        """The library's detector; the anomalies as a JSON array."""
        try:
            return self._opened().check_anomalies(settings)
        except _native.Closed:
            with _state.lock:
                recorder = self.open()
            return recorder.check_anomalies(settings)

    def forget(self) -> None:
        """In a child after a fork: what is the parent's is let go of, not ended; the child counts from nothing. A file that
        could not be closed before stays the parent's, and refuses what is recorded here."""
        if not self.is_file():
            self._recorder = None
        self._before = {}
        self._told = 0

    def _opened(self) -> _native.Recorder:
        recorder = self._recorder
        return recorder if recorder is not None else self.open()

    def open(self) -> _native.Recorder:
        """Opens it, if it is not open."""
        with _state.lock:
            if self._recorder is None:
                self._recorder = _native.Recorder(*self.target)
                _close_with_worker()
            return self._recorder

    def _tell(self) -> None:
        stats = self.stats()
        lost = stats.get("lost", 0)
        if lost > self._told:
            why = ", ".join(f"{count} {name[5:]}" for name, count in stats.items() if name.startswith("lost_"))
            _log.warning("%d records could not be stored: %s", lost - self._told, why)
            self._told = lost

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:
            pass


class _State:
    """What belongs to this process."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.finalizer_pid = 0


_state = _State()
_stores: weakref.WeakValueDictionary[Target, Store] = weakref.WeakValueDictionary()


def open_store(db_path: Optional[str], url: Optional[str], api_key: Optional[str]) -> Store:
    """The store of a target, opened; the same one for everybody who names it."""
    target = Target(None if db_path is None else os.path.realpath(db_path), url, api_key)
    with _state.lock:
        store = _stores.get(target)
        if store is None:
            store = Store(target)
            store.open()
            _stores[target] = store
        return store


def _add(total: Dict[str, int], more: Dict[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + count


def _close_all() -> None:
    for store in list(_stores.values()):
        try:
            store.close()
        except Exception as error:
            _log.warning("a store could not be closed: %s", error)


def _close_with_worker() -> None:
    """Workers of ``multiprocessing`` end without ``atexit``; they run finalizers instead."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _state.finalizer_pid != os.getpid():
        _state.finalizer_pid = os.getpid()
        util.Finalize(None, _close_all, exitpriority=0)


def _before_fork() -> None:
    _state.lock.acquire()
    for store in list(_stores.values()):
        try:
            if store.is_file():
                store.close()
            else:
                # So that no thread of the library is at work meanwhile, as far as the server answers.
                store.flush(_PAUSE)
        except Exception as error:
            _log.warning("a store could not be closed before a fork: %s", error)


def _after_in_parent() -> None:
    _state.lock.release()


def _after_in_child() -> None:
    global _state
    _state = _State()
    for store in list(_stores.values()):
        store.forget()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
