import pytest
from served import start
from traffic import END, ERRORS, START, TOKENS, Traffic, load


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    """A server with two weeks of two projects: `shop` has two incidents, `quiet` none."""
    weir = start(tmp_path_factory.mktemp("watched"))
    shop = Traffic("shop", [ERRORS, TOKENS])
    load(weir, shop.calls(START, END) + Traffic("quiet", per_bucket=4).calls(START, END))
    yield weir
    assert weir.stop() == 0
