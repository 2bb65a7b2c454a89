"""Jobs as they are told: listed, looked at, waited for, cancelled, deleted, their history."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from service.errors import DivergedError
from service.jobs.job import Outcome
from service.jobs.stored_errors import stored_error
from service.training.runs import Epoch
from tests.api.jobs import UNKNOWN, without_instance, world

pytestmark = pytest.mark.anyio
FIELDS = {
    *("id", "kind", "name", "status", "priority", "cancel_requested", "attempt", "progress"),
    *("created_at", "started_at", "finished_at", "error", "split", "metadata", "links"),
}
BAD_IDS = (
    *("x", "job_x", "..%5c", "%00", "a%0aFAKE%20LOG%1b[31m", "1" * 5000, "job_%D0%B0"),
    *(UNKNOWN.upper(), UNKNOWN + "0", "%F0%9F%92%A3", "x'%20UNION%20SELECT%20key"),
)


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path) as found:
        yield found


async def test_a_job_is_told_with_the_fields_of_the_contract(here):
    job = here.job(name="first", metadata={"a": "b"}, priority=2)

    response = await here.client.get(f"/v1/jobs/{job.id}")

    told = response.json()
    assert response.status_code == 200
    assert told.keys() == FIELDS
    assert (told["name"], told["priority"], told["metadata"]) == ("first", 2, {"a": "b"})
    assert (told["status"], told["attempt"], told["progress"]) == ("queued", 0, None)
    assert told["links"]["events"] == f"/v1/jobs/{job.id}/events"
    created = datetime.fromisoformat(told["created_at"])
    assert created.tzinfo == UTC
    assert abs(created.timestamp() - time.time()) < 60


async def test_a_failed_job_tells_its_error_as_a_problem(here):
    job = here.job()
    error = DivergedError("the loss is infinite at epoch 3, step 7", hint="a smaller rate")
    here.stores.work.finish(here.claim(), Outcome("failed", error=stored_error(error)))

    told = (await here.client.get(f"/v1/jobs/{job.id}")).json()

    assert told["status"] == "failed"
    assert told["error"]["code"] == "diverged"
    assert told["error"]["status"] == 422
    assert told["error"]["instance"] == job.id
    assert told["error"]["errors"][0]["message"].startswith("the loss is infinite")


async def test_pages_lead_through_all_jobs_newest_first(here):
    ids = [here.job(name=str(k)).id for k in range(5)]

    found, after = [], None
    for _ in range(3):
        query = {"limit": 2} | ({"after": after} if after else {})
        page = (await here.client.get("/v1/jobs", params=query)).json()
        found += [job["id"] for job in page["data"]]
        after = page["next"]
        assert page["has_more"] == (after is not None)

    assert found == ids[::-1]
    assert after is None


async def test_a_list_is_of_the_status_and_kind_asked_for(here):
    first, second = here.job(), here.job()
    here.stores.jobs.cancel("local", first.id)

    queued = (await here.client.get("/v1/jobs?status=queued&kind=train")).json()["data"]
    none = (await here.client.get("/v1/jobs?kind=evaluate")).json()

    assert [job["id"] for job in queued] == [second.id]
    assert none == {"data": [], "has_more": False, "next": None}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=-1", ["limit", "'-1'", "a whole number from 1 to 100"]),
        ("limit=101", ["'101'", "a whole number from 1 to 100"]),
        ("limit=1e400", ["'1e400'", "a whole number from 1 to 100"]),
        ("limit=" + "9" * 5000, ["a whole number from 1 to 100"]),
        ("limit=1&limit=2", ["'limit'", "twice"]),
        ("after=eyJ0ZW5hbnQiOiJvdGhlciJ9", ["after"]),
        ("after=%00", ["after"]),
        ("status=donee", ["'donee'", "'queued', 'running', 'succeeded'"]),
        ("kind=train%0d%0aX", ["'train\\r\\nX'", "'train' or 'evaluate'"]),
        ("stattus=queued", ["'stattus'", "did you mean 'status'?"]),
        ("api_key=x", ["'api_key'"]),
    ],
)
async def test_a_bad_query_is_told_what_may_be(here, query, words):
    response = await here.client.get(f"/v1/jobs?{query}")

    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "validation")
    texts = problem["errors"][0]["message"] + (problem["errors"][0]["hint"] or "")
    assert [word for word in words if word not in texts] == []


@pytest.mark.parametrize("seconds", ["-1", "31", "nan", "inf", "x"])
async def test_a_wait_is_at_most_half_a_minute(here, seconds):
    response = await here.client.get(f"/v1/jobs/{UNKNOWN}?wait_seconds={seconds}")

    assert response.status_code == 422
    assert "a number from 0 to 30" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        *(("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/history")),
        *(("GET", "/events"), ("GET", "?wait_seconds=3")),
    ],
)
async def test_an_id_that_cannot_be_is_answered_as_an_unknown_one(here, method, rest):
    unknown = await here.client.request(method, f"/v1/jobs/{UNKNOWN}{rest}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")

    for name in BAD_IDS:
        response = await here.client.request(method, f"/v1/jobs/{name}{rest}")

        assert response.status_code == 404
        assert without_instance(response) == without_instance(unknown)


async def test_waiting_ends_as_soon_as_the_job_does(here):
    job = here.job()
    claim = here.claim()

    async def end():
        await asyncio.sleep(0.4)
        here.stores.work.finish(claim, Outcome("succeeded", result=b"x"))

    ending = asyncio.create_task(end())
    started = time.monotonic()
    response = await here.client.get(f"/v1/jobs/{job.id}?wait_seconds=10")
    seconds = time.monotonic() - started
    await ending

    assert response.json()["status"] == "succeeded"
    assert 0.3 < seconds < 1.5


async def test_waiting_ends_when_its_time_is_over(here):
    job = here.job()

    started = time.monotonic()
    response = await here.client.get(f"/v1/jobs/{job.id}?wait_seconds=0.3")

    assert response.json()["status"] == "queued"
    assert 0.25 < time.monotonic() - started < 1.5


async def test_a_job_that_is_deleted_while_one_waits_is_not_found(here):
    job = here.job()
    asked = asyncio.create_task(here.client.get(f"/v1/jobs/{job.id}?wait_seconds=10"))
    await asyncio.sleep(0.2)

    assert (await here.client.delete(f"/v1/jobs/{job.id}")).status_code == 204

    assert (await asked).status_code == 404


async def test_a_job_is_cancelled_once(here):
    job = here.job()

    first = await here.client.post(f"/v1/jobs/{job.id}/cancel")
    second = await here.client.post(f"/v1/jobs/{job.id}/cancel")

    assert (first.status_code, first.json()["status"]) == (202, "cancelled")
    assert (second.status_code, second.json()["code"]) == (409, "already_finished")
    assert "cancelled" in second.json()["detail"]


async def test_a_job_that_runs_cannot_be_deleted(here):
    job = here.job()
    here.claim()

    response = await here.client.delete(f"/v1/jobs/{job.id}")

    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert (await here.client.get(f"/v1/jobs/{job.id}")).json()["status"] == "running"


async def test_the_history_is_told_page_by_page(here):
    job = here.job()
    claim = here.claim()
    epochs = [Epoch(k, 1.0 / k, None, 0.5, 0.1) for k in range(1, 4)]
    here.stores.work.report(claim, {"epoch": 3, "epochs": 9, "step": 0}, epochs)

    first = (await here.client.get(f"/v1/jobs/{job.id}/history?limit=2")).json()
    rest = (await here.client.get(f"/v1/jobs/{job.id}/history?after={first['next']}")).json()

    assert [entry["epoch"] for entry in first["data"]] == [1, 2]
    assert (first["has_more"], first["next"]) == (True, 2)
    assert rest["data"] == [
        {
            "epoch": 3,
            "loss": 1 / 3,
            "validation_loss": None,
            "gradient_norm": 0.5,
            "learning_rate": 0.1,
        }
    ]
    assert (rest["has_more"], rest["next"]) == (False, None)


async def test_other_methods_are_refused_with_those_that_are_there(here):
    for path, allowed in (
        ("/v1/jobs/x", "DELETE, GET, HEAD"),
        ("/v1/jobs/x/cancel", "POST"),
        ("/v1/jobs/x/events", "GET, HEAD"),
    ):
        response = await here.client.put(path)
        assert (response.status_code, response.headers["allow"]) == (405, allowed)


async def test_a_path_with_a_typing_error_gets_a_hint(here):
    response = await here.client.get("/v1/jobs/x/evnts")

    assert response.status_code == 404
    assert response.json()["errors"][0]["hint"] == "did you mean '/v1/jobs/x/events'?"
