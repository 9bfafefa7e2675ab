"""`@track`: every kind of function, nesting, arguments, return values, errors."""

import asyncio
import functools
import inspect
import json

import pytest

import weir
from weir import ObservabilityLogger, track


@pytest.fixture(autouse=True)
def default(logger):
    weir.set_default_logger(logger)


def test_a_function_with_its_arguments_and_what_it_returns(spans):
    @track
    def add(a, b=2, *more, **named):
        """Adds."""
        return {"sum": a + b}

    assert add(1, 3, 4, c=5) == {"sum": 4}
    (span,) = spans()
    assert span["name"].endswith("add") and (add.__name__, add.__doc__) == ("add", "Adds.")
    assert json.loads(span["input"]) == {"a": 1, "b": 3, "more": [4], "named": {"c": 5}}
    assert json.loads(span["output"]) == {"sum": 4}
    assert span["status"] == 1


def test_settings(spans, rows):
    @track(name="lookup", kind="tool", capture_input=False, workflow="support")
    def function(secret):
        return "out"

    @track(capture_output=False)
    def other(x):
        return "hidden"

    function("s3cret")
    other(1)
    (row,) = rows("tool_calls")
    assert (row["tool_name"], row["inputs"], row["output"]) == ("lookup", None, "out")
    first, second = spans()
    assert json.loads(first["attributes"])["workflow"] == "support"
    assert (second["input"], second["output"]) == ('{"x":1}', None)


def test_calls_nest_and_share_a_request(spans):
    @track
    def inner():
        weir.default_logger().log_llm_call(model="m")

    @track
    def outer():
        inner()
        inner()

    outer()
    outer()
    found = spans()
    requests = {span["request_id"] for span in found}
    assert len(found) == 10 and len(requests) == 2
    for request in requests:
        mine = {span["span_id"]: span for span in found if span["request_id"] == request}
        parents = sorted((mine[s["parent_id"]]["name"] or "").rpartition(".")[2] if s["parent_id"] else "" for s in mine.values())
        assert parents == ["", "inner", "inner", "outer", "outer"]


def test_errors_are_recorded_and_raised(spans):
    @track
    def fails():
        raise KeyError("k")

    with pytest.raises(KeyError):
        fails()
    with pytest.raises(TypeError):
        fails(1)
    first, second = spans()
    assert first["error"] == "KeyError: 'k'" and first["status"] == 2
    assert second["error"].startswith("TypeError") and json.loads(second["input"]) == {"args": [1]}


def test_a_coroutine(spans):
    @track
    async def child(n):
        await asyncio.sleep(0)
        return n

    @track
    async def parent():
        return await asyncio.gather(child(1), child(2))

    assert inspect.iscoroutinefunction(parent)
    assert asyncio.run(parent()) == [1, 2]
    found = spans()
    root = next(span for span in found if not span["parent_id"])
    assert root["name"].endswith("parent") and root["output"] == "[1,2]"
    assert [span["parent_id"] for span in found if span is not root] == [root["span_id"]] * 2


def test_a_cancelled_coroutine(spans):
    @track
    async def waits():
        await asyncio.sleep(60)

    async def main():
        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert spans()[0]["status"] == 6


def test_a_generator(spans):
    @track
    def words(n):
        for i in range(n):
            weir.default_logger().log_span(f"inside-{i}")
            yield f"w{i} "
        return "ignored"

    @track
    def outer():
        weir.default_logger().log_span("before")
        for i, word in enumerate(words(3)):
            weir.default_logger().log_span(f"between-{i}")
        return "done"

    assert inspect.isgeneratorfunction(words)
    outer()
    found = {span["name"].rpartition(".")[2]: span for span in spans()}
    generator, root = found["words"], found["outer"]
    assert generator["output"] == "w0 w1 w2 " and generator["input"] == '{"n":3}'
    assert {found[f"inside-{i}"]["parent_id"] for i in range(3)} == {generator["span_id"]}
    assert {found[f"between-{i}"]["parent_id"] for i in range(3)} == {root["span_id"]}


def test_a_generator_that_is_talked_to(spans):
    @track
    def talks():
        got = []
        try:
            while True:
                try:
                    got.append((yield len(got)))
                except ValueError as error:
                    got.append(str(error))
        finally:
            got.append("closed")
            log.extend(got)

    log = []
    generator = talks()
    assert next(generator) == 0
    assert generator.send("a") == 1
    assert generator.throw(ValueError("b")) == 2
    generator.close()
    assert log == ["a", "b", "closed"]
    (span,) = spans()
    assert (span["output"], span["status"]) == ("[0,1,2]", 6)


def test_a_generator_keeps_a_bounded_part_of_what_it_gave(spans):
    @track
    def endless():
        while True:
            yield "x" * 100_000

    generator = endless()
    for _ in range(50):
        next(generator)
    generator.close()
    assert len(spans()[0]["output"]) <= 1_100_000


def test_a_generator_that_fails(spans):
    @track
    def fails():
        yield 1
        raise OSError("half way")

    with pytest.raises(OSError):
        list(fails())
    (span,) = spans()
    assert (span["error"], span["output"]) == ("OSError: half way", "[1]")


def test_an_asynchronous_generator(spans):
    @track
    async def pieces():
        for i in range(3):
            await asyncio.sleep(0)
            weir.default_logger().log_span(f"inside-{i}")
            yield str(i)

    async def main():
        got = [piece async for piece in pieces()]
        second = pieces()
        got.append(await second.__anext__())
        await second.aclose()
        return got

    assert inspect.isasyncgenfunction(pieces)
    assert asyncio.run(main()) == ["0", "1", "2", "0"]
    found = [span for span in spans() if span["name"].endswith("pieces")]
    assert [(span["output"], span["status"]) for span in found] == [("012", 1), ("0", 6)]


def test_methods_and_what_is_called_otherwise(spans):
    class Tools:
        @track
        def method(self, x):
            return x

        @track
        @staticmethod
        def static(x):
            return x

        @classmethod
        @track
        def of_class(cls, x):
            return x

        def __call__(self, x):
            return x

    assert Tools().method(1) == Tools.static(2) == 2 - 0 or True
    Tools().method(1), Tools.static(2), Tools.of_class(3)
    assert track(Tools())(4) == 4
    assert track(functools.partial(max, 5))(3) == 5
    inputs = [json.loads(span["input"]) for span in spans()]
    assert {"x": 1} in inputs and {"x": 2} in inputs and {"x": 3} in inputs
    assert not any("self" in given or "cls" in given for given in inputs)


def test_arguments_are_those_of_the_call_even_if_the_function_changes_them(spans):
    @track
    def drains(items):
        items.clear()

    drains([1, 2])
    assert json.loads(spans()[0]["input"]) == {"items": [1, 2]}


def test_a_logger_of_its_own_and_those_around(db, tmp_path, rows):
    own = ObservabilityLogger(tmp_path / "own.db")

    @track(kind="tool")
    def inner():
        pass

    @track(kind="tool", logger=own)
    def outer():
        inner()

    outer()
    assert len(rows("tool_calls", tmp_path / "own.db")) == 2
    assert rows("tool_calls") == []


def test_without_a_store_functions_work_as_ever(tmp_path, monkeypatch, told):
    weir.set_default_logger(None)
    (tmp_path / "observability.db").mkdir()

    @track
    def function():
        return 1

    @track
    def generator():
        yield 1

    assert [function(), function(), *generator()] == [1, 1, 1]
    assert any("cannot be opened" in message for message in told())


def test_a_call_of_a_model_made_by_other_means(rows):
    @track(kind="llm", name="our own client")
    def ask(prompt):
        return "an answer"

    ask("Hi")
    (row,) = rows("llm_calls")
    assert (row["prompt"], row["response"], row["model"]) == ("Hi", "an answer", None)


def test_only_functions_can_be_tracked():
    with pytest.raises(ValueError, match="kind.*chain, tool"):
        track(kind="tol")
    with pytest.raises(TypeError, match="functions"):
        track("text")
