"""Threads, processes, forks, ends of programs: nothing is lost, nothing hangs."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from conftest import query
from weir import ObservabilityLogger


def count(path):
    return query(path, "SELECT count(*) AS n, count(DISTINCT request_id) AS ids FROM llm_calls")[0]


def test_eight_threads_log_a_thousand_calls_each(logger, db):
    def work(n):
        for i in range(1_000):
            logger.log_llm_call(f"{n}-{i}", model="m", prompt="p" * 500, response="r" * 200)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert logger.flush(60)
    assert count(db) == {"n": 8_000, "ids": 8_000}
    assert logger.stats()["lost"] == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_four_processes_write_the_same_file(script, db, method):
    program = f"""
    import multiprocessing, sys
    from weir import ObservabilityLogger

    def work(n):
        logger = ObservabilityLogger(sys.argv[1])
        for i in range(500):
            logger.log_llm_call(f"{{n}}-{{i}}", model="m", prompt="p" * 500)

    if __name__ == "__main__":
        parent = ObservabilityLogger(sys.argv[1])
        parent.log_llm_call("before", model="m")
        workers = [multiprocessing.get_context("{method}").Process(target=work, args=(n,)) for n in range(4)]
        for worker in workers: worker.start()
        parent.log_llm_call("meanwhile", model="m")
        for worker in workers: worker.join()
        parent.log_llm_call("after", model="m")
        assert [worker.exitcode for worker in workers] == [0] * 4
    """
    file = db.parent / "program.py"
    file.write_text(textwrap.dedent(program))
    done = subprocess.run([sys.executable, file, db], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert count(db) == {"n": 2_003, "ids": 2_003}


def test_a_child_of_a_fork_goes_on_with_its_parents_loggers(script, db):
    script(
        """
        import os, sys, threading
        from weir import ObservabilityLogger, WorkflowLogger

        logger = ObservabilityLogger(sys.argv[1])
        stop = threading.Event()

        def busy():
            n = 0
            while not stop.is_set():
                logger.log_llm_call(f"busy-{n}", model="m", prompt="p" * 2000)
                n += 1
                if n % 200 == 0:
                    logger.flush()  # What it logs must fit the queue, however slow the disk.
            logger.flush()
            print(n)

        thread = threading.Thread(target=busy)
        thread.start()
        for child in range(20):
            logger.log_llm_call(f"parent-{child}", model="m")
            pid = os.fork()
            if pid == 0:
                logger.log_llm_call(f"child-{child}", model="m")
                ok = logger.flush() and logger.stats()["stored"] == 1
                os._exit(0 if ok else 1)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        thread.join()
        assert logger.flush() and logger.stats()["lost"] == 0
        """,
        db,
    )
    found = query(db, "SELECT request_id FROM llm_calls WHERE request_id NOT LIKE 'busy%'")
    assert sorted(row["request_id"] for row in found) == sorted(f"{who}-{n}" for who in ("parent", "child") for n in range(20))


def test_a_child_that_ends_by_exit_has_written(script, db):
    script(
        """
        import os, sys
        from weir import ObservabilityLogger
        logger = ObservabilityLogger(sys.argv[1])
        pid = os.fork()
        logger.log_llm_call("child" if pid == 0 else "parent", model="m")
        if pid == 0: sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """,
        db,
    )
    assert sorted(row["request_id"] for row in query(db, "SELECT request_id FROM llm_calls")) == ["child", "parent"]


@pytest.mark.parametrize("ending", ["pass", "sys.exit(3)", "raise RuntimeError('x')", "del logger"])
def test_a_program_that_ends_has_written_everything(script, db, ending):
    script(
        f"""
        import sys
        from weir import ObservabilityLogger
        logger = ObservabilityLogger(sys.argv[1])
        for i in range(1000): logger.log_llm_call(str(i), model="m")
        {ending}
        """,
        db,
        check=False,
    )
    assert count(db) == {"n": 1_000, "ids": 1_000}


def test_after_a_flush_kill_9_loses_nothing(db, tmp_path):
    program = """
    import sys, time
    from weir import ObservabilityLogger
    logger = ObservabilityLogger(sys.argv[1])
    n = 0
    while True:
        for _ in range(50):
            logger.log_llm_call(str(n), model="m", prompt="p" * 1000)
            n += 1
        assert logger.flush()
        print(n, flush=True)
    """
    child = subprocess.Popen([sys.executable, "-I", "-c", textwrap.dedent(program), db], stdout=subprocess.PIPE, text=True)
    flushed = [int(child.stdout.readline()) for _ in range(20)][-1]
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read().split()
    child.wait()
    child.stdout.close()
    stored = {int(row["request_id"]) for row in query(db, "SELECT request_id FROM llm_calls")}
    assert set(range(max([flushed, *map(int, rest)]))) <= stored


def test_loggers_are_made_in_many_threads_at_once(tmp_path):
    """All of one file: one store comes of it."""
    made = []

    def make():
        logger = ObservabilityLogger(tmp_path / "one.db")
        logger.log_llm_call(model="m")
        made.append(logger)

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(logger._store) for logger in made}) == 1
    assert made[0].flush()
    assert count(tmp_path / "one.db")["n"] == 16


def test_the_gil_is_free_while_a_flush_waits(script, db):
    """A thread that waits for a locked database does not hold up the others."""
    script(
        """
        import sqlite3, sys, threading
        from weir import ObservabilityLogger
        logger = ObservabilityLogger(sys.argv[1])
        logger.log_llm_call("first", model="m")
        assert logger.flush()
        lock = sqlite3.connect(sys.argv[1], isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        logger.log_llm_call("second", model="m")
        waiting = threading.Thread(target=logger.flush, args=(60,))
        waiting.start()
        for n in range(100_000): pass
        assert waiting.is_alive()
        assert not logger.flush(0.05)
        lock.execute("COMMIT")
        waiting.join(30)
        assert not waiting.is_alive() and logger.stats()["stored"] == 2
        """,
        db,
    )
