"""A walk over every operation with another tenant's key: nothing is seen, told or changed."""

import asyncio

import pytest

from service.api.contract import contract
from service.api.schemas.jobs import TRAIN
from service.jobs.datasets import Described
from service.settings import Settings
from service.training.runs import Epoch
from service.wiring import build_routes
from tests.api.jobs import UNKNOWN, without_instance, world

pytestmark = pytest.mark.anyio
NO_DATASET = "ds_" + "7" * 26
BODIES = {"submit_job": TRAIN, "predict_with_job": {"inputs": [[1, 2]]}}
# What a route with an id in its path is about, by the beginning of the path.
KINDS = {"/v1/jobs/": UNKNOWN, "/v1/datasets/": NO_DATASET}


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def operations():
    document = contract(build_routes(Settings()))
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def state(here, job, dataset):
    """All that the owner can see of what is theirs."""
    jobs = here.stores.jobs
    return (
        jobs.job("a", job.id),
        jobs.events("a", job.id),
        jobs.history("a", job.id),
        jobs.jobs("a"),
        here.stores.records.dataset("a", dataset.id),
    )


async def test_nothing_of_another_tenant_is_seen_told_or_changed(here, operations):
    job = here.job("a", name="a secret name", metadata={"secret": "a private value"})
    here.stores.work.report(
        here.claim(), {"epoch": 1, "epochs": 2, "step": 0}, [Epoch(1, 0.123456, None, 0.1, 0.1)]
    )
    described = Described(format="csv", rows=3, columns=(), bytes=3, sha256="ab" * 32)
    dataset = here.stores.records.add_dataset("a", "a secret table", described)
    secrets = (job.id, dataset.id, "a secret", "a private value", "0.123456", "ab" * 32)
    before = state(here, job, dataset)
    key = here.key("b")
    walked = 0

    for method, path, operation in operations:
        name = operation["operationId"]
        unknown = next((i for start, i in KINDS.items() if path.startswith(start)), None)
        if "{" in path and unknown is None:
            continue
        own = dataset.id if unknown == NO_DATASET else job.id
        answers = [
            await here.client.request(
                method,
                path.replace("{id}", found or ""),
                headers=key | {"Last-Event-ID": "1"} if "events" in path else key,
                json=BODIES.get(name, {}) if "requestBody" in operation else None,
            )
            for found in ([own, unknown] if unknown else [None])
        ]
        for answer in answers:
            assert not any(secret in answer.text for secret in secrets), (method, path)
        if unknown:
            assert {answer.status_code for answer in answers} == {404}, (method, path)
            first, second = map(without_instance, answers)
            assert first == second, (method, path)
            plain = [
                {k: v for k, v in answer.headers.items() if not _is_own(k)}
                for answer in answers
            ]
            assert plain[0] == plain[1], (method, path)
        walked += 1

    assert walked > 25
    assert state(here, job, dataset) == before


async def test_every_operation_below_v1_asks_for_a_key(here, operations):
    here.key("a")

    for method, path, operation in operations:
        response = await here.client.request(method, path)
        is_open = not path.startswith("/v1/")
        assert (operation.get("security") == []) == is_open, path
        assert ("x-required-scope" in operation) == (not is_open and path != "/v1/info"), path
        assert (response.status_code != 401) == is_open, path


async def test_requests_that_name_anothers_things_are_answered_as_for_unknown_ones(here):
    job = here.job("a")
    key = here.key("b")
    answers = []
    for job_id in (job.id, UNKNOWN):
        body = TRAIN | {"model": {"kind": "job", "id": job_id}}
        answers.append(await here.client.post("/v1/jobs", json=body, headers=key))

    assert answers[0].status_code == answers[1].status_code >= 400
    assert without_instance(answers[0]) == without_instance(answers[1])
    assert job.id not in answers[0].text


async def test_a_page_of_another_tenant_leads_nowhere(here):
    mine, theirs = here.key("a"), here.key("b")
    for _ in range(3):
        here.job("a")
    here.job("b")
    page = (await here.client.get("/v1/jobs?limit=1", headers=mine)).json()

    response = await here.client.get(f"/v1/jobs?after={page['next']}", headers=theirs)

    assert response.status_code == 200
    assert all(job["id"] not in str(page) for job in response.json()["data"])
    assert len(response.json()["data"]) <= 1


async def test_waiting_for_anothers_job_takes_no_time(here):
    job = here.job("a")
    request = here.client.get(f"/v1/jobs/{job.id}?wait_seconds=30", headers=here.key("b"))

    assert (await asyncio.wait_for(request, 2)).status_code == 404


def _is_own(name):
    return name in ("x-request-id", "ratelimit-remaining", "ratelimit-reset", "content-length")
