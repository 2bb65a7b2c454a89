"""A PostgreSQL that cuts connections, is killed, or is away for longer than a lease."""

import time
from contextlib import contextmanager

import psutil
import pytest

from tests.faults.clients import Prober, Submitter, client_of, submit
from tests.faults.house import LEASE_SECONDS, House, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.tasks import training_document
from tests.postgres import new_database, own_postgresql

pytestmark = pytest.mark.faults

QUICK_SECONDS, HEALTH_SECONDS = 2.0, 0.25
LONG = training_document(2.5)


@pytest.fixture(scope="module")
def cluster():
    with own_postgresql() as found:
        yield found


@contextmanager
def house_on(cluster, folder, **variables):
    """A house whose database is one of the cluster's, with a service: house and address."""
    with new_database(cluster.address) as url:
        house = House(folder, database_url=url, **variables)
        try:
            yield house, house.serve(workers=2)[1]
        finally:
            house.close()


@pytest.fixture(scope="module")
def served(cluster, tmp_path_factory):
    with house_on(cluster, tmp_path_factory.mktemp("served"), lease_seconds=8) as found:
        yield found


def test_connections_that_are_cut_lose_nothing_and_double_nothing(served, reference):
    house, address = served
    before, cuts = len(house.expected), 0

    with Submitter(house, address) as submitter, Prober(address, "/v1/jobs") as prober:
        for _ in range(20):
            time.sleep(0.1)
            cuts += house.beside.cut()

    answers = {(a.status, a.code) for a in submitter.answers + prober.answers}
    assert answers <= {(202, None), (200, None), (503, "unavailable")}
    assert cuts > 20
    assert len(house.expected) - before == submitter.acknowledged > 2
    check(house, reference)
    assert_nothing_unforeseen(house)


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_a_server_that_is_killed_is_waited_for(served, reference, cluster, fault):
    house, address = served
    with client_of(address) as client:
        long = submit(house, client, LONG).document["id"]
    worker = house.worker_of(long, checkpoint=True)

    paths = "/healthz", "/readyz", "/v1/jobs", f"/v1/jobs/{long}?wait_seconds=1"
    with Submitter(house, address) as submitter, Prober(address, *paths) as prober:
        wait_for(lambda: submitter.acknowledged > 1, told="jobs of the submitter")
        assert house.row(long)["status"] == "running"
        getattr(cluster, fault)()
        began = time.monotonic()
        time.sleep(1.2)
        ended = time.monotonic()
        cluster.start()
        seen = submitter.acknowledged
        wait_for(lambda: submitter.acknowledged > seen, told="more jobs")

    assert_refused(submitter.between(began, ended) + prober.between(began, ended))
    assert_never_failed(submitter.answers + prober.answers)
    check(house, reference)
    assert (house.job(long).attempt, house.row(long)["owner"].split("-")[1]) == (1, str(worker))
    assert_nothing_unforeseen(house)


def test_an_outage_beyond_the_lease_lets_each_job_end_once(cluster, tmp_path, reference):
    with house_on(cluster, tmp_path) as (house, address), client_of(address) as client:
        ids = [
            submit(house, client, training_document(seconds, seed=k)).document["id"]
            for k, seconds in enumerate((2.5, 1.0))
        ]
        submit(house, client, training_document(0.1))
        workers = {house.worker_of(job_id, checkpoint=True) for job_id in ids}

        cluster.stop()
        time.sleep(3 * LEASE_SECONDS)  # the leases end, and the pauses become long
        used, lines = cpu_seconds(workers), log_lines(house)
        time.sleep(2.0)
        used, lines = cpu_seconds(workers) - used, log_lines(house) - lines
        cluster.start()

        check(house, reference)
        assert (used < 0.4, lines < 40) == (True, True), (used, lines)
        assert all(psutil.pid_exists(pid) for pid in workers)
        assert set(lost_claims(house).values()) == {0, 1}
        assert_nothing_unforeseen(house)


def log_lines(house):
    """How many lines the log has."""
    return len((house.folder / "log").read_text().splitlines())


def cpu_seconds(pids):
    """What these processes have used of the processors."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def assert_refused(answers):
    """All of these were refused at once, but for those that need no database."""
    health = [answer for answer in answers if answer.path == "/healthz"]
    others = [answer for answer in answers if answer.path != "/healthz"]
    assert len(health) > 1
    assert {answer.path for answer in others} >= {"/readyz", "/v1/jobs"}
    assert {answer.status for answer in health} == {200}
    assert max(answer.seconds for answer in health) < HEALTH_SECONDS
    assert {(answer.status, answer.code) for answer in others} == {(503, "unavailable")}
    assert all(int(answer.retry_after) >= 1 for answer in others)
    assert max(answer.seconds for answer in others) < QUICK_SECONDS


def assert_never_failed(answers):
    """Whatever was asked whenever was answered, soon, and by no failure."""
    assert {answer.status for answer in answers} <= {200, 202, 503}
    assert max(answer.seconds for answer in answers) < 2 * QUICK_SECONDS


def assert_nothing_unforeseen(house):
    """The log tells of no error that nobody foresaw."""
    log = (house.folder / "log").read_text()
    assert "unforeseen" not in log
    assert "Traceback" not in log
