"""What cannot be recorded never fails the program: it is left out, counted and told once. `strict` raises."""

import math

import pytest

from weir import ObservabilityLogger


@pytest.fixture
def lenient(db):
    return ObservabilityLogger(db)


WRONG = [
    ("prompt_tokens", "many", TypeError),
    ("prompt_tokens", True, TypeError),
    ("prompt_tokens", 1.5, TypeError),
    ("prompt_tokens", -1, ValueError),
    ("completion_tokens", 2**70, ValueError),
    ("total_tokens", [3], TypeError),
    ("latency_ms", "fast", TypeError),
    ("latency_ms", math.nan, ValueError),
    ("latency_ms", -5.0, ValueError),
    ("latency_ms", math.inf, ValueError),
    ("cost", "1 €", TypeError),
    ("cost", -0.1, ValueError),
    ("status", "happy", ValueError),
    ("timestamp", "yesterday", ValueError),
    ("timestamp", object(), TypeError),
    ("timestamp", math.nan, ValueError),
    ("timestamp", True, TypeError),
    ("timestamp", 1e30, ValueError),
    ("request_id", "x" * 600, ValueError),
    ("model", "", ValueError),
]


@pytest.mark.parametrize("field,value,error", WRONG, ids=[f"{field}={value!r:.12}" for field, value, _ in WRONG])
def test_a_wrong_value_is_left_out_and_the_rest_is_kept(lenient, rows, told, field, value, error):
    columns = {"model": "m", "prompt": "p", field: value}
    assert lenient.log_llm_call(**columns)
    lenient.log_llm_call(**columns)
    assert [row["prompt"] for row in rows("llm_calls")] == ["p", "p"]
    assert lenient.stats()["invalid_values"] == 2
    assert len(told()) == 1 and field in told()[0]


@pytest.mark.parametrize("field,value,error", WRONG, ids=[f"{field}={value!r:.12}" for field, value, _ in WRONG])
def test_strict_raises_and_records_nothing(logger, rows, field, value, error):
    with pytest.raises(error, match=f"^{field}: "):
        logger.log_llm_call(**{"model": "m", field: value})
    assert rows("llm_calls") == []


def test_several_wrong_values_are_all_left_out(lenient, rows):
    lenient.log_llm_call(model="m", prompt="p", prompt_tokens="x", cost=-1, latency_ms="y", timestamp="z")
    (row,) = rows("llm_calls")
    assert (row["prompt"], row["prompt_tokens"], row["latency_ms"]) == ("p", None, 0.0)
    assert lenient.stats()["invalid_values"] == 4


def test_an_unknown_status_is_an_error_unless_it_says_well(lenient, rows):
    lenient.log_tool_call("a", "t", status="failed")
    lenient.log_tool_call("b", "t", status="OK")
    assert {row["request_id"]: row["status"] for row in rows("tool_calls")} == {"a": "error", "b": "success"}


def test_a_record_without_what_it_is_about_is_dropped_and_counted(lenient, rows, told):
    assert lenient.log_tool_call("r", "") == "r"
    assert lenient.log_branch_decision("r", "a", "x" * 600) == "r"
    assert rows("tool_calls") == rows("branch_decisions") == []
    assert lenient.stats()["invalid_records"] == 2
    assert "tool_name" in told()[0] and "to_node" in told()[1]


def test_a_misspelt_keyword_is_a_mistake_of_the_program(lenient):
    with pytest.raises(TypeError, match="modle"):
        lenient.log_llm_call(modle="m")
    with pytest.raises(TypeError, match="to_node"):
        lenient.log_branch_decision(request_id="r", from_node="a")
    with pytest.raises(TypeError, match="tool_name"):
        lenient.log_tool_call("r")


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")

    def __str__(self):
        raise RuntimeError("no")


def circle():
    one = {"name": "one"}
    one["self"] = [one, one]
    return one


def deep():
    inner = []
    for _ in range(100_000):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "value",
    [Hostile(), [Hostile()], {Hostile(): 1}, circle(), deep(), {1: 2, None: 3, (1, 2): 4}, math.nan, [math.inf], {"a": {1, 2}}]
    + [b"\xff\x00", "\ud800", ["\ud800"], "nul\x00in it", 10**5000, object, lambda: 1, Exception("x"), range(3)],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_given_as_a_value_is_kept_somehow(lenient, rows, value):
    lenient.log_llm_call("r", model="m", prompt=value, response=value, metadata=value, error=value)
    lenient.log_branch_decision("r", "a", "b", value, value, value)
    lenient.log_tool_call("r", "t", value, value, error=value)
    assert len(rows("llm_calls")) == len(rows("branch_decisions")) == len(rows("tool_calls")) == 1
    assert lenient.stats()["invalid_values"] == 0


def test_a_path_that_cannot_be_a_file_is_told_at_once(tmp_path):
    with pytest.raises((OSError, ValueError), match=str(tmp_path)):
        ObservabilityLogger(tmp_path)
    (tmp_path / "text.db").write_text("this is no database, and long enough to be told from one" * 20)
    with pytest.raises(OSError):
        ObservabilityLogger(tmp_path / "text.db")
    with pytest.raises(ValueError, match="exclude each other"):
        ObservabilityLogger("a.db", url="http://127.0.0.1:1")
    with pytest.raises(ValueError, match="http"):
        ObservabilityLogger(url="ftp://x")
