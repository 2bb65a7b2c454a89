"""What may befall a database: no room, cut connections, many who write, a restart."""

import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from service.errors import StorageFullError, UnavailableError
from service.jobs.job import Outcome
from service.storage import clock as clocks
from service.storage.opening import FILE_NAME, open_sqlite
from service.storage.stores import records_of
from service.storage.turns import Turns
from tests.contracts.submissions import submission, submit

LEASE = 30.0


def is_whole(store):
    with closing(sqlite3.connect(store.folder / FILE_NAME)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def submit_many(store, size):
    for _ in range(100):
        submit(store, request=b"x" * size)


@pytest.fixture
def sqlite_store(make_store, backend):
    if backend == "postgresql":
        pytest.fail("for SQLite alone")
    return make_store()


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_database_that_may_not_grow_refuses_and_recovers(sqlite_store):
    store = sqlite_store
    claimed = submit(store)
    claim = store.work.claim("w", LEASE)
    engine = store.records.database.engine

    def cap(pages):
        engine.dispose()
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    cap(1)  # the pages there are, no more
    with pytest.raises(StorageFullError, match=r"^found no room for the database$"):
        submit_many(store, 20_000)
    with pytest.raises(StorageFullError, match="no room"):
        store.jobs.ping()
    told = [job.id for job in store.jobs.jobs("ada", limit=200).items]
    assert claimed.id in told

    cap(2**30)
    later = submit(store)
    store.jobs.ping()
    assert store.work.finish(claim, Outcome("succeeded", b"r")).status == "succeeded"
    assert [job.id for job in store.jobs.jobs("ada", limit=200).items] == [later.id, *told]
    assert is_whole(store)


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("size", [20_000, 400_000], ids=["row", "file"])
def test_a_disk_without_room_refuses_and_recovers(sqlite_store, size):
    store = sqlite_store
    kept = submit(store).id
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, before[1]))
    try:
        with pytest.raises(StorageFullError, match=r"^found no room"):
            submit_many(store, size)
        assert store.jobs.job("ada", kept).status == "queued"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    submit(store, request=b"x" * size)

    assert len(store.files()) == (size == 400_000)
    assert is_whole(store)


def cut_connections(store):
    with store.records.database.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("backend", ["postgresql"])
def test_cut_connections_are_not_noticed_between_transactions(store):
    job = submit(store)
    for _ in range(3):
        cut_connections(store)
        assert store.jobs.job("ada", job.id) == job
        cut_connections(store)
        store.jobs.ping()


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("is_committed", [False, True], ids=["before", "after"])
def test_a_connection_cut_in_a_transaction_makes_one_job(store, monkeypatch, is_committed):
    database = store.records.database
    cuts = []

    dialect = database.engine.dialect
    commit = dialect.do_commit

    def committing(driver):
        if not cuts:
            cuts.append(driver)
            if is_committed:
                commit(driver)
            with database.engine.connect() as other:
                pid = driver.driver_connection.info.backend_pid
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 1000)")
                other.rollback()
        commit(driver)

    monkeypatch.setattr(dialect, "do_commit", committing)

    job, is_earlier = store.jobs.submit("ada", submission())

    assert not is_earlier
    assert [each.id for each in store.jobs.jobs("ada").items] == [job.id]


def test_a_job_is_one_though_two_processes_submit_it_with_one_key(store, backend):
    arguments = [str(store.folder)] + ([store.settings.database_url] * (backend != "sqlite"))
    command = [sys.executable, "-m", "tests.storage.one_key", *arguments]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for process in both:
            assert process.stdout.readline() == "ready\n"
        for process in both:
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [
            line.split()
            for process in both
            for line in process.communicate()[0].split("\n")
            if line
        ]
    finally:
        for process in both:
            process.kill()
            process.wait()

    assert len(answers) == 50
    assert len({job_id for job_id, _ in answers}) == 1
    assert sorted(is_earlier for _, is_earlier in answers) == ["False"] + ["True"] * 49
    assert store.jobs.depth()["queued"] == 1


def test_a_turn_that_does_not_come_is_unavailable(tmp_path):
    first, second = (Turns(tmp_path / "turns", 0.05) for _ in range(2))
    begun = time.monotonic()

    with first.turn():
        for waiting in (first, second):
            with pytest.raises(UnavailableError, match="locked for too long"), waiting.turn():
                pytest.fail("two have the turn")

    with second.turn():
        assert time.monotonic() - begun < 5.0
    first.close()
    second.close()


def test_after_a_restart_of_the_machine_every_lease_is_over(tmp_path, monkeypatch, make_store):
    settings = make_store().settings
    path = tmp_path / "own" / FILE_NAME
    database, _ = open_sqlite(path)
    records = records_of(database, settings)
    job = records.jobs.submit("ada", submission())[0]
    records.work.claim("w", 1e6)
    before = records.keys.now()
    database.close()
    monkeypatch.setattr(clocks, "boot_id", lambda: "another")
    monkeypatch.setattr(clocks, "since_start", lambda: 5_000_000)

    database, _ = open_sqlite(path)
    records = records_of(database, settings)

    assert records.work.reclaim() == 1
    assert records.jobs.job("ada", job.id).status == "queued"
    assert 0 <= records.keys.now() - before < 60
    database.close()
