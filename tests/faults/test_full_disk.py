"""A disk that is full while a service runs, by the largest size that its files may have."""

import resource
import time
from contextlib import contextmanager

import pytest

from tests.faults.clients import LONGEST_SECONDS, Submitter, ask, client_of, submit
from tests.faults.house import LEASE_SECONDS, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.tasks import training_document

pytestmark = pytest.mark.faults

ROOM = 4096  # less than a page of the write-ahead log with its head
LONG, SHORT = training_document(2.5), training_document(0.1)
SMALL, LARGE = b"a,b\n1,2\n", b"a,b\n" + b"1.25,2.5\n" * 100_000
CSV = {"Content-Type": "text/csv"}
BOUNDLESS = resource.RLIM_INFINITY


def test_a_full_disk_refuses_what_is_new_and_loses_nothing(house, reference):
    _, address = house.serve(workers=2)
    with client_of(address) as client:
        early = submit(house, client, SHORT).document["id"]
        house.finished(early)
        kept = upload(client, SMALL).document["id"]
        long = submit(house, client, LONG).document["id"]
        house.worker_of(long, checkpoint=True)
        before = files(house)

        with Submitter(house, address, most=1) as submitter, full_disk(house):
            refused = [upload(client, LARGE), submit(house, client, large())]
            refused += [submit(house, client, SHORT, "key"), ask(client, "GET", "/readyz")]
            refused.append(ask(client, "DELETE", f"/v1/datasets/{kept}"))
            read = [ask(client, "GET", path) for path in paths(early, long, kept)]
            time.sleep(1.5 * LEASE_SECONDS)
            after = files(house)
        wait_for(lambda: ask(client, "GET", "/readyz").status == 200, told="readiness")
        wait_for(lambda: submitter.acknowledged, LONGEST_SECONDS, "a job that is taken")
        again = upload(client, LARGE), submit(house, client, large())

    assert {(answer.status, answer.code) for answer in refused} == {(503, "storage_full")}
    assert all(int(answer.retry_after) >= 1 for answer in refused)
    assert {answer.status for answer in submitter.answers} == {202, 503}
    assert {answer.status for answer in read} == {200}
    assert max(answer.seconds for answer in refused + read) < 5
    assert after <= before
    assert [answer.status for answer in again] == [201, 202]
    check(house, reference)
    assert set(lost_claims(house).values()) <= {0, 1}
    assert house.job(long).attempt == lost_claims(house)[long] + 1 == 2
    assert "unforeseen" not in (house.folder / "log").read_text()


@contextmanager
def full_disk(house):
    """Within this context no process of the house may make a file longer, if it is not tiny."""
    limit(house, ROOM)
    try:
        yield
    finally:
        limit(house, BOUNDLESS)


def limit(house, size):
    """How large the files may be that the processes write."""
    for pid in house.processes():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, BOUNDLESS))


def upload(client, content):
    """The answer to an upload."""
    return ask(client, "POST", "/v1/datasets", content=content, headers=CSV)


def large():
    """A job whose request is too large for a row."""
    document = training_document(0.1)
    data = document["data"]
    data["inputs"] = data["inputs"].repeat(200, axis=0)
    data["targets"] = data["targets"].repeat(200, axis=0)
    return document | {"epochs": 2}


def paths(finished, running, dataset):
    """What can be read."""
    jobs = f"/v1/jobs/{finished}", f"/v1/jobs/{running}", "/v1/jobs"
    contents = f"/v1/jobs/{finished}/result", f"/v1/jobs/{finished}/history"
    return *jobs, *contents, f"/v1/datasets/{dataset}/content", "/healthz"


def files(house):
    """The files of datasets and of jobs, and those on their way."""
    folder = house.settings.data_directory
    return {
        path
        for name in ("files", "cache", "uploads")
        for path in (folder / name).rglob("*")
        if path.is_file()
    }
