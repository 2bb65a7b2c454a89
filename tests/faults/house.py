"""A service in processes of its own that a test hurts; what is true of it in the end."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from service.access import LOCAL_TENANT
from service.settings import Settings
from service.storage.stores import open_records
from tests.faults.beside import beside
from tests.slowness import slowness

ROOT = Path(__file__).resolve().parents[2]
ANNOUNCED = re.compile(r"listens on (http://\S+)")


# A worker that gets no processor does not beat: where many wait for one, leases are longer.
LEASE_SECONDS = 1.5 * min(slowness(), 4.0)
SHUTDOWN_SECONDS = 10
PATIENCE_SECONDS = 240.0  # of tests beside which others use the machine
SETTINGS = {
    "lease_seconds": LEASE_SECONDS,
    "checkpoint_seconds": 0.2,
    "shutdown_seconds": SHUTDOWN_SECONDS,
}


def wait_for(condition, seconds=PATIENCE_SECONDS, told="what is waited for"):
    """What the condition gives, once it is true."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, f"{told} did not happen in {seconds} s"
        time.sleep(0.01)
    return found


class House:
    """A data directory, the processes that work on it, and the store as they see it."""

    def __init__(self, folder, **variables):
        self.folder, self.variables = folder, SETTINGS | variables
        self.settings = Settings(data_directory=folder / "data", **self.variables)
        self.records = open_records(self.settings)
        self.beside = beside(self.settings)
        self.jobs, self.started, self.expected = self.records.jobs, [], {}

    def run(self, *words, environment=None, **variables):
        """A command of `gradserve` as a process."""
        settings = self.variables | {"data_directory": self.settings.data_directory} | variables
        added = {f"GRADSERVE_{name.upper()}": str(value) for name, value in settings.items()}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "service", *words],
                cwd=ROOT,
                env=os.environ | added | (environment or {}),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.started.append(process)
        return process

    def serve(self, *words, workers=1):
        """A server that answers: its process and its address."""
        process = self.run("serve", "--port", "0", "--workers", str(workers), *words)
        wait_for(lambda: select.select([process.stdout], [], [], 0.1)[0], told="a first line")
        found = ANNOUNCED.search(process.stdout.readline())
        assert found, (self.folder / "log").read_text()
        wait_for(lambda: ready(found[1]), told="readiness")
        return process, found[1]

    def submit(self, submission):
        """The id of a job that is kept; its request is remembered."""
        job, _ = self.jobs.submit(LOCAL_TENANT, submission)
        self.expected[job.id] = submission.request
        return job.id

    def job(self, job_id):
        """The job as it is."""
        return self.jobs.job(LOCAL_TENANT, job_id)

    def result(self, job_id):
        """The bytes of its result."""
        return self.jobs.result(LOCAL_TENANT, job_id)

    def row(self, job_id):
        """The job's row."""
        (row,) = self.rows("SELECT * FROM jobs WHERE id = ?", job_id)
        return row

    def rows(self, query, *values):
        """Rows of the database by column, read beside all others."""
        return self.beside.rows(query, values)

    def worker_of(self, job_id, *, checkpoint=False):
        """The process that runs the job, once one does, and has kept a checkpoint if asked."""

        def running():
            row = self.row(job_id)
            if row["status"] != "running" or (checkpoint and not self.has_checkpoint(job_id)):
                return None
            pid = int(row["owner"].split("-")[1])
            return pid if is_alive(pid) else None

        return wait_for(running, told="a worker with the job")

    def has_checkpoint(self, job_id):
        """Whether there is something to go on from."""
        return self.jobs.checkpoint(LOCAL_TENANT, job_id) is not None

    def finished(self, job_id, seconds=PATIENCE_SECONDS):
        """The job, once it has ended."""
        wait_for(lambda: self.job(job_id).is_finished, seconds, f"the end of {job_id}")
        return self.job(job_id)

    def processes(self):
        """Every process that works on this data directory, as far as the system tells."""
        mine = f"GRADSERVE_DATA_DIRECTORY={self.settings.data_directory}".encode()
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mine in environment.read_bytes().split(b"\0"):
                    found.append(int(environment.parent.name))
            except OSError:
                continue
        living = [pid for pid in found if pid != os.getpid() and is_alive(pid)]
        return sorted(living)

    def wait_for_nobody(self):
        """No process is left; a helper of the system's may end a moment after its parent."""
        wait_for(lambda: not self.processes(), 2.0 * slowness(), "the end of all processes")

    def close(self):
        """End everything, hard; no process that a test started is left, nor a child of one."""
        for process in self.started:
            process.kill()
            process.wait()
            process.stdout.close()
        wait_for(lambda: not self.processes(), told="the end of all processes")
        self.records.database.close()


def is_alive(pid):
    """Whether the process runs, or could."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ready(address):
    """Whether the service says so."""
    try:
        return httpx.get(f"{address}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def stop(process):
    """End a process by SIGTERM, within its grace, all being well; the seconds that it took."""
    slow, began = slowness(), time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    seconds = time.monotonic() - began
    assert seconds < SHUTDOWN_SECONDS * max(slow, slowness()), seconds
    return seconds


@contextmanager
def frozen(house, pid):
    """Within this context the process stands still, and is in the way of nobody."""
    freeze(house, pid, in_the_way=False)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def freeze(house, pid, *, in_the_way):
    """Have a process stand still at a moment when it does, or does not, hold a lock."""

    def caught():
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        if house.beside.is_locked() == in_the_way:
            return True
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.001)
        return False

    wait_for(caught, told="such a moment")
