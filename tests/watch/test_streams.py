"""Rules over times to the first token and tokens per second, by streamed calls through the gateway."""

import pytest
from alerting import CONFIG, alerts, create, ok, this_minute

from rig import Fake, Weir, eventually
from rig.weir import run

CALLS = 6
#: The first waits for its answer to begin; the second does not stream.
SLOW, PLAIN = "fake/gpt-4o!first=700,chunks=4", "fake/gpt-4o!chunks=4"


@pytest.fixture(scope="module")
def weir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    fake = Fake(folder)
    provider = f'[providers.fake]\nkind = "openai"\nbase_url = "{fake.url}/v1"\napi_key = "sk"\n'
    weir = Weir(folder, CONFIG + provider)
    for model in (SLOW, PLAIN):
        for _ in range(CALLS):
            body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": model == SLOW}
            answer = weir.post("/v1/chat/completions", body)
            assert answer.status == 200, answer.text
    eventually("all calls are stored", lambda: len(ok(weir.get("/api/v1/calls"))["calls"]) == 2 * CALLS)
    # A rule looks at whole minutes.
    made = this_minute()
    eventually("the minute is over", lambda: this_minute() > made, 70)
    yield weir
    assert weir.stop() == 0
    fake.stop()


def rule(weir, id, **members):
    members = {"window": "10m", "every": "1m", "offset": "0s", "min_samples": CALLS, "channels": [], **members}
    return create(weir, id=id, name=id, **members)["rule"]


def test_a_slow_first_token_fires_and_a_plain_answer_has_none(weir):
    made = rule(weir, "ttft", metric={"measure": "ttft", "agg": "min"}, condition={"crit": 0.6})
    (alert,) = eventually("it fires", lambda: alerts(weir, rule="ttft"), 70)
    assert alert["labels"] == {"model": SLOW} and alert["state"] == "firing"
    assert alert["value"] >= 0.69 and alert["samples"] == CALLS
    tried = ok(weir.post("/api/v1/alert-rules/dry-run?span=30m", made))
    assert tried["unit"] == "seconds"
    assert [episode["labels"] for episode in tried["episodes"]] == [{"model": SLOW}]


def test_tokens_per_second_have_percentiles(weir):
    rule(weir, "rate", metric={"measure": "tokens_per_s", "agg": "p50"}, condition={"op": ">", "crit": 0})
    found = eventually("both fire", lambda: len(all := alerts(weir, rule="rate")) == 2 and all, 70)
    by_model = {alert["labels"]["model"]: alert for alert in found}
    assert set(by_model) == {SLOW, PLAIN} and all(alert["samples"] == CALLS for alert in found)
    # What waits 0.7 s before it begins is slower than its tokens in that time.
    assert by_model[SLOW]["value"] < 4 / 0.69


def test_the_command_tries_it_out(weir, tmp_path):
    file = tmp_path / "ttft.toml"
    file.write_text(
        'name = "First token"\ngroup_by = ["model"]\nmetric = { measure = "ttft", agg = "p95" }\n'
        f'min_samples = {CALLS}\nwindow = "10m"\nevery = "1m"\noffset = "0s"\ncondition = {{ crit = 0.6 }}\n'
    )
    for source in (["--url", weir.url], ["--data", weir.data]):
        shown = run("alerts", "dry-run", file, "--span", "30m", *source).stdout
        assert "ttft" in shown and "critical" in shown, shown
    file.write_text(file.read_text().replace("p95", "avg"))
    done = run("alerts", "check", file, check=False)
    assert done.returncode == 2
    assert 'metric.agg: ttft has no "avg"; it has p95, p50, p90, p99, min, max' in done.stderr
