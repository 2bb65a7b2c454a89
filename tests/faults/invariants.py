"""What is true of a service whatever has been done to it."""

from collections import Counter

from service.access import LOCAL_TENANT
from service.jobs.job import TERMINAL
from tests.faults.house import wait_for

MOST_LOST_CLAIMS = 3
REGAINED_SECONDS = 20.0


def check(house, reference, *, failed=(), cancelled=()):
    """Every job that was promised has ended, once, as it would have ended undisturbed.

    `reference` gives the result of a request; `failed` and `cancelled` are the jobs that were
    to end so.
    """
    for job_id, request in house.expected.items():
        job = house.finished(job_id)
        status = "failed" if job_id in failed else "cancelled" if job_id in cancelled else None
        assert job.status == (status or "succeeded"), (job_id, job.status, job.error)
        _check_end(house, job, request, reference)
    _check_rows(house)


def check_now(house, reference, known, *, failing=()):
    """The same of the jobs that have ended, but for those known; they are known afterwards."""
    for job_id, request in house.expected.items():
        if job_id not in known and (job := house.job(job_id)).is_finished:
            assert job.status == ("failed" if job_id in failing else "succeeded"), job
            _check_end(house, job, request, reference)
            known.add(job_id)
    _check_rows(house)


def _check_end(house, job, request, reference):
    if job.status == "succeeded":
        assert house.result(job.id) == reference(request), f"{job.id}: other bits"
    ends = [
        event
        for event in house.jobs.events(LOCAL_TENANT, job.id)
        if event.name == "status" and event.data["status"] in TERMINAL
    ]
    assert len(ends) == 1, (job.id, ends)
    epochs = [line.epoch for line in house.jobs.history(LOCAL_TENANT, job.id, limit=10**6)]
    assert epochs == list(range(1, len(epochs) + 1)), f"{job.id}: epochs twice or missing"


def _check_rows(house):
    for row in house.rows("SELECT * FROM jobs"):
        assert row["id"] in house.expected, f"{row['id']} was never acknowledged"
        assert row["lost_claims"] <= MOST_LOST_CLAIMS
    wait_for(lambda: not leaseless(house), REGAINED_SECONDS, "the end of leases that are over")
    assert house.beside.damages() == []


def leaseless(house):
    """Jobs that run without a lease that lasts."""
    running = house.rows("SELECT id, lease_until FROM jobs WHERE status = 'running'")
    now = house.records.keys.now() * 1e6
    return [row["id"] for row in running if not row["lease_until"] or row["lease_until"] < now]


def lost_claims(house):
    """How many claims each job has lost."""
    rows = house.rows("SELECT id, lost_claims FROM jobs")
    return Counter({row["id"]: row["lost_claims"] for row in rows})
