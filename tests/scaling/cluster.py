"""Measures a cluster with TLS: calls of a hand, hiring, and what the scheduler does."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from types import SimpleNamespace

import numpy as np
import psutil
from distributed import Worker

from service.engines.certificates import ensure_certificates
from service.engines.dask import DaskCrew, Lending, Membership
from service.engines.scheduling import configured, hush, security_of
from service.jobs.crew import Order
from service.jobs.team import Hands, TrainingShare, TrainingTeam
from service.numeric import blas
from service.settings import Settings
from tests.live import environment_of
from tests.scaling.constants import Check, Cluster
from tests.scaling.training import Training

SCHEDULES = re.compile(r"schedules at (\S+)")
ROOT = Path(__file__).resolve().parents[2]
SMALL, LARGE = 200_000, 2_000_000  # numbers: 1.6 MB and 16 MB
CALLS, STEPS, MEMBERS, HIRES, LOOKS, WATCHED_SECONDS = 40, 15, 32, 10, 200, 8.0
CHECKED = tuple(
    Training(sizes, rows)
    for sizes, rows in (
        ((784, 256, 10), 2000),
        ((784, 256, 10), 16_000),
        ((4096, 400, 10), 2000),
    )
)


class Share(TrainingShare):
    """A share of a training that is made from its order, and an answer without work."""

    def __init__(self, order):
        super().__init__(Training.read(order.request).prepared().parts(order.parts))

    def echo(self, numbers, epoch, step, vector, is_measured):
        return [(0.0, vector)]


def security(folder):
    made = ensure_certificates(folder)
    files = {"tls_ca_file": made.authority, "tls_certificate_file": made.certificate}
    return files | {"tls_key_file": made.key}


def lend(address, folder):
    """Be a worker that is lent whenever it is asked for."""
    blas.set_threads(1)
    settings = Settings(**security(Path(folder)))
    lending = Lending(threading.Lock(), Share)
    Membership(address, security_of(settings, address), lending).start()
    sys.stdin.read()  # until whoever started it closes it
    os._exit(0)


def crowd(address, folder, count):
    """Be many workers that do nothing, in one process."""
    found = security_of(Settings(**security(Path(folder))), address)

    async def stay():
        with configured():
            async with Members(
                Worker(address, nthreads=1, memory_limit=0, security=found, dashboard=False)
                for _ in range(count)
            ):
                hush()
                sys.stdout.write("there\n")
                sys.stdout.flush()
                await asyncio.to_thread(sys.stdin.read)

    asyncio.run(stay())


class Members:
    """Workers that come and go together."""

    def __init__(self, workers):
        self.workers = workers

    async def __aenter__(self):
        self.workers = list(self.workers)
        await asyncio.gather(*self.workers)

    async def __aexit__(self, *_):
        await asyncio.gather(*(worker.close() for worker in self.workers))


@contextmanager
def process(*words, **settings):
    """A command that ends when its input does, or is ended."""
    with subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment_of(log_level="error", **settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


class Bench:
    """A scheduler, some hands, and what a job sees of them."""

    def __init__(self, stack, folder, hands):
        self.settings = Settings(**security(folder))
        files = security(folder)
        self.stack, self.folder = stack, folder
        self.scheduler = stack.enter_context(
            process("service", "scheduler", "--port", "0", **files)
        )
        (self.address,) = SCHEDULES.findall(self.scheduler.stdout.readline())
        self.security = security_of(self.settings, self.address)
        stack.enter_context(configured())
        lending = ("tests.scaling", "lend", self.address, str(folder))
        self.hands = [stack.enter_context(process(*lending)) for _ in range(hands)]
        with self.crew() as crew:
            while len(crew.others()) < hands:
                sleep(0.1)

    @contextmanager
    def crew(self):
        crew = DaskCrew(self.address, self.security, SimpleNamespace(address=None))
        try:
            yield crew
        finally:
            crew.close()

    def scheduler_seconds(self):
        used = psutil.Process(self.scheduler.pid).cpu_times()
        return used.user + used.system


def order_of(training, parts=2):
    return Order("bench", "bench", "train", training.written(), parts, {})


def asked(hand, vector):
    """Seconds of a call there and back, and of this process's processor in it: the least."""
    found = []
    for _ in range(CALLS):
        began, used = perf_counter(), process_time()
        hand.ask("echo", range(1), 0, 0, vector, True).value(60)
        found.append((perf_counter() - began, process_time() - used))
    return min(a for a, _ in found), min(b for _, b in found)


def measured_cluster():
    """The constants of a cluster, the bytes of a worker, and steps to check the model by."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        bench = Bench(stack, folder, 2)
        with bench.crew() as crew:
            worker_bytes = psutil.Process(bench.hands[0].pid).memory_info().rss
            hand = hired(crew, crew.others()[0])
            calls = {size: asked(hand, np.ones(size)) for size in (0, SMALL, LARGE)}
            hand.leave()
        hire, scheduler_hire = hiring(bench)
        checks = [checked(bench, training) for training in CHECKED]
        looks = looking(bench), watched(bench)
        words = ("tests.scaling", "crowd", bench.address, str(folder), str(MEMBERS))
        with process(*words) as many:
            assert many.stdout.readline() == "there\n"
            crowded = looking(bench), watched(bench)
    both = 2 * 8 * LARGE
    found = Cluster(
        call_seconds=calls[0][0],
        call_processor_seconds=calls[0][1],
        byte_seconds=(calls[LARGE][0] - calls[0][0]) / both,
        byte_processor_seconds=(calls[LARGE][1] - calls[0][1]) / both,
        hire_seconds=hire,
        scheduler_hire_seconds=scheduler_hire,
        scheduler_look_seconds=looks[0],
        scheduler_look_worker_seconds=max(0.0, crowded[0] - looks[0]) / MEMBERS,
        scheduler_worker_share=max(0.0, crowded[1] - looks[1]) / MEMBERS,
    )
    return found, worker_bytes, checks


def hired(crew, address, training=CHECKED[0]):
    while (hand := crew.hire(address, order_of(training))) is None:
        sleep(0.05)
    return hand


def hiring(bench):
    """Seconds of hiring one, its share of next to nothing; and of the scheduler's processor."""
    small, used, seconds = Training((4, 3, 2), 8), bench.scheduler_seconds(), []
    for _ in range(HIRES):
        began = perf_counter()
        with bench.crew() as crew:
            hand = hired(crew, crew.others()[0], small)
            seconds.append(perf_counter() - began)
            hand.leave()
    return min(seconds), (bench.scheduler_seconds() - used) / HIRES


def looking(bench):
    """Seconds of the scheduler's processor for a look at all workers."""
    with bench.crew() as crew:
        crew.others()
        used = bench.scheduler_seconds()
        for _ in range(LOOKS):
            crew.others()
        return (bench.scheduler_seconds() - used) / LOOKS


def watched(bench):
    """The share of the scheduler's processor while nothing happens."""
    used = bench.scheduler_seconds()
    sleep(WATCHED_SECONDS)
    return (bench.scheduler_seconds() - used) / WATCHED_SECONDS


def checked(bench, training):
    """Seconds of a step by one and by two workers, over the service's own team."""
    ready = training.prepared()
    vector = ready.first_vector()
    parts = ready.parts(2)
    assert parts.reason() is None
    with bench.crew() as crew:
        hands = Hands(crew, order_of(training), 1, lambda: False)
        while not hands.ready():
            sleep(0.05)
        teams = {1: TrainingTeam(parts, None), 2: TrainingTeam(parts, hands)}
        found = dict.fromkeys(teams, float("inf"))
        for _ in range(STEPS):  # in turn, so that both have the same chances
            for count, team in teams.items():
                began = perf_counter()
                team.gradient(0, 0, vector, is_measured=True)
                found[count] = min(found[count], perf_counter() - began)
        hands.close()
    return Check(training.network, training.rows, found)
