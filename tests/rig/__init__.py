"""What the tests run against: the built programs, started on ports from the system, and plain HTTP to talk to them."""

from rig.fake import Fake
from rig.http import Answer, request
from rig.process import BIN, eventually
from rig.weir import Weir, behave

__all__ = ["BIN", "Answer", "Fake", "Weir", "behave", "eventually", "request"]
