"""Measures what a request takes of an API process's processor."""

from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.live import running_server
from tests.load.clients import JOB, Connection
from tests.scaling.constants import Http

REQUESTS = 600
GRADIENT = {
    "expression": "mean((y - maximum(0, X @ w + b))**2)",
    "variables": {"X": [[1, 2], [3, 1], [2, 2]], "y": [1, 2, 0], "w": [1, -1], "b": 0.5},
    "wrt": ["w", "b"],
}


def measured_http():
    """Seconds of a gradient, of a look at a job, and of a submission."""
    with (
        TemporaryDirectory() as folder,
        running_server(Path(folder) / "log", workers=0, rate_limit="1000000/second") as server,
        Connection(server.port) as client,
    ):
        job = client.ask("POST", "/v1/jobs", JOB)[1]["id"]
        asked = {
            "gradient": ("POST", "/v1/gradient", GRADIENT),
            "look at a job": ("GET", f"/v1/jobs/{job}", None),
            "submit": ("POST", "/v1/jobs", JOB),
        }
        return Http({name: of_one(client, server.pid, each) for name, each in asked.items()})


def of_one(client, pid, request):
    """The least of three rounds."""
    found = []
    for _ in range(3):
        used = seconds_of(pid)
        for _ in range(REQUESTS):
            status, body = client.ask(*request)
            assert status < 300, body
        found.append((seconds_of(pid) - used) / REQUESTS)
    return min(found)


def seconds_of(pid):
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
