"""The path of a job through the processes of docker-compose.yml."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.house import wait_for
from tests.faults.invariants import check
from tests.faults.tasks import as_json, training_document
from tests.system.system import APIS, WORKERS
from tests.test_readme import README, ROOT, rounded


@pytest.mark.parametrize("name", APIS)
def test_the_job_of_the_readme_goes_through_either_process(system, tmp_path, name):
    section = README.split("## Train as a job")[1].split("\n## ")[0]
    scripts = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    printed = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    gradserve = shlex.join([sys.executable, "-m", "service"])
    script = "\necho +++\n".join(scripts[:3]).replace("http://127.0.0.1:8000", system.url(name))
    script = re.sub(r"(?<![\w/])\.venv/bin/python", sys.executable, script)
    script = re.sub(r"(?<![\w/])\.venv/bin/gradserve", gradserve, script)
    script = script.replace("curl ", 'curl -H "Authorization: Bearer $GRADSERVE_KEY" ')
    asked = {"GRADSERVE_URL": system.url(name), "GRADSERVE_KEY": system.key}

    done = subprocess.run(
        ["sh", "-ec", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | asked | {"PYTHONPATH": str(ROOT)},
    )

    events, *answers = done.stdout.split("+++")
    assert events.rstrip().endswith('data: {"status":"succeeded","attempt":1}')
    assert [rounded(json.loads(answer)) for answer in answers] == [
        rounded(json.loads(answer)) for answer in printed
    ]
    with system.client(name) as client:  # the house knows the jobs that it has submitted
        (job,) = (
            job
            for job in client.get("/v1/jobs").json()["data"]
            if job["id"] not in system.house.expected
        )
        assert client.delete(job["links"]["self"]).status_code == 204


def test_what_one_process_has_taken_the_other_tells_of(system, reference):
    job_id = system.submit(training_document(0.2), "api-1")

    with system.client("api-2") as client:
        told = client.get(f"/v1/jobs/{job_id}?wait_seconds=20").json()
        result = client.get(f"/v1/jobs/{job_id}/result")

    assert (told["status"], result.status_code) == ("succeeded", 200)
    check(system.house, reference)


def test_events_come_through_the_proxy_while_they_happen(system, reference):
    job_id = system.submit(training_document(2.0, seed=1))
    path = f"/v1/jobs/{job_id}/events"

    with system.client() as client, client.stream("GET", path) as response:
        lines = response.iter_lines()
        seen = next(line for line in lines if '"running"' in line)
        is_running = system.house.job(job_id).status == "running"
        last = [line for line in lines if line.startswith("data: ")][-1]

    assert (seen, is_running) == ('data: {"status":"running","attempt":1}', True)
    assert last == 'data: {"status":"succeeded","attempt":1}'
    check(system.house, reference)


def test_an_upload_reaches_a_process_while_it_is_sent(system):
    uploads = system.house.settings.data_directory / "uploads"
    parts, half = urlsplit(system.url()), b"a,b\n" + b"1,2\n" * 300_000
    head = (
        f"POST /v1/datasets HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: text/csv\r\n"
        f"Authorization: Bearer {system.key}\r\nContent-Length: {2 * len(half)}\r\n\r\n"
    )

    with socket.create_connection((parts.hostname, parts.port), timeout=20) as sent:
        sent.sendall(head.encode() + half)
        wait_for(lambda: any(p.stat().st_size for p in uploads.glob("*/original")), 20.0)
        answer = b""
        while b"}" not in answer and (piece := sent.recv(2**16)):
            answer += piece

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"request_timeout"' in answer
    wait_for(lambda: not any(uploads.glob("*/original")), 10.0, "the end of the upload")


def test_the_workers_are_in_the_cluster_by_their_certificates(system):
    for name in WORKERS:
        wait_for(lambda name=name: '"in the cluster"' in system.log(name), told="a member")
        assert "tls://" in system.log(name)
    assert "schedules at tls://" in system.log("scheduler")


def test_the_workers_share_a_training_where_that_is_asked_for(system):
    """Its result is another's to rounding only, so it is none of the house's jobs."""
    document = as_json(training_document(60)) | {"workers": 2, "batch_size": 64}

    with system.client() as client:
        taken = client.post("/v1/jobs", json=document).json()
        wait_for(lambda: workers_that_say(system, "hired", taken["id"]), told="a worker's help")
        assert client.post(taken["links"]["cancel"]).is_success
        wait_for(lambda: client.get(taken["links"]["self"]).json()["status"] == "cancelled")
        split = client.get(taken["links"]["self"]).json()["split"]
        assert client.delete(taken["links"]["self"]).status_code == 204

    (hiring,) = workers_that_say(system, "hired", taken["id"])
    (lent,) = workers_that_say(system, "lent", taken["id"])
    assert (split["parts"], {hiring, lent}) == (2, set(WORKERS))
    wait_for(lambda: workers_that_say(system, "given back", taken["id"]) == [lent])


def workers_that_say(system, event, job_id):
    """The workers whose log has this event of the job."""
    return [
        name
        for name in WORKERS
        if any(
            f'"event": "{event}"' in line and job_id in line
            for line in system.log(name).splitlines()
        )
    ]


def test_a_body_that_is_too_large_is_refused_by_the_service_itself(system):
    with system.client() as client:
        answer = client.post("/v1/gradient", content=bytes(33 * 2**20))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_nobody_is_let_in_without_a_key_and_nobody_reads_metrics_there(system):
    assert httpx.get(f"{system.url()}/v1/jobs").status_code == 401
    with system.client() as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/readyz").status_code == 200
