"""Workers that are killed, frozen, poisoned, too large, or not listening."""

import os
import signal
import time

import psutil

from service.access import LOCAL_TENANT
from service.jobs.watch import YIELD_SECONDS
from tests.faults.house import LEASE_SECONDS, freeze, frozen, is_alive, stop, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.tasks import large, training
from tests.slowness import slowness

LONG = training(1.0)


def test_a_job_whose_worker_is_killed_goes_on_and_finds_the_same(house, reference):
    house.serve(workers=1)
    job_id = house.submit(LONG)
    killed = house.worker_of(job_id, checkpoint=True)

    os.kill(killed, signal.SIGKILL)

    began = time.monotonic()
    wait_for(lambda: not is_alive(killed), told="the end of the worker")
    assert house.worker_of(job_id) != killed
    assert time.monotonic() - began < 10 * slowness()
    check(house, reference)
    assert house.job(job_id).attempt == 2
    assert house.jobs.counters()["worker_restarts", ""] == 1


def test_a_worker_frozen_beyond_its_lease_writes_nothing_and_works_on(house, reference):
    house.serve(workers=2)
    job_id = house.submit(LONG)
    worker = house.worker_of(job_id, checkpoint=True)

    with frozen(house, worker):
        wait_for(lambda: house.row(job_id)["attempt"] == 2, told="another attempt")
        other = house.worker_of(job_id)
        house.finished(job_id)
        ended = house.row(job_id)
    later = house.submit(training(0.2, seed=1))
    house.finished(later)
    time.sleep(LEASE_SECONDS)

    assert other != worker
    assert house.row(job_id) == ended
    assert is_alive(worker)
    assert "claim lost" in (house.folder / "log").read_text()
    check(house, reference)


def test_a_worker_frozen_while_all_others_wait_for_it_is_ended(house, reference):
    house.serve(workers=2)
    job_id = house.submit(LONG)
    worker = house.worker_of(job_id)

    freeze(house, worker, in_the_way=True)

    wait_for(lambda: not is_alive(worker), told="the end of the frozen worker")
    check(house, reference)


def test_a_job_that_kills_its_workers_fails_and_disturbs_no_other(house, reference):
    house.serve(workers=2)
    poison = house.submit(training(60, seed=9))
    others = [house.submit(training(0.5, seed=k)) for k in range(4)]

    for attempt in range(1, 4):
        wait_for(lambda n=attempt: house.row(poison)["attempt"] == n, told="an attempt")
        os.kill(house.worker_of(poison), signal.SIGKILL)

    assert house.finished(poison).error["code"] == "worker_lost"
    check(house, reference, failed={poison})
    lost = lost_claims(house)
    assert (lost.pop(poison), set(lost.values())) == (3, {0})
    assert all(house.job(other).attempt == 1 for other in others)


def test_a_cancelled_job_frees_its_worker_within_two_seconds(house, reference):
    house.serve(workers=1)
    job_id = house.submit(training(60))
    worker = psutil.Process(house.worker_of(job_id, checkpoint=True))

    began = time.monotonic()
    house.jobs.cancel(LOCAL_TENANT, job_id)
    job = house.finished(job_id)

    assert time.monotonic() - began < 2 * slowness()
    assert job.status == "cancelled"
    assert house.has_checkpoint(job_id)
    time.sleep(0.3 * slowness())
    used = sum(worker.cpu_times()[:2])
    time.sleep(1.0)
    assert sum(worker.cpu_times()[:2]) - used < 0.3
    check(house, reference, cancelled={job_id})


def test_a_job_that_is_cancelled_within_a_long_step_frees_its_worker(house, reference):
    house.serve(workers=1)
    job_id = house.submit(large(512, rows=6000))
    house.worker_of(job_id)
    time.sleep(1.0)

    began = time.monotonic()
    house.jobs.cancel(LOCAL_TENANT, job_id)
    job = house.finished(job_id)
    seconds = time.monotonic() - began

    assert job.status == "cancelled"
    assert seconds < (YIELD_SECONDS + 2.0) * slowness()
    house.submit(training(0.1))
    check(house, reference, cancelled={job_id})


def test_nobody_is_left_when_only_the_parent_is_killed(house, reference):
    server, _ = house.serve("--http-processes", "2", workers=2)
    job_id = house.submit(LONG)
    worker = house.worker_of(job_id, checkpoint=True)
    os.kill(worker, signal.SIGSTOP)

    server.kill()
    server.wait()

    house.wait_for_nobody()
    house.run("worker")
    check(house, reference)


def test_workers_apart_from_any_server_give_back_their_jobs_when_told_to_end(house, reference):
    workers = house.run("worker", "--processes", "2")
    job_id = house.submit(LONG)
    house.worker_of(job_id, checkpoint=True)

    stop(workers)

    row = house.row(job_id)
    assert (row["status"], row["lost_claims"]) == ("queued", 0)
    house.run("worker")
    check(house, reference)
    assert house.job(job_id).attempt == 2
