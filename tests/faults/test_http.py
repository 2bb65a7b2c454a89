"""A server that is killed around its promise, or told to end with clients connected."""

import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from service.access import LOCAL_TENANT
from service.storage.turns import Turns
from tests.faults.house import frozen, stop, wait_for
from tests.faults.invariants import check
from tests.faults.tasks import training

pytestmark = pytest.mark.faults

BODY = {
    "kind": "train",
    "model": {"kind": "neuron", "weights": [0.0], "bias": 0.0, "activation": "tanh"},
    "data": {"inputs": [[0.0], [1.0]], "targets": [0.0, 0.5]},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "epochs": 3,
}


def submit(address, key, seconds=120):
    """The answer to one request with this key; None if the server ended before it came."""
    try:
        return httpx.post(
            f"{address}/v1/jobs", json=BODY, headers={"Idempotency-Key": key}, timeout=seconds
        )
    except httpx.TransportError:
        return None


def ids(house):
    return {row["id"] for row in house.rows("SELECT id FROM jobs")}


def remember(house, job_id):
    house.expected[job_id] = house.jobs.request(LOCAL_TENANT, job_id)


def test_a_server_killed_before_it_has_written_has_promised_nothing(house, reference):
    server, address = house.serve(workers=0)
    path = Path(house.settings.data_directory) / "gradserve.sqlite3-turns"
    answers = []
    client = threading.Thread(target=lambda: answers.append(submit(address, "one")))
    turns = Turns(path, 5.0)
    with turns.turn():
        client.start()
        time.sleep(0.5)
        server.kill()
        client.join()
    turns.close()

    assert answers == [None]
    assert ids(house) == set()
    _, address = house.serve(workers=1)
    job_id = submit(address, "one").json()["id"]
    remember(house, job_id)
    check(house, reference)


def test_a_server_killed_after_it_has_written_has_promised_one_job(house, reference):
    server, address = house.serve(workers=0)
    client = threading.Thread(target=submit, args=(address, "one"))
    client.start()
    wait_for(lambda: ids(house), told="the job's row")
    server.kill()
    client.join()

    _, address = house.serve(workers=1)
    answer = submit(address, "one")

    assert answer.headers["Idempotent-Replayed"] == "true"
    assert ids(house) == {answer.json()["id"]}
    remember(house, answer.json()["id"])
    check(house, reference)


def test_what_a_killed_server_has_acknowledged_is_run(house, reference):
    server, address = house.serve("--http-processes", "2", workers=1)
    job_ids = [submit(address, f"key-{k}").json()["id"] for k in range(5)]
    server.kill()
    server.wait()

    house.run("worker")

    assert ids(house) == set(job_ids)
    for job_id in job_ids:
        remember(house, job_id)
    check(house, reference)


def test_a_process_that_answers_takes_back_leases_though_its_parent_stands_still(
    house, reference
):
    server, _ = house.serve("--http-processes", "2", workers=0)
    worker = house.run("worker")
    job_id = house.submit(training(1.0))
    house.worker_of(job_id, checkpoint=True)

    with frozen(house, server.pid):
        worker.kill()  # and its worker with it
        wait_for(lambda: house.row(job_id)["status"] == "queued", told="the end of the lease")

    house.run("worker")
    check(house, reference)
    assert house.row(job_id)["lost_claims"] == 1


def test_clients_that_stay_connected_do_not_hold_up_the_end(house, reference):
    server, address = house.serve("--http-processes", "2", workers=1)
    job_id = house.submit(training(2.5))
    house.worker_of(job_id, checkpoint=True)
    host, port = address.removeprefix("http://").split(":")
    half = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n{"
    )
    with (
        httpx.stream("GET", f"{address}/v1/jobs/{job_id}/events", timeout=30) as events,
        socket.create_connection((host, int(port)), timeout=30) as connection,
        socket.create_connection((host, int(port)), timeout=30),
    ):
        assert events.status_code == 200
        connection.sendall(half.encode())
        time.sleep(0.3)

        stop(server)

    house.wait_for_nobody()
    assert "Traceback" not in (house.folder / "log").read_text()
    house.run("worker")
    check(house, reference)
    assert house.row(job_id)["lost_claims"] == 0
