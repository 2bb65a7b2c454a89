"""Many small jobs at once are all run, once each, and no tenant waits for another's queue."""

from tests.live import made_key, running_server
from tests.load.clients import JOB, Connection, submitted, wait_for_all
from tests.load.measured import run_many

JOBS = 400
QUEUED = 1000
WORKERS = 2


def test_many_small_jobs_by_eight_clients_are_all_run_once(tmp_path):
    with running_server(tmp_path / "server.log", workers=WORKERS) as server:
        figures = run_many(server, JOBS)

    assert figures.jobs == JOBS


def test_a_full_queue_delays_another_tenant_by_one_job_of_each_worker(tmp_path):
    data = tmp_path / "data"
    crowd, single = made_key(data, "crowd"), made_key(data, "single")
    with running_server(
        tmp_path / "server.log", workers=WORKERS, data_directory=data
    ) as server:
        submitted(server.port, QUEUED, 8, crowd)
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
