"""Measures the transactions of a store: from end to end, and of the database's processor."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import psutil

from service.jobs.environment import environment
from service.jobs.job import Outcome
from service.jobs.kinds import JOB_KINDS
from service.jobs.sources import Sources
from service.settings import Settings
from service.storage.stores import open_records
from service.training.runs import Epoch
from tests.load.clients import JOB
from tests.load.test_load import arrays_of
from tests.postgres import new_database, running_postgresql
from tests.scaling.constants import Store
from tests.scaling.training import least

ROUNDS, TIMES = 5, 30
MANY_TENANTS, DEPTH = 300, 1500
LARGE_BYTES = 8 * 2**20
PROCESSES, SECONDS = 4, 3.0
OWNER = "bench"
LINE = Epoch(1, 0.5, None, 0.1, 0.01)
PROGRESS = {"epoch": 1, "epochs": 10, "step": 5, "steps": 100, "loss": 0.5}


def measured_stores():
    """The constants of both stores, and what each does with several processes at once."""
    with TemporaryDirectory() as folder:
        yield measured("SQLite", Path(folder), None)
    with (
        running_postgresql() as server,
        new_database(server) as url,
        TemporaryDirectory() as folder,
    ):
        yield measured("PostgreSQL", Path(folder), url)


def measured(name, folder, url):
    settings = Settings(
        data_directory=folder, database_url=url, max_running_jobs_of_tenant=1_000_000
    )
    bench = Bench(settings)
    seconds, processor = bench.transactions()
    large = least(lambda: bench.work.save_checkpoint(bench.claim, b"x" * LARGE_BYTES))
    byte_seconds = (large - seconds["checkpoint"]) / LARGE_BYTES
    bench.work.finish(bench.claim, Outcome("succeeded", result=b"r" * 400))
    claims = bench.claims()
    bench.records.database.close()
    together = at_once(settings)
    tenant_seconds = max(0.0, claims[MANY_TENANTS] - claims[1]) / (MANY_TENANTS - 1)
    locks, lock_seconds = ((tuple(n for n in seconds if n != "poll"),), seconds)
    if url is None:
        processor = {"poll": seconds["poll"]}  # who looks does so side by side
    else:
        # Claims wait for each other, and so do the ends of jobs, at the row of a counter.
        locks, lock_seconds = (
            (("claim",), ("finish",)),
            {
                "claim": seconds["claim"],
                "finish": seconds["count"],
            },
        )
    store = Store(
        name,
        seconds,
        processor,
        tuple(tuple(n for n in names if n != "count") for names in locks),
        {n: s for n, s in lock_seconds.items() if n not in ("count", "poll")},
        tenant_seconds,
        byte_seconds,
    )
    return store, claims, together


class Bench:
    """A store with a job that runs."""

    def __init__(self, settings):
        self.settings = settings
        self.records = open_records(settings)
        self.jobs, self.work = self.records.jobs, self.records.work
        self.submission = submission_of(self.records, settings)
        self.environment = environment()
        self.epoch = 0
        self.claim = None
        self.claims_to_end = []

    def transactions(self):
        """Seconds of each kind alone, and of the database's processor."""
        self.submit()
        self.claim = self.next_claim()
        self.claims_to_end.clear()
        kinds = {
            "poll": lambda: self.work.claim(OWNER, 30.0, self.environment),
            "submit": self.submit,
            "claim": self.next_claim,
            "beat": lambda: self.work.beat(self.claim, 30.0),
            "report": self.report,
            "checkpoint": lambda: self.work.save_checkpoint(self.claim, b"x" * 1000),
            "seen": lambda: self.work.worker_seen(OWNER, 30.0),
            "count": lambda: self.work.count("bench"),
        }
        seconds, processor = {}, {}
        for name, work in kinds.items():
            seconds[name], processor[name] = self.timed(work, ROUNDS, TIMES)
            if name == "poll":
                assert work() is None
        ending = iter(self.claims_to_end)
        outcome = Outcome("succeeded", result=b"r" * 400, progress=PROGRESS, history=(LINE,))
        finish = lambda: self.work.finish(next(ending), outcome)  # noqa: E731
        seconds["finish"], processor["finish"] = self.timed(finish, ROUNDS, TIMES)
        return seconds, processor

    def submit(self, tenant="bench"):
        self.jobs.submit(tenant, self.submission)

    def next_claim(self):
        found = self.work.claim(OWNER, 30.0, self.environment)
        assert found is not None
        self.claims_to_end.append(found)
        return found

    def report(self):
        self.epoch += 1
        line = Epoch(self.epoch, 0.5, None, 0.1, 0.01)
        self.work.report(self.claim, PROGRESS, (line,))

    def timed(self, work, rounds, times):
        """Seconds of one: the least mean of all rounds; of the database's processor."""
        means, used = [], self.database_seconds()
        for _ in range(rounds):
            began = perf_counter()
            for _ in range(times):
                work()
            means.append((perf_counter() - began) / times)
        return min(means), (self.database_seconds() - used) / (rounds * times)

    def database_seconds(self):
        """Processor seconds of the server's processes for this database."""
        if self.settings.database_url is None:
            return 0.0
        name = self.settings.database_url.rpartition("/")[2]
        used = 0.0
        for process in psutil.process_iter(["cmdline", "cpu_times"]):
            if f" {name} " in " ".join(process.info["cmdline"] or ()):
                times = process.info["cpu_times"]
                used += times.user + times.system
        return used

    def claims(self):
        """Seconds of a claim by tenants that wait, and beside so many jobs of one."""
        found = {}
        while self.work.claim(OWNER, 30.0, self.environment) is not None:
            pass
        for tenants, jobs in ((1, TIMES), (1, DEPTH), (MANY_TENANTS, 1)):
            for number in range(tenants * jobs):
                self.submit(f"tenant-{number % tenants:04}")
            self.clean()
            key = tenants if jobs < DEPTH else DEPTH
            found[key] = least(self.next_claim, TIMES)
            self.end_all()
        return found

    def clean(self):
        """What PostgreSQL does by itself after a while: forget old versions of rows."""
        if self.settings.database_url is not None:
            engine = self.records.database.engine.execution_options(
                isolation_level="AUTOCOMMIT"
            )
            with engine.connect() as connection:
                connection.exec_driver_sql("VACUUM ANALYZE jobs")
                connection.exec_driver_sql("VACUUM ANALYZE tenants")

    def end_all(self):
        """Take the jobs that wait, a running one counts against its tenant's cap."""
        with self.records.database.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM jobs")
            connection.exec_driver_sql("DELETE FROM tenants")


def submission_of(records, settings):
    sources = Sources("bench", records.jobs, records.datasets, settings)
    return JOB_KINDS["train"].submission(arrays_of(JOB), sources)


def at_once(settings):
    """Jobs submitted, claimed and ended in a second, by so many processes at once."""
    found = {}
    for count in (1, PROCESSES):
        with ProcessPoolExecutor(count, get_context("spawn")) as pool:
            arguments = [(settings, f"{count}-{n}") for n in range(count)]
            found[count] = sum(pool.map(jobs_seen_through, arguments))
    return found


def jobs_seen_through(given):
    settings, owner = given
    records = open_records(settings)
    submission, used = submission_of(records, settings), environment()
    outcome, done, began = Outcome("succeeded", result=b"r" * 400), 0, perf_counter()
    while (seconds := perf_counter() - began) < SECONDS:
        records.jobs.submit(owner, submission)
        claim = records.work.claim(owner, 30.0, used)
        if claim is not None:
            records.work.finish(claim, outcome)
            done += 1
    records.database.close()
    return done / seconds
