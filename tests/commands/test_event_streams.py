"""Event streams over real connections: clients that do not read, and the service's end."""

import socket
import time

import httpx
import psutil

from service.api.schemas.jobs import TRAIN
from tests.commands.serving import serving

CLIENTS = 100
MOST_GROWTH = 50 * 2**20
SECONDS = 5.0


def test_clients_that_never_read_cost_little_and_hold_nothing_up():
    job = TRAIN | {"epochs": 1_000_000}
    with serving(workers=1, shutdown_seconds=10) as served:
        place = httpx.post(f"{served.address}/v1/jobs", json=job).headers["location"]
        process = psutil.Process(served.process.pid)
        request = f"GET {place}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        sockets = []
        before = process.memory_info().rss
        for _ in range(CLIENTS):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            connection.connect(("127.0.0.1", served.port))
            connection.sendall(request)
            sockets.append(connection)
        end = time.monotonic() + SECONDS
        slowest = 0.0
        while time.monotonic() < end:
            started = time.monotonic()
            assert httpx.get(f"{served.address}/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.1)
        growth = process.memory_info().rss - before
        served.process.terminate()
        started = time.monotonic()
        code = served.process.wait(20)
        seconds = time.monotonic() - started
        for connection in sockets:
            connection.close()

    assert growth < MOST_GROWTH, f"grew by {growth:,} bytes"
    assert slowest < 2.0
    assert (code, seconds < 8) == (0, True), seconds
