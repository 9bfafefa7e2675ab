"""A server whose artifacts are elsewhere: it is asked to put them there itself."""

import pytest

from exporter import exported
from server import Server


@pytest.mark.timeout(300)
def test_artifacts_that_the_server_does_not_proxy(tmp_path, serve, providers):
    server = Server(tmp_path, workers=1, proxied=False)
    try:
        weir = serve(providers, env={"MLFLOW_TRACKING_URI": server.url})
        weir.chat("up/gpt-4o", id="one")
        weir.chat("up/gpt-4o!text=unicode", id="two")
        state = exported(weir, 2, 60)
        assert (state["exported"], state["artifacts_refused"]) == (2, 0), state
        for run in server.runs():
            assert not run.info.artifact_uri.startswith("mlflow-artifacts:")
            call = weir.call(run.data.tags["weir.request_id"])
            folder = tmp_path / "artifacts" / run.info.experiment_id / run.info.run_id / "artifacts"
            texts = {path.name: path.read_text() for path in folder.iterdir()}
            assert texts == {
                "prompt_template.jinja2": "{{ user_message }}",
                "rendered_prompt.txt": "hello there",
                "user_message.txt": "hello there",
                "response.txt": call["output"]["choices"][0]["message"]["content"],
            }
    finally:
        server.kill()
