"""Backups: whole while calls come in, restorable, and nothing half is left when the disk is full."""

import json
import shutil
import sqlite3
import threading

import pytest

from rig import Weir, behave, eventually
from rig.weir import run


def stored(data):
    with sqlite3.connect(f"file:{data}/telemetry.db?mode=ro", uri=True) as db:
        return {id for (id,) in db.execute("SELECT request_id FROM spans WHERE request_id IS NOT NULL")}


class Load:
    """Calls of several clients at once; `acknowledged` are those whose answer came."""

    def __init__(self, server, key, clients=4):
        self.acknowledged, self.stopping = [], threading.Event()

        def client(n):
            calls = 0
            while not self.stopping.is_set():
                id = f"{key}-{n}-{calls}"
                if server.chat(behave("up/gpt-4o", f"{key}{n}"), id=id, stream=calls % 2 == 0).status == 200:
                    self.acknowledged.append(id)
                calls += 1

        self.threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("way", ["api", "files"])
def test_what_was_acknowledged_before_a_backup_is_in_it(serve, up, key, tmp_path, way):
    shelf = tmp_path / "backups"
    server = serve(up + f'[backup]\ndir = "{shelf}"\nkeep = 2\n')
    load = Load(server, key)
    try:
        for round in range(3):
            want = (round + 1) * 40
            eventually("calls are answered", lambda: len(load.acknowledged) >= want, 60)
            before = list(load.acknowledged)
            if way == "api":
                made = server.post("/api/v1/backup?verify=true", None, timeout=120)
                assert made.status == 200, made.text
                made = made.json()
            else:
                done = run("backup", "--data", server.data, "--to", shelf, "--keep", "2", "--verify", "--json")
                made = json.loads(done.stdout)
            assert made["verified"]["calls"] >= len(before)
            restored = tmp_path / f"restored{round}"
            run("restore", made["path"], "--data", restored)
            assert set(before) <= stored(restored)
    finally:
        load.stop()
    assert len(made["removed"]) == 1 and len(list(shelf.glob("weir-*"))) == 2
    # The copy serves as the original did.
    copy_folder = tmp_path / "again"
    copy_folder.mkdir()
    copy = Weir(copy_folder, up, data=restored)
    try:
        assert copy.get(f"/api/v1/calls/{before[0]}").status == 200
        assert copy.chat(behave("up/gpt-4o", key), id=f"{key}-after").status == 200
    finally:
        assert copy.stop() == 0


def test_a_full_disk_is_told_and_leaves_nothing(serve, up, disk, key, tmp_path):
    server = serve(up + f'[backup]\ndir = "{disk.folder}/backups"\n')
    for n in range(10):
        server.chat(behave("up/gpt-4o", key, "size=20000"), id=f"{key}-{n}")
    server.call(f"{key}-9")
    disk.fill()
    answer = server.post("/api/v1/backup", None)
    assert answer.status == 503 and "No space left on device" in answer.json()["error"]["message"], answer.text
    done = run("backup", "--data", server.data, "--to", disk.folder / "backups", check=False)
    assert done.returncode == 1 and "No space left on device" in done.stderr
    left = [path.name for path in (disk.folder / "backups").glob("*")] if (disk.folder / "backups").exists() else []
    assert [name for name in left if not name.endswith(".pid")] == []
    assert server.get("/health/ready").json()["status"] == "ready"
    disk.free()
    made = server.post("/api/v1/backup?verify=true", None).json()
    assert made["verified"]["calls"] == 10


def test_a_damaged_backup_is_not_restored(serve, up, key, tmp_path):
    server = serve(up + f'[backup]\ndir = "{tmp_path}/backups"\n')
    server.chat(behave("up/gpt-4o", key), id=key)
    server.call(key)
    made = server.post("/api/v1/backup", None).json()
    with open(f"{made['path']}/telemetry.db", "r+b") as file:
        file.seek(5_000)
        file.write(b"xxxxxxxx")
    done = run("backup", "verify", "--backup", made["path"], "--config", server.config_path, check=False)
    assert done.returncode == 1 and "telemetry.db has changed since it was written" in done.stderr
    done = run("restore", made["path"], "--data", tmp_path / "restored", check=False)
    assert done.returncode == 1 and "damaged" in done.stderr and not (tmp_path / "restored").exists()


def test_mistakes_are_told(serve, up, tmp_path):
    server = serve(up)
    answer = server.post("/api/v1/backup", None)
    assert answer.status == 400 and "[backup]" in answer.json()["error"]["message"]
    assert server.post("/api/v1/backup?to=/tmp", None).status == 400
    done = run("backup", "--data", server.data, cwd=tmp_path, check=False)
    assert done.returncode == 1 and "--to DIR" in done.stderr
    done = run("backup", "--data", server.data, "--to", server.data / "b", cwd=tmp_path, check=False)
    assert done.returncode == 1 and "lies in the data folder" in done.stderr
    done = run("restore", tmp_path / "none", "--data", tmp_path / "r", check=False)
    assert done.returncode == 1 and "there is no backup" in done.stderr
    run("backup", "--data", server.data, "--to", tmp_path / "b", cwd=tmp_path)
    done = run("restore", tmp_path / "b", "--data", server.data, check=False)
    assert done.returncode == 1 and "is not empty" in done.stderr
    shutil.rmtree(tmp_path / "b")
