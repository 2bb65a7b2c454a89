"""Clients that submit small jobs as fast as they are taken, and one that asks for health."""

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Thread
from urllib.parse import urlencode

WAIT_SECONDS = 900
SECONDS_BETWEEN_LOOKS = 0.05
JOB = {
    "kind": "train",
    "model": {"kind": "neuron", "weights": [0.0, 0.0], "bias": 0.0, "activation": "identity"},
    "data": {"inputs": [[1, 2], [3, 4], [5, 7], [2, 1]], "targets": [1, 2, 3, 4]},
    "loss": "mse",
    "optimizer": {"kind": "sgd", "learning_rate": 0.01},
    "epochs": 5,
    "batch_size": 2,
    "seed": 1,
}


class Connection:
    """A client that keeps its connection."""

    def __init__(self, port: int, key: str | None = None) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Content-Type": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        """Status and body of an answer."""
        content = None if body is None else json.dumps(body)
        self._http.request(method, path, content, self._headers)
        answer = self._http.getresponse()
        return answer.status, json.loads(answer.read())

    def all_jobs(self) -> list[dict]:
        """All jobs of this client's tenant, the newest first."""
        found: list[dict] = []
        query = {"limit": 100}
        while True:
            status, page = self.ask("GET", f"/v1/jobs?{urlencode(query)}")
            assert status == 200, page
            found.extend(page["data"])
            if not page["has_more"]:
                return found
            query["after"] = page["next"]


@dataclass
class Latencies:
    """How long answers took, in seconds."""

    seconds: list[float] = field(default_factory=list)

    def timed(self, work: Callable[[], tuple[int, dict]], expected: int) -> dict:
        """The body of an answer, whose time is noted."""
        started = time.perf_counter()
        status, body = work()
        self.seconds.append(time.perf_counter() - started)
        assert status == expected, (status, body)
        return body

    def quantile(self, fraction: float) -> float:
        """The time that this fraction of the answers took at most."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]

    def __str__(self) -> str:
        parts = [f"p{100 * f:g} {1e3 * self.quantile(f):.1f} ms" for f in (0.5, 0.99)]
        return f"{', '.join(parts)}, longest {1e3 * max(self.seconds):.1f} ms"


class HealthProbe:
    """Asks for health all the time, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.latencies = Latencies()
        self._port = port
        self._is_over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "HealthProbe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        with Connection(self._port) as connection:
            while not self._is_over.wait(SECONDS_BETWEEN_LOOKS):
                self.latencies.timed(lambda: connection.ask("GET", "/healthz"), 200)


def submitted(port: int, jobs: int, clients: int, key: str | None = None) -> Latencies:
    """Submit so many jobs from so many clients at once; how long each answer took."""
    found = Latencies()

    def submit(count: int) -> None:
        with Connection(port, key) as connection:
            for _ in range(count):
                found.timed(lambda: connection.ask("POST", "/v1/jobs", JOB), 202)

    counts = [jobs // clients + (k < jobs % clients) for k in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(submit, counts))
    return found


def wait_for_all(port: int, key: str | None = None) -> list[dict]:
    """All jobs, once none of them waits or runs."""
    deadline = time.monotonic() + WAIT_SECONDS
    with Connection(port, key) as connection:
        while True:
            open_jobs = [
                connection.ask("GET", f"/v1/jobs?status={status}&limit=1")[1]["data"]
                for status in ("queued", "running")
            ]
            if not any(open_jobs):
                return connection.all_jobs()
            assert time.monotonic() < deadline, "jobs still wait"
            time.sleep(0.25)
