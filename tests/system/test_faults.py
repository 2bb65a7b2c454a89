"""Processes of docker-compose.yml that are killed, restarted or frozen while jobs run."""

import time

import pytest

from tests.faults.clients import Prober, Submitter
from tests.faults.house import frozen, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.tasks import training_document
from tests.system.system import APIS, LEASE_SECONDS, WORKERS

pytestmark = pytest.mark.faults

LONG_SECONDS = 1.5


def kill_api(system, _):
    system.cluster["api-1"].kill()


def kill_worker(system, job_id):
    system.container_of(system.house.worker_of(job_id, checkpoint=True)).kill()


def kill_scheduler(system, _):
    before = {name: joins(system, name) for name in WORKERS}
    system.cluster["scheduler"].kill()
    for name, count in before.items():
        wait_for(lambda n=name, k=count: joins(system, n) > k, told=f"the return of {name}")


def joins(system, name):
    """How often a worker has joined the cluster."""
    return system.log(name).count('"in the cluster"')


def restart_database(system, _):
    system.cluster.restart("database")


def kill_database(system, _):
    system.cluster["database"].kill()


def kill_all(system, job_id):
    kill_worker(system, job_id)
    for name in ("api-1", "scheduler", "api-2"):
        system.cluster[name].kill()
    restart_database(system, job_id)


FAULTS = {
    fault.__name__: fault
    for fault in (
        kill_api, kill_worker, kill_scheduler, restart_database, kill_database, kill_all
    )
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_was_promised_is_kept_though_processes_die(system, reference, name):
    system.wait_until_well()
    starts = {each: c.starts for each, c in system.cluster.containers.items()}
    with (
        Submitter(system.house, system.url(), token=system.key) as submitter,
        Prober(system.url(), "/healthz", "/v1/jobs", token=system.key) as prober,
    ):
        long = system.submit(training_document(LONG_SECONDS, seed=2))
        system.house.worker_of(long, checkpoint=True)

        FAULTS[name](system, long)

        system.wait_until_well()
        seen = submitter.acknowledged
        wait_for(lambda: submitter.acknowledged > seen + 2, told="more jobs")

    check(system.house, reference)
    started = {each for each, c in system.cluster.containers.items() if c.starts > starts[each]}
    assert (len(started) == 1) == (name != "kill_all"), started
    assert lost_claims(system.house)[long] == (name in ("kill_worker", "kill_all"))
    assert {answer.status for answer in submitter.answers} <= {202, 503}
    statuses = {answer.status for answer in prober.answers}
    assert statuses == {200} or "database" in name or name == "kill_all", statuses
    assert unforeseen(system) == []


def unforeseen(system):
    """Lines of logs that tell of errors; Dask writes one with a scheduler that is gone."""
    return [
        line
        for name in (*APIS, *WORKERS)
        for line in system.log(name).splitlines()
        if ("Traceback" in line or "unforeseen" in line)
        and "Failed to communicate with scheduler" not in line
    ]


def test_a_frozen_worker_writes_nothing_once_its_job_is_with_another(system, reference):
    system.wait_until_well()
    house, long = system.house, system.submit(training_document(LONG_SECONDS, seed=3))
    worker = house.worker_of(long, checkpoint=True)
    container = system.container_of(worker)

    with frozen(house, worker):
        wait_for(lambda: house.row(long)["attempt"] == 2, told="another attempt")
        other = house.worker_of(long)
        house.finished(long)
        ended = house.row(long)
    wait_for(lambda: "claim lost" in system.log(container.name), told="a write that is refused")
    time.sleep(LEASE_SECONDS / 2)

    assert system.container_of(other).name != container.name
    assert house.row(long) == ended
    assert worker in container.below()
    check(house, reference)


def test_no_process_behind_the_proxy_is_told_as_the_service_tells_it(system):
    for name in APIS:
        system.cluster[name].stop()

    with system.client() as client:
        answer = client.get("/v1/jobs", headers={"X-Request-ID": "asked-1"})
    for name in APIS:
        system.cluster[name].start()
    system.wait_until_well()

    problem = answer.json()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["status"]) == ("unavailable", 503)
    assert problem["instance"] == answer.headers["x-request-id"] == "asked-1"


def test_a_process_that_is_stopped_refuses_for_a_moment_at_most(system):
    system.wait_until_well()

    with Prober(system.url(), "/v1/jobs", "/healthz", token=system.key) as prober:
        wait_for(lambda: len(prober.answers) > 10)
        for name in APIS:
            system.cluster.restart(name)
            system.wait_until_well(name)

    refused = [answer for answer in prober.answers if answer.status != 200]
    assert {(a.status, a.code, a.retry_after) for a in refused} <= {
        (503, "draining", "5"),
        (503, "unavailable", "2"),  # of the proxy, which tries one again after a second
    }
    assert len(refused) < 0.2 * len(prober.answers)
