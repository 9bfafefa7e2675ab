import pytest
from traffic import END, ERRORS, START, TOKENS, Traffic, load

from rig import Weir

CONFIG = '[otlp]\ngrpc = "off"\n'


def start(folder, data=None):
    return Weir(folder, CONFIG, data=data)


def anomalies(weir, **parameters):
    """The list, once everything that is stored is judged."""
    answer = weir.get("/api/v1/anomalies", wait="2m", limit=1000, **parameters)
    assert answer.status == 200, answer.text
    found = answer.json()
    assert found["watch"]["complete"], found["watch"]
    return found["anomalies"]


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    """A server with two weeks of two projects: `shop` has two incidents, `quiet` none."""
    weir = start(tmp_path_factory.mktemp("watched"))
    shop = Traffic("shop", [ERRORS, TOKENS])
    load(weir, shop.calls(START, END) + Traffic("quiet", per_bucket=4).calls(START, END))
    yield weir
    assert weir.stop() == 0
