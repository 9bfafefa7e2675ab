"""The overlays and the alert rules, read once."""

import pytest
import yaml

from rig.deployed import OVERLAYS, RULES, Overlay


@pytest.fixture(params=OVERLAYS)
def overlay(request):
    return Overlay(request.param)


@pytest.fixture
def scaled():
    return Overlay("scaled")


@pytest.fixture(scope="session")
def rules():
    """Every rule."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@pytest.fixture(scope="session")
def alerts(rules):
    return [rule for rule in rules if "alert" in rule]
