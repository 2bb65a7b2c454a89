"""One run of many small jobs against a real service: what is promised, and its figures."""

import time
from dataclasses import dataclass

from tests.live import LiveServer
from tests.load.clients import HealthProbe, Latencies, submitted, wait_for_all

CLIENTS = 8
MOST_P99_SECONDS = 0.25
MOST_SECONDS = 2.0
MOST_GROWTH_BYTES = 64 * 2**20
WARM_UP_JOBS = 50


@dataclass(frozen=True)
class Figures:
    """What a run of jobs took."""

    jobs: int
    submitting_seconds: float
    seconds: float
    submits: Latencies
    health: Latencies
    growth_bytes: int

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.jobs} jobs by {CLIENTS} clients: submitted in "
                f"{self.submitting_seconds:.1f} s, all run after {self.seconds:.1f} s",
                f"submit: {self.submits}",
                f"health: {self.health}",
                f"memory of the serving process: {self.growth_bytes / 2**20:+.1f} MB",
            ]
        )


def run_many(server: LiveServer, jobs: int) -> Figures:
    """Run so many jobs; every one is run once, none is slow, and memory stays flat."""
    submitted(server.port, WARM_UP_JOBS, CLIENTS)
    wait_for_all(server.port)
    before = server.resident_bytes()
    started = time.perf_counter()
    with HealthProbe(server.port) as probe:
        submits = submitted(server.port, jobs, CLIENTS)
        submitting_seconds = time.perf_counter() - started
        found = wait_for_all(server.port)
    seconds = time.perf_counter() - started
    figures = Figures(
        jobs,
        submitting_seconds,
        seconds,
        submits,
        probe.latencies,
        server.resident_bytes() - before,
    )
    assert len(found) == jobs + WARM_UP_JOBS
    assert len({job["id"] for job in found}) == len(found)
    assert {(job["status"], job["attempt"]) for job in found} == {("succeeded", 1)}
    return figures


def check(figures: Figures) -> None:
    """What is promised of the times and the memory."""
    assert figures.submits.quantile(0.99) <= MOST_P99_SECONDS, figures
    assert max(figures.submits.seconds) <= MOST_SECONDS, figures
    assert max(figures.health.seconds) <= MOST_P99_SECONDS, figures
    assert figures.growth_bytes <= MOST_GROWTH_BYTES, figures
