"""The file is read, and even written, by Python's own `sqlite3` while it is logged to: in the same process, where two
copies of SQLite do not know of each other, and in others. Nothing is lost or damaged."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading

from conftest import query
from weir import AnomalyDetector, ObservabilityLogger, WorkflowLogger


def counted(db):
    """As the command line sees it: another process."""
    return int(subprocess.check_output(["sqlite3", db, "SELECT count(*) FROM llm_calls"], text=True))


def test_what_is_logged_after_somebody_looked_is_seen_by_all(logger, db):
    for n in range(1, 6):
        logger.log_llm_call(model="m")
        assert logger.flush()
        connection = sqlite3.connect(db)
        assert connection.execute("SELECT count(*) FROM llm_calls").fetchone() == (n,)
        connection.close()
        assert counted(db) == n


def test_a_connection_that_stays_open_sees_what_comes(logger, db):
    logger.log_llm_call(model="m")
    assert logger.flush()
    connection = sqlite3.connect(db)
    for n in range(2, 20):
        assert connection.execute("SELECT count(*) FROM llm_calls").fetchone() == (n - 1,)
        logger.log_llm_call(model="m")
        logger.close() if n % 5 == 0 else logger.flush()
        assert counted(db) == n
    connection.close()
    assert subprocess.check_output(["sqlite3", db, "PRAGMA integrity_check"], text=True) == "ok\n"


def test_a_reader_keeps_its_view_while_it_reads(logger, db):
    for n in range(200):
        logger.log_llm_call(str(n), model="m", prompt="p" * 2000)
    assert logger.flush()
    connection = sqlite3.connect(db, isolation_level=None)
    connection.execute("BEGIN")
    before = connection.execute("SELECT count(*), sum(length(prompt)) FROM llm_calls").fetchone()
    for n in range(5_000):
        logger.log_llm_call(f"later-{n}", model="m", prompt="q" * 2000)
    assert logger.flush(60)
    assert connection.execute("SELECT count(*), sum(length(prompt)) FROM llm_calls").fetchone() == before == (200, 400_000)
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM llm_calls").fetchone() == (5_200,)
    connection.close()


def test_after_somebody_looked_kill_9_still_loses_nothing(db):
    program = """
    import sqlite3, sys, time
    from weir import ObservabilityLogger
    logger = ObservabilityLogger(sys.argv[1])
    for n in range(100):
        logger.log_llm_call(str(n), model="m")
        if n == 50:
            assert logger.flush()
            connection = sqlite3.connect(sys.argv[1])
            connection.execute("SELECT * FROM llm_calls").fetchall()
            connection.close()
    assert logger.flush()
    print("flushed", flush=True)
    time.sleep(60)
    """
    child = subprocess.Popen([sys.executable, "-I", "-c", textwrap.dedent(program), db], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "flushed\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert query(db, "SELECT count(*) AS n FROM llm_calls") == [{"n": 100}]


def test_several_writers_of_both_kinds_in_two_processes(logger, db):
    other = """
    import sys
    from weir import ObservabilityLogger
    logger = ObservabilityLogger(sys.argv[1])
    for n in range(3000):
        logger.log_llm_call(f"other-{n}", model="m", prompt="p" * 500)
        if n % 100 == 0: logger.flush()
    assert logger.flush(60) and logger.stats()["lost"] == 0
    """
    logger.log_llm_call("first", model="m")
    assert logger.flush()
    child = subprocess.Popen([sys.executable, "-I", "-c", textwrap.dedent(other), db])

    def notes():
        for n in range(100):
            connection = sqlite3.connect(db, timeout=60)
            with connection:
                connection.execute("CREATE TABLE IF NOT EXISTS notes (n)")
                connection.execute("INSERT INTO notes VALUES (?)", (n,))
            connection.close()

    writer = threading.Thread(target=notes)
    writer.start()
    for n in range(3_000):
        logger.log_llm_call(f"here-{n}", model="m", prompt="p" * 500)
        if n % 100 == 0:
            logger.flush()
    writer.join()
    assert logger.flush(60) and logger.stats()["lost"] == 0
    assert child.wait(100) == 0
    assert counted(db) == 6_001
    assert query(db, "SELECT count(*) AS n FROM notes") == [{"n": 100}]
    assert subprocess.check_output(["sqlite3", db, "PRAGMA integrity_check"], text=True) == "ok\n"


def test_after_the_end_one_file_is_left(db):
    logger = ObservabilityLogger(db)
    WorkflowLogger(logger).log_tool_call("r", "t")
    AnomalyDetector(logger=logger).check_anomalies()
    logger.close()
    assert sorted(path.name for path in db.parent.iterdir()) == ["my.db"]


def test_a_fork_that_python_does_not_know_of_is_told_and_does_no_harm(script, db):
    """As servers written in C make their workers."""
    done = script(
        """
        import ctypes, os, sys
        from weir import ObservabilityLogger
        logger = ObservabilityLogger(sys.argv[1])
        logger.log_llm_call("before", model="m")
        assert logger.flush()
        for n in range(2):
            pid = ctypes.PyDLL(None).fork()
            if pid == 0:
                logger.log_llm_call("child", model="m")
                os._exit(logger.stats()["invalid_records"])
            logger.log_llm_call("parent", model="m")
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
            assert logger.flush()
        """,
        db,
    )
    assert done.stderr.count("make the logger after the fork") == 2
    assert [row["request_id"] for row in query(db, "SELECT request_id FROM llm_calls")] == ["before", "parent", "parent"]
