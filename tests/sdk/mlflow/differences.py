"""Where Weir means to differ from a real `mlflow server`: every such place, by name, with both answers.

A test asks `here("name")` for the answer that the server under test must give. What only one of the two can be asked is marked
with `only_weir("name")`.
"""

from dataclasses import dataclass
from typing import Any

import mlflow
import pytest

from tracking import PEER


@dataclass
class Difference:
    why: str
    mlflow: Any = None
    weir: Any = None


DIFFERENCES = {
    "version": Difference("Weir says the newest version that it answers like", mlflow=mlflow.__version__, weir="3.18.0"),
    "ways out are refused": Difference(
        "the real server takes many a way out for an odd name inside its folder, or fails over it with 500; Weir answers 4xx",
        mlflow=False, weir=True,
    ),
    "symbolic links": Difference("the real server follows the links that its owner made; Weir follows none"),
    "rename a deleted experiment": Difference(
        "a mistake of the caller is no failure of the server", mlflow=500, weir=400,
    ),
    "rename to a name that is taken": Difference(
        "the same answer as when it is made; the real server passes on what its database says",
        mlflow="BAD_REQUEST", weir="RESOURCE_ALREADY_EXISTS",
    ),
    "what cannot be read is overlooked": Difference(
        "the real server answers 200 and does not do what was asked; Weir says what is wrong", mlflow=200, weir=400,
    ),
    "what cannot be read breaks the server": Difference(
        "a mistake of the caller is no failure of the server", mlflow=500, weir=400,
    ),
    "a name of dots alone": Difference("no client could copy it to every disk", mlflow=200, weir=400),
    "a file where a folder should be": Difference(
        "a mistake of the caller is no failure of the server", mlflow=500, weir=400,
    ),
    "memory of 200 MB": Difference(
        "bytes by which the server may grow while 200 MB go in and out; the real one is measured for comparison only",
        mlflow=1 << 30, weir=32 << 20,
    ),
    "archiving for no active stage": Difference(
        "a mistake of the caller is no failure of the server",
        mlflow=(500, "INTERNAL_ERROR"), weir=(400, "INVALID_PARAMETER_VALUE"),
    ),
    "a tag of no trace": Difference(
        "what is not there is 404; the real server passes on what its database says",
        mlflow=(400, "BAD_REQUEST"), weir=(404, "RESOURCE_DOES_NOT_EXIST"),
    ),
    "spans of no experiment": Difference(
        "Weir takes spans of any program, which knows of no experiment", mlflow=422, weir=200,
    ),
    "an export without spans": Difference(
        "OpenTelemetry allows an export without spans", mlflow=400, weir=200,
    ),
    "JSON in a message": Difference("Weir does not escape what is no ASCII", mlflow=True, weir=False),
    "a place that leaves its root": Difference(
        "a place with `..` or a query is refused when it is given, not when it is used", mlflow=200, weir=400,
    ),
    "killed": Difference("what a kill -9 leaves is Weir's promise; the tests start and kill a server of their own"),
    "calls": Difference("only Weir has a gateway whose calls are runs"),
}


def here(name):
    found = DIFFERENCES[name]
    return found.mlflow if PEER else found.weir


def only_weir(name):
    return pytest.mark.skipif(bool(PEER), reason=f"only Weir: {DIFFERENCES[name].why}")
