"""Several HTTP processes: their metrics add up, and a revoked key stops in every one."""

import time
from http.client import HTTPConnection

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.access import SCOPES, Key, hash_of, new_token, written
from service.settings import Settings
from service.stores import build_stores
from tests.commands.serving import serving

PROCESSES, REQUESTS = 2, 60
MOST_SECONDS = 5.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def keys(folder):
    return build_stores(Settings(data_directory=folder)).keys


@pytest.fixture(scope="module")
def served(folder, keys):
    with serving("--http-processes", str(PROCESSES), data_directory=folder) as found:
        yield found


def made(keys):
    key_id, secret = new_token()
    key = Key(key_id, "a", "test", SCOPES, hash_of(secret), keys.now())
    keys.add_key(key)
    return key_id, {"Authorization": f"Bearer {written(key_id, secret)}"}


def ask(served, path, headers):
    """A request on a connection of its own, so that any process may answer it."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_the_metrics_of_all_processes_add_up(served, keys):
    _, header = made(keys)
    for _ in range(REQUESTS):
        assert ask(served, "/v1/jobs", header)[0] == 200

    for _ in range(5):
        text = ask(served, "/metrics", header)[1]
        found = {
            (sample.name, sample.labels.get("route")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert found["gradserve_http_requests_total", "/v1/jobs"] == REQUESTS
        assert found["gradserve_http_request_duration_seconds_count", "/v1/jobs"] == REQUESTS
        assert found["gradserve_http_processes", None] == PROCESSES
        assert found["gradserve_http_resident_memory_bytes", None] > PROCESSES * 30 * 2**20


def test_a_revoked_key_stops_within_five_seconds_in_every_process(served, keys):
    key_id, header = made(keys)
    for _ in range(REQUESTS):
        assert ask(served, "/v1/jobs", header)[0] == 200
    keys.revoke_key(key_id)
    revoked = last_good = time.monotonic()

    while time.monotonic() < last_good + 2.0:
        asked = time.monotonic()
        if ask(served, "/v1/jobs", header)[0] == 200:
            last_good = asked
        assert asked < revoked + MOST_SECONDS
    statuses = {ask(served, "/v1/jobs", header)[0] for _ in range(REQUESTS)}

    assert last_good - revoked < MOST_SECONDS
    assert statuses == {401}
