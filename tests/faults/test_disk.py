"""A full disk: users' calls go on; what cannot be recorded is counted and visible; recording comes back by itself."""

import sqlite3

from rig import behave, eventually


def dropped(server):
    return server.metric("weir_spans_dropped_total")


def test_a_full_disk_stops_no_call_and_heals(serve, up, disk, key):
    server = serve(up, data=disk.folder / "data")
    kept = [f"{key}-before-{n}" for n in range(20)]
    for id in kept:
        server.chat(behave("up/gpt-4o", key), id=id)
        server.call(id)
    disk.fill()
    assert disk.left() < 4096, disk.left()

    lost = [f"{key}-full-{n}" for n in range(60)]
    for n, id in enumerate(lost):
        answer = server.chat(behave("up/gpt-4o", key, "chunks=4", "size=20000"), id=id, stream=n % 2 == 0)
        assert answer.status == 200 and (n % 2 or answer.events()[-1][1] == "[DONE]")

    eventually("the loss is counted", lambda: dropped(server) > 0)
    health = server.get("/health/ready")
    assert health.status == 200, "a gateway that answers is not taken out of service"
    assert health.json()["status"] == "degraded" and health.json()["problems"]
    assert health.json()["calls_lost"] == dropped(server)
    assert server.metric("weir_healthy") == 0
    assert "journal" in server.log() and ("WARN" in server.log() or "ERROR" in server.log())
    assert server.log().count("\n") < 200, "the log must not fill the next disk"

    disk.free()
    after = []

    def recorded_again():
        id = f"{key}-after-{len(after)}"
        after.append(id)
        assert server.chat(behave("up/gpt-4o", key), id=id).status == 200
        return any(server.get(f"/api/v1/calls/{seen}").status == 200 for seen in after)

    eventually("calls are recorded again", recorded_again, 30, 0.1)
    eventually("the journal is empty", lambda: server.get("/health/ready").json()["journal_backlog_bytes"] == 0, 30)
    counted = dropped(server)
    ids = [c["request_id"] for c in server.all_calls()]
    assert len(ids) == len(set(ids)) and set(kept) <= set(ids)
    made = 20 + len(lost) + len(after)
    assert len(ids) + counted == made, f"{made} calls: {len(ids)} recorded and {counted} counted as lost"
    assert server.get("/api/v1/stats").json()["total"]["count"] == len(ids)

    assert server.stop() == 0
    with sqlite3.connect(server.data / "telemetry.db") as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    server.start()
    assert sorted(c["request_id"] for c in server.all_calls()) == sorted(ids)


def test_health_is_well_again_after_a_while(serve, up, disk, key):
    server = serve(up, data=disk.folder / "data")
    disk.fill()
    for n in range(5):
        assert server.chat(behave("up/gpt-4o", key, "size=20000"), id=f"{key}-{n}").status == 200
    eventually("the loss is counted", lambda: dropped(server) > 0)
    disk.free()
    server.chat(behave("up/gpt-4o", key), id=key)
    eventually("recording works", lambda: server.get(f"/api/v1/calls/{key}").status == 200, 30)
    eventually("health is well", lambda: server.get("/health/ready").json()["status"] == "ready", 75, 0.5)


def test_the_journals_bound_is_kept(serve, up, key):
    server = serve('[record]\njournal_max = "256KiB"\n' + up)
    lock = sqlite3.connect(server.data / "telemetry.db", isolation_level=None)
    lock.execute("begin exclusive")
    made = 60
    for n in range(made):
        assert server.chat(behave("up/gpt-4o", key, "size=10000"), id=f"{key}-{n}").status == 200
    journal = sum(f.stat().st_size for f in (server.data / "journal").iterdir())
    assert journal <= 256 * 1024
    lost = dropped(server)
    assert 0 < lost < made
    assert server.get("/health/ready").json()["calls_lost"] == lost
    lock.rollback()
    lock.close()
    eventually("the rest is recorded", lambda: len(server.all_calls()) == made - lost, 30)


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(serve, up, tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    process = serve(up, data=file / "data", start=False).spawn()
    assert process.wait() != 0 and str(file) in process.log()
