"""The same request with the same key has its first answer, whatever is gone since then."""

import pytest

from service.api.schemas.jobs import TRAIN
from tests.api.jobs import UNKNOWN, world

pytestmark = pytest.mark.anyio
KEY = {"Idempotency-Key": "k1"}
ROWS = b"a,b,y\n1,2,1\n3,4,2\n2,1,0.5\n"


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path) as found:
        yield found


async def task_on_a_dataset(here):
    """A task on a new dataset, and how both are deleted."""
    headers = {"Content-Type": "text/csv"}
    uploaded = await here.client.post("/v1/datasets", content=ROWS, headers=headers)
    dataset = uploaded.json()["id"]
    data = {"dataset": dataset, "inputs": ["a", "b"], "targets": ["y"]}
    return TRAIN | {"data": data}, f"/v1/datasets/{dataset}"


async def task_after_another(here):
    """A task that goes on from a job which has ended, and where that is deleted."""
    place = (await here.client.post("/v1/jobs", json=TRAIN)).headers["location"]
    here.run_all()
    model = {"kind": "job", "id": place.rpartition("/")[2]}
    return TRAIN | {"model": model}, place


@pytest.mark.parametrize("made", [task_on_a_dataset, task_after_another])
async def test_a_key_has_its_first_answer_after_what_it_names_is_deleted(here, made):
    task, place = await made(here)
    first = await here.client.post("/v1/jobs", json=task, headers=KEY)
    await here.client.post(f"{first.headers['location']}/cancel")
    deleted = await here.client.delete(place)

    again = await here.client.post("/v1/jobs", json=task, headers=KEY)
    without_key = await here.client.post("/v1/jobs", json=task)

    assert (first.status_code, deleted.status_code, again.status_code) == (202, 204, 202)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert without_key.status_code == 404


async def test_a_key_of_another_request_is_refused_before_anything_else(here):
    await here.client.post("/v1/jobs", json=TRAIN, headers=KEY)
    task = TRAIN | {"model": {"kind": "job", "id": UNKNOWN}}

    response = await here.client.post("/v1/jobs", json=task, headers=KEY)

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_request_that_names_what_is_gone_does_not_use_its_key_up(here):
    task = TRAIN | {"model": {"kind": "job", "id": UNKNOWN}}
    bad = await here.client.post("/v1/jobs", json=task, headers=KEY)
    good = await here.client.post("/v1/jobs", json=TRAIN, headers=KEY)

    assert (bad.status_code, good.status_code) == (404, 202)
    assert "idempotent-replayed" not in good.headers
