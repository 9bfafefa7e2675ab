"""Records the LLM calls, branch decisions and tool calls of a program, in a SQLite file or in a Weir server.

::

    from weir import AnomalyDetector, InstrumentedLLM, ObservabilityLogger, WorkflowLogger, track

    logger = ObservabilityLogger(db_path="my.db")
    answer = InstrumentedLLM(logger).call(prompt="How do I reset my password?", prompt_version="v1")
"""

from ._default import default_logger, set_default_logger
from ._native import __version__
from .anomaly import AnomalyDetector
from .llm import InstrumentedLLM, LLMError
from .logger import ObservabilityLogger
from .metrics import start_http_server
from .tracking import track
from .workflow import Step, Tool, WorkflowLogger

__all__ = [
    "AnomalyDetector",
    "InstrumentedLLM",
    "LLMError",
    "ObservabilityLogger",
    "Step",
    "Tool",
    "WorkflowLogger",
    "__version__",
    "default_logger",
    "set_default_logger",
    "start_http_server",
    "track",
]
