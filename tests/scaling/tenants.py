"""A simulation, event by event: tenants whose jobs share workers and one store."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

import numpy as np


@dataclass(frozen=True, slots=True)
class Setting:
    """Workers, what a job takes on the average, and for how long it has the store to itself."""

    workers: int
    job_seconds: float
    claim_seconds: float
    finish_seconds: float
    has_turns: bool = True  # tenants in turn; else by age alone


@dataclass(slots=True)
class Found:
    """When each job began, by tenant, and when the last one ended."""

    began: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def jobs_per_second(self) -> float:
        """Jobs done in a second, over the whole run."""
        return sum(map(len, self.began.values())) / self.seconds


def simulated(
    setting: Setting, queues: Mapping[str, Sequence[float]], rng: np.random.Generator
) -> Found:
    """What becomes of the jobs of tenants, given by the times of their submissions.

    Lengths are drawn from an exponential distribution. A worker claims, works and finishes;
    claims and ends wait for each other at the store, first come, first served.
    """
    waiting = {tenant: deque(sorted(times)) for tenant, times in queues.items()}
    served = dict.fromkeys(waiting, -1.0)
    free = [(0.0, worker, False) for worker in range(setting.workers)]
    heapify(free)
    found, store_free = Found({tenant: [] for tenant in waiting}), 0.0
    while free:
        now, worker, is_ending = heappop(free)
        store_free = max(now, store_free)
        if is_ending:
            store_free += setting.finish_seconds
            found.seconds = max(found.seconds, store_free)
            heappush(free, (store_free, worker, False))
            continue
        there = [t for t, times in waiting.items() if times and times[0] <= store_free]
        if not there:
            coming = [times[0] for times in waiting.values() if times]
            if coming:
                heappush(free, (min(coming), worker, False))
            continue
        tenant = min(there, key=lambda t: served[t] if setting.has_turns else waiting[t][0])
        waiting[tenant].popleft()
        store_free += setting.claim_seconds
        served[tenant] = store_free
        found.began[tenant].append(store_free)
        length = rng.exponential(setting.job_seconds)
        heappush(free, (store_free + length, worker, True))
    return found


def wait_of_single_job(
    setting: Setting, queued: int, others: int = 1, runs: int = 200
) -> float:
    """Mean seconds that one job waits beside other tenants with so many queued jobs each."""
    waited, rng = [], np.random.default_rng(1)
    arrives = 2.0 * setting.job_seconds
    for _ in range(runs):
        queues = {f"crowd-{n}": [0.0] * queued for n in range(others)} | {"one": [arrives]}
        waited.append(simulated(setting, queues, rng).began["one"][0] - arrives)
    return float(np.mean(waited))
