"""A serving process that is told to end, idle or busy, and clocks that do not agree."""

from pathlib import Path

import pytest

from tests.faults.house import House, stop, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.tasks import large, training

LONG = training(2.5)
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def test_an_idle_service_ends_at_once_when_told(house):
    server, _ = house.serve(workers=1)

    assert stop(server) < 3
    assert house.processes() == []


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_job_in_training_is_given_back_and_goes_on_after_a_restart(
    house, reference, processes
):
    server, _ = house.serve("--http-processes", processes, workers=1)
    job_id = house.submit(LONG)
    house.worker_of(job_id, checkpoint=True)

    stop(server)

    row = house.row(job_id)
    assert (row["status"], row["attempt"], row["lost_claims"]) == ("queued", 1, 0)
    assert house.processes() == []
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


@pytest.mark.parametrize("skew", ["+2h", "-2h"])
def test_a_worker_whose_clock_is_wrong_takes_no_job_from_another(house, reference, skew):
    assert FAKETIME, "libfaketime is not there: install the package faketime"
    wrong = {
        "LD_PRELOAD": str(FAKETIME[0]),
        "FAKETIME": skew,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    house.run("worker")
    house.run("worker", environment=wrong)
    wait_for(lambda: house.jobs.live_workers() == 2, told="both workers")

    both = [house.submit(LONG), house.submit(training(2.5, seed=1))]

    assert len({house.worker_of(job_id) for job_id in both}) == 2
    check(house, reference)
    for job in map(house.job, both):
        assert job.attempt == 1
        assert 0 <= job.started_at - job.created_at < 5
        assert 0 < job.finished_at - job.started_at < 30
