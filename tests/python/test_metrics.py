"""The figures: on a page of the package's own, and in the registry of `prometheus_client`."""

import urllib.error
import urllib.request

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

import weir
from weir import ObservabilityLogger


def get(url, accept=None):
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["content-type"], answer.read().decode()


def value(text, name, **labels):
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return 0.0


def test_a_page_shows_what_was_logged(logger, tmp_path):
    server, thread = weir.start_http_server(0)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        before = value(get(url)[1], "llm_requests_total", model="page-model", status="success")
        logger.log_llm_call(model="page-model", prompt_tokens=5, latency_ms=20)
        # Other files of the process are on the same page.
        other = ObservabilityLogger(tmp_path / "other.db")
        other.log_llm_call(model="page-model")
        content_type, text = get(url + "/metrics")
        assert content_type.startswith("text/plain; version=0.0.4")
        assert value(text, "llm_requests_total", model="page-model", status="success") == before + 2
        assert value(text, "llm_tokens_total", model="page-model", type="prompt") == 5
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            get(url + "/other")
        refused.value.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_they_appear_in_the_default_registry_of_prometheus_client(logger):
    own = prometheus_client.Counter("my_own_total", "Mine")
    server, thread = prometheus_client.start_http_server(0, "127.0.0.1")
    try:
        own.inc()
        logger.log_llm_call(model="registry-model", latency_ms=20)
        url = f"http://127.0.0.1:{server.server_address[1]}/metrics"
        text = get(url)[1]
        assert value(text, "llm_requests_total", model="registry-model", status="success") == 1
        assert value(text, "llm_request_latency_seconds_count", model="registry-model") == 1
        assert value(text, "my_own_total") == 1
        open_metrics = get(url, "application/openmetrics-text; version=1.0.0")[1]
        types = [line.split()[2] for line in open_metrics.splitlines() if line.startswith("# TYPE")]
        assert len(types) == len(set(types)) and "llm_requests" in types
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
        prometheus_client.REGISTRY.unregister(own)


def test_they_are_registered_once_however_many_loggers_there_are(tmp_path):
    for n in range(3):
        ObservabilityLogger(tmp_path / f"{n}.db").log_llm_call(model="m")
    text = prometheus_client.generate_latest().decode()
    assert text.count("# TYPE llm_requests_total ") == 1


def test_a_metric_of_the_program_may_have_the_same_name(logger):
    logger.log_llm_call(model="clash-model")
    mine = prometheus_client.Counter("llm_requests_total", "Mine", ["team"])
    try:
        mine.labels("a").inc()
        text = prometheus_client.generate_latest().decode()
        assert value(text, "llm_requests_total", team="a") == 1
        assert value(text, "weir_llm_requests_total", model="clash-model", status="success") == 1
        assert text.count("# TYPE llm_requests_total ") == 1
    finally:
        prometheus_client.REGISTRY.unregister(mine)


def test_a_program_that_has_such_a_metric_first_is_not_disturbed(script, db):
    script(
        """
        import sys
        from prometheus_client import Counter, generate_latest
        mine = Counter("llm_tokens_total", "Mine")
        from weir import ObservabilityLogger
        ObservabilityLogger(sys.argv[1]).log_llm_call(model="m", prompt_tokens=3)
        text = generate_latest().decode()
        assert "weir_llm_tokens_total{" in text and "llm_tokens_total 0.0" in text, text
        """,
        db,
    )


def test_without_prometheus_client_all_else_works(script, db):
    script(
        """
        import sys
        sys.modules["prometheus_client"] = None
        import urllib.request, weir
        logger = weir.ObservabilityLogger(sys.argv[1])
        server, _ = weir.start_http_server(0)
        logger.log_llm_call(model="m")
        page = urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/metrics").read().decode()
        assert 'llm_requests_total{model="m",status="success"} 1' in page
        """,
        db,
    )


def test_the_figures_outlive_a_closed_store(logger):
    logger.log_llm_call(model="closed-model")
    logger.close()
    assert value(weir.ObservabilityLogger(logger.db_path).metrics_text(), "llm_requests_total", model="closed-model", status="success") == 1
