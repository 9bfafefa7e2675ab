"""A server whose watch is asked."""

from rig import Weir

CONFIG = '[otlp]\ngrpc = "off"\n'


def start(folder, data=None):
    return Weir(folder, CONFIG, data=data)


def anomalies(weir, **parameters):
    """The list, once everything that is stored is judged."""
    parameters = {"wait": "2m", "limit": 1000, **parameters}
    answer = weir.get("/api/v1/anomalies", timeout=150, **parameters)
    assert answer.status == 200, answer.text
    found = answer.json()
    assert found["watch"]["complete"], found["watch"]
    return found["anomalies"]
