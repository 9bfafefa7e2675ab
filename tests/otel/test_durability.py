"""Spans are durable when they are answered, stored once however often they come, in any order, at their own time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import wire
from exporters import GRPC, HOW, all_there_is, as_json, calls, counted, made, send, trace_of
from rig import eventually


@pytest.mark.parametrize("how", ["protobuf-gzip", "json", "grpc"])
def test_what_was_answered_survives_kill_9(serve, how):
    server = serve(GRPC)
    sent = set()
    for _ in range(5):
        spans = calls(40)
        send(server, how, spans)
        server.process.kill()
        sent |= {f"{span.context.span_id:016x}" for span in spans}
        server.start()
        assert {call["span_id"] for call in server.all_calls()} == sent
    assert counted(server)["count"] == len(sent) == 200


def test_kill_9_in_the_middle_of_many_exports(serve):
    """Threads export without pause. What one of them was told is taken is there afterwards; all sent again, each once."""
    server = serve(GRPC)
    batches = [[calls(25) for _ in range(40)] for _ in range(4)]
    told, begun = [], threading.Event()

    def export(mine):
        for batch in mine:
            try:
                answer = wire.post(server, wire.protobuf(as_json(batch)), kind=wire.PROTOBUF, timeout=10)
            except OSError:
                return
            if answer.status == 200:
                told.append(batch)
                if len(told) >= 20:
                    begun.set()

    with ThreadPoolExecutor(4) as pool:
        for mine in batches:
            pool.submit(export, mine)
        assert begun.wait(30)
        server.process.kill()
    assert 20 <= len(told) < 160, "killed in the middle"
    server.start()
    stored = {call["span_id"] for call in server.all_calls()}
    answered = {f"{span.context.span_id:016x}" for batch in told for span in batch}
    assert answered <= stored, f"{len(answered - stored)} of {len(answered)} are lost"
    for mine in batches:
        for batch in mine:
            send(server, "protobuf-gzip", batch)
    listed = server.all_calls()
    assert len(listed) == len({call["span_id"] for call in listed}) == 4000
    total = counted(server)
    assert (total["count"], total["tokens"]["prompt"], total["tokens"]["completion"]) == (4000, 96_000, 48_000)


def test_sent_again_nothing_changes(serve):
    server = serve(GRPC)
    spans = made(all_there_is) + calls(7)
    send(server, "protobuf", spans)
    trace, listed, total = server.trace(trace_of(spans)), server.all_calls(), counted(server)
    for how in HOW * 2:
        send(server, how, spans)
        send(server, how, spans[3:5])
    # The same span twice in one request.
    one = as_json(spans[4:5])
    one["resourceSpans"] *= 2
    wire.taken(wire.post(server, one))
    assert (server.trace(trace_of(spans)), server.all_calls(), counted(server)) == (trace, listed, total)
    assert total["count"] == 8
    server.stop()
    server.start()
    send(server, "protobuf", spans)
    assert (server.trace(trace_of(spans)), server.all_calls(), counted(server)) == (trace, listed, total)


def test_the_same_spans_from_many_at_once(serve):
    server = serve(GRPC)
    spans = calls(60)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: send(server, HOW[n % len(HOW)], spans[n % 3 :]), range(24)))
    assert counted(server)["count"] == len(server.all_calls()) == 60


# In any order


def test_a_child_may_come_before_its_parent(server):
    trace, parent, child = wire.new_trace(), wire.new_span(), wire.new_span()
    start = 1_795_000_000_000_000_000
    inner = wire.llm(trace, child, parent=parent, start=start + wire.SECOND)
    wire.taken(wire.post(server, wire.traces(inner)))
    (stored,) = server.trace(trace)
    assert (stored["parent_id"], stored["kind"]) == (parent, "llm")
    outer = wire.span(trace, parent, name="answer", start=start, seconds=5)
    wire.taken(wire.post(server, wire.traces(outer)))
    first, second = server.trace(trace)
    assert (first["span_id"], first["parent_id"], second) == (parent, None, stored)
    path = server.get(f"/api/v1/traces/{trace}/path").json()
    assert [(step["span_id"], step["depth"]) for step in path["steps"]] == [(parent, 0), (child, 1)]
    assert (path["calls"], path["tokens"]["total"]) == (1, 36)


def test_a_span_that_ends_later_counts_when_it_has_ended(server):
    """Not what exporters do, but what a client may: a span without an end is open until it comes with one."""
    one = wire.llm()
    open_one = {**one, "endTimeUnixNano": "0"}
    wire.taken(wire.post(server, wire.traces(open_one)))
    (stored,) = server.trace(one["traceId"])
    assert (stored["status"], stored["latency_ms"]) == ("pending", None)
    for document in (one, open_one, one):
        wire.taken(wire.post(server, wire.traces(document)))
        (stored,) = server.trace(one["traceId"])
        assert (stored["status"], stored["latency_ms"]) == ("success", 50.0)
        assert counted(server)["count"] == 1


def test_an_id_is_only_unique_in_its_trace(server):
    id = wire.new_span()
    spans = [wire.llm(id=id) for _ in range(3)]
    wire.taken(wire.post(server, wire.traces(*spans)))
    assert counted(server)["count"] == 3
    for one in spans:
        assert len(server.trace(one["traceId"])) == 1


# Back-fill


def test_spans_three_months_old_land_in_their_hour_and_day(server):
    day = (datetime.now(UTC) - timedelta(days=92)).replace(hour=0, minute=0, second=0, microsecond=0)
    at = [
        day + timedelta(hours=10, minutes=59, seconds=59, milliseconds=999),
        day + timedelta(hours=11),
        day + timedelta(hours=23),
    ]
    spans = [
        wire.llm(start=int(moment.timestamp() * 1000) * 1_000_000, tokens=(100, n)) for n, moment in enumerate(at, 1)
    ]
    now = wire.llm(tokens=(1, 1))
    for document in (wire.traces(*spans), wire.traces(now), wire.traces(*reversed(spans))):
        wire.taken(wire.post(server, document, kind=wire.PROTOBUF))

    def series(bucket, start, end):
        parameters = {"from": start.isoformat(), "to": end.isoformat(), "bucket": bucket, "group_by": "model"}
        groups = server.get("/api/v1/stats", **parameters).json()["groups"]
        assert len(groups) <= 1
        return {b["start"]: (b["count"], b["tokens"]["completion"]) for group in groups for b in group["series"]}

    def text(moment):
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")

    week = (day - timedelta(days=3), day + timedelta(days=4))
    assert series("1h", *week) == {
        text(day + timedelta(hours=10)): (1, 1),
        text(day + timedelta(hours=11)): (1, 2),
        text(day + timedelta(hours=23)): (1, 3),
    }
    assert series("1d", *week) == {text(day): (3, 6)}
    assert series("1m", day + timedelta(hours=10), day + timedelta(hours=12)) == {
        text(day + timedelta(hours=10, minutes=59)): (1, 1),
        text(day + timedelta(hours=11)): (1, 2),
    }
    # By default statistics are of the last 24 hours, and Prometheus counts what happens now.
    assert server.get("/api/v1/stats").json()["total"]["count"] == 1
    assert counted(server)["count"] == 4
    assert [c["span_id"] for c in server.calls(to=(day + timedelta(days=1)).isoformat(), order="time")] == [
        span["spanId"] for span in spans
    ]
    eventually("the call of now is counted", lambda: server.metric("llm_requests_total") == 1)
