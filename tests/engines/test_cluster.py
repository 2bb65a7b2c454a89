"""Workers of a cluster over real processes: they lend each other a hand, whoever dies."""

import os
import re
import signal
import socket
import ssl

import numpy as np
import psutil
import pytest
from distributed import Client, Security

from service.engines.certificates import ensure_certificates
from service.jobs.results import result_document
from tests.faults.house import House, is_alive, stop, wait_for
from tests.faults.tasks import submitted

WORKERS = 3
EPOCHS = 200
HIRED = re.compile(r'"event": "hired".*"reason": "([^"]+)".*"job": "([^"]+)"')
SCHEDULES = re.compile(r"schedules at (\S+)")


class Cluster:
    """A scheduler, workers and a store."""

    def __init__(self, folder):
        made = ensure_certificates(folder / "certificates")
        self.certificates = made
        self.house = House(
            folder,
            tls_ca_file=made.authority,
            tls_certificate_file=made.certificate,
            tls_key_file=made.key,
            split_step_seconds=1e-6,
        )
        self.port = free_port()
        self.address = f"tls://127.0.0.1:{self.port}"
        self.schedule()
        self.work()

    def schedule(self):
        self.scheduler = self.house.run("scheduler", "--port", str(self.port))
        assert SCHEDULES.search(self.scheduler.stdout.readline())

    def work(self):
        after = len(self.log())
        words = ("--processes", str(WORKERS), "--scheduler", self.address)
        self.workers = self.house.run("worker", *words)
        self.wait_for_members(WORKERS, after)

    def log(self):
        return (self.house.folder / "log").read_text()

    def wait_for_members(self, count, after=0):
        def joined():
            return self.log()[after:].count('"event": "in the cluster"') >= count

        wait_for(joined, told=f"{count} workers in the cluster")

    def hired_for(self, job_id):
        """The addresses of the workers that were lent to the job."""
        return [match[1] for match in HIRED.finditer(self.log()) if match[2] == job_id]

    def pid_at(self, address):
        """The process that listens at this address."""
        port = int(address.rpartition(":")[2])
        (pid,) = [pid for pid in self.house.processes() if port in ports_of(pid)]
        return pid

    def submit(self, workers=WORKERS):
        return self.house.submit(shared_task(workers))

    def result(self, job_id):
        job = self.house.finished(job_id)
        assert job.status == "succeeded", job.error
        return result_document("train", self.house.result(job_id))


def shared_task(workers):
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(6000, 20))
    return submitted(
        {
            "kind": "train",
            "model": {
                "kind": "network",
                "layers": [
                    {"size": 64, "activation": "tanh"},
                    {"size": 1, "activation": "identity"},
                ],
            },
            "data": {"inputs": inputs, "targets": np.tanh(inputs @ rng.normal(size=20))},
            "loss": "mse",
            "optimizer": {"kind": "adam", "learning_rate": 1e-3},
            "epochs": EPOCHS,
            "batch_size": 2000,
            "validation_fraction": 0.2,
            "seed": 1,
            "workers": workers,
        }
    )


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ports_of(pid):

    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.NoSuchProcess:
        return set()
    return {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.house.close()


@pytest.fixture(scope="module")
def expected(cluster):
    """The result where nobody is hurt."""
    job_id = cluster.submit()
    result = cluster.result(job_id)
    assert len(set(cluster.hired_for(job_id))) == WORKERS - 1
    split = cluster.house.job(job_id).split
    assert split["parts"] == WORKERS
    assert "split into 3 parts, which is asked for" in split["reason"]
    return result


def same_bits(found, expected):
    for one, other in zip(
        found["parameters"]["layers"], expected["parameters"]["layers"], strict=True
    ):
        assert np.array_equal(one["weights"], other["weights"])
        assert np.array_equal(one["bias"], other["bias"])
    assert found["validation_loss"] == expected["validation_loss"]


def test_a_hand_that_is_killed_costs_no_bit_and_no_attempt(cluster, expected):
    job_id = cluster.submit()
    (first, *_) = wait_for(lambda: cluster.hired_for(job_id), told="a hand")
    killed = cluster.pid_at(first)
    assert killed != cluster.house.worker_of(job_id)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not is_alive(killed), told="the end of the hand")

    same_bits(cluster.result(job_id), expected)
    assert cluster.house.job(job_id).attempt == 1


def test_the_worker_that_has_the_job_may_be_killed_too(cluster, expected):
    job_id = cluster.submit()
    wait_for(lambda: cluster.hired_for(job_id), told="a hand")
    os.kill(cluster.house.worker_of(job_id, checkpoint=True), signal.SIGKILL)

    same_bits(cluster.result(job_id), expected)
    assert cluster.house.job(job_id).attempt == 2


def test_without_a_scheduler_jobs_go_on_and_workers_join_the_next(cluster, expected):
    job_id = cluster.submit()
    wait_for(lambda: cluster.hired_for(job_id), told="a hand")
    cluster.scheduler.kill()
    cluster.scheduler.wait()

    same_bits(cluster.result(job_id), expected)
    assert cluster.house.job(job_id).attempt == 1

    alone = cluster.submit()
    same_bits(cluster.result(alone), expected)

    after = len(cluster.log())
    cluster.schedule()
    cluster.wait_for_members(WORKERS, after)

    def joined():
        again = cluster.submit()
        same_bits(cluster.result(again), expected)
        return cluster.hired_for(again)

    # A job may end before a hand is ready.
    wait_for(joined, told="a hand after the scheduler's return")


def test_two_jobs_at_once_do_not_wait_for_each_other(cluster, expected):
    jobs = [cluster.submit() for _ in range(WORKERS + 1)]
    for job_id in jobs:
        same_bits(cluster.result(job_id), expected)


def test_workers_that_are_stopped_give_back_what_they_share(cluster, expected):
    job_id = cluster.submit()
    wait_for(lambda: len(cluster.hired_for(job_id)) == WORKERS - 1, told="all hands")
    stop(cluster.workers)

    assert cluster.house.job(job_id).status == "queued"
    cluster.work()
    same_bits(cluster.result(job_id), expected)
    assert cluster.house.row(job_id)["lost_claims"] == 0


def first_answer(port, context):
    """What a server says first to a client that shows nothing."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain) as secured,
    ):
        secured.settimeout(10)
        return secured.recv(1)  # TLS 1.3 tells of a missing certificate only here


def test_a_client_without_a_certificate_is_refused(cluster):
    context = ssl.create_default_context(cafile=cluster.certificates.authority)
    context.check_hostname = False
    with pytest.raises((ssl.SSLError, ConnectionError)):
        first_answer(cluster.port, context)


def test_a_plain_client_and_one_of_another_authority_are_refused(cluster, tmp_path):
    with pytest.raises((OSError, TimeoutError)):
        Client(f"tcp://127.0.0.1:{cluster.port}", timeout=2)
    other = ensure_certificates(tmp_path)
    security = Security(
        tls_ca_file=str(other.authority),
        tls_client_cert=str(other.certificate),
        tls_client_key=str(other.key),
        require_encryption=True,
    )
    with pytest.raises((OSError, TimeoutError)):
        Client(cluster.address, security=security, timeout=2)


def test_the_pages_of_the_scheduler_are_for_this_machine_only(cluster):

    process = psutil.Process(cluster.scheduler.pid)
    listening = [
        c.laddr for c in process.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN
    ]
    assert {address.port for address in listening} - {cluster.port}
    assert {address.ip for address in listening} <= {"127.0.0.1", "::1"}


PLAIN = (
    "gradserve: the scheduler's address tcp://127.0.0.1:8786 is plain: whoever reaches it runs "
    "code on every worker; give tls://… with certificates, or --insecure\n"
)
UNSET = (
    "gradserve: GRADSERVE_TLS_CA_FILE is not set, but tls:// needs a certificate; make some "
    "with gradserve certificates FOLDER\n"
)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("worker", "--scheduler", "tcp://127.0.0.1:8786"), PLAIN),
        (("worker", "--scheduler", "tls://127.0.0.1:8786"), UNSET),
        (("scheduler",), UNSET),
        (
            ("worker", "--scheduler", "127.0.0.1:8786"),
            "gradserve: the scheduler's address is 127.0.0.1:8786, expected tls://host:port\n",
        ),
    ],
)
def test_what_is_not_safe_is_refused(tmp_path, words, text):
    house = House(tmp_path)
    process = house.run(*words)
    try:
        assert process.wait(60) == 2
        assert (tmp_path / "log").read_text() == text
    finally:
        house.close()


def test_insecure_is_typed_and_taken(tmp_path):
    house = House(tmp_path)
    process = house.run("scheduler", "--port", "0", "--insecure")
    try:
        assert SCHEDULES.search(process.stdout.readline())[1].startswith("tcp://127.0.0.1:")
        stop(process)
    finally:
        house.close()
