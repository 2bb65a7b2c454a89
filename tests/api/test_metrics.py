"""Metrics and readiness: what an operator sees."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.api.schemas.jobs import TRAIN
from service.jobs.job import Outcome
from tests.api.jobs import UNKNOWN, world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path) as found:
        yield found


async def samples(here):
    response = await here.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def labelled(name, **labels):
    return (name, *sorted(labels.items()))


async def test_requests_are_counted_by_route_and_class_of_status(here):
    for path in (f"/v1/jobs/{UNKNOWN}", "/v1/jobs/other", "/nowhere/1", "/nowhere/2"):
        await here.client.get(path)
    await here.client.request("BREW", "/healthz")

    found = await samples(here)

    name = "gradserve_http_requests_total"
    assert found[labelled(name, method="GET", route="/v1/jobs/{id}", status="4xx")] == 2
    assert found[labelled(name, method="GET", route="none", status="4xx")] == 2
    assert found[labelled(name, method="other", route="/healthz", status="4xx")] == 1
    seconds = "gradserve_http_request_duration_seconds_count"
    assert found[labelled(seconds, method="GET", route="/v1/jobs/{id}")] == 2


async def test_the_cache_of_plans_is_counted(here):
    body = {"expression": "x + 1", "variables": {"x": 1}}
    for _ in range(3):
        await here.client.post("/v1/evaluate", json=body)

    found = await samples(here)

    name = "gradserve_plan_cache_lookups_total"
    assert found[labelled(name, result="miss")] == 1
    assert found[labelled(name, result="hit")] == 2


async def test_the_queue_and_what_came_of_jobs_are_told(here):
    for _ in range(3):
        await here.client.post("/v1/jobs", json=TRAIN)
    here.stores.work.finish(here.claim(), Outcome("succeeded", result=b"x"))
    here.claim()
    here.stores.work.worker_seen("w", 30.0)
    here.stores.work.count("worker_restarts")

    found = await samples(here)

    assert found["gradserve_store_up",] == 1
    assert (found["gradserve_jobs_queued",], found["gradserve_jobs_running",]) == (1, 1)
    assert 0 <= found["gradserve_oldest_queued_job_age_seconds",] < 60
    assert found["gradserve_workers",] == 1
    assert found["gradserve_worker_restarts_total",] == 1
    finished = labelled("gradserve_jobs_finished_total", kind="train", status="succeeded")
    assert found[finished] == 1
    assert found["gradserve_http_resident_memory_bytes",] > 10 * 2**20


async def test_a_service_with_workers_is_ready_once_one_is_alive(tmp_path):
    async with world(tmp_path, workers=1) as here:
        early = await here.client.get("/readyz")
        here.stores.work.worker_seen("w", 30.0)
        late = await here.client.get("/readyz")

    assert (early.status_code, early.json()["code"]) == (503, "unavailable")
    assert "no worker" in early.json()["detail"]
    assert late.status_code == 200
