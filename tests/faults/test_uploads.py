"""Uploads to a real server: large, slow, cut, while the disk is full, while it stops."""

import resource
from hashlib import sha256

import psutil
import pytest

from tests.faults.house import SHUTDOWN_SECONDS, House, stop
from tests.faults.uploads import PATH, Uploads, answer, csv_pieces

MOST_GROWTH = 40 * 2**20
CSV = "text/csv"


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("uploads"))
    with Uploads(house, body_pause_seconds=1.0, max_dataset_bytes=2**30) as found:
        yield found
    house.close()


@pytest.mark.parametrize("has_length", [False, True])
def test_memory_does_not_grow_with_an_upload_or_a_download(uploads, has_length):
    """With GRADSERVE_TEST_UPLOAD_MEGABYTES=300 as well."""
    assert uploads.post(b"a\n1\n", CSV).status_code == 201
    digest, size = sha256(), 0
    for piece in csv_pieces():
        digest.update(piece)
        size += len(piece)
    before = uploads.live.reset_peak()
    headers = {"Content-Length": str(size)} if has_length else {}

    found = uploads.post(csv_pieces(), CSV, headers).json()

    assert (found["bytes"], found["sha256"]) == (size, digest.hexdigest())
    got = sha256()
    with uploads.client.stream("GET", found["links"]["content"]) as response:
        for piece in response.iter_bytes():
            got.update(piece)
    assert got.digest() == digest.digest()
    assert uploads.live.peak_bytes() - before < MOST_GROWTH


def test_an_upload_that_stops_coming_is_ended(uploads):
    before = uploads.kept()
    with uploads.half() as connection:
        told = answer(connection)

    assert told.startswith("HTTP/1.1 408 ")
    assert '"code":"request_timeout"' in told.replace(" ", "")
    uploads.assert_clear(before)


def test_of_a_connection_that_is_cut_nothing_is_left(uploads):
    before, listed = uploads.kept(), uploads.client.get(PATH).json()["data"]
    for _ in range(5):
        with uploads.half():
            pass

    uploads.assert_clear(before)
    assert uploads.client.get(PATH).json()["data"] == listed


def test_a_full_disk_is_told_and_recovered_from(uploads):
    kept = uploads.post(b"a\n1\n", CSV)
    before = uploads.kept()
    processes = [psutil.Process(pid) for pid in uploads.live.processes()]
    limits = {each: each.rlimit(resource.RLIMIT_FSIZE) for each in processes}
    for each in processes:
        each.rlimit(resource.RLIMIT_FSIZE, (8 * 2**20, limits[each][1]))

    refused = [uploads.post(csv_pieces(20), CSV) for _ in range(3)]
    uploads.assert_clear(before)
    read = uploads.client.get(kept.json()["links"]["content"])
    for each in processes:
        each.rlimit(resource.RLIMIT_FSIZE, limits[each])
    taken = uploads.post(csv_pieces(20), CSV)

    assert [each.status_code for each in refused] == [503] * 3
    assert {each.json()["code"] for each in refused} == {"storage_full"}
    assert all(int(each.headers["retry-after"]) > 0 for each in refused)
    assert read.content == b"a\n1\n"
    assert taken.status_code == 201


def test_a_server_that_stops_ends_an_upload_that_has_come_half(house):
    with Uploads(house) as uploads, uploads.half() as connection:
        seconds = stop(uploads.process)
        told = answer(connection)

    assert seconds < SHUTDOWN_SECONDS
    assert told.startswith("HTTP/1.1 503 ")
    uploads.assert_clear()
