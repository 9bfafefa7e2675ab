"""Anomalies: the four ratio rules over what was recorded, and alerts."""

from __future__ import annotations

import datetime
import json
import logging
import urllib.request
from typing import Any, Callable, Dict, Iterable, List, NoReturn, Optional, Union

from ._default import logger_of
from ._values import error_text, to_json
from .logger import ObservabilityLogger, Path

Anomaly = Dict[str, Any]
Seconds = Union[int, float, datetime.timedelta]

_log = logging.getLogger("weir")


class AnomalyDetector:
    """Compares the last hour with the day before it: tokens, cost and latency per call, and the shares of branches.

    Extend it by overriding :meth:`check_anomalies`::

        class CustomAnomalyDetector(AnomalyDetector):
            def check_anomalies(self):
                anomalies = super().check_anomalies()
                anomalies.append({"rule": "night_shift", "message": "calls at night"})
                return anomalies

    :param db_path: the file that is read; that of ``logger``, or the default logger's, if it is not given.
    :param window: the time that is judged, up to now: seconds or a ``timedelta``.
    :param baseline: the time before it that it is compared with.
    :param min_samples: fewer calls on either side are not judged.
    :param token_factor: how many times the baseline's mean of tokens per call is too much; so for cost and latency.
    :param branch_difference: how far the share of a branch may move, as a fraction of its node's decisions.
    :param on_alert: called with each anomaly by :meth:`alert`.
    :param webhook: a URL to which :meth:`alert` posts ``{"text": ..., "anomalies": [...]}``.
    """

    def __init__(
        self,
        db_path: Optional[Path] = None,
        window: Seconds = 3600,
        baseline: Seconds = 86400,
        min_samples: int = 20,
        token_factor: float = 1.5,
        cost_factor: float = 2.0,
        latency_factor: float = 1.5,
        branch_difference: float = 0.2,
        *,
        logger: Optional[ObservabilityLogger] = None,
        on_alert: Optional[Callable[[Anomaly], object]] = None,
        webhook: Optional[str] = None,
    ) -> None:
        self.logger = logger_of(logger, db_path)
        if not isinstance(self.logger, ObservabilityLogger):
            raise TypeError(f"logger: an ObservabilityLogger, not {type(self.logger).__name__}")
        self.window = _seconds("window", window)
        self.baseline = _seconds("baseline", baseline)
        self.min_samples = min_samples
        self.token_factor = token_factor
        self.cost_factor = cost_factor
        self.latency_factor = latency_factor
        self.branch_difference = branch_difference
        self.on_alert = on_alert
        self.webhook = webhook

    def check_anomalies(self) -> List[Anomaly]:
        """What is unusual now: dicts with ``rule`` (``tokens``, ``cost``, ``latency`` or ``branch_rate``), ``metric``, ``subject``,
        ``value``, ``baseline``, ``ratio`` or ``difference``, ``threshold``, ``samples``, ``baseline_samples``, ``window_start_us``,
        ``window_end_us`` and ``message``. Waits for what was logged to be stored."""
        settings = {name: getattr(self, name) for name in _SETTINGS}
        settings["project"] = self.logger.project
        try:
            found: List[Anomaly] = json.loads(self.logger._store.check_anomalies(settings))
        except (TypeError, ValueError) as error:
            if len(error.args) == 2:
                raise type(error)(f"{error.args[0]}: {error.args[1]}") from None
            raise
        return found

    def alert(self, anomalies: Iterable[Anomaly]) -> None:
        """Tells each anomaly: a warning through ``logging``, ``on_alert``, and one request to ``webhook``. Never raises."""
        found = list(anomalies)
        for anomaly in found:
            _log.warning("anomaly: %s", _message(anomaly))
            if self.on_alert is not None:
                try:
                    self.on_alert(anomaly)
                except Exception as error:
                    _log.warning("on_alert failed: %s", error_text(error))
        if found and self.webhook is not None:
            self._post(self.webhook, found)

    def _post(self, webhook: str, anomalies: List[Anomaly]) -> None:
        text = "\n".join(str(_message(anomaly)) for anomaly in anomalies)
        body = to_json({"text": text, "anomalies": anomalies}).encode("utf-8", "replace")
        try:
            request = urllib.request.Request(webhook, body, {"content-type": "application/json"}, method="POST")
            with urllib.request.urlopen(request, timeout=10):
                pass
        except Exception as error:
            _log.warning("the webhook of anomalies failed: %s", error_text(error))

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds an open store and cannot be pickled or copied: make one in the other process")


_SETTINGS = (
    "window",
    "baseline",
    "min_samples",
    "token_factor",
    "cost_factor",
    "latency_factor",
    "branch_difference",
)


def _message(anomaly: Any) -> Any:
    message = anomaly.get("message") if isinstance(anomaly, dict) else None
    return message if message is not None else to_json(anomaly)


def _seconds(name: str, given: Seconds) -> float:
    try:
        seconds = given.total_seconds() if isinstance(given, datetime.timedelta) else float(given)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: seconds or a timedelta, not {given!r}") from None
    if not 0 < seconds < 1e10:
        raise ValueError(f"{name}: {given!r} is no length of time")
    return seconds
