"""The pool of worker processes: replaced when they end, ended when it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from service.engines import local
from service.engines.local import LocalPool
from service.engines.process import limit_memory
from service.jobs.worker import owner_of
from service.settings import Settings, variables_of
from tests.jobs.stand_ins import Absent

SECONDS = 10.0


def sleeper(owners, code="import time; time.sleep(60)"):
    def start(token):
        process = subprocess.Popen([sys.executable, "-S", "-c", code])
        owners.append(owner_of(process.pid, token))
        return process

    return start


def wait_for(condition):
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def pools():
    started = []
    yield started
    for pool in started:
        pool.stop(0.0)


def test_a_worker_that_dies_is_replaced_and_its_jobs_are_taken_back(pools):
    store, owners = Absent(), []
    pool = LocalPool(2, store, sleeper(owners), SECONDS)
    pools.append(pool)
    pool.start()
    wait_for(lambda: len(pool.pids()) == 2)
    dead, _ = owners

    os.kill(pool.pids()[0], signal.SIGKILL)

    wait_for(lambda: len(owners) == 3 and store.told)
    assert store.told == [dead]
    assert store.calls == ["release_of", "worker_restarts"]


def test_the_dead_are_told_later_when_the_store_is_away(pools, monkeypatch):
    monkeypatch.setattr(local, "DEPARTED_SECONDS", 0.1)
    store, owners = Absent(failures=3), []
    pool = LocalPool(1, store, sleeper(owners), SECONDS)
    pools.append(pool)
    pool.start()
    wait_for(pool.pids)

    os.kill(pool.pids()[0], signal.SIGKILL)

    wait_for(lambda: store.told == owners[:1])


def test_workers_that_end_at_their_start_are_not_started_without_end(pools):
    owners = []
    pool = LocalPool(1, Absent(), sleeper(owners, "raise SystemExit(3)"), SECONDS)
    pools.append(pool)

    pool.start()
    time.sleep(1.5)

    assert 2 <= len(owners) <= 4


def test_those_that_do_not_end_in_time_are_killed(pools):
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    pool = LocalPool(1, Absent(), sleeper([], deaf), SECONDS)
    pool.start()
    wait_for(pool.pids)
    time.sleep(0.3)
    began = time.monotonic()

    pool.stop(0.5)

    assert 0.5 <= time.monotonic() - began < 2.0
    assert pool.pids() == []


@pytest.mark.parametrize("failures", [0, 1])
def test_a_worker_that_stands_still_is_killed_if_the_store_waits_for_it(pools, failures):
    store, owners = Absent(failures=failures), []
    pool = LocalPool(1, store, sleeper(owners), 0.3)
    pools.append(pool)
    pool.start()
    wait_for(pool.pids)
    (pid,) = pool.pids()

    os.kill(pid, signal.SIGSTOP)

    wait_for(lambda: store.calls)
    time.sleep(0.3)
    assert store.calls[0] == "workers_frozen"
    assert (pool.pids() == [pid]) == (failures == 0)


def test_a_pool_that_was_never_started_stops():
    pool = LocalPool(1, Absent(), sleeper([]), SECONDS)

    pool.stop(1.0)

    assert pool.is_stopped


def test_settings_reach_a_worker_by_its_environment(monkeypatch):
    settings = Settings(allowed_hosts=("a.example", "b.example"), lease_seconds=0.7)

    for name, value in variables_of(settings).items():
        monkeypatch.setenv(name, value)

    assert Settings() == settings


def test_a_process_that_grows_too_large_runs_out_of_memory():
    code = (
        f"from service.engines.process import {limit_memory.__name__}; import numpy;"
        "limit_memory(300 * 2**20)\n"
        "try: numpy.ones(200 * 2**20)\n"
        "except MemoryError: raise SystemExit(9)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9


def test_a_worker_whose_parent_is_another_ends_at_once():
    words = [sys.executable, "-c", local._FIRST, "1", "worker", "--token", "x"]

    ended = subprocess.run(words, check=False, timeout=20, capture_output=True)

    assert ended.returncode == local.PARENT_LOST
