from pathlib import Path

import pytest
from served import start
from traffic import END, ERRORS, START, TOKENS, Traffic, load

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    """A server with two weeks of two projects: `shop` has two incidents, `quiet` none."""
    weir = start(tmp_path_factory.mktemp("watched"))
    shop = Traffic("shop", [ERRORS, TOKENS])
    load(weir, shop.calls(START, END) + Traffic("quiet", per_bucket=4).calls(START, END))
    yield weir
    assert weir.stop() == 0


def pytest_collection_modifyitems(items):
    """Weeks of traffic are written and judged by the first test that needs them."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(300))
