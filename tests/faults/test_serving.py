"""A serving process that is told to end, idle or busy."""

import os
import signal

import pytest

from tests.faults.house import House, stop, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.processes import children_of, is_server
from tests.faults.tasks import large, training
from tests.slowness import slowness

pytestmark = pytest.mark.faults

LONG = training(1.0)


def test_an_idle_service_ends_at_once_when_told(house):
    server, _ = house.serve(workers=1)

    assert stop(server) < 3 * slowness()
    house.wait_for_nobody()


def test_a_service_ends_in_time_though_one_of_its_processes_stands_still(house):
    server, _ = house.serve("--http-processes", "2", workers=0)
    still = next(pid for pid in children_of(server.pid) if is_server(pid))
    os.kill(still, signal.SIGSTOP)

    assert stop(server) < 5 * slowness()
    house.wait_for_nobody()


def test_a_service_that_is_told_to_end_at_its_start_ends(house):
    server = house.run("serve", "--port", "0", "--http-processes", "2", "--workers", "1")
    wait_for(lambda: len(children_of(server.pid)) > 2, told="processes that start")

    stop(server)

    house.wait_for_nobody()


def test_a_job_in_training_is_given_back_and_goes_on_after_a_restart(house, reference):
    server, _ = house.serve(workers=1)
    job_id = house.submit(LONG)
    house.worker_of(job_id, checkpoint=True)

    stop(server)

    row = house.row(job_id)
    assert (row["status"], row["attempt"], row["lost_claims"]) == ("queued", 1, 0)
    house.wait_for_nobody()
    house.serve(workers=1)
    check(house, reference)
    assert house.job(job_id).attempt == 2


def test_a_job_that_is_too_large_for_a_worker_fails_and_disturbs_no_other(tmp_path, reference):
    house = House(tmp_path, worker_memory_bytes=400 * 2**20)
    try:
        house.serve(workers=2)
        hog = house.submit(large(2**10))
        others = [house.submit(training(1.0, seed=k)) for k in range(3)]

        assert house.finished(hog).error["code"] == "worker_lost"
        check(house, reference, failed={hog})
        assert lost_claims(house) == {hog: 3} | dict.fromkeys(others, 0)
        assert (tmp_path / "log").read_text().count("out of memory") == 3
    finally:
        house.close()
