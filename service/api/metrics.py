"""What Prometheus reads: requests as they were answered, and the store as it is.

Several HTTP processes count in files of one folder, by prometheus_client's multiprocess mode:
whoever starts them names it in `PROMETHEUS_MULTIPROC_DIR` before this module is imported.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.computation.compute import Computer
from service.errors import GradserveError
from service.jobs.store import JobStore

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NO_ROUTE = "none"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts requests, and writes all metrics as text."""

    def __init__(self, computer: Computer) -> None:
        self._registry = CollectorRegistry()
        self._computer = computer
        self._seen_hits = self._seen_misses = 0
        self._requests = Counter(
            "gradserve_http_requests",
            "Requests that were answered, by route and class of status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "gradserve_http_request_duration_seconds",
            "From a request's header to the end of its answer, streams of events too.",
            ("method", "route"),
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._lookups = Counter(
            "gradserve_plan_cache_lookups",
            "Lookups of compiled plans, by what came of them.",
            ("result",),
            registry=self._registry,
        )

    def observe(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request; `route` is its template, so that there are few."""
        labels = (method if method in METHODS else "other", route or NO_ROUTE)
        self._requests.labels(*labels, f"{status // 100}xx" if status else "none").inc()
        self._seconds.labels(*labels).observe(seconds)
        counts = self._computer.plan_counts
        self._lookups.labels("hit").inc(counts.hits - self._seen_hits)
        self._lookups.labels("miss").inc(counts.misses - self._seen_misses)
        self._seen_hits, self._seen_misses = counts.hits, counts.misses

    def text(self, store: JobStore) -> bytes:
        """All metrics now, of all processes that answer requests."""
        registry = self._registry
        if FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # no types there
        now = CollectorRegistry()
        now.register(_Collected(lambda: _of_store(store)))
        now.register(_Collected(_of_processes))
        return generate_latest(registry) + generate_latest(now)


class _Collected(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()


def _of_store(store: JobStore) -> Iterator[Metric]:
    """The jobs and workers; without them, that the store does not answer."""
    try:
        depth, counters, workers = store.depth(), store.counters(), store.live_workers()
    except GradserveError:
        yield _gauge("gradserve_store_up", "Whether the store answers: 1 or 0.", 0)
        return
    yield _gauge("gradserve_store_up", "Whether the store answers: 1 or 0.", 1)
    yield _gauge("gradserve_jobs_queued", "Jobs that wait.", depth["queued"])
    yield _gauge("gradserve_jobs_running", "Jobs that run.", depth["running"])
    yield _gauge(
        "gradserve_oldest_queued_job_age_seconds",
        "How long the oldest job waits; 0 without one.",
        depth["oldest_queued_seconds"],
    )
    yield _gauge("gradserve_workers", "Workers heard of within a lease.", workers)
    outcomes = CounterMetricFamily(
        "gradserve_jobs_finished", "Jobs that ended, by how.", labels=("status", "kind")
    )
    restarts = CounterMetricFamily(
        "gradserve_worker_restarts", "Workers that were replaced because they died."
    )
    restarts.add_metric((), counters.get(("worker_restarts", ""), 0))
    for (name, label), count in sorted(counters.items()):
        if name in ("succeeded", "failed", "cancelled"):
            outcomes.add_metric((name, label), count)
    yield outcomes
    yield restarts


def _of_processes() -> Iterator[Metric]:
    pids = _pids()
    yield _gauge("gradserve_http_processes", "Processes that answer requests.", len(pids))
    yield _gauge(
        "gradserve_http_resident_memory_bytes",
        "Resident memory of the processes that answer requests, added up.",
        sum(map(_resident_bytes, pids)),
    )


def _pids() -> list[int]:
    """This process, or all that count in the folder and live."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return [os.getpid()]
    found = {int(path.stem.rpartition("_")[2]) for path in Path(folder).glob("*_*.db")}
    return sorted(pid for pid in found if _resident_bytes(pid))


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # it has ended, or the system has no /proc
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)
