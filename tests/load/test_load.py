"""Many small jobs at once are all run, once each, and no tenant waits for another's queue."""

import numpy as np
import pytest

from service.jobs.kinds import JOB_KINDS
from service.jobs.sources import Sources
from service.settings import Settings
from service.storage.stores import open_records
from tests.live import made_key, running_server
from tests.load.clients import JOB, Connection, wait_for_all
from tests.load.measured import run_many

pytestmark = pytest.mark.faults
JOBS = 200
QUEUED = 1000
CROWD = "crowd"
WORKERS = 2


def fill_queue(data):
    """Submit a thousand jobs of one tenant, faster than they are run."""
    settings = Settings(data_directory=data)
    records = open_records(settings)
    sources = Sources(CROWD, records.jobs, records.datasets, settings)
    submission = JOB_KINDS["train"].submission(arrays_of(JOB), sources)
    for _ in range(QUEUED):
        records.jobs.submit(CROWD, submission)
    records.database.close()


def arrays_of(job):
    """The request with its arrays as the service reads them."""
    model, data = job["model"], job["data"]
    numbers = {name: np.asarray(model[name]) for name in ("weights", "bias")}
    return job | {
        "model": model | numbers,
        "data": {name: np.asarray(values, dtype=float) for name, values in data.items()},
    }


def test_many_small_jobs_by_eight_clients_are_all_run_once(tmp_path):
    with running_server(tmp_path / "server.log", workers=WORKERS) as server:
        figures = run_many(server, JOBS)

    assert figures.jobs == JOBS


def test_a_full_queue_delays_another_tenant_by_one_job_of_each_worker(tmp_path):
    data = tmp_path / "data"
    crowd, single = made_key(data, CROWD), made_key(data, "single")
    with running_server(
        tmp_path / "server.log", workers=WORKERS, data_directory=data
    ) as server:
        fill_queue(data)
        with Connection(server.port, single) as client:
            _, job = client.ask("POST", "/v1/jobs", JOB)
        (mine,) = wait_for_all(server.port, single)
        with Connection(server.port, crowd) as client:
            theirs = client.all_jobs()

    between = [
        other
        for other in theirs
        if other["started_at"] and job["created_at"] < other["started_at"] < mine["started_at"]
    ]
    assert mine["id"] == job["id"]
    assert mine["status"] == "succeeded"
    assert any(other["status"] == "queued" for other in theirs), "the crowd was done before"
    assert len(between) <= WORKERS
